"""How fast it is, against the raw limit and a peer; see README.md here."""
