"""Who may do what in PostgreSQL: the owner migrates, the portal works, the clock sweeps, the auditor reads the journal.

Each role's rights are written anew from what stands in the models: a table that a trigger keeps from UPDATE or DELETE is not
even granted these, nobody but the owner may TRUNCATE or alter anything, the web may not write seals, and nobody chooses the
number of a journal entry. A table made later is granted to nobody until this has run again, so a forgotten run fails closed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pgtrigger
from django.apps import apps
from django.db import connection, transaction
from psycopg2.extensions import encrypt_password

from .record import COLUMNS

Rights = Mapping[str, frozenset[str]]  # table → what is granted on it; "INSERT (a, b)" grants columns
_ALL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_ENTRY, _SEAL, _UNSEALED, _REFUSAL = "journal_entry", "journal_seal", "journal_unsealed", "journal_refusal"
_LOOK = "journal_look"
_WRITE_ENTRY = f"INSERT ({', '.join(COLUMNS)})"


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """A log-in of PostgreSQL: its name follows the database's, so that several portals share a server."""

    code: str
    about: str
    connections: int  # of max_connections 100; the rest is for the owner and whoever repairs

    @property
    def name(self) -> str:
        return f"{connection.settings_dict['NAME']}_{self.code}"[:63]


APP = DatabaseRole("app", "网站：读写业务表，只能追加日志，不能写封存", 40)
WORKER = DatabaseRole("worker", "后台任务：同网站，并可封存日志", 24)
CLOCK = DatabaseRole("clock", "时钟：只有到期提醒和封存日志所需的权限", 8)
AUDITOR = DatabaseRole("auditor", "审计：只读日志、封存和拒绝记录", 4)
ROLES = (APP, WORKER, CLOCK, AUDITOR)


def rights() -> dict[DatabaseRole, Rights]:
    """What each role is granted, from the tables there are."""
    business = {table: _ALL - _kept().get(table, frozenset()) for table in _tables()}
    app = {
        **business,
        "django_migrations": frozenset({"SELECT"}),
        _ENTRY: frozenset({"SELECT", _WRITE_ENTRY}),
        _SEAL: frozenset({"SELECT"}),
        _UNSEALED: frozenset({"SELECT", "INSERT"}),
        _REFUSAL: frozenset({"SELECT", "INSERT"}),
        _LOOK: frozenset({"SELECT", "INSERT"}),
    }
    sealing = {_SEAL: frozenset({"SELECT", "INSERT"}), _UNSEALED: frozenset({"SELECT", "INSERT", "DELETE"})}
    # Refusals and looks go after their time (a trigger looks at the date); the worker's timer does it.
    going = frozenset({"SELECT", "INSERT", "DELETE"})
    worker = {**app, **sealing, _REFUSAL: going, _LOOK: going}
    clock = {
        **{table: business[table] for table in business if table.startswith("sla_")},
        **sealing,
        _ENTRY: app[_ENTRY],
        "journal_outbox": frozenset({"SELECT", "INSERT"}),
        # A moved deadline moves its referral's copy; a late answer to an order is said once.
        "applications_referral": frozenset({"SELECT", "UPDATE (due_at)"}),
        "reports_supervisionorder": frozenset({"SELECT", "UPDATE"}),
        "accounts_organisation": frozenset({"SELECT"}),
    }
    auditor = {table: frozenset({"SELECT"}) for table in (_ENTRY, _SEAL, _UNSEALED, _REFUSAL, _LOOK)}
    return {APP: app, WORKER: worker, CLOCK: clock, AUDITOR: auditor}


def _tables() -> list[str]:
    """Every table of the database's own schema, Django's included."""
    with connection.cursor() as cursor:
        return sorted(t.name for t in connection.introspection.get_table_list(cursor) if t.type in "tp")


def _kept() -> dict[str, frozenset[str]]:
    """Table → what a trigger always refuses there, read from the models."""
    found: dict[str, set[str]] = {}
    for model in apps.get_models():
        for trigger in getattr(model._meta, "triggers", ()):
            if isinstance(trigger, pgtrigger.Protect) and trigger.condition is None:
                names = {name.strip() for name in str(trigger.operation).split("OR")}
                found.setdefault(model._meta.db_table, set()).update(names & _ALL)
    return {table: frozenset(names) for table, names in found.items()}


def passwords_from(environment: Mapping[str, str]) -> dict[DatabaseRole, str]:
    """Each role's own password, from APP_DB_PASSWORD and so on; a role without one keeps what it has.

    Raises ValueError when two roles would share one: whoever reads the environment of one process must not be another.
    """
    found = {role: environment.get(f"{role.code.upper()}_DB_PASSWORD", "") for role in ROLES}
    given = {role: password for role, password in found.items() if password}
    if len(set(given.values())) < len(given):
        raise ValueError("two of the database's roles have the same password")
    return given


def statements(passwords: Mapping[DatabaseRole, str] | None = None) -> Iterator[str]:
    """The SQL, in order; safe to repeat. A password goes over the line as its SCRAM verifier, so no log of the server has it."""
    database, quote = connection.settings_dict["NAME"], connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        there = {name for (name,) in cursor.fetchall()}
    for role, granted in rights().items():
        name = quote(role.name)
        verb = "ALTER" if role.name in there else "CREATE"
        yield f"{verb} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS CONNECTION LIMIT {role.connections}"
        if password := (passwords or {}).get(role):
            connection.ensure_connection()
            verifier = encrypt_password(password, role.name, connection.connection, "scram-sha-256")
            yield f"ALTER ROLE {name} PASSWORD '{verifier}'"
        yield f"GRANT CONNECT ON DATABASE {quote(database)} TO {name}"
        yield f"GRANT USAGE ON SCHEMA public TO {name}"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {name}"
        yield from _grants(granted, name)
        if role is not AUDITOR:
            yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}"


def _grants(granted: Rights, name: str) -> Iterable[str]:
    for table, what in sorted(granted.items()):
        yield f"GRANT {', '.join(sorted(what))} ON {connection.ops.quote_name(table)} TO {name}"


def apply(passwords: Mapping[DatabaseRole, str] | None = None) -> list[DatabaseRole]:
    """Make the roles and write their rights, in one transaction: whoever works meanwhile never stands without.

    Raises the database's ProgrammingError when the one who connects may not make roles.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in list(statements(passwords)):
            cursor.execute(statement)
    return list(ROLES)
