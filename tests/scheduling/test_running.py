from datetime import timedelta

import pytest

from scheduling.clock import MovedClock, SystemClock
from scheduling.running import run_until
from storage.tables import OutboxRow
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Service, moment

START = moment("2026-03-02 10:00")


def test_a_clock_that_is_moved_does_not_go_back() -> None:
    clock = MovedClock(START)
    clock.move_to(START)
    with pytest.raises(ValueError, match="doesn't go back"):
        clock.move_to(START - timedelta(seconds=1))
    assert clock.now() == START


def test_the_clock_of_the_machine_is_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


async def test_everything_happens_at_its_own_moment_while_the_clock_is_moved(
    service: Service, letterbox: Letterbox
) -> None:
    await service.plan("N-1", "Marek", "2026-03-03 09:00")
    clock = MovedClock(START)
    sent = await run_until(service.store, letterbox, clock, moment("2026-03-11 12:00"))
    assert clock.now() == moment("2026-03-11 12:00")
    assert sent == len(letterbox.keys)
    when = {
        (service.name(row.to_id), row.what, row.duty): row.sent_at
        for row in await service.rows(OutboxRow, OutboxRow.duty == "accept")
    }
    assert when == {
        ("Marek", "message", "accept"): moment("2026-03-03 09:00"),
        ("Marek", "nudge", "accept"): moment("2026-03-05 09:00"),
        ("Marek", "overdue", "accept"): moment("2026-03-09 09:00"),
        ("Quinn", "escalation", "accept"): moment("2026-03-11 09:00"),
    }


async def test_a_clock_moved_in_steps_does_what_it_does_in_one(service: Service, letterbox: Letterbox) -> None:
    await service.plan("N-1", "Marek", "2026-03-03 09:00")
    clock = MovedClock(START)
    for hours in range(0, 24 * 10, 19):
        await run_until(service.store, letterbox, clock, START + timedelta(hours=hours))
    assert [key.split("/")[1:] for key in letterbox.keys if "/accept/" in key] == [
        ["accept", "1", "ask", str(service.ids["Marek"])],
        ["accept", "1", "nudge@2026-03-05T09:00", str(service.ids["Marek"])],
        ["accept", "1", "overdue@2026-03-09T09:00", str(service.ids["Marek"])],
        ["accept", "1", "escalation@2026-03-11T09:00", str(service.ids["Quinn"])],
    ]
    assert len(letterbox.keys) == len(set(letterbox.keys))


async def test_what_is_decided_at_night_is_sent_in_the_morning_while_the_clock_is_moved(
    service: Service, letterbox: Letterbox
) -> None:
    await service.allocate("N-1", "Marek", "2026-03-06 21:00")
    clock = MovedClock(moment("2026-03-06 21:00"))
    assert await run_until(service.store, letterbox, clock, moment("2026-03-09 07:59")) == 0
    assert await run_until(service.store, letterbox, clock, moment("2026-03-09 08:00")) == 2


async def test_moving_a_clock_where_nothing_is_planned_only_moves_it(service: Service, letterbox: Letterbox) -> None:
    clock = MovedClock(START)
    assert await run_until(service.store, letterbox, clock, START + timedelta(days=365)) == 0
    assert clock.now() == START + timedelta(days=365)
