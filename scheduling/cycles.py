"""What the calendar starts: allocations that go out, lists that fall due, re-audits placed in a list."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from sqlalchemy import bindparam, select, update

from audits.messages import Message
from audits.planning import close_moment
from audits.state import Audit
from scheduling.draws import draw_moderation
from scheduling.sharing import from_anywhere
from storage.allocations import ALLOCATING, MODERATION_DRAW, issue_if_due, reaudit_auditor
from storage.by_hand import allocate_by_hand, reaudit_of
from storage.interruptions import in_the_way, of_the_database
from storage.ledger import post, tell_officer
from storage.store import Store, Transaction
from storage.tables import AuditRow, CycleNoticeRow, CycleRow

log = logging.getLogger(__name__)

_NOTICES = CycleNoticeRow.table()
_CLAIM = (
    update(_NOTICES)
    .where(_NOTICES.c.id == bindparam("this"), _NOTICES.c.next_at <= bindparam("now"))
    .values(next_at=None)
)


async def issue_due(store: Store, now: datetime) -> int:
    """Send out every allocation whose day has come; how many there were."""
    async with store.begin(people=False) as tx:
        due = list(
            await tx.session.scalars(
                select(AuditRow.id).where(AuditRow.issue_at <= now).order_by(AuditRow.issue_at, AuditRow.id)
            )
        )

    async def send_out(tx: Transaction, audit_id: int) -> int:
        return int(await issue_if_due(tx, audit_id, now) is not None)

    return await _each(store, from_anywhere(store, due), send_out, "allocation")


async def issue_reaudit(tx: Transaction, audit: Audit, now: datetime, key: str = "reaudit") -> Audit | None:
    """Allocate a case again, as its duty `key` asks; None if nobody can take it, or it was allocated by hand before."""
    await tx.alone(ALLOCATING)
    if await reaudit_of(tx, audit) is not None:
        return None
    issue_to = tx.framework.duties[key].issue
    if issue_to is not None:
        holder = tx.rules.address(issue_to.to, audit, now)
        auditor = holder.person if holder else None
    else:
        auditor = await reaudit_auditor(tx, audit, audit.id, now)
    if auditor is None:
        words = f"{audit.case.ref} is to be audited again, but no auditor can take it. Please find one."
        subject = f"{audit.id}/reaudit/nobody"
        await tell_officer(tx, subject, words, now, what="escalation", duty=key, notice="vacancy", audit_id=audit.id)
        return None
    return await allocate_by_hand(tx, audit.case, auditor.id, now, again=audit)


async def send_lists(store: Store, now: datetime) -> int:
    """Send every cycle list whose day has come; how many messages it made."""
    async with store.begin(people=False) as tx:
        due = list(
            await tx.session.scalars(
                select(CycleNoticeRow.id).where(CycleNoticeRow.next_at <= now).order_by(CycleNoticeRow.id)
            )
        )

    async def send(tx: Transaction, notice_id: int) -> int:
        # Of several nodes, the one whose conditional update changed the row sends the list.
        claimed = await tx.execute(_CLAIM, {"this": notice_id, "now": now})
        if claimed.rowcount != 1:
            return 0
        return await _fall_due(tx, await tx.session.get_one(CycleNoticeRow, notice_id), now)

    return await _each(store, due, send, "list")


async def _each(store: Store, ids: Iterable[int], send: Callable[[Transaction, int], Awaitable[int]], what: str) -> int:
    """Send each of these in a transaction of its own; how much that was in all.

    One that can't go out must not keep the others waiting; the next tick tries it again. Raises what was met where the
    database itself can't do its work.
    """
    sent = 0
    for one in ids:

        def work(tx: Transaction, one: int = one) -> Awaitable[int]:
            return send(tx, one)

        try:
            sent += await store.attempt(work)
        except Exception as fault:
            if of_the_database(fault) and not in_the_way(fault):
                raise
            if in_the_way(fault):
                log.info("%s %s waits for the next tick: %s", what, one, type(fault).__name__)
            else:
                log.exception("%s %s can't go out", what, one)
    return sent


async def _fall_due(tx: Transaction, row: CycleNoticeRow, now: datetime) -> int:
    if row.name == MODERATION_DRAW:
        return await draw_moderation(tx, await tx.session.get_one(CycleRow, row.cycle_id), now)
    return await _send_list(tx, row, now)


async def _send_list(tx: Transaction, row: CycleNoticeRow, now: datetime) -> int:
    cycle = await tx.session.get_one(CycleRow, row.cycle_id)
    notice = tx.framework.cycle.notices.get(row.name)
    if notice is None:
        return 0
    ids = await tx.session.scalars(
        select(AuditRow.id).where(
            AuditRow.cycle_id == cycle.id, AuditRow.issued_at.is_not(None), AuditRow.withdrawn.is_(False)
        )
    )
    audits = [audit for audit in await tx.audits(ids) if _belongs(audit, notice.lists, now)]
    lists: dict[int, tuple[str, list[Audit]]] = {}
    for audit in audits:
        for target in notice.to:
            holder = tx.rules.address(target, audit, now)
            if holder is not None:
                lists.setdefault(holder.person.id, (holder.role, []))[1].append(audit)
    missed = await missed_cycles(tx, now) if notice.lists == "not_completed" else {}
    for person_id, (role, told) in lists.items():
        message = Message(
            key=f"cycle/{cycle.month}/{row.name}/{person_id}",
            what="message",
            to_id=person_id,
            to_role=role,
            duty=notice.duty,
            at=now,
            notice=f"cycle.{row.name}",
            text=notice.title,
            rule=notice.rule,
        )
        counts = {str(audit.auditor_id): missed.get(audit.auditor_id or 0, []) for audit in told}
        details = {"audits": [audit.id for audit in told], "missed": counts}
        await post(tx, [message], cycle_id=cycle.id, details=details)
    return len(lists)


def _belongs(audit: Audit, lists: str, now: datetime) -> bool:
    if lists == "copies":
        return not audit.has("overseen")
    return _missed(audit, now)


def _missed(audit: Audit, now: datetime) -> bool:
    """Whether an audit's own day has gone by without it; one that was given more time is not missed yet."""
    return any(duty.nominal < now for duty in audit.open_duties("complete_audit"))


async def missed_cycles(tx: Transaction, now: datetime) -> dict[int, list[str]]:
    """For each auditor the months whose process has ended without their audit, oldest first; facts, no judgement."""
    ids = await tx.session.scalars(
        select(AuditRow.id).where(
            AuditRow.issued_at.is_not(None), AuditRow.withdrawn.is_(False), AuditRow.grade.is_(None)
        )
    )
    found: dict[int, list[str]] = {}
    for audit in sorted(await tx.audits(ids), key=lambda one: one.cycle):
        ended = close_moment(tx.framework, audit.cycle, tx.calendar).nominal < now
        if audit.auditor_id is not None and ended and _missed(audit, now):
            months = found.setdefault(audit.auditor_id, [])
            if audit.cycle.words not in months:
                months.append(audit.cycle.words)
    return found
