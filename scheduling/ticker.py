"""The tick: what falls due is a query, so a tick costs what is due and any number of nodes may tick."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import bindparam, func, select

from scheduling.cycles import issue_due, issue_reaudit, send_lists
from scheduling.sharing import from_anywhere
from storage.interruptions import in_the_way, of_the_database
from storage.ledger import WAITING, record_step
from storage.store import Store, Transaction
from storage.tables import AuditRow, CycleNoticeRow, DutyRow, OutboxRow, UtcMoment

BATCH = 200
log = logging.getLogger(__name__)

# Statements that are made once keep the form in which the database gets them. They ask tables for what is planned, not
# for objects, which are only wanted of what is due.
_AUDITS, _LISTS, _DUTIES, _OUTBOX = (row.__table__.c for row in (AuditRow, CycleNoticeRow, DutyRow, OutboxRow))
_NOW, _AFTER = bindparam("now", type_=UtcMoment), bindparam("after", type_=UtcMoment)
_GOES_OUT = select(
    select(_AUDITS.id).where(_AUDITS.issue_at <= _NOW).exists(),
    select(_LISTS.id).where(_LISTS.next_at <= _NOW).exists(),
)
_DUE = (
    select(_DUTIES.ref, _DUTIES.audit_id)
    .where(_DUTIES.next_at <= _NOW, _DUTIES.closed_at.is_(None), _DUTIES.ref.not_in(bindparam("but", expanding=True)))
    .order_by(_DUTIES.next_at, _DUTIES.id)
    .limit(BATCH)
)
_PLANNED = (
    (_DUTIES.next_at, _DUTIES.closed_at.is_(None)),
    (_AUDITS.issue_at, _AUDITS.issue_at.is_not(None)),
    (_LISTS.next_at, _LISTS.next_at.is_not(None)),
    (_OUTBOX.not_before, _OUTBOX.state.in_(WAITING)),
)
_FIRST = select(*(select(func.min(column)).where(where).scalar_subquery() for column, where in _PLANNED))
_FIRST_LATER = select(
    *(select(func.min(column)).where(where, column > _AFTER).scalar_subquery() for column, where in _PLANNED)
)


@dataclass
class Ticked:
    """What a tick did."""

    issued: int = 0
    lists: int = 0
    steps: int = 0


async def tick(store: Store, now: datetime) -> Ticked:
    """Take everything that is due at `now`.

    1. What is due is read. 2. Allocations and lists of the cycle go out. 3. Duties take their steps, those of one audit
    together, in a transaction that looks again whether each step is still due. 4. What that has led to and is due at
    once is taken as well, until there is nothing more; what can't be done is left to the next tick.
    """
    done, before = Ticked(), None
    faulty: set[str] = set()
    while done != before:
        before = replace(done)
        issues, lists, due = await _waiting(store, now, faulty)
        if issues:
            done.issued += await issue_due(store, now)
        if lists:
            done.lists += await send_lists(store, now)
        if issues or lists:
            # What has just gone out may have a step that is due at once.
            due = await _more(store, now, faulty)
        while due:
            for audit_id, together in groupby(from_anywhere(store, due), key=lambda one: one[1]):
                done.steps += await _step_all(store, audit_id, [ref for ref, _ in together], now, faulty)
            due = await _more(store, now, faulty) if len(due) == BATCH else []
    return done


async def _waiting(store: Store, now: datetime, but: Iterable[str]) -> tuple[bool, bool, list[tuple[str, int]]]:
    """Whether allocations and lists are due, and the first duties that are with their audits, read at once."""
    async with store.begin(people=False) as tx:
        issues, lists = tuple((await tx.execute(_GOES_OUT, {"now": now})).one())
        return issues, lists, await _due(tx, now, but)


async def _more(store: Store, now: datetime, but: Iterable[str]) -> list[tuple[str, int]]:
    async with store.begin(people=False) as tx:
        return await _due(tx, now, but)


async def _due(tx: Transaction, now: datetime, but: Iterable[str] = ()) -> list[tuple[str, int]]:
    """The first duties that are due, each with the id of its audit."""
    found = await tx.execute(_DUE, {"now": now, "but": list(but)})
    return [(row.ref, row.audit_id) for row in found]


async def _step_all(store: Store, audit_id: int, refs: Sequence[str], now: datetime, faulty: set[str]) -> int:
    """Take the steps of an audit's duties that follow each other, as one; each alone where that fails.

    Raises what was met where the database itself can't do its work.
    """

    async def steps(tx: Transaction) -> int:
        return sum([await _step(tx, ref, audit_id, now) for ref in refs])

    try:
        return await store.attempt(steps)
    except Exception as fault:
        if of_the_database(fault) and not in_the_way(fault):
            raise
        if in_the_way(fault):
            # Much happens on this audit just now; the next tick looks at what is left.
            log.info("the steps of audit %s wait for the next tick: %s", audit_id, type(fault).__name__)
            faulty.update(refs)
            return 0
        if len(refs) == 1:
            # One duty that can't be stepped must not keep the others waiting; the next tick tries it again.
            log.exception("the step of duty %s failed", refs[0])
            faulty.update(refs)
            return 0
    return sum([await _step_all(store, audit_id, [ref], now, faulty) for ref in refs])


async def _step(tx: Transaction, ref: str, audit_id: int, now: datetime) -> int:
    audit = await tx.audit(audit_id, alone=True)
    duty = next((one for one in audit.duties if one.ref == ref), None) if audit else None
    if audit is None or duty is None or not duty.is_open or duty.next_at is None or duty.next_at > now:
        return 0
    advance = tx.rules.advance(audit, duty, now)
    await record_step(tx, audit, advance.duty, advance.messages, now, lapsed=advance.lapsed)
    if advance.issue:
        await issue_reaudit(tx, audit, now, duty.key)
    return 1


async def next_moment(store: Store, after: datetime, *, later: bool = False) -> datetime | None:
    """When the next thing happens by itself after `after`; None if nothing is planned.

    What should have happened before counts as happening now; with `later`, it is left out.
    """
    async with store.begin(people=False) as tx:
        found = await tx.execute(_FIRST_LATER if later else _FIRST, {"after": after} if later else {})
        planned = [moment for moment in found.one() if moment is not None]
    return max(after, min(planned)) if planned else None
