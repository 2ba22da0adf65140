"""What an action says when it refuses: a code for machines, a sentence for people, a status for HTTP."""

from collections.abc import Mapping
from contextvars import ContextVar

# Seconds after which the refused may try again; views write the status only, the middleware adds the header Retry-After.
patience: ContextVar[int | None] = ContextVar("patience", default=None)


class DomainError(Exception):
    """A refusal with a reason a person can read; shown as a sentence, never as a trace.

    `fields` maps form field names to the sentence that belongs beside them.
    """

    status = 409

    def __init__(self, code: str, reason: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.fields = dict(fields or {})


class WrongState(DomainError):
    """The row is not (or no longer) in a state from which this can be done, or a race was lost."""

    status = 409


class Invalid(DomainError):
    """What was given cannot be right, whatever the state."""

    status = 400


class Forbidden(DomainError):
    """The right organisation, the wrong role."""

    status = 403


class Busy(DomainError):
    """Somebody else holds the row; trying again in a moment helps."""

    status = 409


class TooLarge(DomainError):
    status = 413


class WrongType(DomainError):
    status = 415


class TooMany(DomainError):
    """Too often, or too much, in a time; `retry_after` seconds go into the header of that name."""

    status = 429

    def __init__(self, code: str, reason: str, *, retry_after: int, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(code, reason, fields=fields)
        self.retry_after = retry_after
        patience.set(retry_after)


class Unready(DomainError):
    """Something of ours cannot do it now; trying again helps."""

    status = 503
