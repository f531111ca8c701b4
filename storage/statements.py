"""Statements on the connection of a transaction that has begun."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Executable, Insert, Table, or_
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
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


def one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column has one of a few values that are always the same; an `in_` would be spelt anew each time."""
    return or_(*(column == value for value in values))


def inserts_of_new(table: Table, key: str) -> Mapping[str, Insert]:
    """For each kind of database, an insert that leaves a row out whose `key` is there already."""
    return {
        "sqlite": sqlite_dialect.insert(table).on_conflict_do_nothing(index_elements=[key]),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(index_elements=[key]),
    }


def adding_up(table: Table, key: str, number: str) -> Mapping[str, Insert]:
    """For each kind of database, an insert that adds its `number` to that of a row which has its `key` already."""
    on_sqlite, on_postgresql = sqlite_dialect.insert(table), postgresql.insert(table)
    return {
        "sqlite": on_sqlite.on_conflict_do_update(
            index_elements=[key], set_={number: table.c[number] + on_sqlite.excluded[number]}
        ),
        "postgresql": on_postgresql.on_conflict_do_update(
            index_elements=[key], set_={number: table.c[number] + on_postgresql.excluded[number]}
        ),
    }


def new_id(inserted: CursorResult[Any]) -> int:
    """The id that the database gave to a row which was just put in."""
    (found,) = inserted.inserted_primary_key or (None,)
    return int(cast(int, found))
