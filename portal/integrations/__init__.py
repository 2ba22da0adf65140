"""Machines of institutions: their keys, their signatures (docs/contracts/api-keys.md)."""
