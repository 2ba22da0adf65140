"""《渝知贷主要产品清单》 as a file: laid out once for what it says, then sent to everybody as it lies on the disk.

Laying out three hundred products takes seconds of a processor, and anybody may ask for the list. The file's name is the
digest of every word on it (the day among them): a change in the library, in an institution's name or of the day is another
file, and nothing has to be told to forget. No cache server is asked: the page works with the broker dead.
"""

import fcntl
import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings

from portal.foundation.core.pdf import engine

from . import catalogue, queries

TEMPLATE = "pdf/report_products.html"
FOLDER = "product-list"  # under the data directory


def product_list(*, now: datetime) -> bytes:
    """The PDF of what the matrix shows now. Raises PdfUnavailable where the machine cannot print."""
    found = queries.shown().select_related("institution__organisation", "current")
    products = list(found[: queries.PRINTED])
    total = len(products) if len(products) < queries.PRINTED else found.count()
    context = catalogue.context(products, total=total, now=now)
    folder = Path(settings.DATA_DIR) / FOLDER
    file = folder / f"{_digest(context)}.pdf"
    if (kept := _read(file)) is not None:
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:  # whoever comes while it is laid out waits, and then reads it
        fcntl.flock(held, fcntl.LOCK_EX)
        if (kept := _read(file)) is not None:
            return kept
        body = engine.render_template(TEMPLATE, context, created=now)
        _store(file, body)
    return body


def _digest(context: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(context, sort_keys=True, default=str).encode()).hexdigest()


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _store(file: Path, body: bytes) -> None:
    """Whole or not at all; what was printed before goes."""
    with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as made:
        made.write(body)
    os.replace(made.name, file)
    for old in file.parent.iterdir():
        if old.name not in (file.name, "lock"):
            old.unlink(missing_ok=True)
