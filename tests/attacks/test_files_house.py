"""The house rules of files: one gate in, one writer of spreadsheets, one way out; and every form that takes a file is tried."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from pledges.disposal.actions import defaults, listing
from pledges.disposal.models import Disposal
from pledges.disposal.models import Path as Way
from portal.foundation.core import moments
from portal.foundation.core.files import PrivateStorage
from portal.foundation.core.forms import UploadField
from portal.foundation.core.intake.kinds import CALENDAR, PAPERS, WORKBOOK
from portal.foundation.journal import quarantine
from portal.urls import urlpatterns  # noqa: F401 - every view, and with it every form, is imported
from tests.factories import Person
from tests.made_files import PDF
from tests.security.conftest import _own_files, people, world  # noqa: F401 - fixtures
from tests.security.world import World

from . import files_world as hostile

ROOT = Path(__file__).resolve().parents[2]
OURS = ("applications", "banks", "pledges", "products", "portal")
CORE = "portal/foundation/core/"
# What only these may import: readers of what strangers wrote, and writers of what a spreadsheet may run.
ONLY = {
    "xlsxwriter": {f"{CORE}spreadsheets.py"},
    "csv": {
        f"{CORE}spreadsheets.py",
        "portal/foundation/accounts/reference_data.py",
    },  # the latter reads packaged files
    "openpyxl": {f"{CORE}intake/reader.py"},
    "zipfile": {
        f"{CORE}intake/packages.py",
        "portal/run/supply/audit.py",
    },  # the latter: the operator's list of advisories
    "pikepdf": {f"{CORE}intake/documents.py"},
    "PIL": {f"{CORE}intake/pictures.py"},
    "weasyprint": {f"{CORE}pdf/press.py"},
    "tarfile": set[str](),
    "pickle": set[str](),
    "lxml": set[str](),
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for app in OURS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "/migrations/" not in name and not name.startswith("portal/proof/"):
                yield name, ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_what_reads_strangers_files_or_writes_spreadsheets_stands_in_one_place() -> None:
    wrong = [
        f"{name} imports {module}"
        for name, tree in sources()
        for module in set(imported(tree))
        if module in ONLY and name not in ONLY[module]
    ]
    assert wrong == []


def test_every_field_for_a_file_is_of_the_house() -> None:
    """A FileField of Django's own would not say what it takes, and nobody would have thought of the gate."""
    wrong = []
    for name, tree in sources():
        for node in ast.walk(tree):
            named = isinstance(node, ast.Attribute) and node.attr in ("FileField", "ImageField")
            if named and isinstance(node.value, ast.Name) and node.value.id == "forms" and name != f"{CORE}forms.py":
                wrong.append(name)
    assert wrong == []


def test_only_the_one_way_out_writes_the_header_of_a_download() -> None:
    wrong = [
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "Content-Disposition" and name != f"{CORE}files.py"
    ]
    assert wrong == []


def test_the_storage_takes_no_upload_that_passed_no_gate() -> None:
    with pytest.raises(TypeError, match="gate"):
        PrivateStorage().save("x", SimpleUploadedFile("a.pdf", PDF))


def test_every_kept_upload_can_be_scanned_and_says_who_sent_it() -> None:
    assert len(quarantine.kinds()) >= 10
    for model in quarantine.kinds():
        assert {"scan", "scan_note", "sender"} <= {f.name for f in model._meta.get_fields()}, model


# --- every form that takes a file --------------------------------------------------------------------------------------


@dataclass
class Door:
    """Where a form is sent to: by whom, in which place the file is, what else, and what was typed and must come back."""

    who: str
    url: Callable[[World], str]
    place: str = "papers"
    more: dict[str, Any] = field(default_factory=dict)
    kept: str = ""
    kinds: Any = PAPERS


TYPED = "写了很久的一段话"
TODAY = f"{moments.local_date(moments.now()):%Y-%m-%d}"


def _pledge(name: str, which: str, *args: str) -> Callable[[World], str]:
    return lambda w: reverse(name, args=[getattr(w, which).number, *args])


DOORS: dict[str, Door] = {
    "applications.forms.FileForm": Door(
        "ling", lambda w: reverse("apply:step", args=[w.draft.pk, "reach"]), "file",
        {"go": "attach", "kind": "other", "contact_name": TYPED}, TYPED,
    ),
    "applications.forms.AnswerForm": Door(
        "ling", lambda w: reverse("case-answer", args=[w.asked.number, w.question.pk]), more={"answer": TYPED}, kept=TYPED
    ),
    "pledges.forms.filing.FilingForm": Door(
        "bo", _pledge("pledges:edit", "begun"), "other_file", {"draft": "1", "contract_number": TYPED}, TYPED
    ),
    "pledges.views.lists.ListForm": Door("bo", _pledge("pledges:patent-list", "begun"), "file", kinds=WORKBOOK),
    "pledges.forms.registry.ExtractForm": Door(
        "chen", lambda w: reverse("office-extracts"), "file", {"as_of": TODAY}, TODAY, WORKBOOK
    ),
    "pledges.after.forms.CancellationForm": Door(
        "bo", lambda w: reverse("pledges:matter-start", args=[w.sale.auction.registration.number, "cancellation"]),
        more={"end_ground": "performed", "reason": TYPED}, kept=TYPED,
    ),
    "pledges.after.forms.RevocationForm": Door(
        "chen", _pledge("office-revoke", "registered"),
        more={"propose": "1", "ground": "false_promise", "found": TYPED}, kept=TYPED,
    ),
    "pledges.after.forms.ConsentForm": Door(
        "ling", _pledge("pledges:consent-ask", "registered"),
        more={"use": "licence", "counterparty": "重庆示例受让有限公司", "about": TYPED}, kept=TYPED,
    ),
    "pledges.disposal.forms.DefaultForm": Door(
        "bo", _pledge("disposals:default-new", "registered"), "paper",
        {"defaulted_on": TODAY, "principal": "1000", "interest": "0", "costs": "0", "note": TYPED}, TYPED,
    ),
    "pledges.disposal.forms.TakeOverForm": Door(
        "bo", lambda w: reverse("disposals:take-over", args=[_disposal(w).number]), "report",
        {"price": "100", "valued_at": "100", "valued_on": TODAY, "valuer": TYPED}, TYPED,
    ),
    "pledges.other_rights.forms.PapersForm": Door(
        "ling", lambda w: reverse("other-rights:right", args=[w.sale.right.application.number, w.sale.right.ref]), "paper",
        {"step": "attach"},
    ),
    "products.subsidies.forms.ClaimSubsidyForm": Door(
        "ling", lambda w: reverse("subsidy-apply", args=["interest-500157"]),
        more={"base": "1000", "note": TYPED}, kept=TYPED,
    ),
    "products.subsidies.forms.SupplementForm": Door(
        "ling", lambda w: reverse("subsidy-claim", args=[w.claim.ref]), more={"step": "add"}
    ),
    "products.views.imports.WorkbookForm": Door("rui", lambda w: reverse("products:import"), "file", kinds=WORKBOOK),
    "portal.reports.views.tiers.ImportForm": Door(
        "rui", lambda w: reverse("supervision-tiers-import"), "file", {"source": TYPED}, TYPED, WORKBOOK
    ),
    "portal.reports.forms_calendar.YearForm": Door(
        "ada", lambda w: reverse("supervision-calendar-import"), "file", {"step": "check", "text": TYPED}, TYPED, CALENDAR
    ),
}  # fmt: skip
# The same view and the same action as another door, or nothing of it is kept.
ELSEWHERE = {
    "pledges.after.forms.ChangeForm": "the view and action of CancellationForm",
    "pledges.after.forms.ReleaseForm": "the view and action of CancellationForm",
    "pledges.after.forms.AnswerForm": "telling.keep_papers, as CancellationForm",
    "pledges.after.forms.ChangeAnswerForm": "telling.keep_papers, as CancellationForm",
    "pledges.after.forms._Papers": "the base of the five above",
    "pledges.forms.party.AnswerForm": "filing.put, as FilingForm; its field depends on the defect",
    "pledges.views.public.CompareForm": "read once through gate.glance and never kept",
    "portal.content.samples.SampleForm": "a picture of a form in the style guide",
}


def takers() -> set[str]:
    """Every form class with a field for a file."""
    waiting, found = list(forms.BaseForm.__subclasses__()), set()
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        takes = any(isinstance(f, UploadField) for f in getattr(form, "base_fields", {}).values())
        if takes and form.__module__.split(".")[0] in OURS:
            found.add(f"{form.__module__}.{form.__name__}")
    return found


def test_every_form_that_takes_a_file_has_a_door() -> None:
    dynamic = {name for name in ELSEWHERE if name.endswith(("party.AnswerForm", "_Papers"))}
    assert takers() == set(DOORS) | set(ELSEWHERE) - dynamic


HOSTILE = {
    PAPERS: [
        ("合同.pdf", hostile.pdf(lambda made: made.Root.__setitem__("/AA", hostile.Dictionary())), 415),
        ("合同.pdf", hostile.HTML, 415),
        ("合同.php.pdf", PDF, 415),
        ("图.png", hostile.picture_bomb(), 413),
        ("空.pdf", b"", 415),
    ],
    WORKBOOK: [
        ("a.xlsx", hostile.HTML, 415),
        ("a.xlsx", hostile.workbook({"xl/a.xml": hostile.LAUGHS}), 415),
        ("a.xlsx", hostile.workbook({"xl/worksheets/sheet1.xml": b"<x>" + b" " * 60_000_000}), 413),
        ("a.xlsm", hostile.workbook({}), 415),
        ("a.xlsx", b"", 415),
    ],
    CALENDAR: [("a.toml", b"x" * 70_000, 400), ("a.exe", b"year = 2027", 400)],
}


@pytest.mark.django_db
@pytest.mark.parametrize("form", DOORS)
def test_every_door_refuses_hostile_files_and_keeps_what_was_typed(world: World, form: str) -> None:  # noqa: F811
    """Ling, Bo, Chen, Rui and Ada: 413 or 415, a sentence at the field, every other word still there, nothing kept."""
    door = DOORS[form]
    person: Person = world.people[door.who]
    data = dict(door.more)
    if form.endswith("FilingForm"):
        data["version"] = str(world.begun.version)
    if form.endswith("ConsentForm"):
        data["numbers"] = [p.number for p in world.registered.patents.all()]
    if form.endswith("ClaimSubsidyForm"):
        data["case_number"] = world.sale.auction.registration.application.number
    url = door.url(world)
    before = _kept()
    for name, body, status in HOSTILE[door.kinds]:
        sent = SimpleUploadedFile("x", body)
        sent._name = name
        answer = person.client.post(url, {**data, door.place: sent})
        page = answer.content.decode()
        assert answer.status_code == status, (name, body[:20], answer.headers.get("Location"), _said(page))
        assert door.kept in page, name
        assert _said(page), name
        assert _kept() == before, name


def _disposal(world: World) -> Disposal:  # noqa: F811
    """One that Bo is still drawing up, by agreement."""
    owed = defaults.Debt(moments.local_date(moments.now()), Decimal(1_000), Decimal(0), Decimal(0))
    papers = [SimpleUploadedFile("催收.pdf", PDF)]
    actor, now = world.bo.actor, moments.now()
    default = defaults.record_default(world.registered.pk, owed, papers=papers, actor=actor, now=now)
    made = listing.start(default.pk, actor=actor, now=now)
    text = listing.Listing(Way.TRANSFER, "", None, False, now + timedelta(days=3), "薄示例", "023-67961234")
    listing.save(made.pk, text, version=0, actor=actor, now=now)
    return made


def _said(page: str) -> list[str]:
    """The sentences beside the fields."""
    return re.findall(r'<p class="error">.*?</span>(.*?)</span></p>', page, re.DOTALL)


def _kept() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in quarantine.kinds()}
