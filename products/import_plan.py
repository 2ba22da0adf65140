"""What a workbook would do to the library: each row new, changed or the same, and every reason why it cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from banks.models import Institution
from portal.foundation.accounts.models import Role

from . import columns, forms_edit, rules, terms
from .actions.drafting import SOURCE, seen_of
from .models import Product, ProductImport, ProductVersion
from .workbook import Fault, Read

NEW, CHANGED, SAME = "新增", "修改", "没有变化"
MOVED = "检查以后这款产品有变动，请重新导出后再改。"


@dataclass(slots=True)
class Planned:
    """One row: the product it is about (of a new one the unsaved row), its open draft, and all terms after it."""

    read: Read
    product: Product
    draft: ProductVersion | None
    terms: dict[str, Any]
    outcome: str


def plan(job: ProductImport, reads: Sequence[Read], *, lock: bool) -> tuple[list[Planned], list[Fault]]:
    """Compare the rows with the library as it is now. With `lock` (inside a transaction) the products and their drafts are
    held until it ends, by pk."""
    regulator = job.role == Role.REGULATOR
    faults: list[Fault] = []
    by_name = _institutions(job, regulator=regulator)
    placed: list[tuple[Read, Institution]] = []
    taken: dict[tuple[int, str], int] = {}
    for row in reads:
        institution = by_name.get(row.institution if regulator else "")
        if institution is None:
            faults.append(
                row.fault(columns.INSTITUTION, "机构", f"没有“{row.institution[:30]}”这家机构，请写机构全称。")
            )
            continue
        key = (institution.pk, row.values["name"])
        if key in taken:
            faults.append(row.fault("name", "产品名称", f"与第 {taken[key]} 行重复，请只留一行。"))
            continue
        taken[key] = row.row
        placed.append((row, institution))
    products, drafts = _existing({institution.pk for _, institution in placed}, lock=lock)
    planned = []
    for row, institution in placed:
        one = _one(row, institution, products, drafts, faults, regulator=regulator)
        if one is not None:
            planned.append(one)
    return planned, faults


def as_checked(planned: Sequence[Planned]) -> list[list[Any]]:
    """What the person confirms, kept as JSON: [row, product, its public version, its draft's edition, outcome] a row."""
    return [[one.read.row, one.product.pk, one.product.current_id, seen_of(one.draft), one.outcome] for one in planned]


def moved(planned: Sequence[Planned], checked: Sequence[Sequence[Any]]) -> list[Fault]:
    """A fault for every row that would now do something else than its owner has seen, or to something else."""
    seen = {kept[0]: list(kept) for kept in checked}
    return [
        one.read.fault("name", "产品名称", MOVED)
        for one, found in zip(planned, as_checked(planned), strict=True)
        if seen.get(one.read.row) != found
    ]


def _institutions(job: ProductImport, *, regulator: bool) -> dict[str, Institution]:
    """By name and short name for the regulator; an institution's own stands under the empty name."""
    found = Institution.objects.select_related("organisation").filter(dispatcher=False, organisation__active=True)
    if not regulator:
        return {"": found.get(pk=job.organisation_id)}
    names: dict[str, Institution] = {}
    for institution in found:
        names.setdefault(institution.organisation.short_name or institution.organisation.name, institution)
        names[institution.organisation.name] = institution
    return names


def _existing(
    institutions: set[int], *, lock: bool
) -> tuple[dict[tuple[int, str], Product], dict[int, ProductVersion]]:
    wanted = (
        Product.objects.filter(institution_id__in=institutions)
        .exclude(state=Product.State.WITHDRAWN)
        .select_related("institution__organisation", "current")
        .order_by("pk")
    )
    drafts = ProductVersion.objects.open().filter(product__institution_id__in=institutions).order_by("pk")
    if lock:
        wanted, drafts = wanted.select_for_update(of=("self",)), drafts.select_for_update(of=("self",))
    products = {(product.institution_id, product.name): product for product in wanted}
    return products, {draft.product_id: draft for draft in drafts}


def _one(
    row: Read,
    institution: Institution,
    products: dict[tuple[int, str], Product],
    drafts: dict[int, ProductVersion],
    faults: list[Fault],
    *,
    regulator: bool,
) -> Planned | None:
    product = products.get((institution.pk, row.values["name"]))
    draft = drafts.get(product.pk) if product is not None else None
    if draft is not None and not regulator and draft.state not in ProductVersion.EDITABLE:
        faults.append(row.fault("name", "产品名称", "这款产品正在审核，请先撤回提交，或从表里删去这一行。"))
        return None
    if product is not None and regulator and product.current is None:
        faults.append(row.fault("name", "产品名称", "机构已起草同名产品，请在产品审核里办理，或从表里删去这一行。"))
        return None
    if other := _other_version(row, product):
        faults.append(row.fault(columns.VERSION, columns.VERSION_LABEL, other))
        return None
    if regulator and not institution.connected and not row.source and product is None:
        faults.append(row.fault(columns.SOURCE, "事实来源", "尚未接入的机构，请写明事实来源。"))
        return None
    if product is None:
        source = row.source or ("监管部门导入" if regulator else SOURCE)
        product = Product(institution=institution, example=institution.example, source=source)
        base: dict[str, Any] = {}
    else:
        base = draft.terms if draft is not None and not regulator else product.current.terms if product.current else {}
    shown = terms.as_product(product, base)
    for name, value in row.values.items():
        setattr(shown, name, value)
    merged = {field.name: getattr(shown, field.name) for field in terms.fields()}
    said = forms_edit.contradictions(merged)  # with the terms that the workbook does not name
    if regulator and institution.connected:
        said |= rules.missing(shown, kind=institution.organisation.kind)
    if said:
        faults.extend(row.fault(name, _label(name), words) for name, words in said.items())
        return None
    kept = terms.snapshot(shown)
    if product.pk is None:
        return Planned(row, product, None, kept, NEW)
    outcome = SAME if base and terms.same(base, kept) else CHANGED
    return Planned(row, product, draft if not regulator else None, kept, outcome)


def _other_version(row: Read, product: Product | None) -> str:
    """What to say when the row was exported from another public version than the one in force; empty when it was not."""
    current = product.current.number if product is not None and product.current is not None else None
    if row.version is None or row.version == current:
        return ""
    if current is None:
        return "这款产品没有发布过的版本；新增的产品请把这一格留空。"
    return f"导出以后已发布第 {current} 版，请重新导出后再改。"


def _label(name: str) -> str:
    return next((column.label for column in columns.TERMS if column.name == name), "")
