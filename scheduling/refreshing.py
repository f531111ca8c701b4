"""Messages that have been delivered are changed where they stand, once what they ask has been done."""

import logging

from audits.people import Person
from cards.card import Card
from cards.stored import fingerprint
from scheduling.clock import Clock
from scheduling.door import Board, Failure, NotDelivered
from scheduling.standing import standing
from scheduling.waits import wait_before
from storage.postings import (
    claim_posting,
    due_postings,
    place_of,
    put_off_posting,
    settle_posting,
)
from storage.store import Store
from storage.tables import PostingRow

BATCH = 50
log = logging.getLogger(__name__)


async def refresh_due(store: Store, board: Board, clock: Clock) -> int:
    """Change what stands in chats and no longer shows how things are; how many messages were changed.

    1. What may show something old is read. 2. Each is claimed, and its card made anew. 3. One that would show the same
    is left alone. 4. What can't be changed now is tried again; what can't be changed at all stays as it is, since the
    answer to a press never rests on what a card shows.
    """
    changed = 0
    seen: set[int] = set()
    while True:
        async with store.begin() as tx:
            ids = await due_postings(tx, clock.now(), BATCH, seen)
        if not ids:
            return changed
        for posting_id in ids:
            seen.add(posting_id)
            try:
                changed += await _refresh(store, board, clock, posting_id)
            except Exception:
                # One card that can't be made must not keep the others waiting; its lease ends by itself.
                log.exception("posting %s can't be refreshed", posting_id)


async def _refresh(store: Store, board: Board, clock: Clock, posting_id: int) -> int:
    now = clock.now()
    async with store.begin() as tx:
        row = await claim_posting(tx, posting_id, now)
        if row is None:
            return 0
        found = await standing(tx, row, now)
        if found is None:
            await put_off_posting(tx, row, None)
            return 0
        person = tx.directory.people[row.person_id]
        shown = fingerprint(found.card)
        if shown == row.shown:
            await settle_posting(tx, row, shown)
            return 0
    return await _change(store, board, clock, row, person, found.card, shown)


async def _change(
    store: Store, board: Board, clock: Clock, row: PostingRow, person: Person, card: Card, shown: str
) -> int:
    try:
        await board.change(person, place_of(row), card)
    except NotDelivered as failure:
        again = None
        if failure.failure is not Failure.PERMANENT:
            again = clock.now() + (failure.retry_after or wait_before(row.attempts, row.token))
        else:
            log.warning("posting %s stays as it is: %s", row.id, failure.reason)
        async with store.begin() as tx:
            await put_off_posting(tx, row, again)
        return 0
    async with store.begin() as tx:
        await settle_posting(tx, row, shown)
    return 1
