"""What never stands in a log in the clear: phones, identity numbers, addresses of mail. Applied to finished lines (core.logs).

Applied to the whole line and not to its arguments: an exception's text or a driver's message carries such data too.
"""

import re

from .display import mask_phone

# Digits beside a letter belong to one of our own numbers (YZD2026…), which people need to find a case again.
_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?(1[3-9][0-9]{9})(?![0-9A-Za-z])")
_LANDLINE = re.compile(r"(?<![0-9A-Za-z])0[0-9]{2,3}-[2-9][0-9]{6,7}(?![0-9])")
_IDENTITY = re.compile(
    r"(?<![0-9A-Za-z])([1-9][0-9]{5})(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}([0-9Xx])(?![0-9A-Za-z])"
)
_MAIL = re.compile(r"(?<![\w.+-])([\w+])[\w.+-]*@((?:[\w-]+\.)+[A-Za-z]{2,})")


def masked(text: str) -> str:
    """The text with its personal numbers and addresses masked: 138****0012, 500101********X, l***@example.com."""
    text = _IDENTITY.sub(r"\1********\2", text)
    text = _MOBILE.sub(lambda found: mask_phone(found[1]), text)
    text = _LANDLINE.sub(lambda found: mask_phone(found[0]), text)
    return _MAIL.sub(r"\1***@\2", text)
