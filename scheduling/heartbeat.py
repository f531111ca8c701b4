"""The heartbeat: APScheduler calls the tick. It decides nothing, so the number of nodes doesn't matter."""

import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)


def start_heartbeat(beat: Callable[[], Awaitable[object]], seconds: int) -> AsyncIOScheduler:
    """Call `beat` every so many seconds until the scheduler is shut down. A beat that fails doesn't stop the next."""

    async def once() -> None:
        try:
            await beat()
        except Exception:
            log.exception("a tick failed; the next one takes up what is due")

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(once, "interval", seconds=seconds, coalesce=True, max_instances=1, misfire_grace_time=None)
    scheduler.start()
    return scheduler
