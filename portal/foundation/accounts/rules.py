"""Who may invite, end and edit: allowed or not, with a reason a person can read."""

from datetime import datetime

from portal.foundation.core.actor import Actor
from portal.foundation.core.verdict import YES, Verdict, no, not_you

from .models import KEEPERS, Invitation, Membership, Role

# Who may bring in and let go whom, each within the own organisation.
MANAGES: dict[Role, tuple[Role, ...]] = {
    Role.ENTERPRISE: (Role.ENTERPRISE,),
    Role.MANAGER: (Role.OFFICER,),
    Role.CHIEF: (Role.CLERK,),
    Role.SECURITY: (Role.ADMIN, Role.SECURITY, Role.AUDIT),
}


def manageable(actor: Actor) -> tuple[Role, ...]:
    """The roles this person may invite and end; empty for everyone else."""
    return MANAGES.get(Role(actor.role), ()) if actor.role in Role.values else ()


def can_manage(actor: Actor) -> Verdict:
    """Whether the members page offers this person anything to do."""
    if not manageable(actor):
        return not_you("role", "成员由企业经办人、机构负责人、登记处负责人或安全管理员管理，请联系本单位负责人。")
    return YES


def can_invite(actor: Actor, role: str) -> Verdict:
    if role not in manageable(actor):
        return can_manage(actor) and not_you("role", f"您不能邀请{Role(role).label}。")
    return YES


def can_end(actor: Actor, member: Membership, *, remaining: int) -> Verdict:
    """End a colleague's membership. `remaining` counts the active members of the organisation, this one included.

    A security administrator never ends the own chair, so one always remains to appoint the others.
    """
    if member.organisation_id != actor.organisation_id or member.role not in manageable(actor):
        return can_manage(actor) and not_you("role", "您不能移除这位成员。")
    if not member.active:
        return no("ended", "这位成员已经不在本单位，请刷新后查看。")
    if remaining <= 1:
        return no("last", "这是本单位最后一位成员，不能移除。请先邀请一位同事，等对方加入后再移除。")
    if member.role == Role.SECURITY and member.user_id == actor.user_id:
        return no("self", "安全管理员不能移除自己。请由另一位安全管理员办理。")
    return YES


def can_revoke(actor: Actor, invitation: Invitation) -> Verdict:
    if invitation.role not in manageable(actor):
        return can_manage(actor) and not_you("role", "您不能撤回这个邀请。")
    if invitation.accepted_at is not None and not waits(invitation):
        return no("accepted", "对方已经接受邀请。如不应加入，请在成员列表里移除。")
    if invitation.revoked_at is not None:
        return no("revoked", "这个邀请已经撤回。")
    return YES


def waits(invitation: Invitation) -> bool:
    """Accepted by a keeper-to-be whom no second keeper has confirmed."""
    return (
        invitation.role in KEEPERS
        and invitation.accepted_at is not None
        and invitation.confirmed_at is None
        and invitation.revoked_at is None
    )


def can_confirm(actor: Actor, invitation: Invitation) -> Verdict:
    """A second keeper of any of the three kinds: one alone makes no administrator, whatever phones and names they have."""
    if actor.role not in KEEPERS:
        return not_you("role", "管理员的任命由另一位管理员确认。")
    if not waits(invitation):
        return no("settled", "没有等待确认的任命，请刷新后查看。")
    if actor.user_id in (invitation.invited_by_id, invitation.accepted_by_id):
        return not_you("self", "邀请人和被邀请人自己不能确认，请由另一位管理员核实本人后确认。")
    return YES


def can_join(invitation: Invitation, *, now: datetime) -> Verdict:
    """Whether the link still works; the sentences say whom to ask."""
    if invitation.accepted_at is not None:
        return no("used", "这个邀请链接已经用过。如果是您本人加入的，请直接登录；否则请联系邀请人。")
    if invitation.revoked_at is not None:
        return no("revoked", "这个邀请已被撤回，请联系邀请人。")
    if now >= invitation.expires_at:
        return no("expired", "这个邀请链接已过期，请联系邀请人重新发送。")
    if not invitation.organisation.active:
        return no("closed", "邀请您的单位已停用，请联系平台运维人员。")
    return YES


def can_edit_organisation(actor: Actor) -> Verdict:
    if actor.role != Role.ENTERPRISE:
        return not_you("role", "本页只修改企业资料；机构资料由平台运维人员更新。")
    return YES
