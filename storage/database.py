"""The connection to the database, through SQLAlchemy's asynchronous engine."""

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage import postgresql, sqlite
from storage.postgresql import UnusableUrl


def open_database(url: str) -> AsyncEngine:
    """An engine for `sqlite:///auditloop.sqlite3`, `sqlite://` (in memory) or `postgresql://user@host/database`.

    Raises UnusableUrl for a URL that is none of these, and ImportError where the library for PostgreSQL is missing.
    """
    if postgresql.is_postgresql(url):
        return postgresql.engine_for(url)
    try:
        where = make_url(url)
    except ArgumentError:
        where = None
    if where is None or where.get_backend_name() != "sqlite":
        raise UnusableUrl(
            "auditloop knows SQLite (the path of a file) and PostgreSQL (postgresql://user@host/database)"
        )
    # What is written may be somebody's words about a case, and has no place in a log.
    engine = create_async_engine(where.set(drivername=sqlite.DRIVER), hide_parameters=True)
    sqlite.prepare(engine.sync_engine)
    return engine


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"
