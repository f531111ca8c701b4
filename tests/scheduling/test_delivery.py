import asyncio
import logging
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update

from audits.messages import Message
from audits.people import Person
from scheduling.clock import MovedClock
from scheduling.delivery import deliver_due
from scheduling.door import Failure, NotDelivered, Parcel
from scheduling.running import catch_up
from scheduling.ticker import tick
from storage.ledger import post
from storage.outbox import LEASE
from storage.store import Store
from storage.tables import OutboxRow, PostingRow
from tests.scheduling.conftest import Letterbox, refusing
from tests.storage.conftest import Service, moment

TUESDAY = moment("2026-03-03 10:00")
SECOND = timedelta(seconds=1)
REPEATED = "You may have had this message before."


async def put(service: Service, key: str, to: str = "Marek", *, what: str = "message", at: datetime = TUESDAY) -> None:
    """A message that is about nothing but itself."""
    message = Message(key, what, service.ids[to], "manager", "accept", at, notice="told", text=key)
    async with service.store.begin() as tx:
        await post(tx, [message])


async def row_of(service: Service, key: str) -> OutboxRow:
    (row,) = await service.rows(OutboxRow, OutboxRow.key == key)
    return row


# ---- once


async def test_what_happens_while_a_message_is_on_its_way_is_shown_in_it_afterwards(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-02 09:00")

    async def withdrawn_meanwhile(to: Person, _parcel: Parcel) -> None:
        if to.name == "Marek" and not (await service.audit(audit)).withdrawn:
            await service.happens(audit, "withdrawn", "2026-03-02 09:00", "Quinn", reason="the case was closed")

    door, clock = Letterbox(after=withdrawn_meanwhile, keeps_places=True), MovedClock(moment("2026-03-02 09:00"))
    await catch_up(service.store, door, clock, door)
    assert {(name, card.actions) for name, card in door.changed} == {("Marek", ())}
    assert await service.rows(PostingRow, PostingRow.next_at.is_not(None)) == []


async def test_a_message_during_which_nothing_happened_stays_as_it_is(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    door, clock = Letterbox(keeps_places=True), MovedClock(moment("2026-03-02 09:00"))
    sent = await catch_up(service.store, door, clock, door)
    assert sent == len(await service.rows(PostingRow)) > 0
    assert door.changed == []


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
    assert again.card.text == (REPEATED, *first.card.text)
    row = await row_of(service, key)
    assert (row.state, row.possible_repeat, row.attempts) == ("sent", True, 2)


async def test_what_may_have_arrived_is_sent_again_and_says_so(service: Service, letterbox: Letterbox) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    assert await deliver_due(service.store, refusing(Failure.UNKNOWN), MovedClock(TUESDAY)) == 0
    first, second = await service.rows(OutboxRow)
    assert (first.state, second.state) == ("unknown", "queued")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY + timedelta(minutes=1)))
    assert [parcel.repeat for parcel in letterbox.parcels("Marek")] == [True, False]
    assert [parcel.card.text[0] == REPEATED for parcel in letterbox.parcels("Marek")] == [True, False]


async def test_a_joined_reminder_whose_sender_died_says_so_when_it_goes_again(
    service: Service, letterbox: Letterbox
) -> None:
    for ref in ("N-1", "N-2"):
        await service.allocate(ref, "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    letterbox.emptied()
    morning = moment("2026-03-05 09:00")
    await tick(service.store, morning)

    async def die(_to: Person, _parcel: Parcel) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await deliver_due(service.store, Letterbox(after=die), MovedClock(morning))
    await deliver_due(service.store, letterbox, MovedClock(morning + LEASE + SECOND))
    ((_, parcel),) = letterbox.arrived
    assert parcel.card.title == "2 reminders for you"
    assert parcel.repeat
    assert parcel.card.text[0] == REPEATED


async def test_a_list_of_the_cycle_whose_sender_died_says_so_when_it_goes_again(
    service: Service, letterbox: Letterbox
) -> None:
    await service.allocate("S-1", "Mo", "2026-03-03 09:00")
    monday = moment("2026-03-30 09:00")
    await catch_up(service.store, letterbox, MovedClock(monday - SECOND))
    letterbox.emptied()
    await tick(service.store, monday)

    async def die(_to: Person, parcel: Parcel) -> None:
        if parcel.keys[0].startswith("cycle/"):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await deliver_due(service.store, Letterbox(after=die), MovedClock(monday))
    await deliver_due(service.store, letterbox, MovedClock(monday + LEASE + SECOND))
    (card,) = [parcel.card for parcel in letterbox.parcels("Sol") if parcel.keys[0].startswith("cycle/")]
    assert card.text[0] == REPEATED


async def test_a_sender_that_outlived_its_lease_takes_nothing_back(service: Service, letterbox: Letterbox) -> None:
    late = MovedClock(TUESDAY + LEASE + SECOND)
    for failure in Failure:
        await put(service, failure.value)

        async def slow(_to: Person, _parcel: Parcel, failure: Failure = failure) -> None:
            async with service.another_node() as other:
                await deliver_due(other, letterbox, late)
            raise NotDelivered(failure, "No answer")

        assert await deliver_due(service.store, Letterbox(before=slow), MovedClock(TUESDAY)) == 0
        row = await row_of(service, failure.value)
        assert (row.state, row.sent_at, row.error) == ("sent", late.now(), "")
    assert letterbox.keys == list(Failure)
    assert len(await service.rows(OutboxRow)) == len(Failure)


async def test_a_long_round_does_not_claim_under_a_lease_that_is_over(service: Service, letterbox: Letterbox) -> None:
    await put(service, "a", "Marek")
    await put(service, "b", "Priya")
    clock = MovedClock(TUESDAY)

    async def slow(to: Person, _parcel: Parcel) -> None:
        if to.name == "Marek":
            clock.move_to(TUESDAY + LEASE + SECOND)
            return
        async with service.another_node() as other:
            await deliver_due(other, letterbox, clock)

    mine = Letterbox(before=slow)
    await deliver_due(service.store, mine, clock)
    assert mine.names == ["Marek", "Priya"]
    assert "b" not in letterbox.keys
    assert (await row_of(service, "b")).sent_at == clock.now()


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


async def test_temporary_failures_back_off_up_to_ten_minutes(service: Service) -> None:
    await put(service, "a")
    door = refusing(Failure.TEMPORARY)
    now, waits = TUESDAY, []
    for _ in range(10):
        await deliver_due(service.store, door, MovedClock(now))
        coming = (await row_of(service, "a")).not_before
        waits.append((coming - now).total_seconds())
        now = coming
    longest = [15, 30, 60, 120, 240, 480, 600, 600, 600, 600]
    assert all(0.75 * most <= wait <= most for wait, most in zip(waits, longest, strict=True)), waits


async def test_what_failed_together_is_tried_again_person_by_person(service: Service, letterbox: Letterbox) -> None:
    """An outage fails everybody's messages at once; each person still gets theirs in the order of their making."""
    for number in range(3):
        for name in service.ids:
            await put(service, f"{name}/{number}", name)
    await deliver_due(service.store, refusing(Failure.TEMPORARY, only=None), MovedClock(TUESDAY))
    rows = await service.rows(OutboxRow)
    assert len({row.not_before for row in rows}) > len(service.ids) / 2
    for moment_ in sorted({row.not_before for row in rows}):
        await deliver_due(service.store, letterbox, MovedClock(moment_))
    assert letterbox.names != sorted(letterbox.names)
    for name in service.ids:
        keys = [key for parcel in letterbox.parcels(name) for key in parcel.keys]
        assert keys == [f"{name}/{number}" for number in range(3)]


async def test_a_message_that_was_tried_very_often_still_waits_no_longer_than_ten_minutes(service: Service) -> None:
    await put(service, "a")
    await put(service, "b", "Priya")
    async with service.store.begin() as tx:
        await tx.session.execute(update(OutboxRow).where(OutboxRow.key == "a").values(attempts=4500))
    door = refusing(Failure.TEMPORARY)
    await deliver_due(service.store, door, MovedClock(TUESDAY))
    assert door.names == ["Priya"]
    assert timedelta(minutes=7) <= (await row_of(service, "a")).not_before - TUESDAY <= timedelta(minutes=10)


async def test_a_door_that_breaks_holds_nobody_else_up_and_may_have_sent_it(
    service: Service, letterbox: Letterbox, caplog: pytest.LogCaptureFixture
) -> None:
    await put(service, "a")
    await put(service, "b", "Priya")

    async def break_down(to: Person, _parcel: Parcel) -> None:
        if to.name == "Marek":
            raise ValueError("no such channel")

    door = Letterbox(before=break_down)
    with caplog.at_level(logging.ERROR, logger="scheduling.delivery"):
        assert await deliver_due(service.store, door, MovedClock(TUESDAY)) == 1
    assert door.names == ["Priya"]
    assert [record.getMessage() for record in caplog.records] == ["a door broke in mid-send"]
    row = await row_of(service, "a")
    assert (row.state, row.error, row.possible_repeat) == ("unknown", "the door broke: ValueError", True)
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY + timedelta(minutes=1)))
    assert [parcel.repeat for parcel in letterbox.parcels("Marek")] == [True]


async def test_a_list_that_the_framework_has_lost_still_goes(service: Service, letterbox: Letterbox) -> None:
    await service.allocate("S-1", "Mo", "2026-03-03 09:00")
    monday = moment("2026-03-30 09:00")
    await tick(service.store, monday)
    await put(service, "b", "Priya", at=monday)
    framework = service.store.framework
    cycle = framework.cycle.model_copy(update={"notices": {}})
    changed = framework.model_copy(update={"cycle": cycle})
    store = Store(service.store.database, changed, service.store.calendar)
    await deliver_due(store, letterbox, MovedClock(monday))
    assert "Priya" in letterbox.names
    (card,) = [parcel.card for parcel in letterbox.parcels("Sol") if parcel.keys[0].startswith("cycle/")]
    assert card.text == ("The framework no longer has this list.",)


async def test_a_card_that_cannot_be_built_waits_with_its_reason_and_the_others_go(
    service: Service, letterbox: Letterbox, caplog: pytest.LogCaptureFixture
) -> None:
    await service.allocate("S-1", "Mo", "2026-03-03 09:00")
    monday = moment("2026-03-30 09:00")
    await tick(service.store, monday)
    await put(service, "b", "Priya", at=monday)
    (built,) = await service.rows(OutboxRow, OutboxRow.notice == "cycle.copies")
    async with service.store.begin() as tx:
        await tx.session.execute(update(OutboxRow).where(OutboxRow.id == built.id).values(details={"audits": 7}))
    with caplog.at_level(logging.ERROR, logger="scheduling.delivery"):
        await deliver_due(service.store, letterbox, MovedClock(monday))
    assert [record.getMessage() for record in caplog.records] == [f"the card of {built.key} can't be built"]
    assert "Priya" in letterbox.names
    assert built.key not in letterbox.keys
    row = await row_of(service, built.key)
    assert (row.state, row.error, row.possible_repeat) == ("queued", "the card can't be built: TypeError", False)

    async with service.store.begin() as tx:
        await tx.session.execute(update(OutboxRow).where(OutboxRow.id == built.id).values(details=built.details))
    await deliver_due(service.store, letterbox, MovedClock(row.not_before))
    assert built.key in letterbox.keys


async def test_a_person_who_cannot_be_reached_holds_nobody_else_up(service: Service) -> None:
    for name in ("Marek", "Priya"):
        await put(service, name, name)
    door = refusing(Failure.TEMPORARY)
    assert await deliver_due(service.store, door, MovedClock(TUESDAY)) == 1
    assert door.names == ["Priya"]


async def test_what_cannot_arrive_goes_to_the_manager_and_the_qa_officer_hears(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    door = refusing(Failure.PERMANENT)
    await deliver_due(service.store, door, MovedClock(TUESDAY))
    rows = await service.rows(OutboxRow, OutboxRow.to_id == service.ids["Marek"])
    assert {(row.state, row.error) for row in rows} == {("failed", "The app is blocked")}
    assert sorted(key.split("/")[1] for parcel in door.parcels("Lena") for key in parcel.keys) == [
        "accept",
        "complete_audit",
    ]
    for parcel in door.parcels("Lena"):
        assert parcel.card.title.startswith("For Marek: ")
        assert parcel.card.text[0].startswith("I couldn't reach Marek, so this comes to you.")
    (told,) = (parcel.card.text for parcel in door.parcels("Quinn"))
    assert told == ("A message for Marek did not arrive: The app is blocked. The message went to Lena instead.",)
    assert {row.audit_id for row in await service.rows(OutboxRow)} == {audit}
    door.emptied()
    await deliver_due(service.store, door, MovedClock(TUESDAY + timedelta(days=9)))
    assert door.names == []


async def test_a_manager_on_leave_is_passed_over_for_the_next(service: Service) -> None:
    await service.change("Lena", leave_from=date(2026, 3, 2), leave_until=date(2026, 3, 6))
    await put(service, "a")
    door = refusing(Failure.PERMANENT)
    await deliver_due(service.store, door, MovedClock(TUESDAY))
    assert sorted(door.names) == ["Hana", "Quinn"]


async def test_while_the_qa_officer_is_on_leave_their_cover_hears_what_did_not_arrive(service: Service) -> None:
    away = {"leave_from": date(2026, 3, 2), "leave_until": date(2026, 3, 20)}
    await service.change("Quinn", **away, cover_id=service.ids["Umar"])
    await put(service, "a")
    door = refusing(Failure.PERMANENT)
    await deliver_due(service.store, door, MovedClock(TUESDAY))
    assert sorted(door.names) == ["Lena", "Umar"]


async def test_nothing_is_sent_to_somebody_who_has_left(service: Service, letterbox: Letterbox) -> None:
    await put(service, "a")
    await service.change("Marek", active=False)
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
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
    await deliver_due(service.store, door, MovedClock(night))
    assert sorted(door.names) == ["Lena", "Quinn"]


async def test_the_officer_hears_once_a_day_of_an_audit_whose_messages_do_not_arrive(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    door = refusing(Failure.PERMANENT)
    for day in ("2026-03-03 09:00", "2026-03-05 09:00"):
        await tick(service.store, moment(day))
        await deliver_due(service.store, door, MovedClock(moment(day)))
        assert len(door.parcels("Quinn")) == 1, day
        door.emptied()


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


async def test_a_nudge_that_may_have_arrived_is_not_sent_again_once_its_duty_is_done(
    service: Service, letterbox: Letterbox
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    morning = moment("2026-03-05 09:00")
    await tick(service.store, morning)
    await deliver_due(service.store, refusing(Failure.UNKNOWN), MovedClock(morning))
    await service.happens(audit, "accepted", "2026-03-05 09:00", "Marek")
    letterbox.emptied()
    await deliver_due(service.store, letterbox, MovedClock(morning + timedelta(hours=2)))
    assert not any("/nudge@" in key for key in letterbox.keys)
    assert {row.state for row in await service.rows(OutboxRow, OutboxRow.what == "nudge")} == {"superseded"}


async def test_a_nudge_that_was_on_its_way_is_not_tried_again_once_its_duty_is_done(
    service: Service, letterbox: Letterbox
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    morning = moment("2026-03-05 09:00")
    await tick(service.store, morning)

    async def press_meanwhile(_to: Person, parcel: Parcel) -> None:
        if "/nudge@" in parcel.keys[0]:
            await service.happens(audit, "accepted", "2026-03-05 09:00", "Marek")
            raise NotDelivered(Failure.TEMPORARY, "Too many requests")

    await deliver_due(service.store, Letterbox(before=press_meanwhile), MovedClock(morning))
    letterbox.emptied()
    await deliver_due(service.store, letterbox, MovedClock(morning + timedelta(hours=2)))
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
    assert parcel.card.text[0] == "A reminder: your answer is due Fri 6 Mar 2026."


async def test_alerts_go_before_everything_and_the_rest_in_its_order(service: Service, letterbox: Letterbox) -> None:
    await put(service, "first", "Priya")
    await put(service, "second", "Lena")
    await put(service, "third", "Lena")
    await put(service, "alert", "Lena", what="alert")
    await deliver_due(service.store, letterbox, MovedClock(TUESDAY))
    assert letterbox.keys == ["alert", "second", "third", "first"]


async def test_a_card_is_of_the_moment_at_which_it_is_sent(service: Service, letterbox: Letterbox) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 21:00")
    await service.happens(audit, "accepted", "2026-03-04 07:20", "Marek")
    await service.happens(audit, "held", "2026-03-04 07:30", "Marek")
    await deliver_due(service.store, letterbox, MovedClock(moment("2026-03-04 08:00")))
    parcel = next(one for one in letterbox.parcels("Marek") if "complete_audit" in one.keys[0])
    assert parcel.keys[0].startswith(f"{audit}/complete_audit/1/ask/")
    assert "submit" in {action.verb for action in parcel.card.actions}
