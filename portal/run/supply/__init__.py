"""What the portal is made of: the lock files read, a bill of materials, and a look into a file of advisories."""
