"""A program of its own: a PDF comes in, its words go out. A confined child (core.confined), because a paper somebody made may send
the reader round in circles, ask for all memory or take it over; here it meets limits, no secret and no network."""

import io
from typing import Any

from portal.foundation.core.confined import worker

MOST_PAGES, MOST_CHARACTERS = 200, 1_000_000
SECONDS, MEMORY = 20, 1024  # of one paper; megabytes


def words(body: bytes) -> dict[str, object]:
    """{"text": …, "pages": n} or {"error": code}; codes: encrypted, long, broken."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"error": "encrypted"}
        if len(reader.pages) > MOST_PAGES:
            return {"error": "long"}
        parts, total = [], 0
        for page in reader.pages:
            part = page.extract_text() or ""
            total += len(part)
            if total > MOST_CHARACTERS:
                return {"error": "long"}
            parts.append(part)
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        OSError,
    ):
        return {"error": "broken"}
    return {"text": "\n".join(parts), "pages": len(parts)}


def _work(_job: worker.Job, body: bytes) -> tuple[dict[str, Any], bytes]:
    found = words(body)
    return {"error": found.get("error", "")}, str(found.get("text", "")).encode(errors="replace")


if __name__ == "__main__":
    import pypdf  # noqa: F401 — loaded before the first job, whose time it is not

    worker.serve({"words": _work})
