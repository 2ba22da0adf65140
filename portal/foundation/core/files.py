"""Stored files: kept privately under a random name, sent only as attachments or in a sandbox, and not before they were scanned.

What comes in goes through intake.gate, and the storage takes nothing else: an upload that reached it unseen is a fault of ours.
"""

import os
import uuid
from collections.abc import Iterable
from typing import Any, TypeVar

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.db.models import Q
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from .actor import Actor
from .errors import WrongState
from .failpoints import failpoint
from .intake.kinds import INLINE

R = TypeVar("R", bound=HttpResponseBase)


def storage_path(instance: "StoredFile", filename: str) -> str:
    failpoint("file.before_write")
    return f"{instance._meta.label_lower.replace('.', '/')}/{uuid.uuid4().hex}"


class PrivateStorage(FileSystemStorage):
    """The disk under MEDIA_ROOT. Bytes are on the disk before their row can be committed: a row never promises lost ones."""

    def _save(self, name: str, content: "File[Any]") -> str:
        if isinstance(content, UploadedFile):
            raise TypeError("an upload goes through intake.gate.admit before it is stored")
        saved: str = super()._save(name, content)  # type: ignore[misc]  # the stubs leave it out
        for path in (self.path(saved), os.path.dirname(self.path(saved))):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        failpoint("file.written")
        return saved


class StoredFile(models.Model):
    """A file with its digest. The name people gave it is kept for showing, never for the path."""

    class Scan(models.TextChoices):
        WAITING = "", "未查毒"
        CLEAN = "clean", "已查毒"
        FOUND = "found", "已隔离"

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.CharField("文件名", max_length=200)
    file = models.FileField(upload_to=storage_path)
    media_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField("大小（字节）")
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.CharField("上传人", max_length=200)
    uploaded_at = models.DateTimeField("上传时间")
    # The organisation that sent it (0: before this was kept, or the system). It alone may have it back before the scan.
    sender = models.BigIntegerField("上传单位", default=0, db_default=0)
    scan = models.CharField("查毒", max_length=8, choices=Scan, default="", db_default="", blank=True)
    scan_note = models.CharField("发现", max_length=120, default="", db_default="", blank=True)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["id"], name="%(class)s_unscanned", condition=Q(scan=""))]

    def __str__(self) -> str:
        return self.name


def scanned() -> bool:
    """Whether files are scanned here at all."""
    return bool(settings.CLAMD)


def held(stored: StoredFile, *, organisation_id: int) -> str:
    """Why somebody of this organisation cannot have the file now, as a sentence; "" when they can."""
    if stored.scan == StoredFile.Scan.FOUND:
        return f"“{stored.name}”查出恶意程序，已经隔离，不能下载。请上传人重新提供没有问题的文件。"
    own = bool(stored.sender) and stored.sender == organisation_id
    if scanned() and stored.scan != StoredFile.Scan.CLEAN and not own:
        return f"“{stored.name}”正在查毒，一般不超过一分钟。请稍后再打开。"
    return ""


def send(stored: StoredFile, *, reader: Actor, inline: bool = False) -> HttpResponse | FileResponse:
    """The file's bytes: as a download, or for reading beside a check list in a sandboxed frame.

    Raises WrongState for a file in quarantine, and for one that waits for its scan and is not of the reader's organisation.
    """
    if why := held(stored, organisation_id=reader.organisation_id):
        raise WrongState("held", why)
    show = inline and stored.media_type in INLINE
    response = FileResponse(
        stored.file.open("rb"), as_attachment=not show, filename=stored.name, content_type=stored.media_type
    )
    if not show:
        return alone(response)
    # Read in a frame of ours; the rest of the policy stays as everywhere.
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response._csp_replace = {"frame-ancestors": ["'self'"]}  # type: ignore[attr-defined]  # read by django-csp
    return response


def attach(body: bytes, *, media_type: str, name: str) -> HttpResponse:
    """Something made just now, as a download."""
    response = HttpResponse(body, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return alone(response)


def attach_lines(lines: Iterable[str] | Iterable[bytes], *, media_type: str, name: str) -> StreamingHttpResponse:
    """Something long made just now, sent while it is being made."""
    response = StreamingHttpResponse(lines, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return alone(response)


def alone(response: R) -> R:
    """What every download says: no guessing of its kind, no copy on the way, and nothing of it runs anywhere."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
