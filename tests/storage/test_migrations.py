import asyncio
import sqlite3
from contextlib import AsyncExitStack

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from storage.migrating import is_current, migrate
from storage.store import Store
from storage.tables import CaseRow, Table
from tests.storage.conftest import Place, PowerCut, opened, power_cut_at, sqlite_only


async def test_the_migrations_make_the_tables_that_the_program_uses(store: Store) -> None:
    def compare(connection: Connection) -> list[object]:
        return list(
            compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Table.metadata)
        )

    async with store.database.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_a_new_database_is_brought_to_the_newest_tables(new_place: Place) -> None:
    async with opened(new_place.url) as store:
        assert not await is_current(store.database)
        before, after = await migrate(store.database)
        assert before is None
        assert after is not None
        assert await is_current(store.database)


async def test_migrating_again_changes_nothing(store: Store, place: Place) -> None:
    before = place.contents()
    was, now = await migrate(store.database)
    assert was == now
    assert was is not None
    assert place.contents() == before


async def test_a_migration_that_is_cut_short_leaves_nothing_and_can_be_run_again(new_place: Place) -> None:
    async with opened(new_place.url) as store:
        with power_cut_at(store, "\nCREATE TABLE", times_before=5), pytest.raises(PowerCut):
            await migrate(store.database)
        assert new_place.contents() == {}
        await migrate(store.database)
        assert await is_current(store.database)


async def test_nodes_that_start_at_once_make_the_tables_once(new_place: Place) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(new_place.url)) for _ in range(3)]
        done = await asyncio.gather(*(migrate(store.database) for store in stores))
    newest = done[0][1]
    assert newest is not None
    assert sorted(before or "" for before, _ in done) == ["", newest, newest]


@sqlite_only
async def test_sqlite_keeps_readers_and_writers_apart_and_every_link_whole(place: Place) -> None:
    async with opened(place.url) as store, store.database.connect() as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1


@sqlite_only
async def test_a_transaction_waits_for_another_process_and_holds_nothing_else_up(store: Store, place: Place) -> None:
    other = sqlite3.connect(place.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with store.begin() as tx:
            tx.session.add(CaseRow(ref="N-1", plan="CIN"))

    writing = asyncio.create_task(write())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not writing.done()
    other.execute("COMMIT")
    await asyncio.wait_for(writing, 10)
    assert other.execute("SELECT ref FROM cases").fetchall() == [("N-1",)]
    other.close()


@sqlite_only
async def test_what_somebody_waits_for_comes_before_what_can_wait(store: Store) -> None:
    order: list[str] = []

    async def write(name: str, *, first: bool) -> None:
        async with store.begin(first=first):
            order.append(name)

    async with asyncio.TaskGroup() as group, store.begin():
        for number in range(12):
            group.create_task(write(f"later {number}", first=False))
            group.create_task(write(f"first {number}", first=True))
        await asyncio.sleep(0)
    assert order[:10] == [f"first {number}" for number in range(10)]
    assert order[10] == "later 0"
    assert sorted(order) == sorted(f"{kind} {number}" for kind in ("first", "later") for number in range(12))


async def test_a_case_cannot_be_with_a_practitioner_who_is_not_there(store: Store) -> None:
    async def store_it() -> None:
        async with store.begin() as tx:
            tx.session.add(CaseRow(ref="N-1", plan="CIN", holder_id=99))

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await store_it()
