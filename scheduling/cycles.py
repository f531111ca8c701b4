"""What the calendar starts: allocations that go out, lists that fall due, re-audits placed in a list."""

import logging
from datetime import datetime

from sqlalchemy import select

from audits.messages import Message
from audits.planning import close_moment
from audits.state import Audit
from scheduling.draws import draw_moderation
from storage.allocations import MODERATION_DRAW, issue, reaudit_auditor
from storage.by_hand import allocate_by_hand, reaudit_of
from storage.ledger import post, tell_officer
from storage.store import Store, Transaction
from storage.tables import AuditRow, CycleNoticeRow, CycleRow

log = logging.getLogger(__name__)


async def issue_due(store: Store, now: datetime) -> int:
    """Send out every allocation whose day has come; how many there were."""
    async with store.begin() as tx:
        due = list(await tx.session.scalars(select(AuditRow.id).where(AuditRow.issue_at <= now).order_by(AuditRow.id)))
    sent = 0
    for audit_id in due:
        try:
            sent += await _issue_one(store, audit_id, now)
        except Exception:
            # One allocation that can't go out must not keep the others waiting; the next tick tries it again.
            log.exception("allocation %s can't go out", audit_id)
    return sent


async def _issue_one(store: Store, audit_id: int, now: datetime) -> int:
    async with store.begin() as tx:
        planned = await tx.session.scalar(select(AuditRow.issue_at).where(AuditRow.id == audit_id))
        audit = await tx.audit(audit_id)
        if planned is None or audit is None:
            return 0
        await issue(tx, audit, now)
        return 1


async def issue_reaudit(tx: Transaction, audit: Audit, now: datetime, key: str = "reaudit") -> Audit | None:
    """Allocate a case again, as its duty `key` asks; None if nobody can take it, or it was allocated by hand before."""
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
        await tell_officer(tx, audit, "reaudit/nobody", words, now, what="escalation", duty=key, notice="vacancy")
        return None
    return await allocate_by_hand(tx, audit.case, auditor.id, now, again=audit)


async def send_lists(store: Store, now: datetime) -> int:
    """Send every cycle list whose day has come; how many messages it made."""
    async with store.begin() as tx:
        due = list(await tx.session.scalars(select(CycleNoticeRow.id).where(CycleNoticeRow.next_at <= now)))
    posted = 0
    for notice_id in due:
        try:
            async with store.begin() as tx:
                row = await tx.session.get_one(CycleNoticeRow, notice_id)
                if row.next_at is not None and row.next_at <= now:
                    row.next_at = None
                    posted += await _fall_due(tx, row, now)
        except Exception:
            log.exception("list %s can't go out", notice_id)
    return posted


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
