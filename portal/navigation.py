"""What every page's frame needs; the real navigation comes with the pages."""

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, object]:
    return {}
