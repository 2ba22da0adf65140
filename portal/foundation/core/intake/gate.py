"""`admit`: look at an upload, count it for its organisation, and hand back what may be kept. Nothing else may read an upload.

The cheapest first: name and size, first bytes, how often this person has tried, then the inspector (a confined child), and the
organisation's quota at the end. Looking takes seconds, so it happens before any lock: an action that keeps uploads in its
transaction is marked `@looked_at("uploads")` above it, and `admit` inside finds what was seen and only counts.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import IO, Any, ParamSpec, TypeVar

import puremagic
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.db import connection

from portal.foundation.core.actor import Actor
from portal.foundation.core.confined.crew import Crew, Lost
from portal.foundation.core.errors import DomainError, TooLarge, TooMany, Unready, WrongType
from portal.foundation.core.rates import Rate, take

from . import quota
from .kinds import ACCEPTED_TEXT, JPG, PAPERS, RUNNABLE, Kind
from .names import endings, shown_name

P = ParamSpec("P")
R = TypeVar("R")
SECONDS = 6  # of looking at one file; a drawing of 25 megapixels takes two
PATIENCE = 6  # seconds of waiting for an inspector
ATTEMPTS = Rate(
    "upload", 240, timedelta(minutes=10)
)  # of one person, refused files included; a file has some twenty papers
# Two a process: one hostile file does not keep everybody else waiting.
_inspectors = Crew("portal.foundation.core.intake.inspector", size=2, memory=768, retire=500)

_PRINT_AGAIN = "请在阅读器里用“打印”另存为 PDF 后重新上传。"
_SAID: Mapping[str, str] = {
    "broken": "文件打不开，可能已损坏或加了密码。请另存一份后再上传。",
    "encrypted": "文件加了密码或限制了权限，无法查看。请另存一份没有密码的再上传。",
    "two": "文件里还藏着另一种格式的内容。请重新导出一份再上传。",
    "kind": "文件内容和扩展名不一致。请确认文件没有损坏或改错扩展名。",
    "script": f"PDF 里有会自动运行的脚本，不能接收。{_PRINT_AGAIN}",
    "action": f"PDF 设置了打开时自动执行的动作，不能接收。{_PRINT_AGAIN}",
    "launch": f"PDF 会打开其他程序或文件，不能接收。{_PRINT_AGAIN}",
    "submit": f"PDF 里有会向外提交数据的表单，不能接收。{_PRINT_AGAIN}",
    "form": f"PDF 是动态表单（XFA），不能接收。{_PRINT_AGAIN}",
    "embedded": f"PDF 里附带了其他文件，不能接收。{_PRINT_AGAIN}附带的文件请单独上传。",
    "media": f"PDF 里有音视频或三维内容，不能接收。{_PRINT_AGAIN}",
    "path": "压缩包里的文件名不合规，不能接收。请用正规软件重新导出后再上传。",
    "method": "文件的压缩方式不常用，请用办公软件另存后再上传。",
    "macro": "工作簿里有宏，不能接收。请另存为“Excel 工作簿（.xlsx）”后再上传。",
    "entities": "文件里有不允许的内容（实体声明）。请用正规软件重新导出，工作簿请用模板重新填写。",
}
_SAID_BIG: Mapping[str, str] = {
    "pixels": "图片超过 2500 万像素。请缩小图片，或调低拍照的分辨率后再上传。",
    "members": "文件内部的部件太多。请重新导出，工作簿请用模板重新填写。",
    "bomb": "文件展开后过大。请删去图片和多余的工作表，或拆分后再上传。",
    "part": "文件里有过大的图片或其他内容，请只保留数据后再上传。",
    "parts": f"PDF 的内部结构过于复杂。{_PRINT_AGAIN}",
    "time": "文件过于复杂，在限定时间内没有查看完。请拆分，或打印为 PDF 后再上传。",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload that is what it says it is; fields as StoredFile wants them."""

    name: str
    media_type: str
    size: int
    sha256: str
    content: File  # type: ignore[type-arg]
    sender: int

    def fields(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
            "sender": self.sender,
            "file": File(self.content.file, name=self.name),
        }

    def read(self) -> bytes:
        """All of its bytes, from the beginning."""
        self.content.seek(0)
        body: bytes = self.content.read()
        self.content.seek(0)
        return body


def admit(
    upload: "File[Any]",
    *,
    actor: Actor,
    now: datetime,
    kinds: Sequence[Kind] = PAPERS,
    most: int | None = None,
    field: str = "",
) -> Checked:
    """The upload, checked and counted. `most` bytes (settings.UPLOAD_MAX_BYTES unless given); `field` is the form field that the
    sentence belongs to. Raises WrongType (415), TooLarge (413), TooMany (429), Unready (503)."""
    try:
        checked = _looked(upload, kinds, most, actor=actor, now=now)
        quota.count(actor.organisation_id, upload.size or 0, now=now)
        return checked
    except DomainError as refusal:
        if field:
            refusal.fields = {field: refusal.reason}
        raise


def looked_at(*names: str, field: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """An action whose uploads are looked at before its transaction opens; stands above `transaction.atomic`.

    `names` are its parameters: a file, files, or things with a `file` and a `field`; `field` is the form field of the others.
    """

    def decorate(action: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(action)

        @wraps(action)
        def acting(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs).arguments
            for upload, where in (found for name in names for found in _uploads(given.get(name), field)):
                try:
                    _looked(upload, PAPERS, None, actor=given["actor"], now=given["now"])
                except DomainError as refusal:
                    if where:
                        refusal.fields = {where: refusal.reason}
                    raise
            return action(*args, **kwargs)

        return acting

    return decorate


def _uploads(given: Any, field: str) -> "Iterator[tuple[File[Any], str]]":
    for one in [given] if isinstance(given, File) else given or ():
        yield (one, field) if isinstance(one, File) else (one.file, one.field)


def _looked(upload: "File[Any]", kinds: Sequence[Kind], most: int | None, *, actor: Actor, now: datetime) -> Checked:
    """What was seen of this upload, seen now if nobody has looked yet. RuntimeError inside a transaction: its locks would wait."""
    size = min(most or settings.UPLOAD_MAX_BYTES, settings.UPLOAD_MAX_BYTES)
    seen: tuple[Any, Checked] | None = getattr(upload, "_looked", None)
    asked = (tuple(kinds), size, actor)
    if seen is not None and seen[0] == asked:
        return seen[1]
    if connection.atomic_blocks and not connection.atomic_blocks[-1]._from_testcase:  # type: ignore[attr-defined]
        raise RuntimeError("an upload is looked at before the transaction: put @looked_at above the action")
    checked = _admit(upload, kinds, size, actor=actor, now=now)
    upload._looked = (asked, checked)  # type: ignore[attr-defined]  # lives as long as the upload
    return checked


def _admit(upload: "File[Any]", kinds: Sequence[Kind], most: int, *, actor: Actor, now: datetime) -> Checked:
    sent = isinstance(upload, UploadedFile)  # not what we made ourselves
    if sent and actor.user_id and (wait := take(ATTEMPTS, str(actor.user_id), now=now)):
        raise TooMany("too_many", wait.sentence, retry_after=wait.seconds)
    size = upload.size or 0
    name = shown_name(upload.name or "")
    if size > most:
        limit = f"{most / 1048576:.0f} MB" if most >= 1048576 else f"{most} 字节"
        raise TooLarge("too_large", f"文件有 {size / 1048576:.1f} MB，超过 {limit}。请压缩或拆分后再上传。")
    if size == 0:
        raise WrongType("empty", "这个文件是空的，请重新选择。")
    kind = _kind(name, kinds)
    stream: IO[bytes] = upload.open("rb")
    stream.seek(0)
    head = stream.read(4096)
    if not head.startswith(kind.magic):
        raise WrongType("lies", _lies(kind, head))
    if not kind.work:
        return _checked(name, kind, upload, actor)
    stream.seek(0)
    drawn = _inspected(kind, stream.read())
    return _checked(name, kind, ContentFile(drawn, name=name) if drawn else upload, actor)


def glance(upload: "File[Any]", *, most: int, too_large: str, kinds: Sequence[Kind] = ()) -> bytes:
    """The bytes of something that is read once and never kept: a file to compare, a calendar. At most `most` of them; `kinds`
    are judged by the name. Raises TooLarge with the sentence `too_large`, WrongType."""
    if (upload.size or 0) > most:
        raise TooLarge("too_large", too_large)
    if kinds:
        _kind(shown_name(upload.name or ""), kinds)
    stream: IO[bytes] = upload.open("rb")
    stream.seek(0)
    return stream.read(most + 1)


def _kind(name: str, kinds: Sequence[Kind]) -> Kind:
    """What its name says it is. Raises WrongType."""
    accepted = ACCEPTED_TEXT if kinds == PAPERS else "、".join(kind.ending[1:].upper() for kind in kinds) + " 文件"
    found = endings(name)
    last = "." + found[-1].replace("jpeg", "jpg") if found else ""
    kind = next((kind for kind in kinds if kind.ending == last), None)
    if kind is None:
        raise WrongType("type", f"不支持“{last[:12] or '无扩展名'}”文件。请上传 {accepted}。")
    if RUNNABLE.intersection(found[:-1]):
        raise WrongType("type", f"文件名“{name[-40:]}”里有程序的扩展名，请改名后再上传。请上传 {accepted}。")
    return kind


def _checked(name: str, kind: Kind, content: "File[Any]", actor: Actor) -> Checked:
    stream = content.open("rb")
    stream.seek(0)
    digest = hashlib.file_digest(stream, "sha256").hexdigest()
    stream.seek(0)
    return Checked(name, kind.media_type, content.size, digest, content, actor.organisation_id)


def _inspected(kind: Kind, body: bytes) -> bytes:
    """What the inspector says; the redrawn bytes of a picture."""
    form = "JPEG" if kind == JPG else "PNG"
    try:
        answer, drawn = _inspectors.ask(kind.work, body, seconds=SECONDS, patience=PATIENCE, form=form)
    except Lost as lost:
        if lost.why == "busy":
            raise Unready("busy", "正在查看的文件较多，请稍后再上传一次。") from lost
        # Slow, or dead by its own weight: the file did that, not we.
        raise TooLarge("time", _SAID_BIG["time"]) from lost
    if code := answer.get("big"):
        raise TooLarge(code, _SAID_BIG[code])
    if code := answer.get("bad"):
        raise WrongType("lies" if code == "kind" else code, _lies(kind, body[:4096]) if code == "kind" else _SAID[code])
    if failed := answer.get("failed"):
        if failed in ("MemoryError", "RecursionError"):
            raise TooLarge("bomb", _SAID_BIG["bomb"])
        raise WrongType("broken", _SAID["broken"])
    return drawn


def _lies(kind: Kind, head: bytes) -> str:
    try:
        looks = f"像是 {puremagic.from_string(head).lstrip('.').upper() or '其他格式'}"
    except (puremagic.PureError, ValueError):
        looks = "无法识别"
    return f"文件内容不是 {kind.ending[1:].upper()}（{looks}）。请确认文件没有损坏或改错扩展名。"
