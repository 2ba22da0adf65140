"""Pages of the product library, by who is looking."""
