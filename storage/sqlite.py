"""SQLite in the event loop's own thread.

A statement on SQLite takes less time than handing it to another thread and back. Only the beginning of a transaction
can have to wait for another process; that wait is asynchronous, so nothing else is held up by it.
"""

import asyncio
import sqlite3
from time import monotonic
from typing import Any, cast

from sqlalchemy import CursorResult, Executable, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool, StaticPool
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

DRIVER = "sqlite+inloop"
PATIENCE = 10.0
"""How many seconds to wait for another process that writes."""
LOOK_AGAIN = 0.005
SETTINGS = ("busy_timeout=10000", "journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL", "busy_timeout=0")
"""Once a transaction has begun, no other process is in its way; the last setting makes its beginning tell at once."""
READS = "auditloop_reads"
"""The execution option of a connection whose transactions only read; they are in no writer's way, nor one in theirs."""
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class InLoop(SQLiteDialect_pysqlite):
    """The standard library's driver under SQLAlchemy's asynchronous engine, without threads."""

    driver = "inloop"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        return AsyncAdaptedQueuePool if cls._is_url_file_db(url) else StaticPool

    def get_driver_connection(self, connection: Any) -> Any:
        return connection

    def create_connect_args(self, url: URL) -> Any:
        places, options = super().create_connect_args(url)
        # The driver's own implicit transactions start too late to keep readers and writers apart.
        return places, {**options, "factory": _Connection, "isolation_level": None, "check_same_thread": False}


registry.register("sqlite.inloop", __name__, "InLoop")


async def _nothing() -> None:
    return None


class _Cursor(sqlite3.Cursor):
    """SQLAlchemy's asynchronous side insists that a statement awaits something; `execute_now` goes beside it."""

    def execute(self, *arguments: Any) -> "_Cursor":
        if in_greenlet():
            await_only(_nothing())
        super().execute(*arguments)
        return self

    def executemany(self, *arguments: Any) -> "_Cursor":
        if in_greenlet():
            await_only(_nothing())
        super().executemany(*arguments)
        return self

    async def _async_soft_close(self) -> None:
        # What SQLAlchemy asks of a cursor whose result has been read; here it has nothing left to let go.
        return None


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


def execute_now(connection: AsyncConnection, statement: Executable, values: Any = None) -> CursorResult[Any]:
    """Execute a statement in a transaction that has begun: nothing in it can have to wait any more."""
    return cast(Connection, connection.sync_connection).execute(statement, values)


def prepare(engine: Engine) -> None:
    """Set up every connection of an engine, and let each transaction begin as one that writes, unless it `READS`."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for setting in SETTINGS:
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        deadline = monotonic() + PATIENCE
        driver: Any = connection.connection.driver_connection
        if connection.get_execution_options().get(READS):
            driver.execute("BEGIN")
            return
        while not _begins(driver, last=monotonic() > deadline):
            await_only(asyncio.sleep(LOOK_AGAIN))


def _begins(driver: sqlite3.Connection, *, last: bool) -> bool:
    """Begin a transaction that writes, if no other process is in one; after the `last` try the fault is raised."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as fault:
        if last or fault.sqlite_errorcode not in BUSY:
            raise
        return False
    return True
