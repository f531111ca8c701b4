"""A month of earlier versions, brought to the newest tables; and the code of earlier versions on these."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, bindparam, update
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from handlers.dispatch import answer
from handlers.interaction import Interaction
from scheduling.clock import MovedClock
from scheduling.running import catch_up
from storage.database import sqlite_url
from storage.ledger import verify
from storage.migrating import is_current, migrate
from storage.store import Store
from storage.versions import FOLDER, newest, revisions
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Place, Service, opened
from tests.storage.month import END, Month, Rows, comparable, in_columns, month_goes_by, put_rows, read_rows, reflected

T = TypeVar("T")

FIRST_AND_LAST = sorted({revisions()[0], revisions()[-2]})
# The way from the first takes every migration, with rows in all tables that there were; so a version between them is
# of interest where a migration after it changes a table that the first didn't have: 0006 changes one of 0004.
earlier_versions = pytest.mark.parametrize(
    ("kind", "revision"),
    [("sqlite", one) for one in sorted({*FIRST_AND_LAST, "0005"})] + [("postgresql", one) for one in FIRST_AND_LAST],
)
the_first_and_the_last_before = pytest.mark.parametrize("revision", FIRST_AND_LAST)


@pytest.fixture(scope="module")
def month(staffed: tuple[Path, dict[str, int]], tmp_path_factory: pytest.TempPathFactory) -> Month:
    """What the newest version has of a month."""
    file = Path(shutil.copy(staffed[0], tmp_path_factory.mktemp("month") / "month.sqlite3"))
    place = Place(sqlite_url(file), file)

    async def make() -> Month:
        async with opened(place.url) as store:
            waiting = await month_goes_by(Service(store, place, staffed[1]))
            return Month(await asked(store.database, read_rows), waiting)

    return asyncio.run(make())


async def asked(database: AsyncEngine, work: Callable[[Connection], T]) -> T:
    async with database.begin() as connection:
        return await connection.run_sync(work)


def brought_to(revision: str) -> Callable[[Connection], MetaData]:
    """Makes the tables of an earlier version, and gives them as they are."""

    def make(connection: Connection) -> MetaData:
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        return reflected(connection)

    return make


async def goes_on(store: Store, month: Month) -> None:
    """The clock ticks, what waits arrives, and an answer is taken."""
    clock, letterbox = MovedClock(END), Letterbox()
    await catch_up(store, letterbox, clock)
    assert "Marek" in letterbox.names
    async with store.begin() as tx:
        marek = next(person.id for person in tx.directory.people.values() if person.name == "Marek")
    reply = await answer(store, Interaction(marek, "accept", "event-2", END, str(month.waiting), {}))
    assert not reply.refused
    async with store.begin() as tx:
        audit = await tx.audit(month.waiting)
        assert audit is not None
        assert audit.has("accepted")
        assert (await verify(tx))[1] == []


def test_the_month_has_something_in_every_table(month: Month) -> None:
    assert [name for name, rows in month.rows.items() if not rows] == []
    assert {row["state"] for row in month.rows["outbox"]} >= {"queued", "sent", "superseded"}


@earlier_versions
async def test_an_earlier_versions_month_is_whole_after_the_upgrade_and_goes_on(
    revision: str, new_place: Place, month: Month
) -> None:
    async with opened(new_place.url) as store:
        then = await asked(store.database, brought_to(revision))
        before = await asked(store.database, lambda connection: put_rows(connection, then, month.rows))
        assert await migrate(store.database) == (revision, newest())
        assert await is_current(store.database)
        after = in_columns(then, await asked(store.database, read_rows))
        assert comparable(after) == comparable(before)
        await goes_on(store, month)


@the_first_and_the_last_before
async def test_an_earlier_versions_code_reads_and_writes_the_newest_tables(
    revision: str, new_place: Place, month: Month
) -> None:
    async with opened(new_place.url) as store:
        then = await asked(store.database, brought_to(revision))
        await migrate(store.database)

        def as_then(connection: Connection) -> tuple[Rows, Rows]:
            written = put_rows(connection, then, month.rows)
            found = read_rows(connection, then)
            for table in then.sorted_tables:
                again = update(table).where(
                    *(key == bindparam(f"this_{key.name}") for key in table.primary_key.columns)
                )
                again = again.values(
                    {name: bindparam(f"new_{name}") for name in [column.name for column in table.columns]}
                )
                rows = [
                    {f"{kind}_{name}": value for name, value in row.items() for kind in ("this", "new")}
                    for row in written[table.name]
                ]
                connection.execute(again, rows)
            assert comparable(read_rows(connection, then)) == comparable(found)
            return written, found

        written, found = await asked(store.database, as_then)
        assert comparable(found) == comparable(written)
        await goes_on(store, month)
