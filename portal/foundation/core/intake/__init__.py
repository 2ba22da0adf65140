"""The one gate for everything that comes in as a file (docs/security/files.md). `gate.admit` is its only door."""
