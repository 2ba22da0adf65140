"""The program that reads the rows of a workbook: run by `spreadsheets.rows` as a confined child, because openpyxl builds what a
file says, and a small file may say a million cells or strings.

The job has `most` rows and `width` columns. An answer has `big` or `broken`, or its bytes are JSON: [[row number, [value, …]], …],
a moment as {"moment": ISO 8601}. A value is text, a number, a truth or nothing.
"""

import io
import json
from datetime import date, datetime
from typing import Any

from portal.foundation.core.confined import worker

from . import findings


def rows(body: bytes, *, most: int, width: int) -> list[tuple[int, list[Any]]]:
    """The first sheet's rows that are not empty. Raises Big beyond `most` (the heading not counted) and what openpyxl raises."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what a file says about its own size is not believed
    found: list[tuple[int, list[Any]]] = []
    for number, cells in enumerate(sheet.iter_rows(max_col=width, values_only=True), start=1):
        if number > most * 2 + 1000:
            raise findings.Big("blank")
        values = list(cells)
        if any(value not in (None, "") for value in values):
            found.append((number, values))
            if len(found) > most + 1:
                raise findings.Big("rows")
    book.close()
    return found


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"moment": datetime(value.year, value.month, value.day).isoformat()}  # noqa: DTZ001 — a sheet knows no zone
    return str(value)


def _work(job: worker.Job, body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        found = rows(body, most=job["most"], width=job["width"])
    except findings.Big as big:
        return {"big": str(big)}, b""
    return {}, json.dumps(found, default=_plain, ensure_ascii=False).encode()


if __name__ == "__main__":
    import openpyxl  # noqa: F401 — loaded before the first job, whose time it is not

    worker.serve({"rows": _work})
