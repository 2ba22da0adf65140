"""The exported journal is checked without the portal, and no change of it goes unnoticed."""

import hashlib
import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal import anchors, chain, exporting, sealer, verifying
from portal.foundation.journal.models import Entry
from portal.foundation.journal.record import record
from tests.by_hand import by_hand
from tests.journal_files import trailed

TAMPERINGS, SEALED, WAITING = 1000, 300, 5
SEED = 20261123


def entry(number: int, text: str = "示例") -> dict[str, Any]:
    return {
        "id": number * 3, "at": "2026-11-23T01:02:03.000004+00:00", "verb": "referral.claimed", "actor_id": 7,
        "actor_label": "薄示例（示例甲银行）", "organisation_id": 3, "subject": f"referral:{number}", "case_number": "",
        "text": f"{text} {number}", "data": {"b": [1, 2.5, None], "a": "引号\"与\\与\n"}, "parties": [3, 4],
    }  # fmt: skip


def export(entries: list[bytes], waiting: int = WAITING) -> list[bytes]:
    """A right export of these canonical entries, as whoever can write everything would make it."""
    lines, digest = [verifying.header(about="示例")], chain.GENESIS
    for number, body in enumerate(entries, 1):
        digest = hashlib.sha256(digest.encode() + body).hexdigest()
        lines.append(b"%d %s %s\n" % (number, digest.encode(), body))
    lines += [b"- - %s\n" % chain.canonical(entry(10_000 + n)) for n in range(waiting)]
    return trailed([*lines, b"{}"])


ENTRIES = [chain.canonical(entry(n)) for n in range(1, SEALED + 1)]
WHOLE = export(ENTRIES)
LAST = SEALED - 60  # the last anchor lags behind the end, by up to an hour
ANCHORS = {n: WHOLE[n].split(b" ")[1].decode() for n in (SEALED // 3, LAST)}
HEAD = WHOLE[SEALED].split(b" ")[1].decode()


def one_byte(chance: random.Random) -> list[bytes]:
    """Of what is sealed."""
    lines = list(WHOLE)
    where = chance.randrange(1, SEALED + 1)
    body = bytearray(lines[where])
    body[chance.randrange(len(body))] ^= chance.randrange(1, 256)
    lines[where] = bytes(body)
    return b"".join(lines).splitlines(keepends=True)


def removed(chance: random.Random) -> list[bytes]:
    """Not the last: that is a cut."""
    lines = list(WHOLE)
    del lines[chance.randrange(1, SEALED)]
    return lines


def doubled(chance: random.Random) -> list[bytes]:
    where = chance.randrange(1, SEALED + 1)
    return [*WHOLE[:where], WHOLE[where], *WHOLE[where:]]


def swapped(chance: random.Random) -> list[bytes]:
    lines = list(WHOLE)
    first, second = chance.sample(range(1, SEALED + 1), 2)
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def inserted(chance: random.Random) -> list[bytes]:
    """With a number and a digest that fit what stands before it."""
    where = chance.randrange(1, SEALED)
    before = WHOLE[where].split(b" ")[1]
    body = chain.canonical(entry(99_999, "伪造"))
    forged = b"%d %s %s\n" % (where + 1, hashlib.sha256(before + body).hexdigest().encode(), body)
    return [*WHOLE[: where + 1], forged, *WHOLE[where + 1 :]]


def cut_before(chance: random.Random) -> list[bytes]:
    """The end is taken away from before the last anchor."""
    return export(ENTRIES[: chance.randrange(1, LAST)], waiting=0)


def anew_before(chance: random.Random) -> list[bytes]:
    """One entry that the last anchor covers is changed, and every digest after it worked out again."""
    return anew(chance.randrange(LAST))


def anew(where: int) -> list[bytes]:
    entries = list(ENTRIES)
    entries[where] = chain.canonical(entry(where + 1, "改写"))
    return export(entries)


WAYS: list[Callable[[random.Random], list[bytes]]] = [
    one_byte, removed, doubled, swapped, inserted, cut_before, anew_before,
]  # fmt: skip


def test_an_untouched_export_is_whole() -> None:
    report = verifying.check(WHOLE, anchors=ANCHORS)
    assert (report.ok, report.sealed, report.waiting, report.anchors) == (True, SEALED, WAITING, 2)


def test_a_thousand_random_tamperings_are_all_found() -> None:
    """Each with the trailer written anew, as whoever tampers on purpose would: what finds them is the chain and the anchors,
    never the file's own SHA-256. With a seed of its own each run; a failure prints it."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance, missed = random.Random(seed), []
    for number in range(TAMPERINGS):
        way = WAYS[number % len(WAYS)]
        changed = trailed(way(chance))
        if changed == WHOLE or verifying.check(changed, anchors=ANCHORS).ok:
            missed.append((number, way.__name__))
    assert missed == [], f"seed {seed}"


@pytest.mark.parametrize(
    "changed",
    [export(ENTRIES[: LAST + 30], waiting=0), export(ENTRIES[:LAST], waiting=0), anew(LAST), anew(SEALED - 1)],
    ids=["cut", "cut at the anchor", "anew from the anchor on", "the last anew"],
)
def test_after_the_last_anchor_only_the_head_noted_at_the_export_tells(changed: list[bytes], tmp_path: Path) -> None:
    """A cut or a rewriting of what no anchor covers yet gives a right file: it is found by the head that was written down."""
    assert verifying.check(changed, anchors=ANCHORS).ok, "said in docs/security/roles-and-journal.md"
    (tmp_path / "journal.jsonl").write_bytes(b"".join(changed))
    report = verifying.check_file(tmp_path / "journal.jsonl", head=HEAD)
    assert [finding.kind for finding in report.findings] == ["head"]
    assert not verifying.check_file(tmp_path / "journal.jsonl", head=HEAD[:15]).ok, "too few digits say nothing"
    (tmp_path / "journal.jsonl").write_bytes(b"".join(WHOLE))
    assert verifying.check_file(tmp_path / "journal.jsonl", head=HEAD[:16]).ok


def test_what_waits_to_be_sealed_is_bound_by_nothing() -> None:
    """Said in docs/security/roles-and-journal.md: with a right trailer nobody can tell; it lasts for seconds."""
    waiting = SEALED + 1
    changed = trailed(
        [*WHOLE[:waiting], WHOLE[waiting].replace("示例".encode(), "示侧".encode(), 1), *WHOLE[waiting + 1 :]]
    )
    assert changed != WHOLE
    assert verifying.check(changed, anchors=ANCHORS).ok
    assert not verifying.check([*changed[:-1], WHOLE[-1]], anchors=ANCHORS).ok, "damage on the way is found"


def test_a_folder_without_anchors_is_no_check(tmp_path: Path) -> None:
    """Missing, empty or mistyped: the report says so instead of «完整»."""
    (tmp_path / "journal.jsonl").write_bytes(b"".join(WHOLE))
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "mistyped"):
        report = verifying.check_file(tmp_path / "journal.jsonl", anchors=tmp_path / folder)
        assert [(f.kind, report.anchors) for f in report.findings] == [("anchor", 0)], folder


def test_the_finding_names_the_place() -> None:
    lines = list(WHOLE)
    lines[17] = lines[17].replace("示例".encode(), "示侧".encode(), 1)
    report = verifying.check(lines)
    assert [(f.kind, f.place) for f in report.findings] == [("link", 17), ("trailer", 0)]
    assert f"日志 {17 * 3}" in report.findings[0].said


def test_it_is_quick_enough_for_a_million() -> None:
    """A million in ten seconds is a hundred thousand in one; counted here with room for a busy machine."""
    lines = export([chain.canonical(entry(n)) for n in range(100_000)], waiting=0)
    began = time.perf_counter()
    assert verifying.check(lines).ok
    assert time.perf_counter() - began < 2.0


# --- the live journal ------------------------------------------------------------------------------------------------
def told(count: int) -> None:
    """Entries with what JSON and SQL might write differently."""
    texts = ["平常", '引号"反斜\\', "换\n行\t\r\b\f", "\x01\x1f\x7f", "𠮷😀", "", "</script>&<>", "\u2028\u2029"]
    with transaction.atomic():
        for number in range(count):
            text = texts[number % len(texts)]
            data = [
                {},
                {"b": 1, "a": [1.5, 1e-7, 10**20, True, None, text]},
                {"长键名": text, "z": {"y": {}, "x": -0.0}},
            ]
            record(
                "case.noted",
                actor=SYSTEM,
                now=moments.now().replace(microsecond=number % 2 * 1000),
                subject=f"test:{number}",
                text=text,
                data=data[number % 3],
                parties=[[], [5], [9, 2]][number % 3],
            )


@pytest.mark.django_db
def test_the_database_writes_the_same_bytes_that_were_sealed() -> None:
    told(48)
    sealer.seal(now=moments.now())
    told(3)
    report = verifying.check(exporting.lines())
    assert (report.findings, report.sealed, report.waiting) == ([], 48, 3)
    assert list(sealer.broken_links()) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE journal_entry SET text = text || '。' WHERE id = (SELECT entry_id FROM journal_seal ORDER BY id OFFSET 5 LIMIT 1)", "link"),
        ("UPDATE journal_entry SET data = data || '{\"a\": 2}' WHERE id = (SELECT max(entry_id) FROM journal_seal)", "link"),
        ("UPDATE journal_entry SET parties = parties || 77::bigint WHERE id = (SELECT min(entry_id) FROM journal_seal)", "link"),
        ("DELETE FROM journal_entry WHERE id = (SELECT entry_id FROM journal_seal ORDER BY id OFFSET 9 LIMIT 1)", "link"),
        ("DELETE FROM journal_seal WHERE id = (SELECT id FROM journal_seal ORDER BY id OFFSET 9 LIMIT 1)", "link"),
        ("DELETE FROM journal_unsealed", "link"),
    ],
)  # fmt: skip
def test_what_a_superuser_changes_in_the_database_is_found(statement: str, kind: str) -> None:
    told(20)
    sealer.seal(now=moments.now())
    told(2)
    with by_hand() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount
    report = verifying.check(exporting.lines())
    assert kind in {finding.kind for finding in report.findings}


@pytest.mark.django_db
def test_the_hours_head_goes_into_a_file_once_and_the_next_carries_its_digest(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    told(4)
    sealer.seal(now=moments.now())
    now = moments.now()
    first = anchors.write(now=now)
    assert first is not None
    assert first.stat().st_mode & 0o777 == 0o400
    assert anchors.write(now=now) is None
    sealer.seal(now=now)
    assert anchors.write(now=now + timedelta(hours=1)) is None, "nothing is new but the line about the anchor"
    told(1)
    sealer.seal(now=now)
    second = anchors.write(now=now + timedelta(hours=2))
    assert second is not None
    assert anchors.write(now=now + timedelta(hours=1)) is None, "a clock that went back makes none in between"
    assert Entry.objects.filter(verb="journal.anchored").count() == 2
    report = checked()
    assert (report.findings, report.anchors) == ([], 2)
    with by_hand() as cursor:  # the end is cut off, together with its links
        cursor.execute("DELETE FROM journal_seal WHERE id > (SELECT min(id) + 3 FROM journal_seal)")
        cursor.execute("DELETE FROM journal_unsealed")
        cursor.execute("DELETE FROM journal_entry WHERE id > (SELECT max(entry_id) FROM journal_seal)")
    assert "末尾被截去" in "".join(finding.said for finding in checked().findings)


@pytest.mark.django_db
@pytest.mark.parametrize("which", ["first", "newest", "both", "another in its place"])
def test_an_anchor_that_is_gone_or_another_is_found_because_the_journal_tells_of_it(
    settings: Any, tmp_path: Path, which: str
) -> None:
    settings.DATA_DIR = tmp_path
    kept = []
    for hour in range(2):
        told(3)
        sealer.seal(now=moments.now())
        kept.append(anchors.write(now=moments.now() + timedelta(hours=hour)))
    assert checked().ok
    first, newest = kept
    assert first is not None
    assert newest is not None
    if which == "another in its place":
        newest.chmod(0o600)
        newest.write_bytes(newest.read_bytes().replace(b'"at": "2', b'"at": "1'))
        assert "与日志记的摘要不一致" in checked().findings[0].said
        return
    for path in {"first": [first], "newest": [newest], "both": [first, newest]}[which]:
        path.unlink()
    assert any("目录里没有这个文件" in finding.said for finding in checked().findings)


def checked() -> verifying.Report:
    return verifying.check_with(exporting.lines(), anchors.folder())


def test_the_checker_needs_nothing_of_the_portal(tmp_path: Path) -> None:
    """Copied next to an export with the one small module it leans on, it runs on a bare Python."""
    import subprocess
    import sys

    house = Path(verifying.__file__).parent
    away = tmp_path / "away"
    away.mkdir()
    (away / "__init__.py").touch()
    for name in ("verifying.py", "chain.py"):
        (away / name).write_bytes((house / name).read_bytes())
    (tmp_path / "journal.jsonl").write_bytes(b"".join(WHOLE))
    command = [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, '.'); from away import verifying; sys.exit(verifying.main(['journal.jsonl']))"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "完整" in done.stdout
    (tmp_path / "journal.jsonl").write_bytes(b"".join(WHOLE[:-2]))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
