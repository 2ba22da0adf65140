"""Who may do what to a product and its versions: allowed or not, with a reason a person can read."""

from portal.foundation.accounts.models import INSTITUTION_KINDS, OrganisationKind, Role
from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from . import conditions
from .models import Mode, Product, ProductVersion

ANSWERING = (Role.OFFICER, Role.MANAGER)
S, V = Product.State, ProductVersion.State


def can_draft(actor: Actor) -> Verdict:
    """Write products at all."""
    if actor.role not in ANSWERING:
        return not_you("role", "产品由机构经办人或机构负责人起草。")
    if actor.organisation_kind not in INSTITUTION_KINDS:
        return not_you("kind", "只有银行、担保机构和保险机构可以申报产品。")
    return YES


def can_edit(actor: Actor, product: Product, version: ProductVersion | None) -> Verdict:
    """`version` is the open one, if there is one."""
    verdict = _own(actor, product)
    if verdict and product.state == S.WITHDRAWN:
        return no("withdrawn", "产品已下架，不能再修改。要重新提供，请新建产品。")
    if verdict and version is not None and version.state not in ProductVersion.EDITABLE:
        return no("in_review", "这一版正在审核。要修改，请先撤回提交。")
    return verdict


def can_submit(actor: Actor, product: Product, version: ProductVersion) -> Verdict:
    return can_edit(actor, product, version)


def can_take_back(actor: Actor, product: Product, version: ProductVersion | None) -> Verdict:
    verdict = _own(actor, product)
    if verdict and (version is None or version.state != V.SUBMITTED):
        return no("not_submitted", "没有待审核的版本，可能已经审核完毕，请刷新查看。")
    return verdict


def can_discard(actor: Actor, product: Product, version: ProductVersion | None) -> Verdict:
    verdict = _own(actor, product)
    if verdict and version is None:
        return no("no_draft", "没有可以作废的草稿。")
    return verdict if not verdict or version is None else can_edit(actor, product, version)


def can_review(actor: Actor, version: ProductVersion) -> Verdict:
    """Publish, or return with a reason."""
    if actor.role != Role.REGULATOR:
        return not_you("role", "产品由监管部门审核发布。")
    if version.state != V.SUBMITTED:
        return no("not_submitted", f"这一版{version.get_state_display()}，不在待审核状态，请回到审核清单。")
    return YES


def can_suspend(actor: Actor, product: Product) -> Verdict:
    verdict = _own_or_regulator(actor, product)
    return verdict if not verdict or product.state == S.PUBLISHED else no("state", "只有已发布的产品可以暂停。")


def can_resume(actor: Actor, product: Product) -> Verdict:
    """Who suspended it resumes it: what the regulator stopped, its institution cannot start again."""
    verdict = _own_or_regulator(actor, product)
    if verdict and product.state != S.SUSPENDED:
        return no("state", "产品没有暂停，不必恢复。")
    if verdict and actor.role != Role.REGULATOR and product.suspended_by_id != actor.organisation_id:
        return not_you("by_regulator", "这款产品由监管部门暂停，请联系监管部门恢复。")
    return verdict


def can_withdraw(actor: Actor, product: Product) -> Verdict:
    verdict = _own_or_regulator(actor, product)
    if verdict and actor.role == Role.OFFICER:
        return not_you("manager", "产品下架由机构负责人或监管部门办理。")
    if verdict and product.state not in (S.PUBLISHED, S.SUSPENDED):
        return no("state", "只有发布过的产品可以下架。")
    return verdict


def can_confirm(actor: Actor, product: Product) -> Verdict:
    """Say that the public terms still hold: its institution, or the regulator where nobody of the institution is here."""
    if actor.role == Role.REGULATOR and product.institution.connected:
        return not_you("institution", "由产品所属机构确认。")
    verdict = _own_or_regulator(actor, product)
    return verdict if not verdict or product.state == S.PUBLISHED else no("state", "只有已发布的产品需要确认。")


def can_set_policy(actor: Actor) -> Verdict:
    return YES if actor.role == Role.REGULATOR else not_you("role", "确认期限由监管部门设定。")


def can_import(actor: Actor) -> Verdict:
    """An institution brings drafts of its own; the regulator brings published products of any institution."""
    return YES if actor.role == Role.REGULATOR else can_draft(actor)


def missing(product: Product, *, kind: str) -> dict[str, str]:
    """What a version must say before it can be reviewed: field → sentence. `kind` is the institution's."""
    said: dict[str, str] = {}
    if product.amount_max is None:
        said["amount_max"] = "填写最高金额。"
    if product.term_max is None:
        said["term_max"] = "填写最长期限。"
    if product.rate_from is None and product.lpr_spread is None:
        bank = kind == OrganisationKind.BANK
        said["rate_from"] = "填写最低年利率，或填写 LPR 加点。" if bank else "填写最低年费率。"
    if not product.ip_kinds and product.mode != Mode.CREDIT:
        said["ip_kinds"] = "选择可质押的知识产权。"
    families = {conditions.family(k) for k in product.ip_kinds}
    if product.mode == Mode.COMBINED and len(families) < 2:
        said["ip_kinds"] = "组合质押要选择专利、商标、著作权中的至少两类。"
    if not product.repayment and kind == OrganisationKind.BANK:
        said["repayment"] = "选择还款方式。"
    return said


def _own(actor: Actor, product: Product) -> Verdict:
    verdict = can_draft(actor)
    if verdict and product.institution_id != actor.organisation_id:
        return not_you("own", "只能办理本机构的产品。")
    return verdict


def _own_or_regulator(actor: Actor, product: Product) -> Verdict:
    return YES if actor.role == Role.REGULATOR else _own(actor, product)
