"""Text messages behind an interface: the trial's files, a service that speaks docs/contracts/sms.md, or none."""

import json
import secrets
from typing import Protocol

from django.conf import settings

from portal.foundation.core import moments, outgoing

TIMEOUT = 5  # seconds to connect, and for each read; twice that for a whole answer


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


class Http:
    """A service that speaks docs/contracts/sms.md. Neither number nor text is ever logged."""

    def __init__(self, base: str, *, token: str) -> None:
        self._to, self._token = outgoing.address(base), token

    def send(self, phone: str, text: str) -> None:
        said = {"id": secrets.token_urlsafe(16), "to": phone, "text": text}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        try:
            answer = outgoing.call(
                "POST", self._to, "/v1/messages", json.dumps(said).encode(),
                headers=headers, timeout=TIMEOUT, total=2 * TIMEOUT, longest=16 * 1024,
            )  # fmt: skip
        except outgoing.Failed as error:
            raise OSError(f"the text message service: {error.why}") from error
        if answer.status not in (200, 202):
            raise OSError(f"the text message service answers {answer.status}")


class Nobody:
    """No service: who has no mail address asks the operators, as the page says."""

    def send(self, phone: str, text: str) -> None:
        return


def provider() -> TextMessages:
    if settings.SMS_PROVIDER == "http":
        return Http(settings.SMS_URL, token=settings.SMS_TOKEN)
    return Files() if settings.SMS_PROVIDER == "file" else Nobody()


def send(phone: str, text: str) -> None:
    provider().send(phone, text)
