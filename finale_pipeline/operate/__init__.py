"""What an operator does: run everything, look at it, examine it."""
