"""The proof: real processes under load and faults, and one checker that also runs on a production database."""
