"""The exported journal is checked without the portal, and no change of it goes unnoticed."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from portal.foundation.core import moments
from portal.foundation.core.actor import SYSTEM
from portal.foundation.journal import anchors, chain, exporting, sealer, verifying
from portal.foundation.journal.models import Entry, Seal
from portal.foundation.journal.record import record
from tests.by_hand import by_hand

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
    import hashlib

    lines, digest = [verifying.header(about="示例")], chain.GENESIS
    for number, body in enumerate(entries, 1):
        digest = hashlib.sha256(digest.encode() + body).hexdigest()
        lines.append(b"%d %s %s\n" % (number, digest.encode(), body))
    lines += [b"- - %s\n" % chain.canonical(entry(10_000 + n)) for n in range(waiting)]
    return [*lines, end(lines, sealed=len(entries), waiting=waiting, head=digest)]


def end(lines: list[bytes], **said: Any) -> bytes:
    import hashlib

    return verifying.trailer(**said, sha256=hashlib.sha256(b"".join(lines)).hexdigest())


ENTRIES = [chain.canonical(entry(n)) for n in range(1, SEALED + 1)]
WHOLE = export(ENTRIES)
ANCHORS = {n: WHOLE[n].split(b" ")[1].decode() for n in (SEALED // 3, SEALED)}


def one_byte(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    where = chance.randrange(len(lines))
    body = bytearray(lines[where])
    place = chance.randrange(len(body))
    body[place] ^= chance.randrange(1, 256)
    lines[where] = bytes(body)
    return b"".join(lines).splitlines(keepends=True)


def removed(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    del lines[chance.randrange(len(lines))]
    return lines


def doubled(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    where = chance.randrange(len(lines))
    return [*lines[:where], lines[where], *lines[where:]]


def swapped(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    first, second = chance.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def inserted(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    """With a digest that fits what stands before it."""
    import hashlib

    where = chance.randrange(1, SEALED)
    before = lines[where].split(b" ")[1]
    body = chain.canonical(entry(99_999, "伪造"))
    forged = b"%d %s %s\n" % (where + 1, hashlib.sha256(before + body).hexdigest().encode(), body)
    return [*lines[: where + 1], forged, *lines[where + 1 :]]


def cut_off(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    """The end is taken away and a right trailer written: only the anchors know."""
    entries = ENTRIES[: chance.randrange(1, SEALED)]
    return export(entries, waiting=0)


def all_anew(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    """One entry changed and every digest after it worked out again: only the anchors know."""
    entries = list(ENTRIES)
    where = chance.randrange(SEALED)
    entries[where] = chain.canonical(entry(where + 1, "改写"))
    return export(entries)


def trailer_anew(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    """A byte of a sealed entry changed, and the file's own digest put right."""
    where = chance.randrange(1, SEALED + 1)
    lines[where] = lines[where].replace(b'"text":', b'"tax_":').replace("示例".encode(), "示侧".encode(), 1)
    said = json.loads(lines[-1])
    return [*lines[:-1], end(lines[:-1], sealed=said["sealed"], waiting=said["waiting"], head=said["head"])]


WAYS: list[Callable[[random.Random, list[bytes]], list[bytes]]] = [
    one_byte, removed, doubled, swapped, inserted, cut_off, all_anew, trailer_anew,
]  # fmt: skip


def test_an_untouched_export_is_whole() -> None:
    report = verifying.check(WHOLE, anchors=ANCHORS)
    assert (report.ok, report.sealed, report.waiting, report.anchors) == (True, SEALED, WAITING, 2)


def test_a_thousand_random_tamperings_are_all_found() -> None:
    """With a seed of its own each run; a failure prints it, so that the same tamperings can be done again."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance, missed = random.Random(seed), []
    for number in range(TAMPERINGS):
        way = WAYS[number % len(WAYS)]
        changed = way(chance, list(WHOLE))
        if changed == WHOLE or verifying.check(changed, anchors=ANCHORS).ok:
            missed.append((number, way.__name__))
    assert missed == [], f"seed {seed}"


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
def test_the_days_head_goes_into_a_file_once_and_the_next_carries_its_digest(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    told(4)
    sealer.seal(now=moments.now())
    now = moments.now()
    first = anchors.write(now=now)
    assert first is not None
    assert first.stat().st_mode & 0o777 == 0o400
    assert anchors.write(now=now) is None
    assert Entry.objects.filter(verb="journal.anchored").count() == 1
    sealer.seal(now=now)
    second = anchors.write(now=now + (moments.midnight_after(moments.local_date(now)) - now))
    assert second is not None
    report = verifying.Report()
    known = verifying.read_anchors(tmp_path / "anchors", report)
    assert report.ok
    assert len(known) == 2
    assert verifying.check(exporting.lines(), anchors=known).ok
    with by_hand() as cursor:  # the end is cut off, together with its links
        cursor.execute("DELETE FROM journal_seal WHERE id = (SELECT max(id) FROM journal_seal)")
        cursor.execute("DELETE FROM journal_entry WHERE verb = 'journal.anchored'")
    assert not Seal.objects.filter(entry_id__in=Entry.objects.filter(verb="journal.anchored")).exists()
    assert "anchor" in {f.kind for f in verifying.check(exporting.lines(), anchors=known).findings}
    second.chmod(0o600)
    second.write_bytes(second.read_bytes().replace(b'"previous": "', b'"previous": "0'))
    verifying.read_anchors(tmp_path / "anchors", report)
    assert not report.ok


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
