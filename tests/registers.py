"""A register that knows what a test tells it, over the real wire of this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest

from portal.foundation.assets.register import simulator
from portal.foundation.assets.register.interface import Extract

LING = "重庆示例智造有限公司"
TOKEN = "secret-of-the-register"
GRANTED = Extract(
    number="2017106018623",
    patentees=(LING,),
    status="granted",
    filing_date=date(2017, 7, 21),
    grant_date=date(2019, 6, 1),
    expires_on=date(2037, 7, 21),
    fee_paid_until=date(2028, 12, 31),
    fee_next_due=date(2028, 12, 31),
)
Says = Callable[..., str]


@pytest.fixture
def register_says(settings: Any) -> Iterator[Says]:
    """`register_says(extract, …)` connects a register with exactly these extracts; again with others, and it says those."""
    with ExitStack() as running:

        def says(*extracts: Extract) -> str:
            address = running.enter_context(simulator.running(extracts, token=TOKEN))
            settings.PATENT_REGISTER = "http"
            settings.PATENT_REGISTER_URL = address
            settings.PATENT_REGISTER_TOKEN = TOKEN
            settings.PATENT_REGISTER_TIMEOUT = 2
            return address

        yield says


def workbook(rows: Sequence[Sequence[object]], *, headings: Sequence[str] | None = None) -> bytes:
    """A workbook as an office would fill it in."""
    import io

    import xlsxwriter

    from portal.foundation.assets.register.workbook import COLUMNS

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        for at, heading in enumerate(headings or list(COLUMNS.values())):
            page.write_string(0, at, heading)
        for line, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                page.write(line, at, value)
    return out.getvalue()
