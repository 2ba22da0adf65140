"""JSON from other systems, no larger and no deeper than a form of ours could be."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "请求内容过大。"
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Refuses before reading what is longer than a form may be (413); 400 for what two readers could understand differently.

    That is: a name twice in one object, numbers beyond what a number can be (NaN, 1e999), nesting that exhausts the stack.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {}).get("request")
        length = request.META.get("CONTENT_LENGTH") if request is not None else None
        if int(length or 0) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            raise BodyTooLarge
        try:
            return json.loads(
                stream.read().decode("utf-8"), parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once
            )
        except RecursionError as error:
            raise ParseError("JSON 嵌套过深。") from error
        except ValueError as error:  # not JSON, not UTF-8, or one of the below
            raise ParseError("JSON 无法读取。") from error


def _no_number(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    if not isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found
