"""Every paper that has no file yet, of whatever kind: notices first, people wait for them."""

from pledges import notices, receipts
from pledges.search import certificates


def print_missing(*, limit: int = 100) -> int:
    """Print up to that many of each kind; returns how many were. Safe to repeat and to run twice at once."""
    return sum(each.print_missing(limit=limit) for each in (notices, receipts, certificates))
