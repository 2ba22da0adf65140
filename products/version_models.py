"""The versions of a product: what was put forward, what the regulator said, what stood in public and from when to when."""

from datetime import datetime

import pgtrigger
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from portal.foundation.accounts.models import Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel


class ProductVersionQuerySet(models.QuerySet["ProductVersion"]):
    def visible_to(self, actor: Actor) -> "ProductVersionQuerySet":
        """An institution's own; for the regulator what was ever put forward. Drafts are their institution's alone."""
        if actor.role in (Role.OFFICER, Role.MANAGER):
            return self.filter(product__institution_id=actor.organisation_id)
        if actor.role == Role.REGULATOR:
            return self.exclude(submitted_at=None, number=None)
        return self.none()

    def open(self) -> "ProductVersionQuerySet":
        """Being written or reviewed; at most one a product."""
        return self.filter(state__in=ProductVersion.OPEN_STATES)

    def public(self) -> "ProductVersionQuerySet":
        """What has stood on the public pages, in force or replaced."""
        return self.filter(number__isnull=False)


class ProductVersion(StateModel):
    """All terms of a product at one time. The number is given when it is published; from then on nothing of it changes."""

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        SUBMITTED = "submitted", "待审核"
        RETURNED = "returned", "已退回"
        PUBLISHED = "published", "现行"
        REPLACED = "replaced", "已被替代"
        DISCARDED = "discarded", "已作废"

    OPEN_STATES = (State.DRAFT, State.SUBMITTED, State.RETURNED)
    EDITABLE = (State.DRAFT, State.RETURNED)
    INSIDE = (State.DRAFT, State.DISCARDED)  # what it says now is the institution's own business

    product = models.ForeignKey("products.Product", models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField("版本", null=True)
    state = FSMField("状态", choices=State, default=State.DRAFT, protected=True)
    terms = models.JSONField("条款", encoder=DjangoJSONEncoder)  # column name → JSON value, see products.terms
    edition = models.PositiveIntegerField(default=1)  # counts the saves, so that two colleagues notice each other
    changes = models.JSONField(
        "与上一版的不同", default=list
    )  # [[label, before, after], …] in words, kept at publication
    note = models.CharField("修改说明", max_length=200, blank=True)  # the institution's, public with the version
    reason = models.CharField("退回理由", max_length=300, blank=True)
    brought_by = models.ForeignKey(
        "products.ProductImport", models.PROTECT, null=True, related_name="drafts"
    )  # as a draft
    drafted_by = models.CharField(max_length=200)
    drafted_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    submitted_by = models.CharField(max_length=200, blank=True)
    submitted_at = models.DateTimeField("提交时间", null=True)
    reviewed_by = models.CharField(max_length=200, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField("发布时间", null=True)
    replaced_at = models.DateTimeField(null=True)

    objects = ProductVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "产品版本"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="product_version_number"),
            models.UniqueConstraint(
                fields=["product"],
                condition=Q(state__in=["draft", "submitted", "returned"]),
                name="one_open_product_version",
            ),
            models.UniqueConstraint(fields=["product"], condition=Q(state="published"), name="one_public_version"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "returned", "published", "replaced", "discarded"]),
                name="product_version_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["published", "replaced"], number__isnull=False, published_at__isnull=False)
                | Q(state__in=["draft", "submitted", "returned", "discarded"], number__isnull=True),
                name="product_version_numbered",
            ),
        ]
        indexes = [
            models.Index(fields=["submitted_at"], name="product_review", condition=Q(state="submitted")),
        ]
        triggers = [
            pgtrigger.Protect(
                name="public_terms_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.number IS NOT NULL AND (OLD.terms IS DISTINCT FROM NEW.terms"
                    " OR OLD.number IS DISTINCT FROM NEW.number OR OLD.product_id IS DISTINCT FROM NEW.product_id"
                    " OR OLD.published_at IS DISTINCT FROM NEW.published_at)"
                ),
            ),
            pgtrigger.Protect(
                name="public_versions_stay",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.number IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} v{self.number or '-'}"

    @transition(field=state, source=[State.DRAFT, State.RETURNED], target=State.SUBMITTED)
    def submit(self, *, by: str, now: datetime) -> None:
        self.submitted_by, self.submitted_at, self.reason = by, now, ""

    @transition(field=state, source=State.SUBMITTED, target=State.DRAFT)
    def take_back(self) -> None:
        """The institution wants to change something before it is reviewed."""

    @transition(field=state, source=State.SUBMITTED, target=State.RETURNED)
    def send_back(self, *, reason: str, by: str, now: datetime) -> None:
        self.reason, self.reviewed_by, self.reviewed_at = reason, by, now

    @transition(field=state, source=[State.DRAFT, State.RETURNED, State.SUBMITTED], target=State.DISCARDED)
    def discard(self) -> None:
        """Given up by the institution, or its product was withdrawn."""

    @transition(field=state, source=[State.DRAFT, State.SUBMITTED], target=State.PUBLISHED)
    def publish(self, *, number: int, changes: list[list[str]], by: str, now: datetime) -> None:
        """From DRAFT only where nobody reviews: public facts of the library, and what the regulator imports itself."""
        self.number, self.changes, self.published_at = number, changes, now
        self.reviewed_by, self.reviewed_at = by, now

    @transition(field=state, source=State.PUBLISHED, target=State.REPLACED)
    def replace(self, *, now: datetime) -> None:
        self.replaced_at = now


class PublicChange(models.Model):
    """One line of the library's public history: what happened to a product that everybody could see."""

    class Kind(models.TextChoices):
        PUBLISHED = "published", "新发布"
        UPDATED = "updated", "更新"
        SUSPENDED = "suspended", "暂停"
        RESUMED = "resumed", "恢复"
        WITHDRAWN = "withdrawn", "下架"

    product = models.ForeignKey("products.Product", models.PROTECT, related_name="public_changes")
    kind = models.CharField(max_length=10, choices=Kind)
    version = models.OneToOneField(ProductVersion, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "产品变动"
        verbose_name_plural = verbose_name
        indexes = [
            models.Index(fields=["-at", "-id"], name="product_change_feed"),  # read by: page and feed of changes
        ]
        triggers = [pgtrigger.Protect(name="public_history_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.product_id} {self.kind}"
