import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from audits.state import Event, RemedialAction
from storage.ledger import BEGINNING, Broken, note, record, verify
from storage.store import Store
from storage.tables import AuditRow, DutyRow, LedgerRow, OutboxRow, PersonRow
from tests.storage.conftest import PowerCut, Service, differing, moment, power_cut_at

ACTIONS = (
    RemedialAction(1, "Bring the chronology up to date", None),
    RemedialAction(2, "Visit the child alone", None, moment("2026-03-20 12:00").date()),
)


async def broken(store: Store) -> list[Broken]:
    async with store.begin() as tx:
        return (await verify(tx))[1]


async def a_busy_audit(service: Service) -> int:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "accepted", "2026-03-03 10:00", "Marek")
    await service.happens(audit, "booked", "2026-03-03 11:00", "Cas", at=moment("2026-03-10 14:00"))
    await service.happens(audit, "held", "2026-03-10 15:00", "Marek")
    return audit


# ---- together or not at all


async def test_an_event_commits_with_its_state_its_duties_its_messages_and_its_entry(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    assert (await service.audit(audit)).issued_at == moment("2026-03-03 09:00")
    assert {row.key for row in await service.rows(DutyRow)} == {"accept", "complete_audit"}
    assert ("Marek", "message", "accept") in await service.waiting()
    (entry,) = await service.rows(LedgerRow)
    assert (entry.chain, entry.number, entry.kind, entry.audit_id) == (f"audit:{audit}", 1, "allocated", audit)
    assert entry.values["opened"] == [f"{audit}/accept/1", f"{audit}/complete_audit/1"]


@pytest.mark.parametrize(
    ("words", "times_before"),
    [
        ("UPDATE audits", 0),
        ("INSERT INTO remedial_actions", 0),
        ("UPDATE duties", 0),
        ("INSERT INTO duties", 0),
        ("UPDATE outbox", 0),
        ("INSERT INTO outbox", 0),
        ("INSERT INTO ledger", 0),
        ("INSERT INTO ledger", 1),
        ("COMMIT", 0),
    ],
)
async def test_a_power_cut_anywhere_in_an_event_leaves_nothing_of_it(
    service: Service, words: str, times_before: int
) -> None:
    audit = await a_busy_audit(service)
    before = service.contents()
    sent = {"grade": "inadequate", "safety": True, "safety_text": "Alone at night", "actions": ACTIONS}
    with power_cut_at(service.store, words, times_before=times_before), pytest.raises(PowerCut):
        await service.happens(audit, "submitted", "2026-03-11 10:00", "Marek", **sent)
    assert differing(before, service.contents()) == []

    await service.happens(audit, "submitted", "2026-03-11 10:00", "Marek", **sent)
    after = service.contents()
    assert {"audits", "duties", "ledger", "outbox", "remedial_actions"} <= set(differing(before, after))
    assert [row.kind for row in await service.rows(LedgerRow)][-2:] == ["submitted", "safety_raised"]
    assert await broken(service.store) == []


async def test_an_event_goes_with_the_rest_of_the_transaction_that_it_was_part_of(service: Service) -> None:
    audit = await a_busy_audit(service)
    before = service.contents()

    async def fail_after_recording() -> None:
        async with service.store.begin() as tx:
            row = await tx.session.get_one(PersonRow, service.ids["Marek"])
            row.leave_until = moment("2026-03-20 12:00").date()
            await tx.people_changed()
            found = await tx.audit(audit)
            assert found is not None
            await record(tx, found, Event("declined", moment("2026-03-11 10:00"), row.id, {"reason": "Leave"}))
            await note(tx, Event("leave", moment("2026-03-11 10:00"), row.id))
            raise PowerCut

    with pytest.raises(PowerCut):
        await fail_after_recording()
    assert differing(before, service.contents()) == []
    assert not (await service.audit(audit)).has("declined")


async def test_what_is_read_back_is_what_the_rules_decided(service: Service) -> None:
    audit = await a_busy_audit(service)
    decided = await service.happens(
        audit,
        "submitted",
        "2026-03-11 10:00",
        "Marek",
        grade="requires_improvement",
        rationale="Visits are late.",
        sections={"planning": {"grade": "good"}},
        feedback={"child": "obtained"},
        actions=ACTIONS,
    )
    found = await service.audit(audit)
    assert replace(found, duties=()) == replace(decided.audit, duties=())
    assert sorted(found.duties, key=lambda duty: duty.ref) == sorted(decided.audit.duties, key=lambda duty: duty.ref)


async def test_events_that_come_at_once_on_one_audit_are_all_kept_in_one_chain(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    async with service.another_node() as other:
        nodes = [service, Service(other, service.place, service.ids)]
        await asyncio.gather(
            *(
                nodes[number % 2].happens(
                    audit, "proposed", f"2026-03-03 10:{number:02}", "Marek", at=moment("2026-03-10 14:00")
                )
                for number in range(12)
            )
        )
    entries = await service.rows(LedgerRow)
    assert [entry.number for entry in entries] == list(range(1, 14))
    assert await broken(service.store) == []
    (open_one,) = (await service.audit(audit)).open_duties("agree_session")
    assert open_one.ref == f"{audit}/agree_session/12"


async def test_messages_that_ask_for_what_is_now_done_are_superseded(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    assert ("Marek", "message", "accept") in await service.waiting()
    await service.happens(audit, "accepted", "2026-03-03 10:00", "Marek")
    states = {row.duty: row.state for row in await service.rows(OutboxRow, OutboxRow.what == "message")}
    assert states["accept"] == "superseded"
    assert states["book_session"] == "queued"


# ---- the chain


async def test_an_untouched_ledger_is_whole(service: Service) -> None:
    await a_busy_audit(service)
    await service.allocate("N-3", "Pat", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        await note(tx, Event("people_imported", moment("2026-03-04 09:00"), None, {"added": 3}))
        count, found = await verify(tx)
    assert (count, found) == (6, [])


async def test_a_ledger_that_goes_on_while_it_is_walked_through_is_whole_and_waits_for_nobody(service: Service) -> None:
    await a_busy_audit(service)
    before = len(await service.rows(LedgerRow))
    async with service.another_node() as other, service.store.look() as tx:
        async with other.begin() as writing:
            await note(writing, Event("people_imported", moment("2026-03-11 09:00"), None, {"added": 1}))
        assert await verify(tx) == (before, [])
    # What looked can write again, by the same connection.
    await service.allocate("N-2", "Marek", "2026-03-11 10:00")
    assert len(await service.rows(LedgerRow)) == before + 2
    assert await broken(service.store) == []


async def test_every_audit_and_the_service_have_chains_of_their_own(service: Service) -> None:
    first = await a_busy_audit(service)
    second = await service.allocate("N-3", "Pat", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        await note(tx, Event("drawn", moment("2026-03-04 09:00")))
    chains: dict[str, list[LedgerRow]] = {}
    for row in await service.rows(LedgerRow):
        chains.setdefault(row.chain, []).append(row)
    assert {name: len(rows) for name, rows in chains.items()} == {
        f"audit:{first}": 4,
        f"audit:{second}": 1,
        "service": 1,
    }
    for rows in chains.values():
        assert [row.before for row in rows] == [BEGINNING, *(row.hash for row in rows[:-1])]


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'declined'",
        "at = '2026-03-03 10:00:01.000000'",
        "actor_id = 1",
        '"values" = \'{"opened": [], "closed": []}\'',
        "hash = '" + "f" * 64 + "'",
        "before = '" + "f" * 64 + "'",
    ],
)
async def test_a_changed_entry_is_found(service: Service, change: str) -> None:
    audit = await a_busy_audit(service)
    service.place.run(f"UPDATE ledger SET {change} WHERE number = 2")
    found = await broken(service.store)
    assert found
    assert {one.chain for one in found} == {f"audit:{audit}"}
    assert found[0].number == 2


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_removed_entry_is_found(service: Service, number: int) -> None:
    audit = await a_busy_audit(service)
    service.place.run(f"DELETE FROM ledger WHERE number = {number}")
    assert await broken(service.store) == [Broken(f"audit:{audit}", number + 1, f"entry {number} is missing")]


@pytest.mark.parametrize("kept", [3, 2, 0])
async def test_entries_taken_off_the_end_are_found(service: Service, kept: int) -> None:
    audit = await a_busy_audit(service)
    service.place.run(f"DELETE FROM ledger WHERE number > {kept}")
    assert await broken(service.store) == [
        Broken(f"audit:{audit}", kept + 1, f"the last {4 - kept} of its entries are missing")
    ]


async def test_an_entry_that_was_moved_to_another_audit_is_found(service: Service) -> None:
    audit = await a_busy_audit(service)
    other = await service.allocate("N-3", "Pat", "2026-03-03 09:00")
    service.place.run(f"UPDATE ledger SET audit_id = {other} WHERE number = 2")
    assert await broken(service.store) == [Broken(f"audit:{audit}", 2, "its content was changed")]


async def test_a_removed_entry_is_found_even_where_the_others_close_ranks(service: Service) -> None:
    audit = await a_busy_audit(service)
    service.place.run(
        "DELETE FROM ledger WHERE number = 2",
        "UPDATE ledger SET number = 2 WHERE number = 3",
        "UPDATE ledger SET number = 3 WHERE number = 4",
    )
    found = await broken(service.store)
    assert Broken(f"audit:{audit}", 2, "it doesn't follow the entry before it") in found


def copied_as(number: int, kind: str, before: str, of: int) -> str:
    columns = 'actor_id, audit_id, "values", hash'
    return (
        f"INSERT INTO ledger (chain, number, kind, at, before, {columns}) "
        f"SELECT chain, {number}, '{kind}', at, {before}, {columns} FROM ledger WHERE number = {of}"
    )


async def test_an_inserted_entry_is_found(service: Service) -> None:
    audit = await a_busy_audit(service)
    service.place.run(
        "UPDATE ledger SET number = 5 WHERE number = 4",
        "UPDATE ledger SET number = 4 WHERE number = 3",
        copied_as(3, "accepted", "before", of=2),
    )
    found = await broken(service.store)
    assert Broken(f"audit:{audit}", 3, "it doesn't follow the entry before it") in found


async def test_an_entry_added_at_the_end_without_its_hash_is_found(service: Service) -> None:
    audit = await a_busy_audit(service)
    service.place.run(copied_as(5, "withdrawn", "hash", of=4))
    assert await broken(service.store) == [
        Broken(f"audit:{audit}", 5, "its content was changed"),
        Broken(f"audit:{audit}", 5, "it isn't the entry that was last"),
    ]


async def test_one_broken_chain_does_not_hide_another(service: Service) -> None:
    await a_busy_audit(service)
    second = await service.allocate("N-3", "Pat", "2026-03-03 09:00")
    service.place.run("UPDATE ledger SET kind = 'declined' WHERE number = 1")
    assert {one.chain for one in await broken(service.store)} >= {f"audit:{second}"}
    assert len({one.chain for one in await broken(service.store)}) == 2


# ---- moments


async def test_a_moment_comes_back_in_utc_whatever_zone_it_was_given_in(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-30 09:00")
    async with service.store.begin() as tx:
        row = await tx.session.get_one(AuditRow, audit)
        row.session_at = datetime.fromisoformat("2026-04-02T14:00:00+01:00")
    async with service.store.begin() as tx:
        stored = await tx.session.scalar(select(AuditRow.session_at))
    assert stored is not None
    assert stored.isoformat() == "2026-04-02T13:00:00+00:00"


async def test_a_moment_without_a_zone_is_not_stored(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")

    async def store_it() -> None:
        async with service.store.begin() as tx:
            row = await tx.session.get_one(AuditRow, audit)
            row.session_at = datetime.fromisoformat("2026-04-02T14:00:00")

    with pytest.raises(StatementError, match="without a time zone"):
        await store_it()
