"""The workbook a file's patents came from."""

from typing import TYPE_CHECKING

from django.db import models

from portal.foundation.core.files import StoredFile

if TYPE_CHECKING:
    from pledges.models import Registration


class PatentList(StoredFile):
    """A list that was taken over whole; a newer one replaces it, taking it back makes the form's own choice valid again."""

    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="patent_lists")
    pieces = models.PositiveIntegerField("件数")
    added = models.PositiveIntegerField("新录入专利", default=0)
    replaced_at = models.DateTimeField(null=True)

    class Meta(StoredFile.Meta):
        verbose_name = "质押专利清单"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["registration"], condition=models.Q(replaced_at=None), name="one_current_patent_list"
            )
        ]


def current(file: "Registration") -> PatentList | None:
    """The list that stands for this file; one query."""
    return PatentList.objects.filter(registration_id=file.pk, replaced_at=None).first()
