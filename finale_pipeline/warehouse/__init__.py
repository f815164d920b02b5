"""The database: tables, the one write path, named reads."""
