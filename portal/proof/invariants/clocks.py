"""Clocks: every live promise has one, none runs for a dead one, and the stored ladder says what will be announced."""

from collections.abc import Iterator

from django.db import connection

from portal.foundation.sla import calendars_in_use
from portal.foundation.sla.calendar_models import Closure
from portal.foundation.sla.deadlines_sql import DUE
from portal.foundation.sla.models import OF_THE_OFFICE, Clock, Policy
from portal.proof import compression

from .model import SAMPLE, Invariant, Row, Run

# Where a clock's present term began: its start, or the last resumption with the full term anew (one that was late when it
# was paused keeps its term).
SINCE = """
since AS (
    SELECT p.clock_id, max(p.ended_at) AS at FROM sla_pause p JOIN sla_clock k ON k.id = p.clock_id
     WHERE p.started_at < k.due_at AND p.ended_at IS NOT NULL AND (k.stopped_at IS NULL OR p.ended_at < k.stopped_at)
     GROUP BY 1
)"""

# A change of the calendar may move a due moment to the other side of a pause, and then the rows alone no longer tell whether the
# clock was late when it was paused: those are left to the replay, which reads what happened.
RECOUNTED = """
recounted AS (
    SELECT DISTINCT (f->>'clock')::bigint AS clock_id
      FROM journal_entry e, jsonb_array_elements(e.data->'clocks') AS f
     WHERE e.verb = 'clock.recomputed' AND jsonb_typeof(e.data->'clocks') = 'array'
)"""

# A stopped clock is compared when no calendar was loaded since it started: a late change moves open clocks only.
_WRONG = f"""
WITH {DUE}, {SINCE}, {RECOUNTED}, term AS (
    SELECT c.id, c.subject, c.due_at, c.provisional,
           (SELECT ends FROM due)[(coalesce(since.at, c.started_at) AT TIME ZONE interval '8 hours')::date
                                  - (SELECT first_day FROM calendar) + 1] AS right_at
      FROM sla_clock c LEFT JOIN since ON since.clock_id = c.id
     WHERE c.policy_id = %(policy)s AND c.paused_at IS NULL
       AND (c.kind NOT IN ('registration', 'amendment') OR c.organisation_id NOT IN (SELECT organisation_id FROM sla_closure))
       AND (since.at IS NULL OR c.id NOT IN (SELECT clock_id FROM recounted))
       AND (c.stopped_at IS NULL OR (SELECT max(loaded_at) FROM sla_calendaryear) <= c.started_at)
    OFFSET 0)
SELECT count(*) OVER (), subject, '存 ' || due_at || '，应为 ' || right_at FROM term
 WHERE due_at <> right_at OR provisional <> (right_at > (SELECT published_until FROM calendar)) LIMIT {SAMPLE}
"""  # noqa: S608 — only constants
_WRONG_COMPRESSED = f"""
WITH {SINCE}
SELECT count(*) OVER (), c.subject, '存 ' || c.due_at || '，应为 ' || coalesce(since.at, c.started_at) + %(term)s
  FROM sla_clock c LEFT JOIN since ON since.clock_id = c.id
 WHERE c.policy_id = %(policy)s AND c.paused_at IS NULL AND c.due_at <> coalesce(since.at, c.started_at) + %(term)s
 LIMIT {SAMPLE}
"""  # noqa: S608


def by_the_calendar(run: Run) -> Iterator[Row]:
    """Every policy version's clocks whose due moment is not the end of the right working day (or, compressed, second)."""
    for policy in Policy.objects.prefetch_related("levels"):
        codes = [level.code for level in policy.levels.all()]
        with connection.cursor() as cursor:
            if run.ladder:
                term = f"{compression.term(run.ladder, codes)} seconds"
                cursor.execute(
                    _WRONG_COMPRESSED.replace("%(term)s", "%(term)s::interval"), {"policy": policy.pk, "term": term}
                )
            else:
                cursor.execute(_WRONG, {"policy": policy.pk})
            for count, subject, said in cursor.fetchall():
                yield subject, f"{said}（规则 {policy.pk}，共 {count} 件）"
    if not run.ladder:
        yield from _with_closures()


def _with_closures() -> Iterator[Row]:
    """The open registrations of the few offices that have days off of their own: one by one, by the day-by-day calendar."""
    calendars = calendars_in_use.read_now()
    offices = Closure.objects.values_list("organisation_id", flat=True).distinct()
    open_clocks = Clock.objects.running().filter(kind__in=OF_THE_OFFICE, organisation_id__in=offices, paused_at=None)
    for clock in open_clocks.select_related("policy"):
        policy = clock.policy
        right = calendars.of(clock.organisation_id).deadline(
            clock.term_from,
            days=policy.days,
            day_zero="next_open" if policy.day_zero == "next_open" else "strict",
            closes=policy.closes,
        )
        if (right.due_at, right.provisional) != (clock.due_at, clock.provisional):
            yield clock.subject, f"存 {clock.due_at:%F %T}，按受理机构的停办日应为 {right.due_at:%F %T}"


ALL = [
    Invariant(
        "clock.obligation",
        "每条待响应的推送、每份待响应的担保保险申请、每件待受理或审查中的登记和登记后事项、每轮待推荐的改派恰有一个运行的时限，待补正的恰有一个暂停的时限，责任单位就是办理单位",
        """
        SELECT 'referral:' || r.id, coalesce('时限 ' || c.id || CASE WHEN c.stopped_at IS NOT NULL THEN ' 已停' WHEN c.paused_at IS NOT NULL
                                             THEN ' 已暂停' ELSE ' 责任单位 ' || c.organisation_id END, '没有时限')
          FROM applications_referral r JOIN applications_application a ON a.id = r.application_id
          LEFT JOIN sla_clock c ON c.id = r.clock_id
         WHERE r.state = 'waiting'
           AND (c.id IS NULL OR c.stopped_at IS NOT NULL OR c.paused_at IS NOT NULL OR c.kind <> 'response'
                OR c.organisation_id <> r.institution_id OR c.case_number <> a.number)
        UNION ALL
        SELECT 'registration:' || r.id, r.state || '：' || coalesce('时限 ' || c.id || CASE WHEN c.stopped_at IS NOT NULL THEN ' 已停'
                                             WHEN c.paused_at IS NOT NULL THEN ' 已暂停' ELSE ' 在走' END, '没有时限')
          FROM pledges_registration r JOIN applications_application a ON a.id = r.application_id
          LEFT JOIN sla_clock c ON c.id = r.clock_id
         WHERE r.state IN ('submitted', 'examining', 'correcting')
           AND (c.id IS NULL OR c.stopped_at IS NOT NULL OR (c.paused_at IS NOT NULL) <> (r.state = 'correcting')
                OR c.kind <> 'registration' OR c.organisation_id <> r.office_id OR c.case_number <> a.number)
        UNION ALL
        SELECT 'next_round:' || n.id, n.state || '，需求 ' || a.state || '：' || coalesce('时限 ' || c.id || CASE WHEN c.stopped_at IS NOT NULL
                                             THEN ' 已停' ELSE ' 在走' END, '没有时限')
          FROM applications_nextround n JOIN applications_application a ON a.id = n.application_id
          LEFT JOIN sla_clock c ON c.id = n.clock_id
         WHERE n.state = 'owed' AND (c.id IS NULL OR c.stopped_at IS NOT NULL OR c.paused_at IS NOT NULL
                                     OR c.kind <> 'next_lenders' OR c.case_number <> a.number OR a.state <> 'open')
        UNION ALL
        SELECT 'cover:' || v.id, '需求 ' || a.state || '：' || coalesce('时限 ' || c.id || CASE WHEN c.stopped_at IS NOT NULL THEN ' 已停'
                                             WHEN c.paused_at IS NOT NULL THEN ' 已暂停' ELSE ' 责任单位 ' || c.organisation_id END, '没有时限')
          FROM applications_cover v JOIN applications_application a ON a.id = v.application_id
          LEFT JOIN sla_clock c ON c.id = v.clock_id
         WHERE v.state = 'waiting'
           AND (c.id IS NULL OR c.stopped_at IS NOT NULL OR c.paused_at IS NOT NULL OR c.kind <> 'cover'
                OR c.organisation_id <> v.institution_id OR c.case_number <> a.number OR a.state <> 'open')
        UNION ALL
        SELECT 'matter:' || m.id, m.state || '：' || coalesce('时限 ' || c.id || CASE WHEN c.stopped_at IS NOT NULL THEN ' 已停'
                                             WHEN c.paused_at IS NOT NULL THEN ' 已暂停' ELSE ' 在走' END, '没有时限')
          FROM pledges_matter m JOIN pledges_registration r ON r.id = m.registration_id
          JOIN applications_application a ON a.id = r.application_id LEFT JOIN sla_clock c ON c.id = m.clock_id
         WHERE (m.state IN ('submitted', 'examining', 'correcting')
                AND (c.id IS NULL OR c.stopped_at IS NOT NULL OR (c.paused_at IS NOT NULL) <> (m.state = 'correcting')
                     OR c.kind <> 'amendment' OR c.organisation_id <> r.office_id OR c.case_number <> a.number))
            OR (m.state IN ('approved', 'refused', 'withdrawn') AND c.id IS NOT NULL AND c.stopped_at IS NULL)
        """,
    ),
    Invariant(
        "clock.dead",
        "没有时限为已经了结的事（或无主的事）继续走",
        """
        SELECT c.subject, '时限 ' || c.id || ' 未停：' || coalesce('推送 ' || r.state, '登记件 ' || g.state, '改派 ' || n.state, '担保保险 ' || v.state, '登记后事项 ' || m.state, '无主')
          FROM sla_clock c LEFT JOIN applications_referral r ON r.clock_id = c.id
          LEFT JOIN pledges_registration g ON g.clock_id = c.id LEFT JOIN applications_nextround n ON n.clock_id = c.id
          LEFT JOIN applications_cover v ON v.clock_id = c.id LEFT JOIN pledges_matter m ON m.clock_id = c.id
         WHERE c.stopped_at IS NULL
           AND coalesce(r.state <> 'waiting', g.state NOT IN ('submitted', 'examining', 'correcting'), n.state <> 'owed', v.state <> 'waiting',
                        m.state NOT IN ('submitted', 'examining', 'correcting'), true)
        """,
    ),
    Invariant(
        "clock.next_lenders",
        "一直没有答复的机构到了改派一级，企业就得到下一轮推荐（容许在途的时间）",
        """
        SELECT 'referral:' || r.id, '改派一级于 ' || e.announced_at || '，没有改派轮次'
          FROM sla_escalation e JOIN sla_clock c ON c.id = e.clock_id JOIN applications_referral r ON r.clock_id = c.id
          JOIN applications_application a ON a.id = r.application_id JOIN banks_institution i ON i.organisation_id = r.institution_id
         WHERE e.level = 'next_lender' AND r.state = 'waiting' AND a.state = 'open' AND NOT i.dispatcher
           AND e.announced_at < %(now)s - %(grace)s - %(outage)s
           AND EXISTS (SELECT FROM accounts_organisation o LEFT JOIN banks_institution d ON d.organisation_id = o.id
                        WHERE o.active AND (d.dispatcher OR o.kind IN ('platform', 'regulator')))
           AND NOT EXISTS (SELECT FROM applications_nextround n
                            WHERE n.application_id = a.id AND n.silent @> ARRAY[r.institution_id])
        """,
    ),
    Invariant(
        "clock.one_running",
        "同一件事同时至多有一个未停的时限，一个时限只属于一件事",
        """
        SELECT subject, count(*) || ' 个' FROM sla_clock WHERE stopped_at IS NULL GROUP BY subject HAVING count(*) > 1
        UNION ALL
        SELECT 'clock:' || r.clock_id, '推送 ' || r.id || ' 与登记件 ' || g.id
          FROM applications_referral r JOIN pledges_registration g USING (clock_id)
        UNION ALL
        SELECT 'clock:' || clock_id, count(*) || ' 条推送' FROM applications_referral WHERE clock_id IS NOT NULL
         GROUP BY clock_id HAVING count(*) > 1
        UNION ALL
        SELECT 'clock:' || clock_id, count(*) || ' 件登记' FROM pledges_registration WHERE clock_id IS NOT NULL
         GROUP BY clock_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "clock.pause",
        "暂停中的时限恰有一段未结束的暂停；每轮补正恰有一段暂停；各段前后相接、不重叠",
        """
        WITH pauses AS (
            SELECT clock_id, count(*) AS n, count(*) FILTER (WHERE reason NOT LIKE '改派：%%') AS corrections,
                   count(*) FILTER (WHERE ended_at IS NULL) AS open, max(started_at) AS last,
                   bool_or(ended_at < started_at) AS backwards
              FROM sla_pause GROUP BY clock_id
        ), overlapping AS (
            SELECT clock_id FROM (SELECT clock_id, started_at, lag(ended_at) OVER (PARTITION BY clock_id ORDER BY started_at, id) AS before
                                    FROM sla_pause) p WHERE before > started_at
        )
        SELECT c.subject, '时限 ' || c.id || '：暂停 ' || coalesce(p.n, 0) || ' 段，未结束 ' || coalesce(p.open, 0)
          FROM sla_clock c LEFT JOIN pauses p ON p.clock_id = c.id
         WHERE coalesce(p.open, 0) <> (c.stopped_at IS NULL AND c.paused_at IS NOT NULL)::int
            OR (p.open = 1 AND p.last <> c.paused_at) OR p.backwards OR (p.n > 0 AND p.last < c.started_at)
            OR c.id IN (SELECT clock_id FROM overlapping)
        UNION ALL
        SELECT 'registration:' || r.id, '补正 ' || r.correction_rounds || ' 轮，暂停 ' || coalesce(p.n, 0) || ' 段'
          FROM pledges_registration r LEFT JOIN pauses p ON p.clock_id = r.clock_id
         WHERE r.correction_rounds <> coalesce(p.corrections, 0)
        UNION ALL
        SELECT 'matter:' || m.id, '补正 ' || m.correction_rounds || ' 轮，暂停 ' || coalesce(p.n, 0) || ' 段'
          FROM pledges_matter m LEFT JOIN pauses p ON p.clock_id = m.clock_id
         WHERE m.correction_rounds <> coalesce(p.corrections, 0)
        """,
    ),
    Invariant(
        "clock.ladder",
        "存下的各级与时刻一一对应、依次递增，下一时刻就是下一级的时刻；停止或暂停的没有下一时刻；到期之后各级齐全",
        """
        WITH after AS (
            SELECT policy_id, array_agg(code::text) AS codes FROM sla_policylevel WHERE anchor = 'after' GROUP BY policy_id
        )
        SELECT c.subject, '时限 ' || c.id || '：第 ' || c.level || ' 级，下一时刻 ' || coalesce(c.next_at::text, '无')
          FROM sla_clock c LEFT JOIN after ON after.policy_id = c.policy_id
         WHERE cardinality(c.levels) <> cardinality(c.moments) OR c.level > cardinality(c.levels)
            OR c.next_at IS DISTINCT FROM CASE WHEN c.stopped_at IS NULL AND c.paused_at IS NULL THEN c.moments[c.level + 1] END
            OR NOT coalesce(after.codes <@ c.levels::text[], true)
            OR c.moments <> (SELECT coalesce(array_agg(m ORDER BY m), '{}') FROM unnest(c.moments) AS m)
            OR c.due_at <= c.started_at
        """,
    ),
    Invariant(
        "clock.due_stands",
        "到期时刻就是“已超期”一级的时刻，也是日志最后记下的到期时刻；答复只使时限停止，不改到期",
        """
        WITH said AS (
            SELECT DISTINCT ON (f.clock) f.clock, f.due_at
              FROM journal_entry e, jsonb_to_recordset(e.data->'clocks') AS f(did text, clock bigint, due_at timestamptz)
             WHERE jsonb_typeof(e.data->'clocks') = 'array' AND f.did IN ('started', 'resumed', 'recomputed')
             ORDER BY f.clock, e.id DESC
        ), since AS (SELECT min(at) AS at FROM journal_entry WHERE jsonb_typeof(data->'clocks') = 'array')
        SELECT c.subject, '到期 ' || c.due_at || '，“已超期” ' || coalesce(c.moments[array_position(c.levels, 'overdue')]::text, '无')
                          || '，日志 ' || coalesce(said.due_at::text, '无')
          FROM sla_clock c LEFT JOIN said ON said.clock = c.id
         WHERE c.moments[array_position(c.levels, 'overdue')] <> c.due_at OR said.due_at <> c.due_at
            OR (said.clock IS NULL AND c.started_at >= (SELECT at FROM since))
        """,
    ),
    Invariant(
        "clock.answer",
        "首次响应或办结的时刻就是时限停止的时刻；逾期的不能算免责；停止的写明原因和用时",
        """
        SELECT c.subject, '停于 ' || c.stopped_at || '（' || c.stop_reason || '），答复于 ' || coalesce(r.responded_at, g.decided_at)::text
          FROM sla_clock c LEFT JOIN applications_referral r ON r.clock_id = c.id
          LEFT JOIN pledges_registration g ON g.clock_id = c.id LEFT JOIN applications_cover v ON v.clock_id = c.id
          LEFT JOIN pledges_matter m ON m.clock_id = c.id
         WHERE c.stopped_at IS NOT NULL
           AND (c.stop_reason = '' OR c.working_minutes IS NULL OR c.working_minutes < 0
                OR (c.excused AND coalesce(c.paused_at, c.stopped_at) >= c.due_at)
                OR (c.stop_reason IN ('claimed', 'asked', 'offered', 'declined', 'dispatched') AND r.responded_at <> c.stopped_at)
                OR (c.stop_reason IN ('registered', 'refused') AND g.decided_at <> c.stopped_at)
                OR (c.stop_reason IN ('approved', 'refused', 'withdrawn') AND m.decided_at <> c.stopped_at)
                OR (c.stop_reason IN ('intent', 'terms', 'declined') AND v.responded_at <> c.stopped_at))
        """,
    ),
    Invariant(
        "clock.calendar",
        "每个时限的到期时刻就是工作日历给出的时刻（时间压缩的试验中，是压缩后的时刻）",
        by_the_calendar,
    ),
]
