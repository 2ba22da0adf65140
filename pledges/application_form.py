"""专利权质押登记申请表, filled in from the file, for the parties' own records and for offices that still want it on paper.

It is the parties' paper, not the office's: no number of its own, no seal, printed afresh for whoever reads the file.
"""

from typing import Any

from django.conf import settings

from portal.foundation.accounts.models import Organisation
from portal.foundation.core import display, money
from portal.foundation.core.moments import local_date
from portal.foundation.core.pdf import engine

from .models import DebtKind, Registration, Scope, Valuation
from .particulars import telling as particulars
from .particulars.rules import outside_of

ON_THE_FORM = 10  # patents; the others stand in the annex


def render(file: Registration) -> bytes:
    """The form as PDF: the same file gives the same bytes. Raises PdfUnavailable (503)."""
    return engine.render_template(
        "pdf/application_form.html", context(file), stylesheet="notice", created=file.submitted_at or file.created_at
    )


def context(file: Registration) -> dict[str, Any]:
    """What the template needs; `file` with pledgor, pledgee, office and its particulars, one query for the patents."""
    rows = [
        {
            "seq": seq,
            "title": patent.title,
            "number": patent.number,
            "filing_date": _day(patent.filing_date),
            "grant_date": _day(patent.grant_date),
        }
        for seq, patent in enumerate(file.patents.order_by("number"), start=1)
    ]
    more, promises = particulars.rows(file), _promises(file)
    numerals = iter("五六七")  # of the parts after the four that every form has
    return {
        "demo": not settings.PRODUCTION,
        "more": more,
        "more_no": next(numerals) if more else "",
        "promises_no": next(numerals) if promises else "",
        "signatures_no": next(numerals),
        "number": file.number,
        "office": file.office.name,
        "draft": file.submitted_at is None,
        "patents": rows[:ON_THE_FORM],
        "annex": rows[ON_THE_FORM:],
        "total": len(rows),
        "sides": [_side("出质人", file.pledgor, file), _side("质权人", file.pledgee, file)],
        "debtor": file.debtor_name,
        "contract_number": file.contract_number,
        "contract_date": _day(file.contract_signed_on),
        "debt_kind": DebtKind(file.debt_kind).label,
        "debt_yuan": f"{file.debt_amount:,.2f}",
        "debt_wan": money.format_wan(file.debt_amount),
        "period_from": _day(file.debt_from),
        "period_to": _day(file.debt_to),
        "guarantee_scope": Scope(file.scope).label,
        "valuation": Valuation(file.valuation).label,
        "valued_yuan": f"{file.valued_at:,.2f}" if file.valued_at is not None else "",
        "promises": promises,
    }


def _side(role: str, party: Organisation, file: Registration) -> dict[str, str]:
    """One party with what it confirmed online: the proposer when it proposed, the other when it agreed."""
    outside = outside_of(file) if party.pk == file.pledgor_id else None
    proposer = party.pk == file.started_by_org_id
    who, when = (file.proposed_by, file.proposed_at) if proposer else (file.confirmed_by, file.confirmed_at)
    return {
        "role": role,
        "name": party.name,
        "uscc": particulars.pledgor_code(file) if outside else party.uscc or "",
        "address": outside.address if outside else party.address,
        "contact": party.contact_name,
        "phone": party.contact_phone,
        "confirmed": f"{who} 已于{display.full_date_cn(local_date(when))}在线确认" if who and when else "",
    }


def _promises(file: Registration) -> list[str]:
    said = []
    if file.identity_promise:
        said.append("双方以承诺书代替身份证明，承诺所提交的身份信息真实有效。")
    if file.twin_declared:
        said.append("出质人和质权人知悉质押的实用新型有同日申请的发明专利申请，仍继续办理质押登记。")
    if file.invalidation_declared:
        said.append("出质人和质权人知悉质押的专利权已被提起无效宣告请求，仍继续办理质押登记。")
    if file.co_owner_agreement:
        said.append("共有人之间另有约定，以共有专利权出质无须逐一取得其他共有人同意，约定的证明随附。")
    return said


def _day(day: Any) -> str:
    return display.full_date_cn(day) if day else display.NOTHING
