"""Statements on the connection of a transaction that has begun."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import sqlite

Values = Mapping[str, Any]


async def execute(
    connection: AsyncConnection, statement: Executable, values: Values | Sequence[Values] | None = None
) -> CursorResult[Any]:
    """Execute a statement; on SQLite without the detour that waiting would take, since it doesn't wait there."""
    if connection.dialect.name == "sqlite":
        return sqlite.execute_now(connection, statement, values)
    return await connection.execute(statement, values)


def new_id(inserted: CursorResult[Any]) -> int:
    """The id that the database gave to a row which was just put in."""
    (found,) = inserted.inserted_primary_key or (None,)
    return int(cast(int, found))
