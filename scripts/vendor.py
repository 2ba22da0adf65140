"""Copies the browser files we do not write ourselves from node_modules into static/vendor, with licences and a lock.

    npm ci --ignore-scripts && python scripts/vendor.py     copy, write static/vendor/vendor.lock.json
    python scripts/vendor.py --check                        compare static/vendor with the lock; exit 1 on any change

The result is checked in, so neither users nor production need node. `--check` needs no node_modules: it proves that the
files served are byte for byte those which were reviewed, and that the lock agrees with package-lock.json.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
LOCK = VENDOR / "vendor.lock.json"

# Sprite symbol → Lucide file. Our names say what a sign means to the reader, so a redrawn sign changes one line here.
ICONS: Mapping[str, str] = {
    "search": "search",
    "bell": "bell",
    "user": "user",
    "sign-out": "log-out",
    "check": "check",
    "cross": "x",
    "next": "chevron-right",
    "previous": "chevron-left",
    "arrow": "arrow-right",
    "download": "download",
    "upload": "upload",
    "print": "printer",
    "copy": "copy",
    "document": "file-text",
    "attachment": "paperclip",
    "warning": "triangle-alert",
    "info": "info",
    "clock": "clock",
    "phone": "phone",
    "shield": "shield-check",
    "building": "building-2",
    "inbox": "inbox",
    "keyboard": "keyboard",
    "filter": "list-filter",
    "calendar": "calendar",
    "lock": "lock",
    "edit": "pencil",
    "plus": "plus",
    "delete": "trash-2",
    "message": "message-square",
    "stamp": "stamp",
    "bank": "landmark",
}


class Package(TypedDict):
    """One vendored package: pinned version, SPDX licence, and SHA-256 of every file we serve from it."""

    version: str
    licence: str
    files: dict[str, str]


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pinned(package: str) -> str:
    """The version package-lock.json pins for a package."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{package}"]["version"])


def sprite(icons: Path) -> str:
    """One SVG with a <symbol> per icon, drawn with currentColor; Lucide's 24-unit grid, stroke 2."""
    symbols: list[str] = []
    for name, source in ICONS.items():
        svg = (icons / f"{source}.svg").read_text(encoding="utf-8")
        body = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
        if body is None:
            raise SystemExit(f"{source}.svg is not an SVG file")
        shapes = re.sub(r"\s+", " ", body.group(1)).replace(" />", "/>").replace("> <", "><").strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    style = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return (
        "<!-- Lucide icons, ISC licence and MIT licence (Feather), see lucide.LICENSE.txt -->\n"
        f'<svg xmlns="http://www.w3.org/2000/svg" {style}>\n' + "\n".join(symbols) + "\n</svg>\n"
    )


def copy() -> dict[str, Package]:
    """Writes static/vendor from node_modules and returns the content of the lock."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    htmx, lucide = MODULES / "htmx.org", MODULES / "lucide-static"
    if not (htmx.is_dir() and lucide.is_dir()):
        raise SystemExit("node_modules is missing: run `npm ci --ignore-scripts` first")
    for package, folder in (("htmx.org", htmx), ("lucide-static", lucide)):
        installed = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        if installed != pinned(package):
            raise SystemExit(f"{package} {installed} is installed, package-lock.json pins {pinned(package)}")
    # The source map is not shipped, so its pointer would be a 404 in every developer console.
    script = (htmx / "dist" / "htmx.min.js").read_text(encoding="utf-8")
    script = re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", script)
    (VENDOR / "htmx.min.js").write_text(script, encoding="utf-8")
    (VENDOR / "htmx.LICENSE.txt").write_bytes((htmx / "LICENSE").read_bytes())
    (VENDOR / "icons.svg").write_text(sprite(lucide / "icons"), encoding="utf-8")
    (VENDOR / "lucide.LICENSE.txt").write_bytes((lucide / "LICENSE").read_bytes())
    contents = {
        "htmx.org": ("0BSD", ("htmx.min.js", "htmx.LICENSE.txt")),
        "lucide-static": ("ISC AND MIT", ("icons.svg", "lucide.LICENSE.txt")),
    }
    return {
        package: Package(
            version=pinned(package), licence=licence, files={name: digest(VENDOR / name) for name in sorted(names)}
        )
        for package, (licence, names) in contents.items()
    }


def differences() -> list[str]:
    """What in static/vendor differs from the lock: changed, missing and unlisted files, and drifted versions."""
    if not LOCK.is_file():
        return [f"{LOCK.name} is missing"]
    locked: dict[str, Package] = json.loads(LOCK.read_text(encoding="utf-8"))
    found: list[str] = []
    known = {LOCK.name}
    for package, entry in locked.items():
        if entry["version"] != pinned(package):
            found.append(f"{package}: lock says {entry['version']}, package-lock.json {pinned(package)}")
        for name, expected in entry["files"].items():
            known.add(name)
            path = VENDOR / name
            if not path.is_file():
                found.append(f"{name}: missing")
            elif digest(path) != expected:
                found.append(f"{name}: changed")
    found += [
        f"{path.name}: not in the lock"
        for path in sorted(VENDOR.rglob("*"))
        if path.is_file() and path.name not in known
    ]
    return found


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on any change")
    if parser.parse_args().check:
        found = differences()
        for line in found:
            print(line, file=sys.stderr)
        return 1 if found else 0
    LOCK.write_text(json.dumps(copy(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {LOCK.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
