"""Finale Inventory in your own Postgres: fresh, complete, explained."""
