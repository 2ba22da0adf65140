"""Whose paper is this, and is it as it was issued? By its code, by its number, or by the file itself.

A dropped file is read into memory up to a limit, hashed, compared and forgotten: no PDF is parsed and nothing is kept
(core/pdf/seal.py says what is looked at). The register decides; the seal tells which paper a changed file once was.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from portal.foundation.core import check_codes
from portal.foundation.core.papers import Paper
from portal.foundation.core.pdf import seal, seal_keys

from .after.papers import STANDING
from .models import Notice, Receipt, Registration, SearchCertificate
from .notices import normalise_number

LONGEST = 5 * 1024 * 1024  # bytes; a notice of 1,000 patents has 0.4 million
State = Registration.State


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a dropped file. `verdict`: same, changed, sealed (ours, but not in the register) or foreign.

    `first_difference` is the place of the first byte that differs from what was issued, counted from 1; 0 when that is not known.
    """

    verdict: str
    paper: Paper | None
    digest: str
    seal: seal.Seal | None
    first_difference: int = 0


def _papers() -> "tuple[QuerySet[Any], ...]":
    parties = ("registration__pledgor", "registration__pledgee")
    return (
        Notice.objects.select_related(*parties),
        Receipt.objects.select_related(*parties),
        SearchCertificate.objects.all(),
    )


def _first(**wanted: str) -> Paper | None:
    for papers in _papers():
        if (found := papers.filter(**wanted).first()) is not None:
            return found  # type: ignore[no-any-return]
    return None


def by_code(text: str) -> Paper | None:
    """The paper of a code, however it is typed; also of the older codes without a checksum."""
    code = check_codes.normalise(text)
    return _first(verify_code=code) if len(code) == check_codes.LENGTH else None


def by_number(text: str) -> Paper | None:
    """The paper of a number, whatever brackets and zeros were typed."""
    number = normalise_number(text)
    return _first(number=number) if number else None


def by_file(body: bytes) -> Finding:
    """The paper that a file is, or once was before it was changed. `body` is at most LONGEST bytes."""
    digest = hashlib.sha256(body).hexdigest()
    found = seal.look(body, trusted=seal_keys.trusted())
    if paper := _first(sha256=digest):
        return Finding("same", paper, digest, found)
    once = (_first(sealed_digest=found.claimed) if found else None) or by_code(_code_beside(body))
    if once is not None:
        return Finding("changed", once, digest, found, _first_difference(body, once))
    if found is not None and found.ours and found.sound and found.intact:
        return Finding("sealed", None, digest, found)
    return Finding("foreign", None, digest, found)


def compare(body: bytes, paper: Paper) -> Finding:
    """Whether a file is this very paper, to the byte."""
    finding = by_file(body)
    if finding.verdict == "same" and finding.paper == paper:
        return finding
    return Finding("changed", paper, finding.digest, finding.seal, _first_difference(body, paper))


def _code_beside(body: bytes) -> str:
    """The code at the end of the address that stands beside the seal; "" without one."""
    return seal.contact(body).rstrip("/").rpartition("/v/")[2]


def _first_difference(body: bytes, paper: Paper) -> int:
    """Place of the first differing byte, from 1; 0 when the issued file is not there to compare with."""
    if not paper.on_disk():
        return 0
    with paper.file.open("rb") as stream:
        issued = stream.read()
    pairs = zip(body, issued, strict=False)
    return next((place for place, (a, b) in enumerate(pairs, start=1) if a != b), min(len(body), len(issued)) + 1)


# Papers that tell what is registered, and what a later paper of a kind says about them.
CONTENT = (Notice.Kind.REGISTERED, Notice.Kind.CHANGED, Notice.Kind.RELEASED)
LATER = {
    Notice.Kind.CHANGED: "其后有变更，以变更通知书为准",
    Notice.Kind.RELEASED: "其后有部分专利解除质押，以部分注销通知书为准",
}


def _content(notice: Notice) -> tuple[str, str]:
    """Of a paper that tells what is registered: whether the pledge still stands, and whether a later paper changed it."""
    state = notice.registration.state
    first = notice.kind == Notice.Kind.REGISTERED
    if state != State.REGISTERED:
        said = f"质押登记已失效（{State(state).label}）"
        return said if first else f"{STANDING[notice.kind][0]}，{said}", "bad"
    later = set(
        Notice.objects.filter(registration_id=notice.registration_id, pk__gt=notice.pk, kind__in=LATER).values_list(
            "kind", flat=True
        )
    )
    words = "质押登记有效" if first else STANDING[notice.kind][0]
    more = [said for kind, said in LATER.items() if kind in later]
    return "；".join([words, *more]), "warn" if more else "ok"


def registered_names(paper: Paper) -> tuple[str, str]:
    """(pledgor, pledgee) as the paper names them, which a later change of name does not alter; ("", "") without parties."""
    named = {party.get("role"): str(party["name"]) for party in paper.facts.get("parties", [])}
    if not named:
        return "", ""
    unnamed = [str(party["name"]) for party in paper.facts["parties"]]  # a receipt lists the two without their roles
    return named.get("出质人", unnamed[0]), named.get("质权人", unnamed[-1])


def standing(paper: Paper) -> tuple[str, str]:
    """(words, kind) of what the paper is worth today."""
    if isinstance(paper, SearchCertificate):
        return "记载的是查询时刻的登记情况", "ok"
    if isinstance(paper, Receipt):
        return "材料接收凭证，不代表准予登记", "ok"
    if not isinstance(paper, Notice):
        raise TypeError(type(paper).__name__)
    if paper.kind in CONTENT:
        return _content(paper)
    if paper.kind == Notice.Kind.REFUSED:
        return "不予登记的决定", "warn"
    return STANDING.get(paper.kind, ("补正通知，办理中的文书", "warn"))
