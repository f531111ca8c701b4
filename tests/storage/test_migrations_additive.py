"""Migrations only add, so that nodes of one version and of the next can work on one database side by side."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, Operations, ops
from alembic.script import ScriptDirectory

from storage.database import open_database, sqlite_url
from storage.migrating import is_current, migrate
from storage.store import Store
from storage.tables import RevisionRow
from storage.versions import FOLDER, TABLES, newest, revisions, works_with
from tests.storage.conftest import Place, contents, sqlite_only

TAKE_AWAY: dict[str, str] = {}
"""Migrations that may take something away, with the reason; each writes down since which revision code can do without
it (storage/versions.py)."""


def faults(operations: Sequence[MigrateOperation]) -> Iterator[str]:
    """What in a migration would be in the way of the code of the version before."""
    made: set[str] = set()
    added: set[tuple[str, str]] = set()
    for operation in operations:
        table = str(getattr(operation, "table_name", None) or getattr(operation, "source_table", None) or "")
        if isinstance(operation, ops.CreateTableOp):
            made.add(table)
        elif isinstance(operation, ops.AddColumnOp):
            column = operation.column
            added.add((table, column.name))
            if not column.nullable and column.server_default is None and table not in made:
                yield f"{table}.{column.name} must be filled in, and older code doesn't know it: give a server_default"
        elif isinstance(operation, ops.CreateIndexOp):
            if operation.unique and table not in made:
                yield f"{operation.index_name} forbids rows of {table} that older code may write"
        elif isinstance(operation, ops.CreateForeignKeyOp):
            if not all((table, column) in added for column in operation.local_cols):
                yield f"{operation.constraint_name} forbids rows of {table} that older code may write"
        elif table not in made:
            yield f"{type(operation).__name__} on {table or 'anything'} isn't an addition"


def recorded(monkeypatch: pytest.MonkeyPatch, upgrade: Callable[[], object]) -> list[MigrateOperation]:
    """Every operation that a migration asks for, in order, also those on a table as a batch."""
    found: list[MigrateOperation] = []
    real = Operations.invoke

    def invoke(self: Any, operation: MigrateOperation) -> Any:
        found.append(operation)
        return real(self, operation)

    for kind in Operations.__mro__:
        if "invoke" in vars(kind):
            monkeypatch.setattr(kind, "invoke", invoke)
    upgrade()
    monkeypatch.undo()
    return found


def test_no_migration_is_in_the_way_of_the_code_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, list[str]] = {}
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        for script in reversed(list(ScriptDirectory(str(FOLDER)).walk_revisions())):
            with Operations.context(MigrationContext.configure(connection, opts={"render_as_batch": True})):
                operations = recorded(monkeypatch, script.module.upgrade)
            assert operations, script.revision
            if script.revision not in TAKE_AWAY:
                found[script.revision] = list(faults(operations))
    engine.dispose()
    assert {revision: words for revision, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("operation", "word"),
    [
        (ops.DropTableOp("drafts"), "DropTableOp"),
        (ops.DropColumnOp("people", "team"), "DropColumnOp"),
        (ops.RenameTableOp("people", "staff"), "RenameTableOp"),
        (ops.AlterColumnOp("people", "team", modify_name="unit"), "AlterColumnOp"),
        (ops.AlterColumnOp("people", "team", modify_type=sa.Integer()), "AlterColumnOp"),
        (ops.AlterColumnOp("people", "cover_id", modify_nullable=False), "AlterColumnOp"),
        (ops.AddColumnOp("people", sa.Column("grade", sa.String(8), nullable=False)), "server_default"),
        (ops.CreateIndexOp("once", "people", ["name"], unique=True), "forbids"),
        (ops.CreateUniqueConstraintOp("once", "people", ["name"]), "CreateUniqueConstraintOp"),
        (ops.CreateForeignKeyOp("of", "cases", "people", ["team"], ["name"]), "forbids"),
        (ops.ExecuteSQLOp("DELETE FROM drafts"), "ExecuteSQLOp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_be_in_the_way_is_named(operation: MigrateOperation, word: str) -> None:
    (found,) = faults([operation])
    assert word in found


def test_what_only_adds_is_no_fault() -> None:
    new = [
        ops.CreateTableOp("visits", [sa.Column("id", sa.Integer(), nullable=False)]),
        ops.CreateIndexOp("ix_visits", "visits", ["id"], unique=True),
        ops.AddColumnOp("people", sa.Column("visit_id", sa.Integer(), nullable=True)),
        ops.AddColumnOp("people", sa.Column("desk", sa.String(8), nullable=False, server_default="")),
        ops.CreateForeignKeyOp("of_visit", "people", "visits", ["visit_id"], ["id"]),
        ops.CreateIndexOp("ix_people_desk", "people", ["desk"]),
    ]
    assert list(faults(new)) == []


# ---- the tables of a newer version


def newer(file: Path, oldest: int | None = None) -> None:
    """As if a newer version had brought the database forward, and taken away what code before `oldest` needs."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9000'")
        connection.execute("ALTER TABLE people ADD COLUMN desk VARCHAR(8) NOT NULL DEFAULT ''")
        if oldest is not None:
            connection.execute("INSERT INTO revisions (name, number) VALUES (?, ?)", (TABLES, oldest))
        connection.commit()


async def usable(file: Path) -> bool:
    database = open_database(sqlite_url(file))
    try:
        async with database.connect() as connection:
            return await connection.run_sync(works_with)
    finally:
        await database.dispose()


@sqlite_only
@pytest.mark.parametrize("oldest", [None, int(newest())])
async def test_this_version_works_on_the_tables_of_a_newer_one(store: Store, place: Place, oldest: int | None) -> None:
    file = place.file
    newer(file, oldest)
    assert await usable(file)
    before = contents(file)
    assert await migrate(store.database) == ("9000", "9000")
    assert await is_current(store.database)
    assert contents(file) == before
    async with store.begin() as tx:
        tx.session.add(RevisionRow(name="something", number=1))


@sqlite_only
async def test_but_not_where_something_was_taken_away_that_it_needs(place: Place) -> None:
    newer(place.file, int(newest()) + 1)
    assert not await usable(place.file)


async def test_tables_that_are_missing_or_known_can_be_worked_with(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite3"
    assert await usable(file)
    database = open_database(sqlite_url(file))
    await migrate(database)
    await database.dispose()
    assert await usable(file)
    assert revisions()[-1] == newest()
