"""`manage.py load_reference`: working-day calendars, districts, industries and the first policies. Safe to repeat."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.foundation.accounts import reference_data as places
from portal.foundation.assets.valuation import weights
from portal.foundation.core import moments
from portal.foundation.core.moments import local_date
from portal.foundation.sla import calendar_imports
from portal.foundation.sla import reference_data as promises
from portal.foundation.sla.calendar_files import CALENDARS
from products.quotas import reference_data as quotas
from products.risk import reference_data as risk
from products.subsidies import reference_data as subsidies


class Command(BaseCommand):
    help = "载入工作日历、区县、行业和时限规则（可重复执行）"

    def handle(self, *args: Any, **options: Any) -> None:
        now = moments.now()
        years = calendar_imports.load_packaged(now=now)
        districts = places.load()
        policies = promises.load(now=now)
        risk.load(now=now)
        subsidies.load()
        quotas.load()
        weighed = weights.load(on=local_date(now))
        self.stdout.write(
            f"工作日历更新 {years.loaded} 年，区县 {districts} 个，时限规则新增 {policies} 条，评估权重新增 {weighed} 个场景"
        )
        for year in years.differing:
            self.stdout.write(
                f"{year} 年的现行日历与随附文件不同，未作改动；要采用文件，请运行 import_holidays {CALENDARS / str(year)}.toml 查看影响。"
            )
