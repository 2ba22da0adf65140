"""Demonstration data: a believable day in the portal, told through the portal's own actions. Never in production."""
