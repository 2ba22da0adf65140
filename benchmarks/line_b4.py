"""B4: the officer's desk among a million requests, whole responses through the portal's WSGI handler and middleware.

The limit is the page's own SQL: the very statements one page sends (session, chair and messages included), replayed on the
bare driver and fetched. The peer is benchmarks/naive_desk.py. Page 10,000 is reached by its keyset address, as somebody
clicking on would; the tenfold pile compares the giant institution (60 % of all requests waiting) with the large one (6 %).
"""

import io
import json
import os
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test.utils import override_settings

from benchmarks.load import load
from benchmarks.rounds import interleaved
from benchmarks.stack import Browser

ROWS = 1_000_000
ROUNDS = 100
PAGE = 50
FAR = 10_000
DESK = "/desk/"


class Reader(Browser):
    """A logged-in officer who opens pages."""

    def get(self, path: str) -> bytes:
        """The body of a page; anything but 200 is an error of the benchmark."""
        where, _, query = path.partition("?")
        status: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": where,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "testserver",
            "HTTP_COOKIE": self.cookies,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
        }
        response = self.handler(environ, lambda line, headers, error=None: status.append(line))
        try:
            body = b"".join(response)
        finally:
            response.close()
        assert status[0].startswith("200"), (status, body[:500])
        return body


def far_address(institution_id: int) -> tuple[str, int]:
    """The keyset address of page 10,000 (or the last full page of a smaller load) and its number."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            "SELECT count(*) FROM sla_clock WHERE organisation_id = %s AND stopped_at IS NULL", [institution_id]
        )
        page = min(FAR, cursor.fetchone()[0] // PAGE)
        cursor.execute(
            "SELECT (extract(epoch FROM due_at) * 1000000)::bigint, id FROM sla_clock "
            "WHERE organisation_id = %s AND stopped_at IS NULL ORDER BY due_at, id OFFSET %s LIMIT 1",
            [institution_id, (page - 1) * PAGE - 1],
        )
        micros, pk = cursor.fetchone()
        cursor.execute("RESET statement_timeout")
    return f"{DESK}?after={micros}-{pk}", page


def statements(reader: Reader) -> list[tuple[str, Any]]:
    """What one page sends to the database."""
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        reader.get(DESK)
    return sent


def rows_in(body: bytes) -> int:
    return body.count(b'<th scope="row">')


@override_settings(ROOT_URLCONF="benchmarks.naive_desk", ALLOWED_HOSTS=["testserver"])
def measure(rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Seconds for one page, medians of interleaved requests."""
    loaded = load(rows)
    giant, large = Reader(loaded.giant_officer_id), Reader(loaded.large_officer_id)
    far, number = far_address(loaded.giant_id)
    cache.clear()
    first, ordinary = giant.get(DESK), giant.get("/bench/desk/")
    for body in (first, ordinary, giant.get(far), large.get(DESK)):
        assert rows_in(body) == PAGE, rows_in(body)
    sent = statements(giant)

    def own_sql() -> None:
        with connection.connection.cursor() as cursor:
            for sql, params in sent:
                cursor.execute(sql, params)
                cursor.fetchall()

    seconds = interleaved(
        {
            "ours": lambda: giant.get(DESK),
            "limit": own_sql,
            f"page {number}": lambda: giant.get(far),
            "a tenth pending": lambda: large.get(DESK),
        },
        rounds=rounds,
        warm=5,
    )
    seconds |= interleaved({"naive": lambda: giant.get("/bench/desk/"), "beside": lambda: giant.get(DESK)}, rounds=5)
    offset = interleaved({"offset": lambda: giant.get(f"/bench/desk/?page={number}")}, rounds=1, warm=0)["offset"]
    mine, limit = seconds.pop("ours"), seconds.pop("limit")
    ratios = {
        "over own SQL": mine / limit,
        "naive to ours": seconds["naive"] / seconds.pop("beside"),
        f"page {number} to page 1": seconds[f"page {number}"] / mine,
        "tenfold pending": mine / seconds["a tenth pending"],
    }
    far_ratio = ratios[f"page {number} to page 1"]
    met = (
        ratios["over own SQL"] <= 6
        and ratios["naive to ours"] >= 4
        and far_ratio <= 1.2
        and ratios["tenfold pending"] <= 1.1
    )
    return {
        "line": "B4",
        "ours": mine,
        "limit": limit,
        "peers": {**seconds, f"naive page {number} (offset)": offset},
        "unit": "s",
        "rows": loaded.requests,
        "statements": len(sent),
        "bytes": len(first),
        "loaded": {"rows": loaded.rows, "seconds": round(loaded.seconds, 1)},
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goal": "≤ 6× its own SQL, ≥ 4× naive, page 10,000 ≤ 1.2× page 1, ≤ 1.1× when pending grows tenfold",
        "met": met,
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    django.setup()
    print(json.dumps(measure(), ensure_ascii=False))
