"""The contract's own words against what article 8 of 公告第461号 wants in it, and a search for a forfeiture clause.

It shows where something stands; what it does not find a person looks for. It decides nothing.
"""
