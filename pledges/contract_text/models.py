"""What was found in the contract's words, and in which contract."""

from django.db import models


class ContractReading(models.Model):
    """The last reading of a file's contract; it goes with the bytes of one paper, or with words somebody pasted."""

    class Source(models.TextChoices):
        PDF = "pdf", "上传的合同"
        PASTED = "pasted", "粘贴的文字"

    registration = models.OneToOneField("pledges.Registration", models.PROTECT, related_name="contract_reading")
    source = models.CharField("来源", max_length=8, choices=Source)
    document_sha256 = models.CharField(max_length=64, blank=True)  # of the contract that lay in the file
    items = models.JSONField("应当载明的内容", default=list)
    clauses = models.JSONField("流质条款", default=list)
    characters = models.PositiveIntegerField("字数")
    file_version = models.PositiveIntegerField("核对时的申请表版本")
    read_by = models.CharField("核对人", max_length=200)
    read_at = models.DateTimeField("核对时间")

    class Meta:
        verbose_name = "合同文字核对"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.registration_id} {self.read_at}"

    @property
    def missing(self) -> int:
        return sum(item["state"] == "missing" for item in self.items)

    @property
    def differing(self) -> int:
        return sum(item["state"] == "differs" for item in self.items)

    @property
    def forfeits(self) -> int:
        return sum(bool(clause["forfeits"]) for clause in self.clauses)
