"""Backups of the embedded server and of the private files, every change since, and the way back to a moment (docs/operations.md)."""
