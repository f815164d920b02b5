"""Mails: what they say, the outbox that loses none, the services that take them."""
