"""The source: everything that knows Finale's HTTP API."""
