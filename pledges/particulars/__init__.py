"""What only some files have: a maximum amount, a third-party pledgor, an agency that acts for a party."""
