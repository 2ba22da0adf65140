"""Which register this installation asks: PATENT_REGISTER is «http», «simulated» (never in production), «workbook» or «none»."""

from django.conf import settings

from .client import HttpRegister
from .interface import PatentRegister
from .simulator import InProcess


def expected() -> bool:
    """Whether the office is to compare with the register at all; without it an enterprise's own entry has to do."""
    return str(settings.PATENT_REGISTER) != "none"


def can_be_asked() -> bool:
    """Whether there is something to ask by itself; a workbook is brought by a person."""
    return str(settings.PATENT_REGISTER) in ("http", "simulated")


def from_settings() -> PatentRegister:
    """Raises ValueError when none can be asked, or its address is neither https nor on this machine."""
    if settings.PATENT_REGISTER == "http":
        return HttpRegister(
            settings.PATENT_REGISTER_URL,
            token=settings.PATENT_REGISTER_TOKEN,
            timeout=settings.PATENT_REGISTER_TIMEOUT,
        )
    if settings.PATENT_REGISTER == "simulated" and not settings.PRODUCTION:
        return InProcess()
    raise ValueError(f"PATENT_REGISTER={settings.PATENT_REGISTER!r} cannot be asked")
