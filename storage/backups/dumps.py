"""Dumps of a PostgreSQL database by PostgreSQL's own programs, checked against what was in it at that moment.

Passwords go to these programs by their environment, where no other user of the computer sees them.
"""

import asyncio
import os
import re
import shutil
from asyncio import StreamReader
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.backups.contents import BackupFault, Contents, contents_of, erasures_in, holds_anything
from storage.database import open_database
from storage.migrating import migrate
from storage.tables import Table

MAGIC = b"PGDMP"
LOCKS = "10s"
LONGEST_ROW = 2**30
_LOOK_AGAIN = (0.0, 0.2, 0.5, 1.0)
"""Seconds to wait before each look at who is connected: a program that has just stopped is seen for a moment longer."""
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND usename IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'"
)
_COPY = re.compile(rb'^COPY (?:"?[^".]+"?\.)?"?([^" ]+)"? \(')
_SPELT = {"ssl": "PGSSLMODE", "dbname": "PGDATABASE", "target_session_attrs": "PGTARGETSESSIONATTRS"}
_MAJOR = re.compile(r"\) (\d+)")


@dataclass(frozen=True)
class Tools:
    """The programs that dump and bring back, and which PostgreSQL they are of."""

    dump: Path
    restore: Path
    major: int


async def find_tools(folder: Path | None) -> Tools:
    """pg_dump and pg_restore, from a folder or, with None, from the PATH. Raises BackupFault without them."""
    found = [shutil.which(name, path=str(folder) if folder else None) for name in ("pg_dump", "pg_restore")]
    if not all(found):
        where = f"in {folder}" if folder else "on the PATH"
        raise BackupFault(
            f"pg_dump and pg_restore, which copy a PostgreSQL database, are not {where}. They come with PostgreSQL's "
            "client (on Debian and Ubuntu: postgresql-client). Where they are elsewhere, name their folder: --tools "
            "FOLDER, or tools in the section backup of auditloop.toml."
        )
    dump, restore = (Path(one or "") for one in found)
    said = _MAJOR.search((await _run(dump, ["--version"], {}, "asked for its version")).decode())
    return Tools(dump, restore, int(said.group(1)) if said else 0)


def by_environment(url: str) -> dict[str, str]:
    """A database's address, user and password as PostgreSQL's programs read them from their environment."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    places = [host.rpartition(":") if ":" in host.rpartition("]")[2] else (host, "", "") for host in hosts.split(",")]
    ports = [port for _, _, port in places]
    named = {
        "PGHOST": ",".join(unquote(host).strip("[]") for host, _, _ in places),
        "PGPORT": ",".join(ports) if any(ports) else "",
        "PGUSER": unquote(user),
        "PGPASSWORD": unquote(password),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    for name, value in parse_qsl(parts.query):
        named[_SPELT.get(name, f"PG{name.upper()}")] = value
    return {name: value for name, value in named.items() if value}


async def dump(url: str, part: Path, tools: Tools) -> Contents:
    """Dump a database as it stands at this moment, while others write; what is in it.

    What is dumped, counted and verified is one and the same moment. Raises BackupFault where the dump doesn't have
    every row of it.
    """
    async with _connected(url) as (_, opened):
        connection = await opened.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            # This transaction does nothing for as long as pg_dump works, and the walk through the ledger may take long.
            for limit in ("idle_in_transaction_session_timeout", "statement_timeout"):
                await connection.execute(text(f"SET LOCAL {limit} = 0"))
            snapshot = await connection.scalar(text("SELECT pg_export_snapshot()"))
            await _fits(connection, tools)
            schema = await connection.scalar(text("SELECT current_schema()"))
            counts = await connection.run_sync(_counts)
            if "ledger" not in counts:
                raise BackupFault("There is nothing of auditloop in this database yet, so there is nothing to back up.")
            contents = await contents_of(connection)
            options = ["--format=custom", "--no-owner", "--no-privileges", "--no-password", f"--schema={schema}"]
            options += [f"--snapshot={snapshot}", f"--file={part}"]
            await _run(tools.dump, options, by_environment(url), "dump the database")
    found = (await read_dump(part, tools)).rows
    if found != counts:
        short = sorted(name for name in counts if found.get(name) != counts[name])
        raise BackupFault(f"The dump doesn't have every row of {', '.join(short)}. Nothing was kept of it.")
    return contents


@dataclass(frozen=True)
class Dumped:
    """What a dump has: its revision, and how many rows of each table."""

    revision: str
    rows: Mapping[str, int]


async def read_dump(file: Path, tools: Tools) -> Dumped:
    """Read a dump from its first byte to its last. Raises BackupFault where that can't be done."""
    rows: dict[str, int] = {}
    revision, table = "", b""
    options = ["--data-only", "--file=-", str(file)]
    process = await asyncio.create_subprocess_exec(
        str(tools.restore), *options, stdout=PIPE, stderr=PIPE, limit=LONGEST_ROW, env=_environment({})
    )
    out, told = cast(StreamReader, process.stdout), cast(StreamReader, process.stderr)
    complaints = asyncio.create_task(told.read())
    async for line in out:
        if table and line == b"\\.\n":
            table = b""
        elif table:
            rows[table.decode()] += 1
            if table == b"alembic_version":
                revision = line.decode().strip()
        elif (begun := _COPY.match(line)) is not None:
            table = begun.group(1)
            rows[table.decode()] = 0
    if await process.wait() != 0:
        raise BackupFault(f"{file} can't be read: {_last_line(await complaints)}.")
    await complaints
    return Dumped(revision, rows)


@dataclass
class Restoring:
    """A dump on its way into a database; `kept` is the schema in which what was there before is kept.

    `undone` is how many people had been erased on request there, and are back.
    """

    engine: AsyncEngine
    contents: Contents
    kept: str | None = None
    undone: int = 0


@asynccontextmanager
async def restored(url: str, file: Path, tools: Tools, now: datetime, *, force: bool) -> AsyncIterator[Restoring]:
    """A dump, brought into a database and to the tables of this version. If the block fails, all is as it was before.

    Raises BackupFault where the database has anything in it (unless `force`), or where others are connected to it.
    """
    async with _connected(url) as (engine, connection):
        await _stop_where_in_use(connection)
        async with connection.begin():
            await _fits(connection, tools)
            schema = str(await connection.scalar(text("SELECT current_schema()")))
            ours = await connection.run_sync(_ours)
            anything = await connection.run_sync(holds_anything, ours)
            if anything and not force:
                raise BackupFault(
                    "This database has something in it already, and nothing was changed. With --force it is kept "
                    "under another name, and the backup takes its place."
                )
            aside = f"before_{now:%Y%m%d_%H%M%S}"
            await _move(connection, ours, schema, aside)
        try:
            where = by_environment(url)
            options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
            options += [f"--schema={schema}", f"--dbname={where['PGDATABASE']}", str(file)]
            await _run(tools.restore, options, where, "bring the backup back")
            await migrate(engine)
            async with engine.connect() as other:
                contents = await contents_of(other)
                undone = await _erasures(other, aside) - await _erasures(other, schema) if "ledger" in ours else 0
            yield Restoring(engine, contents, aside if anything else None, max(undone, 0))
        except BaseException:
            async with connection.begin():
                for name in await connection.run_sync(_ours):
                    await connection.execute(text(f"DROP TABLE {_quoted(connection, schema, name)} CASCADE"))
                await _move(connection, ours, aside, schema)
            raise
        if not anything:
            async with connection.begin():
                await connection.execute(text(f"DROP SCHEMA IF EXISTS {_quoted(connection, aside)} CASCADE"))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[tuple[AsyncEngine, AsyncConnection]]:
    try:
        engine = open_database(url)
    except ValueError as fault:
        raise BackupFault(f"The database's address: {fault}.") from fault
    except ImportError as fault:
        raise BackupFault("The library for PostgreSQL is not installed. Run: make platforms") from fault
    try:
        try:
            connection = await engine.connect()
        except Exception as fault:
            raise BackupFault(f"The database can't be reached: {_in_a_line(fault)}.") from fault
        try:
            yield engine, connection
        finally:
            await connection.close()
    finally:
        await engine.dispose()


async def _fits(connection: AsyncConnection, tools: Tools) -> None:
    server = int(await connection.scalar(text("SELECT current_setting('server_version_num')::int"))) // 10000
    if tools.major < server:
        raise BackupFault(
            f"{tools.dump} is of PostgreSQL {tools.major}, and the server is {server}. Please install the client of "
            f"PostgreSQL {server} or newer, and name its folder if need be: --tools FOLDER, or tools in the section "
            "backup of auditloop.toml."
        )


async def _stop_where_in_use(connection: AsyncConnection) -> None:
    for wait in _LOOK_AGAIN:
        await asyncio.sleep(wait)
        # Each look is a transaction of its own: within one, the server gives the same answer again.
        async with connection.begin():
            others = await connection.scalar(text(_OTHERS))
        if not others:
            return
    raise BackupFault(
        f"Others are connected to this database ({others}). Please stop auditloop on every node, and whatever else "
        "uses the database, and try again."
    )


def _counts(connection: Connection) -> dict[str, int]:
    """How many rows each table of the schema has."""
    quote = connection.dialect.identifier_preparer.quote
    return {
        name: connection.exec_driver_sql(f"SELECT count(*) FROM {quote(name)}").scalar() or 0  # noqa: S608 (a name)
        for name in inspect(connection).get_table_names()
    }


def _ours(connection: Connection) -> list[str]:
    """Those tables of the schema that are auditloop's."""
    wanted = {*Table.metadata.tables, "alembic_version"}
    return sorted(wanted.intersection(inspect(connection).get_table_names()))


async def _move(connection: AsyncConnection, tables: list[str], schema: str, to: str) -> None:
    """Move tables, with all that hangs on them, from one schema to another, which is made or given up as needed."""
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCKS}'"))
    if tables:
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {_quoted(connection, to)}"))
    for name in tables:
        place = _quoted(connection, schema, name)
        await connection.execute(text(f"ALTER TABLE {place} SET SCHEMA {_quoted(connection, to)}"))
    if schema.startswith("before_"):
        await connection.execute(text(f"DROP SCHEMA IF EXISTS {_quoted(connection, schema)}"))


async def _erasures(connection: AsyncConnection, schema: str) -> int:
    return int(await connection.scalar(text(erasures_in(_quoted(connection, schema, "ledger")))) or 0)


def _quoted(connection: AsyncConnection, *names: str) -> str:
    return ".".join(connection.dialect.identifier_preparer.quote(name) for name in names)


async def _run(program: Path, options: list[str], where: Mapping[str, str], doing: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        str(program), *options, stdout=PIPE, stderr=PIPE, env=_environment(where)
    )
    try:
        out, complaints = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise BackupFault(f"{program.name} could not {doing}: {_last_line(complaints)}.")
    return out


def _environment(where: Mapping[str, str]) -> dict[str, str]:
    # In plain English, whatever this computer speaks, since its words go on to whoever reads the others.
    return {**os.environ, "LC_ALL": "C.UTF-8", "PGCLIENTENCODING": "UTF8", **where}


def _last_line(complaints: bytes) -> str:
    lines = [line.strip() for line in complaints.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line or "ERROR:" in line]
    return (errors or lines or ["it didn't say why"])[0].rstrip(".")


def _in_a_line(fault: Exception) -> str:
    return (str(getattr(fault, "orig", None) or fault).splitlines() or [type(fault).__name__])[0].rstrip(".")
