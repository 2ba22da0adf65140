"""The program that looks into what people send: run by `gate` as a confined child, so that a hostile file has nothing to hold.

An answer has `bad` or `big` with a code, or neither; its bytes are the redrawn picture.
"""

from collections.abc import Callable
from typing import Any

from portal.foundation.core.confined import worker

from . import documents, packages, pictures
from .findings import Bad, Big

Look = Callable[[worker.Job, bytes], bytes]


def _document(_job: worker.Job, body: bytes) -> bytes:
    documents.walk(body)
    return b""


def _picture(job: worker.Job, body: bytes) -> bytes:
    return pictures.redraw(body, form=job["form"])


def _workbook(_job: worker.Job, body: bytes) -> bytes:
    packages.look(body, must="xl/workbook.xml", workbook=True)
    return b""


def _ofd(_job: worker.Job, body: bytes) -> bytes:
    packages.look(body, must="OFD.xml", workbook=False)  # GB/T 33190: at the root of the package
    return b""


def _answering(look: Look) -> worker.Work:
    def work(job: worker.Job, body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            return {}, look(job, body)
        except Bad as found:
            return {"bad": str(found)}, b""
        except Big as found:
            return {"big": str(found)}, b""

    return work


if __name__ == "__main__":
    worker.serve(
        {name: _answering(look) for name, look in {
            "pdf": _document, "picture": _picture, "xlsx": _workbook, "ofd": _ofd,
        }.items()}
    )  # fmt: skip
