"""Pages of accounts, by errand."""
