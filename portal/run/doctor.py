"""`bin/portal doctor`: is this machine ready, and are the data what the portal needs? Changes nothing but the run directory."""

import importlib.metadata
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from portal.foundation.core.pdf import fonts, libs
from portal.foundation.sla import calendar_files
from portal.run import binaries, doctor_keys, lock
from portal.run.environment import connection_parameters, temporary_servers, throw_away
from portal.run.finding import Finding
from portal.run.places import Places, RunError

OLDEST_POSTGRES = 15
LEAST_DISK = 1_000_000_000
PUBLISHED_AHEAD = timedelta(days=60)
"""The next year's calendar should be loaded this long before it begins; the notice comes out in November."""
PACKAGES = ("Django", "celery", "redis", "psycopg2-binary", "django-fsm-2", "weasyprint", "gunicorn")


def doctor(where: Places, *, as_json: bool) -> int:
    """Examine machine and data, print the findings; 1 when one of them is an error, else 0."""
    findings: list[Finding] = []
    for look in (
        _python,
        _packages,
        _disk,
        _pdf_libraries,
        _fonts,
        _calendar,
        _browser,
        _skew,
        doctor_keys.keys,
        doctor_keys.visible,
    ):
        findings += _safely(look.__name__.strip("_"), lambda look=look: look(where))  # type: ignore[misc]
    findings += _safely("postgres", lambda: _servers(where))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            print(
                f"{ {'ok': '正常', 'warning': '提示', 'error': '错误'}[finding.level] }  {finding.name:10} {finding.text}"
            )
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _safely(name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """A look that fails is itself a finding: the report must come out on the sickest machine."""
    try:
        return look()
    except Exception as error:
        return [Finding(name, "error", " ".join(str(error).split()) or type(error).__name__)]


def _python(_where: Places) -> list[Finding]:
    enough = sys.version_info >= (3, 11)
    return [
        Finding("python", "ok" if enough else "error", f"Python {platform.python_version()}，{platform.platform()}")
    ]


def _packages(_where: Places) -> list[Finding]:
    versions, absent = [], []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    if absent:
        return [Finding("packages", "error", f"缺少 {'、'.join(absent)}：请删除 .venv 后重新运行 bin/portal。")]
    findings = [Finding("packages", "ok", "，".join(versions))]
    installed = {distribution.metadata["Name"].lower() for distribution in importlib.metadata.distributions()}
    if "django-fsm" in installed:
        findings.append(
            Finding("packages", "error", "同时装有 django-fsm 和 django-fsm-2，二者互相覆盖：请卸载 django-fsm。")
        )
    return findings


def _disk(where: Places) -> list[Finding]:
    place = where.data
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    level = "ok" if free > LEAST_DISK else "error"
    return [Finding("disk", level, f"{place} 剩余 {free / 1e9:.1f} GB（至少需要 {LEAST_DISK / 1e9:.0f} GB）")]


def _pdf_libraries(where: Places) -> list[Finding]:
    absent = libs.missing()
    if not absent:
        return [Finding("pdf", "ok", "Pango 与 harfbuzz-subset 可用")]
    if (where.pdf_libraries / "complete").exists():
        return [Finding("pdf", "ok", f"使用私有副本 {where.pdf_libraries}")]
    return [Finding("pdf", "warning", f"缺少 {'、'.join(absent)}：启动时会尝试下载私有副本。{libs.BY_HAND}")]


def _fonts(_where: Places) -> list[Finding]:
    for face in fonts.FACES:
        if not face.path.exists():
            raise FileNotFoundError(face.path)
    return [Finding("fonts", "ok", "，".join(f"{face.family} {face.weight}（{face.source}）" for face in fonts.FACES))]


def _calendar(_where: Places) -> list[Finding]:
    last = calendar_files.packaged_calendar().last_published
    text = f"工作日历已载入至 {last.isoformat()}"
    if date.today() + PUBLISHED_AHEAD > last:  # noqa: DTZ011 - this machine's day is what is meant
        return [
            Finding(
                "calendar", "warning", f"{text}：请在国务院公布 {last.year + 1} 年安排后载入，之前到期日显示为“暂定”。"
            )
        ]
    return [Finding("calendar", "ok", text)]


def _browser(_where: Places) -> list[Finding]:
    found = shutil.which("chromium")
    return [
        Finding(
            "chromium", "ok" if found else "warning", found or "未安装：只影响浏览器测试（apt-get install chromium）"
        )
    ]


def _skew(_where: Places) -> list[Finding]:
    found = binaries.faketime()
    return [
        Finding(
            "libfaketime",
            "ok" if found else "warning",
            found or "未安装：只影响 prove 中的时钟偏差（apt-get install libfaketime）",
        )
    ]


def _servers(where: Places) -> list[Finding]:
    with _addresses(where) as (addresses, origin):
        findings = [_postgres(addresses["DATABASE_URL"], origin)]
        findings += _watched(addresses["DATABASE_URL"])
        findings += _backed_up(where, addresses["DATABASE_URL"], origin)
        if url := addresses.get("REDIS_URL"):
            findings.append(_broker(url, origin))
        else:
            findings.append(Finding("valkey", "ok", f"可用：{binaries.find_valkey()}"))
        return findings


@contextmanager
def _addresses(where: Places) -> Iterator[tuple[dict[str, Any], str]]:
    """The servers this portal would use: named ones, those of a running `up`, else embedded ones for a moment."""
    if os.environ.get("DATABASE_URL"):
        yield {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}, "DATABASE_URL"
    elif running := lock.running_addresses(where):
        yield running, "正在运行的 up"
    elif where.postgres.exists():
        with lock.held(where, "doctor"), temporary_servers(where, "trial", broker=False) as addresses:
            yield addresses, "内置"
    else:  # nothing is there yet: see whether it could be
        with throw_away("doctor") as scratch, temporary_servers(scratch, "test", broker=False) as addresses:
            yield addresses, "内置，尚无数据"


def _postgres(url: str, origin: str) -> Finding:
    """Version, and whether the locale knows Chinese letters: under --locale=C, pg_trgm finds nothing Chinese."""
    connection = psycopg2.connect(**connection_parameters(url), connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select current_setting('server_version_num')::int / 10000, current_setting('server_version'),"
                " datlocprovider, datcollate, pg_encoding_to_char(encoding), '知' ~ '^[[:alpha:]]$'"
                " from pg_database where datname = current_database()"
            )
            row = cursor.fetchone()
    finally:
        connection.close()
    if row is None:
        raise RunError("PostgreSQL 没有回答。")
    major, version, provider, collate, encoding, knows_chinese = row
    providers = {"b": "builtin", "c": "libc", "i": "icu"}
    text = f"PostgreSQL {version}（{origin}），{encoding}，区域 {providers.get(provider, provider)} {collate}"
    if major < OLDEST_POSTGRES:
        return Finding("postgres", "error", f"{text}：需要 {OLDEST_POSTGRES} 或更新版本。")
    if encoding != "UTF8" or not knows_chinese:
        return Finding(
            "postgres", "error", f"{text}：这个数据库不识别汉字，搜索会落空。请以 UTF8 和 C.UTF-8（不是 C）重新建库。"
        )
    return Finding("postgres", "ok", text)


def _backed_up(where: Places, url: str, origin: str) -> list[Finding]:
    """The embedded server by our own backup, an outside one by what it says of its archive."""
    if origin != "DATABASE_URL":
        return doctor_keys.backups(where)
    connection = psycopg2.connect(**connection_parameters(url), connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            return doctor_keys.archiving(cursor)
    finally:
        connection.close()


def _watched(url: str) -> list[Finding]:
    """Who watches the deadlines, as /healthz/deep says it, and who owes what nobody matches; nothing before the first `up`."""
    connection = psycopg2.connect(**connection_parameters(url), connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select to_regclass('sla_heartbeat') is not null and to_regclass('applications_nextround') is not null"
            )
            if not (cursor.fetchone() or (False,))[0]:
                return []
            cursor.execute(
                "select name, extract(epoch from statement_timestamp() - at)::int, took_ms from sla_heartbeat order by name"
            )
            loops = cursor.fetchall()
            cursor.execute(
                "select coalesce(extract(epoch from statement_timestamp() - min(next_at)), 0)::int from sla_clock"
                " where next_at <= statement_timestamp()"
            )
            lag = (cursor.fetchone() or (0,))[0]
            cursor.execute(
                "select exists (select from banks_institution i join accounts_organisation o on o.id = i.organisation_id"
                " where i.dispatcher and o.active)"
            )
            desk = bool((cursor.fetchone() or (False,))[0])
    finally:
        connection.close()
    found = [
        Finding("deadlines", "ok" if lag <= 30 else "warning", f"最早一条该发而未发的提醒已等 {lag} 秒")
        if loops
        else Finding("deadlines", "warning", "还没有进程看管过时限：请启动 bin/portal up，或 clock、worker 和 beat。")
    ]
    found += [Finding("loop", "ok", f"{name}：{age} 秒前，扫描最长 {took} 毫秒") for name, age, took in loops]
    if not desk:
        found.append(Finding("dispatcher", "warning", "没有调度台：没有匹配机构的需求，由平台运维或监管部门负责答复。"))
    return found


def _broker(url: str, origin: str) -> Finding:
    parts = urlsplit(url)
    line = socket.socket(socket.AF_UNIX if parts.scheme == "unix" else socket.AF_INET)
    with line:
        line.settimeout(3)
        line.connect(parts.path if parts.scheme == "unix" else (parts.hostname or "127.0.0.1", parts.port or 6379))
        line.sendall(b"CONFIG GET maxmemory-policy\r\n")
        said = line.recv(4096).decode(errors="replace")
    if "noeviction" in said:
        return Finding("valkey", "ok", f"有应答（{origin}），noeviction")
    if said.startswith("*"):
        return Finding("valkey", "error", "消息队列会在内存不足时丢弃任务：请设置 maxmemory-policy noeviction。")
    return Finding("valkey", "warning", f"有应答（{origin}），但读不到 maxmemory-policy（需要密码或不允许查询）")
