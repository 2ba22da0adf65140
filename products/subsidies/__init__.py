"""Subsidies as schemes: a rule, a budget that is never overdrawn, a claim with evidence, two people who approve, a payment."""
