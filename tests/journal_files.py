"""An export of the journal as somebody writes it who tampers on purpose."""

import hashlib

from portal.foundation.journal import chain, verifying


def trailed(lines: list[bytes]) -> list[bytes]:
    """The lines with their trailer written anew: counts, last digest and SHA-256 are those of what stands there now."""
    body = lines[:-1]
    sealed = [line for line in body[1:] if not line.startswith(verifying.WAITING + b" ")]
    head = sealed[-1].split(b" ")[1].decode(errors="replace") if sealed and sealed[-1].count(b" ") else chain.GENESIS
    whole = hashlib.sha256(b"".join(body)).hexdigest()
    said = verifying.trailer(sealed=len(sealed), waiting=len(body) - 1 - len(sealed), head=head, sha256=whole)
    return [*body, said]
