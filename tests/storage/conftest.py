"""A fictional service in a real database, for the tests of what is stored and of what the clock does to it.

Whatever takes `store`, `service` or `place` runs twice: in a SQLite file and in PostgreSQL (tests/postgresql.py).
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import ColumnElement, event, select

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.frameworks import framework_named
from audits.state import CORE, Audit, Event
from storage.allocations import ensure_cycle, issue, plan_allocation
from storage.database import sqlite_url
from storage.ledger import Recorded, record
from storage.migrating import migrate
from storage.records import case_of
from storage.store import Store, Transaction
from storage.tables import CaseRow, OutboxRow, PersonRow, Table
from tests.compiled import open_again
from tests.postgresql import Database, database_of_tests, shared_folder

Row = TypeVar("Row", bound=Table)

STAFF = (
    # name, role, manager, service area
    ("Edith", "edcs", None, ""),
    ("Dev", "deputy_director", "Edith", ""),
    ("Olu", "hos_qa", "Dev", ""),
    ("Umar", "qau_manager", "Olu", ""),
    ("Quinn", "qa_unit", "Umar", ""),
    ("Hana", "hos", "Dev", "North"),
    ("Lena", "service_lead", "Hana", "North"),
    ("Pat", "practice_manager", "Lena", "North"),
    ("Rae", "practice_manager", "Lena", "North"),
    ("Marek", "manager", "Lena", "North"),
    ("Priya", "manager", "Lena", "North"),
    ("Cas", "case_holder", "Pat", "North"),
    ("Cleo", "case_holder", "Pat", "North"),
    ("Cora", "case_holder", "Rae", "North"),
    ("Sol", "service_lead", "Dev", "South"),
    ("Mo", "manager", "Sol", "South"),
    ("Cyn", "case_holder", "Sol", "South"),
)
CASES = (
    ("N-1", "Cas", "North"),
    ("N-2", "Cleo", "North"),
    ("N-3", "Cora", "North"),
    ("N-4", "Cas", "North"),
    ("S-1", "Cyn", "South"),
)


sqlite_only = pytest.mark.parametrize("kind", ["sqlite"])
"""For a test that is about SQLite itself."""
postgresql_only = pytest.mark.parametrize("kind", ["postgresql"])
"""For a test that is about PostgreSQL itself, or about several nodes that do things side by side."""


class PowerCut(Exception):
    """What stops the program in the middle of its work in these tests."""


def moment(text: str) -> datetime:
    """A moment from London's clocks: `2026-03-03 09:00`."""
    local = datetime.fromisoformat(text)
    return WorkCalendar().moment(local.date(), local.time())


@dataclass(frozen=True)
class Place:
    """Where a test keeps its data: a SQLite file of its own, or the database of this process in PostgreSQL."""

    url: str
    database: Path | Database

    @property
    def on_sqlite(self) -> bool:
        return isinstance(self.database, Path)

    @property
    def file(self) -> Path:
        """The file, on SQLite."""
        assert isinstance(self.database, Path), "mark this test with sqlite_only"
        return self.database

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, as another program would read them."""
        return contents(self.database) if isinstance(self.database, Path) else self.database.contents()

    def run(self, *statements: str) -> None:
        """Run statements, as another program would."""
        if not isinstance(self.database, Path):
            self.database.run(*statements)
            return
        with closing(sqlite3.connect(self.database)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()


@dataclass
class Service:
    """The people and cases above, in a database."""

    store: Store = field(repr=False)
    place: Place = field(repr=False)
    ids: dict[str, int] = field(repr=False)

    @property
    def file(self) -> Path:
        return self.place.file

    def name(self, person_id: int | None) -> str:
        return next((name for name, one in self.ids.items() if one == person_id), "nobody")

    async def plan(self, ref: str, auditor: str, at: str, month: str = "2026-03", kind: str = CORE) -> int:
        """An allocation that is to go out at this moment; the id of its audit."""
        async with self.store.begin() as tx:
            cycle = await ensure_cycle(tx, Cycle.parse(month))
            case = case_of((await tx.session.scalars(select(CaseRow).where(CaseRow.ref == ref))).one())
            return (await plan_allocation(tx, cycle, case, self.ids[auditor], moment(at), kind=kind)).id

    async def allocate(self, ref: str, auditor: str, at: str, month: str = "2026-03", kind: str = CORE) -> int:
        """An allocation that goes out at this moment; the id of its audit."""
        audit_id = await self.plan(ref, auditor, at, month, kind)
        async with self.store.begin() as tx:
            audit = await tx.audit(audit_id)
            assert audit is not None
            await issue(tx, audit, moment(at))
        return audit_id

    async def happens(self, audit_id: int, kind: str, at: str, by: str | None = None, /, **values: Any) -> Recorded:
        """An event on an audit, recorded in a transaction of its own."""

        async def work(tx: Transaction) -> Recorded:
            audit = await tx.audit(audit_id, alone=True)
            assert audit is not None
            return await record(tx, audit, Event(kind, moment(at), self.ids[by] if by else None, values))

        return await self.store.attempt(work)

    async def audit(self, audit_id: int) -> Audit:
        async with self.store.begin() as tx:
            found = await tx.audit(audit_id)
        assert found is not None
        return found

    async def rows(self, table: type[Row], *wheres: ColumnElement[bool]) -> list[Row]:
        async with self.store.begin() as tx:
            return list(await tx.session.scalars(select(table).where(*wheres)))

    async def waiting(self) -> set[tuple[str, str, str]]:
        """Who is to be told what about which duty: every message that is still queued."""
        queued = await self.rows(OutboxRow, OutboxRow.state == "queued")
        return {(self.name(row.to_id), row.what, row.duty) for row in queued}

    async def change(self, name: str, **values: Any) -> None:
        """Something about a person is different from now on, such as leave."""
        async with self.store.begin() as tx:
            row = await tx.session.get_one(PersonRow, self.ids[name])
            for field, value in values.items():
                setattr(row, field, value)
            await tx.people_changed()

    @asynccontextmanager
    async def another_node(self) -> AsyncIterator[Store]:
        """A second program on the same database."""
        async with opened(self.place.url) as store:
            yield store

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        return self.place.contents()


def contents(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as another program would read the file."""
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for (name,) in names}


def differing(before: dict[str, list[tuple[Any, ...]]], after: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    """The tables that are not the same in both."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@contextmanager
def power_cut_at(store: Store, words: str, *, times_before: int = 0) -> Iterator[None]:
    """The program stops as it is about to run a statement that begins with these words, or to `COMMIT`."""
    left = times_before
    engine = store.database.sync_engine

    def stop(statement: str) -> None:
        nonlocal left
        if statement.startswith(words):
            left -= 1
            if left < 0:
                raise PowerCut(statement)

    def before_statement(*arguments: Any) -> None:
        stop(arguments[2])

    def before_commit(_connection: Any) -> None:
        stop("COMMIT")

    event.listen(engine, "before_cursor_execute", before_statement)
    event.listen(engine, "commit", before_commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before_statement)
        event.remove(engine, "commit", before_commit)


@asynccontextmanager
async def opened(where: Path | str) -> AsyncIterator[Store]:
    """A store on a SQLite file, or on a database by its URL."""
    url = where if isinstance(where, str) else sqlite_url(where)
    store = Store(open_again(url), framework_named("southampton"), WorkCalendar())
    try:
        yield store
    finally:
        await store.close()


async def _fill(url: Path | str) -> dict[str, int]:
    """Put the people and cases of the fictional service into a database; everyone's id by name."""
    ids: dict[str, int] = {}
    async with opened(url) as store, store.begin() as tx:
        for name, role, manager, area in STAFF:
            row = PersonRow(
                name=name,
                email=f"{name.lower()}@example.gov.uk",
                role=role,
                service_area=area,
                manager_id=ids[manager] if manager else None,
            )
            tx.session.add(row)
            await tx.session.flush()
            ids[name] = row.id
        for ref, holder, area in CASES:
            tx.session.add(CaseRow(ref=ref, plan="CIN", service_area=area, holder_id=ids[holder]))
        await tx.people_changed()
    return ids


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with nobody in it, to be copied."""
    file = tmp_path_factory.mktemp("template") / "empty.sqlite3"

    async def make() -> None:
        async with opened(file) as store:
            await migrate(store.database)

    asyncio.run(make())
    return file


@pytest.fixture(scope="session")
def staffed(template: Path) -> tuple[Path, dict[str, int]]:
    """The template with the people and cases of the fictional service in it, and everyone's id by name."""
    file = Path(shutil.copy(template, template.with_name("staffed.sqlite3")))
    return file, asyncio.run(_fill(file))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database of this process in PostgreSQL, in which the fictional service may be kept."""

    async def fill(url: str) -> None:
        await _fill(url)

    with database_of_tests(shared_folder(tmp_path_factory), fill, ("people", "cases", "revisions")) as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database on which a test runs."""
    return str(request.param)


@pytest.fixture
def place(kind: str, template: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """A migrated database with nobody in it."""
    if kind == "postgresql":
        database: Database = request.getfixturevalue("postgresql")
        return Place(database.cleared(), database)
    file = Path(shutil.copy(template, tmp_path / "auditloop.sqlite3"))
    return Place(sqlite_url(file), file)


@pytest.fixture
def new_place(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """A database without any tables."""
    if kind == "postgresql":
        database: Database = request.getfixturevalue("postgresql")
        return Place(database.emptied(), database)
    file = tmp_path / "new.sqlite3"
    return Place(sqlite_url(file), file)


@pytest.fixture
def staffed_place(
    kind: str, staffed: tuple[Path, dict[str, int]], tmp_path: Path, request: pytest.FixtureRequest
) -> Place:
    """A database with the people and cases of the fictional service."""
    if kind == "postgresql":
        database: Database = request.getfixturevalue("postgresql")
        return Place(database.cleared(with_kept=True), database)
    file = Path(shutil.copy(staffed[0], tmp_path / "service.sqlite3"))
    return Place(sqlite_url(file), file)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    """A store on a migrated database with nobody in it."""
    async with opened(place.url) as found:
        yield found


@pytest.fixture
async def service(staffed_place: Place, staffed: tuple[Path, dict[str, int]]) -> AsyncIterator[Service]:
    """The fictional service on a database of its own."""
    async with opened(staffed_place.url) as store:
        yield Service(store, staffed_place, staffed[1])
