"""Messages that have been delivered are changed where they stand, once what they ask has been done."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from audits.people import Person
from cards.card import Card
from cards.stored import fingerprint
from scheduling.clock import Clock
from scheduling.delivery import MOST_IN_VAIN, ROUND_LASTS
from scheduling.door import Board, Failure, NotDelivered
from scheduling.standing import standing
from scheduling.waits import wait_before
from storage.interruptions import in_the_way, of_the_database
from storage.postings import (
    claim_posting,
    due_postings,
    place_of,
    put_off_posting,
    settle_posting,
)
from storage.store import Store, Transaction
from storage.tables import PostingRow

BATCH = 50
log = logging.getLogger(__name__)


async def refresh_due(
    store: Store, board: Board, clock: Clock, *, between: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Change what stands in chats and no longer shows how things are; how many messages were changed.

    1. What may show something old is read. 2. Each is claimed, and its card made anew. 3. One that would show the same
    is left alone. 4. What can't be changed now is tried again; what can't be changed at all stays as it is, since the
    answer to a press never rests on what a card shows. 5. `between` two rounds there is time for what can't wait until
    everything is changed. Where one try after the other fails, the rest is left for the next beat.
    """
    changed = in_vain = 0
    seen: set[int] = set()
    while ids := [one for one in await _due(store, clock) if one not in seen]:
        if seen and between is not None:
            await between()
        round_until = clock.now() + ROUND_LASTS
        for posting_id in ids:
            seen.add(posting_id)
            done = await _refreshed(store, board, clock, posting_id)
            changed += done is True
            in_vain = 0 if done else in_vain + (done is False)
            if in_vain >= MOST_IN_VAIN:
                return changed
            if clock.now() >= round_until:
                break
    return changed


async def _due(store: Store, clock: Clock) -> list[int]:
    async with store.begin(people=False) as tx:
        return await due_postings(tx, clock.now(), BATCH)


async def _refreshed(store: Store, board: Board, clock: Clock, posting_id: int) -> bool | None:
    """Whether a posting was changed; None where there was nothing to change."""
    try:
        return await _refresh(store, board, clock, posting_id)
    except Exception as fault:
        if of_the_database(fault) and not in_the_way(fault):
            raise
        # One card that can't be made must not keep the others waiting; its lease ends by itself.
        log.exception("posting %s can't be refreshed", posting_id)
        return None


@dataclass(frozen=True)
class _Changed:
    """What a posting is to show from now on."""

    row: PostingRow
    person: Person
    card: Card
    shown: str


async def _refresh(store: Store, board: Board, clock: Clock, posting_id: int) -> bool | None:
    found = await store.attempt(lambda tx: _looked_at(tx, posting_id, clock.now()))
    return await _change(store, board, clock, found) if found is not None else None


async def _looked_at(tx: Transaction, posting_id: int, now: datetime) -> _Changed | None:
    """What a posting is to show instead; None where it may stay as it is, or another node has it."""
    row = await claim_posting(tx, posting_id, now)
    if row is None:
        return None
    found = await standing(tx, row, now)
    if found is None:
        await put_off_posting(tx, row, None)
        return None
    shown = fingerprint(found.card)
    if shown == row.shown:
        await settle_posting(tx, row, shown)
        return None
    return _Changed(row, tx.directory.people[row.person_id], found.card, shown)


async def _change(store: Store, board: Board, clock: Clock, wanted: _Changed) -> bool | None:
    row = wanted.row
    try:
        await board.change(wanted.person, place_of(row), wanted.card)
    except NotDelivered as failure:
        again = None
        if failure.failure is not Failure.PERMANENT:
            again = clock.now() + (failure.retry_after or wait_before(row.attempts, row.token))
        else:
            log.warning("posting %s stays as it is: %s", row.id, failure.reason)
        await store.attempt(lambda tx: put_off_posting(tx, row, again), people=False)
        return None if again is None else False
    await store.attempt(lambda tx: settle_posting(tx, row, wanted.shown), people=False)
    return True
