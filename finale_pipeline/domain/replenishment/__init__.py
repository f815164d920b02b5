"""When stock ends and what to order."""
