"""Time passing: a tick with its delivery, and the moments in between when a clock is moved."""

from datetime import datetime, timedelta

from scheduling.clock import Clock, MovedClock
from scheduling.delivery import deliver_due
from scheduling.door import Door
from scheduling.ticker import next_moment, tick
from storage.store import Store


async def catch_up(store: Store, door: Door, clock: Clock) -> int:
    """Take what is due now and send what may go; how many messages went."""
    await tick(store, clock.now())
    return await deliver_due(store, door, clock)


async def run_until(store: Store, door: Door, clock: MovedClock, until: datetime) -> int:
    """Move a clock forward through every moment at which something happens; how many messages went."""
    sent = await catch_up(store, door, clock)
    while (coming := await next_moment(store, clock.now())) is not None and coming <= until:
        # What is still waiting after its own moment was held back; a minute on it is looked at again.
        moment = coming if coming > clock.now() else clock.now() + timedelta(minutes=1)
        if moment > until:
            break
        clock.move_to(moment)
        sent += await catch_up(store, door, clock)
    if clock.now() < until:
        clock.move_to(until)
    return sent
