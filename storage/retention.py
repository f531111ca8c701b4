"""What is no longer kept after a time: the words of closed audits, old messages and replies, and who did what.

An audit's skeleton stays: its case's reference, month, kind and auditor, its grades, and which step was done when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, literal_column, or_, select, update

from audits.calendar import WorkCalendar
from audits.dates import add_months
from audits.facts import FOUND
from audits.state import Audit
from storage.audits import MOST_AT_ONCE
from storage.drafts import GOOD_FOR
from storage.ledger import erase
from storage.postings import look_again
from storage.store import Transaction
from storage.tables import AnswerRow, AuditRow, DraftRow, DutyRow, LedgerRow, OutboxRow, PostingRow

SENT_FOR_GOOD = ("sent", "failed", "superseded")
GIVEN_UP = timedelta(days=7)
"""So long is tried to show in a chat that a card is no longer kept; after that, where it stands is forgotten."""
RETENTION = "retention"
FACTS = frozenset(
    {
        *("feedback_missing", "another_manager", "neglect", "learning", "practitioner_knew", "concern", "hold"),
        *("held_actions", "sections", "moderation_at", "due_day", "theme", "erased"),
    }
)
"""Facts of an audit that are ticks, moments, grades or titles, and stay; `erased` says that the others are gone."""
_KEPT_ENTRY: ColumnElement[bool] = literal_column("erased_at IS NULL AND audit_id IS NOT NULL")
_KEPT_OF_SERVICE: ColumnElement[bool] = literal_column("erased_at IS NULL AND audit_id IS NULL AND kind <> 'erased'")
_KEPT_MESSAGE: ColumnElement[bool] = literal_column("erased_at IS NULL AND audit_id IS NULL")
_POSTINGS, _OUTBOX, _DUTIES, _ANSWERS, _DRAFTS = (
    row.table() for row in (PostingRow, OutboxRow, DutyRow, AnswerRow, DraftRow)
)
NAMING = ("leave", "drawn", "moderation_drawn")
"""Entries about the service that name people among their values."""


@dataclass(frozen=True)
class Keeping:
    """For how many months after its end an audit is kept whole, and one with a safety alert; None: for ever.

    The other of the two is used where it is longer: an alert is never kept for a shorter time than the rest.
    """

    months: int | None
    alert_months: int | None

    def kept_for(self, audit: Audit) -> int | None:
        """For how many months after its last entry an audit is kept whole; None: for ever."""
        if self.months is None or not alerted(audit):
            return self.months
        return None if self.alert_months is None else max(self.months, self.alert_months)


@dataclass(frozen=True)
class Mark:
    """How far the entries of a day's work were looked through, by moment and id."""

    at: datetime
    entry_id: int


def alerted(audit: Audit) -> bool:
    """Whether a safety concern was raised on an audit at any time."""
    return audit.safety or audit.has("safety_raised")


def months_before(now: datetime, months: int, calendar: WorkCalendar) -> datetime:
    """The beginning of the same local day so many months ago."""
    return calendar.moment(add_months(calendar.day_of(now), -months), time.min)


async def entries_past(
    tx: Transaction, keeping: Keeping, now: datetime, after: Mark | None, limit: int
) -> tuple[list[int], Mark | None]:
    """Audits with entries that are older than what is kept, the oldest first; where to go on, None at the end."""
    if keeping.months is None:
        return [], None
    wanted = select(LedgerRow.at, LedgerRow.id, LedgerRow.audit_id).where(
        _KEPT_ENTRY, LedgerRow.at <= months_before(now, keeping.months, tx.calendar)
    )
    if after is not None:
        wanted = wanted.where(
            or_(LedgerRow.at > after.at, (LedgerRow.at == after.at) & (LedgerRow.id > after.entry_id))
        )
    rows = (await tx.session.execute(wanted.order_by(LedgerRow.at, LedgerRow.id).limit(limit))).all()
    mark = Mark(rows[-1].at, rows[-1].id) if len(rows) == limit else None
    return list(dict.fromkeys(row.audit_id for row in rows)), mark


async def is_under_way(tx: Transaction, audit: Audit) -> bool:
    """Whether something of an audit is still to be done, sent or issued."""
    undone = [one for one in audit.actions if one.confirmed_at is None and one.signed_off_at is None]
    if audit.open_duties() or (undone and not audit.withdrawn):
        return True
    waiting = select(
        or_(
            exists().where(AuditRow.id == audit.id, AuditRow.issue_at.is_not(None)),
            exists().where(OutboxRow.audit_id == audit.id, OutboxRow.state.not_in(SENT_FOR_GOOD)),
        )
    )
    return bool(await tx.session.scalar(waiting))


async def last_entry(tx: Transaction, audit_id: int) -> datetime | None:
    """When something was last recorded on an audit."""
    found: datetime | None = await tx.session.scalar(
        select(func.max(LedgerRow.at)).where(LedgerRow.audit_id == audit_id)
    )
    return found


async def retire(tx: Transaction, audit_id: int, keeping: Keeping, now: datetime) -> bool:
    """Erase what was said on an audit whose time is over; whether that was to be done.

    1. One that is still under way, was a shorter time ago, or was retired before, is left alone. 2. Its words and who
    took which step go, in its state, actions, duties and messages. 3. The personal fields of its entries go, and that
    is attested. 4. What stands in chats about it is looked at again, and then shows that it is no longer kept.
    Raises StaleDataError (SQLAlchemy) where something happens on the audit meanwhile.
    """
    audit = await tx.audit(audit_id, alone=True)
    months = keeping.kept_for(audit) if audit is not None else None
    if audit is None or months is None or await is_under_way(tx, audit):
        return False
    last = await last_entry(tx, audit_id)
    if last is None or last > months_before(now, months, tx.calendar):
        return False
    whole = select(LedgerRow).where(LedgerRow.audit_id == audit_id, LedgerRow.erased_at.is_(None))
    entries = list(await tx.session.scalars(whole.order_by(LedgerRow.number)))
    if not entries:
        return False
    await tx.write_audit(without_words(audit))
    await tx.execute(update(_DUTIES).where(_DUTIES.c.audit_id == audit_id).values(owner_id=None, closed_actor=None))
    await silence(tx, _OUTBOX.c.audit_id == audit_id, now)
    await erase(tx, entries, RETENTION, now)
    about = _POSTINGS.c.audit_id == audit_id
    await tx.execute(update(_POSTINGS).where(about, _POSTINGS.c.erased_at.is_(None)).values(erased_at=now))
    await look_again(tx, audit_id, now)
    return True


async def silence(tx: Transaction, which: ColumnElement[bool], now: datetime) -> int:
    """Erase what messages of the outbox said; how many. Chats where nothing but these stands are marked."""
    words = {"text": "", "details": {}, "error": "", "erased_at": now}
    found = await tx.execute(update(_OUTBOX).where(which, _OUTBOX.c.erased_at.is_(None)).values(words))
    shown_by = select(_OUTBOX.c.posting_id).where(which, _OUTBOX.c.posting_id.is_not(None))
    still_kept = exists().where(_OUTBOX.c.posting_id == _POSTINGS.c.id, _OUTBOX.c.erased_at.is_(None))
    emptied = update(_POSTINGS).where(_POSTINGS.c.id.in_(shown_by), ~still_kept, _POSTINGS.c.erased_at.is_(None))
    await tx.execute(emptied.values(erased_at=now, wanted=_POSTINGS.c.wanted + 1, next_at=now, attempts=0))
    return found.rowcount


async def silence_old(tx: Transaction, keeping: Keeping, now: datetime, limit: int) -> int:
    """Erase what old messages said that were about no audit: lists of a cycle, and words to the QA officer."""
    if keeping.months is None:
        return 0
    ids = await tx.session.scalars(
        select(OutboxRow.id)
        .where(_KEPT_MESSAGE, OutboxRow.decided_at <= months_before(now, keeping.months, tx.calendar))
        .where(OutboxRow.state.in_(SENT_FOR_GOOD))
        .order_by(OutboxRow.decided_at)
        .limit(limit)
    )
    found = list(ids)
    return await silence(tx, _OUTBOX.c.id.in_(found), now) if found else 0


async def erase_of_service(tx: Transaction, keeping: Keeping, now: datetime, limit: int) -> int:
    """Erase the personal fields of old entries about the service: leave, draws, and who did something."""
    if keeping.months is None:
        return 0
    entries = await tx.session.scalars(
        select(LedgerRow)
        .where(_KEPT_OF_SERVICE, LedgerRow.at <= months_before(now, keeping.months, tx.calendar))
        .where(or_(LedgerRow.actor_id.is_not(None), LedgerRow.kind.in_(NAMING)))
        .order_by(LedgerRow.at)
        .limit(limit)
    )
    return await erase(tx, list(entries), RETENTION, now)


async def drop_replies(tx: Transaction, keeping: Keeping, now: datetime, limit: int) -> int:
    """Delete old replies. No platform delivers an event again after so long."""
    if keeping.months is None:
        return 0
    old = select(_ANSWERS.c.event_id).where(_ANSWERS.c.at <= months_before(now, keeping.months, tx.calendar))
    old = old.order_by(_ANSWERS.c.at).limit(limit)
    return (await tx.execute(delete(_ANSWERS).where(_ANSWERS.c.event_id.in_(old)))).rowcount


async def drop_drafts(tx: Transaction, now: datetime) -> int:
    """Delete what was typed into forms to which nobody comes back any more; whatever is kept otherwise."""
    return (await tx.execute(delete(_DRAFTS).where(_DRAFTS.c.at <= now - GOOD_FOR))).rowcount


async def forget_places(tx: Transaction, now: datetime, limit: int) -> int:
    """Forget where in chats something stood, once it was changed there or that was given up; how many places."""
    ids = list(
        await tx.session.scalars(
            select(PostingRow.id)
            .where(literal_column("erased_at IS NOT NULL"))
            .where(or_(PostingRow.next_at.is_(None), PostingRow.erased_at <= now - GIVEN_UP))
            .order_by(PostingRow.erased_at)
            .limit(limit)
        )
    )
    await drop_places(tx, ids)
    return len(ids)


async def drop_places(tx: Transaction, ids: Sequence[int]) -> None:
    """Delete postings, and that messages of the outbox stand there."""
    for start in range(0, len(ids), MOST_AT_ONCE):
        these = ids[start : start + MOST_AT_ONCE]
        await tx.execute(update(_OUTBOX).where(_OUTBOX.c.posting_id.in_(these)).values(posting_id=None))
        await tx.execute(delete(_POSTINGS).where(_POSTINGS.c.id.in_(these)))


def without_words(audit: Audit) -> Audit:
    """An audit without what anybody wrote, and without who took which step."""
    return replace(
        audit,
        facts=MappingProxyType(_left(audit.facts)),
        done=MappingProxyType({kind: (at, None) for kind, (at, _) in audit.done.items()}),
        actions=tuple(
            replace(one, what="", owner_id=None, confirmed_by=None, signed_off_by=None) for one in audit.actions
        ),
        proposed_by=None,
    )


def _left(facts: Mapping[str, Any]) -> dict[str, Any]:
    left = {name: value for name, value in facts.items() if name in FACTS} | {"erased": True}
    if feedback := facts.get("feedback"):
        # Whether somebody's views were sought, or that there was a reason; not which.
        left["feedback"] = {who: said if said in FOUND else "reason" for who, said in feedback.items()}
    return left
