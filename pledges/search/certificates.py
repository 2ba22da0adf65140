"""The search certificate: the answer of one moment, numbered and sealed."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from pledges import notices
from pledges.search import reading
from pledges.search.asking import Question
from pledges.search.models import SearchCertificate
from portal.foundation.core import check_codes, display, moments, papers
from portal.foundation.core.actor import SYSTEM, Actor
from portal.foundation.core.errors import Invalid
from portal.foundation.core.models import take
from portal.foundation.core.pdf import engine
from portal.foundation.journal.record import record

By = SearchCertificate.By
CHANNEL = "重庆市知识产权质押融资快速通道"
MOST = 300  # registrations of one party on one paper
MOST_NUMBERS = (
    3_000  # patent numbers on one paper: beyond, it could be numbered and never printed (core.pdf.engine.LONGEST_HTML)
)
ANYBODY = replace(SYSTEM, name="公众")
LIMITS = (
    "本证明只反映经本通道办理的专利权质押登记，以查询时刻已经生效的登记为准；查询时刻之后的设立、变更、注销和撤销不在其内。",
    "未经本通道办理的质押登记，以及专利权的保全、许可、无效宣告等其他情况，本证明不反映。",
    "专利权质押登记机关为国家知识产权局。专利权的权属和法律状态以国家知识产权局专利登记簿为准，可向其申请专利登记簿副本。",
)


@transaction.atomic(durable=True)
def certify(question: Question, *, actor: Actor = ANYBODY, now: datetime) -> SearchCertificate:
    """Search once more and keep the answer under a number of its own; printed and sealed by its first reader or the timer.

    Raises Invalid when a party has more registrations than a paper holds.
    """
    facts = _facts(question, now=now)
    year = moments.local_date(now).year
    number = notices.compose_number(year, take(f"search:{year}"), series="查")  # last: its row stays locked to the end
    made = SearchCertificate.objects.create(
        by=question.by,
        asked=question.value,
        number=number,
        verify_code=check_codes.make(),
        issued_at=now,
        facts=facts,
    )
    record(
        "search.certified",
        actor=actor,
        now=now,
        subject=f"search:{made.pk}",
        text=f"出具查询证明 {number}",
        data={"certificate": made.pk, "by": question.by},
    )
    return made


def statement(question: Question, *, live: int, ended: int, name: str = "") -> str:
    """The answer in one sentence: positive also when there is nothing."""
    if question.by == By.PATENT:
        what = f"经本通道办理的专利权质押登记中，专利 {question.shown} "
        if live:
            return f"{what}有一项有效的质押登记。"
        return f"{what}没有有效的质押登记" + (f"；曾有 {ended} 项，均已终止。" if ended else "，也没有过质押登记。")
    who = f"{name}（{question.value}）" if name else f"统一社会信用代码为 {question.value} 的单位"
    what = f"经本通道办理的专利权质押登记中，以{who}为出质人或者质权人的"
    if live or ended:
        return f"{what}共 {live + ended} 件，其中有效 {live} 件。"
    return f"{what}没有。"


def _facts(question: Question, *, now: datetime) -> dict[str, Any]:
    local = moments.local(now)
    facts: dict[str, Any] = {
        "issuer": CHANNEL,
        "demo": not settings.PRODUCTION,
        "by": question.by,
        "asked": question.value,
        "asked_label": str(By(question.by).label),
        "asked_shown": question.shown,
        "moment": f"{display.full_date_cn(local.date())}{local:%H时%M分%S秒}",
        "limits": list(LIMITS),
    }
    if question.by == By.PATENT:
        pledges = reading.of_patent(question.value)
        live = sum(pledge.live for pledge in pledges)
        said = statement(question, live=live, ended=len(pledges) - live)
        rows = [
            {
                "registered_on": _day(p.registered_on), "ended_on": _day(p.ended_on), "state": p.state, "kind": p.kind,
                "granted_on": _day(p.granted_on), "pledgor": p.pledgor, "pledgee": p.pledgee,
                "registrar_number": p.national_number,
            }
            for p in pledges
        ]  # fmt: skip
        return facts | {"statement": said, "live": live, "pledges": rows}
    found = reading.of_party(question.value, rows=MOST)
    if found.before:
        raise Invalid("too_many", f"这个单位的质押登记超过 {MOST} 件，一份证明写不下，请按专利号查询后出具。")
    if sum(len(contract.numbers) for contract in found.rows) > MOST_NUMBERS:
        raise Invalid("too_many", f"这个单位质押的专利超过 {MOST_NUMBERS} 件，一份证明写不下，请按专利号查询后出具。")
    live = sum(contract.live for contract in found.rows)
    said = statement(question, live=live, ended=len(found.rows) - live, name=found.name)
    contracts = [
        {
            "registered_on": _day(c.registered_on), "state": c.state, "role": c.role, "pledgor": c.pledgor,
            "pledgee": c.pledgee, "registrar_number": c.national_number,
            "numbers": [n if live or not c.live else f"{n}（已解除）" for n, live in c.numbers],
        }
        for c in found.rows
    ]  # fmt: skip
    return facts | {"statement": said, "live": live, "name": found.name, "contracts": contracts}


def _day(day: Any) -> str:
    return display.full_date_cn(day) if day else display.NOTHING


def print_certificate(certificate_id: int) -> SearchCertificate:
    """Make and seal the file if it is not there yet; raises what core.papers.print_paper does."""
    return papers.print_paper(SearchCertificate, certificate_id, pages=_pages, address=notices.address)


def _pages(certificate: SearchCertificate) -> bytes:
    return engine.render_template(
        "pdf/search_certificate.html",
        notices.context(certificate),
        stylesheet="notice",
        created=certificate.issued_at,
    )


def print_missing(*, limit: int = 100) -> int:
    """Print certificates that have no file yet; returns how many were."""
    return papers.print_missing(SearchCertificate, print_certificate, limit=limit)
