"""Encumbrance search: what anybody may ask of the pledges registered through this portal, and the certificate of the answer."""
