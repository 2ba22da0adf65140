"""What the pledge registration does to its request. Called inside the caller's transaction, with the application locked first.

Each moves the state, saves it and returns; the caller writes the journal, because the fact is the pledge's.
"""

from datetime import datetime

from django_fsm import can_proceed

from applications.models import Application
from portal.foundation.core.errors import WrongState


def _require(application: Application, transition: object) -> None:
    if not can_proceed(transition):
        label = Application.State(application.state).label
        raise WrongState("application", f"对应的融资需求现在是“{label}”，不能继续。请刷新后查看。")


def begin_registration(application: Application) -> None:
    """ACCEPTED → REGISTERING: both parties have handed in the pledge file. Raises WrongState (a withdrawn request)."""
    _require(application, application.begin_registration)
    application.begin_registration()
    application.save(update_fields=["state"])


def registration_failed(application: Application) -> None:
    """REGISTERING → ACCEPTED: the file was refused or withdrawn; another may be filed. A draft's request stays as it is."""
    if application.state == Application.State.REGISTERING:
        application.registration_failed()
        application.save(update_fields=["state"])


def registered(application: Application) -> None:
    """REGISTERING → REGISTERED: the pledge exists from here (民法典 444)."""
    _require(application, application.registered)
    application.registered()
    application.save(update_fields=["state"])


def registration_ended(application: Application) -> None:
    """REGISTERED → ACCEPTED: cancelled or revoked before the money; never disbursed under it. A paid loan stays as it is."""
    if application.state == Application.State.REGISTERED:
        application.registration_ended()
        application.save(update_fields=["state"])


def disburse(application: Application, *, working_days: int, now: datetime) -> None:
    """REGISTERED → DISBURSED with the working days from request to money."""
    _require(application, application.disburse)
    application.disburse(now=now, working_days=working_days)
    application.save(update_fields=["state", "closed_at", "working_days"])
