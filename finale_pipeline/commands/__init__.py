"""One file per command: what it takes, what it does, what it prints."""
