"""From plan to draft: what is ordered where, and the one safe way to write it to Finale."""
