"""Relending and rediscount quotas as a ledger: allotted, used for a loan, returned; no balance is ever below zero."""
