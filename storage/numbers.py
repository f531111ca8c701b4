"""Numbers that are on cards in people's chats, and are never given to anything else, even after a restore.

A restored database doesn't know which numbers were given out after its backup was taken. So it goes on a good way
above its highest: PostgreSQL by its own counters, SQLite, which has none, by what `leave_gap` writes down.
"""

from sqlalchemy import Table, func, insert, select, text, update

from storage.store import Transaction
from storage.tables import AuditRow, RevisionRow, ThemeRow

NUMBERED = (AuditRow.table(), ThemeRow.table())
GAP = 100_000
"""More audits than any service allocates between a backup and its restore."""

_REVISIONS = RevisionRow.table()


def _name(table: Table) -> str:
    return f"{table.name} from"


async def leave_gap(tx: Transaction) -> None:
    """Let the numbers of what is on cards go on above all that may have been given out."""
    for table in NUMBERED:
        start = (await _highest(tx, table)) + GAP
        if tx.connection.dialect.name == "postgresql":
            await tx.connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :start)"),
                {"table": table.name, "start": start},
            )
            continue
        known = update(_REVISIONS).where(_REVISIONS.c.name == _name(table)).values(number=start)
        if (await tx.execute(known)).rowcount == 0:
            await tx.execute(insert(_REVISIONS).values(name=_name(table), number=start))


async def next_number(tx: Transaction, table: Table) -> int | None:
    """The number of the next row of a table, where a gap is to be left; otherwise None, and the database gives one."""
    start = (await tx.execute(select(_REVISIONS.c.number).where(_REVISIONS.c.name == _name(table)))).scalar()
    return start if start is not None and await _highest(tx, table) < start else None


async def _highest(tx: Transaction, table: Table) -> int:
    return (await tx.execute(select(func.max(table.c.id)))).scalar() or 0
