"""A month of the fictional service, with something in every table and something still to do, and its rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from audits.state import RemedialAction
from scheduling.clock import MovedClock
from scheduling.running import run_until
from storage import themes
from storage.drafts import keep_draft
from storage.keys import own_key
from storage.tables import AnswerRow, ContactRow
from storage.tables import Table as Declared
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Service, moment

Rows = dict[str, list[dict[str, Any]]]

ACTIONS = (
    RemedialAction(1, "Bring the chronology up to date", None),
    RemedialAction(2, "Visit the child alone", None, moment("2026-03-20 12:00").date()),
)
END = moment("2026-04-08 10:00")


@dataclass(frozen=True)
class Month:
    """The rows of a month by table, as they were at its end, and the audit that waits to be accepted then."""

    rows: Rows
    waiting: int


async def month_goes_by(service: Service) -> int:
    """March 2026, up to 8 April at 10:00. An audit has just been allocated then, of which nobody has been told."""
    clock, letterbox = MovedClock(moment("2026-03-03 08:00")), Letterbox(keeps_places=True)

    async def until(local: str) -> None:
        await run_until(service.store, letterbox, clock, moment(local))

    inadequate = await service.plan("N-1", "Marek", "2026-03-03 09:00")
    good = await service.plan("N-2", "Priya", "2026-03-03 09:00")
    await service.plan("S-1", "Mo", "2026-03-03 09:00")
    await until("2026-03-03 10:00")
    for audit, auditor, worker in ((inadequate, "Marek", "Cas"), (good, "Priya", "Cleo")):
        await service.happens(audit, "accepted", "2026-03-03 10:00", auditor)
        await service.happens(audit, "booked", "2026-03-03 11:00", worker, at=moment("2026-03-10 14:00"))
    await until("2026-03-10 15:00")
    for audit, auditor in ((inadequate, "Marek"), (good, "Priya")):
        await service.happens(audit, "held", "2026-03-10 15:00", auditor)
    await service.happens(inadequate, "submitted", "2026-03-11 10:00", "Marek", grade="inadequate", actions=ACTIONS)
    await service.happens(good, "submitted", "2026-03-11 11:00", "Priya", grade="good", actions=())
    await service.change("Priya", leave_from=moment("2026-03-23 12:00").date())
    await until("2026-04-08 10:00")
    await _beside_the_audits(service, clock.now())
    return await service.allocate("N-4", "Marek", "2026-04-08 10:00", month="2026-04")


async def _beside_the_audits(service: Service, now: datetime) -> None:
    await own_key(service.store, "links")
    async with service.store.begin() as tx:
        await themes.propose(tx, "Neglect", {"purpose": "See what helps"}, service.ids["Quinn"], now)
        await keep_draft(tx, service.ids["Marek"], "submit/4", {"rationale": "Not sent yet"}, now)
        tx.session.add(AnswerRow(event_id="event-1", person_id=service.ids["Marek"], at=now, reply="{}"))
        tx.session.add(
            ContactRow(
                platform="post", person_id=service.ids["Marek"], tenant="t", object_id="o", user_id="u", since=now
            )
        )


def read_rows(connection: Connection, tables: MetaData | None = None) -> Rows:
    """Every row of the tables as they are known to some version; to this one, if none is given."""
    found: Rows = {}
    for table in (tables or Declared.metadata).sorted_tables:
        rows = connection.execute(select(table).order_by(*table.primary_key.columns))
        found[table.name] = [dict(row._mapping) for row in rows]
    return found


def put_rows(connection: Connection, tables: MetaData, rows: Rows) -> Rows:
    """Insert rows as the program of a version would that knew these tables, and no others; what was inserted."""
    known = in_columns(tables, rows)
    for table in tables.sorted_tables:
        if known.get(table.name):
            connection.execute(insert(table), known[table.name])
            _count_on(connection, table)
    return known


def in_columns(tables: MetaData, rows: Rows) -> Rows:
    """Of rows, what there is of them in the tables that some version knew."""
    return {
        table.name: [{key.name: row[key.name] for key in table.columns if key.name in row} for row in rows[table.name]]
        for table in tables.sorted_tables
        if table.name in rows
    }


def reflected(connection: Connection) -> MetaData:
    """The tables of a database as it has them."""
    found = MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def _count_on(connection: Connection, table: Table) -> None:
    if connection.dialect.name == "postgresql" and "id" in table.columns:
        highest = connection.execute(select(func.max(table.c.id))).scalar()
        counter = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :highest)")
        connection.execute(counter, {"table": table.name, "highest": highest})


def comparable(rows: Rows) -> Rows:
    """Rows with their moments in UTC without saying so, as databases that know no time zones give them back."""
    return {name: [{key: _plain(value) for key, value in row.items()} for row in of] for name, of in rows.items()}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
