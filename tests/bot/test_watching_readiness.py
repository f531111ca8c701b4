"""When /readyz turns red, and in which words: the tick is late, or the database doesn't do what it should."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import Update, update

from audits.people import Person
from scheduling.door import Parcel
from storage.tables import OutboxRow
from tests.bot.watched import Opens, Watched, founded, opens

__all__ = ["founded", "opens"]
LATE = "what is due was last seen to 2 minutes ago; that should happen every 15 seconds"


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    deadline = monotonic() + 20
    while not await condition():
        assert monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0)


async def test_before_the_first_beat_it_is_not_ready_and_says_that_it_has_only_just_started(opens: Opens) -> None:
    async with opens() as watched:
        assert await watched.ready() == ["auditloop has only just started and is looking at what is due"]
        watched.pass_by(300)
        assert await watched.ready() == ["nothing was seen to in 5 minutes; that should happen every 15 seconds"]
        await watched.program.beat()
        assert await watched.ready() == []


async def test_eight_beats_may_be_left_out(opens: Opens) -> None:
    async with opens() as watched:
        await watched.program.beat()
        watched.pass_by(120)
        assert await watched.ready() == []
        watched.pass_by(1)
        assert await watched.ready() == [LATE]
        await watched.program.beat()
        assert await watched.ready() == []


class Hanging:
    """A door behind which nothing ever comes back, until it is let go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        self.reached.set()
        await self.let_go.wait()


async def test_a_beat_that_hangs_makes_it_late_however_often_it_is_called(opens: Opens) -> None:
    async with opens() as watched:
        await watched.program.beat()
        door = Hanging()
        watched.program.door = door
        async with watched.service.store.begin() as tx:
            await tx.execute(_queued_again())
        hanging = asyncio.create_task(watched.program.beat())
        await door.reached.wait()
        waiting = asyncio.create_task(watched.program.beat())
        watched.pass_by(121)
        assert await watched.ready() == [LATE]
        page = await watched.figures()
        assert page.value("auditloop_tick_running_seconds") == 121
        assert page.value("auditloop_tick_age_seconds") == 121
        door.let_go.set()
        await asyncio.gather(hanging, waiting)
        assert await watched.ready() == []
        assert (await watched.figures()).value("auditloop_tick_running_seconds") == 0


def _queued_again() -> Update:
    return update(OutboxRow.table()).values(state="queued", sent_at=None, attempts=0, digest=None)


@asynccontextmanager
async def without_the_outbox(file: Path) -> AsyncIterator[None]:
    """Somebody has taken a table away: whatever the tick does, it raises."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE outbox RENAME TO elsewhere")
        yield
        connection.execute("ALTER TABLE elsewhere RENAME TO outbox")


async def test_a_beat_that_raises_every_time_makes_it_late(opens: Opens, tmp_path: Path) -> None:
    signs: list[str] = []
    async with opens() as watched:
        watched.program.after_tick = lambda: signs.append("alive")
        await watched.program.beat()
        assert signs == ["alive"]
        async with without_the_outbox(tmp_path / "service.sqlite3"):
            for _ in range(9):
                watched.pass_by(15)
                with pytest.raises(Exception, match="no such table: outbox"):
                    await watched.program.beat()
            assert await watched.ready() == [LATE]
            page = await watched.figures()
            # Something answers, but not what is asked: that is no answer.
            assert page.value("auditloop_database_up") == 0
        assert signs == ["alive"]
        assert page.value("auditloop_ticks_total", "failed") == 9
        assert page.value("auditloop_ticks_total", "good") == 1
        await watched.program.beat()
        assert await watched.ready() == []
        assert signs == ["alive", "alive"]


async def test_a_database_that_can_only_be_read_is_said(opens: Opens) -> None:
    async with opens(url="sqlite:///file:{0}?mode=ro&uri=true") as watched:
        said = await watched.ready()
    assert said[0] == "the database can't be written to"


@pytest.mark.parametrize("hours", [-5, 5])
async def test_a_clock_that_is_set_to_another_time_neither_hides_nor_feigns_a_late_beat(
    opens: Opens, hours: int
) -> None:
    async with opens() as watched:
        await watched.program.beat()
        watched.service.clock.moment += timedelta(hours=hours)
        assert await watched.ready() == []
        watched.seconds.passed += 121
        assert await watched.ready() == [LATE]
        await watched.program.beat()
        assert await watched.ready() == []


async def test_where_the_heartbeat_stands_still_it_beats_by_itself(
    opens: Opens, caplog: pytest.LogCaptureFixture
) -> None:
    """As after the computer's clock was set back: APScheduler then waits until it is as late as it was."""

    async def beaten(watched: Watched, times: int) -> bool:
        return (await watched.figures()).value("auditloop_ticks_total", "good") >= times

    async with opens() as watched:
        keeping = asyncio.create_task(watched.program.keep_up(longest=0.01))
        watched.pass_by(1)
        await eventually(lambda: beaten(watched, 1))
        with caplog.at_level(logging.ERROR):
            watched.pass_by(1)
            await eventually(lambda: beaten(watched, 2))
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert not caplog.records


async def test_while_something_else_beats_it_beats_only_when_it_is_called(opens: Opens) -> None:
    async with opens() as watched:
        await watched.program.beat()
        keeping = asyncio.create_task(watched.program.keep_up(longest=0.005))
        # Time stands still, so the last beat is as fresh as it was; many of these waits go by meanwhile.
        until = monotonic() + 0.2
        while monotonic() < until:
            await watched.ready()
        assert (await watched.figures()).value("auditloop_ticks_total", "good") == 1
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_it_ends_when_it_is_told_to_even_while_it_is_called(opens: Opens) -> None:
    async with opens() as watched:
        keeping = asyncio.create_task(watched.program.keep_up(longest=60))
        await asyncio.sleep(0)
        watched.program.call()
        keeping.cancel()
        done, _ = await asyncio.wait({keeping}, timeout=20)
        assert done
        assert keeping.cancelled()
