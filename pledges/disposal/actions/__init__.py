"""The verbs of a disposal, the only writers."""
