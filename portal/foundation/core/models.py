"""Counters: numbers people quote must be unique, and some must have no gaps; and what an organisation has uploaded."""

from django.db import connection, models


class Counter(models.Model):
    """The last number given out for a name, e.g. `case:20261123` or `notice:2026`.

    Taking a number locks its row until the transaction ends, so a rolled-back action leaves no gap.
    """

    name = models.CharField(max_length=40, primary_key=True)
    value = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "编号计数"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class UploadTally(models.Model):
    """What an organisation sent on one day, and what of its files was deleted on that day. Raised by intake.quota alone."""

    organisation_id = models.BigIntegerField()
    day = models.DateField()
    files = models.IntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    gone_files = models.IntegerField(default=0)
    gone_bytes = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "上传用量"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["organisation_id", "day"], name="one_tally_a_day")]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.day}"


def take(name: str) -> int:
    """The next number for `name`, starting with 1, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_counter AS c (name, value) VALUES (%s, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = c.value + 1 RETURNING value",
            [name],
        )
        row = cursor.fetchone()
    return int(row[0])
