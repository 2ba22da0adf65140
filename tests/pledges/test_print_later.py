"""The process died between the decision and its paper, and no broker is there: the clock loop prints it."""

import signal

import pytest
from django.core.management import call_command

from pledges.actions import examination
from pledges.models import Notice, Registration
from portal.foundation.core import moments
from tests.factories import Person


def test_the_clock_loop_prints_what_a_dying_process_left(
    ready: Registration, chen: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test run keeps its own handlers
    notice = examination.register(ready.pk, actor=chen.actor, now=moments.now())
    assert not notice.file  # printing comes after the commit, and this test's transaction never commits
    call_command("clock", rounds=1, duties="sweep")
    assert not Notice.objects.get().file
    call_command("clock", rounds=1)
    assert Notice.objects.get().sha256
