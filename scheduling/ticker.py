"""The tick: what falls due is a query, so a tick costs what is due and any number of nodes may tick."""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from scheduling.cycles import issue_due, issue_reaudit, send_lists
from storage.ledger import WAITING, record_step
from storage.store import Store
from storage.tables import AuditRow, CycleNoticeRow, DutyRow, OutboxRow

BATCH = 200
log = logging.getLogger(__name__)


@dataclass
class Ticked:
    """What a tick did."""

    issued: int = 0
    lists: int = 0
    steps: int = 0


async def tick(store: Store, now: datetime) -> Ticked:
    """Take everything that is due at `now`.

    1. What is due is read. 2. Allocations and lists of the cycle go out. 3. Duties take their steps, each in a
    transaction of its own that looks again whether the step is still due.
    """
    done = Ticked()
    issues, lists, refs = await _waiting(store, now)
    if issues:
        done.issued = await issue_due(store, now)
    if lists:
        done.lists = await send_lists(store, now)
    if issues or lists:
        # What has just gone out may have a step that is due at once.
        _, _, refs = await _waiting(store, now)
    faulty: set[str] = set()
    while refs:
        full = len(refs) == BATCH
        for ref in refs:
            try:
                done.steps += await _step(store, ref, now)
            except Exception:
                # One duty that can't be stepped must not keep the others waiting; the next tick tries it again.
                log.exception("the step of duty %s failed", ref)
                faulty.add(ref)
        refs = await _due(store, now, faulty) if full else []
    return done


async def _waiting(store: Store, now: datetime) -> tuple[bool, bool, list[str]]:
    """Whether allocations and lists are due, and the first duties that are, read at once."""
    async with store.begin() as tx:
        issues = await tx.session.scalar(select(AuditRow.id).where(AuditRow.issue_at <= now).limit(1))
        lists = await tx.session.scalar(select(CycleNoticeRow.id).where(CycleNoticeRow.next_at <= now).limit(1))
        refs = await tx.session.scalars(_due_refs(now, set()))
        return issues is not None, lists is not None, list(refs)


async def _due(store: Store, now: datetime, but: set[str]) -> list[str]:
    async with store.begin() as tx:
        return list(await tx.session.scalars(_due_refs(now, but)))


def _due_refs(now: datetime, but: set[str]) -> Select[str]:
    return (
        select(DutyRow.ref)
        .where(DutyRow.next_at <= now, DutyRow.closed_at.is_(None), DutyRow.ref.not_in(but))
        .order_by(DutyRow.next_at, DutyRow.id)
        .limit(BATCH)
    )


async def _step(store: Store, ref: str, now: datetime) -> int:
    async with store.begin() as tx:
        row = await tx.session.scalar(select(DutyRow).where(DutyRow.ref == ref))
        audit = await tx.audit(row.audit_id) if row else None
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
    planned: list[datetime] = []
    async with store.begin() as tx:
        for column, where in (
            (DutyRow.next_at, DutyRow.closed_at.is_(None)),
            (AuditRow.issue_at, AuditRow.issue_at.is_not(None)),
            (CycleNoticeRow.next_at, CycleNoticeRow.next_at.is_not(None)),
            (OutboxRow.not_before, OutboxRow.state.in_(WAITING)),
        ):
            asked = select(func.min(column)).where(where)
            found = await tx.session.scalar(asked.where(column > after) if later else asked)
            planned.extend([found] if found is not None else [])
    return max(after, min(planned)) if planned else None
