"""Time passing: a tick with its delivery, and the moments in between when a clock is moved."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import datetime, timedelta

from scheduling.clock import Clock, MovedClock
from scheduling.delivery import deliver_due
from scheduling.door import Board, Door
from scheduling.refreshing import refresh_due
from scheduling.ticker import next_moment, tick
from storage.store import Store

DAY = 24 * 60


async def catch_up(
    store: Store,
    door: Door,
    clock: Clock,
    board: Board | None = None,
    *,
    at_once: int = 1,
    ticking: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> int:
    """Take what is due now, send what may go, and change what stands on `board`; how many messages went.

    Messages go to `at_once` people at the same time. Platforms take their time over many, so it is ticked again after
    each round of messages or changes, and an alert that fell due meanwhile goes before the rest. Each tick with its
    round runs within a context of `ticking`.
    """
    sent = 0
    with ExitStack() as running:

        async def tick_again() -> None:
            running.close()
            running.enter_context(ticking())
            await tick(store, clock.now())

        async def send() -> None:
            nonlocal sent
            sent += await deliver_due(store, door, clock, at_once=at_once, between=tick_again)

        async def tick_and_send() -> None:
            await tick_again()
            await send()

        await tick_and_send()
        if board is not None:
            await refresh_due(store, board, clock, between=tick_and_send)
    return sent


async def run_until(store: Store, door: Door, clock: MovedClock, until: datetime, board: Board | None = None) -> int:
    """Move a clock forward through every moment at which something happens; how many messages went."""
    sent = await catch_up(store, door, clock, board)
    waits = 0
    while (coming := await next_moment(store, clock.now())) is not None and coming <= until:
        waits = 0 if coming > clock.now() else waits + 1
        moment = coming if not waits else await _once_more(store, clock.now(), waits)
        if moment > until:
            break
        clock.move_to(moment)
        sent += await catch_up(store, door, clock, board)
    if clock.now() < until:
        clock.move_to(until)
    return sent


async def _once_more(store: Store, now: datetime, waits: int) -> datetime:
    """When to look again at what still waits after its own moment: a minute on, then less and less often, so that a
    step which fails for good doesn't hold a moved clock; but never later than the next thing that is due."""
    again = now + timedelta(minutes=min(2 ** (waits - 1), DAY))
    coming = await next_moment(store, now, later=True)
    return min(again, coming) if coming is not None else again
