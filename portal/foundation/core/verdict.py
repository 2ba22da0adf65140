"""The answer of a rule: allowed or not, and a reason a person can read."""

from typing import NamedTuple

from .errors import DomainError, Forbidden, WrongState


class Verdict(NamedTuple):
    """What `rules.can_…` returns; falsy when refused."""

    allowed: bool
    reason: str = ""
    code: str = ""
    kind: type[DomainError] = WrongState

    def __bool__(self) -> bool:
        return self.allowed

    def require(self) -> None:
        """Raise the refusal, if it is one."""
        if not self.allowed:
            raise self.kind(self.code or "refused", self.reason)


YES = Verdict(True)


def no(code: str, reason: str) -> Verdict:
    """Refused because of the state of things (409)."""
    return Verdict(False, reason, code)


def not_you(code: str, reason: str) -> Verdict:
    """Refused because of who asks (403)."""
    return Verdict(False, reason, code, Forbidden)
