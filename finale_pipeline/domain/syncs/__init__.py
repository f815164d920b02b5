"""Which sync runs, what it reads, and whether it is believed."""
