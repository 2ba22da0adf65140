"""Papers as PDF: the engine, the typefaces it prints with, and the lock on what it may fetch."""
