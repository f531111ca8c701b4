"""What whoever watches reads of the database, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError

from bot.watching.backlog import read_backlog, try_to_write
from storage.tables import OutboxRow
from tests.storage.conftest import (
    Service,
    kind,
    moment,
    postgresql,
    postgresql_only,
    service,
    staffed,
    staffed_place,
    template,
)

__all__ = ["kind", "postgresql", "service", "staffed", "staffed_place", "template"]


async def becomes(service: Service, message: int, **values: object) -> None:
    outbox = OutboxRow.table()
    async with service.store.begin() as tx:
        await tx.execute(update(outbox).where(outbox.c.id == message).values(**values))


async def test_what_waits_is_read_with_its_age(service: Service) -> None:
    at = moment("2026-03-03 09:00")
    for ref in ("N-1", "N-2"):
        await service.allocate(ref, "Marek", "2026-03-03 09:00")
    await service.plan("N-3", "Priya", "2026-03-03 09:00")
    rows = sorted(await service.rows(OutboxRow), key=lambda row: row.id)
    assert len(rows) == 4
    later = at + timedelta(minutes=30)
    await becomes(service, rows[0].id, what="alert", state="unknown", attempts=1, not_before=later)
    await becomes(service, rows[1].id, state="sent", attempts=1)
    for held_back in rows[2:]:
        await becomes(service, held_back.id, not_before=later)
    found = await read_backlog(service.store, at + timedelta(minutes=20))
    assert {state: number for state, number in found.messages.items() if number} == {
        "queued": 2,
        "sent": 1,
        "unknown": 1,
    }
    assert found.alerts == {"queued": 0, "unknown": 1, "sending": 0, "failed": 0}
    # The cycle has a list that should have gone out the day before, at 09:00.
    assert (found.oldest_alert, found.due) == (1200, {"duty": 0, "allocation": 1200, "list": 87600})
    await becomes(service, rows[0].id, state="failed")
    found = await read_backlog(service.store, at + timedelta(minutes=20))
    assert (found.oldest_alert, found.alerts["failed"], found.messages["failed"]) == (0, 1, 1)
    assert found.oldest_message == 0
    found = await read_backlog(service.store, at + timedelta(minutes=31))
    assert found.oldest_message == 60


async def test_a_try_to_write_changes_nothing(service: Service) -> None:
    before = service.place.contents()
    await try_to_write(service.store)
    assert service.place.contents() == before


@postgresql_only
async def test_a_server_that_only_reads_is_found_out(service: Service) -> None:
    async with service.store.database.connect() as connection:
        await connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        await connection.commit()
    with pytest.raises(SQLAlchemyError, match="read-only transaction"):
        await try_to_write(service.store)
    assert (await read_backlog(service.store, moment("2026-03-03 09:00"))).oldest_message == 0
