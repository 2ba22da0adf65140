"""`manage.py import_holidays`: shows first, acts when told to, and says what is wrong with a file."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.foundation.sla.models import Clock
from tests.calendar_years import NEXT, fresh, midnight

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_calendar")]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("import_holidays", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_first_and_acts_when_told_to(start: Callable[..., Clock], tmp_path: Path) -> None:
    clock = start("2026-12-30 10:00")
    file = tmp_path / "2027.toml"
    file.write_text(NEXT, encoding="utf-8")
    shown = command(str(file))
    assert "新增 2027 年 示例发〔2026〕1号" in shown
    assert "2027-01-02 周六  周末（暂定） → 调休上班（元旦）" in shown
    assert "YZD202609290001X  示例甲银行  金融机构响应  1月4日（周一）24:00（暂定） → 1月2日（周六）24:00" in shown
    assert "截止时刻移动：金融机构响应 1 件" in shown
    assert "没有任何改动" in shown
    assert fresh(clock).provisional
    assert "已导入" in command(str(file), "--apply")
    assert fresh(clock).due_at == midnight("2027-01-02")
    with pytest.raises(CommandError, match="完全相同"):
        command(str(file))


def test_the_command_says_what_is_wrong_with_a_file(start: Callable[..., Clock], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="读不到"):
        command(str(tmp_path / "2027.toml"))
    bad = tmp_path / "2028.toml"
    bad.write_text(NEXT.replace("2027", "2028"), encoding="utf-8")
    with pytest.raises(CommandError, match="缺少 2027 年"):
        command(str(bad))
