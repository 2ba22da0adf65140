"""`python -m portal.run.migrations`: may the new migrations run while the old program is still serving? (docs/operations.md)

Own checks on Django's operations rather than a linter over their SQL: whether an index belongs to a table of the same migration,
and whether a constraint is validated later, cannot be seen in one statement. What stands in the baseline was released before
these rules. A migration that breaks one on purpose says why: `zero_downtime = "..."` in its class.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

BASELINE = Path(__file__).with_name("migrations_baseline.txt")
OURS = ("portal.", "applications.", "banks.", "pledges.", "products.")
_SQL = {
    r"\bcreate\s+(unique\s+)?index\s+(?!concurrently)": "建索引要用 CONCURRENTLY（并设 atomic = False）",
    r"\bdrop\s+(table|column|index\s+(?!concurrently))": "删除要等不再使用它的版本发布之后",
    r"\brename\b": "改名会让仍在运行的旧程序出错：加新的、两边都写、再删旧的",
    r"\bset\s+not\s+null\b": "先加 CHECK (… IS NOT NULL) NOT VALID，再 VALIDATE，之后才 SET NOT NULL",
    r"\badd\s+constraint\b(?!.*\bnot\s+valid\b)": "约束先 NOT VALID，下一个迁移再 VALIDATE",
    r"\balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b": "改类型会重写整张表：加新列、回填、再换",
    r"\block\s+table\b": "迁移不锁表",
}


def problems(migration: migrations.Migration, before: ProjectState) -> Iterator[str]:
    """What a person has to change in this migration, each a sentence; nothing when it may run under load.

    `before` is the state of all models before it; it is not changed.
    """
    if getattr(migration, "zero_downtime", ""):
        return
    state = before.clone()
    made: set[str] = set()  # models of this migration: nobody reads them yet
    schema = data = False
    for operation in migration.operations:
        if isinstance(operation, migrations.CreateModel):
            made.add(operation.name_lower)
        yield from _operation(operation, migration, state, made)
        if isinstance(operation, migrations.RunPython):
            data = True
        elif not isinstance(operation, migrations.RunSQL) and operation.reduces_to_sql:
            schema = True
        operation.state_forwards(migration.app_label, state)
    if schema and data:
        yield "回填数据和改表结构要分成两个迁移：否则表在回填期间一直被锁"


def _operation(
    operation: Operation, migration: migrations.Migration, state: ProjectState, made: set[str]
) -> Iterator[str]:
    model = str(getattr(operation, "model_name", "") or "").lower()
    match operation:
        case migrations.RemoveField() | migrations.DeleteModel():
            yield f"{operation.describe()}：删除要等不再使用它的版本发布之后，并写明 zero_downtime"
        case migrations.RenameField() | migrations.RenameModel() | migrations.AlterModelTable():
            yield f"{operation.describe()}：改名会让仍在运行的旧程序出错，请加新的、两边都写、再删旧的"
        case migrations.AddField() if model not in made:
            yield from _added(operation)
        case AddIndexConcurrently():
            if migration.atomic:
                yield f"{operation.describe()}：迁移要设 atomic = False"
        case migrations.AddIndex() if model not in made:
            yield f"{operation.describe()}：用 AddIndexConcurrently（并设 atomic = False）"
        case AddConstraintNotValid():
            return
        case migrations.AddConstraint() if model not in made:
            yield f"{operation.describe()}：CHECK 用 AddConstraintNotValid，下一个迁移 ValidateConstraint；唯一约束先 CONCURRENTLY 建唯一索引"
        case migrations.AlterField() if model not in made:
            yield from _altered(operation, migration, state)
        case migrations.RunPython() if operation.reverse_code is None:
            yield "RunPython 要写明怎样退回（无需退回时用 RunPython.noop）"
        case migrations.RunSQL():
            yield from _sql(str(operation.sql))


def _added(operation: migrations.AddField) -> Iterator[str]:
    field = operation.field
    if field.many_to_many or field.null or field.has_db_default():
        if getattr(field, "unique", False) or getattr(field, "db_index", False):
            yield f"{operation.describe()}：先加列，再用 AddIndexConcurrently 建索引"
        return
    yield f"{operation.describe()}：旧程序写不进没有默认值的列，请用 null=True 或 db_default"


def _altered(operation: migrations.AlterField, migration: migrations.Migration, state: ProjectState) -> Iterator[str]:
    old = state.models[migration.app_label, operation.model_name_lower].fields[operation.name]
    before, after = _stored(old), _stored(operation.field)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if "max_length" in changed and _longer(before.get("max_length"), after.get("max_length")):
        changed.discard("max_length")
    if before.get("null") in (None, False) and after.get("null"):
        changed.discard("null")
    if changed:
        yield f"{operation.describe()}：{'、'.join(sorted(changed))} 的改动会锁表、重写表或让旧程序出错，请加新列、回填、再换"


def _stored(field: "models.Field[object, object]") -> dict[str, object]:
    """What of a field reaches the database."""
    _, path, _, options = field.deconstruct()
    kept = {name: value for name, value in options.items() if name not in field.non_db_attrs and name != "default"}
    return {"type": path} | kept


def _longer(before: object, after: object) -> bool:
    return isinstance(before, int) and (after is None or (isinstance(after, int) and after > before))


def _sql(text: str) -> Iterator[str]:
    for pattern, advice in _SQL.items():
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            yield f"SQL“{' '.join(text.split())[:60]}…”：{advice}"


def ours(loader: MigrationLoader) -> list[tuple[str, str]]:
    """Every migration of our own apps (label, name), in order."""
    found = (key for key, one in loader.disk_migrations.items() if type(one).__module__.startswith(OURS))
    return sorted(found)


def baseline() -> set[tuple[str, str]]:
    """What was there before these rules."""
    lines = BASELINE.read_text("utf-8").splitlines()
    return {(label, name) for label, _, name in (line.partition(" ") for line in lines if line and line[0] != "#")}


def check(loader: MigrationLoader, released: set[tuple[str, str]]) -> list[str]:
    """Every objection to a migration that is not released yet, with its name."""
    found = []
    for label, name in ours(loader):
        if (label, name) not in released:
            migration = loader.disk_migrations[label, name]
            before = loader.project_state((label, name), at_end=False)
            found += [f"{label}.{name}：{said}" for said in problems(migration, before)]
    return found


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    loader = MigrationLoader(None, ignore_no_migrations=True)
    if arguments == ["--record"]:
        lines = [f"{label} {name}" for label, name in ours(loader)]
        BASELINE.write_text("\n".join([*_head(), *lines]) + "\n", "utf-8")
        return 0
    found = check(loader, baseline())
    print("\n".join(found) or f"{len(ours(loader))} 个迁移，没有会中断服务的。")
    return 1 if found else 0


def _head() -> list[str]:
    text = BASELINE.read_text("utf-8") if BASELINE.exists() else ""
    return [line for line in text.splitlines() if line.startswith("#")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
