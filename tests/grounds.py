"""A regulator opens one enterprise's case: the ground comes first."""

from django.urls import reverse

from tests.factories import Person

GROUND = "核查响应超期的原因"


def stated(regulator: Person, number: str) -> str:
    """State it; the address of the case, which opens from now on."""
    url = reverse("supervision-case", args=[number])
    assert regulator.client.post(url, {"ground": GROUND}).status_code == 302
    return url
