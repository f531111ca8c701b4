"""The card of a message, or of several that go as one, as it is at a moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from audits.dates import Cycle
from audits.people import Person
from audits.state import Duty
from cards.card import Card, Download
from cards.deck import (
    INSTEAD_OF,
    UNDELIVERED,
    Note,
    after_waiting,
    card_for,
    cycle_list,
    digest,
    further_down,
    instead_of,
    partly_instead_of,
    repeated,
    tells,
)
from cards.invitation import invitation, moderation_invitation
from cards.scene import Scene
from cards.tombstone import tombstone
from cards.undelivered import Missed, arrived_words, undelivered
from cards.wording import listed, moment_words
from storage.store import Transaction
from storage.tables import CycleRow, OutboxRow

ALERT = "acknowledge_alert"
LATE_OF = "late_of"
"""Among the details of a message: the id of another that is still on its way, of which this one tells."""
LONG = timedelta(minutes=15)
"""What is urgent and took longer to arrive says so."""


async def duty_card(tx: Transaction, audit_id: int, duty_ref: str, person: Person, now: datetime) -> Card | None:
    """A duty as somebody sees it now; None where it isn't there."""
    found = await _duty_seen(tx, audit_id, duty_ref, person, now)
    if found is None:
        return None
    scene, duty = found
    file = invitation(scene) if duty.key == "hold_session" else None
    return card_for(scene, Note(what="message", duty=duty.key, duty_ref=duty_ref), invitation=file)


async def further_down_card(
    tx: Transaction, audit_id: int, duty_ref: str, person: Person, now: datetime
) -> Card | None:
    """A duty in a message below which it is asked once more; None where it isn't there."""
    found = await _duty_seen(tx, audit_id, duty_ref, person, now)
    return further_down(*found) if found is not None else None


async def _duty_seen(
    tx: Transaction, audit_id: int, duty_ref: str, person: Person, now: datetime
) -> tuple[Scene, Duty] | None:
    audit = await tx.audit(audit_id)
    duty = next((one for one in audit.duties if one.ref == duty_ref), None) if audit else None
    return (Scene(tx.rules, audit, person, now), duty) if audit is not None and duty is not None else None


async def bundle_card(tx: Transaction, rows: Sequence[OutboxRow], person: Person, now: datetime) -> Card:
    """The card of messages that went, or go, as one."""
    rows = [row for row in rows if row.erased_at is None] or rows[:1]
    if len(rows) == 1:
        return await message_card(tx, rows[0], person, now)
    if all(row.duty == ALERT and row.notice is None for row in rows):
        # One card says all; what was for the person themselves comes before what was for others.
        first = min(rows, key=lambda row: (INSTEAD_OF in row.details, row.id))
        return await message_card(tx, first, person, now, repeat=any(row.possible_repeat for row in rows))
    if all(row.notice == UNDELIVERED for row in rows):
        card = await _undelivered_card(tx, rows)
    else:
        card = await _digest_card(tx, rows, person, now)
    return repeated(card) if any(row.possible_repeat for row in rows) else card


async def _digest_card(tx: Transaction, rows: Sequence[OutboxRow], person: Person, now: datetime) -> Card:
    """Several reminders or escalations for one person as one card, as they are at `now`."""
    audits = {audit.id: audit for audit in await tx.audits(row.audit_id for row in rows if row.audit_id is not None)}
    items = [
        (Scene(tx.rules, audits[row.audit_id], person, now), note_of(row))
        for row in rows
        if row.audit_id is not None and row.audit_id in audits
    ]
    card = digest(tx.rules, person, items)
    meant = {row.details[INSTEAD_OF] for row in rows if INSTEAD_OF in row.details} - {person.id}
    names = sorted(one.name for number in meant if (one := tx.directory.get(number)) is not None)
    return partly_instead_of(listed(names), card) if names else card


async def _undelivered_card(tx: Transaction, rows: Sequence[OutboxRow]) -> Card:
    """Several messages that did not reach others, as one card."""
    audits = {audit.id: audit for audit in await tx.audits(row.audit_id for row in rows if row.audit_id is not None)}
    missed: list[Missed] = []
    for row in rows:
        original = await _original(tx, row)
        meant = tx.directory.get(row.details.get(INSTEAD_OF))
        terms = tx.framework.duties.get(row.duty)
        audit = audits.get(row.audit_id) if row.audit_id is not None else None
        missed.append(
            Missed(
                what=terms.title if terms else "A message",
                name=meant.name if meant else "somebody",
                case=audit.case.ref if audit else "",
                since=original.decided_at if original else row.decided_at,
                arrived=original.sent_at if original else None,
                lost=original is None or original.state == "failed",
            )
        )
    return undelivered(missed, tx.calendar)


async def _original(tx: Transaction, row: OutboxRow) -> OutboxRow | None:
    """The message of which this one says that it is late."""
    found: OutboxRow | None = await tx.session.scalar(
        select(OutboxRow).where(OutboxRow.id == row.details.get(LATE_OF, 0))
    )
    return found


async def message_card(tx: Transaction, row: OutboxRow, person: Person, now: datetime, *, repeat: bool = False) -> Card:
    """The card of one message as it is at `now`; `repeat`, where one that goes with it may have arrived before."""
    if row.erased_at is not None:
        return tombstone()
    card = await _message_card(tx, row, person, now)
    if row.notice == UNDELIVERED:
        original = await _original(tx, row)
        if original is not None and original.sent_at is not None:
            card = replace(card, text=(*card.text, arrived_words(original.sent_at, tx.calendar)))
    else:
        meant = tx.directory.get(row.details.get(INSTEAD_OF))
        if meant is not None and meant.id != person.id:
            card = instead_of(meant.name, card)
        elif row.urgent and (row.sent_at or now) - row.decided_at >= LONG:
            card = after_waiting(moment_words(row.decided_at, tx.calendar), card)
    return repeated(card) if row.possible_repeat or repeat else card


async def _message_card(tx: Transaction, row: OutboxRow, person: Person, now: datetime) -> Card:
    note = note_of(row)
    if row.cycle_id is not None and row.audit_id is None:
        cycle = await tx.session.get_one(CycleRow, row.cycle_id)
        month = Cycle.parse(cycle.month).words
        return cycle_list(tx.rules, person, note, month, await tx.audits(row.details.get("audits", [])))
    audit = await tx.audit(row.audit_id) if row.audit_id is not None else None
    if audit is None:
        return tells(note)
    scene = Scene(tx.rules, audit, person, now)
    return card_for(scene, note, invitation=_invitation(scene, row))


def _invitation(scene: Scene, row: OutboxRow) -> Download | None:
    notice = scene.framework.notices.get(row.notice or "")
    if notice is not None and notice.invitation:
        return moderation_invitation(scene)
    return invitation(scene) if row.duty == "hold_session" else None


def note_of(row: OutboxRow) -> Note:
    """A row of the outbox as cards need it."""
    return Note(
        what=row.what,
        duty=row.duty,
        duty_ref=row.duty_ref,
        notice=row.notice,
        text=row.text,
        rule=tuple(row.rule),
        details=row.details,
    )
