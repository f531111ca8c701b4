import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduling.clock import SystemClock
from scheduling.heartbeat import start_heartbeat

GENEROUS = 20


class Heart:
    """Counts its beats; the first ones fail, if asked to."""

    def __init__(self, failing: int = 0) -> None:
        self.beats = 0
        self.failing = failing
        self.beaten = asyncio.Event()

    async def beat(self) -> None:
        self.beats += 1
        self.beaten.set()
        if self.beats <= self.failing:
            raise RuntimeError("the database is away")

    @asynccontextmanager
    async def beating(self, seconds: int = 3600) -> AsyncIterator[AsyncIOScheduler]:
        scheduler = start_heartbeat(self.beat, seconds)
        stopped = asyncio.Event()
        scheduler.add_listener(lambda _event: stopped.set(), EVENT_SCHEDULER_SHUTDOWN)
        try:
            yield scheduler
        finally:
            scheduler.shutdown(wait=False)
            await asyncio.wait_for(stopped.wait(), GENEROUS)

    async def next_beat(self, scheduler: AsyncIOScheduler) -> None:
        """Let the scheduler find that the hour is over."""
        self.beaten.clear()
        (job,) = scheduler.get_jobs()
        job.modify(next_run_time=SystemClock().now())
        await asyncio.wait_for(self.beaten.wait(), GENEROUS)


async def test_the_heart_beats_by_itself() -> None:
    heart = Heart()
    async with heart.beating(seconds=1):
        await asyncio.wait_for(heart.beaten.wait(), GENEROUS)
    assert heart.beats >= 1


async def test_a_beat_that_fails_is_logged_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    heart = Heart(failing=2)
    async with heart.beating() as scheduler:
        with caplog.at_level(logging.ERROR, logger="scheduling.heartbeat"):
            for _ in range(3):
                await heart.next_beat(scheduler)
    assert heart.beats == 3
    assert [record.getMessage() for record in caplog.records] == [
        "a tick failed; the next one takes up what is due"
    ] * 2


async def test_beats_that_were_missed_become_one_and_never_run_beside_each_other() -> None:
    heart = Heart()
    async with heart.beating() as scheduler:
        (job,) = scheduler.get_jobs()
        assert job.coalesce
        assert job.max_instances == 1
        assert job.misfire_grace_time is None


async def test_a_stopped_heart_beats_no_more() -> None:
    heart = Heart()
    async with heart.beating() as scheduler:
        await heart.next_beat(scheduler)
    assert not scheduler.running
    assert heart.beats == 1
