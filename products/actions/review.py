"""From the institution to the regulator and into public: submit, take back, publish, return with a reason."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from portal.foundation.core.actor import Actor
from portal.foundation.core.errors import Invalid, WrongState
from portal.foundation.core.moments import local_date
from products import changes, rules, terms
from products.models import Product, ProductVersion, PublicChange
from products.queries import district_names

from .drafting import seen_of
from .locking import locked, locked_version
from .telling import tell

STALE = "机构撤回后又改过，请重新核对。"
UNCHANGED = "这一版与现行版本没有不同，不必提交。要说明产品仍然有效，请点“仍然有效”。"


@transaction.atomic(durable=True)
def submit(product_id: int, *, actor: Actor, now: datetime) -> ProductVersion:
    """Put the draft forward. Raises Invalid with the fields that still miss, or when it says nothing new."""
    product, version = locked(product_id)
    if version is None:
        raise WrongState("no_draft", "没有草稿可以提交，请先修改产品。")
    rules.can_submit(actor, product, version).require()
    if absent := rules.missing(terms.as_product(product, version.terms), kind=product.institution.organisation.kind):
        raise Invalid("incomplete", "还有内容没有填写：" + "".join(absent.values()), fields=absent)
    if product.current is not None and terms.same(product.current.terms, version.terms):
        raise Invalid("unchanged", UNCHANGED)
    version.submit(by=actor.label, now=now)
    version.save(update_fields=["state", "submitted_by", "submitted_at", "reason"])
    tell(
        "product.submitted",
        product,
        actor=actor,
        now=now,
        text=f"提交产品“{version.terms['name']}”审核",
        data={"version": version.pk},
    )
    return version


@transaction.atomic(durable=True)
def take_back(product_id: int, *, actor: Actor, now: datetime) -> ProductVersion:
    """The institution wants to change what it put forward, before anybody has reviewed it."""
    product, version = locked(product_id)
    rules.can_take_back(actor, product, version).require()
    assert version is not None
    version.take_back()
    version.save(update_fields=["state"])
    tell(
        "product.taken_back",
        product,
        actor=actor,
        now=now,
        text=f"撤回产品“{product.name}”的提交",
        data={"version": version.pk},
    )
    return version


@transaction.atomic(durable=True)
def publish(version_id: int, *, seen: str, actor: Actor, now: datetime) -> ProductVersion:
    """The version's terms are the public ones from now on; the version before is kept, replaced. A suspended product
    stays suspended. `seen` is `seen_of` the version as the reviewer read it. Raises WrongState when it was changed since,
    Invalid when another product of the institution has taken the name meanwhile."""
    product, version = _reviewable(version_id, seen=seen, actor=actor)
    put_in_force(product, version, by=actor.label, now=now)
    tell(
        "product.published",
        product,
        actor=actor,
        now=now,
        text=f"产品“{product.name}”第 {version.number} 版已发布",
        data={"version": version.pk, "number": version.number},
    )
    return version


def put_in_force(product: Product, version: ProductVersion, *, by: str, now: datetime) -> None:
    """Number the locked version and let it take the place of the one before, inside the verb's transaction."""
    before = product.current
    after = terms.as_product(product, version.terms)
    names = district_names([*after.districts, *(before.terms.get("districts") or [] if before else [])])
    told = changes.between(terms.as_product(product, before.terms), after, names=names) if before else []
    if before is not None:
        before.replace(now=now)
        before.save(update_fields=["state", "replaced_at"])
    number = (product.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version.publish(number=number, changes=told, by=by, now=now)
    version.save(update_fields=["state", "number", "changes", "published_at", "reviewed_by", "reviewed_at"])
    columns = terms.apply(product, version.terms)
    product.current, product.updated_on, product.confirmed_at, product.alarmed_at = version, local_date(now), now, None
    if product.state == Product.State.DRAFT:
        product.publish()
    kind = PublicChange.Kind.UPDATED if before is not None else PublicChange.Kind.PUBLISHED
    PublicChange.objects.create(product=product, version=version, kind=kind, at=now)
    try:
        with transaction.atomic():
            product.save(update_fields=[*columns, "current", "updated_on", "confirmed_at", "alarmed_at", "state"])
    except IntegrityError as error:
        if "product_once" in str(error):
            raise Invalid("name", "该机构已有同名产品，请退回修改名称。") from error
        raise


@transaction.atomic(durable=True)
def send_back(version_id: int, *, reason: str, seen: str, actor: Actor, now: datetime) -> ProductVersion:
    """Return it to its institution, saying why; `seen` as of `publish`."""
    product, version = _reviewable(version_id, seen=seen, actor=actor)
    if not reason.strip():
        said = "写明退回的理由，机构据此修改。"
        raise Invalid("reason", said, fields={"reason": said})
    version.send_back(reason=reason.strip(), by=actor.label, now=now)
    version.save(update_fields=["state", "reason", "reviewed_by", "reviewed_at"])
    tell(
        "product.returned",
        product,
        actor=actor,
        now=now,
        text=f"产品“{version.terms['name']}”被退回：{version.reason}",
        data={"version": version.pk},
    )
    return version


def _reviewable(version_id: int, *, seen: str, actor: Actor) -> tuple[Product, ProductVersion]:
    """Locked, and what the reviewer has read: the institution may have taken it back and put other terms forward."""
    product, version = locked_version(version_id)
    rules.can_review(actor, version).require()
    if seen_of(version) != seen:
        raise WrongState("stale", STALE)
    return product, version
