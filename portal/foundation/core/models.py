"""Counters: numbers people quote must be unique, and some must have no gaps."""

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
