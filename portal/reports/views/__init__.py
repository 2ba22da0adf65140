"""Pages of supervision, split by what a regulator does there."""
