"""The plan of a day: read from the warehouse, computed, written back in one transaction."""
