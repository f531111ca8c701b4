"""Going on from a backup: what may have been sent after it was taken says so, and no number is given out twice.

What happened between the backup and the restore is gone from the database, but not from people's chats. Two things
would go wrong there. Messages that were sent in that time still wait in the backup, or are decided on again: they go,
since nobody knows, but each says that it may be a repeat. And a card about an audit that is gone must never act on
another audit which was given the same number: numbers go on a good way above all that may have been given out.
"""

from datetime import datetime

from sqlalchemy import update

from audits.state import Event
from storage.ledger import note, tell_officer
from storage.numbers import leave_gap
from storage.store import Transaction
from storage.tables import OutboxRow

OPEN = ("queued", "sending", "unknown")

_OUTBOX = OutboxRow.table()
_IT = _OUTBOX.c


async def resume(tx: Transaction, now: datetime, until: datetime | None) -> int:
    """Make a restored database go on at `now`, where the last thing in it happened at `until`; how many messages wait.

    Whoever calls this has let the clock take what was due up to `now`, so that all that may be a repeat is in the
    outbox. Ordinary messages wait for the end of quiet hours; alerts and escalations never do.
    """
    waking = tx.calendar.next_waking(now)
    await tx.execute(
        update(_OUTBOX)
        .where(_IT.state.in_(OPEN), _IT.urgent.is_(False), _IT.not_before < waking)
        .values(not_before=waking)
    )
    waiting = await tx.execute(
        update(_OUTBOX)
        .where(_IT.state.in_(OPEN))
        .values(state="unknown", possible_repeat=True, lease_until=None, error="waiting when a backup was restored")
    )
    await leave_gap(tx)
    reaches = until.isoformat() if until is not None else None
    await note(tx, Event("restored", now, None, {"until": reaches, "waiting": waiting.rowcount}))
    return waiting.rowcount


async def tell_of_restore(tx: Transaction, now: datetime, words: str) -> bool:
    """Tell the QA officer at work what a restore means for people; whether there is one."""
    return await tell_officer(tx, f"restored/{now:%Y%m%d%H%M%S}", words, now, notice="restored")
