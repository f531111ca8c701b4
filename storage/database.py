"""The connection to the database: SQLite in WAL mode, through SQLAlchemy's async engine."""

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

BUSY_MILLISECONDS = 10_000


def open_database(url: str) -> AsyncEngine:
    """An engine for a URL such as `sqlite+aiosqlite:///auditloop.sqlite3`; `sqlite+aiosqlite://` is in memory."""
    memory = url in ("sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:")
    # What is written may be somebody's words about a case, and has no place in a log.
    engine = create_async_engine(url, hide_parameters=True, **({"poolclass": StaticPool} if memory else {}))
    if engine.dialect.name == "sqlite":
        _as_sqlite(engine)
    return engine


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _as_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        # The driver's own implicit transactions start too late to keep readers and writers apart.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
