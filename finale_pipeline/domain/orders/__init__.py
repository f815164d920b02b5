"""Purchase orders as Finale keeps them."""
