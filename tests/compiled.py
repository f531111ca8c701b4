"""Databases of one process that share what SQLAlchemy has compiled.

Each test has a database of its own, and an engine with it. SQLAlchemy keeps the compiled form of a statement with the
engine, so without this each test would compile hundreds of statements anew.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from storage.database import open_database

_shared: dict[type, tuple[Any, Any]] = {}


def open_again(url: str) -> AsyncEngine:
    """`open_database`, with the statements that were compiled for the databases of this kind before."""
    database = open_database(url)
    engine: Any = database.sync_engine
    kind = type(engine.dialect)
    shared = _shared.get(kind)
    if shared is not None and shared[0].server_version_info is not None:
        engine.dialect, engine._compiled_cache = shared
    else:
        # A dialect that has never been connected doesn't know yet which server it speaks to.
        _shared[kind] = (engine.dialect, engine._compiled_cache)
    return database
