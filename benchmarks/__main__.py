"""`bin/portal bench [--only B1,B4] [--json] [--load N]`: ours, the limit and the peers of every line, side by side.

Runs on a database of its own (`portal_bench`, made once and reused) on the server of DATABASE_URL. Exit code 1 when a line
misses its goal or breaks, 2 when none could be measured.
"""

import argparse
import importlib
import json
import os
import re
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import world

LINES = {
    "B1": "一个期限；SQL 中 100 万个  one deadline; a million in SQL",
    "B2": "一万个同时到期  ten thousand due at once",
    "B3": "空查一次；发现到期  an empty look; detection",
    "B4": "机构工作台  officer's desk",
    "B5": "提交需求  submit a request",
    "B6": "提交→接单→出方案  submit, claim, respond",
    "B7": "50 人抢单  fifty officers claiming",
    "B9": "登记通知书 PDF  notice as PDF",
    "B10": "一笔需求对 1,000 款产品  one request against a thousand products",
    "B11": "质押登记查询，100 万件登记  encumbrance search among a million",
    "B13": "100 份通知书，同时有人在用  a hundred notices beside live traffic",
    "B14": "登录，每秒次数  log-ins a second",
}


def main(arguments: list[str]) -> int:
    """Measure the wanted lines and print each as soon as it is known."""
    parser = argparse.ArgumentParser(prog="bin/portal bench", description="与极限和同类实现并排比较")
    parser.add_argument("--only", default="", help="只测这些行，例如 B1,B4")
    parser.add_argument("--json", action="store_true", help="每行一个 JSON 对象")
    parser.add_argument("--load", type=int, default=0, metavar="N", help="先载入 N 笔需求（已有则不重复）")
    options = parser.parse_args(arguments)
    if not os.environ.get("DATABASE_URL"):
        parser.error("需要 DATABASE_URL；请用 bin/portal bench 运行")
    known = sorted({*LINES, *(f"B{n}" for n in _written())}, key=lambda name: int(name[1:]))
    wanted = [name.strip().upper() for name in options.only.split(",") if name.strip()] or known
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"没有这些行：{'、'.join(unknown)}；有：{'、'.join(known)}")

    world.prepare()
    if options.load:
        _load(options.load)
    if not options.json:
        print(_facts())
    results = [_measure(name) for name in wanted]
    for result in results:
        print(json.dumps(result, ensure_ascii=False) if options.json else table(result), flush=True)
    measured = [result for result in results if "error" not in result and "missing" not in result]
    if not measured:
        return 2
    return int(any(not result.get("met", True) or "error" in result for result in results))


def _written() -> list[str]:
    here = Path(__file__).parent
    return [found[1] for path in here.glob("line_b*.py") if (found := re.fullmatch(r"line_b(\d+)", path.stem))]


def _load(rows: int) -> None:
    """Fill the database up to that many requests, where the loader is there."""
    if find_spec("benchmarks.load") is None:
        print("没有 benchmarks/load.py，跳过载入  no loader", file=sys.stderr)
        return
    importlib.import_module("benchmarks.load").load(rows)


def _measure(name: str) -> dict[str, Any]:
    module = f"benchmarks.line_{name.lower()}"
    if find_spec(module) is None:
        return {"line": name, "missing": True}
    try:
        result: dict[str, Any] = importlib.import_module(module).measure()
    except Exception as error:
        # One broken line must not hide the others; it counts as missed.
        if os.environ.get("BENCH_TRACE"):
            raise
        return {"line": name, "error": f"{type(error).__name__}: {error}", "met": False}
    return result


def table(result: dict[str, Any]) -> str:
    """One line of figures as an aligned table: who, how long, how many times ours."""
    name = result["line"]
    title = f"{name}  {LINES.get(name, '')}"
    if "missing" in result:
        return f"\n{title}\n  尚未编写  not written yet"
    if "error" in result:
        return f"\n{title}\n  出错  failed: {result['error']}"
    ours = result["ours"]
    rows = [("本系统 ours", ours), ("极限 limit", result.get("limit")), *result.get("peers", {}).items()]
    lines = [f"\n{title}"]
    for who, value in rows:
        if isinstance(value, int | float):
            times = f"{value / ours:>9.2f} ×" if ours and who != "本系统 ours" else " " * 11
            lines.append(f"  {_padded(who, 36)} {_shown(value, result.get('unit', 's')):>12} {times}")
    lines += [f"  {_padded(label, 36)} {value:>12}" for label, value in result.get("ratios", {}).items()]
    lines.append(f"  目标 goal: {result.get('goal', '')}")
    lines.append(f"  {'达到 met' if result.get('met') else '未达到 NOT met'}（数据量 rows {result.get('rows', '—')}）")
    return "\n".join(lines)


def _shown(value: float, unit: str) -> str:
    """Seconds in the unit that reads best; anything else as it is."""
    if unit != "s":
        return f"{value:,.2f} {unit}"
    for factor, name in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1:
            return f"{value * factor:.2f} {name}"
    return f"{value * 1e9:.0f} ns"


def _padded(text: str, width: int) -> str:
    """Text filled up to a width on the screen, where a Chinese character takes two columns."""
    taken = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return text + " " * max(width - taken, 0)


def _facts() -> str:
    """What the figures depend on: machine, versions, how hard the server promises to keep what it says."""
    import platform

    import django
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"
        )
        version, fsync, commit = cursor.fetchone()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"Python {platform.python_version()}，Django {django.get_version()}，PostgreSQL {version}"
        f"（fsync {fsync}，synchronous_commit {commit}），{os.cpu_count()} 核 cores，负载 load {load}\n"
        "各方轮流计时，取中位数；只有同一次运行内的比值可比。"
        "Everybody takes turns; medians; only ratios within one run compare."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
