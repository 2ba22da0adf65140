"""One contract, many patents, one of them bad: the registration is decided for the contract as a whole (domain.md §8, 3).

Nothing is registered in part. What can be done is said with the patents named: leave them out by agreement, or wait.
"""

from dataclasses import dataclass, replace

from .facts import FileFacts, PatentFacts
from .grounds import RULES, CheckResult, r07, r12
from .kinds import WAIVABLE, Ground

_OF_A_PATENT = [rule for rule in RULES if rule not in (r07, r12)]


@dataclass(frozen=True, slots=True)
class Bad:
    """A patent that stands in the way, with the grounds that are found on it alone."""

    patent: PatentFacts
    grounds: list[CheckResult]

    @property
    def codes(self) -> str:
        return "、".join(f"{g.ground} {Ground(g.ground).label}" for g in self.grounds)


@dataclass(frozen=True, slots=True)
class Advice:
    """Some patents of the contract are bad and others are not."""

    bad: list[Bad]
    good: int

    @property
    def numbers(self) -> list[str]:
        return [b.patent.number for b in self.bad]


def bad_patents(facts: FileFacts) -> list[Bad]:
    """Each patent that alone would stop the file; grounds that a declaration waives do not make a patent bad."""
    found = []
    for patent in facts.patents:
        alone = replace(facts, patents=(patent,))
        stopping = [r for rule in _OF_A_PATENT if (r := rule(alone)).blocks and r.ground not in WAIVABLE]
        if stopping:
            found.append(Bad(patent, stopping))
    return found


def advice(facts: FileFacts) -> Advice | None:
    """What to say when a part of the patents stops the whole; None when all or none of them do, or there is only one."""
    if len(facts.patents) < 2:
        return None
    bad = bad_patents(facts)
    if not bad or len(bad) == len(facts.patents):
        return None
    return Advice(bad, len(facts.patents) - len(bad))
