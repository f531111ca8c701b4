"""What is in a database or a backup, in a few numbers, and whether its ledger holds."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named, shipped
from audits.people import Directory
from storage.ledger import Broken, verify
from storage.store import Transaction
from storage.tables import AnswerRow, AuditRow, LedgerRow, OutboxRow, PersonRow
from storage.versions import revision_of


class BackupFault(Exception):
    """A backup that can't be taken or restored; its text says why, and what to do about it."""


@dataclass(frozen=True)
class Contents:
    """What is in a database. `until` is the moment of the last thing that happened in it, in UTC."""

    revision: str
    people: int
    audits: int
    entries: int
    until: datetime | None
    broken: tuple[Broken, ...]


async def contents_of(connection: AsyncConnection) -> Contents:
    """What is in the database of a connection, with its ledger walked through. Nothing is written."""
    revision = await connection.run_sync(revision_of)
    # The ledger is the same under any framework, so that a council's own file in disorder stands in no backup's way.
    framework = framework_named(shipped()[0])
    tx = Transaction(connection, framework, WorkCalendar(), Directory.of([], framework.scopes()))
    try:
        entries, broken = await verify(tx)
        people, audits = [
            await tx.session.scalar(select(func.count()).select_from(row.table())) or 0 for row in (PersonRow, AuditRow)
        ]
        moments = [
            await tx.session.scalar(select(func.max(column)))
            for column in (LedgerRow.at, AnswerRow.at, OutboxRow.decided_at)
        ]
    finally:
        await tx.let_go()
    until = max((one for one in moments if one is not None), default=None)
    return Contents(revision or "", people, audits, entries, until, tuple(broken))


def erasures_in(ledger: str) -> str:
    """The question how many people were erased on request, to the table that is named so."""
    return f"SELECT count(*) FROM {ledger} WHERE kind = 'person_erased'"  # noqa: S608 (a table's own name)


def holds_anything(connection: Connection, tables: list[str]) -> bool:
    """Whether any of these tables of a database, its own bookkeeping apart, has a row."""
    quote = connection.dialect.identifier_preparer.quote
    return any(
        connection.exec_driver_sql(f"SELECT 1 FROM {quote(name)} LIMIT 1").first() is not None  # noqa: S608 (a name)
        for name in tables
        if name != "alembic_version"
    )
