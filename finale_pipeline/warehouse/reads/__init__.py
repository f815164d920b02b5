"""What pages, commands, checks and mails read, by noun: statements with bound values alone."""
