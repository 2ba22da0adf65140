"""Papers the parties give by ticking a box: 承诺书 and the two declarations, made from the file, ready to print.

They say what was declared, by whom and when, and over which text the parties signed. They are made anew from the file each
time; what counts is the record and the signatures, which they name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models

from portal.foundation.core.display import full_date_cn
from portal.foundation.core.identifiers import PatentKind
from portal.foundation.core.moments import local, local_date

from .models import PledgedPatent, Registration
from .particulars import telling


class Made(models.TextChoices):
    """The papers that can be made, with their titles."""

    PROMISE = "promise", "主体身份真实有效承诺书"
    TWIN = "twin", "质押专利同日申请情况的声明"
    INVALIDATION = "invalidation", "质押专利无效宣告请求情况的声明"


@dataclass(frozen=True, slots=True)
class Offered:
    kind: str
    title: str


def offered(file: Registration) -> list[Offered]:
    """The papers this file's boxes make."""
    there = {
        Made.PROMISE: file.identity_promise,
        Made.TWIN: file.twin_declared,
        Made.INVALIDATION: file.invalidation_declared,
    }
    return [Offered(kind.value, str(kind.label)) for kind, ticked in there.items() if ticked]


def context(file: Registration, kind: Made, *, now: datetime) -> dict[str, Any]:
    """What the paper says; `signatures` is empty until the parties have signed, and the paper then says so."""
    rows = list(file.signatures.filter(set_aside_at=None).order_by("pk"))
    patents = [] if kind == Made.PROMISE else _concerned(file, kind)
    return {
        "title": str(kind.label),
        "kind": kind.value,
        "number": file.number,
        "demo": not settings.PRODUCTION,
        "office": file.office.name,
        "parties": [
            {"role": "出质人", "name": file.pledgor.name, "code": telling.pledgor_code(file)},
            {"role": "质权人", "name": file.pledgee.name, "code": file.pledgee.uscc or ""},
        ],
        "contract_number": file.contract_number,
        "concerned": patents,
        "signatures": [
            {
                "organisation": row.signed_for,
                "by": row.signed_by,
                "at": f"{full_date_cn(local_date(row.signed_at))} {local(row.signed_at):%H:%M}",
                "digest": row.digest,
                "electronic": bool(row.value),
            }
            for row in rows
        ],
        "issued_on": full_date_cn(local_date(max((r.signed_at for r in rows), default=now))),
    }


def _concerned(file: Registration, kind: Made) -> list[dict[str, str]]:
    """The patents the declaration is about, with what is known of them."""
    found = PledgedPatent.objects.filter(registration=file).select_related("patent").order_by("number")
    if kind == Made.TWIN:
        found = found.filter(kind=PatentKind.UTILITY).exclude(patent__same_day_twin="")
    else:
        found = found.filter(patent__invalidation_pending=True)
    return [
        {
            "number": p.dotted,
            "title": p.title,
            "twin": f"{p.patent.same_day_twin[:-1]}.{p.patent.same_day_twin[-1]}" if kind == Made.TWIN else "",
        }
        for p in found
    ]
