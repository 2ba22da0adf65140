"""States move only along their declared transitions, also past the code: PostgreSQL refuses everything else.

django-fsm protects an instance's attribute; `queryset.update(state=…)`, `bulk_update` and SQL walk past it. So every table
with a state machine gets two triggers, written from the declarations themselves:

- `state_guard` refuses, at once, a change that no transition declares;
- `state_journalled` refuses, at commit, a change in a transaction that wrote no journal entry (the journal's own trigger leaves
  the mark). A transition that is a worker's step and nobody's decision says `custom={"quiet": …}` and needs none.

They are installed after every `migrate` and whenever a trial starts; a test compares them with the declarations.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django_fsm import FSMField

MARK = "portal.journalled"  # set for the transaction by journal_entry's trigger
_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION portal_state_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no transition of % leads from % to %', TG_TABLE_NAME, OLD.state, NEW.state USING ERRCODE = '42501';
END $$;
CREATE OR REPLACE FUNCTION portal_state_journalled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('{MARK}', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'a state of % changed from % to % without a journal entry', TG_TABLE_NAME, OLD.state, NEW.state
              USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$
"""
_THERE = """
SELECT c.relname, t.tgname, obj_description(t.oid, 'pg_trigger') FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
 WHERE t.tgname IN ('state_guard', 'state_journalled') AND NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One table's states: the moves that are declared, and those of them that need no journal entry. `a>b` each."""

    table: str
    moves: tuple[str, ...]
    quiet: tuple[str, ...]

    def triggers(self) -> Iterator[tuple[str, str]]:
        """Name and statement of each trigger."""
        changed = "OLD.state IS DISTINCT FROM NEW.state"
        yield (
            "state_guard",
            f"CREATE TRIGGER state_guard BEFORE UPDATE OF state ON {self.table} FOR EACH ROW"
            f" WHEN ({changed} AND NOT ({_pair(self.moves)})) EXECUTE FUNCTION portal_state_refused()",
        )
        yield (
            "state_journalled",
            f"CREATE CONSTRAINT TRIGGER state_journalled AFTER UPDATE OF state ON {self.table}"
            f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({changed} AND NOT ({_pair(self.quiet)}))"
            " EXECUTE FUNCTION portal_state_journalled()",
        )


def _pair(moves: tuple[str, ...]) -> str:
    names = ", ".join(f"'{move}'" for move in moves)
    return f"(OLD.state || '>' || NEW.state) IN ({names})" if moves else "false"


def machines() -> list[Machine]:
    """Every table with a state machine, read from the transitions that the models declare."""
    found = []
    for model in apps.get_models():
        fields = [f for f in model._meta.local_concrete_fields if isinstance(f, FSMField)]
        if not fields or model._meta.proxy or not model._meta.managed:
            continue
        (field,) = fields
        if field.column != "state":
            raise TypeError(f"{model.__name__}: the guard expects the state in a column of that name")
        moves = {(source, target): quiet for source, target, quiet in _declared(model, field)}
        found.append(
            Machine(
                model._meta.db_table,
                tuple(sorted(f"{a}>{b}" for a, b in moves)),
                tuple(sorted(f"{a}>{b}" for (a, b), quiet in moves.items() if quiet)),
            )
        )
    return sorted(found, key=lambda machine: machine.table)


def _declared(model: type[models.Model], field: Any) -> Iterator[tuple[str, str, bool]]:
    everywhere = [str(value) for value, _ in field.flatchoices]
    for move in field.get_all_transitions(model):
        sources = everywhere if move.source in ("*", "+") else [str(move.source)]
        for source in sources:
            if move.target is not None and source != str(move.target):
                yield source, str(move.target), bool(move.custom.get("quiet"))


def told_elsewhere(using: str = "default") -> None:
    """This transaction needs no journal entry: what it does stands in another append-only record. Inside a transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [MARK])


def install(using: str = "default", **_: object) -> list[str]:
    """Bring the triggers in line with the declarations; names of what was written anew. Cheap when nothing differs.

    Also a receiver of `post_migrate`. Tables that are not migrated yet are passed over.
    """
    connection: BaseDatabaseWrapper = connections[using]
    written: list[str] = []
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        cursor.execute(_THERE)
        known = {(table, name): comment for table, name, comment in cursor.fetchall()}
        wanted = {
            (machine.table, name): statement
            for machine in machines()
            if machine.table in there
            for name, statement in machine.triggers()
        }
        for (table, name), statement in wanted.items():
            digest = hashlib.sha256((statement + _FUNCTIONS).encode()).hexdigest()
            if known.get((table, name)) == digest:
                continue
            if not written:
                cursor.execute(_FUNCTIONS)
            cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}; {statement}")
            cursor.execute(f"COMMENT ON TRIGGER {name} ON {table} IS '{digest}'")
            written.append(f"{table}.{name}")
        for table, name in known.keys() - wanted.keys():
            cursor.execute(f"DROP TRIGGER {name} ON {table}")
    return written
