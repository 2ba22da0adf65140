"""An auditor asks what the portal is made of, and whether any of it is known to be broken. Both are answered without a network."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from portal.run.__main__ import main
from portal.run.places import ROOT, RunError
from portal.run.supply.audit import audit, concerns, find, read
from portal.run.supply.locked import LOCKS, Part, licence_of, normal, parts, requirements
from portal.run.supply.sbom import document, sbom

PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
# The words of CycloneDX 1.6 that our document may use; everything else would be refused by its schema.
TOP = {"$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"}
COMPONENT = {"type", "bom-ref", "name", "version", "scope", "hashes", "licenses", "purl"}
TYPES = {
    "application",
    "framework",
    "library",
    "container",
    "platform",
    "operating-system",
    "device",
    "firmware",
    "file",
}


@pytest.fixture(scope="module")
def bom() -> dict[str, Any]:
    return document(parts())


def test_every_locked_package_and_every_browser_file_is_in_it(bom: dict[str, Any]) -> None:
    listed = {(one["name"], one["version"]) for one in bom["components"]}
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
        pinned = {(normal(name), version) for name, version in PINNED.findall(text)}
        assert len(pinned) == text.count("==") - len(re.findall(r";.*==", text))
        assert pinned <= listed
    served = {path.name for path in (ROOT / "static/vendor").iterdir()} - {"vendor.lock.json"}
    lock = json.loads((ROOT / "static/vendor/vendor.lock.json").read_text("utf-8"))
    assert served == {name for one in lock.values() for name in one["files"]}
    assert {(name, one["version"]) for name, one in lock.items()} <= listed


def test_it_is_cyclonedx_by_the_rules_of_its_schema(bom: dict[str, Any]) -> None:
    assert set(bom) <= TOP
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", bom["serialNumber"])
    assert isinstance(bom["version"], int)
    refs = [bom["metadata"]["component"]["bom-ref"]]
    for one in bom["components"]:
        assert set(one) <= COMPONENT
        assert one["type"] in TYPES
        assert one["name"]
        assert one["scope"] in {"required", "optional", "excluded"}
        assert re.fullmatch(r"pkg:(pypi|npm)/[\w.-]+@[\w.+!-]+", one["purl"])
        assert one["hashes"]
        for digest in one["hashes"]:
            assert set(digest) == {"alg", "content"}
            assert digest["alg"] == "SHA-256"
            assert re.fullmatch(r"[a-fA-F0-9]{64}", digest["content"])
        (licence,) = one["licenses"]
        assert set(licence) in ({"expression"}, {"license"})
        assert licence.get("expression") or licence["license"]["name"]
        refs.append(one["bom-ref"])
    assert len(refs) == len(set(refs))
    assert {dependency["ref"] for dependency in bom["dependencies"]} == set(refs)
    for dependency in bom["dependencies"]:
        assert set(dependency["dependsOn"]) <= set(refs)
        assert len(dependency["dependsOn"]) == len(set(dependency["dependsOn"]))


def test_no_licence_is_unknown_and_none_forbids_our_use(bom: dict[str, Any]) -> None:
    """A licence that would oblige the portal to publish itself must not come in unseen; those known are dual or of a tool."""
    said = {
        one["name"]: one["licenses"][0].get("expression") or one["licenses"][0]["license"]["name"]
        for one in bom["components"]
    }
    assert not {name for name, licence in said.items() if re.search(r"unknown|proprietary|^$", licence, re.IGNORECASE)}
    copyleft = {name for name, licence in said.items() if re.search(r"\bA?GPL|General Public", licence)}
    assert copyleft == {"psycopg2-binary", "pyphen"}  # LGPL, used as libraries; pyphen is also MPL


def test_the_same_locks_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    assert sbom(first) == sbom(second) == 0
    assert first.read_bytes() == second.read_bytes()
    changed = [Part("PyPI", "x", "1", "required", ("0" * 64,), "MIT", True)]
    assert document(changed)["serialNumber"] != document([])["serialNumber"]


def test_no_address_of_an_index_is_written_anywhere() -> None:
    """Whoever builds the portal says themselves where packages come from."""
    text = json.dumps(document(parts()))
    assert re.findall(r"https?://[^\"]+", text) == ["http://cyclonedx.org/schema/bom-1.6.schema.json"]
    for lock in (ROOT / "requirements").glob("*.txt"):
        locked = lock.read_text("utf-8")
        assert "://" not in locked
        assert "index-url" not in locked


@pytest.mark.parametrize(
    ("line", "objection"),
    [
        ("django==5.2.19\n    # via -r base.in\n", "没有摘要"),
        ("django>=5.2 \\\n    --hash=sha256:" + "0" * 64 + "\n", "没有锁定版本"),
        ("django==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n", "安装的是"),
        ("no-such-package==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n", "没有安装"),
    ],
)
def test_a_lock_that_is_not_whole_is_refused_with_what_is_missing(tmp_path: Path, line: str, objection: str) -> None:
    file = tmp_path / "x.txt"
    file.write_text(line)
    with pytest.raises(RunError, match=objection):
        requirements(file, "required")


def test_every_requirement_of_every_lock_is_hashed() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text("utf-8"))
        assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_a_plain_bsd_is_told_as_its_author_wrote_it() -> None:
    assert licence_of("weasyprint", next(p.version for p in parts() if p.name == "weasyprint")) == (
        "BSD License",
        False,
    )


DJANGO = Part("PyPI", "django", "5.2.19", "required", ("0" * 64,), "BSD-3-Clause", True)


def advisory(**affected: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "Django"}
    return {"id": "TEST-1", "summary": "an example", "affected": [{"package": package, **affected}]}


def between(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    ("affected", "hit"),
    [
        ({"versions": ["5.2.19"]}, True),
        ({"versions": ["5.2.18"]}, False),
        (between({"introduced": "0"}, {"fixed": "5.2.20"}), True),
        (between({"introduced": "0"}, {"fixed": "5.2.19"}), False),
        (between({"introduced": "5.2"}, {"last_affected": "5.2.19"}), True),
        (between({"introduced": "5.2"}, {"last_affected": "5.2.18"}), False),
        (between({"introduced": "5.2.20"}), False),
        (between({"introduced": "4.2"}, {"fixed": "4.2.30"}, {"introduced": "5.2"}, {"fixed": "5.2.100"}), True),
        (between({"introduced": "4.2"}, {"fixed": "4.2.30"}, {"introduced": "6.0"}), False),
        # 5.2.9 is older than 5.2.19, although its text is not
        (between({"introduced": "0"}, {"fixed": "5.2.9"}), False),
        (between({"introduced": "not a version"}), True),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
    ],
)
def test_a_version_is_found_in_the_ranges_of_an_advisory(affected: dict[str, Any], hit: bool) -> None:
    assert concerns(affected, "5.2.19") is hit
    assert [found.number for found in find([DJANGO], [advisory(**affected)])] == (["TEST-1"] if hit else [])


def test_withdrawn_advisories_and_other_packages_do_not_count() -> None:
    assert not list(find([DJANGO], [advisory(versions=["5.2.19"]) | {"withdrawn": "2026-01-01T00:00:00Z"}]))
    npm = {"id": "X", "affected": [{"package": {"ecosystem": "npm", "name": "django"}, "versions": ["5.2.19"]}]}
    assert not list(find([DJANGO], [npm]))


def test_without_a_file_it_is_said_that_nothing_was_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 2
    assert "什么也没有核对" in capsys.readouterr().out


def test_file_directory_and_zip_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = next(part.version for part in parts() if part.name == "django")
    one = advisory(**between({"introduced": "0"}, {"fixed": "99"}))
    file = tmp_path / "all.json"
    file.write_text(json.dumps([one]))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(one))
    package = tmp_path / "all.zip"
    with zipfile.ZipFile(package, "w") as target:
        target.writestr("one.json", json.dumps(one))
    for database in (file, folder, package):
        assert list(read(database)) == [one]
        assert audit(database) == 1
        said = capsys.readouterr().out
        assert f"django {version}" in said
        assert "修复于 99" in said
    file.write_text(json.dumps([advisory(versions=["0.1"])]))
    assert audit(file) == 0
    for text in ("[]", "not json"):
        file.write_text(text)
        with pytest.raises(RunError):
            audit(file)
