"""One line an institution in a case: how far it is, until when, with which offer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.foundation.sla import calendars_in_use, lamps
from portal.foundation.sla.lamps import Lamp

from .models import Application, DeclineReason, InformationRequest, Offer, Referral
from .offer_cost import in_short, of_referral

REFERRAL_TAGS = {
    Referral.State.CLAIMED: "info",
    Referral.State.INFO: "warn",
    Referral.State.OFFERED: "ok",
    Referral.State.ACCEPTED: "ok",
}


@dataclass(slots=True)
class ReferralRow:
    """One institution's line in a case: `offer` is its open or accepted one, `question` the one that waits for an answer."""

    referral: Referral
    lamp: Lamp | None
    offer: Offer | None
    question: InformationRequest | None = None

    @property
    def tag(self) -> str:
        return REFERRAL_TAGS.get(Referral.State(self.referral.state), "")

    @property
    def name(self) -> str:
        return str(self.referral.institution)

    @property
    def rate(self) -> str:
        """The offer's interest or fee, e.g. 年利率 3.45%; empty without an offer."""
        if self.offer is None:
            return ""
        if self.offer.annual_rate is not None:
            return f"年利率 {self.offer.annual_rate.normalize():f}%"
        return f"费率 {self.offer.fee_rate.normalize():f}%/年" if self.offer.fee_rate is not None else ""

    @property
    def cost(self) -> str:
        """What the offer costs altogether, as one rate; empty without an offer."""
        return in_short(of_referral(self.offer, self.referral)) if self.offer else ""

    @property
    def contact(self) -> str:
        """Whom to call: the contact the institution named, else the officer who asked or offered without claiming first."""
        r = self.referral
        answered = r.state in (Referral.State.INFO, Referral.State.OFFERED, Referral.State.ACCEPTED)
        return r.contact_name or (r.officer.name if r.officer and answered else "")

    @property
    def phone(self) -> str:
        """The number beside `contact`; the institution's service number when its officer left none."""
        r = self.referral
        if r.contact_name:
            return r.contact_phone if any(c.isdigit() for c in r.contact_phone) else ""
        return ((r.officer.phone if r.officer else "") or r.institution.service_phone) if self.contact else ""

    @property
    def decline(self) -> str:
        """Why the institution said no."""
        code, note = self.referral.decline_code, self.referral.decline_note
        label = DeclineReason(code).label if code in DeclineReason.values else code
        return "：".join(part for part in (label, note) if part)

    @property
    def revocable(self) -> bool:
        return self.referral.state in Referral.OPEN_STATES


def rows_of(
    cases: Sequence[Application], open_questions: Iterable[InformationRequest], *, now: datetime
) -> dict[int, list[ReferralRow]]:
    """Referrals of these cases with lamp, current offer and open question, by case; 2 queries."""
    calendar = calendars_in_use.current()
    referrals = list(
        Referral.objects.filter(application__in=cases)
        .select_related("institution__organisation", "product", "clock", "officer")
        .order_by("pk")
    )
    offers = {
        o.referral_id: o
        for o in Offer.objects.filter(
            referral__application__in=cases, state__in=(Offer.State.OPEN, Offer.State.ACCEPTED)
        )
    }
    questions = {q.referral_id: q for q in open_questions}
    found: dict[int, list[ReferralRow]] = {case.pk: [] for case in cases}
    for r in referrals:
        lamp = lamps.of(r.clock, now=now, calendar=calendar) if r.clock else None
        asked = questions.get(r.pk) if r.state == Referral.State.INFO else None
        found[r.application_id].append(ReferralRow(r, lamp, offers.get(r.pk), asked))
    return found
