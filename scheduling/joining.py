"""Which messages that wait for one person still go, in which order, and which of them as one."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import bindparam, select

from audits.state import TOLD
from cards.deck import UNDELIVERED
from scheduling.composing import ALERT, LATE_OF
from scheduling.unreached import is_alert
from storage.ledger import WAITING
from storage.outbox import mark_superseded
from storage.store import Transaction
from storage.tables import DutyRow, OutboxRow

JOINED = frozenset({"nudge", "overdue"})
LAPSING = JOINED | {"escalation"}
WORTH_KNOWING = timedelta(minutes=15)
"""An alert that arrived later than this is something that the QA officer hears of even once it has arrived."""

# A statement that is made once keeps the form in which the database gets it.
_DONE = select(DutyRow.ref).where(
    DutyRow.ref.in_(bindparam("refs", expanding=True)), DutyRow.closed_at.is_not(None), DutyRow.closed_by != TOLD
)
_TOLD_BEFORE = select(OutboxRow.duty_ref).where(
    OutboxRow.duty_ref.in_(bindparam("refs", expanding=True)),
    OutboxRow.to_id == bindparam("person"),
    OutboxRow.state == "sent",
)
_ORIGINALS = select(OutboxRow.id, OutboxRow.state, OutboxRow.decided_at, OutboxRow.sent_at).where(
    OutboxRow.id.in_(bindparam("ids", expanding=True))
)


async def still_wanted(tx: Transaction, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Leave out of somebody's messages what was done, overtaken or settled while they waited."""
    out = {*await _done(tx, rows), *_overtaken(rows), *await _settled(tx, rows)}
    await mark_superseded(tx, [row for row in rows if row.id in out])
    return [row for row in rows if row.id not in out]


async def _done(tx: Transaction, rows: Sequence[OutboxRow]) -> set[int]:
    """What asks for, or complains of, what is now done.

    An alert that somebody else has taken up meanwhile still goes to whom it may be new, also where a try before may
    have brought it; it says who has it.
    """
    about = [row for row in rows if row.duty_ref is not None and _asks(row)]
    refs = [row.duty_ref for row in about]
    if not refs:
        return set()
    closed = set(await tx.session.scalars(_DONE, {"refs": refs}))
    known: set[str | None] = set()
    if any(row.what == "alert" and row.duty_ref in closed for row in about):
        known = set(await tx.session.scalars(_TOLD_BEFORE, {"refs": list(closed), "person": about[0].to_id}))
    return {
        row.id
        for row in about
        if row.duty_ref in closed and (row.what != "alert" or row.duty_ref in known or LATE_OF in row.details)
    }


def _asks(row: OutboxRow) -> bool:
    if row.what in LAPSING or row.what == "alert":
        return True
    # What wasn't tried yet is superseded in the ledger when its duty closes.
    return row.what == "message" and row.notice is None and row.attempts > 1


def _overtaken(rows: Sequence[OutboxRow]) -> set[int]:
    """Reminders of what the person is asked for only now, or of which a later step is told at the same time."""
    asked = {row.duty_ref for row in rows if row.what == "message" and row.notice is None}
    escalated = {row.duty_ref for row in rows if row.what == "escalation" and row.notice is None}
    latest = {row.duty_ref: row.id for row in sorted(rows, key=lambda row: row.id) if row.what in JOINED}
    return {
        row.id
        for row in rows
        if row.what in JOINED
        and row.duty_ref is not None
        and (
            row.id != latest[row.duty_ref]
            or row.duty_ref in escalated
            or (row.what == "nudge" and row.duty_ref in asked)
        )
    }


async def _settled(tx: Transaction, rows: Sequence[OutboxRow]) -> set[int]:
    """What stands for a message that has arrived meanwhile, or is no longer wanted."""
    ids = {row.id: row.details[LATE_OF] for row in rows if LATE_OF in row.details}
    if not ids:
        return set()
    originals = {one.id: one for one in await tx.session.execute(_ORIGINALS, {"ids": list(ids.values())})}
    out: set[int] = set()
    for row in rows:
        original = originals.get(ids.get(row.id, 0))
        if original is None or original.state in (*WAITING, "sending"):
            continue
        if row.notice != UNDELIVERED:
            out.add(row.id)
        elif original.state != "failed":
            late = original.sent_at is not None and original.sent_at - original.decided_at >= WORTH_KNOWING
            if not (late and is_alert(row)):
                out.add(row.id)
    return out


def bundled(rows: Iterable[OutboxRow]) -> list[list[OutboxRow]]:
    """The messages that go as one, in the order in which they go: alerts, escalations, what is asked, reminders.

    Reminders go together, and so do escalations, the alerts about one audit, since one card says who has it, and what
    could not be delivered to others. The rest goes alone.
    """
    together: dict[object, list[OutboxRow]] = {}
    for row in rows:
        together.setdefault(_place(row), []).append(row)
    return sorted(together.values(), key=lambda bundle: (min(map(_rank, bundle)), bundle[0].id))


def _place(row: OutboxRow) -> object:
    if row.notice == UNDELIVERED:
        return UNDELIVERED
    if row.what in JOINED:
        return "reminders"
    if row.duty == ALERT and row.duty_ref is not None:
        return ALERT, row.audit_id
    if row.what == "escalation" and row.duty_ref is not None and row.notice is None:
        return "escalations"
    return row.id


def _rank(row: OutboxRow) -> int:
    if row.notice != UNDELIVERED and is_alert(row):
        return 0
    if row.urgent:
        return 1
    return 3 if row.what in JOINED else 2
