"""Papers that are numbered, laid out after the commit, sealed once and kept: the same bytes to everybody, for ever.

The row with everything the paper says is written in the transaction of the decision. The file follows: the pages are a function
of the kept facts alone, the seal (a few kB, appended) is kept in the row. So a lost file is made again to the byte, with the
seal of that day, even when the key has changed since.
"""

import hashlib
import logging
import zlib
from collections.abc import Callable
from typing import ClassVar, TypeVar

from django.core.files.base import ContentFile
from django.db import models, transaction

from . import check_codes, moments
from .errors import DomainError
from .failpoints import failpoint
from .pdf import seal, seal_keys

logger = logging.getLogger("portal.papers")


class Paper(models.Model):
    """A paper with its number, its code, what it says, and its file once that is made."""

    number = models.CharField("文书编号", max_length=40, unique=True)
    verify_code = models.CharField("核验码", max_length=16, unique=True)
    issued_at = models.DateTimeField("签发时间")
    facts = models.JSONField(default=dict)  # everything the paper says, so that it can be made again byte for byte
    file = models.FileField(upload_to="notices", blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, db_index=True)  # read by: a dropped file
    size = models.PositiveIntegerField(default=0)
    seal = models.BinaryField("电子签章", default=bytes, editable=False)  # deflated; what was appended to the pages
    # Read by: a dropped file that was changed. The digest stands inside its seal, so it still says which paper it was.
    sealed_digest = models.CharField(max_length=64, blank=True, db_index=True)
    sealed_at = models.DateTimeField("签章时间", null=True)

    # Whether the proof may break a process here. Only papers of a decision: a receipt that the timer prints in that moment
    # would be broken in the notice's place.
    breakable: ClassVar[bool] = False

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.number

    @property
    def title(self) -> str:
        """What the paper is called at its head."""
        raise NotImplementedError

    @property
    def spaced_code(self) -> str:
        """The code as it is printed."""
        return check_codes.spaced(self.verify_code)

    def on_disk(self) -> bool:
        """Whether its file is there."""
        return bool(self.file.name) and self.file.storage.exists(str(self.file.name))


P = TypeVar("P", bound=Paper)


def print_paper(model: type[P], paper_id: int, *, pages: Callable[[P], bytes], address: Callable[[P], str]) -> P:
    """Make the file if it is not there yet. No lock is held while it is laid out and sealed; whoever stores first, wins.

    `pages` lays the paper out (a function of its facts alone), `address` says where it can be checked. Raises PdfUnavailable
    or SealUnavailable (503) where that cannot be done now, DomainError when a lost file cannot be made again to the byte.
    """
    paper = model._base_manager.get(pk=paper_id)
    if paper.on_disk():
        return paper
    laid_out = pages(paper)
    body, addition, digest, now = laid_out, b"", "", moments.now()
    if not paper.sha256:  # a file that was once made keeps its seal, or its being without one
        said = f"{paper.title} {paper.number}"
        addition = seal.seal(laid_out, key=seal_keys.current(), reason=said, contact=address(paper), now=now)
        body, digest = laid_out + addition, seal.sealed_digest(laid_out + addition)
    if model.breakable:
        failpoint("notice.laid_out")
    with transaction.atomic():
        paper = model._base_manager.select_for_update(of=("self",)).get(pk=paper_id)
        if paper.sha256:  # made before, or by somebody who was faster: that seal counts
            body = laid_out + (zlib.decompress(paper.seal) if paper.seal else b"")
            if hashlib.sha256(body).hexdigest() != paper.sha256:
                raise DomainError(
                    "notice.changed", "通知书文件缺失，且按存档内容重新生成的文件与原摘要不一致，请联系系统管理员。"
                )
        else:
            paper.sha256, paper.size = hashlib.sha256(body).hexdigest(), len(body)
            paper.seal, paper.sealed_digest, paper.sealed_at = zlib.compress(addition, 9), digest, now
        if not paper.on_disk():
            name = f"{paper.verify_code}.pdf"
            paper.file.storage.delete(paper.file.field.generate_filename(paper, name))  # of a print that died here
            paper.file.save(name, ContentFile(body), save=False)
            if model.breakable:
                failpoint("notice.file_written")
            paper.save(update_fields=["file", "sha256", "size", "seal", "sealed_digest", "sealed_at"])
    return paper


def print_missing(model: type[P], print_one: Callable[[int], object], *, limit: int) -> int:
    """Print what is not printed yet, one by one; returns how many were. One that fails does not stop the others."""
    done = 0
    for paper_id in model._base_manager.filter(file="").order_by("pk").values_list("pk", flat=True)[:limit]:
        try:
            print_one(paper_id)
            done += 1
        except DomainError as error:
            logger.warning("%s %s not printed: %s", model._meta.model_name, paper_id, error.reason)
    return done
