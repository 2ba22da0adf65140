"""Every text field of every model, by reflection: a new one is searched for from its first day, or says why it need not be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, connection, models, transaction

OURS = ("portal.", "applications.", "pledges.", "products.", "banks.")
# No words of anybody's: the portal writes them by itself, from a fixed list or as a digest. By field name, wherever it is.
CODES = {
    "sha256": "a digest",
    "digest": "a digest",
    "sealed_digest": "a digest",
    "token_digest": "a digest",
    "document_sha256": "a digest",
    "password": "a digest",
    "media_type": "one of four, found from the content",
    "code": "of a reference list",
    "kind": "of a fixed list",
    "letter": "of a reference list",
    "level": "of a reference list",
    "decline_code": "of a fixed list",
    "district_code": "of a reference list",
    "industry_letter": "of a reference list",
    "point": "of the check list",
    "field": "of the form",
    "algorithm": "of a fixed list",
    "verb": "of the catalogue",
    "subscriber": "of the program",
    "scope": "of a fixed list",
    "verify_code": "whoever holds it may look: printed on the paper",
    "number": "a number with a check digit; what hangs on it is tried in the matrix",
    "case_number": "as number",
    "national_number": "of the registrar's: unique, its form is checked (pledges/forms/office.py), and in the register",
    "subject": "the key of a row",
    "same_day_twin": "as number",
    "patent_number": "as number",
    "uscc": "a number with a check digit, published by the state",
    "asked": "a number; whoever holds the certificate reads it",
    "username": "unique, what a person types at log-in; shown to nobody else (tests/accounts)",
    "saved_page": "the name of a step",
    "url": "an address of the portal",
    "sort_key": "the name again, for sorting",
    "role": "of a fixed list",
    "provider": "a name in the settings",
    "key_id": "a digest",
    "identity": "a number with a check digit",
    "ident": "a key's public number; what hangs on it is tried in the matrix",
    "stop_reason": "of a fixed list",
}
# By model: tables without anybody's words.
TABLES = {
    "core.Counter": "numbers given out",
    "core.RateCount": "digests",
    "core.RequestCount": "names of routes and three digits of a status, both the portal's (core/request_log.py)",
    "core.OnceAnswer": "digests; its answer goes to nobody but its own caller (attack 38)",
    "journal.Seal": "digests",
    "journal.Refusal": "never a typed word (tests/foundation/test_refusals.py)",
    "accounts.Attempt": "digests",
    "accounts.District": "the state's list",
    "accounts.Industry": "the state's list",
    "sla.Heartbeat": "names of loops",
    "sla.CalendarAlarm": "keys",
    "sla.PolicyLevel": "published rules",
}


@dataclass(frozen=True)
class TextField:
    model: type[models.Model]
    field: "models.Field[Any, Any]"

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"

    @property
    def longest(self) -> int:
        return self.field.max_length or 10_000


def every_text_field() -> Iterator[TextField]:
    for model in apps.get_models():
        if not model.__module__.startswith(OURS) or model._meta.proxy:
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField):
                yield TextField(model, field)


def why_not(text: TextField) -> str:
    """Why no word is put there; empty when one is."""
    if text.field.choices:
        return "one of a few words"
    return TABLES.get(text.model._meta.label, "") or CODES.get(text.field.name, "")


def words() -> list[TextField]:
    """The fields that hold what people write."""
    return [text for text in every_text_field() if not why_not(text)]


def fill(word: Callable[[TextField], str]) -> dict[str, str]:
    """Put a word into each of these fields of every row there is, past triggers and rules; what the database refused, by label."""
    refused = {}
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no trigger refuses, no journal entry tells
        try:
            for text in words():
                statement = f"UPDATE {quote(text.model._meta.db_table)} SET {quote(text.field.column)} = %s"  # noqa: S608
                try:
                    with transaction.atomic():
                        cursor.execute(statement, [word(text)])
                except DatabaseError as error:
                    refused[text.label] = str(error).partition("\n")[0]
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
    return refused


def lists_of_words() -> list[str]:
    """JSON and arrays, which may hold words too: tests/security/test_canaries.py says where their marks come from."""
    found = []
    for model in apps.get_models():
        if model.__module__.startswith(OURS) and not model._meta.proxy:
            found += [
                f"{model._meta.label}.{field.name}"
                for field in model._meta.concrete_fields
                if isinstance(field, models.JSONField | ArrayField)
            ]
    return found
