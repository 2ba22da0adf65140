"""Who is told about products, valuations, subsidies and quotas."""

from collections.abc import Callable

from django.urls import reverse

from portal.foundation.accounts.models import Role
from portal.foundation.journal.models import Entry
from products.quotas.models import Quota, QuotaTool
from products.subsidies.models import SubsidyClaim

from .letters import ANSWERING, A, D, Letter, R, keepers


def subsidy(kind: str, title: str, *, regulators: bool = False) -> Callable[[Entry], list[Letter]]:
    """To who claimed it, or to those who approve it."""

    def letters(entry: Entry) -> list[Letter]:
        claim = SubsidyClaim.objects.filter(ref=entry.data["claim"]).first()
        if claim is None:
            return []
        url = reverse("subsidy-claim", args=[claim.ref])
        if regulators:
            return [Letter(keepers((Role.REGULATOR,)), (Role.REGULATOR,), kind, title, url, claim.scheme.name)]
        roles = (Role.ENTERPRISE, *ANSWERING)
        return [Letter([claim.organisation_id], roles, kind, title, url, claim.scheme.name)]

    return letters


def quota_told(title: str) -> Callable[[Entry], list[Letter]]:
    """To the bank whose quota it is."""

    def letters(entry: Entry) -> list[Letter]:
        quota = Quota.objects.filter(pk=entry.data["quota"]).select_related("tool").first()
        if quota is None:
            return []
        url = reverse("quota", args=[quota.pk])
        return [Letter([quota.institution_id], ANSWERING, R, title, url, quota.tool.name)]

    return letters


def tier_told(title: str) -> Callable[[Entry], list[Letter]]:
    """To the enterprise that a list names."""

    def letters(entry: Entry) -> list[Letter]:
        return [Letter([entry.data["organisation"]], (Role.ENTERPRISE,), R, title, reverse("profile"), entry.text)]

    return letters


def quota_list(title: str) -> Callable[[Entry], list[Letter]]:
    """To the bank that was put on a tool's list or taken off it."""

    def letters(entry: Entry) -> list[Letter]:
        tool = QuotaTool.objects.filter(pk=entry.data["tool"]).first()
        url = reverse("quotas")
        return [Letter([entry.data["institution"]], ANSWERING, R, title, url, tool.name)] if tool else []

    return letters


def product_page(entry: Entry) -> str:
    """The institution's own page of the product."""
    return reverse("products:manage", args=[entry.data["product"]])


def to_its_institution(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    """To the institution of a product."""
    return lambda entry: [Letter([entry.data["institution"]], ANSWERING, kind, title, product_page(entry), entry.text)]


def product_submitted(entry: Entry) -> list[Letter]:
    """A version to review, to the regulators."""
    url = reverse("products:review-item", args=[entry.data["version"]])
    return [Letter(keepers((Role.REGULATOR,)), (Role.REGULATOR,), A, "机构提交产品，请审核", url, entry.text)]


def products_submitted(entry: Entry) -> list[Letter]:
    """The drafts of a workbook, put forward together: one message."""
    url = reverse("products:review")
    return [Letter(keepers((Role.REGULATOR,)), (Role.REGULATOR,), A, "机构提交多款产品，请审核", url, entry.text)]


def other_side(title: str) -> Callable[[Entry], list[Letter]]:
    """What one side did to a public product, the other reads."""

    def letters(entry: Entry) -> list[Letter]:
        url = product_page(entry)
        if entry.organisation_id == entry.data["institution"]:
            return [Letter(keepers((Role.REGULATOR,)), (Role.REGULATOR,), R, title, url, entry.text)]
        return [Letter([entry.data["institution"]], ANSWERING, R, title, url, entry.text)]

    return letters


def stale(entry: Entry) -> list[Letter]:
    url = product_page(entry)
    return [
        Letter([entry.data["institution"]], ANSWERING, A, "产品久未确认，请确认仍然有效或修改", url, entry.text),
        Letter(keepers((Role.REGULATOR,)), (Role.REGULATOR,), D, "产品久未确认", url, entry.text),
    ]


def importer(kind: str, title: str) -> Callable[[Entry], list[Letter]]:
    """To the one person who handed the workbook in."""

    def letters(entry: Entry) -> list[Letter]:
        url = reverse("products:import-job", args=[entry.data["import"]])
        role = entry.data["role"]
        return [Letter([entry.data["organisation"]], (role,), kind, title, url, entry.text, entry.data["user"])]

    return letters


def valued(kind: str, title: str, place: str) -> Callable[[Entry], list[Letter]]:
    """To the enterprise that asked the credit agency; the sentence names no value."""

    def letters(entry: Entry) -> list[Letter]:
        url = reverse("valuations:list") if place == "list" else reverse("valuations:agency")
        return [Letter([entry.data["organisation"]], (Role.ENTERPRISE,), kind, title, url, entry.text)]

    return letters
