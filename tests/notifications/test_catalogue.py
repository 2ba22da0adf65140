"""Nothing happens on the portal that nobody decided about: told to somebody, or listed here as silent with the reason."""

import re
from pathlib import Path

from portal.notifications.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]

# Facts nobody is told about: the person who did it knows, and the case's time line shows it.
SILENT = {
    "search.certified",
    "application.unmet",  # only when no institution has it any more
    "next.closed",  # the silent institution has answered, of which the enterprise is told
    "pledge.started",  # a draft
    "pledge.signed",  # proposing and confirming tell the other side
    "pledge.patents_listed",  # a draft; the other side reads it when it is proposed
    "pledge.answered",  # one defect of several; the last answer is pledge.completed
    "pledge.taken_over",  # said on the file itself
    "pledge.register_checked",  # the clerk who asked reads it there
    "pledge.alert_noted",
    "register.asked",
    "duty.absence_ended",
    "matter.taken_over",
    "report.exported",
    "records.exported",  # who exports knows; supervisors read the journal
    "policy.set",
    "risk.scheme_set",
    "risk.tiers_imported",  # each enterprise is told of its own entry
    "subsidy.scheme_set",
    "quota.tool_set",
    "quota.used",  # the bank's own bookkeeping
    "quota.returned",
    "enterprise.registered",
    "organisation.updated",
    # about one's own account: its owner is told by mail (accounts.identity.mailing), nobody else
    "person.password_changed",
    "person.password_reset",
    "person.reset_asked",
    "person.corrected",  # by oneself; the mail goes another way (identity.mailing), as for all of these
    "person.phone_changed",
    "person.mail_asked",
    "person.mail_confirmed",
    "member.confirmed",  # the keepers see it in their list
    "person.second_added",
    "person.second_removed",
    "person.second_reset",
    "person.recovery_renewed",
    "person.sso_bound",
    "person.sso_unbound",
    "person.sessions_ended",
    "person.logged_in",
    "person.logged_out",
    "member.invited",
    "member.invitation_revoked",
    "member.joined",
    "member.ended",
    # of oversight: the journal itself is where they are read
    "account.unlocked",
    "account.closed",
    "account.reopened",
    "journal.anchored",
    "retention.applied",
    "journal.verified",
    "journal.exported",
    "data.exported",
    "contact.revealed",  # the enterprise reads it under «谁看过我的资料»
    "supervision.drilled",  # so too
    "incident.reported",
    "incident.closed",
    "key.created",  # the list of keys shows it
    "key.revoked",
    "product.drafted",
    "product.edited",
    "product.discarded",
    "product.taken_back",
    "product.confirmed",
    "product.policy_set",
    "product.import_started",
    "product.import_confirmed",
    "product.import_cancelled",
    "patent.added",
    "patent.updated",
    "patent.removed",
    # a valuation is its owner's own work; who may no longer read it finds it gone
    "valuation.started",
    "valuation.inputs",
    "valuation.scored",
    "valuation.finalised",
    "valuation.requested",
    "valuation.hidden",
    "valuation.discarded",  # a draft of its own
    "weights.decided",
    "disposal.relisted",  # a draft again
    "disposal.offer_withdrawn",  # only the bidder may know that there was one
    "right.changed",  # a correction; the page says who saved last
    "right.papers",
}
PREFIXES = {v.partition(".")[0] for v in (*SILENT, *CATALOGUE)} | {"referral", "offer", "product", "calendar", "clock"}
WRITERS = (
    "applications/actions",
    "pledges",
    "portal/reports",
    "portal/integrations",
    "portal/foundation",
    "portal/oversight",
    "portal/integrations",
    "banks",
    "products",
)


def written_verbs() -> set[str]:
    """Every string in the writers' code that looks like a verb of the journal, in Python or in SQL."""
    found = set()
    for folder in WRITERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "migrations" not in path.parts and path.name != "failpoints.py":
                text = re.sub(r'(failpoint|shared_task)\((name=)?"[^"]+"\)', "", path.read_text(encoding="utf-8"))
                found |= set(re.findall(r"""["']([a-z]+\.[a-z_]+)["']""", text))
    return {v for v in found if v.partition(".")[0] in PREFIXES}


def test_every_verb_is_either_told_or_listed_as_silent() -> None:
    written = written_verbs()
    assert written - set(CATALOGUE) - SILENT == set()
    assert set(CATALOGUE) - written == set(), "the catalogue waits for something nobody writes"
    assert SILENT - written == set()
    assert not SILENT & set(CATALOGUE)
