"""Writes the particulars of a file inside the caller's transaction; what is no longer chosen goes."""

from datetime import date

from django.db import IntegrityError, transaction

from applications.actions.submit import add_months
from pledges.models import Agent, MaximumDebt, OutsideParty, Registration
from portal.foundation.accounts.models import Organisation, OrganisationKind
from portal.foundation.core.errors import Busy, Invalid

from .entries import AgentEntry, MaximumEntry, PledgorEntry
from .models import IdentityKind


def store(
    file: Registration, *, maximum: MaximumEntry | None, pledgor: PledgorEntry | None, agent: AgentEntry | None
) -> None:
    """Bring the rows in line with the form and set the file's fields that follow from them (the caller saves the file).

    Raises Invalid with the field when the named pledgor cannot be one.
    """
    file._state.fields_cache.pop("agent", None)  # read with the file, and about to be another
    store_maximum(file, maximum)
    _store_pledgor(file, pledgor)
    if agent is None:
        Agent.objects.filter(registration=file).delete()
    else:
        values = {name: getattr(agent, name) for name in AgentEntry.__dataclass_fields__}
        Agent.objects.update_or_create(registration=file, defaults=values | {"powers": list(agent.powers)})


def store_maximum(file: Registration, entry: MaximumEntry | None) -> None:
    """The row, and the file's period that follows from it (the caller saves `debt_from` and `debt_to`)."""
    file._state.fields_cache.pop("maximum", None)  # whoever reads it from here on reads the new one
    if entry is None:
        MaximumDebt.objects.filter(registration=file).delete()
        return
    values = {name: getattr(entry, name) for name in MaximumEntry.__dataclass_fields__}
    MaximumDebt.objects.update_or_create(registration=file, defaults=values)
    file.debt_from, file.debt_to = entry.determined_from, last_due(entry)


def last_due(entry: MaximumEntry) -> date:
    """The last day on which a debt of the period can fall due: one that arises on its last day, with the full term."""
    return add_months(entry.determined_to, entry.term_months)


def _store_pledgor(file: Registration, entry: PledgorEntry | None) -> None:
    own = file.application.organisation_id
    if entry is None:
        file.pledgor_id, file.debtor_org_id = own, None
        return
    found = _organisation(entry)
    if found.pk in (own, file.pledgee_id):
        who = "需求企业本身" if found.pk == own else "质权人"
        said = f"这是{who}，不是第三人。由需求企业自己出质的，请取消“第三人出质”。"
        raise Invalid("pledgor", said, fields={"pledgor_identity": said})
    if found.kind not in (OrganisationKind.ENTERPRISE, OrganisationKind.OUTSIDE):
        said = "这个代码属于平台上的机构或部门，不能作出质人，请核对。"
        raise Invalid("pledgor", said, fields={"pledgor_identity": said})
    file.pledgor, file.debtor_org_id = found, own


def _organisation(entry: PledgorEntry) -> Organisation:
    """The portal's own organisation with this code, or the outside party of this identity, made when it is new.

    A code in the portal must go with its name: whoever knows only the code learns nothing by typing it.
    """
    if entry.kind == IdentityKind.COMPANY:
        known = Organisation.objects.filter(uscc=entry.identity).first()
    else:
        known = Organisation.objects.filter(outside__kind=entry.kind, outside__identity=entry.identity).first()
    if known is None:
        return _entered(entry)
    changed = (known.name, known.address) != (entry.name, entry.address)
    if known.kind == OrganisationKind.OUTSIDE and changed and not _relied_on(known):
        known.name, known.address = entry.name, entry.address  # only drafts name it: a slip may be put right
        known.save()
        OutsideParty.objects.filter(organisation=known).update(address=entry.address)
    if _plain(known.name) != _plain(entry.name):
        said = "名称与这个证件号码登记的名称不一致，请对照证件核对名称和号码。"
        raise Invalid("pledgor", said, fields={"pledgor_name": said})
    return known


def _relied_on(party: Organisation) -> bool:
    return Registration.objects.filter(pledgor=party).exclude(submitted_at=None).exists()


def _entered(entry: PledgorEntry) -> Organisation:
    uscc = entry.identity if entry.kind == IdentityKind.COMPANY else None
    try:
        with transaction.atomic():
            made = Organisation.objects.create(
                kind=OrganisationKind.OUTSIDE, name=entry.name, uscc=uscc, address=entry.address
            )
            OutsideParty.objects.create(
                organisation=made, kind=entry.kind, identity=entry.identity, address=entry.address
            )
    except IntegrityError as error:  # two files name the same newcomer in the same moment
        raise Busy("busy", "同一出质人刚刚被另一份申请录入，请再保存一次。") from error
    return made


def _plain(name: str) -> str:
    return "".join(name.split()).replace("（", "(").replace("）", ")")
