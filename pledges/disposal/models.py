"""A default on the loan of a registered pledge, the disposal that follows, and the offers for it. Money in yuan."""

import uuid
from datetime import datetime
from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from pledges.parties import of_pledgor
from portal.foundation.accounts.models import Organisation, Role, User
from portal.foundation.core.actor import Actor
from portal.foundation.core.db import StateModel, yuan
from portal.foundation.core.files import StoredFile
from portal.foundation.core.money import MAX_YUAN

BANKING = (Role.OFFICER, Role.MANAGER)


class DefaultQuerySet(models.QuerySet["Default"]):
    def visible_to(self, actor: Actor) -> "DefaultQuerySet":
        """The two parties of the pledge, and the regulator."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(of_pledgor(actor.organisation_id, within="registration__"))
        if actor.role in BANKING:
            return self.filter(registration__pledgee_id=actor.organisation_id)
        if actor.role == Role.REGULATOR:
            return self
        return self.none()


class Default(models.Model):
    """The debtor has not performed: as the pledgee records it, with its evidence. `costs` are those of realising the right."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="defaults")
    defaulted_on = models.DateField("违约日期")
    principal = yuan("尚欠本金（元）")
    interest = yuan("尚欠利息（元）")
    costs = yuan("实现质权的费用（元）")
    note = models.CharField("说明", max_length=300, blank=True)
    recorded_by = models.CharField("登记人", max_length=200)
    recorded_at = models.DateTimeField("登记时间")
    cured_at = models.DateTimeField("清偿时间", null=True)
    cured_by = models.CharField(max_length=200, blank=True)
    cure_note = models.CharField("清偿说明", max_length=300, blank=True)

    objects = DefaultQuerySet.as_manager()

    class Meta:
        verbose_name = "违约记录"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["registration"], condition=Q(cured_at=None), name="one_open_default"),
            models.CheckConstraint(
                condition=Q(principal__gt=0, principal__lte=MAX_YUAN)
                & Q(interest__gte=0, interest__lte=MAX_YUAN)
                & Q(costs__gte=0, costs__lte=MAX_YUAN),
                name="default_amounts",
            ),
        ]
        triggers = [pgtrigger.Protect(name="default_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.defaulted_on}"

    @property
    def subject(self) -> str:
        return f"default:{self.pk}"


class DefaultPaper(StoredFile):
    """Evidence of a default: the reminder, the account statement, a judgment."""

    default = models.ForeignKey(Default, models.PROTECT, related_name="papers")

    class Meta(StoredFile.Meta):
        verbose_name = "违约证明"
        verbose_name_plural = verbose_name


class Path(models.TextChoices):
    """How the right is realised."""

    AUCTION = "auction", "拍卖"
    POOL = "pool", "集中收储"
    REVERSE_LICENCE = "reverse", "反向许可"
    TRANSFER = "transfer", "协议转让"

    @property
    def explained(self) -> str:
        return {
            "auction": "密封报价，截止后同时开启，有效报价最高者得；低于保留价的流拍。",
            "pool": "由金融机构统一买入，再行运营。",
            "reverse": "受让方买入专利后，再许可原企业继续使用，企业按年付许可费。",
            "transfer": "意向方报价，质权人择优与其协商转让；经出质人同意也可以折价给质权人。",
        }[self.value]


class DisposalQuerySet(models.QuerySet["Disposal"]):
    def visible_to(self, actor: Actor) -> "DisposalQuerySet":
        """The parties of the pledge; the regulator what was ever published."""
        if actor.role == Role.ENTERPRISE:
            return self.filter(of_pledgor(actor.organisation_id, within="registration__"))
        if actor.role in BANKING:
            return self.filter(registration__pledgee_id=actor.organisation_id)
        if actor.role == Role.REGULATOR:
            return self.exclude(published_at=None)
        return self.none()

    def public(self) -> "DisposalQuerySet":
        """What stands on the public page now, its ending included.

        Only the text a second person checked: a later round that was drafted and given up before that was never published.
        """
        return self.exclude(published_at=None).exclude(checked_by=None).filter(state__in=Disposal.PUBLIC_STATES)


class Disposal(StateModel):
    """One realisation of a pledge after a default. A failed listing is drawn up again as the next `round`."""

    class State(models.TextChoices):
        DRAFT = "draft", "起草中"
        CHECKING = "checking", "待复核"
        LISTED = "listed", "公告中"
        FAILED = "failed", "流拍"
        AWARDED = "awarded", "已成交，待分配"
        SETTLED = "settled", "已分配"
        WITHDRAWN = "withdrawn", "已撤回"

    LIVE_STATES = (State.DRAFT, State.CHECKING, State.LISTED, State.FAILED, State.AWARDED)
    PUBLIC_STATES = (State.LISTED, State.FAILED, State.AWARDED, State.SETTLED, State.WITHDRAWN)

    number = models.CharField("处置编号", max_length=32, unique=True)  # ZYCZ…
    registration = models.ForeignKey("pledges.Registration", models.PROTECT, related_name="disposals")
    default = models.ForeignKey(Default, models.PROTECT, related_name="disposals")
    state = FSMField("状态", choices=State, default=State.DRAFT, protected=True)
    path = models.CharField("处置方式", max_length=10, choices=Path, default=Path.AUCTION)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    version = models.PositiveIntegerField(default=0)  # of the listing's text: what was checked is what is published
    statement = models.CharField("公告说明", max_length=500, blank=True)
    reserve = models.DecimalField("保留价（元）", max_digits=16, decimal_places=2, null=True, blank=True)
    reserve_public = models.BooleanField("公布保留价", default=False)
    closes_at = models.DateTimeField("报价截止", null=True)
    contact_name = models.CharField("联系人", max_length=40, blank=True)
    contact_phone = models.CharField("联系电话", max_length=20, blank=True)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="起草人")
    created_at = models.DateTimeField("立案时间")
    return_note = models.CharField("退回说明", max_length=300, blank=True)
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="复核人")
    published_at = models.DateTimeField("公告时间", null=True)
    winner = models.OneToOneField("pledges.Bid", models.PROTECT, null=True, related_name="won")
    buyer = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+", verbose_name="受让方")
    price = models.DecimalField("成交价（元）", max_digits=16, decimal_places=2, null=True)
    taken_over = models.BooleanField("折价给质权人", default=False)
    awarded_at = models.DateTimeField("成交时间", null=True)
    awarded_by = models.CharField(max_length=200, blank=True)
    failed_note = models.CharField("流拍原因", max_length=300, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True)
    close_note = models.CharField("结束说明", max_length=300, blank=True)

    objects = DisposalQuerySet.as_manager()

    class Meta:
        verbose_name = "质押处置"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "checking", "listed", "failed", "awarded", "settled", "withdrawn"]),
                name="disposal_state_known",
            ),
            models.CheckConstraint(condition=Q(path__in=Path.values), name="disposal_path_known"),
            models.UniqueConstraint(
                fields=["registration"],
                condition=Q(state__in=["draft", "checking", "listed", "failed", "awarded"]),
                name="one_live_disposal",
            ),
            models.CheckConstraint(
                condition=Q(reserve=None) | Q(reserve__gt=0, reserve__lte=MAX_YUAN), name="disposal_reserve"
            ),
            # Four eyes: whoever drafted the listing has not checked it.
            models.CheckConstraint(
                condition=~Q(state="listed")
                | Q(checked_by__isnull=False, published_at__isnull=False, closes_at__isnull=False)
                & ~Q(checked_by=F("drafted_by")),
                name="disposal_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["awarded", "settled"]) | Q(price__gt=0, buyer__isnull=False),
                name="disposal_award_told",
            ),
            # Nobody gets it from a listing without an offer, and nobody without the pledgor's agreement.
            models.CheckConstraint(
                condition=~Q(state__in=["awarded", "settled"])
                | Q(winner__isnull=False, taken_over=False)
                | Q(winner=None, taken_over=True),
                name="disposal_one_way",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "closes_at", "id"], name="disposal_public"),  # read by: the public list
        ]
        triggers = [pgtrigger.Protect(name="disposal_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> str:
        return f"disposal:{self.pk}"

    @property
    def tag(self) -> str:
        """The colour of its state."""
        return {
            "draft": "",
            "checking": "warn",
            "listed": "info",
            "failed": "warn",
            "awarded": "ok",
            "settled": "ok",
        }.get(self.state, "")

    @property
    def public(self) -> bool:
        """Whether it has a public page now (DisposalQuerySet.public says the same of many)."""
        return self.published_at is not None and self.checked_by_id is not None and self.state in self.PUBLIC_STATES

    @property
    def path_explained(self) -> str:
        return Path(self.path).explained

    @property
    def sealed(self) -> bool:
        """Whether amounts are hidden from everybody until the closing moment."""
        return self.path == Path.AUCTION

    def closed(self, *, now: datetime) -> bool:
        """Whether the moment up to which offers are taken has come; that moment itself is too late."""
        return self.closes_at is not None and now >= self.closes_at

    @transition(field=state, source=State.DRAFT, target=State.CHECKING)
    def submit(self) -> None:
        self.return_note = ""

    @transition(field=state, source=State.CHECKING, target=State.DRAFT)
    def send_back(self, *, note: str) -> None:
        self.return_note = note

    @transition(field=state, source=State.CHECKING, target=State.LISTED)
    def publish(self, *, by: int, now: datetime) -> None:
        self.checked_by_id, self.published_at = by, now

    @transition(field=state, source=State.LISTED, target=State.AWARDED)
    def award(self, *, bid: "Bid", by: str, now: datetime) -> None:
        self.winner, self.buyer_id, self.price = bid, bid.organisation_id, bid.amount
        self.awarded_by, self.awarded_at = by, now

    @transition(field=state, source=[State.DRAFT, State.FAILED], target=State.AWARDED)
    def take_over(self, *, price: Decimal, by: str, now: datetime) -> None:
        """折价: the pledgee takes the patents at a valued price, by agreement after the default (民法典 436)."""
        self.buyer_id, self.price, self.taken_over = self.registration.pledgee_id, price, True
        self.awarded_by, self.awarded_at = by, now

    @transition(field=state, source=[State.LISTED, State.AWARDED], target=State.FAILED)
    def fail(self, *, note: str) -> None:
        """No valid offer, or the buyer has not paid."""
        self.failed_note, self.winner, self.buyer, self.price = note, None, None, None
        self.awarded_at, self.awarded_by, self.taken_over = None, "", False

    @transition(field=state, source=State.FAILED, target=State.DRAFT)
    def relist(self) -> None:
        self.round += 1
        self.closes_at, self.checked_by, self.return_note = None, None, ""

    @transition(field=state, source=State.AWARDED, target=State.SETTLED)
    def settle(self, *, now: datetime) -> None:
        self.closed_at = now

    @transition(field=state, source=[State.DRAFT, State.CHECKING, State.LISTED, State.FAILED], target=State.WITHDRAWN)
    def withdraw(self, *, note: str, now: datetime) -> None:
        self.close_note, self.closed_at = note, now


class BidQuerySet(models.QuerySet["Bid"]):
    def standing(self) -> "BidQuerySet":
        return self.filter(withdrawn_at=None)

    def valid(self, disposal: "Disposal") -> "BidQuerySet":
        """The standing offers of the present round that reach the reserve."""
        found = self.standing().filter(disposal=disposal, round=disposal.round)
        return found if disposal.reserve is None else found.filter(amount__gte=disposal.reserve)


class Bid(models.Model):
    """One organisation's offer in one round. A changed offer is a new row: its moment is the one that counts in a tie."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True)
    disposal = models.ForeignKey(Disposal, models.PROTECT, related_name="bids")
    round = models.PositiveSmallIntegerField("轮次")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="报价单位")
    amount = yuan("报价（元）")
    licence_fee = models.DecimalField("许可费（元/年）", max_digits=16, decimal_places=2, null=True, blank=True)
    licence_years = models.PositiveSmallIntegerField("许可年限", null=True, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    made_by = models.CharField("报价人", max_length=200)
    made_at = models.DateTimeField("报价时间")
    withdrawn_at = models.DateTimeField("撤回或替换时间", null=True)

    objects = BidQuerySet.as_manager()

    class Meta:
        verbose_name = "处置报价"
        verbose_name_plural = verbose_name
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=MAX_YUAN), name="bid_amount"),
            models.UniqueConstraint(
                fields=["disposal", "round", "organisation"], condition=Q(withdrawn_at=None), name="one_standing_bid"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-id"], name="bid_own")]  # read by: the bidder's own list
        triggers = [
            pgtrigger.Protect(name="bid_kept", operation=pgtrigger.Delete),
            # What was offered stays offered: only its withdrawal is written later.
            pgtrigger.Trigger(
                name="bid_unchanged",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.amount <> NEW.amount OR OLD.organisation_id <> NEW.organisation_id "
                    "OR OLD.made_at <> NEW.made_at OR OLD.round <> NEW.round OR OLD.disposal_id <> NEW.disposal_id"
                ),
                func="RAISE EXCEPTION 'an offer is not changed, only withdrawn'; RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.disposal_id} {self.organisation_id}"
