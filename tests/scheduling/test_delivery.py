import asyncio
from datetime import date, datetime, timedelta

import pytest

from audits.engine import Message
from audits.people import Person
from scheduling.clock import MovedClock
from scheduling.delivery import deliver_due
from scheduling.door import Failure, NotDelivered, Parcel
from scheduling.ticker import tick
from storage.ledger import post
from storage.outbox import LEASE
from storage.store import Store
from storage.tables import OutboxRow
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Service, moment

TUESDAY = moment("2026-03-03 10:00")
SECOND = timedelta(seconds=1)


async def put(service: Service, key: str, to: str = "Marek", *, what: str = "message", at: datetime = TUESDAY) -> None:
    """A message that is about nothing but itself."""
    message = Message(key, what, service.ids[to], "manager", "accept", at, notice="told", text=key)
    async with service.store.begin() as tx:
        await post(tx, [message])


async def row_of(service: Service, key: str) -> OutboxRow:
    (row,) = await service.rows(OutboxRow, OutboxRow.key == key)
    return row


def refusing(failure: Failure, *, only: str = "Marek", retry_after: timedelta | None = None) -> Letterbox:
    """A door that can't reach one person."""

    async def refuse(to: Person, _parcel: Parcel) -> None:
        if to.name == only:
            raise NotDelivered(failure, "The app is blocked", retry_after)

    return Letterbox(before=refuse)


async def two_beats(service: Service, door: Letterbox, now: datetime) -> None:
    """What one delivery leaves to be said, the next one says."""
    for _ in range(2):
        await deliver_due(service.store, door, MovedClock(now))


# ---- once


async def test_a_message_goes_once_however_often_delivery_runs(service: Service, letterbox: Letterbox) -> None:
    await put(service, "a")
    assert [await deliver_due(service.store, letterbox, MovedClock(TUESDAY)) for _ in range(3)] == [1, 0, 0]
    assert letterbox.keys == ["a"]
    row = await row_of(service, "a")
    assert (row.state, row.sent_at, row.attempts, row.lease_until) == ("sent", TUESDAY, 1, None)


async def test_two_senders_at_once_send_each_message_once(service: Service, letterbox: Letterbox) -> None:
    people = ("Marek", "Priya", "Pat", "Lena")
    for number in range(12):
        await put(service, f"{number}", people[number % 4])

    async def send(store: Store) -> int:
        return await deliver_due(store, letterbox, MovedClock(TUESDAY))

    async with service.another_node() as other:
        sent = await asyncio.gather(send(service.store), send(other), send(service.store))
    assert sum(sent) == 12
    assert sorted(letterbox.keys) == sorted(str(number) for number in range(12))


async def test_a_second_sender_leaves_alone_what_is_on_its_way(service: Service) -> None:
    await put(service, "a")
    others: list[int] = []
    patient = Letterbox()

    async def meanwhile(_to: Person, _parcel: Parcel) -> None:
        async with service.another_node() as other:
            others.append(await deliver_due(other, patient, MovedClock(TUESDAY + LEASE)))

    assert await deliver_due(service.store, Letterbox(before=meanwhile), MovedClock(TUESDAY)) == 1
    assert others == [0]
    assert patient.keys == []


@pytest.mark.parametrize("death", [asyncio.CancelledError(), KeyboardInterrupt()], ids=["cancelled", "interrupted"])
async def test_a_message_whose_sender_died_is_sent_again_and_says_so(
    service: Service, letterbox: Letterbox, death: BaseException
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "accepted", "2026-03-03 09:30", "Marek")

    async def die(to: Person, _parcel: Parcel) -> None:
        if to.name == "Cas":
            raise death

    dying = Letterbox(after=die)
    with pytest.raises(type(death)):
        await deliver_due(service.store, dying, MovedClock(TUESDAY))
    (first,) = dying.parcels("Cas")
    (key,) = first.keys
    assert (await row_of(service, key)).state == "sending"

    await deliver_due(service.store, letterbox, MovedClock(TUESDAY + LEASE))
    assert "Cas" not in letterbox.names
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY + LEASE + SECOND))
    (again,) = letterbox.parcels("Cas")
    assert again.keys == first.keys
    assert again.repeat
    assert not first.repeat
    assert again.card.text == ("You may have had this message before.", *first.card.text)
    row = await row_of(service, key)
    assert (row.state, row.possible_repeat, row.attempts) == ("sent", True, 2)


async def test_what_may_have_arrived_is_sent_again_and_says_so(service: Service, letterbox: Letterbox) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    assert await deliver_due(service.store, refusing(Failure.UNKNOWN), MovedClock(TUESDAY)) == 0
    assert {row.state for row in await service.rows(OutboxRow)} == {"unknown"}
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY + timedelta(minutes=1)))
    assert all(parcel.repeat for parcel in letterbox.parcels("Marek"))
    assert {parcel.card.text[0] for parcel in letterbox.parcels("Marek")} == {"You may have had this message before."}


# ---- failures


async def test_a_temporary_failure_waits_as_long_as_the_platform_asks(service: Service, letterbox: Letterbox) -> None:
    await put(service, "a")
    wait = timedelta(seconds=97)
    assert await deliver_due(service.store, refusing(Failure.TEMPORARY, retry_after=wait), MovedClock(TUESDAY)) == 0
    row = await row_of(service, "a")
    assert (row.state, row.not_before, row.error) == ("queued", TUESDAY + wait, "The app is blocked")
    assert await deliver_due(service.store, letterbox, MovedClock(TUESDAY + wait - SECOND)) == 0
    assert await deliver_due(service.store, letterbox, MovedClock(TUESDAY + wait)) == 1
    row = await row_of(service, "a")
    assert (row.state, row.error, row.possible_repeat) == ("sent", "", False)
    assert not letterbox.parcels("Marek")[0].repeat


async def test_temporary_failures_back_off_up_to_an_hour(service: Service) -> None:
    await put(service, "a")
    door = refusing(Failure.TEMPORARY)
    now, waits = TUESDAY, []
    for _ in range(9):
        await deliver_due(service.store, door, MovedClock(now))
        coming = (await row_of(service, "a")).not_before
        waits.append(int((coming - now).total_seconds() / 60))
        now = coming
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_person_who_cannot_be_reached_holds_nobody_else_up(service: Service) -> None:
    for name in ("Marek", "Priya"):
        await put(service, name, name)
    door = refusing(Failure.TEMPORARY)
    assert await deliver_due(service.store, door, MovedClock(TUESDAY)) == 1
    assert door.names == ["Priya"]


async def test_what_cannot_arrive_goes_to_the_manager_and_the_qa_officer_hears(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    door = refusing(Failure.PERMANENT)
    await two_beats(service, door, TUESDAY)
    rows = await service.rows(OutboxRow, OutboxRow.to_id == service.ids["Marek"])
    assert {(row.state, row.error) for row in rows} == {("failed", "The app is blocked")}
    assert sorted(key.split("/")[1] for parcel in door.parcels("Lena") for key in parcel.keys) == [
        "accept",
        "complete_audit",
    ]
    told = {parcel.card.text for parcel in door.parcels("Quinn")}
    assert told == {("A message for Marek did not arrive: The app is blocked. It went to Lena instead.",)}
    assert {row.audit_id for row in await service.rows(OutboxRow)} == {audit}
    door.emptied()
    await two_beats(service, door, TUESDAY + timedelta(days=9))
    assert door.names == []


async def test_a_manager_on_leave_is_passed_over_for_the_next(service: Service) -> None:
    await service.change("Lena", leave_from=date(2026, 3, 2), leave_until=date(2026, 3, 6))
    await put(service, "a")
    door = refusing(Failure.PERMANENT)
    await two_beats(service, door, TUESDAY)
    assert sorted(door.names) == ["Hana", "Quinn"]


async def test_nothing_is_sent_to_somebody_who_has_left(service: Service, letterbox: Letterbox) -> None:
    await put(service, "a")
    await service.change("Marek", active=False)
    await two_beats(service, letterbox, TUESDAY)
    assert sorted(letterbox.names) == ["Lena", "Quinn"]
    assert (await row_of(service, "a")).error == "Marek has left the service"


async def test_when_nobody_on_the_ladder_can_be_reached_it_ends(service: Service) -> None:
    async def refuse(_to: Person, _parcel: Parcel) -> None:
        raise NotDelivered(Failure.PERMANENT, "The app is blocked")

    await put(service, "a", what="alert")
    for days in range(4):
        await deliver_due(service.store, Letterbox(before=refuse), MovedClock(TUESDAY + timedelta(days=days)))
    rows = await service.rows(OutboxRow)
    assert {row.state for row in rows} == {"failed"}
    assert len(rows) < 10


async def test_an_alert_that_cannot_arrive_is_passed_on_in_the_same_night(service: Service) -> None:
    night = moment("2026-03-03 23:00")
    await put(service, "a", "Pat", what="alert", at=night)
    door = refusing(Failure.PERMANENT, only="Pat")
    await two_beats(service, door, night)
    assert sorted(door.names) == ["Lena", "Quinn"]


# ---- when, and in which order


async def test_quiet_hours_hold_nudges_but_no_alert(service: Service, letterbox: Letterbox) -> None:
    night = moment("2026-03-06 20:00")
    await put(service, "nudge", what="nudge", at=night)
    await put(service, "message", what="message", at=night)
    await put(service, "alert", what="alert", at=night)
    await deliver_due(service.store, letterbox, MovedClock(night))
    assert letterbox.keys == ["alert"]
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-09 07:59")))
    assert letterbox.keys == ["alert"]
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-09 08:00")))
    assert sorted(letterbox.keys) == ["alert", "message", "nudge"]


async def test_a_safety_alert_goes_at_once_in_the_middle_of_the_night(service: Service, letterbox: Letterbox) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    letterbox.emptied()
    await service.happens(audit, "safety_raised", "2026-03-07 02:10", "Marek", text="Alone at night")
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-07 02:10")))
    assert {"Pat", "Lena", "Hana", "Dev"} <= set(letterbox.names)
    assert all(parcel.urgent for _, parcel in letterbox.arrived)


async def test_a_nudge_whose_duty_is_done_is_not_sent(service: Service, letterbox: Letterbox) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    await tick(service.store, moment("2026-03-05 09:00"))
    assert ("Marek", "nudge", "accept") in await service.waiting()
    await service.happens(audit, "accepted", "2026-03-05 09:00", "Marek")
    letterbox.emptied()
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-05 09:01")))
    assert not any("/nudge@" in key for key in letterbox.keys)
    assert {row.state for row in await service.rows(OutboxRow, OutboxRow.what == "nudge")} == {"superseded"}


async def test_reminders_that_fall_together_are_joined_and_requests_are_not(
    service: Service, letterbox: Letterbox
) -> None:
    for ref in ("N-1", "N-2", "N-4"):
        await service.allocate(ref, "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    assert [len(parcel.keys) for parcel in letterbox.parcels("Marek")] == [1] * 6
    letterbox.emptied()
    morning = moment("2026-03-05 09:00")
    await tick(service.store, morning)
    assert await deliver_due(service.store, letterbox, MovedClock(morning)) == 3
    ((_, parcel),) = letterbox.arrived
    assert parcel.card.title == "3 reminders for you"
    assert parcel.card.table is not None
    assert {row[1] for row in parcel.card.table.rows} == {"N-1", "N-2", "N-4"}
    digests = {row.digest for row in await service.rows(OutboxRow, OutboxRow.what == "nudge")}
    assert len(digests) == 1
    assert None not in digests


async def test_a_reminder_alone_keeps_its_own_card(service: Service, letterbox: Letterbox) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    letterbox.emptied()
    await tick(service.store, moment("2026-03-05 09:00"))
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-05 09:00")))
    ((_, parcel),) = letterbox.arrived
    assert {action.verb for action in parcel.card.actions} == {"accept", "decline"}


async def test_alerts_go_before_everything_and_the_rest_in_its_order(service: Service, letterbox: Letterbox) -> None:
    await put(service, "first", "Priya")
    await put(service, "second", "Lena")
    await put(service, "third", "Lena")
    await put(service, "alert", "Lena", what="alert")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    assert letterbox.keys == ["alert", "second", "third", "first"]


async def test_a_card_is_of_the_moment_at_which_it_is_sent(service: Service, letterbox: Letterbox) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 21:00")
    await service.happens(audit, "held", "2026-03-04 07:30", "Marek")
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-04 08:00")))
    (parcel,) = letterbox.parcels("Marek")
    assert parcel.keys[0].startswith(f"{audit}/complete_audit/1/ask/")
    assert "submit" in {action.verb for action in parcel.card.actions}
