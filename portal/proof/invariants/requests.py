"""Requests, referrals and offers: one of each, in consistent states, each fact in the journal, nothing across tenants."""

from .model import Invariant

# The entry that tells of each state; `one`: written on the referral itself.
_TOLD = """
told AS (
    SELECT subject, array_agg(DISTINCT verb) AS verbs FROM journal_entry
     WHERE subject LIKE 'referral:%%' AND (verb LIKE 'referral.%%' OR verb LIKE 'consent.%%') GROUP BY subject
), chosen AS (
    SELECT data->>'referral' AS ref FROM journal_entry WHERE verb = 'offer.accepted'
), given_up AS (
    SELECT DISTINCT case_number FROM journal_entry WHERE verb = 'application.withdrawn'
)"""

ALL = [
    Invariant(
        "request.one_per_token",
        "每个提交凭证至多成为一件融资需求，提交后草稿不再存在",
        """
        SELECT token::text, string_agg(number, ' ' ORDER BY id) FROM applications_application
         GROUP BY token HAVING count(*) > 1
        UNION ALL
        SELECT d.token::text, '草稿 ' || d.id || ' 仍在，需求 ' || a.number || ' 已提交'
          FROM applications_draft d JOIN applications_application a USING (token)
        """,
    ),
    Invariant(
        "request.numbers",
        "办件、登记件、登记后事项、督办单、文书编号各不相同，每日（每年）从 1 起连续，与计数器一致",
        r"""
        WITH given AS (
            SELECT 'case:' || substring(number from '^YZD(\d{8})') AS name,
                   substring(number from '^YZD\d{8}(\d+)[A-Z]$')::bigint AS serial, number FROM applications_application
            UNION ALL
            SELECT 'pledge:' || substring(number from '^ZYDJ(\d{8})'),
                   substring(number from '^ZYDJ\d{8}(\d+)[A-Z]$')::bigint, number FROM pledges_registration
            UNION ALL
            SELECT 'matter:' || substring(number from '^ZYSX(\d{8})'),
                   substring(number from '^ZYSX\d{8}(\d+)[A-Z]$')::bigint, number FROM pledges_matter
            UNION ALL
            SELECT 'order:' || substring(number from '^DBD(\d{8})'),
                   substring(number from '^DBD\d{8}(\d+)[A-Z]$')::bigint, number FROM reports_supervisionorder
            UNION ALL
            SELECT 'notice:' || substring(number from '〔(\d{4})〕'),
                   substring(number from '〕(\d+)号$')::bigint, number FROM pledges_notice
            UNION ALL
            SELECT 'receipt:' || substring(number from '〔(\d{4})〕'),
                   substring(number from '〕(\d+)号$')::bigint, number FROM pledges_receipt
            UNION ALL
            SELECT 'search:' || substring(number from '〔(\d{4})〕'),
                   substring(number from '〕(\d+)号$')::bigint, number FROM pledges_searchcertificate
        ), each AS (
            SELECT name, count(*) AS n, count(DISTINCT serial) AS serials, max(serial) AS top, min(serial) AS low
              FROM given WHERE name IS NOT NULL AND serial IS NOT NULL GROUP BY name
        ), counter AS (
            SELECT name, value FROM core_counter WHERE name ~ '^(case|pledge|matter|order|notice|receipt|search):\d+$' AND value <> 0
        )
        SELECT name, '共 ' || coalesce(n, 0) || ' 个，最小 ' || coalesce(low, 0) || '，最大 ' || coalesce(top, 0)
                     || '，不同 ' || coalesce(serials, 0) || '，计数 ' || coalesce(value, 0)
          FROM each FULL JOIN counter USING (name)
         WHERE n IS DISTINCT FROM value OR serials <> n OR top <> n OR low <> 1
        UNION ALL
        SELECT coalesce(number, ''), '编号格式不对' FROM given WHERE name IS NULL OR serial IS NULL
        """,
    ),
    Invariant(
        "request.state",
        "需求的状态与选定方案、办结时间、质押登记、放款互相一致",
        """
        WITH file AS (
            SELECT application_id, bool_or(r.state IN ('submitted', 'examining', 'correcting')) AS open,
                   bool_or(r.state = 'registered' OR l.id IS NOT NULL) AS done, bool_or(l.id IS NOT NULL) AS paid
              FROM pledges_registration r LEFT JOIN pledges_loan l ON l.registration_id = r.id GROUP BY 1
        )
        SELECT a.number, a.state || CASE WHEN f.open THEN '，登记办理中' ELSE '' END
                                 || CASE WHEN f.done THEN '，已登记' ELSE '' END
                                 || CASE WHEN f.paid THEN '，已放款' ELSE '' END
          FROM applications_application a LEFT JOIN file f ON f.application_id = a.id
         WHERE (a.state IN ('accepted', 'registering', 'registered', 'disbursed')
                AND (a.accepted_offer_id IS NULL OR a.accepted_at IS NULL))
            OR (a.state IN ('open', 'unmet') AND a.accepted_offer_id IS NOT NULL)
            OR (a.state IN ('withdrawn', 'unmet', 'disbursed')) <> (a.closed_at IS NOT NULL)
            OR (a.state = 'registering') <> coalesce(f.open, false)
            OR (a.state IN ('registered', 'disbursed')) <> coalesce(f.done, false)
            OR (a.state = 'disbursed') <> coalesce(f.paid, false)
        """,
    ),
    Invariant(
        "request.chosen",
        "选定的方案属于本需求且状态为已选定；一件需求同类机构至多选定一家；撤回或未成交后没有办理中的推送和有效授权",
        """
        SELECT a.number, '选定方案 ' || o.id || ' 状态 ' || o.state || '，推送状态 ' || r.state
          FROM applications_application a JOIN applications_offer o ON o.id = a.accepted_offer_id
          JOIN applications_referral r ON r.id = o.referral_id
         WHERE r.application_id <> a.id OR o.state <> 'accepted'
            OR (a.state <> 'withdrawn' AND r.state <> 'accepted')
        UNION ALL
        SELECT a.number, '选定了 ' || count(*) || ' 家 ' || g.kind
          FROM applications_referral r JOIN applications_application a ON a.id = r.application_id
          JOIN accounts_organisation g ON g.id = r.institution_id
         WHERE r.state = 'accepted' GROUP BY a.number, g.kind HAVING count(*) > 1
        UNION ALL
        SELECT a.number, '已结束，推送 ' || r.id || ' 仍为 ' || r.state
          FROM applications_referral r JOIN applications_application a ON a.id = r.application_id
         WHERE a.state IN ('withdrawn', 'unmet') AND r.state IN ('waiting', 'claimed', 'info', 'offered', 'accepted')
           AND NOT (a.state = 'unmet' AND r.state = 'accepted')
        UNION ALL
        SELECT a.number, '已撤回，授权 ' || c.id || ' 仍有效'
          FROM applications_consent c JOIN applications_application a ON a.id = c.application_id
         WHERE a.state = 'withdrawn' AND c.revoked_at IS NULL
        """,
    ),
    Invariant(
        "cover.state",
        "担保、保险申请随银行的推送而生灭；连同方案选定的都已承诺；撤回的不再计入在保余额",
        """
        SELECT 'cover:' || v.id, v.state || '，推送 ' || r.state || '，需求 ' || a.state
          FROM applications_cover v JOIN applications_referral r ON r.id = v.referral_id
          JOIN applications_application a ON a.id = v.application_id
         WHERE r.application_id <> v.application_id
            OR v.state IN ('proposed', 'waiting', 'intent', 'terms') AND (a.state <> 'open' OR r.state NOT IN ('claimed', 'info', 'offered'))
            OR v.state = 'committed' AND r.state NOT IN ('claimed', 'info', 'offered', 'accepted')
            OR (v.state IN ('released', 'compensated', 'declined', 'withdrawn')) <> (v.closed_at IS NOT NULL)
            OR v.state = 'committed' AND r.state = 'accepted' AND v.accepted_at IS NULL
        """,
    ),
    Invariant(
        "cover.outstanding",
        "每户在保余额等于其已承诺、计入单户上限的担保金额之和，也等于变动之和，且不超过上限",
        """
        WITH owed AS (
            SELECT a.organisation_id, sum(v.amount) AS amount FROM applications_cover v
              JOIN applications_application a ON a.id = v.application_id JOIN products_riskscheme s ON s.id = v.scheme_id
             WHERE v.state = 'committed' AND s.counts_to_cap GROUP BY 1
        ), moved AS (
            SELECT exposure_id, sum(CASE kind WHEN 'taken' THEN amount ELSE -amount END) AS amount
              FROM products_exposureentry GROUP BY 1
        )
        SELECT 'organisation:' || coalesce(h.organisation_id, o.organisation_id),
               '余额 ' || coalesce(h.outstanding, 0) || '，承诺 ' || coalesce(o.amount, 0) || '，变动 ' || coalesce(m.amount, 0)
          FROM products_householdexposure h FULL JOIN owed o ON o.organisation_id = h.organisation_id
          LEFT JOIN moved m ON m.exposure_id = h.organisation_id
         WHERE coalesce(h.outstanding, 0) <> coalesce(o.amount, 0) OR coalesce(h.outstanding, 0) <> coalesce(m.amount, 0)
            OR h.outstanding > h.cap
        """,
    ),
    Invariant(
        "referral.one_open",
        "一件需求对一家机构至多有一条未结束的推送",
        """
        SELECT application_id || '→' || institution_id, count(*) || ' 条' FROM applications_referral
         WHERE state NOT IN ('declined', 'withdrawn', 'reassigned', 'not_selected', 'lapsed')
         GROUP BY application_id, institution_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "referral.state",
        "推送的状态与首次响应、结束时间、经办人、方案互相一致；冗余的到期时间等于其时限",
        """
        WITH offer AS (
            SELECT referral_id, count(*) FILTER (WHERE state = 'open') AS open,
                   count(*) FILTER (WHERE state = 'accepted') AS accepted, count(*) AS n, max(version) AS top
              FROM applications_offer GROUP BY 1
        )
        SELECT 'referral:' || r.id, r.state || '，方案 ' || coalesce(o.open, 0) || ' 待选 ' || coalesce(o.accepted, 0) || ' 选定'
          FROM applications_referral r LEFT JOIN offer o ON o.referral_id = r.id LEFT JOIN sla_clock c ON c.id = r.clock_id
         WHERE (r.state = 'waiting') AND (r.responded_at IS NOT NULL OR r.closed_at IS NOT NULL)
            OR r.state IN ('claimed', 'info', 'offered', 'accepted', 'declined', 'reassigned') AND r.responded_at IS NULL
            OR r.state IN ('claimed', 'info', 'offered', 'declined') AND r.officer_id IS NULL
            OR (r.state IN ('declined', 'not_selected', 'withdrawn', 'reassigned', 'lapsed')) <> (r.closed_at IS NOT NULL)
            OR (r.state = 'offered') <> (coalesce(o.open, 0) = 1) OR coalesce(o.open, 0) > 1
            OR r.state = 'accepted' AND coalesce(o.accepted, 0) <> 1
            OR coalesce(o.n, 0) <> coalesce(o.top, 0)
            OR r.due_at IS DISTINCT FROM c.due_at
        """,
    ),
    Invariant(
        "referral.one_claim",
        "一条推送至多被接单一次：同一件不会有两个人都得到“接单成功”",
        """
        SELECT subject, string_agg(actor_label, '、' ORDER BY id) FROM journal_entry
         WHERE verb = 'referral.claimed' GROUP BY subject HAVING count(*) > 1
        UNION ALL
        SELECT subject, string_agg(verb || ' ' || actor_label, '、' ORDER BY id) FROM journal_entry
         WHERE verb IN ('referral.declined', 'referral.not_selected', 'consent.revoked', 'referral.dispatched', 'referral.lapsed')
         GROUP BY subject HAVING count(*) > 1
        """,
    ),
    Invariant(
        "referral.after_the_end",
        "推送婉拒、未选中、失效、收回授权、改派之后，以及需求撤回之后，不再发生办理",
        """
        WITH ended AS (
            SELECT subject, min(id) AS id FROM journal_entry
             WHERE verb IN ('referral.declined', 'referral.not_selected', 'consent.revoked', 'referral.dispatched', 'referral.lapsed')
             GROUP BY subject
        ), given_up AS (
            SELECT case_number, min(id) AS id FROM journal_entry
             WHERE verb IN ('application.withdrawn', 'application.unmet') GROUP BY case_number
        )
        SELECT e.subject, e.verb || '（日志 ' || e.id || '）在结束（日志 ' || ended.id || '）之后'
          FROM ended JOIN journal_entry e ON e.subject = ended.subject AND e.id > ended.id
         WHERE e.verb IN ('referral.claimed', 'referral.asked', 'referral.answered', 'referral.offered', 'referral.declined',
                          'referral.not_selected', 'referral.dispatched', 'referral.lapsed', 'consent.revoked')
        UNION ALL
        SELECT e.subject, e.verb || '（日志 ' || e.id || '）在撤回（日志 ' || g.id || '）之后'
          FROM given_up g JOIN journal_entry e ON e.case_number = g.case_number AND e.id > g.id
         WHERE e.verb ~ '^(referral|offer|pledge|loan|application)[.]'
        """,
    ),
    Invariant(
        "request.journalled",
        "每件需求恰有一条“提交”日志；撤回、未成交、选定、放款各有其日志；没有无主的日志",
        """
        WITH told AS (
            SELECT subject, count(*) FILTER (WHERE verb = 'application.submitted') AS submitted,
                   count(*) FILTER (WHERE verb = 'application.withdrawn') AS withdrawn,
                   count(*) FILTER (WHERE verb = 'application.unmet') AS unmet
              FROM journal_entry WHERE subject LIKE 'application:%%' GROUP BY subject
        ), chosen AS (
            SELECT DISTINCT data->>'offer' AS offer FROM journal_entry WHERE verb = 'offer.accepted'
        ), paid AS (
            SELECT DISTINCT data->>'loan' AS ref FROM journal_entry WHERE verb = 'loan.recorded'
        )
        SELECT coalesce(a.number, t.subject), '提交日志 ' || coalesce(t.submitted, 0) || ' 条，状态 ' || coalesce(a.state, '无此需求')
          FROM applications_application a FULL JOIN told t ON t.subject = 'application:' || a.id
         WHERE a.id IS NULL OR coalesce(t.submitted, 0) <> 1
            OR coalesce(t.withdrawn, 0) <> (a.state = 'withdrawn')::int OR coalesce(t.unmet, 0) <> (a.state = 'unmet')::int
        UNION ALL
        SELECT a.number, '选定方案没有日志' FROM applications_application a
         WHERE a.accepted_offer_id IS NOT NULL AND NOT EXISTS (SELECT FROM chosen WHERE offer = a.accepted_offer_id::text)
        UNION ALL
        SELECT l.ref::text, '放款没有日志' FROM pledges_loan l WHERE NOT EXISTS (SELECT FROM paid WHERE paid.ref = l.ref::text)
        """,
    ),
    Invariant(
        "referral.journalled",
        "推送的每个状态都有写下它的日志，每条日志都有其推送",
        f"""
        WITH {_TOLD}
        SELECT coalesce('referral:' || r.id, t.subject), coalesce(r.state, '无此推送') || '：' || coalesce(array_to_string(t.verbs, ' '), '无日志')
          FROM applications_referral r JOIN applications_application a ON a.id = r.application_id
          FULL JOIN (SELECT * FROM told WHERE subject ~ '^referral:[0-9]+$') t ON t.subject = 'referral:' || r.id
         WHERE r.id IS NULL
            OR NOT CASE r.state
                   WHEN 'waiting' THEN NOT coalesce(t.verbs && '{{referral.claimed,referral.asked,referral.offered,referral.declined}}', false)
                   WHEN 'claimed' THEN coalesce(t.verbs && '{{referral.claimed,referral.answered}}', false)
                   WHEN 'info' THEN coalesce('referral.asked' = ANY(t.verbs), false)
                   WHEN 'offered' THEN coalesce('referral.offered' = ANY(t.verbs), false)
                   WHEN 'accepted' THEN EXISTS (SELECT FROM chosen WHERE chosen.ref = r.ref::text)
                   WHEN 'declined' THEN coalesce('referral.declined' = ANY(t.verbs), false)
                   WHEN 'not_selected' THEN coalesce('referral.not_selected' = ANY(t.verbs), false)
                   WHEN 'lapsed' THEN coalesce('referral.lapsed' = ANY(t.verbs), false)
                   WHEN 'reassigned' THEN coalesce('referral.dispatched' = ANY(t.verbs), false)
                   WHEN 'withdrawn' THEN coalesce('consent.revoked' = ANY(t.verbs), false)
                                         OR a.number IN (SELECT case_number FROM given_up)
                   ELSE true END
        """,  # noqa: S608 — only constants
    ),
    Invariant(
        "tenant.requests",
        "推送有本企业对该机构的授权；专利、材料、提问、方案都属于同一需求、同一企业；经办人属于该机构",
        """
        SELECT 'referral:' || r.id, '没有授权' FROM applications_referral r
         WHERE NOT EXISTS (SELECT FROM applications_consent c
                            WHERE c.application_id = r.application_id AND c.institution_id = r.institution_id)
        UNION ALL
        SELECT a.number, '专利 ' || p.number || ' 不属于该企业' FROM applications_applicationpatent ap
          JOIN applications_application a ON a.id = ap.application_id JOIN assets_patent p ON p.id = ap.patent_id
         WHERE p.organisation_id <> a.organisation_id OR p.number <> ap.number
        UNION ALL
        SELECT a.number, '没有专利' FROM applications_application a
         WHERE NOT EXISTS (SELECT FROM applications_applicationpatent ap WHERE ap.application_id = a.id)
        UNION ALL
        SELECT 'attachment:' || f.id, '材料与提问不属于同一需求' FROM applications_attachment f
          JOIN applications_informationrequest q ON q.id = f.question_id JOIN applications_referral r ON r.id = q.referral_id
         WHERE f.application_id IS DISTINCT FROM r.application_id
        UNION ALL
        SELECT 'attachment:' || f.id, '材料既属于草稿又属于需求' FROM applications_attachment f
         WHERE f.draft_id IS NOT NULL AND f.application_id IS NOT NULL
        UNION ALL
        SELECT 'referral:' || r.id, '经办人 ' || r.officer_id || ' 不是该机构的人' FROM applications_referral r
         WHERE r.officer_id IS NOT NULL AND NOT EXISTS (SELECT FROM accounts_membership m
               WHERE m.user_id = r.officer_id AND m.organisation_id = r.institution_id)
        UNION ALL
        SELECT 'referral:' || r.id, '产品 ' || p.id || ' 不是该机构的' FROM applications_referral r
          JOIN products_product p ON p.id = r.product_id WHERE p.institution_id <> r.institution_id
        """,
    ),
    Invariant(
        "money",
        "金额都是数（不是 NaN），大于零且不超过上限；利率在范围内；放款不超过被担保债权",
        """
        SELECT 'application:' || id, amount::text FROM applications_application WHERE NOT (amount > 0 AND amount <= 1e10)
        UNION ALL SELECT 'offer:' || id, amount::text FROM applications_offer
                   WHERE NOT (amount > 0 AND amount <= 1e10) OR NOT (other_fees >= 0 AND other_fees <= 1e10)
                      OR NOT coalesce(annual_rate > 0 AND annual_rate <= 36, true) OR NOT coalesce(fee_rate >= 0 AND fee_rate <= 36, true)
        UNION ALL SELECT 'registration:' || id, debt_amount::text FROM pledges_registration
                   WHERE NOT (debt_amount > 0 AND debt_amount <= 1e10) OR NOT coalesce(valued_at > 0 AND valued_at <= 1e12, true)
        UNION ALL SELECT 'loan:' || l.id, l.amount::text FROM pledges_loan l JOIN pledges_registration r ON r.id = l.registration_id
                   WHERE NOT (l.amount > 0 AND l.amount <= greatest(r.debt_amount, r.first_amount))
        """,
    ),
]
