"""What is no longer kept is erased, once a day and a little at each beat."""

import logging
from dataclasses import dataclass, field
from datetime import date, datetime

from storage.interruptions import in_the_way, of_the_database
from storage.retention import (
    Keeping,
    Mark,
    drop_drafts,
    drop_replies,
    entries_past,
    erase_of_service,
    forget_places,
    retire,
    silence_old,
)
from storage.store import Store

ENTRIES = 500
"""Those of some twenty audits."""
ROWS = 500
log = logging.getLogger(__name__)


@dataclass
class Retaining:
    """One node's share of the work. Others may do the same at the same time: whatever one has erased is erased.

    `entries` is how many old entries of the ledger are looked at in one beat.
    """

    keeping: Keeping
    entries: int = ENTRIES
    _done_on: date | None = field(default=None, init=False)
    _mark: Mark | None = field(default=None, init=False)

    async def take(self, store: Store, now: datetime) -> int:
        """Take the next part of what is to be done today; how many audits were retired. Does nothing once it is done.

        1. Audits whose time is over are retired, each in its own transaction. 2. After the last of them, old entries
        about the service, messages, replies and drafts go. 3. Where something stood in chats is forgotten. Raises what
        was met where the database itself can't do its work.
        """
        today = store.calendar.day_of(now)
        if self._done_on == today:
            return 0
        async with store.begin() as tx:
            audits, mark = await entries_past(tx, self.keeping, now, self._mark, self.entries)
        retired = sum([await self._retire(store, audit_id, now) for audit_id in audits])
        if retired:
            log.info("%s audits are no longer kept whole", retired)
        self._mark = mark
        if mark is None and not await self._rest(store, now):
            self._done_on = today
        return retired

    async def _retire(self, store: Store, audit_id: int, now: datetime) -> bool:
        try:
            return await store.attempt(lambda tx: retire(tx, audit_id, self.keeping, now))
        except Exception as fault:
            if of_the_database(fault) and not in_the_way(fault):
                raise
            # One audit that can't be retired must not keep the others; the next day tries it again.
            log.exception("audit %s can't be retired", audit_id)
            return False

    async def _rest(self, store: Store, now: datetime) -> bool:
        """What isn't about one audit; whether there is more of it than was done now."""
        done = [
            await store.attempt(lambda tx: erase_of_service(tx, self.keeping, now, ROWS)),
            await store.attempt(lambda tx: silence_old(tx, self.keeping, now, ROWS)),
            await store.attempt(lambda tx: drop_replies(tx, self.keeping, now, ROWS)),
            await store.attempt(lambda tx: forget_places(tx, now, ROWS)),
        ]
        await store.attempt(lambda tx: drop_drafts(tx, now))
        return max(done) >= ROWS
