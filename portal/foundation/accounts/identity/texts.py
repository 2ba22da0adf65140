"""Text messages behind an interface. Nobody has told us which service the city uses, so there is the trial's and none."""

import json
import secrets
from typing import Protocol

from django.conf import settings

from portal.foundation.core import moments


class TextMessages(Protocol):
    """Whoever can send a short text to a mobile number. Raises OSError when it cannot now; the caller tries again."""

    def send(self, phone: str, text: str) -> None: ...


class Files:
    """The trial's: one file a message in the data folder, beside the mails."""

    def send(self, phone: str, text: str) -> None:
        folder = settings.DATA_DIR / "sms"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{moments.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.json"
        (folder / name).write_text(json.dumps({"to": phone, "text": text}, ensure_ascii=False), "utf-8")


class Nobody:
    """No service: who has no mail address asks the operators, as the page says."""

    def send(self, phone: str, text: str) -> None:
        return


def provider() -> TextMessages:
    return Files() if settings.SMS_PROVIDER == "file" else Nobody()


def send(phone: str, text: str) -> None:
    provider().send(phone, text)
