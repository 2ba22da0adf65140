"""A deploy must not stop the portal: each kind of migration that would is refused, and its harmless twin is let through."""

from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from portal.run.migrations import baseline, check, ours, problems

POSITIVE = models.CheckConstraint(condition=models.Q(amount__gt=0), name="positive")
ON_STATE = models.Index(fields=["state"], name="on_state")


def before() -> ProjectState:
    """A table that the running program uses."""
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("state", models.CharField(max_length=10)),
        ("amount", models.IntegerField(null=True)),
    ]
    migrations.CreateModel("Loan", fields).state_forwards("shop", state)
    return state


def said(*operations: Operation, **attributes: Any) -> str:
    migration = type("Migration", (migrations.Migration,), {"operations": list(operations), **attributes})(
        "0002", "shop"
    )
    return "\n".join(problems(migration, before()))


def nothing(apps: Any, editor: Any) -> None:
    return


REFUSED: dict[str, tuple[Operation, str]] = {
    "a column the old program does not fill": (
        migrations.AddField("loan", "note", models.CharField(max_length=9, default="")),
        "db_default",
    ),
    "a dropped column": (migrations.RemoveField("loan", "state"), "删除要等"),
    "a dropped table": (migrations.DeleteModel("Loan"), "删除要等"),
    "a renamed column": (migrations.RenameField("loan", "state", "status"), "改名"),
    "a renamed table": (migrations.RenameModel("Loan", "Credit"), "改名"),
    "an index that blocks writers": (migrations.AddIndex("loan", ON_STATE), "AddIndexConcurrently"),
    "a constraint that reads the whole table": (migrations.AddConstraint("loan", POSITIVE), "AddConstraintNotValid"),
    "a column that may not be empty any more": (
        migrations.AlterField("loan", "amount", models.IntegerField()),
        "null 的改动",
    ),
    "a column of another type": (migrations.AlterField("loan", "state", models.IntegerField()), "type"),
    "a shorter column": (migrations.AlterField("loan", "state", models.CharField(max_length=5)), "max_length"),
    "a filling without a way back": (migrations.RunPython(nothing), "退回"),
    "an index by hand": (migrations.RunSQL("CREATE INDEX x ON shop_loan (state)", ""), "CONCURRENTLY"),
    "a constraint by hand": (
        migrations.RunSQL("ALTER TABLE shop_loan ADD CONSTRAINT p CHECK (amount > 0)", ""),
        "NOT VALID",
    ),
    "a drop by hand": (migrations.RunSQL("ALTER TABLE shop_loan DROP COLUMN state", ""), "删除要等"),
    "not null by hand": (migrations.RunSQL("ALTER TABLE shop_loan ALTER amount SET NOT NULL", ""), "VALIDATE"),
}
HARMLESS: dict[str, Operation] = {
    "a column that may be empty": migrations.AddField("loan", "note", models.CharField(max_length=9, null=True)),
    "a column the database fills": migrations.AddField("loan", "note", models.CharField(max_length=9, db_default="")),
    "a new table": migrations.CreateModel("Fee", [("id", models.BigAutoField(primary_key=True))]),
    "a longer column": migrations.AlterField("loan", "state", models.CharField(max_length=20)),
    "another word on the page": migrations.AlterField("loan", "state", models.CharField("状态", max_length=10)),
    "a column that may be empty from now on": migrations.AlterField(
        "loan", "state", models.CharField(max_length=10, null=True)
    ),
    "a constraint for new rows": AddConstraintNotValid("loan", POSITIVE),
    "its check afterwards": ValidateConstraint("loan", "positive"),
    "a filling with a way back": migrations.RunPython(nothing, migrations.RunPython.noop),
    "an index by hand": migrations.RunSQL("CREATE INDEX CONCURRENTLY x ON shop_loan (state)", ""),
    "a constraint by hand": migrations.RunSQL(
        "ALTER TABLE shop_loan ADD CONSTRAINT p CHECK (amount > 0) NOT VALID", ""
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_stop_the_portal_is_refused_with_what_to_do(what: str) -> None:
    operation, advice = REFUSED[what]
    assert advice in said(operation)


@pytest.mark.parametrize("what", HARMLESS)
def test_what_runs_beside_the_old_program_is_let_through(what: str) -> None:
    assert said(HARMLESS[what]) == ""


def test_an_index_built_beside_the_writers_wants_no_transaction() -> None:
    assert "atomic = False" in said(AddIndexConcurrently("loan", ON_STATE))
    assert said(AddIndexConcurrently("loan", ON_STATE), atomic=False) == ""


def test_an_index_or_constraint_of_a_table_nobody_uses_yet_is_harmless() -> None:
    fields = [("id", models.BigAutoField(primary_key=True)), ("state", models.CharField(max_length=9))]
    fee = migrations.CreateModel("Fee", fields)
    assert said(fee, migrations.AddIndex("fee", ON_STATE)) == ""
    unique = models.UniqueConstraint(fields=["state"], name="fee_once")
    assert said(fee, migrations.AddConstraint("fee", unique)) == ""


def test_filling_a_table_while_it_is_being_changed_is_refused() -> None:
    column = migrations.AddField("loan", "note", models.CharField(max_length=9, null=True))
    assert "两个迁移" in said(column, migrations.RunPython(nothing, migrations.RunPython.noop))


def test_a_migration_may_say_why_it_breaks_a_rule() -> None:
    drop = migrations.RemoveField("loan", "state")
    assert said(drop, zero_downtime="0.7 no longer reads it; 0.8 is the first without") == ""


def test_the_migrations_of_the_portal_pass_and_the_baseline_names_only_what_exists() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    assert check(loader, baseline()) == []
    assert baseline() <= set(ours(loader))
    # The rules bite: without the baseline, earlier migrations are objected to.
    assert any("pledges.0005" in objection for objection in check(loader, set()))
