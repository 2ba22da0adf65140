"""The port: what a scanner is asked and what it answers."""

from typing import IO, Protocol

from django.conf import settings

from .clamd import Clamd


class Scanner(Protocol):
    """Looks through one file at a time."""

    def scan(self, stream: IO[bytes]) -> str:
        """The name of what was found, "" for nothing. Raises ScannerDown when there is no answer."""


def from_settings() -> Scanner | None:
    """The scanner of the settings, None when none is set."""
    return Clamd(settings.CLAMD) if settings.CLAMD else None
