"""What one message is; the catalogues write them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to everybody with one of `roles` in one of `organisations`; `user_id` narrows it to one person."""

    organisations: Sequence[int]
    roles: Sequence[str]
    kind: str
    title: str
    url: str
    body: str = ""
    user_id: int | None = None
