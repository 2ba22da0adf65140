"""Pages after the registration, split by who looks."""
