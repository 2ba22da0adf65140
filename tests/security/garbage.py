"""What people and programs type that no field wants; seeded, so that a failure can be repeated."""

import random

BAD: tuple[str, ...] = (
    "", " ", "0.005", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "1e30", "1e-999999999", "1E+400", "-1", "0", "-0", "+5",
    "８００", "1,000", "1，000", "1 000", "1_000", "0x10", "²", "٣", "१२", "Ⅷ", "½", "9" * 19, "9" * 40, "9" * 5000, "9" * 10,
    "-9223372036854775809", "9223372036854775808", "2147483648", "32768", "abc", "长" * 10_000, "x" * 10_000,
    "\x00", "a\x00b", "\u202egnp.exe", "\u200b=1+1", "\ufeff", "\ud7ff\uffff", "\U0001f4a9", "a\r\nSet-Cookie: x=1", "\t", "\x1b[31m",
    "{{7*7}}", "{% debug %}", "${7*7}", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)",
    "'--", "' OR '1'='1", "'; DROP TABLE accounts_user;--", "%", "_", "\\", "%00", "%s", "%(x)s", "=1+1", "@SUM(1)", "../../etc/passwd",
    "not-a-uuid", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
    "0000-00-00", "0001-01-01", "9999-12-31", "9999-12-30", "1582-10-10", "2026-02-30", "2026-13-01", "99999-01-01", "2026-W01-1",
    "0001-01-01T00:00:00+14:00~1", "9999-12-31T23:59:59-12:00~9223372036854775807", "2026-11-23T00:00:00+00:00~" + "9" * 30,
    "2026-11-23T00:00:00~1", "9999999999999999-9", "0-0", "true", "on", "null", "None", "[]", "{}", "[object Object]",
    "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "bz05OTk5OTk5OTk5OTk5OTk5", "cD0A", "/////", "//evil.example/", "/\\evil.example",
)  # fmt: skip
# Names that views read from an address; whatever else a form has is found on its page.
QUERY = (
    "after", "before", "page", "c", "q", "tab", "due", "band", "district", "officer", "kind", "mode", "amount", "term", "by",
    "online", "number", "group", "rows", "here", "paper", "part", "next", "product", "from", "to", "institution", "desk", "sort",
    "measure", "show", "shown", "state", "order", "year", "unread", "cursor", "format", "inline", "view", "preview", "invention", "design", "tier", "wish", "check", "back", "first", "last",
)  # fmt: skip


def bad(dice: random.Random) -> str:
    """One piece of garbage; now and then two glued together or a random string."""
    pick = dice.random()
    if pick < 0.8:
        return dice.choice(BAD)
    if pick < 0.9:
        return dice.choice(BAD)[:50] + dice.choice(BAD)[:50]
    return "".join(
        chr(dice.choice((dice.randrange(0x20, 0x7F), dice.randrange(0x4E00, 0x4EFF))))
        for _ in range(dice.randrange(1, 60))
    )
