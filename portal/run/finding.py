"""One line of the doctor's report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report. `level` is ok, warning (a part does without) or error (the portal can't run)."""

    name: str
    level: str
    text: str
