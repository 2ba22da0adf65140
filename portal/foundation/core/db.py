"""Locking and state protection shared by every model that has a state machine."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

from django.db import OperationalError, models
from django_fsm import FSMField

from .errors import Busy

M = TypeVar("M", bound=models.Model)
_HELD = ("55P03", "40P01")  # lock_not_available; deadlock_detected: PostgreSQL let the other one go on


def yuan(label: str, **options: bool) -> "models.DecimalField[Decimal, Decimal]":
    """A money column: Decimal yuan with two places."""
    return models.DecimalField(label, max_digits=16, decimal_places=2, **options)  # type: ignore[arg-type]


class StateModel(models.Model):
    """Base of models with protected FSM fields.

    django-fsm's own mixin unprotects the whole class while it refreshes, which other threads can see and an exception
    leaves behind; here only this instance's value is dropped, so that Django's refresh sets it as on first load.
    """

    class Meta:
        abstract = True

    @classmethod
    def state_fields(cls) -> list[str]:
        return [f.name for f in cls._meta.concrete_fields if isinstance(f, FSMField)]

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: "models.QuerySet[Any] | None" = None,
    ) -> None:
        names = [n for n in self.state_fields() if fields is None or n in set(fields)]
        kept = {n: self.__dict__.pop(n) for n in names if n in self.__dict__}
        try:
            super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        except BaseException:
            self.__dict__.update(kept)
            raise

    def clean_fields(self, exclude: Iterable[str] | None = None) -> None:
        super().clean_fields(exclude={*(exclude or ()), *self.state_fields()})


def lock(queryset: "models.QuerySet[M]", *, no_key: bool = False) -> M:
    """Fetch exactly one row for update (only its own table); the caller is inside the action's transaction.

    `no_key` lets others go on pointing to the row meanwhile: a person's, whose name stands on whatever they do elsewhere.
    Raises the model's DoesNotExist, or Busy when another transaction keeps the row longer than the lock time-out.
    """
    with busy_when_held():
        return queryset.select_for_update(of=("self",), no_key=no_key).get()


@contextmanager
def busy_when_held() -> Iterator[None]:
    """A row that another transaction keeps longer than the lock time-out is a sentence (Busy), not a trace."""
    try:
        yield
    except OperationalError as error:
        if (busy := busy_of(error)) is None:
            raise
        raise busy from error


def busy_of(error: Exception) -> Busy | None:
    """What to say of a database error that only means «somebody else was first»; None for every other error.

    The whole transaction is gone with it, so trying again is always right.
    """
    held = isinstance(error, OperationalError) and getattr(error.__cause__, "pgcode", "") in _HELD
    return Busy("busy", "其他人正在办理这一件，请稍候再试。") if held else None


def sources(transition: Any) -> list[str]:
    """The states a django-fsm transition may start from, read from its declaration (for conditional UPDATEs)."""
    return [str(s) for s in transition._django_fsm.transitions]
