"""Pledgor and pledgee sign the form's data; a changed byte is found; without a service nothing pretends to be signed."""

import base64
from pathlib import Path
from typing import Any

import pytest

from applications.models import Application
from pledges.actions import filing, joining
from pledges.models import Registration, Signature
from pledges.signing import actions, statement
from pledges.signing.local import LocalSigner
from pledges.signing.provider import ByAccount, Signed, Signer, SigningUnavailable, provider
from portal.foundation.core import moments
from portal.foundation.journal.models import Entry
from tests.factories import Person

from .conftest import content, submitted
from .test_pages import url

pytestmark = pytest.mark.django_db
LING = Signer("重庆示例智造有限公司", "91500000202869177Y", "林示例")


@pytest.fixture(autouse=True)
def _own_key(settings: Any, tmp_path: Path) -> None:
    settings.SIGNING_PROVIDER = "local"
    settings.SIGNING_KEY_FILE = str(tmp_path / "keys" / "signing.pem")


def test_both_sides_sign_before_the_office_has_the_file(case: Application, bo: Person, ling: Person) -> None:
    file = submitted(case, bo, ling)
    rows = list(file.signatures.all())
    assert [r.organisation_id for r in rows] == [bo.organisation.pk, ling.organisation.pk]
    assert {r.provider for r in rows} == {"local"}
    assert [s.holds for s in actions.seen(file)] == [True, True]
    assert [s.changed for s in actions.seen(file)] == [[], []]
    assert Entry.objects.filter(verb="pledge.signed").count() == 2
    page = ling.client.get(url("detail", file)).content.decode()
    assert "双方签名" in page
    assert rows[0].digest in page


CHANGES = {"signed_by": "别人", "digest": "0" * 64, "value": base64.b64encode(b"x" * 64).decode(), "key_id": "f" * 64}


@pytest.mark.parametrize("field", [*CHANGES, "content", "signed_at"])
def test_whatever_is_changed_afterwards_no_longer_holds(
    case: Application, bo: Person, ling: Person, field: str
) -> None:
    file = submitted(case, bo, ling)
    row = file.signatures.earliest("pk")
    other = {"content": {**row.content, "debt_amount": "9000000.00"}, "signed_at": moments.now()}
    Signature.objects.filter(pk=row.pk).update(**{field: {**CHANGES, **other}[field]})
    row.refresh_from_db()
    assert actions.holds(row) is False
    assert "不符" in ling.client.get(url("detail", file)).content.decode()


def test_a_correction_after_signing_is_named_not_called_a_forgery(case: Application, bo: Person, ling: Person) -> None:
    file = submitted(case, bo, ling)
    Registration.objects.filter(pk=file.pk).update(contract_number="示例 2 号", debt_amount=7_000_000)
    seen = actions.seen(Registration.objects.get(pk=file.pk))
    assert [s.holds for s in seen] == [True, True]
    assert seen[0].changed == ["合同编号", "被担保债权数额"]
    assert "签名以后改动过：合同编号、被担保债权数额" in bo.client.get(url("detail", file)).content.decode()


def test_what_is_sent_back_is_signed_anew(draft: Registration, bo: Person, ling: Person) -> None:
    joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    first = draft.signatures.get(set_aside_at=None)
    joining.send_back(draft.pk, note="金额应为 780 万元", actor=ling.actor, now=moments.now())
    assert not draft.signatures.filter(set_aside_at=None).exists()
    file = Registration.objects.get(pk=draft.pk)
    filing.save(
        file.pk,
        typed={},
        content=content(file, debt_amount=7_800_000),
        version=file.version,
        actor=bo.actor,
        now=moments.now(),
    )
    joining.propose(file.pk, actor=bo.actor, now=moments.now())
    second = draft.signatures.get(set_aside_at=None)
    assert second.digest != first.digest
    assert second.content["debt_amount"] == "7800000.00"
    assert draft.signatures.count() == 2, "the first one is kept"


def test_a_service_that_fails_leaves_everything_as_it_was(
    draft: Registration, bo: Person, settings: Any, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no key")
    settings.SIGNING_KEY_FILE = str(broken)
    with pytest.raises(SigningUnavailable, match="签名密钥读不出来"):
        joining.propose(draft.pk, actor=bo.actor, now=moments.now())
    draft.refresh_from_db()
    assert draft.state == Registration.State.DRAFT
    assert not Signature.objects.exists()


def test_without_a_service_the_page_says_so(case: Application, bo: Person, ling: Person, settings: Any) -> None:
    settings.SIGNING_PROVIDER = "account"
    file = submitted(case, bo, ling)
    assert {(r.provider, r.value) for r in file.signatures.all()} == {("account", "")}
    assert "未使用电子签名" in ling.client.get(url("detail", file)).content.decode()


def test_the_key_is_made_once_and_only_its_owner_may_read_it(settings: Any) -> None:
    first, second = LocalSigner.of_installation(), LocalSigner.of_installation()
    assert first.key_id == second.key_id
    assert Path(settings.SIGNING_KEY_FILE).stat().st_mode & 0o777 == 0o600
    digest = statement.digest(b"words")
    signed = first.sign(digest, signer=LING)
    assert second.verify(digest, signed, signer=LING)
    assert not second.verify(statement.digest(b"worde"), signed, signer=LING)
    assert not second.verify(digest, Signed("local", "Ed25519", first.key_id, "%%%"), signer=LING)


def test_another_installations_key_does_not_verify_here(settings: Any, tmp_path: Path) -> None:
    signed = provider().sign(b"d" * 32, signer=LING)
    settings.SIGNING_KEY_FILE = str(tmp_path / "other.pem")
    assert not provider("local").verify(b"d" * 32, signed, signer=LING)
    assert isinstance(provider("account"), ByAccount)
    assert not provider("account").verify(b"d" * 32, signed, signer=LING)


def test_the_statement_is_the_same_bytes_for_the_same_facts() -> None:
    """Order of keys, blanks and the clock's zone make no difference: the digest is of what is said."""
    at = moments.datetime.fromisoformat("2026-11-23T10:00:00+08:00")
    utc = moments.datetime.fromisoformat("2026-11-23T02:00:00+00:00")
    one = statement.statement({"a": 1, "b": "元"}, organisation="甲", signed_by="乙", signed_at=at)
    two = statement.statement({"b": "元", "a": 1}, organisation="甲", signed_by="乙", signed_at=utc)
    assert one == two
    assert b" " not in one
