"""A 督办单 whose answer is late: both sides are told once. One statement by the database's clock, called by whoever sweeps.

Several callers are welcome: a row is taken by one of them, and what it wrote stays written (`reminded_at`).
"""

from django.db import connection

_LOOK = """
SELECT 1 FROM reports_supervisionorder
 WHERE replied_at IS NULL AND reply_due <= statement_timestamp() AND reminded_at IS NULL LIMIT 1
"""
_REMIND = """
WITH late AS (
    SELECT o.id FROM reports_supervisionorder o
     WHERE o.replied_at IS NULL AND o.reply_due <= statement_timestamp() AND o.reminded_at IS NULL
       FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE reports_supervisionorder o SET reminded_at = statement_timestamp()
      FROM late WHERE o.id = late.id
    RETURNING o.*
), told AS (
    INSERT INTO journal_entry (at, verb, actor_id, actor_label, organisation_id, subject, case_number, text, data, parties)
    SELECT statement_timestamp(), 'supervision.overdue', NULL, '系统', NULL, 'supervision:' || m.id, c.case_number,
           '督办单 ' || m.number || ' 已过答复时限，尚未答复',
           jsonb_build_object('order', m.number, 'organisation', m.organisation_id, 'clock', m.clock_id, 'reply_due', m.reply_due),
           ARRAY[m.organisation_id, m.issuing_organisation_id]
      FROM marked m JOIN sla_clock c ON c.id = m.clock_id
)
SELECT count(*) FROM marked
"""


def remind() -> int:
    """Announce the orders whose time to answer is over; returns how many. Runs in autocommit, cheap when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        if cursor.fetchone() is None:
            return 0
        cursor.execute(_REMIND)
        return int(cursor.fetchone()[0])
