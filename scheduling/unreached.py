"""Who hears of a message that can't be brought to its person, for good or not in time."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from audits.messages import Message
from audits.people import Person
from cards.deck import INSTEAD_OF, UNDELIVERED
from cards.wording import moment_words
from scheduling.composing import ALERT, LATE_OF
from storage.ledger import post
from storage.store import Transaction
from storage.tables import OutboxRow

SOON = timedelta(minutes=5)
"""So long what is urgent may take to arrive before others hear of it; an alert has two tries, if that is sooner."""
HEARD = "others_heard"
"""Among the details of a message: that others have heard that it doesn't arrive."""
MAILED = "mailed"
"""Among the details of a message: when an e-mail about it went last."""
BETWEEN_MAILS = timedelta(hours=1)
MOST_INSTEAD = 3


def is_alert(row: OutboxRow) -> bool:
    """Whether this is about somebody's safety."""
    return row.what == "alert" or row.duty == ALERT


def is_late(row: OutboxRow, now: datetime) -> bool:
    """Whether somebody else must hear of what didn't arrive at `now`."""
    return row.urgent and (now - row.decided_at >= SOON or (is_alert(row) and row.attempts > 1))


def is_mailed(row: OutboxRow, now: datetime) -> bool:
    """Whether an e-mail about it went so lately that another would only be more of the same."""
    sent = row.details.get(MAILED)
    return sent is not None and now - datetime.fromisoformat(sent) < BETWEEN_MAILS


async def pass_on(tx: Transaction, row: OutboxRow, person: Person, reason: str, now: datetime) -> None:
    """A message that can't reach its person goes to their manager, and the QA officer hears of it."""
    if row.notice == UNDELIVERED:
        return
    day = tx.calendar.day_of(now)
    # Several messages about one audit that fail on one day are one thing to hear of; an alert is always one more.
    about = row.key if row.urgent or row.audit_id is None else f"{row.audit_id}/{day}"
    words = f"A message for {person.name} did not arrive: {reason}."
    above = await _to_manager(tx, row, person, f"{row.key}/instead", now)
    if above is not None:
        words += f" The message went to {above.name} instead."
    await _to_officer(tx, row, person, f"{about}/undelivered/{person.id}", words, now)


async def others_hear(tx: Transaction, row: OutboxRow, person: Person, reason: str, now: datetime) -> None:
    """What is urgent and doesn't arrive goes to the manager as well, and the QA officer hears of it.

    Each once for a duty and a person, however often it is said again; it is still to be delivered.
    """
    if row.notice == UNDELIVERED:
        return
    about = f"{row.duty_ref or row.key}/late/{person.id}"
    above = None
    if is_alert(row) or INSTEAD_OF not in row.details:
        above = await _to_manager(tx, row, person, f"{about}/instead", now, late=True)
    if INSTEAD_OF in row.details:
        return
    since = moment_words(row.decided_at, tx.calendar)
    kind = "A safety alert" if is_alert(row) else "A message that presses"
    words = f"{kind} for {person.name} has not arrived since {since}: {reason.rstrip('. ')}."
    if above is not None:
        words += f" It goes to {above.name} as well."
    await _to_officer(tx, row, person, f"{about}/undelivered", words, now, late=True)


async def _to_manager(
    tx: Transaction, row: OutboxRow, person: Person, key: str, now: datetime, *, late: bool = False
) -> Person | None:
    """Send a message to the next manager at work; whom, or None where it ends here or they have it themselves."""
    day = tx.calendar.day_of(now)
    above = next((one for one in tx.directory.line_of(person) if not one.away(day)), None)
    if above is None or row.key.count("/instead") >= MOST_INSTEAD or (late and await _has_it(tx, row, above)):
        return None
    message = replace(_message(row, key, now), to_id=above.id, to_role=above.role)
    details = dict(row.details) | {INSTEAD_OF: row.details.get(INSTEAD_OF, person.id)}
    await _post(tx, row, message, details | ({LATE_OF: row.details.get(LATE_OF, row.id)} if late else {}))
    return above


async def _has_it(tx: Transaction, row: OutboxRow, above: Person) -> bool:
    """Whether a manager is among those to whom the same alert goes anyway."""
    if row.audit_id is None or not is_alert(row):
        return False
    same = select(OutboxRow.id).where(
        OutboxRow.to_id == above.id, OutboxRow.audit_id == row.audit_id, OutboxRow.duty == row.duty, OutboxRow.urgent
    )
    return await tx.session.scalar(same.limit(1)) is not None


async def _to_officer(
    tx: Transaction, row: OutboxRow, person: Person, key: str, words: str, now: datetime, *, late: bool = False
) -> None:
    officer = tx.rules.officer(tx.calendar.day_of(now))
    if officer is None or officer.person.id == person.id:
        return
    message = replace(
        _message(row, key, now),
        what="escalation" if row.urgent else "message",
        to_id=officer.person.id,
        to_role=officer.role,
        duty_ref=None,
        notice=UNDELIVERED,
        text=words,
    )
    details = dict(row.details) | {INSTEAD_OF: row.details.get(INSTEAD_OF, person.id)}
    await _post(tx, row, message, details | ({LATE_OF: row.id} if late else {}))


def _message(row: OutboxRow, key: str, now: datetime) -> Message:
    return Message(
        key=key,
        what=row.what,
        to_id=row.to_id,
        to_role=row.to_role,
        duty=row.duty,
        at=now,
        duty_ref=row.duty_ref,
        notice=row.notice,
        text=row.text,
        rule=tuple(row.rule),
    )


async def _post(tx: Transaction, row: OutboxRow, message: Message, details: dict[str, object]) -> None:
    """Put it into the outbox, without what was noted of the message that it stands for."""
    own = {name: value for name, value in details.items() if name not in (HEARD, MAILED)}
    await post(tx, [message], audit_id=row.audit_id, cycle_id=row.cycle_id, details=own)
