"""Somebody who has only the OpenAPI document calls the interface with whatever it allows, and with what it does not."""

from typing import Any

import pytest
import schemathesis
from django.conf import settings as conf
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from applications.models import Referral
from portal.foundation.core import rates
from products.models import Product
from tests import factories
from tests.factories import Person

pytestmark = pytest.mark.django_db
READING = {
    "GET /api/v1/products/",
    "GET /api/v1/products/{id}/",
    "GET /api/v1/referrals/",
    "GET /api/v1/referrals/{ref}/",
}
ANSWERING = {"POST /api/v1/referrals/{ref}/claim/", "POST /api/v1/referrals/{ref}/decline/"}
SCHEMA = "/api/v1/schema/?format=json"
TOKEN, CSRF_COOKIE = "a" * 32, conf.CSRF_COOKIE_NAME
EXAMPLES = 40  # of each operation and kind, the same in every run (derandomize)


class Server(WSGIHandler):
    """Answers on the connection of the test, as Django's own client does; a server would drop it between two requests."""

    def __call__(self, *args: Any) -> Any:
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            answer = super().__call__(*args)
            whole = [b"".join(answer)]
            answer.close()
            return whole
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)


def browser(person: Person) -> tuple[BaseSchema, dict[str, Any]]:
    """The document as this person reads it, and how the person's browser calls: with cookies and the token of its forms."""
    document = schemathesis.openapi.from_dict(person.client.get(SCHEMA).json())
    document.app = Server()
    jar = {name: morsel.value for name, morsel in person.client.cookies.items()} | {CSRF_COOKIE: TOKEN}
    return document, {"headers": {"X-CSRFToken": TOKEN}, "cookies": jar}


def test_the_document_names_every_operation_and_how_a_refusal_looks(bo: Person) -> None:
    found = bo.client.get(SCHEMA).json()
    named = {f"{method.upper()} {path}" for path, methods in found["paths"].items() for method in methods}
    assert named == READING | ANSWERING
    for methods in found["paths"].values():
        for operation in methods.values():
            assert {"200", "400", "401", "404", "409", "429"} <= set(operation["responses"])
    assert Client().get(SCHEMA).status_code == 404


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("named", sorted(READING | ANSWERING))
def test_whatever_is_sent_the_answer_is_one_the_document_names(
    ling: Person, bo: Person, product: Product, named: str, mode: GenerationMode
) -> None:
    """Half of the calls are about a referral of Bo's, the rest about none; none of them is a failure of ours."""
    there = factories.application(ling, product).referrals.get()
    document, how = browser(bo)
    method, path = named.split(" ")
    operation = document[path][method]
    said: set[int] = set()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def call(case: Case, real: bool) -> None:
        if real and "ref" in case.path_parameters:
            case.path_parameters["ref"] = str(there.ref)
        case.cookies, case.headers = {}, {}  # who calls is not what varies here
        rates.forget()
        mark = transaction.savepoint()
        answer = case.call(**how)
        transaction.savepoint_rollback(mark)
        said.add(answer.status_code)
        checks: list[Any] = [
            *(not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
        ]
        case.validate_response(answer, checks=[*checks, negative_data_rejection])

    call()
    print(f"\n{named} {mode.value}: {sorted(said)}")
    assert said - {401, 403}, "nobody ever got past the door"
    assert Referral.objects.get(pk=there.pk).state == Referral.State.WAITING


def test_a_call_that_the_document_allows_is_served(ling: Person, bo: Person, product: Product) -> None:
    """The control of the test above: the same way of calling, with a good answer."""
    there = factories.application(ling, product).referrals.get()
    document, how = browser(bo)
    case = document["/api/v1/referrals/{ref}/decline/"]["POST"].Case(
        path_parameters={"ref": str(there.ref)}, body={"code": "amount", "note": ""}, media_type="application/json"
    )
    assert case.call(**how).status_code == 200
    there.refresh_from_db()
    assert there.state == Referral.State.DECLINED
