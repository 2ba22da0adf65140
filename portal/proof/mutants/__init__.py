"""Seeded bugs that the proof must catch: each breaks one thing in the way such things break in practice.

One at a time, named by PROOF_MUTANT, in processes that run `portal.proof.settings`; the portal's own code has no switch.
`install` patches a process, `prepare` drops in a world's own database the constraints that would make the bug impossible.
"""

from django.db import connection

from . import deadlines, requests, telling
from .model import MUTANTS, Mutant, Needs

__all__ = ["MUTANTS", "Mutant", "Needs", "deadlines", "install", "prepare", "requests", "telling"]


def install(name: str) -> None:
    """Break this process. Raises KeyError for an unknown name: a mutant that is not there would look caught by nothing."""
    MUTANTS[name].install()


def prepare(name: str) -> None:
    """Drop what the database would refuse the bug with. Only ever called on a world's own database, before its load."""
    with connection.cursor() as cursor:
        for statement in MUTANTS[name].drops:
            cursor.execute(statement)
