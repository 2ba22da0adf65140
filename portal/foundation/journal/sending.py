"""Sending a stored file to somebody: the bytes go out, and the enterprise it is about sees who took it.

Every kept file of a person or a firm leaves through here, and says whose it is: that is why it stands above `core.files`, which
knows how to send, and below everything that has something to send.
"""

from django.http import FileResponse, HttpRequest, HttpResponse

from portal.foundation.core import files
from portal.foundation.core.actor import Actor
from portal.foundation.core.files import StoredFile

from . import looks


def send(
    request: HttpRequest,
    stored: StoredFile,
    *,
    reader: Actor,
    owner_id: int,
    case_number: str = "",
    inline: bool = False,
) -> HttpResponse | FileResponse:
    """The file, as a download or for the frame beside a check list; a row in the looks of the enterprise `owner_id`.

    `owner_id` is 0 where the paper is nobody's secret from this reader, as the parties' to each other. Raises WrongState for
    a file in quarantine, and for one that waits for its scan and is not of the reader's organisation.
    """
    subject = f"{stored._meta.model_name}:{stored.pk}"
    looks.note(
        request, owner_id=owner_id, actor=reader, what=looks.What.PAPER, subject=subject, case_number=case_number
    )
    return files.send(stored, reader=reader, inline=inline)
