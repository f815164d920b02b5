"""A simulated Finale account over real HTTP; shares no code with the client."""
