"""The connection to the database, through SQLAlchemy's asynchronous engine."""

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage import sqlite


def open_database(url: str) -> AsyncEngine:
    """An engine for a URL such as `sqlite:///auditloop.sqlite3`; `sqlite://` is in memory."""
    where = make_url(url)
    on_sqlite = where.get_backend_name() == "sqlite"
    if on_sqlite:
        where = where.set(drivername=sqlite.DRIVER)
    # What is written may be somebody's words about a case, and has no place in a log.
    engine = create_async_engine(where, hide_parameters=True)
    if on_sqlite:
        sqlite.prepare(engine.sync_engine)
    return engine


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"
