"""Several patents from lines pasted out of a spreadsheet: each line read by itself, every slip told with its line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.datastructures import MultiValueDict

from portal.foundation.core.identifiers import PatentNumber

from .actions import Facts
from .forms import PatentForm, co_owner_rows
from .models import Patent

MAX_LINES = 50
COLUMNS = ("number", "title", "filing_date", "grant_date", "fee_paid_until")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was typed, and either facts or the sentences that say what is wrong."""

    line: int
    typed: str
    number: PatentNumber | None
    facts: Facts | None
    faults: Sequence[str]


def read(text: str, *, patentee: str, known: set[str], today: date) -> list[Row]:
    """Every non-empty line as a row. Columns are parted by tabs, else by commas or
    runs of spaces: 专利号 名称 申请日 授权公告日 年费缴至.

    A heading line (one that starts with 专利号) is passed over. `known` holds canonical numbers already in the list.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for line, typed in enumerate(text.splitlines(), start=1):
        if not typed.strip() or typed.strip().startswith("专利号"):
            continue
        row = _row(line, typed.strip(), patentee=patentee, today=today)
        number = row.number.canonical if row.number else ""
        said = ""
        if number in known:
            said = "这件专利已经在列表里，请删去这一行。"
        elif number in seen:
            said = f"与第 {seen[number]} 行是同一件专利，请删去一行。"
        elif len(rows) >= MAX_LINES:
            said = f"一次最多录入 {MAX_LINES} 件，请分几次粘贴。"
        if said:
            row = Row(line, row.typed, row.number, None, [said])
        if number:
            seen.setdefault(number, line)
        rows.append(row)
    return rows


def _row(line: int, typed: str, *, patentee: str, today: date) -> Row:
    parts = typed.split("\t") if "\t" in typed else re.split(r"[,，]|\s{2,}", typed)
    cells = [c.strip() for c in parts]
    if len(cells) < 3:
        said = f"这一行只有 {len(cells)} 列，至少要有专利号、名称、申请日三列，用制表符、逗号或两个以上空格隔开。"
        return Row(line, typed, None, None, [said])
    values = dict(zip(COLUMNS, cells, strict=False))
    dates = {name: _dashed(values.get(name, "")) for name in COLUMNS[2:]}
    status = Patent.Status.GRANTED if dates["grant_date"] else Patent.Status.PENDING
    form = PatentForm(
        MultiValueDict(
            {name: [value] for name, value in {**values, **dates, "patentee": patentee, "status": status}.items()}
        ),
        today=today,
    )
    if not form.is_valid():
        faults = [str(message) for messages in form.errors.values() for message in messages]
        return Row(line, typed, form.cleaned_data.get("number"), None, faults)
    empty = co_owner_rows({"co-TOTAL_FORMS": "0", "co-INITIAL_FORMS": "0"})
    return Row(line, typed, form.cleaned_data["number"], form.facts(empty), [])


def _dashed(text: str) -> str:
    """20170721 and 2017.7.21 as spreadsheets write them, in a form the date field reads."""
    if re.fullmatch(r"\d{8}", text, re.ASCII):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text.replace(".", "-")
