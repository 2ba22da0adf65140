"""Walks through the portal as one person: every link that the pages offer, and every address of the table of strangers."""

import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urljoin

import pypdf
from django.db import transaction
from django.test import Client

_LINK = re.compile(r'\s(?:href|src|action|hx-get|data-url|data-poll)="([^"]*)"')
MOST = 600  # pages of one walk


def text_of(answer: Any) -> str:
    """Everything a reader can get out of an answer: headers, text, the words of a PDF, the strings of a workbook."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    kind = answer.headers.get("Content-Type", "")
    if kind == "application/pdf" and body.startswith(b"%PDF-"):
        try:
            said = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages)
        except (pypdf.errors.PyPdfError, KeyError, AttributeError):  # the smallest PDF of the tests has no pages
            said = body.decode("latin-1")
    elif body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            said = "".join(book.read(name).decode(errors="replace") for name in book.namelist())
    else:
        said = html.unescape(body.decode(errors="replace"))
    return "\n".join(f"{name}: {value}" for name, value in answer.headers.items()) + said


def links(page: str, here: str) -> Iterator[str]:
    """The addresses of this portal that a page leads to; static files are everybody's."""
    for found in _LINK.findall(page):
        url = urljoin(here, html.unescape(found)).partition("#")[0]
        if url.startswith("/") and not url.startswith(("//", "/static/")):
            yield url


def walk(client: Client, starts: Iterable[str], *, follow: bool = True) -> Iterator[tuple[str, Any, str]]:
    """(address, answer, everything in it), each address once; only GET. Without `follow` only the starts themselves."""
    waiting, seen = list(dict.fromkeys(starts)), set()
    while waiting and len(seen) < MOST:
        url = waiting.pop(0)
        if url in seen:
            continue
        seen.add(url)
        answer = client.get(url)
        said = text_of(answer)
        yield url, answer, said
        if not follow:
            continue
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            page = answer.content.decode(errors="replace")
            waiting += [u for u in links(page, url) if u not in seen]
        if answer.headers.get("Location", "").startswith("/"):
            waiting.append(answer.headers["Location"])


def post(client: Client, url: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
    """A POST whose effects are taken back."""
    saved = transaction.savepoint()
    try:
        return client.post(url, data or {}, **more)
    finally:
        transaction.savepoint_rollback(saved)
        client.cookies.pop("messages", None)
