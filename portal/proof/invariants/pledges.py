"""Registrations, their papers and the files: what the office decided, what it printed, and whose bytes lie on the disk."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection

from portal.foundation.core.files import StoredFile
from portal.foundation.core.papers import Paper

from .model import Invariant, Row, Run

_ORPHAN = timedelta(hours=1)  # an upload whose row is not committed yet is younger


def _files() -> str:
    """SQL of (what, file, size, sha256) for every table that keeps a file, whichever app it belongs to: asked of the models,
    because a list written down here forgot the papers of disposals and called them orphans."""
    keeping = [m for m in apps.get_models() if issubclass(m, StoredFile | Paper)]
    rows = (
        f"SELECT '{m._meta.model_name}:' || id, file, size, sha256 FROM {m._meta.db_table} WHERE file <> ''"  # noqa: S608 - names of our models
        for m in sorted(keeping, key=lambda model: model._meta.label)
    )
    return " UNION ALL ".join(rows)


def files(run: Run) -> Iterator[Row]:
    """Rows whose file is missing, or has other bytes than were recorded."""
    root = Path(settings.MEDIA_ROOT)
    with connection.chunked_cursor() as cursor:
        cursor.execute(_files())
        while rows := cursor.fetchmany(500):
            for what, name, size, digest in rows:
                path = root / name
                try:
                    with path.open("rb") as stream:
                        found = hashlib.file_digest(stream, "sha256").hexdigest()
                except OSError:
                    yield what, f"文件 {name} 不在"
                    continue
                if found != digest or path.stat().st_size != size:
                    yield what, f"文件 {name} 的内容与记录的摘要不符"


def orphans(run: Run) -> Iterator[Row]:
    """Files that no row knows and that are too old to be an upload under way."""
    root = Path(settings.MEDIA_ROOT)
    with connection.cursor() as cursor:
        cursor.execute(_files())
        known = {name for _, name, _, _ in cursor.fetchall()}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if str(path.relative_to(root)) in known:
                continue
            try:
                age = run.now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except OSError:
                continue  # taken away meanwhile
            if age > _ORPHAN:
                yield str(path.relative_to(root)), "没有一行数据提到这个文件"


ALL = [
    Invariant(
        "pledge.one_effective",
        "同一件专利在任何时刻至多有一项生效的质押",
        """
        SELECT a.number, '登记件 ' || a.registration_id || ' 与 ' || b.registration_id
          FROM pledges_pledgedpatent a JOIN pledges_pledgedpatent b ON b.number = a.number AND b.id > a.id AND a.effective && b.effective
        """,
    ),
    Invariant(
        "pledge.state",
        "登记件的状态与受理、办结、质权期间、通知书一致：已登记的每件专利都有质权期间，至少一件未终止；已注销的都已终止；已撤销和其他的都没有",
        """
        WITH patents AS (
            SELECT registration_id, count(*) AS n, count(effective) AS effective,
                   count(*) FILTER (WHERE upper_inf(effective)) AS open, count(annulled) AS annulled
              FROM pledges_pledgedpatent GROUP BY 1
        ), papers AS (
            SELECT registration_id, count(*) FILTER (WHERE kind = 'registered') AS registered,
                   count(*) FILTER (WHERE kind = 'refused') AS refused, count(*) FILTER (WHERE kind = 'correction') AS corrections
              FROM pledges_notice GROUP BY 1
        )
        SELECT r.number, r.state || '：专利 ' || coalesce(p.n, 0) || ' 件，生效 ' || coalesce(p.effective, 0)
                         || '，通知书 ' || coalesce(n.registered, 0) || '/' || coalesce(n.refused, 0) || '/' || coalesce(n.corrections, 0)
          FROM pledges_registration r LEFT JOIN patents p ON p.registration_id = r.id LEFT JOIN papers n ON n.registration_id = r.id
         WHERE coalesce(p.effective, 0) <> CASE WHEN r.state IN ('registered', 'cancelled') THEN p.n ELSE 0 END
            OR (coalesce(p.open, 0) > 0) <> (r.state = 'registered')
            OR coalesce(p.annulled, 0) <> CASE WHEN r.state = 'revoked' THEN p.n ELSE 0 END
            OR coalesce(n.registered, 0) <> (r.state IN ('registered', 'cancelled', 'revoked'))::int OR coalesce(n.refused, 0) <> (r.state = 'refused')::int
            OR coalesce(n.corrections, 0) <> r.correction_rounds
            OR (r.state IN ('submitted', 'examining', 'correcting', 'registered', 'refused', 'cancelled', 'revoked') AND r.submitted_at IS NULL)
            OR (r.state IN ('examining', 'correcting', 'registered', 'refused', 'cancelled', 'revoked')
                AND (r.accepted_at IS NULL OR r.clerk_id IS NULL))
            OR (r.state IN ('registered', 'refused', 'withdrawn', 'cancelled', 'revoked')) <> (r.decided_at IS NOT NULL)
            OR (r.state IN ('registered', 'cancelled', 'revoked') AND coalesce(p.n, 0) = 0)
            OR (r.ended_at IS NOT NULL) <> (r.state IN ('cancelled', 'revoked'))
        """,
    ),
    Invariant(
        "pledge.journalled",
        "登记件的每个状态都有写下它的日志，次数与轮次一致",
        """
        WITH told AS (
            SELECT subject, count(*) FILTER (WHERE verb = 'pledge.started') AS started,
                   count(*) FILTER (WHERE verb = 'pledge.submitted') AS submitted, count(*) FILTER (WHERE verb = 'pledge.accepted') AS accepted,
                   count(*) FILTER (WHERE verb IN ('pledge.handed_over', 'pledge.recused')) AS given_back,
                   (array_agg(verb ORDER BY id DESC) FILTER (WHERE verb IN ('pledge.accepted', 'pledge.handed_over', 'pledge.recused')))[1] AS held,
                   count(*) FILTER (WHERE verb = 'pledge.correction') AS corrections, count(*) FILTER (WHERE verb = 'pledge.completed') AS completed,
                   count(*) FILTER (WHERE verb = 'pledge.registered') AS registered, count(*) FILTER (WHERE verb = 'pledge.refused') AS refused,
                   count(*) FILTER (WHERE verb = 'pledge.cancelled') AS cancelled, count(*) FILTER (WHERE verb = 'pledge.revoked') AS revoked,
                   count(*) FILTER (WHERE verb IN ('pledge.withdrawn', 'pledge.discarded')) AS withdrawn
              FROM journal_entry WHERE subject LIKE 'registration:%%' GROUP BY subject
        )
        SELECT coalesce(r.number, t.subject), coalesce(r.state, '无此登记件')
          FROM pledges_registration r FULL JOIN told t ON t.subject = 'registration:' || r.id
         WHERE r.id IS NULL OR t.subject IS NULL OR t.started <> 1 OR t.submitted <> (r.submitted_at IS NOT NULL)::int
            OR coalesce(t.held = 'pledge.accepted', false) <> (r.accepted_at IS NOT NULL) OR t.accepted > 1 + t.given_back
            OR t.corrections <> r.correction_rounds
            OR t.completed > t.corrections OR (r.state IN ('examining', 'registered', 'refused', 'cancelled', 'revoked') AND t.completed <> t.corrections)
            OR t.registered <> (r.state IN ('registered', 'cancelled', 'revoked'))::int
            OR t.cancelled <> (r.state = 'cancelled')::int OR t.revoked <> (r.state = 'revoked')::int OR t.refused <> (r.state = 'refused')::int
            OR t.withdrawn <> (r.state = 'withdrawn')::int
        """,
    ),
    Invariant(
        "pledge.after",
        "注销、部分解除、撤销各有其依据：已注销的有一件已办结的注销，已终止的专利在已办结的注销或解除之内，已撤销的有一份由两人作出的决定，终止的质押上没有在办事项",
        """
        SELECT r.number, '已注销，没有已办结的注销申请' FROM pledges_registration r
         WHERE r.state = 'cancelled' AND NOT EXISTS (SELECT FROM pledges_matter m
               WHERE m.registration_id = r.id AND m.kind = 'cancellation' AND m.state = 'approved' AND m.decided_at = r.ended_at)
        UNION ALL
        SELECT r.number, m.number || ' 已办结注销，登记仍为 ' || r.state FROM pledges_matter m
          JOIN pledges_registration r ON r.id = m.registration_id
         WHERE m.kind = 'cancellation' AND m.state = 'approved' AND r.state <> 'cancelled'
        UNION ALL
        SELECT r.number, '专利 ' || p.number || ' 已终止，没有依据' FROM pledges_pledgedpatent p
          JOIN pledges_registration r ON r.id = p.registration_id
         WHERE r.state = 'registered' AND NOT upper_inf(p.effective) AND NOT EXISTS (SELECT FROM pledges_matter m
               WHERE m.registration_id = r.id AND m.kind = 'release' AND m.state = 'approved' AND p.number = ANY(m.numbers))
        UNION ALL
        SELECT r.number, '部分解除的专利 ' || p.number || ' 仍在质押' FROM pledges_pledgedpatent p
          JOIN pledges_registration r ON r.id = p.registration_id
          JOIN pledges_matter m ON m.registration_id = r.id AND m.kind = 'release' AND m.state = 'approved' AND p.number = ANY(m.numbers)
         WHERE upper_inf(p.effective)
        UNION ALL
        SELECT r.number, '已撤销，没有两人作出的决定' FROM pledges_registration r
         WHERE (r.state = 'revoked') <> EXISTS (SELECT FROM pledges_revocation v WHERE v.registration_id = r.id
               AND v.state = 'decided' AND v.decided_by_id <> v.proposed_by_id AND v.decided_at = r.ended_at)
        UNION ALL
        SELECT r.number, '质押已终止，' || m.number || ' 仍在办理' FROM pledges_matter m
          JOIN pledges_registration r ON r.id = m.registration_id
         WHERE r.state <> 'registered' AND m.state IN ('draft', 'confirming', 'submitted', 'examining', 'correcting')
        """,
    ),
    Invariant(
        "pledge.matters",
        "每件登记后事项的状态与提交、受理、办结、通知书一致；每个在办的恰有一个运行或因补正暂停的时限",
        """
        WITH papers AS (
            SELECT facts->>'matter' AS matter, count(*) FILTER (WHERE kind IN ('changed', 'cancelled', 'released')) AS done,
                   count(*) FILTER (WHERE kind = 'not_done') AS refused, count(*) FILTER (WHERE kind = 'to_correct') AS corrections
              FROM pledges_notice WHERE kind IN ('changed', 'cancelled', 'released', 'not_done', 'to_correct') GROUP BY 1
        )
        SELECT m.number, m.state || '，时限 ' || coalesce(c.id::text, '无')
          FROM pledges_matter m LEFT JOIN papers p ON p.matter = m.number LEFT JOIN sla_clock c ON c.id = m.clock_id
         WHERE coalesce(p.done, 0) <> (m.state = 'approved')::int OR coalesce(p.refused, 0) <> (m.state = 'refused')::int
            OR coalesce(p.corrections, 0) <> m.correction_rounds
            OR (m.state IN ('submitted', 'examining', 'correcting', 'approved', 'refused')) > (m.submitted_at IS NOT NULL)
            OR (m.state IN ('examining', 'correcting', 'approved', 'refused')) > (m.accepted_at IS NOT NULL AND m.clerk_id IS NOT NULL)
            OR (m.state IN ('approved', 'refused', 'withdrawn')) <> (m.decided_at IS NOT NULL)
            OR (m.submitted_at IS NOT NULL) <> (c.id IS NOT NULL)
            OR (m.state IN ('submitted', 'examining', 'correcting') OR m.state IN ('draft', 'confirming') AND m.submitted_at IS NOT NULL)
               <> (c.id IS NOT NULL AND c.stopped_at IS NULL)
            OR (m.state IN ('draft', 'confirming') AND m.submitted_at IS NOT NULL AND c.paused_at IS NULL)
        """,
    ),
    Invariant(
        "tenant.pledges",
        "登记件的双方就是该需求的企业和选定方案的机构，专利都在该需求之内且属于出质人，审查员属于受理机构",
        """
        SELECT g.number, '出质人 ' || g.pledgor_id || ' 质权人 ' || g.pledgee_id || ' 与需求不符'
          FROM pledges_registration g JOIN applications_application a ON a.id = g.application_id
          JOIN applications_offer o ON o.id = g.offer_id JOIN applications_referral r ON r.id = o.referral_id
         WHERE coalesce(g.debtor_org_id, g.pledgor_id) <> a.organisation_id OR r.application_id <> a.id OR g.pledgee_id <> r.institution_id
        UNION ALL
        SELECT g.number, '专利 ' || p.number || ' 不在需求之内' FROM pledges_pledgedpatent p
          JOIN pledges_registration g ON g.id = p.registration_id JOIN assets_patent t ON t.id = p.patent_id
         WHERE t.organisation_id NOT IN (g.pledgor_id, coalesce(g.debtor_org_id, g.pledgor_id)) OR t.number <> p.number
            OR NOT EXISTS (SELECT FROM applications_applicationpatent x WHERE x.application_id = g.application_id AND x.patent_id = p.patent_id)
               AND NOT EXISTS (SELECT FROM pledges_patentlist l WHERE l.registration_id = g.id)
        UNION ALL
        SELECT g.number, '审查员 ' || g.clerk_id || ' 不属于受理机构' FROM pledges_registration g
         WHERE g.clerk_id IS NOT NULL AND NOT EXISTS (SELECT FROM accounts_membership m
               WHERE m.user_id = g.clerk_id AND m.organisation_id = g.office_id)
        UNION ALL
        SELECT s.number, '被督办单位不是时限的责任单位' FROM reports_supervisionorder s JOIN sla_clock c ON c.id = s.clock_id
         WHERE s.organisation_id <> c.organisation_id
        """,
    ),
    Invariant(
        "file.bytes",
        "每行材料和通知书的文件都在，内容与记录的 SHA-256 和大小一致",
        files,
    ),
    Invariant("file.orphans", "文件夹里没有无主的文件（一小时以内的可能正在上传）", orphans),
    Invariant(
        "paper.printed",
        "签发的通知书、接收清单和查询证明都已生成文件",
        """
        SELECT number, '签发于 ' || issued_at FROM (
            SELECT number, issued_at, file FROM pledges_notice UNION ALL SELECT number, issued_at, file FROM pledges_receipt
            UNION ALL SELECT number, issued_at, file FROM pledges_searchcertificate) papers
         WHERE file = '' AND issued_at < %(now)s - %(grace)s - interval '3 minutes'
        """,
        applies=lambda run: run.printing,
    ),
]
