"""Pages of the pledge registration, split by who looks."""
