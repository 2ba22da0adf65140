"""Counters: numbers people quote must be unique, and some must have no gaps; how often a caller came, how much was sent."""

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


class RateCount(models.Model):
    """How far a caller has used up a rate (core.rates); the table is UNLOGGED: after a crash everybody begins anew."""

    key = models.CharField(max_length=64, primary_key=True)  # digest of rate and caller
    name = models.CharField(max_length=40)
    until = models.DateTimeField(db_index=True)  # read by: rates.tidy

    class Meta:
        verbose_name = "频次计数"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.name} {self.until:%H:%M:%S}"


class OnceAnswer(models.Model):
    """What the machine interface answered to a key (core.once), so that the same question is answered alike; for a day."""

    key = models.CharField(max_length=64, primary_key=True)  # digest of caller and key
    body = models.CharField(max_length=64)  # digest of address and body
    status = models.PositiveSmallIntegerField(null=True)  # null: at work
    answer = models.JSONField(null=True)
    at = models.DateTimeField(db_index=True)  # read by: once.tidy

    class Meta:
        verbose_name = "接口应答"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.status} {self.at:%H:%M:%S}"


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


class RequestCount(models.Model):
    """Answers of one route with one status so far, and how long they took (portal/foundation/core/counts.py)."""

    pk = models.CompositePrimaryKey("route", "status")
    route = models.CharField(max_length=80)
    status = models.CharField(max_length=3)
    answered = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    # Answers that took at most counts.BUCKETS[n] seconds.
    le_0 = models.BigIntegerField(default=0)
    le_1 = models.BigIntegerField(default=0)
    le_2 = models.BigIntegerField(default=0)
    le_3 = models.BigIntegerField(default=0)
    le_4 = models.BigIntegerField(default=0)
    le_5 = models.BigIntegerField(default=0)
    le_6 = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "请求计数"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return f"{self.route} {self.status} {self.answered}"


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
