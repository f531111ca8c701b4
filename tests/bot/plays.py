"""Where many rehearsals are played one after the other, each in a database of its own."""

from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.tables import Table
from tests.compiled import open_again


def stage_in_memory() -> AsyncEngine:
    """An engine that opens a new database in memory after each time it was disposed of, with all tables and no rows."""
    made = create_engine("sqlite://")
    Table.metadata.create_all(made)
    with made.connect() as connection:
        driver: Any = connection.connection.driver_connection
        tables = driver.serialize()
    made.dispose()
    database = open_again("sqlite://")

    @event.listens_for(database.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.deserialize(tables)

    return database
