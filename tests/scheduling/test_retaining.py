"""What is no longer kept goes once a day, and what stands in chats then says so."""

from datetime import timedelta

from sqlalchemy import func, select

from audits.state import Event
from scheduling.clock import MovedClock
from scheduling.delivery import deliver_due
from scheduling.refreshing import refresh_due
from scheduling.retaining import Retaining
from storage.ledger import note, verify
from storage.retention import Keeping
from storage.tables import LedgerRow, OutboxRow, PostingRow
from tests.scheduling.conftest import Letterbox
from tests.storage.closed import WORDS, close_an_audit
from tests.storage.conftest import Service, moment, sqlite_only

AFTER = moment("2027-04-05 00:01")


async def test_once_its_time_is_over_a_card_in_a_chat_says_only_that_it_is_no_longer_kept(service: Service) -> None:
    audit = await close_an_audit(service, sent=False)
    letterbox, clock = Letterbox(keeps_places=True), MovedClock(moment("2026-04-07 10:00"))
    await deliver_due(service.store, letterbox, clock)
    await refresh_due(service.store, letterbox, clock)
    assert "Cas" in letterbox.names
    await service.change("Cas", active=False)
    letterbox.changed.clear()
    stood = len(await service.rows(PostingRow))
    assert stood

    clock.move_to(AFTER)
    assert await Retaining(Keeping(12, 12)).take(service.store, clock.now()) == 1
    await refresh_due(service.store, letterbox, clock)
    assert {card.title for _, card in letterbox.changed} == {"This card is no longer kept"}
    assert len(letterbox.changed) == stood
    said = " ".join(card.plain() for _, card in letterbox.changed)
    assert not [words for words in (*WORDS, "N-1", "Marek") if words in said]

    clock.move_to(AFTER + timedelta(days=1))
    await Retaining(Keeping(12, 12)).take(service.store, clock.now())
    assert await service.rows(PostingRow) == []
    assert {row.text for row in await service.rows(OutboxRow, OutboxRow.audit_id == audit)} == {""}
    async with service.store.begin() as tx:
        assert (await verify(tx))[1] == []


@sqlite_only
async def test_the_day_s_work_is_done_in_parts_and_then_rests_until_the_next_day(service: Service) -> None:
    first = await close_an_audit(service)
    second = await close_an_audit(service, ref="N-3")
    async with service.store.begin() as tx:
        await note(tx, Event("leave", moment("2026-04-01 09:00"), service.ids["Quinn"], {"person": 1}))
    node = Retaining(Keeping(12, 12), entries=1)
    parts = [await node.take(service.store, AFTER) for _ in range(6)]
    assert parts == [1, 1, 0, 0, 0, 0]
    left = await service.rows(LedgerRow, LedgerRow.erased_at.is_(None))
    assert {row.kind for row in left} == {"erased"}
    attested = [row.values["entries"][0][0] for row in sorted(left, key=lambda row: row.number)]
    assert attested == [f"audit:{first}", f"audit:{second}", "service"]

    third = await close_an_audit(service, ref="N-4")
    assert await node.take(service.store, AFTER + timedelta(hours=23)) == 0
    assert await node.take(service.store, AFTER + timedelta(days=1)) == 1
    async with service.store.begin() as tx:
        kept = select(func.count(LedgerRow.id)).where(LedgerRow.audit_id == third, LedgerRow.erased_at.is_(None))
        assert await tx.session.scalar(kept) == 0


@sqlite_only
async def test_an_audit_that_cannot_be_retired_keeps_no_other_from_it(service: Service) -> None:
    broken = await close_an_audit(service)
    whole = await close_an_audit(service, ref="N-3")
    async with service.store.begin() as tx:
        row = await tx.session.scalar(select(LedgerRow).where(LedgerRow.audit_id == broken).limit(1))
        assert row is not None
        row.values = {"actions": "no list"}
    assert await Retaining(Keeping(12, 12)).take(service.store, AFTER) == 1
    left = await service.rows(LedgerRow, LedgerRow.erased_at.is_(None), LedgerRow.audit_id.is_not(None))
    assert {row.audit_id for row in left} == {broken}
    assert whole != broken
