import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from audits.messages import Message
from storage.ledger import post, supersede
from storage.outbox import (
    LEASE,
    claim,
    mark_failed,
    mark_sent,
    mark_superseded,
    mark_waiting,
    recipients_due,
    release_expired,
)
from storage.store import Store
from storage.tables import DutyRow, OutboxRow
from tests.storage.conftest import Service, moment

TUESDAY = moment("2026-03-03 10:00")


def message(service: Service, key: str, to: str = "Marek", *, what: str = "message", at: datetime = TUESDAY) -> Message:
    return Message(key=key, what=what, to_id=service.ids[to], to_role="manager", duty="accept", at=at, text=key)


async def put(service: Service, *messages: Message) -> None:
    async with service.store.begin() as tx:
        await post(tx, messages)


async def claimed(store: Store, person: int, now: datetime) -> list[str]:
    async with store.begin() as tx:
        return [row.key for row in await claim(tx, person, now)]


async def state_of(service: Service, key: str) -> OutboxRow:
    (row,) = await service.rows(OutboxRow, OutboxRow.key == key)
    return row


async def test_a_message_with_a_key_that_is_there_already_is_the_same_message(service: Service) -> None:
    first = message(service, "1/accept/ask/9")
    await put(service, first, first)
    await put(service, replace(first, text="Another wording"))
    (row,) = await service.rows(OutboxRow)
    assert row.text == "1/accept/ask/9"


async def test_two_who_post_the_same_message_at_once_leave_one(service: Service) -> None:
    async with service.another_node() as other:
        nodes = (service, replace(service, store=other))
        await asyncio.gather(*(put(node, message(service, "1/accept/ask/9")) for node in nodes))
    assert len(await service.rows(OutboxRow)) == 1


@pytest.mark.parametrize("what", ["message", "nudge", "overdue"])
@pytest.mark.parametrize(
    ("decided", "goes"),
    [
        ("2026-03-03 08:00", "2026-03-03 08:00"),
        ("2026-03-03 18:00", "2026-03-04 08:00"),
        ("2026-03-06 19:30", "2026-03-09 08:00"),
        ("2026-04-02 18:30", "2026-04-07 08:00"),  # before Good Friday
    ],
)
async def test_quiet_hours_hold_a_message_until_the_next_working_morning(
    service: Service, what: str, decided: str, goes: str
) -> None:
    await put(service, message(service, "a", what=what, at=moment(decided)))
    assert (await state_of(service, "a")).not_before == moment(goes)


@pytest.mark.parametrize("what", ["alert", "escalation"])
async def test_quiet_hours_hold_no_alert_and_no_escalation(service: Service, what: str) -> None:
    at = moment("2026-04-03 23:10")
    await put(service, message(service, "a", what=what, at=at))
    assert (await state_of(service, "a")).not_before == at


async def test_a_message_is_claimed_by_one_sender_under_a_lease(service: Service) -> None:
    await put(service, message(service, "a"))
    assert await claimed(service.store, service.ids["Marek"], TUESDAY) == ["a"]
    assert await claimed(service.store, service.ids["Marek"], TUESDAY) == []
    row = await state_of(service, "a")
    assert (row.state, row.attempts, row.lease_until) == ("sending", 1, TUESDAY + LEASE)


async def test_two_senders_at_once_never_claim_the_same_message(service: Service) -> None:
    await put(service, *(message(service, f"{number}") for number in range(20)))
    async with service.another_node() as other:
        found = await asyncio.gather(
            *(claimed(store, service.ids["Marek"], TUESDAY) for store in (service.store, other) * 3)
        )
    keys = [key for keys in found for key in keys]
    assert sorted(keys) == sorted(str(number) for number in range(20))


async def test_a_lease_that_has_expired_makes_the_message_a_possible_repeat(service: Service) -> None:
    await put(service, message(service, "a"))
    await claimed(service.store, service.ids["Marek"], TUESDAY)
    async with service.store.begin() as tx:
        assert await release_expired(tx, TUESDAY + LEASE) == 0
        assert await release_expired(tx, TUESDAY + LEASE + timedelta(seconds=1)) == 1
    row = await state_of(service, "a")
    assert (row.state, row.possible_repeat, row.lease_until) == ("unknown", True, None)
    assert await claimed(service.store, service.ids["Marek"], TUESDAY + LEASE) == ["a"]


async def test_a_lease_from_a_clock_that_was_ahead_does_not_hold_its_message_for_as_long(service: Service) -> None:
    await put(service, message(service, "a"), message(service, "b", "Priya"))
    await claimed(service.store, service.ids["Marek"], TUESDAY + timedelta(days=3))
    await claimed(service.store, service.ids["Priya"], TUESDAY + LEASE)
    async with service.store.begin() as tx:
        assert await release_expired(tx, TUESDAY) == 1
    assert (await state_of(service, "a")).state == "unknown"
    assert (await state_of(service, "b")).state == "sending"


async def test_an_alert_from_a_clock_that_was_ahead_does_not_wait_for_that_moment(service: Service) -> None:
    ahead = TUESDAY + timedelta(days=3)
    alert = message(service, "alert", what="alert", at=ahead)
    await put(service, alert, message(service, "asked for an hour", "Priya", what="alert"))
    await claimed(service.store, service.ids["Priya"], TUESDAY)
    hour, sending = TUESDAY + timedelta(hours=1), await state_of(service, "asked for an hour")
    async with service.store.begin() as tx:
        await mark_waiting(tx, [sending], hour, "Too many requests", unknown=False)
        assert await recipients_due(tx, TUESDAY, 50) == [(service.ids["Marek"], True)]
    assert await claimed(service.store, service.ids["Marek"], TUESDAY) == ["alert"]
    assert (await state_of(service, "asked for an hour")).not_before == hour


async def test_a_message_put_back_is_not_due_before_its_time(service: Service) -> None:
    await put(service, message(service, "a"))
    await claimed(service.store, service.ids["Marek"], TUESDAY)
    later = TUESDAY + timedelta(minutes=3)
    sending = await state_of(service, "a")
    async with service.store.begin() as tx:
        await mark_waiting(tx, [sending], later, "Too many requests", unknown=False)
        assert await recipients_due(tx, later - timedelta(seconds=1), 50) == []
        assert await recipients_due(tx, later, 50) == [(service.ids["Marek"], False)]
    row = await state_of(service, "a")
    assert (row.state, row.error, row.possible_repeat) == ("queued", "Too many requests", False)


async def test_what_was_sent_is_never_due_again(service: Service) -> None:
    await put(service, message(service, "a"))
    async with service.store.begin() as tx:
        await mark_sent(tx, await claim(tx, service.ids["Marek"], TUESDAY), TUESDAY, None)
        assert await recipients_due(tx, TUESDAY + timedelta(days=400), 50) == []


async def test_a_sender_that_outlived_its_lease_has_no_say_any_more(service: Service) -> None:
    await put(service, message(service, "a"))
    late = TUESDAY + LEASE + timedelta(seconds=1)
    async with service.store.begin() as tx:
        mine = await claim(tx, service.ids["Marek"], TUESDAY)
    async with service.store.begin() as tx:
        await release_expired(tx, late)
        assert await mark_failed(tx, mine, "Blocked") == []
        await mark_sent(tx, mine, late, None)
        theirs = await claim(tx, service.ids["Marek"], late)
        await mark_waiting(tx, mine, late, "Too many requests", unknown=False)
        await mark_superseded(tx, mine)
    row = await state_of(service, "a")
    assert (row.state, row.attempts, row.error, row.lease_until) == ("sending", 2, "", late + LEASE)
    async with service.store.begin() as tx:
        assert [one.key for one in await mark_failed(tx, theirs, "Blocked")] == ["a"]
    assert (await state_of(service, "a")).state == "failed"


async def test_people_with_alerts_come_first_and_their_alerts_before_the_rest(service: Service) -> None:
    await put(service, message(service, "ordinary", "Priya"), message(service, "older", "Lena"))
    await put(service, message(service, "alert", "Lena", what="alert"))
    async with service.store.begin() as tx:
        assert await recipients_due(tx, TUESDAY, 1) == [(service.ids["Lena"], True)]
        everyone = [(service.ids["Lena"], True), (service.ids["Priya"], False)]
        assert await recipients_due(tx, TUESDAY, 50) == everyone
    assert await claimed(service.store, service.ids["Lena"], TUESDAY) == ["alert", "older"]


async def test_only_what_still_waits_is_superseded_and_never_an_alert(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    (duty,) = (await service.audit(audit)).open_duties("accept")
    assert await service.rows(DutyRow, DutyRow.ref == duty.ref)
    told = [message(service, "gone", "Priya"), message(service, "unsure", "Lena", what="nudge")]
    told.extend(message(service, kind, what=kind) for kind in ("nudge", "overdue", "escalation", "alert"))
    await put(service, *(replace(one, duty_ref=duty.ref) for one in told))
    async with service.store.begin() as tx:
        await mark_sent(tx, await claim(tx, service.ids["Priya"], TUESDAY), TUESDAY, None)
        await mark_waiting(tx, await claim(tx, service.ids["Lena"], TUESDAY), TUESDAY, "Broke off", unknown=True)
        assert (await tx.session.scalars(select(OutboxRow.state).where(OutboxRow.key == "unsure"))).one() == "unknown"
        await supersede(tx, [duty])
    states = {one.key: (await state_of(service, one.key)).state for one in told}
    assert states == {
        "gone": "sent",
        "unsure": "superseded",
        "nudge": "superseded",
        "overdue": "superseded",
        "escalation": "superseded",
        "alert": "queued",
    }
