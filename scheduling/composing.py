"""The card of a message, or of several that go as one, as it is at a moment."""

from collections.abc import Sequence
from datetime import datetime

from audits.dates import Cycle
from audits.people import Person
from audits.state import Duty
from cards.card import Card, Download
from cards.deck import INSTEAD_OF, Note, card_for, cycle_list, digest, further_down, instead_of, repeated, tells
from cards.invitation import invitation, moderation_invitation
from cards.scene import Scene
from storage.store import Transaction
from storage.tables import CycleRow, OutboxRow

ALERT = "acknowledge_alert"


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
    if len(rows) == 1 or all(row.duty == ALERT for row in rows):
        return await message_card(tx, rows[0], person, now)
    return await _digest_card(tx, rows, person, now)


async def _digest_card(tx: Transaction, rows: Sequence[OutboxRow], person: Person, now: datetime) -> Card:
    """Several reminders for one person as one card, as they are at `now`."""
    audits = {audit.id: audit for audit in await tx.audits(row.audit_id for row in rows if row.audit_id is not None)}
    items = [
        (Scene(tx.rules, audits[row.audit_id], person, now), note_of(row))
        for row in rows
        if row.audit_id is not None and row.audit_id in audits
    ]
    card = digest(tx.rules, person, items)
    return repeated(card) if any(row.possible_repeat for row in rows) else card


async def message_card(tx: Transaction, row: OutboxRow, person: Person, now: datetime) -> Card:
    """The card of one message as it is at `now`."""
    card = await _message_card(tx, row, person, now)
    meant = tx.directory.get(row.details.get(INSTEAD_OF)) if row.notice != "undelivered" else None
    if meant is not None and meant.id != person.id:
        card = instead_of(meant.name, card)
    return repeated(card) if row.possible_repeat else card


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
