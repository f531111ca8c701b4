"""The timeline of the desk: what people did, and who was told what because of it, and why."""

from sqlalchemy import func, select

from bot.desk.service import Entry
from storage.store import Transaction
from storage.tables import AuditRow, CaseRow, LedgerRow, OutboxRow

PAGE = 50
LAST = 2**62

WHAT = {
    "message": "message",
    "nudge": "nudge",
    "overdue": "overdue",
    "escalation": "escalation",
    "alert": "safety alert",
}
STATES = {
    "queued": "waiting to be sent",
    "sending": "being sent",
    "failed": "could not be delivered",
    "unknown": "may have arrived; sent again",
}
DID = {
    "restored": "was brought back from a backup",
    "allocated": "the audit was allocated",
    "accepted": "took the audit",
    "declined": "handed the audit back",
    "reassigned": "reassigned the audit",
    "extended": "gave more time",
    "proposed": "suggested a time for the discussion",
    "booked": "agreed the time of the discussion",
    "held": "said that the discussion was held",
    "not_held": "said that the discussion didn't happen",
    "submitted": "completed the audit",
    "overseen": "confirmed management oversight",
    "recorded": "uploaded the audit to the child's file",
    "moderated": "moderated the audit",
    "updated": "gave an update",
    "confirmed": "reported an action done",
    "signed_off": "signed an action off",
    "sent_back": "said what is still missing",
    "disputed": "sees the audit differently",
    "resolved": "said that the disagreement is settled",
    "safety_raised": "raised a safety concern",
    "acknowledged": "has the safety alert",
    "taken_up": "has taken up what was escalated",
    "considered": "decided on a Case Review",
    "offered": "offered the work to the forum",
    "withdrawn": "withdrew the audit",
    "reaudit_submitted": "completed the re-audit",
    "drawn": "drew the month's cases",
    "leave": "noted leave",
    "people_imported": "imported people",
    "cases_imported": "imported the case list",
    "person_left": "noted that somebody has left",
    "person_exported": "wrote out what is kept about somebody",
    "person_erased": "erased what was kept about somebody who has left",
    "erased": "erased what is no longer kept, and attested what is left",
}


async def timeline(tx: Transaction, person_id: int | None, page: int) -> tuple[list[Entry], int]:
    """A page of the timeline, newest first (of one person, or of everyone), and how many pages there are.

    At one moment an event stands before the messages that it led to.
    """
    arrived = func.coalesce(OutboxRow.sent_at, OutboxRow.not_before)
    messages = select(OutboxRow, CaseRow.ref).outerjoin(AuditRow, AuditRow.id == OutboxRow.audit_id)
    messages = messages.outerjoin(CaseRow, CaseRow.id == AuditRow.case_id).where(OutboxRow.state != "superseded")
    events = select(LedgerRow, CaseRow.ref).outerjoin(AuditRow, AuditRow.id == LedgerRow.audit_id)
    events = events.outerjoin(CaseRow, CaseRow.id == AuditRow.case_id).where(LedgerRow.kind != "step")
    if person_id is not None:
        messages = messages.where(OutboxRow.to_id == person_id)
        events = events.where(LedgerRow.actor_id == person_id)
    total = 0
    for ids in (messages.with_only_columns(OutboxRow.id), events.with_only_columns(LedgerRow.id)):
        total += await tx.session.scalar(select(func.count()).select_from(ids.subquery())) or 0
    limit = page * PAGE
    told = await tx.session.execute(
        messages.order_by(arrived.desc(), func.coalesce(OutboxRow.entry_id, LAST).desc(), OutboxRow.id.desc()).limit(
            limit
        )
    )
    did = await tx.session.execute(events.order_by(LedgerRow.at.desc(), LedgerRow.id.desc()).limit(limit))
    placed = [
        ((row.sent_at or row.not_before, row.entry_id or LAST, 1, row.id), _told(tx, row, ref)) for row, ref in told
    ]
    placed.extend(((row.at, row.id, 0, row.id), _did(tx, row, ref)) for row, ref in did)
    placed.sort(key=lambda pair: pair[0], reverse=True)
    return [entry for _, entry in placed[limit - PAGE : limit]], max(1, -(-total // PAGE))


def _told(tx: Transaction, row: OutboxRow, ref: str | None) -> Entry:
    person = tx.directory.get(row.to_id)
    terms = tx.framework.duties.get(row.duty)
    notice = tx.framework.notices.get(row.notice or "")
    asked = f"{terms.title}. {terms.ask}" if terms else row.duty
    text = row.text or (notice.title if notice else asked)
    place = notice.place if notice else terms.place if terms else ""
    rule = f" ({', '.join(row.rule)})" if row.rule else ""
    local = " Local setting, in part." if terms and terms.local and not notice else ""
    return Entry(
        at=row.sent_at or row.not_before,
        kind=WHAT.get(row.what, row.what),
        who=person.name if person else "",
        text=text,
        why=f"{place}{rule}.{local}" if place else "",
        case=ref or "",
        state="" if row.state == "sent" else STATES.get(row.state, row.state),
    )


def _did(tx: Transaction, row: LedgerRow, ref: str | None) -> Entry:
    actor = tx.directory.get(row.actor_id)
    return Entry(
        at=row.at,
        kind="event",
        who=actor.name if actor else "somebody" if row.erased_at else "auditloop",
        text=DID.get(row.kind, row.kind.replace("_", " ")),
        case=ref or "",
    )
