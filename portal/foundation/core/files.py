"""Uploaded files: checked by content, stored privately under a random name, sent only as attachments or in a sandbox."""

import hashlib
import os
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

import puremagic
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.http import FileResponse, HttpResponse

from .errors import TooLarge, WrongType
from .failpoints import failpoint

# What a paper may be, by content: extension → (first bytes, media type).
ACCEPTED: dict[str, tuple[bytes, str]] = {
    ".pdf": (b"%PDF-", "application/pdf"),
    ".jpg": (b"\xff\xd8\xff", "image/jpeg"),
    ".png": (b"\x89PNG\r\n\x1a\n", "image/png"),
    ".ofd": (b"PK\x03\x04", "application/ofd"),
}
ACCEPTED_TEXT = "PDF、JPG、PNG 或 OFD，不超过 20 MB"
INLINE = {"application/pdf", "image/jpeg", "image/png"}


def storage_path(instance: "StoredFile", filename: str) -> str:
    failpoint("file.before_write")
    return f"{instance._meta.label_lower.replace('.', '/')}/{uuid.uuid4().hex}"


class PrivateStorage(FileSystemStorage):
    """The disk under MEDIA_ROOT. Bytes are on the disk before their row can be committed: a row never promises lost ones."""

    def _save(self, name: str, content: "File[Any]") -> str:
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

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.CharField("文件名", max_length=200)
    file = models.FileField(upload_to=storage_path)
    media_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField("大小（字节）")
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.CharField("上传人", max_length=200)
    uploaded_at = models.DateTimeField("上传时间")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload that is what it says it is; fields as StoredFile wants them."""

    name: str
    media_type: str
    size: int
    sha256: str
    content: File  # type: ignore[type-arg]

    def fields(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
            "file": File(self.content.file, name=self.name),
        }


def shown_name(raw: str) -> str:
    """The last part of a path, without control or direction characters, at most 200 characters."""
    name = PurePosixPath(raw.replace("\\", "/")).name
    kept = "".join(
        c for c in name if c.isprintable() and c not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b"
    )
    return kept.strip()[-200:] or "未命名文件"


def check(upload: "File[Any]") -> Checked:
    """Look at size and first bytes. Raises TooLarge (413) or WrongType (415) with a sentence for the field."""
    size = upload.size or 0
    if size > settings.UPLOAD_MAX_BYTES:
        raise TooLarge("too_large", f"文件有 {size / 1048576:.1f} MB，超过 20 MB。请压缩或拆分后再上传。")
    if size == 0:
        raise WrongType("empty", "这个文件是空的，请重新选择。")
    name = shown_name(upload.name or "")
    stream: IO[bytes] = upload.open("rb")
    stream.seek(0)
    head = stream.read(4096)
    suffix = PurePosixPath(name).suffix.lower().replace(".jpeg", ".jpg")
    found = next((ext for ext, (magic, _) in ACCEPTED.items() if head.startswith(magic)), None)
    if suffix not in ACCEPTED:
        raise WrongType("type", f"不支持“{suffix or '无扩展名'}”文件。请上传 {ACCEPTED_TEXT}。")
    if found != suffix or (found == ".ofd" and not _holds_ofd(stream)):
        raise WrongType(
            "lies", f"文件内容不是 {suffix[1:].upper()}（{_guess(head)}）。请确认文件没有损坏或改错扩展名。"
        )
    stream.seek(0)
    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    stream.seek(0)
    return Checked(name, ACCEPTED[found][1], size, digest, upload)


def _holds_ofd(stream: IO[bytes]) -> bool:
    """Whether a ZIP is an OFD package: GB/T 33190 puts OFD.xml at its root. Only the list of names is read, nothing unpacked."""
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as package:
            return any(name.lower().lstrip("/") == "ofd.xml" for name in package.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _guess(head: bytes) -> str:
    """What the content looks like, for the error sentence."""
    try:
        return f"像是 {puremagic.from_string(head).lstrip('.').upper() or '其他格式'}"
    except (puremagic.PureError, ValueError):
        return "无法识别"


def send(stored: StoredFile, *, inline: bool = False) -> HttpResponse | FileResponse:
    """The file's bytes: as a download, or for reading beside a check list in a sandboxed frame."""
    show = inline and stored.media_type in INLINE
    response = FileResponse(
        stored.file.open("rb"), as_attachment=not show, filename=stored.name, content_type=stored.media_type
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    if show:  # read in a frame of ours; the rest of the policy stays as everywhere
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response._csp_replace = {"frame-ancestors": ["'self'"]}  # type: ignore[attr-defined]  # read by django-csp
    else:
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
