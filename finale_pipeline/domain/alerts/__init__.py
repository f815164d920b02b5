"""What is critical, what is told, and what is held back."""
