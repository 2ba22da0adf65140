"""Which papers and statements the particulars of a file ask for, and who speaks for its parties."""

from pledges.models import Agent, Document, MaximumDebt, OutsideParty, Registration
from portal.foundation.accounts.models import OrganisationKind
from portal.foundation.core.verdict import YES, Verdict, no

from .models import IdentityKind, Power, Side


def maximum_of(file: Registration) -> MaximumDebt | None:
    return getattr(file, "maximum", None)  # read with the file (queries.WITH), else one query


def agent_of(file: Registration) -> Agent | None:
    return getattr(file, "agent", None)


def outside_of(file: Registration) -> OutsideParty | None:
    """The third-party pledgor's identity when it has no seat in the portal."""
    if file.debtor_org_id is None:
        return None
    return getattr(file.pledgor, "outside", None)


def signatories(file: Registration) -> tuple[int, int]:
    """The organisations that apply together: whoever speaks for the pledgor, and the pledgee.

    A pledgor without a seat here is represented by the enterprise of the request, with the pledgor's signed paper.
    """
    outside = file.pledgor.kind == OrganisationKind.OUTSIDE and file.debtor_org_id is not None
    return (file.debtor_org_id or 0) if outside else file.pledgor_id, file.pledgee_id


def covers(sides: str, side: str) -> bool:
    return sides in (side, Side.BOTH)


def missing(file: Registration) -> list[str]:
    """What the particulars still want, as sentences that say what to do; empty for an ordinary file."""
    said = []
    there = set(file.documents.filter(replaced_at=None).values_list("kind", flat=True))
    outside, agent = outside_of(file), agent_of(file)
    if outside is not None and Document.Kind.PLEDGOR not in there:
        said.append(f"出质人 {file.pledgor.name} 不在本平台，请上传其签章的同意出质并申请登记的文件。")
    if outside is not None and outside.kind == IdentityKind.FOREIGN and not _agent_covers(agent, Side.PLEDGOR):
        said.append("境外出质人在境内没有经常居所或者营业所的，须委托专利代理机构办理，请填写“委托代理”。")
    if agent is None:
        return said
    said += [
        f"{side.label}在境内没有经常居所或者营业所，须由专利代理机构代理，请把“代理哪一方”改为包含{side.label}。"
        for side in (Side.PLEDGOR, Side.PLEDGEE)
        if covers(agent.abroad, side) and not _agent_covers(agent, side)
    ]
    if Power.FILE not in agent.powers:
        said.append(f"代理权限没有“{Power.FILE.label}”，请在委托书中写明后勾选。")
    if Document.Kind.MANDATE not in there:
        said.append("请上传写明代理权限的专利代理委托书。")
    if Document.Kind.AGENT not in there:
        said.append("请上传代理人的身份证明。")
    return said


def _agent_covers(agent: Agent | None, side: str) -> bool:
    return agent is not None and covers(agent.acts_for, side)


def complete(file: Registration) -> Verdict:
    """Whether the file may be handed on as far as its particulars go."""
    said = missing(file)
    return no("particulars", said[0] + (f"（共 {len(said)} 项）" if len(said) > 1 else "")) if said else YES
