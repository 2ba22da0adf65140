"""`manage.py load_reference`: working-day calendars, districts, industries and the first policies. Safe to repeat."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.foundation.accounts import reference_data as places
from portal.foundation.core import moments
from portal.foundation.sla import calendars_in_use
from portal.foundation.sla import reference_data as promises


class Command(BaseCommand):
    help = "载入工作日历、区县、行业和时限规则（可重复执行）"

    def handle(self, *args: Any, **options: Any) -> None:
        years = calendars_in_use.load()
        districts = places.load()
        policies = promises.load(now=moments.now())
        self.stdout.write(f"工作日历更新 {years} 年，区县 {districts} 个，时限规则新增 {policies} 条")
