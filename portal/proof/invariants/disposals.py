"""Disposals after a default: who won, who got how much, and that only those who may had a hand in it."""

from .model import Invariant

ALL = [
    Invariant(
        "disposal.result",
        "处置的结果有其报价：受让方的报价在本轮截止以前、不低于保留价、没有撤回；拍卖的是本轮最高、同价最早的；没有逾期的报价",
        """
        SELECT d.number, '中标报价与结果不符' FROM pledges_disposal d JOIN pledges_bid b ON b.id = d.winner_id
         WHERE b.disposal_id <> d.id OR b.round <> d.round OR b.withdrawn_at IS NOT NULL
            OR b.organisation_id IS DISTINCT FROM d.buyer_id OR b.amount IS DISTINCT FROM d.price OR b.amount < d.reserve
        UNION ALL
        SELECT d.number, '有更高或同价更早的报价' FROM pledges_disposal d JOIN pledges_bid b ON b.id = d.winner_id
         WHERE d.path = 'auction' AND EXISTS (SELECT FROM pledges_bid o
               WHERE o.disposal_id = d.id AND o.round = d.round AND o.withdrawn_at IS NULL AND o.id <> b.id
                 AND (-o.amount, o.made_at, o.id) < (-b.amount, b.made_at, b.id))
        UNION ALL
        SELECT d.number, '报价 ' || b.id || ' 晚于截止时间' FROM pledges_disposal d JOIN pledges_bid b ON b.disposal_id = d.id
         WHERE b.round = d.round AND b.made_at >= d.closes_at
        UNION ALL
        SELECT d.number, '状态 ' || d.state || ' 与分配不符' FROM pledges_disposal d LEFT JOIN pledges_distribution s ON s.disposal_id = d.id
         WHERE (d.state = 'settled') <> (s.id IS NOT NULL) OR (d.state IN ('settled', 'withdrawn')) <> (d.closed_at IS NOT NULL)
        """,
    ),
    Invariant(
        "disposal.money",
        "价款分配到分：各行合计等于价款和成交价，质权人所得等于其各行合计，没有一行超过应得，前一顺位没有足额时后一顺位不分；代偿申请合计不超过净损失",
        """
        WITH lines AS (
            SELECT distribution_id, sum(amount) AS amount, sum(amount) FILTER (WHERE kind IN ('pledgee_cost', 'interest', 'principal')) AS paid,
                   bool_or(amount > claimed) AS over, count(*) <> max(position) OR min(position) <> 1 AS gaps
              FROM pledges_share GROUP BY 1
        )
        SELECT d.number, '分配 ' || coalesce(l.amount, 0) || '，价款 ' || s.proceeds || '，成交价 ' || coalesce(d.price::text, '无')
          FROM pledges_distribution s JOIN pledges_disposal d ON d.id = s.disposal_id LEFT JOIN lines l ON l.distribution_id = s.id
         WHERE l.amount IS DISTINCT FROM s.proceeds OR s.proceeds IS DISTINCT FROM d.price OR coalesce(l.paid, 0) <> s.paid OR l.over OR l.gaps
        UNION ALL
        SELECT d.number, '债权没有足额，仍有余款退还：' || r.amount FROM pledges_distribution s JOIN pledges_disposal d ON d.id = s.disposal_id
          JOIN pledges_share r ON r.distribution_id = s.id AND r.kind = 'remainder'
         WHERE s.ceiling IS NULL AND EXISTS (SELECT FROM pledges_share o
               WHERE o.distribution_id = s.id AND o.kind <> 'remainder' AND o.amount < o.claimed)
        UNION ALL
        SELECT d.number, '代偿申请 ' || c.loss || ' 超过净损失 ' || s.claim - s.paid FROM pledges_distribution s
          JOIN pledges_disposal d ON d.id = s.disposal_id
          JOIN (SELECT disposal_id, sum(loss) AS loss FROM pledges_compensation WHERE state IN ('filed', 'paid') GROUP BY 1) c ON c.disposal_id = d.id
         WHERE c.loss > s.claim - s.paid
        UNION ALL
        SELECT d.number, '没有分配就申请了代偿' FROM pledges_compensation c JOIN pledges_disposal d ON d.id = c.disposal_id WHERE d.state <> 'settled'
        """,
    ),
    Invariant(
        "disposal.journalled",
        "每次处置的开始、公告、分配和代偿申请都有一条日志",
        """
        WITH told AS (
            SELECT subject, count(*) FILTER (WHERE verb = 'disposal.started') AS started,
                   count(*) FILTER (WHERE verb = 'disposal.published') AS published,
                   count(*) FILTER (WHERE verb = 'disposal.distributed') AS distributed
              FROM journal_entry WHERE subject LIKE 'disposal:%%' GROUP BY subject
        )
        SELECT d.number, d.state FROM pledges_disposal d LEFT JOIN told t ON t.subject = 'disposal:' || d.id
         WHERE coalesce(t.started, 0) <> 1 OR (coalesce(t.published, 0) > 0) <> (d.published_at IS NOT NULL)
            OR coalesce(t.distributed, 0) <> (d.state = 'settled')::int
        UNION ALL
        SELECT 'compensation:' || c.id, c.state FROM pledges_compensation c
         WHERE 1 <> (SELECT count(*) FROM journal_entry e WHERE e.subject = 'compensation:' || c.id AND e.verb = 'compensation.claimed')
            OR (c.state <> 'filed') <> EXISTS (SELECT FROM journal_entry e
               WHERE e.subject = 'compensation:' || c.id AND e.verb = 'compensation.' || c.state)
        """,
    ),
    Invariant(
        "tenant.disposals",
        "处置属于质权人：违约和处置是同一件质押，起草人和复核人是质权人的两名成员，质权人和出质人没有报价，代偿的机构承诺的是这笔贷款",
        """
        SELECT d.number, '违约记录属于另一件质押' FROM pledges_disposal d JOIN pledges_default f ON f.id = d.default_id
         WHERE f.registration_id <> d.registration_id
        UNION ALL
        SELECT d.number, '起草人或复核人不是质权人的成员' FROM pledges_disposal d JOIN pledges_registration r ON r.id = d.registration_id
          CROSS JOIN LATERAL (VALUES (d.drafted_by_id), (d.checked_by_id)) who(id)
         WHERE who.id IS NOT NULL AND NOT EXISTS (SELECT FROM accounts_membership m WHERE m.user_id = who.id AND m.organisation_id = r.pledgee_id)
        UNION ALL
        SELECT d.number, '质权人或出质人自己报价' FROM pledges_disposal d JOIN pledges_registration r ON r.id = d.registration_id
          JOIN pledges_bid b ON b.disposal_id = d.id WHERE b.organisation_id IN (r.pledgor_id, r.pledgee_id)
        UNION ALL
        SELECT d.number, '代偿的机构承诺的不是这笔贷款' FROM pledges_compensation c JOIN pledges_disposal d ON d.id = c.disposal_id
          JOIN pledges_registration r ON r.id = d.registration_id JOIN applications_offer o ON o.id = r.offer_id
          JOIN applications_cover v ON v.id = c.cover_id WHERE v.referral_id <> o.referral_id
        """,
    ),
]
