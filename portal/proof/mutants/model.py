"""What a mutant is, and the list they enter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run must bring beyond ordinary load before this bug can show.

    `failpoints`: rules for `processes` ("*": every one, also the case worker), armed for the whole run (see core.failpoints). `kill`: process names killed again and
    again. `freeze`: names stopped together for some seconds while clocks fall due. `skew`: a shift of the wall clock of the
    skewed processes, e.g. `+3d`. `pledges`: registrations with corrections must be among the cases. `broker`:
    "flush" throws away everything it holds. `patience`: seconds after the load until everything should be quiet.
    """

    failpoints: str = ""
    processes: Sequence[str] = ()
    kill: Sequence[str] = ()
    freeze: Sequence[str] = ()
    skew: str = ""
    pledges: bool = False
    broker: str = "ok"
    patience: float = 25.0


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. `about`: what is wrong. `caught_by`: invariants of which at least one must report it.

    `drops`: statements for its own database, because a constraint would make the bug impossible.
    """

    name: str
    about: str
    install: Callable[[], None]
    caught_by: Sequence[str]
    needs: Needs
    drops: Sequence[str] = field(default_factory=tuple)


MUTANTS: dict[str, Mutant] = {}


def mutant(
    name: str, about: str, *, caught_by: Sequence[str], needs: Needs | None = None, drops: Sequence[str] = ()
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Enter a patch function in the list."""

    def enter(install: Callable[[], None]) -> Callable[[], None]:
        if name in MUTANTS:
            raise RuntimeError(f"mutant {name!r} is registered twice")
        MUTANTS[name] = Mutant(name, about, install, tuple(caught_by), needs or Needs(), tuple(drops))
        return install

    return enter
