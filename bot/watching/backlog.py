"""What waits in the database, read for whoever watches: by what is not final or recent, never by all that there is."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, func, or_, select, type_coerce, update

from storage.ledger import WAITING
from storage.statements import one_of
from storage.store import Store
from storage.tables import AuditRow, CycleNoticeRow, DutyRow, OutboxRow, RevisionRow, UtcMoment

PATIENCE = 3.0
"""Seconds that whoever watches waits for the database; their own patience is about ten."""
RECENT = timedelta(days=7)
ALERT, FAILED = "alert", "failed"
OPEN = (*WAITING, "sending")
FINAL = ("sent", FAILED, "superseded")

# Statements that are made once keep the form in which the database gets them. Each is answered from an index.
_AUDITS, _LISTS, _DUTIES, _OUTBOX = (row.table().c for row in (AuditRow, CycleNoticeRow, DutyRow, OutboxRow))
_REVISIONS = RevisionRow.table()
_NOW, _SINCE = (bindparam(name, type_=UtcMoment) for name in ("now", "since"))
_OLDEST_DUE = select(
    *(
        select(func.min(column)).where(column <= _NOW, *wheres).scalar_subquery().label(name)
        for name, column, wheres in (
            ("duty", _DUTIES.next_at, [_DUTIES.closed_at.is_(None)]),
            ("allocation", _AUDITS.issue_at, []),
            ("list", _LISTS.next_at, []),
        )
    )
)
# A message that was tried has waited since it was decided; one that wasn't, since it may go (quiet hours).
_HELD_UP = or_(_OUTBOX.attempts > 0, _OUTBOX.state != "queued")
_WAITS_SINCE = case((_HELD_UP, _OUTBOX.decided_at), (_OUTBOX.not_before <= _NOW, _OUTBOX.not_before), else_=None)
_UNSENT = (
    select(
        _OUTBOX.state,
        _OUTBOX.what,
        func.count().label("number"),
        type_coerce(func.min(_WAITS_SINCE), UtcMoment).label("since"),
    )
    .where(one_of(_OUTBOX.state, OPEN))
    .group_by(_OUTBOX.state, _OUTBOX.what)
)
_RECENT_OUTCOMES = (
    select(_OUTBOX.state, func.count().label("number"))
    .where(one_of(_OUTBOX.state, FINAL), _OUTBOX.not_before > _SINCE)
    .group_by(_OUTBOX.state)
)
_FAILED_ALERTS = select(func.count()).where(_OUTBOX.state == FAILED, _OUTBOX.not_before > _SINCE, _OUTBOX.what == ALERT)
_CHANGES_NOTHING = update(_REVISIONS).where(_REVISIONS.c.name == "").values(number=_REVISIONS.c.number)


@dataclass(frozen=True)
class Backlog:
    """What waits. Ages are in seconds, and 0 where nothing waits.

    `messages` and `alerts` are numbers by state: of those that are final, the ones of the last seven days.
    """

    due: Mapping[str, float]
    messages: Mapping[str, int]
    alerts: Mapping[str, int]
    oldest_message: float
    oldest_alert: float


async def read_backlog(store: Store, now: datetime) -> Backlog:
    """What waits at `now`. Raises TimeoutError where the database takes long, else OSError or SQLAlchemyError."""
    messages = Counter(dict.fromkeys((*OPEN, *FINAL), 0))
    alerts = Counter(dict.fromkeys((*OPEN, FAILED), 0))
    waits: dict[bool, list[datetime]] = {True: [], False: []}
    recent = {"since": now - RECENT}
    async with asyncio.timeout(PATIENCE), store.begin() as tx:
        due = (await tx.execute(_OLDEST_DUE, {"now": now})).one()._mapping
        for row in await tx.execute(_UNSENT, {"now": now}):
            messages[row.state] += row.number
            if row.what == ALERT:
                alerts[row.state] += row.number
            if row.since is not None:
                waits[row.what == ALERT].append(row.since)
        messages.update({row.state: row.number for row in await tx.execute(_RECENT_OUTCOMES, recent)})
        alerts[FAILED] = (await tx.execute(_FAILED_ALERTS, recent)).scalar_one()
    return Backlog(
        due={name: _age(moment, now) for name, moment in due.items()},
        messages=messages,
        alerts=alerts,
        oldest_message=_age(min([*waits[True], *waits[False]], default=None), now),
        oldest_alert=_age(min(waits[True], default=None), now),
    )


async def try_to_write(store: Store) -> None:
    """Do what a write needs, and change nothing. Raises as `read_backlog`, also where the database is read-only."""
    async with asyncio.timeout(PATIENCE), store.begin(first=True) as tx:
        await tx.execute(_CHANGES_NOTHING)


def _age(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0) if moment is not None else 0.0
