"""What Bo has to type or choose himself when the offer and the contract are in the portal: at most ten entries."""

import re

import pytest

from applications.models import Application
from pledges.actions import filing
from pledges.forms.filing import FilingForm
from pledges.loading import owned
from pledges.models import Registration
from portal.foundation.core import moments
from tests.factories import Person

from .conftest import paper
from .test_pages import url

pytestmark = pytest.mark.django_db
MOST = 10
CONTROL = re.compile(r"<input\b[^>]*>|<(select|textarea)\b[^>]*>.*?</\1>", re.S)


def entries(page: str) -> dict[str, bool]:
    """Every entry of the form as the browser shows it: name → whether something stands in it already."""
    form = page[page.index("data-upload") : page.index("</form>", page.index("data-upload"))]
    found: dict[str, bool] = {}
    for control in CONTROL.finditer(form):
        text = control[0]
        name = re.search(r'name="([^"]+)"', text)
        if name is None or 'type="hidden"' in text:
            continue
        chosen = "checked" in text or "selected" in text
        has = chosen or bool(re.search(r'value="[^"]+"', text) and 'type="checkbox"' not in text)
        found[name[1]] = found.get(name[1], False) or has
    return found


@pytest.fixture
def begun(case: Application, bo: Person) -> Registration:
    return filing.start(case.pk, actor=bo.actor, now=moments.now())


def test_the_ordinary_case_takes_at_most_ten_entries_and_in_truth_four(begun: Registration, bo: Person) -> None:
    """Counted on the page itself: what is empty and wanted. The rest came from the offer and the profiles."""
    page = bo.client.get(url("edit", begun)).content.decode()
    there = entries(page)
    form = FilingForm(file=begun, owned=owned(begun), today=moments.local_date(moments.now()))
    to_do = form.unanswered
    assert set(to_do) == {"contract_number", "contract_signed_on", "identity_promise", "contract_file"}
    assert len(to_do) <= MOST
    assert {name for name in to_do if there[name]} == set(), "what counts as to do is empty on the page"
    brought = {name for name, full in there.items() if full}
    assert {
        "debtor_name",
        "debt_kind",
        "debt_amount",
        "debt_from",
        "debt_to",
        "scope",
        "valuation",
        "patents",
    } <= brought


def test_these_entries_are_enough(begun: Registration, bo: Person) -> None:
    """Bo fills in just those, sends what the page already held, and the pre-check lets the file go on."""
    form = FilingForm(file=begun, owned=owned(begun), today=moments.local_date(moments.now()))
    sent: dict[str, object] = {"version": begun.version, "page": "p", "check": "1"}
    for bound in form:
        value = bound.value()
        shown = bound.field.prepare_value(value) if bound.name not in form.unanswered else None
        if shown not in (None, "", [], False):
            sent[bound.name] = shown
    mine = {"contract_number": "示例 1 号", "contract_signed_on": str(begun.debt_from), "identity_promise": "on"}
    answer = bo.client.post(url("edit", begun), {**sent, **mine, "contract_file": paper()})
    assert answer.headers.get("Location") == url("precheck", begun), answer.content.decode()[:2000]
    assert "送对方确认" in bo.client.get(url("precheck", begun)).content.decode()


@pytest.mark.parametrize(("part", "most"), [("maximum", 5), ("third", 8), ("agent", 11)])
def test_an_extra_kind_adds_its_own_entries_and_no_others(
    begun: Registration, bo: Person, part: str, most: int
) -> None:
    begun.typed = {"special": [part]}
    form = FilingForm(file=begun, owned=owned(begun), today=moments.local_date(moments.now()))
    assert len(form.unanswered) <= most
    assert "special" not in form.unanswered
