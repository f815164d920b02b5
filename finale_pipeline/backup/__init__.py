"""The warehouse as one file, and back."""
