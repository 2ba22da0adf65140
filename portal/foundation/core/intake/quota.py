"""How much an organisation may send: files and bytes a day, and in all.

One row an organisation and day, raised and compared in one statement, so that a hundred parallel uploads cannot pass together.
It is part of the caller's transaction, where there is one: what was not kept in the end is not counted, and the row is locked
until the commit, so it is counted after the file was looked at. How often a person may try, refused files included, is
`gate.ATTEMPTS`.
"""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from portal.foundation.core.errors import TooLarge, TooMany
from portal.foundation.core.moments import local_date, midnight_after

_COUNT = """
INSERT INTO core_uploadtally AS t (organisation_id, day, files, bytes, gone_files, gone_bytes)
VALUES (%(who)s, %(day)s, 1, %(size)s, 0, 0)
ON CONFLICT (organisation_id, day) DO UPDATE SET files = t.files + 1, bytes = t.bytes + EXCLUDED.bytes
RETURNING files, bytes,
    (SELECT coalesce(sum(files - gone_files), 0) FROM core_uploadtally WHERE organisation_id = %(who)s AND day <> %(day)s),
    (SELECT coalesce(sum(bytes - gone_bytes), 0) FROM core_uploadtally WHERE organisation_id = %(who)s AND day <> %(day)s),
    gone_files, gone_bytes
"""
_FORGET = """
INSERT INTO core_uploadtally AS t (organisation_id, day, files, bytes, gone_files, gone_bytes)
VALUES (%(who)s, %(day)s, 0, 0, 1, %(size)s)
ON CONFLICT (organisation_id, day) DO UPDATE SET gone_files = t.gone_files + 1, gone_bytes = t.gone_bytes + EXCLUDED.gone_bytes
"""


def count(organisation_id: int, size: int, *, now: datetime) -> None:
    """One more file of `size` bytes. Raises TooMany (429) for the day, TooLarge (413) for all. 0 (the system) is not counted."""
    if not organisation_id:
        return
    with transaction.atomic():  # what is refused is not counted, whoever calls
        _count(organisation_id, size, now=now)


def _count(organisation_id: int, size: int, *, now: datetime) -> None:
    day = local_date(now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"who": organisation_id, "day": day, "size": size})
        files, octets, before, before_octets, gone, gone_octets = (int(value) for value in cursor.fetchone())
    allowed = settings.UPLOAD_QUOTA
    if files > allowed["day_files"] or octets > allowed["day_bytes"]:
        said = f"本单位今天上传的文件已达上限（{allowed['day_files']} 个、{allowed['day_bytes'] >> 20} MB），请明天再上传。"
        raise TooMany("quota_day", said, retry_after=int((midnight_after(day) - now).total_seconds()) + 1)
    if before + files - gone > allowed["files"] or before_octets + octets - gone_octets > allowed["bytes"]:
        limit = f"{allowed['files']} 个、{allowed['bytes'] >> 30} GB"
        raise TooLarge(
            "quota",
            f"本单位保存的文件已达上限（{limit}）。请删除草稿里不用的文件；确实不够用，请联系平台运维人员调整上限。",
        )


def forget(organisation_id: int, size: int, *, now: datetime) -> None:
    """A file was deleted for good: it no longer counts among all, but still for the day on which it was sent."""
    if organisation_id:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, {"who": organisation_id, "day": local_date(now), "size": size})
