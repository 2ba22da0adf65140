"""Announcements: none early, none missed, none doubled, none after the end, each in the journal."""

from .clocks import RECOUNTED, SINCE
from .model import Invariant, Run


def _keeps_commit_times(run: Run) -> bool:
    return run.commit_times


ALL = [
    Invariant(
        "escalation.early",
        "没有提醒早于应提醒的时刻，也没有写在将来的提醒",
        """
        SELECT c.subject, e.level || ' 应于 ' || e.moment || '，却在 ' || e.announced_at
          FROM sla_escalation e JOIN sla_clock c ON c.id = e.clock_id
         WHERE e.announced_at < e.moment OR e.announced_at > %(now)s OR e.moment <= c.started_at
        """,
    ),
    Invariant(
        "escalation.early_by_commit",
        "按数据库记下的提交时间，没有提醒在应提醒的时刻之前提交（不看任何写入的时间）",
        """
        SELECT c.subject, e.level || ' 应于 ' || e.moment || '，提交于 ' || pg_xact_commit_timestamp(e.xmin)
          FROM sla_escalation e JOIN sla_clock c ON c.id = e.clock_id
         WHERE pg_xact_commit_timestamp(e.xmin) < e.moment
        """,
        applies=_keeps_commit_times,
    ),
    Invariant(
        "escalation.missed",
        "没有该提醒而未提醒的时刻：运行中的时限到时已提醒或被更高一级越过；停止或暂停之前到时的也是",
        """
        SELECT subject, '时限 ' || id || '：' || levels[level + 1] || ' 应于 ' || moments[level + 1]
          FROM sla_clock
         WHERE (stopped_at IS NULL AND paused_at IS NULL AND moments[level + 1] <= %(now)s - %(grace)s)
            OR (coalesce(paused_at, stopped_at) IS NOT NULL
                AND moments[level + 1] <= coalesce(paused_at, stopped_at) - %(grace)s - %(outage)s
                -- Begun and ended by one act, because what had begun it was heard late: it never ran for a sweep to see.
                AND NOT EXISTS (
                    SELECT FROM journal_entry e WHERE e.case_number = sla_clock.case_number
                       AND e.data->'clocks' @> jsonb_build_array(jsonb_build_object('did', 'started', 'clock', sla_clock.id))
                       AND e.data->'clocks' @> jsonb_build_array(jsonb_build_object('did', 'stopped', 'clock', sla_clock.id))))
        """,
    ),
    Invariant(
        "escalation.overtaken_named",
        "已过的每一级，或者有提醒，或者在越过它的提醒里写明",
        f"""
        WITH {SINCE}, {RECOUNTED}, reached AS (
            SELECT c.id, c.subject, c.levels[1:c.level]::text[] AS levels, coalesce(since.at, c.started_at) AS since
              FROM sla_clock c LEFT JOIN since ON since.clock_id = c.id
             WHERE c.level > 0 AND c.id NOT IN (SELECT clock_id FROM recounted)
        ), told AS (
            SELECT clock_id, announced_at AS at, level::text AS level FROM sla_escalation
            UNION ALL
            SELECT (data->>'clock')::bigint, at, jsonb_array_elements_text(data->'overtaken')
              FROM journal_entry WHERE verb = 'clock.escalated'
        ), known AS (
            SELECT r.id, array_agg(t.level) AS levels FROM reached r JOIN told t ON t.clock_id = r.id AND t.at >= r.since GROUP BY r.id
        )
        SELECT r.subject, '时限 ' || r.id || ' 已过 ' || array_to_string(r.levels, ' ') || '，写明的只有 ' || coalesce(array_to_string(k.levels, ' '), '无')
          FROM reached r LEFT JOIN known k USING (id) WHERE NOT r.levels <@ coalesce(k.levels, '{{}}')
        """,  # noqa: S608 — only constants
    ),
    Invariant(
        "escalation.doubled",
        "同一时限的同一级在同一轮里只提醒一次，同一时刻也只提醒一次",
        """
        SELECT 'clock:' || clock_id, level || ' 第 ' || round || ' 轮 ' || count(*) || ' 次' FROM sla_escalation
         GROUP BY clock_id, level, round HAVING count(*) > 1
        UNION ALL
        SELECT 'clock:' || clock_id, level || ' 于 ' || moment || ' ' || count(*) || ' 次' FROM sla_escalation
         GROUP BY clock_id, level, moment HAVING count(*) > 1
        """,
    ),
    Invariant(
        "escalation.journalled",
        "提醒与“时限提醒”日志一一对应",
        """
        WITH told AS (
            SELECT (data->>'clock')::bigint AS clock_id, data->>'level' AS level, at, count(*) AS n
              FROM journal_entry WHERE verb = 'clock.escalated' GROUP BY 1, 2, 3
        ), written AS (
            SELECT clock_id, level::text AS level, announced_at AS at, count(*) AS n FROM sla_escalation GROUP BY 1, 2, 3
        )
        SELECT 'clock:' || clock_id, level || ' ' || at || '：提醒 ' || coalesce(w.n, 0) || ' 条，日志 ' || coalesce(t.n, 0) || ' 条'
          FROM written w FULL JOIN told t USING (clock_id, level, at) WHERE w.n IS DISTINCT FROM t.n
        """,
    ),
    Invariant(
        "escalation.after_stop",
        "时限停止之后、暂停之中没有提醒（容许在途的时间）",
        """
        SELECT c.subject, e.level || ' 于 ' || e.announced_at || '，已停于 ' || c.stopped_at
          FROM sla_escalation e JOIN sla_clock c ON c.id = e.clock_id
         WHERE e.announced_at > c.stopped_at + %(grace)s + %(outage)s
        UNION ALL
        SELECT c.subject, e.level || ' 于 ' || e.announced_at || '，暂停自 ' || p.started_at
          FROM sla_escalation e JOIN sla_clock c ON c.id = e.clock_id JOIN sla_pause p ON p.clock_id = c.id
         WHERE e.announced_at > p.started_at + %(grace)s + %(outage)s AND e.announced_at < coalesce(p.ended_at, 'infinity')
        """,
    ),
    Invariant(
        "escalation.after_stop_by_commit",
        "按数据库记下的提交顺序，没有提醒在停止提交之后提交",
        """
        SELECT c.subject, e.level || ' 提交于 ' || pg_xact_commit_timestamp(e.xmin) || '，停止提交于 ' || pg_xact_commit_timestamp(c.xmin)
          FROM sla_escalation e JOIN sla_clock c ON c.id = e.clock_id
         WHERE e.announced_at > c.stopped_at AND pg_xact_commit_timestamp(e.xmin) >= pg_xact_commit_timestamp(c.xmin)
        """,
        applies=_keeps_commit_times,
    ),
    Invariant(
        "escalation.one_transaction",
        "提醒、其日志由同一个事务写下（数据库未曾由备份恢复时才可查）",
        """
        SELECT 'clock:' || e.clock_id, e.level || ' 与日志 ' || j.id || ' 不在同一事务'
          FROM sla_escalation e
          JOIN journal_entry j ON j.verb = 'clock.escalated' AND (j.data->>'clock')::bigint = e.clock_id
                              AND j.data->>'level' = e.level AND j.at = e.announced_at
         WHERE j.xmin <> e.xmin
        """,
        applies=lambda run: run.untouched,
    ),
]
