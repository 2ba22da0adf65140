"""The journal, its chain, its deliveries and what people are told: everything exactly as often as promised."""

import json
from collections.abc import Iterator

from django.db import connection

from portal.foundation.journal import sealer
from portal.foundation.journal.chain import GENESIS
from portal.foundation.journal.models import Entry
from portal.foundation.journal.subscribers import subscribers
from portal.foundation.sla import replaying

from .model import SAMPLE, Invariant, Row, Run

_SEAL_EVERY = "interval '10 seconds'"  # the slower of the two sealers

# Which organisations must have heard of an entry: told apart by verb, as the catalogue of notices does.
_ADDRESSED = """
addressed AS (
    SELECT e.id, e.at, jsonb_array_elements_text(e.data->'institutions')::bigint AS organisation_id, '{officer,manager}'::text[] AS roles
      FROM journal_entry e
     WHERE e.verb IN ('application.submitted', 'application.extended', 'application.withdrawn', 'referral.dispatched')
    UNION ALL
    SELECT e.id, e.at, (e.data->>'institution')::bigint, '{officer,manager}'
      FROM journal_entry e
     WHERE e.verb IN ('referral.answered', 'consent.revoked', 'referral.not_selected', 'referral.lapsed', 'offer.accepted')
    UNION ALL
    SELECT e.id, e.at, a.organisation_id, '{enterprise}'
      FROM journal_entry e JOIN applications_application a ON a.number = e.case_number
     WHERE e.verb IN ('referral.claimed', 'referral.asked', 'referral.offered', 'referral.declined', 'referral.dispatched',
                      'application.all_declined', 'next.offered', 'next.none', 'loan.recorded')
    UNION ALL
    SELECT e.id, e.at, c.organisation_id, '{officer,manager}'
      FROM journal_entry e JOIN applications_nextround n ON e.subject = 'next_round:' || n.id JOIN sla_clock c ON c.id = n.clock_id
     WHERE e.verb = 'next.owed'
    UNION ALL
    SELECT e.id, e.at, v.institution_id, '{officer,manager}'
      FROM journal_entry e JOIN applications_cover v ON e.subject = 'cover:' || v.id WHERE e.verb = 'cover.asked'
    UNION ALL
    SELECT e.id, e.at, a.organisation_id, '{enterprise}'
      FROM journal_entry e JOIN applications_application a ON a.number = e.case_number
     WHERE e.verb IN ('cover.proposed', 'cover.intent', 'cover.terms', 'cover.committed', 'cover.declined')
    UNION ALL
    SELECT e.id, e.at,
           coalesce((SELECT (h.data->>'from')::bigint FROM journal_entry h
                      WHERE h.verb = 'pledge.handed_over' AND h.subject = e.subject AND h.id > e.id ORDER BY h.id LIMIT 1), r.office_id),
           '{clerk,chief}'
      FROM journal_entry e JOIN pledges_registration r ON e.subject = 'registration:' || r.id
     WHERE e.verb IN ('pledge.submitted', 'pledge.completed', 'pledge.handed_over', 'matter.submitted', 'matter.completed')
    UNION ALL
    SELECT e.id, e.at, party.id, '{enterprise,officer,manager}'
      FROM journal_entry e JOIN pledges_registration r ON e.subject = 'registration:' || r.id,
           LATERAL (VALUES (r.pledgor_id), (r.pledgee_id)) AS party (id)
     WHERE e.verb IN ('pledge.accepted', 'pledge.correction', 'pledge.registered', 'pledge.refused', 'pledge.changed', 'pledge.cancelled',
                      'pledge.released', 'pledge.revoked', 'matter.correction', 'matter.refused')
    UNION ALL
    SELECT e.id, e.at, (e.data->>'organisation')::bigint, array_remove(l.recipients::text[], 'regulator')
      FROM journal_entry e JOIN sla_clock c ON c.id = (e.data->>'clock')::bigint
      JOIN sla_policylevel l ON l.policy_id = c.policy_id AND l.code = e.data->>'level'
     WHERE e.verb = 'clock.escalated' AND c.organisation_id = (e.data->>'organisation')::bigint
)"""

_CHAIN = """
SELECT s.id, s.entry_id, s.digest, e.id, e.at, e.verb, e.actor_id, e.actor_label, e.organisation_id, e.subject, e.case_number,
       e.text, e.data, e.parties
  FROM journal_seal s LEFT JOIN journal_entry e ON e.id = s.entry_id ORDER BY s.id
"""


def broken_chain(run: Run) -> Iterator[Row]:
    """Every link computed again from the bytes, in one pass over a server-side cursor."""
    digest = GENESIS
    with connection.chunked_cursor() as cursor:
        cursor.execute(_CHAIN)
        while rows := cursor.fetchmany(5000):
            for _, entry_id, stored, pk, *values in rows:
                if pk is None:
                    yield f"entry:{entry_id}", "已封存，日志却不在"
                elif sealer.link(digest, _entry(pk, values)) != stored:
                    yield f"entry:{entry_id}", "内容与封存的摘要不符"
                digest = stored


def _entry(pk: int, values: list[object]) -> Entry:
    names = (
        "at",
        "verb",
        "actor_id",
        "actor_label",
        "organisation_id",
        "subject",
        "case_number",
        "text",
        "data",
        "parties",
    )
    given = dict(zip(names, values, strict=True))
    if isinstance(given["data"], str):  # a raw cursor returns jsonb as text
        given["data"] = json.loads(given["data"])
    return Entry(pk=pk, **given)


_UNDELIVERED = f"""
WITH wanted AS (
    SELECT * FROM unnest(%s::text[], %s::text[]) AS w (subscriber, verb)
), first AS (
    SELECT subscriber, min(entry_id) AS id FROM journal_delivery GROUP BY subscriber
)
SELECT count(*) OVER (), 'entry:' || e.id, e.verb || ' 没有给 ' || w.subscriber || ' 的投递'
  FROM journal_entry e JOIN wanted w ON w.verb IN (e.verb, '')
  LEFT JOIN first ON first.subscriber = w.subscriber
  LEFT JOIN journal_delivery d ON d.entry_id = e.id AND d.subscriber = w.subscriber
  LEFT JOIN journal_outbox o ON o.entry_id = e.id
 WHERE d.id IS NULL AND o.entry_id IS NULL AND e.id >= coalesce(first.id, 0)
 LIMIT {SAMPLE}
"""  # noqa: S608 — a constant


def undelivered(run: Run) -> Iterator[Row]:
    """Entries that left the outbox without a delivery for somebody who wants them."""
    wanted = [(s.name, verb) for s in subscribers() for verb in (sorted(s.verbs) or [""])]
    with connection.cursor() as cursor:
        cursor.execute(_UNDELIVERED, [[name for name, _ in wanted], [verb for _, verb in wanted]])
        for count, what, said in cursor.fetchall():
            yield what, f"{said}（共 {count} 条）"


def replayed(run: Run) -> Iterator[Row]:
    """Every verdict derived again from the journal alone, and compared with the stored clocks."""
    outcome = replaying.everything(as_of=run.now)
    replaying.compare(outcome)
    yield from outcome.differences


ALL = [
    Invariant("journal.replay", "只凭日志重新推算的全部时限与存下的时限一致", replayed),
    Invariant(
        "journal.sealed",
        "每条日志或已封存，或正等待封存；没有被漏下的，也没有两头都在的",
        """
        SELECT 'entry:' || e.id, e.verb || CASE WHEN s.id IS NULL THEN ' 既未封存也不在等待' ELSE ' 已封存却仍在等待' END
          FROM journal_entry e LEFT JOIN journal_seal s ON s.entry_id = e.id LEFT JOIN journal_unsealed u ON u.entry_id = e.id
         WHERE (s.id IS NULL) = (u.entry_id IS NULL)
        """,
    ),
    Invariant(
        "journal.waiting",
        "没有长久未封存的日志",
        f"""
        SELECT 'entry:' || e.id, e.verb || ' 写于 ' || e.at FROM journal_unsealed u JOIN journal_entry e ON e.id = u.entry_id
         WHERE e.at < %(now)s - %(grace)s - {_SEAL_EVERY}
        """,  # noqa: S608 — a constant
    ),
    Invariant("journal.chain", "日志的封存链完整：逐条重算的摘要与封存的一致", broken_chain),
    Invariant(
        "outbox.waiting",
        "没有长久未分发的日志",
        """
        SELECT 'entry:' || o.entry_id, coalesce(e.verb || ' 写于 ' || e.at, '日志不在')
          FROM journal_outbox o LEFT JOIN journal_entry e ON e.id = o.entry_id
         WHERE e.id IS NULL OR e.at < %(now)s - %(grace)s
        """,
    ),
    Invariant("outbox.every_subscriber", "分发过的每条日志对每个要听的渠道都有投递", undelivered),
    Invariant(
        "delivery.waiting",
        "没有卡住的投递：该发的都在发，租约过期的有人接手，也没有反复出租而不送达的",
        """
        SELECT 'entry:' || d.entry_id, d.subscriber || ' 失败 ' || d.attempts || ' 次，租约至 ' || coalesce(d.leased_until::text, '无')
          FROM journal_delivery d JOIN journal_entry e ON e.id = d.entry_id
         WHERE d.state = 'waiting' AND coalesce(d.retry_at, '-infinity') < %(now)s - %(grace)s
           AND ((e.at < %(now)s - %(grace)s AND coalesce(d.leased_until, '-infinity') < %(now)s - %(grace)s)
                OR greatest(e.at, coalesce(d.retry_at, e.at)) < %(now)s - 2 * %(lease)s - %(grace)s)
        """,
    ),
    Invariant(
        "delivery.dead",
        "没有放弃的投递（有则列出，须人工处理）",
        "SELECT 'entry:' || entry_id, subscriber || '：' || last_error FROM journal_delivery WHERE state = 'dead'",
    ),
    Invariant(
        "delivery.state",
        "每条日志对每个渠道至多一条投递；已送达的有送达时间，日志存在；只有渠道自己的失败才计次数，且写明原因",
        """
        SELECT 'entry:' || d.entry_id, d.subscriber || ' ' || d.state || ' ' || coalesce(d.sent_at::text, '无送达时间')
          FROM journal_delivery d LEFT JOIN journal_entry e ON e.id = d.entry_id
         WHERE (d.state = 'sent') <> (d.sent_at IS NOT NULL) OR e.id IS NULL OR d.state NOT IN ('waiting', 'sent', 'dead')
            OR (d.attempts > 0) <> (d.last_error <> '')
        UNION ALL
        SELECT 'entry:' || entry_id, subscriber || ' ' || count(*) || ' 条' FROM journal_delivery
         GROUP BY entry_id, subscriber HAVING count(*) > 1
        """,
    ),
    Invariant(
        "notice.once",
        "同一件事对同一个人恰有一条消息，每条消息都有其日志",
        """
        SELECT 'entry:' || entry_id, '成员 ' || membership_id || ' 收到 ' || count(*) || ' 条' FROM notifications_notice
         WHERE entry_id IS NOT NULL GROUP BY entry_id, membership_id HAVING count(*) > 1
        UNION ALL
        SELECT 'entry:' || n.entry_id, '消息 ' || n.id || ' 没有日志' FROM notifications_notice n
         WHERE n.entry_id IS NOT NULL AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.id = n.entry_id)
        UNION ALL
        SELECT 'digest:' || n.id, '汇总之下没有消息，或属于别人' FROM notifications_notice n
         WHERE n.entry_id IS NULL AND (NOT EXISTS (SELECT FROM notifications_notice i WHERE i.digest_id = n.id)
               OR EXISTS (SELECT FROM notifications_notice i WHERE i.digest_id = n.id AND i.membership_id <> n.membership_id))
        """,
    ),
    Invariant(
        "notice.missing",
        "送达的每件事，相关单位里有人在岗的都收到了消息",
        f"""
        WITH {_ADDRESSED}, seats AS (
            SELECT m.organisation_id, m.role::text AS role, min(m.created_at) AS since
              FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
             WHERE m.active AND u.is_active GROUP BY 1, 2
        ), told AS (
            SELECT DISTINCT n.entry_id, m.organisation_id
              FROM notifications_notice n JOIN accounts_membership m ON m.id = n.membership_id
        ), expected AS (
            SELECT DISTINCT a.id, a.organisation_id FROM addressed a
              JOIN seats s ON s.organisation_id = a.organisation_id AND s.role = ANY(a.roles) AND s.since <= a.at
              JOIN journal_delivery d ON d.entry_id = a.id AND d.subscriber = 'notices' AND d.state = 'sent'
        )
        SELECT 'entry:' || x.id, e.verb || ' 没有告诉单位 ' || x.organisation_id
          FROM expected x JOIN journal_entry e ON e.id = x.id
          LEFT JOIN told t ON t.entry_id = x.id AND t.organisation_id = x.organisation_id WHERE t.entry_id IS NULL
        """,  # noqa: S608 — only constants
    ),
    Invariant(
        "journal.one_transaction",
        "提交、婉拒、放款与其日志由同一个事务写下（数据库未曾由备份恢复时才可查）",
        """
        SELECT e.subject, e.verb || '（日志 ' || e.id || '）与其专利不在同一事务'
          FROM journal_entry e JOIN applications_applicationpatent p ON e.subject = 'application:' || p.application_id
         WHERE e.verb = 'application.submitted' AND p.xmin <> e.xmin
        UNION ALL
        SELECT e.subject, e.verb || '（日志 ' || e.id || '）与推送不在同一事务'
          FROM journal_entry e JOIN applications_referral r ON e.subject = 'referral:' || r.id
         WHERE e.verb = 'referral.declined' AND r.state = 'declined' AND r.xmin <> e.xmin
        UNION ALL
        SELECT l.ref::text, e.verb || '（日志 ' || e.id || '）与放款不在同一事务'
          FROM journal_entry e JOIN pledges_loan l ON l.ref::text = e.data->>'loan'
         WHERE e.verb = 'loan.recorded' AND l.xmin <> e.xmin
        """,
        applies=lambda run: run.untouched,
    ),
]
