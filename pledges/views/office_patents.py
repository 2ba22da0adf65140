"""The patents of a file beside what the register says of them, fifty at a time."""

from datetime import datetime
from typing import Any

from django.conf import settings

from pledges.models import Registration
from portal.foundation.assets.models import RegisterLookup
from portal.foundation.assets.register.interface import STATUS_LABELS, Extract
from portal.foundation.assets.register.queries import latest
from portal.foundation.core.moments import local_date

PAGE = 50


def page_of_patents(shown: Registration, *, after: str, now: datetime) -> dict[str, Any]:
    """Context of office/_patents.html: rows in order of number from behind `after`; two queries."""
    rows = list(shown.patents.filter(number__gt=after[:13]).order_by("number")[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    known = latest([row.number for row in rows])
    today = local_date(now)
    return {
        "patents": [
            {
                "patent": row,
                "known": (said := known.get(row.number)),
                "extract": said.extract if said else None,
                "status": STATUS_LABELS[said.extract.status] if said and said.extract else "",
                "flags": _flags(said.extract) if said and said.extract else [],
                "recent": bool(
                    said
                    and said.extract
                    and said.extract.transferred_on
                    and (today - said.extract.transferred_on).days <= settings.PATENT_RECENT_TRANSFER_DAYS
                ),
                "failed": said is not None and said.outcome == RegisterLookup.Outcome.FAILED,
            }
            for row in rows
        ],
        "after_patent": rows[-1].number if more else "",
        "from_patent": bool(after),
    }


def _flags(extract: Extract) -> list[str]:
    """What would make anybody stop."""
    told = {
        "保全": extract.preserved,
        "中止": extract.suspended,
        "无效宣告程序": extract.invalidation_pending,
        f"已质押 {extract.pledge}": bool(extract.pledge),
    }
    return [words for words, so in told.items() if so]
