"""Timer of the notices: what could not be printed right after its decision is printed here."""

from typing import Any

from celery import shared_task

from . import notices, printing


@shared_task(name="pledges.render_notice")
def render_notice(notice_id: int | None = None, **kwargs: Any) -> None:
    """Print one notice, or every paper that has no file yet (safe to repeat)."""
    if notice_id is None:
        printing.print_missing()
    else:
        notices.print_notice(notice_id)
