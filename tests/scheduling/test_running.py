from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from audits.messages import Message
from audits.people import Person
from bot.program import Program
from bot.watching.figures import Figures
from cards.card import Card
from scheduling.clock import MovedClock, SystemClock
from scheduling.delivery import ROUND_LASTS
from scheduling.door import Failure, NotDelivered, Parcel
from scheduling.running import catch_up, run_until
from storage.ledger import post
from storage.postings import Place
from storage.tables import OutboxRow, PostingRow
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


# ---- a platform that takes its time

SECOND = timedelta(seconds=1)
HEARTBEAT = 15 * SECOND


async def put(service: Service, each: int, at: datetime) -> None:
    """So many messages for each person that are about nothing but themselves."""
    messages = [
        Message(f"{name}/{number}", "message", person_id, "manager", "accept", at, notice="told", text=name)
        for name, person_id in service.ids.items()
        for number in range(each)
    ]
    async with service.store.begin() as tx:
        await post(tx, messages)


@pytest.mark.parametrize("each", [3, 40])
async def test_an_alert_that_falls_due_while_much_goes_out_goes_within_a_heartbeat_and_before_the_rest(
    service: Service, letterbox: Letterbox, each: int
) -> None:
    raised = moment("2026-03-03 10:00")
    audit = await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-02 09:00")))
    await service.happens(audit, "safety_raised", "2026-03-03 10:00", "Marek", text="Alone at night")
    await catch_up(service.store, letterbox, MovedClock(raised))
    # Nobody answers, so it goes again after a quarter of an hour.
    again = raised + timedelta(minutes=15)
    clock = MovedClock(again - 5 * SECOND)
    await put(service, each, clock.now())
    ticks: list[datetime] = []
    arrived: list[tuple[datetime, bool]] = []

    async def slowly(_to: Person, parcel: Parcel) -> None:
        clock.move_to(clock.now() + SECOND)
        arrived.append((clock.now(), parcel.urgent))

    @contextmanager
    def ticking() -> Iterator[None]:
        yield
        ticks.append(clock.now())

    begun = clock.now()
    slow = Letterbox(before=slowly)
    await catch_up(service.store, slow, clock, ticking=ticking)
    alerts = [number for number, (_, urgent) in enumerate(arrived) if urgent]
    assert arrived[alerts[0]][0] <= again + HEARTBEAT
    assert len(alerts) >= 4
    assert alerts == list(range(alerts[0], alerts[0] + len(alerts)))
    assert alerts[0] < 20 < len(arrived) - len(alerts)
    waits = [after - before for before, after in zip([begun, *ticks], ticks, strict=False)]
    assert len(ticks) > 3
    assert max(waits) <= ROUND_LASTS + SECOND * len(alerts)
    assert {row.state for row in await service.rows(OutboxRow)} == {"sent"}
    for name in service.ids:
        keys = [parcel.keys for parcel in slow.parcels(name) if not parcel.urgent]
        assert keys == [(f"{name}/{number}",) for number in range(each)]


async def test_the_last_tick_is_never_old_however_long_everything_takes_to_go_out(service: Service) -> None:
    clock = MovedClock(moment("2026-03-03 10:00"))
    await put(service, 10, clock.now())
    figures = Figures(lambda: clock.now().timestamp())
    ages: list[float] = []
    signs: list[datetime] = []

    async def slowly(_to: Person, _parcel: Parcel) -> None:
        clock.move_to(clock.now() + SECOND)
        ages.append(figures.tick_age)

    program = Program(service.store, clock, Letterbox(before=slowly), figures=figures)
    program.after_tick = lambda: signs.append(clock.now())
    begun = clock.now()
    assert await program.beat() == len(ages) == 10 * len(service.ids)
    assert clock.now() - begun > 10 * HEARTBEAT
    assert max(ages) <= HEARTBEAT.total_seconds()
    assert len(signs) == len(set(signs)) == len(ages) * SECOND / ROUND_LASTS


class SlowBoard:
    """A platform that takes a second for each change, and refuses those of some people."""

    def __init__(self, clock: MovedClock, failure: Failure | None = None) -> None:
        self.clock, self.failure = clock, failure
        self.tried: list[datetime] = []

    async def change(self, to: Person, place: Place, card: Card) -> None:
        self.clock.move_to(self.clock.now() + SECOND)
        self.tried.append(self.clock.now())
        if self.failure is not None:
            raise NotDelivered(self.failure, "Slack answered status 503")


async def much_to_change(service: Service) -> MovedClock:
    """Cards of some ninety messages that stand in chats and say something else now."""
    at = moment("2026-03-03 10:00")
    for number in range(15):
        audit = await service.allocate(("N-1", "N-2", "N-4", "S-1", "N-3")[number % 5], "Marek", "2026-03-03 09:00")
        await service.happens(audit, "accepted", "2026-03-03 09:30", "Marek")
    await catch_up(service.store, Letterbox(keeps_places=True), MovedClock(at))
    for audit in range(1, 16):
        await service.happens(audit, "withdrawn", "2026-03-03 10:00", "Quinn", reason="the case was closed")
    return MovedClock(at)


async def test_an_alert_does_not_wait_until_everything_that_stands_in_chats_is_changed(service: Service) -> None:
    clock = await much_to_change(service)
    board = SlowBoard(clock)
    waiting = len(await service.rows(PostingRow, PostingRow.next_at.is_not(None)))
    assert waiting > 2 * ROUND_LASTS / SECOND
    alert = Message("alert", "alert", service.ids["Pat"], "manager", "accept", clock.now(), notice="told", text="!")
    told: list[int] = []

    async def raise_once(_to: Person, parcel: Parcel) -> None:
        if parcel.keys == ("alert",):
            told.append(len(board.tried))

    async def change(to: Person, place: Place, card: Card) -> None:
        if len(board.tried) == 2:
            async with service.store.begin() as tx:
                await post(tx, [alert])
        await SlowBoard.change(board, to, place, card)

    board.change = change  # type: ignore[method-assign]
    await catch_up(service.store, Letterbox(before=raise_once), clock, board)
    assert told == [ROUND_LASTS / SECOND]
    assert len(board.tried) > 2 * ROUND_LASTS / SECOND
    assert await service.rows(PostingRow, PostingRow.next_at.is_not(None)) == []


async def test_a_dead_platform_is_not_asked_to_change_everything(service: Service) -> None:
    clock = await much_to_change(service)
    board = SlowBoard(clock, Failure.TEMPORARY)
    await catch_up(service.store, Letterbox(), clock, board)
    assert len(board.tried) == 10
    board.failure = None
    await catch_up(service.store, Letterbox(), clock, board)
    assert await service.rows(PostingRow, PostingRow.next_at <= clock.now()) == []
