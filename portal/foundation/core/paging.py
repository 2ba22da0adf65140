"""Pages of the machine interface."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from .numbers import whole


class Pages(CursorPagination):
    """Fifty rows by id. A cursor that was not ours is 404, whatever is written in it."""

    page_size = 50
    ordering = "id"

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        position = None if cursor is None or cursor.position is None else str(cursor.position)
        if position is not None and whole(position) is None:
            raise NotFound(self.invalid_cursor_message)
        return cursor
