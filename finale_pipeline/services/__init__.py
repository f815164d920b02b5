"""The processes of a running system, and how they are started together."""
