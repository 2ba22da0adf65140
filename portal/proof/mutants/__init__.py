"""Seeded bugs that the proof must catch: each breaks one thing in the way such things break in practice.

One at a time, named by PROOF_MUTANT, in processes that run `portal.proof.settings`; the portal's own code has no switch.
`install` patches a process, `prepare` drops in a world's own database the constraints that would make the bug impossible.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import connection


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. `about`: what is wrong; `caught_by`: invariants of which at least one must report it.

    `needs`: what the run must bring beyond ordinary load, as the harness names it. `drops`: statements for its own database.
    """

    name: str
    about: str
    install: Callable[[], None]
    caught_by: Sequence[str]
    needs: Sequence[str] = field(default_factory=tuple)
    drops: Sequence[str] = field(default_factory=tuple)


MUTANTS: dict[str, Mutant] = {}


def mutant(
    name: str, about: str, *, caught_by: Sequence[str], needs: Sequence[str] = (), drops: Sequence[str] = ()
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Enter a patch function in the list."""

    def enter(install: Callable[[], None]) -> Callable[[], None]:
        if name in MUTANTS:
            raise RuntimeError(f"mutant {name!r} is registered twice")
        MUTANTS[name] = Mutant(name, about, install, tuple(caught_by), tuple(needs), tuple(drops))
        return install

    return enter


def install(name: str) -> None:
    """Break this process. Raises KeyError for an unknown name: a mutant that is not there would look caught by nothing."""
    MUTANTS[name].install()


def prepare(name: str) -> None:
    """Drop what the database would refuse the bug with. Only ever called on a world's own, empty database."""
    with connection.cursor() as cursor:
        for statement in MUTANTS[name].drops:
            cursor.execute(statement)
