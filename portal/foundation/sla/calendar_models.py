"""What is kept about working days: every change ever made, every version of a year, the years in force, local closures.

`CalendarChange.pk` numbers the states of the calendar. The calendar numbered n of an office is made of the newest version of
each year up to change n and of its closures set and not removed up to change n, so any of them can be built again.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from portal.foundation.accounts.models import Organisation


class CalendarChange(models.Model):
    """One change of what a working day is: of the whole country (organisation empty) or of one IP office.

    `settled_at`: no clock that was counted with an earlier calendar can appear any more, and none is left (recounting.settle).
    """

    class What(models.TextChoices):
        YEARS = "years", "导入年度日历"
        CLOSED = "closed", "设定停办日"
        REOPENED = "reopened", "撤销停办日"

    what = models.CharField("事项", max_length=10, choices=What)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+", verbose_name="受理机构")
    ground = models.CharField("依据", max_length=200)
    made_by = models.CharField("办理人", max_length=200)
    made_at = models.DateTimeField("时间")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "日历变更"
        verbose_name_plural = verbose_name
        indexes = [
            # read by: recounting.settle, at every round of the sweep's callers
            models.Index(fields=["id"], name="calendar_unsettled", condition=Q(settled_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.get_what_display()} {self.ground}"


class YearDays(models.Model):
    """What the notice for one year says."""

    document = models.CharField("文号", max_length=60, blank=True)
    source = models.CharField("来源", max_length=200, blank=True)
    holidays = ArrayField(models.DateField(), verbose_name="放假日期")
    makeup_workdays = ArrayField(models.DateField(), verbose_name="调休上班日期", default=list)
    names = models.JSONField("节日", default=dict)  # ISO day → festival
    digest = models.CharField(max_length=64)  # SHA-256 of all the notice says (calendar_files.YearFile.digest)

    class Meta:
        abstract = True


class CalendarYear(YearDays):
    """The newest version of one year, which is the one in force."""

    year = models.PositiveSmallIntegerField("年份", primary_key=True)
    loaded_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "工作日历"
        verbose_name_plural = verbose_name
        ordering = ["year"]

    def __str__(self) -> str:
        return f"{self.year} {self.document}"


class CalendarVersion(YearDays):
    """One imported version of a year; an import adds one and never overwrites."""

    change = models.ForeignKey(CalendarChange, models.PROTECT, related_name="years")
    year = models.PositiveSmallIntegerField("年份")

    class Meta:
        verbose_name = "日历版本"
        verbose_name_plural = verbose_name
        ordering = ["-change_id", "-year"]
        constraints = [models.UniqueConstraint(fields=["year", "change"], name="year_once_a_change")]

    def __str__(self) -> str:
        return f"{self.year} #{self.change_id} {self.document}"


class CalendarDay(models.Model):
    """The same calendar day by day, so that SQL can count working days with a join (rank: working days up to and including)."""

    day = models.DateField(primary_key=True)
    works = models.BooleanField()
    rank = models.IntegerField()
    provisional = models.BooleanField(default=False)

    class Meta:
        verbose_name = "日历日"
        verbose_name_plural = verbose_name
        indexes = [models.Index(fields=["rank"], name="calendar_rank", condition=Q(works=True))]

    def __str__(self) -> str:
        return f"{self.day} {self.works}"


class Closure(models.Model):
    """A working day on which one IP office is closed. Only an office has such days: a bank cannot close to evade its promise."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="受理机构")
    day = models.DateField("停办日")
    change = models.ForeignKey(CalendarChange, models.PROTECT, related_name="closed")
    removal = models.ForeignKey(CalendarChange, models.PROTECT, null=True, related_name="reopened")

    class Meta:
        verbose_name = "停办日"
        verbose_name_plural = verbose_name
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "day"], condition=Q(removal=None), name="one_closure_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.day}"


class CalendarAlarm(models.Model):
    """That an alarm about the end of the calendar was raised: once each, whoever looks and however many."""

    key = models.CharField(max_length=40, primary_key=True)  # "horizon:2027", "deadlines:2027"
    raised_at = models.DateTimeField()

    class Meta:
        verbose_name = "日历提醒"
        verbose_name_plural = verbose_name

    def __str__(self) -> str:
        return self.key
