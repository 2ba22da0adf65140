"""The pages of oversight, by reader."""
