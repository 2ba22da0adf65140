"""How the owners of clocks are locked: a referral, a registration. They live on floors above, so each says it in `ready()`.

The house locks an owner before its clock. A change of the calendar begins with clocks, so it asks here for their owners first;
otherwise it and an officer who answers at that moment would wait for each other.
"""

from collections.abc import Callable, Sequence

from .models import Kind

Lock = Callable[[Sequence[int]], None]

_locks: dict[str, Lock] = {}


def register(kind: Kind, lock: Lock) -> None:
    """`lock` takes clock ids and locks those owners of this kind in the order of their keys until the transaction ends."""
    _locks[kind] = lock


def lock(clock_ids: Sequence[int]) -> None:
    """Lock the owners of these clocks, kind by kind in the house's order (referrals before registrations)."""
    for kind in Kind:
        if kind in _locks:
            _locks[kind](clock_ids)
