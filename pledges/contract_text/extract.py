"""A program of its own: a PDF comes in, its words go out as JSON. Run apart from the portal, because a paper somebody made
may send the reader round in circles or ask for all memory; here it has both limited and nothing else to reach."""

import io
import json
import sys

MOST_PAGES, MOST_CHARACTERS = 200, 1_000_000
SECONDS, MEMORY = 20, 1024 * 1024 * 1024


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not a Unix: the caller's time-out remains
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


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
        MemoryError,
    ):
        return {"error": "broken"}
    return {"text": "\n".join(parts), "pages": len(parts)}


if __name__ == "__main__":
    _limit()
    sys.stdout.write(json.dumps(words(sys.stdin.buffer.read())))
