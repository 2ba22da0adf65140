"""Pages of a disposal, by who is looking."""
