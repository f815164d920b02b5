"""What may go wrong, done on purpose to a scratch installation; each drill names what must hold."""
