"""Policy, guide and the other public pages."""
