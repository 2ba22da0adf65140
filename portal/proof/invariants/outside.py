"""What only others know: calls the load saw acknowledged, mails the receiver got, sessions the server holds."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from .model import Invariant, Row, Run

# Verb by which the journal tells what the load calls so; the pledge's steps carry the registration, the others a referral.
_ON_REFERRAL = {"claimed": "referral.claimed", "declined": "referral.declined", "offered": "referral.offered"}
_ON_REGISTRATION = {
    "filed": "pledge.started",
    "confirmed": "pledge.submitted",
    "accepted": "pledge.accepted",
    "corrected": "pledge.correction",
    "completed": "pledge.completed",
    "registered": "pledge.registered",
}


def _with_history(run: Run) -> bool:
    return run.history is not None


def _with_mails(run: Run) -> bool:
    return run.mails is not None


def _lines(run: Run, *what: str) -> list[dict[str, Any]]:
    return [line for line in run.history or () if line.get("what") in what]


def _rows(sql: str, verbs: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, None if verbs is None else [list(verbs)])
        return list(cursor.fetchall())


def submitted_stored(run: Run) -> Iterator[Row]:
    """Every number that was answered to a submission stands under its token."""
    lines = _lines(run, "submitted", "repeated")
    stored = dict(_rows("SELECT token::text, number FROM applications_application"))
    for line in lines:
        if stored.get(str(line["token"])) != line["number"]:
            yield str(line["number"]), f"已回执，库中此凭证为 {stored.get(str(line['token']), '无')}"


def one_answer_per_token(run: Run) -> Iterator[Row]:
    """However often a token is sent, one number is answered; and no other number of the same draft exists."""
    numbers: dict[str, set[str]] = defaultdict(set)
    for line in _lines(run, "submitted", "repeated"):
        numbers[str(line["token"])].add(str(line["number"]))
    yield from ((token, "、".join(sorted(given))) for token, given in numbers.items() if len(given) > 1)


def answers_stored(run: Run) -> Iterator[Row]:
    """Every acknowledged verb of an institution stands in the journal as often as it was acknowledged."""
    told: Counter[tuple[str, str]] = Counter()
    for verb, ref, count in _rows(
        "SELECT verb, data->>'referral', count(*) FROM journal_entry WHERE verb = ANY(%s) GROUP BY 1, 2",
        sorted(_ON_REFERRAL.values()),
    ):
        told[verb, ref] = count
    seen: Counter[tuple[str, str]] = Counter()
    for line in _lines(run, *_ON_REFERRAL):
        if line.get("referral"):
            seen[_ON_REFERRAL[line["what"]], str(line["referral"])] += 1
    for (verb, ref), times in seen.items():
        if told[verb, ref] < times:
            yield ref, f"{verb} 回执 {times} 次，日志 {told[verb, ref]} 条"
    withdrawn = {
        number for (number,) in _rows("SELECT case_number FROM journal_entry WHERE verb = 'application.withdrawn'")
    }
    for line in _lines(run, "withdrawn"):
        if line["number"] not in withdrawn:
            yield str(line["number"]), "撤回已回执，没有日志"
    pooled = {
        (number, institution)
        for number, institution in _rows(
            "SELECT case_number, organisation_id FROM journal_entry WHERE verb = 'referral.claimed' AND data ? 'pool'"
        )
    }
    for line in _lines(run, "pooled"):
        if (line["number"], line["institution"]) not in pooled:
            yield str(line["number"]), f"机构 {line['institution']} 从需求池认领已回执，没有日志"


def steps_stored(run: Run) -> Iterator[Row]:
    """Every acknowledged step of a registration stands in the journal."""
    told = set(_rows("SELECT verb, subject FROM journal_entry WHERE verb = ANY(%s)", sorted(_ON_REGISTRATION.values())))
    for line in _lines(run, *_ON_REGISTRATION):
        if (_ON_REGISTRATION[line["what"]], f"registration:{line['registration']}") not in told:
            yield f"registration:{line['registration']}", f"{line['what']} 已回执，没有日志"


def one_winner(run: Run) -> Iterator[Row]:
    """Of several who claim one referral, one alone is told that it is theirs."""
    winners: dict[str, set[int]] = defaultdict(set)
    for line in _lines(run, "claimed"):
        winners[str(line["referral"])].add(int(line["user"]))
    yield from ((ref, f"{len(users)} 人都得到“接单成功”") for ref, users in winners.items() if len(users) > 1)


def refused_had_no_effect(run: Run) -> Iterator[Row]:
    """Who was told «no» at the only try has not changed anything."""
    verbs = {"claim": "referral.claimed", "decline": "referral.declined", "offer": "referral.offered"}
    done = set(
        _rows(
            "SELECT verb, data->>'referral', actor_id FROM journal_entry WHERE verb = ANY(%s)", sorted(verbs.values())
        )
    )
    acknowledged = {(line["what"], str(line.get("referral")), line.get("user")) for line in _lines(run, *_ON_REFERRAL)}
    names = {"claim": "claimed", "decline": "declined", "offer": "offered"}
    for line in _lines(run, "refused"):
        call, ref, user = line.get("call"), str(line.get("referral")), line.get("user")
        if not line.get("sure") or call not in verbs or (names[call], ref, user) in acknowledged:
            continue
        if (verbs[call], ref, user) in done:
            yield ref, f"{call} 被拒绝，日志里却办成了（用户 {user}）"


def mails_received(run: Run) -> Iterator[Row]:
    """Every notice marked as mailed came to the receiver, and none that should have been mailed was not."""
    received = {str(mail["id"]).strip("<>").partition("@")[0] for mail in run.mails or ()}
    received |= {f"notice-{pk}" for mail in run.mails or () for pk in mail.get("notices", ())}  # told in a digest
    for pk, key, marked in _rows(_MAILED):
        if marked and key not in received:
            yield f"notice:{pk}", f"标为已寄出，收件方没有 {key}"
        if not marked:
            yield f"notice:{pk}", "投递已完成，邮件却没有寄出"


# The key is the notice's (writing.mail writes it as the Message-ID).
_MAILED = """
SELECT n.id, 'notice-' || n.id, n.mailed_at IS NOT NULL
  FROM notifications_notice n JOIN accounts_membership m ON m.id = n.membership_id JOIN accounts_user u ON u.id = m.user_id
  JOIN journal_delivery d ON d.entry_id = n.entry_id AND d.subscriber = 'mail' AND d.state = 'sent'
 WHERE n.kind IN ('action', 'deadline') AND u.email <> '' AND m.active AND u.is_active
"""


def mails_repeated(run: Run) -> Iterator[Row]:
    """A mail may come twice only where a process was broken between sending and marking: at most so many as were broken."""
    times = Counter(str(mail["id"]) for mail in run.mails or ())
    again = [(key, n) for key, n in times.items() if n > 1]
    if run.repeats is not None and sum(n - 1 for _, n in again) > run.repeats:
        yield from ((key, f"收到 {n} 次（容许因故障重复的共 {run.repeats} 次）") for key, n in again)


ALL = [
    Invariant(
        "session.idle_in_transaction",
        "没有会话在事务中闲置超过 15 秒",
        """
        SELECT 'pid:' || pid, coalesce(application_name, '') || ' 自 ' || state_change || '：' || left(query, 80) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'
           AND state_change < clock_timestamp() - interval '15 seconds' - %(grace)s
        """,
    ),
    Invariant("history.submitted", "每个得到回执的提交都存在，编号与回执一致", submitted_stored, applies=_with_history),
    Invariant("history.one_answer", "同一凭证不论提交几次只得到一个编号", one_answer_per_token, applies=_with_history),
    Invariant(
        "history.answers",
        "机构每次得到回执的接单、婉拒、方案、认领和企业的撤回都在日志里",
        answers_stored,
        applies=_with_history,
    ),
    Invariant("history.steps", "登记的每一步得到回执的都在日志里", steps_stored, applies=_with_history),
    Invariant("history.one_winner", "同一条推送只有一个人得到“接单成功”", one_winner, applies=_with_history),
    Invariant("history.refused", "得到拒绝的（且只试过一次）没有办成", refused_had_no_effect, applies=_with_history),
    Invariant("mail.received", "每封标为已寄出的邮件收件方都收到，该寄的都寄了", mails_received, applies=_with_mails),
    Invariant("mail.repeated", "邮件只因故障而重复，次数不超过故障所能造成的", mails_repeated, applies=_with_mails),
]
