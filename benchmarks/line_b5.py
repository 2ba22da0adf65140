"""B5: submit a request, full action, through the whole HTTP stack.

Everybody goes through the portal's WSGI handler with every middleware, a database session, the chair read afresh and a
checked CSRF token (benchmarks/stack.py; only the socket is missing). The request: two patents, three institutions, so
one application, two patents, three referrals with consent and clock, one journal entry, a draft consumed, one commit.
Commits do not wait for the disk (synchronous_commit off, for all alike), because a disk is the same for everybody; the
ratios with waiting stand beside. The limit is a view that inserts one row of the application's shape; the peer is benchmarks/ordinary.py.
"""

import uuid
from typing import Any

from django.db import connection

from applications.models import Application, Draft
from benchmarks import world
from benchmarks.rounds import medians
from benchmarks.stack import Browser
from portal.foundation.core import moments
from portal.foundation.sla.models import Clock

ROUNDS = 200
INSTITUTIONS = 3


def draft(of: world.World) -> int:
    """A draft with every answer, as the wizard leaves it."""
    now = moments.now()
    banks = of.banks[:INSTITUTIONS]
    data = {
        "company": {"patents": [str(pk) for pk in of.patent_ids]},
        "need": {
            "amount": "800",
            "term_months": "24",
            "term_other": "",
            "purpose": "working_capital",
            "purpose_note": "采购原料",
        },
        "reach": {
            "reach": "choose",
            "products": [str(bank.product_id) for bank in banks],
            "consents": [str(bank.institution_id) for bank in banks],
            "consent_open": "",
            "contact_name": "林示例",
            "contact_phone": "13800000000",
        },
    }
    return Draft.objects.create(
        organisation_id=of.enterprise_id,
        token=uuid.uuid4(),
        data=data,
        updated_by_id=of.ling_id,
        updated_at=now,
        created_at=now,
    ).pk


def bare_table() -> None:
    """A table like the application's, with its indexes and checks, so that the limit leaves ours alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DROP TABLE IF EXISTS bench_application;
            CREATE TABLE bench_application (LIKE applications_application INCLUDING ALL);
            ALTER TABLE bench_application ADD FOREIGN KEY (organisation_id) REFERENCES accounts_organisation,
                                          ADD FOREIGN KEY (submitted_by_id) REFERENCES accounts_user
            """
        )


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds for one submit, medians of interleaved requests."""
    of = world.people()
    bare_table()
    ling = Browser(of.ling_id)

    def post(path: str) -> None:
        status, body = ling.post(path, {})
        assert status.startswith("302"), (status, body[:2000].decode(errors="replace"))

    def submitted(path: str) -> None:
        before = Application.objects.count(), Clock.objects.count()
        post(path)
        after = Application.objects.count(), Clock.objects.count()
        assert (after[0] - before[0], after[1] - before[1]) == (1, INSTITUTIONS), (path, before, after)

    ours, ordinary = "/apply/{}/submit/", "/bench/ordinary/{}/"
    for path in (ours, ordinary):
        submitted(path.format(draft(of)))
    contenders = {
        "ours": (lambda: ours.format(draft(of)), post),
        "limit": (lambda: "/bench/bare/", post),
        "ModelForm + FSM + ORM": (lambda: ordinary.format(draft(of)), post),
    }
    with world.commits("off"):
        seconds = medians(contenders, rounds, warm=20)
    with world.commits("on"):
        durable = medians(contenders, rounds // 4, warm=5)
    mine, limit = seconds.pop("ours"), seconds.pop("limit")
    ratios = {
        "over bare INSERT": mine / limit,
        "ModelForm to ours": seconds["ModelForm + FSM + ORM"] / mine,
        "over bare INSERT, commit on disk": durable["ours"] / durable["limit"],
        "ModelForm to ours, commit on disk": durable["ModelForm + FSM + ORM"] / durable["ours"],
    }
    return {
        "line": "B5",
        "ours": mine,
        "limit": limit,
        "peers": seconds,
        "commit on disk": durable,
        "unit": "s",
        "rows": Application.objects.count(),
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "≤ 5× the bare INSERT view, ≥ 2.5× faster than ModelForm + FSM + ORM",
        "met": ratios["over bare INSERT"] <= 5 and ratios["ModelForm to ours"] >= 2.5,
    }
