"""What must hold in the portal's data at any moment: one list, checked after every run of the proof and on any database."""
