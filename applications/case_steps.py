"""What a request waits for from its enterprise, as far as this app knows. No query: everything is loaded already."""

from collections.abc import Sequence
from datetime import date, datetime

from django.urls import NoReverseMatch, reverse

from portal.foundation.core.display import date_cn
from portal.foundation.core.moments import local_date

from .models import Application, Offer, Referral
from .next_rounds import Next
from .next_steps import NEXT, PLEDGE, NextStep
from .referral_rows import ReferralRow
from .wording import about


def route(name: str, *args: object) -> str:
    """The address of a page another app may not have yet; empty when there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def own_steps(
    case: Application, rows: Sequence[ReferralRow], *, next_: Next | None = None, now: datetime
) -> list[NextStep]:
    """What this case waits for from the enterprise, as far as this app knows; no query."""
    today = local_date(now)
    steps = [
        NextStep(
            case.number,
            f"答复 {row.name} 的问题",
            row.question.question,
            "去答复",
            reverse("case-answer", args=[case.number, row.question.pk]),
            due=f"{date_cn(local_date(row.question.asked_at), today=today)}提出，机构在等您的答复",
            until=local_date(row.question.asked_at),
            about=about(case),
        )
        for row in rows
        if row.question is not None
    ]
    if case.state == Application.State.OPEN:
        steps += _choosing(case, rows, today=today)
        if next_ is not None and next_.lenders and not next_.taken:
            steps.append(
                NextStep(
                    case.number,
                    "改选其他机构",
                    f"{next_.sentence}。为您推荐：{next_.names}。授权后才发送。",
                    "去授权",
                    reverse("case", args=[case.number]) + "#next",
                    until=today,
                    about=about(case),
                    kind=NEXT,
                )
            )
        elif not any(row.revocable for row in rows):
            steps.append(
                NextStep(
                    case.number,
                    "换一批机构",
                    "收到这笔需求的机构都没有继续办理。您可以重新授权，发给其他机构；也可以结束这笔需求。",
                    "选择其他机构",
                    reverse("case-extend", args=[case.number]),
                    until=today,
                    about=about(case),
                )
            )
    if case.state == Application.State.ACCEPTED and (url := route("pledges:start", case.number)):
        steps.append(
            NextStep(
                case.number,
                "办理专利质押登记",
                "方案已选定。签订合同后，由您或银行发起登记申请，另一方确认后一起提交。",
                "办理质押登记",
                url,
                due="登记机构力争 1 个工作日内办结",
                until=today,
                about=about(case),
                kind=PLEDGE,
            )
        )
    return steps


def _choosing(case: Application, rows: Sequence[ReferralRow], *, today: date) -> list[NextStep]:
    offers = [r.offer for r in rows if r.offer and r.offer.state == Offer.State.OPEN and r.offer.valid_until >= today]
    if not offers:
        return []
    first = min(o.valid_until for o in offers)
    busy = sum(r.referral.state in (Referral.State.WAITING, Referral.State.CLAIMED, Referral.State.INFO) for r in rows)
    named = "、".join(r.name for r in rows if r.offer in offers)
    text = f"{named} 已给出方案。" + (f"另有 {busy} 家机构仍在办理。" if busy else "")
    title = "选择方案" if len(offers) == 1 else f"从 {len(offers)} 份方案里选择"
    url = reverse("case-offers", args=[case.number])
    due = f"最早的一份有效期至 {date_cn(first, today=today)}24:00"
    return [NextStep(case.number, title, text, "查看并选择方案", url, due=due, until=first, about=about(case))]
