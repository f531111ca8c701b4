"""Delivery: from the outbox through a door to a person, once, and with every failure answered."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from audits.dates import Cycle
from audits.messages import Message
from audits.people import Person
from audits.state import TOLD, Event
from cards.card import Card, Download
from cards.deck import Note, card_for, cycle_list, digest, repeated
from cards.invitation import invitation, moderation_invitation
from cards.scene import Scene
from scheduling.clock import Clock
from scheduling.door import Door, Failure, NotDelivered, Parcel
from storage.ledger import post, record
from storage.outbox import (
    claim,
    mark_failed,
    mark_sent,
    mark_superseded,
    mark_waiting,
    recipients_due,
    release_expired,
    renew,
)
from storage.store import Store, Transaction
from storage.tables import CycleRow, DutyRow, OutboxRow

ALERT = "acknowledge_alert"
JOINED = frozenset({"nudge", "overdue"})
LAPSING = JOINED | {"escalation"}
LONGEST_WAIT = timedelta(hours=1)
MOST_DOUBLINGS = 7
log = logging.getLogger(__name__)


async def deliver_due(store: Store, door: Door, clock: Clock) -> int:
    """Send everything that may go now; how many messages went.

    1. Messages of a sender that died are taken up again. 2. Each recipient's messages are claimed. 3. Reminders that
    fall together become one. 4. What went is marked sent; what failed waits, or goes to the next person. The clock is
    read anew for each recipient, so that a long round doesn't hold claims that are past their lease.
    """
    async with store.begin() as tx:
        await release_expired(tx, clock.now())
    sent = 0
    while True:
        async with store.begin() as tx:
            people = await recipients_due(tx, clock.now())
        claimed = 0
        for person_id in people:
            bundles = await _claimed(store, person_id, clock.now())
            claimed += len(bundles)
            for bundle in bundles:
                sent += await _send(store, door, bundle, clock.now())
        if not claimed:
            return sent


@dataclass(frozen=True)
class _Bundle:
    """Messages that go to one person as one card."""

    rows: list[OutboxRow]
    person: Person
    card: Card | None
    fault: str = ""


async def _claimed(store: Store, person_id: int, now: datetime) -> list[_Bundle]:
    async with store.begin() as tx:
        rows = await _still_wanted(tx, await claim(tx, person_id, now))
        person = tx.directory.people[person_id]
        return [await _bundle(tx, together, person, now) for together in _bundled(rows)]


async def _still_wanted(tx: Transaction, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Leave out reminders of what was done while they waited."""
    refs = [row.duty_ref for row in rows if row.what in LAPSING and row.duty_ref is not None]
    closed = set(
        await tx.session.scalars(
            select(DutyRow.ref).where(DutyRow.ref.in_(refs), DutyRow.closed_at.is_not(None), DutyRow.closed_by != TOLD)
        )
    )
    unwanted = [row for row in rows if row.what in LAPSING and row.duty_ref in closed]
    await mark_superseded(tx, unwanted)
    return [row for row in rows if row not in unwanted]


async def _bundle(tx: Transaction, rows: list[OutboxRow], person: Person, now: datetime) -> _Bundle:
    try:
        return _Bundle(rows, person, await bundle_card(tx, rows, person, now))
    except Exception as fault:
        # A card that can't be built waits with its reason; the other messages go.
        log.exception("the card of %s can't be built", ", ".join(row.key for row in rows))
        return _Bundle(rows, person, None, f"the card can't be built: {type(fault).__name__}")


def _bundled(rows: Sequence[OutboxRow]) -> list[list[OutboxRow]]:
    """Reminders together; the alerts about one audit together, since one card says who has it; the others alone."""
    together: dict[object, list[OutboxRow]] = {}
    for row in rows:
        place: object = row.id
        if row.what in JOINED:
            place = "reminders"
        elif row.duty == ALERT and row.duty_ref is not None:
            place = (ALERT, row.audit_id)
        together.setdefault(place, []).append(row)
    return sorted(together.values(), key=lambda bundle: (not bundle[0].urgent, bundle[0].id))


async def _send(store: Store, door: Door, bundle: _Bundle, now: datetime) -> int:
    rows, person = bundle.rows, bundle.person
    try:
        if not person.active:
            raise NotDelivered(Failure.PERMANENT, f"{person.name} has left the service")
        if bundle.card is None:
            raise NotDelivered(Failure.TEMPORARY, bundle.fault)
        async with store.begin() as tx:
            if not await renew(tx, rows, now):
                return 0
        await _hand_over(door, bundle, bundle.card)
    except NotDelivered as failure:
        async with store.begin() as tx:
            await _failed(tx, failure, rows, person, now)
        return 0
    async with store.begin() as tx:
        await mark_sent(tx, rows, now, f"digest/{rows[0].id}" if len(rows) > 1 else None)
        await _told(tx, rows, now)
    return len(rows)


async def _told(tx: Transaction, rows: Sequence[OutboxRow], now: datetime) -> None:
    """A duty that is done once its owner has been told ends with the delivery, to them or to who is told instead."""
    for row in rows:
        terms = tx.framework.duties.get(row.duty)
        if row.duty_ref is None or row.audit_id is None or terms is None or TOLD not in terms.closed_by:
            continue
        audit = await tx.audit(row.audit_id)
        duty = next((one for one in audit.open_duties() if one.ref == row.duty_ref), None) if audit else None
        if audit is not None and duty is not None and row.key.startswith(f"{duty.ref}/ask/{duty.owner_id}"):
            await record(tx, audit, Event(TOLD, now, None, {"duty": duty.ref}))


async def _hand_over(door: Door, bundle: _Bundle, card: Card) -> None:
    parcel = Parcel(
        keys=tuple(row.key for row in bundle.rows),
        card=card,
        urgent=any(row.urgent for row in bundle.rows),
        repeat=any(row.possible_repeat for row in bundle.rows),
    )
    try:
        await door.deliver(bundle.person, parcel)
    except NotDelivered:
        raise
    except Exception as fault:
        # A door that breaks may have sent it: nobody knows.
        log.exception("a door broke in mid-send")
        raise NotDelivered(Failure.UNKNOWN, f"the door broke: {type(fault).__name__}") from fault


async def _failed(
    tx: Transaction, failure: NotDelivered, rows: Sequence[OutboxRow], person: Person, now: datetime
) -> None:
    if failure.failure is not Failure.PERMANENT:
        tries = min(max(row.attempts for row in rows), MOST_DOUBLINGS)
        wait = failure.retry_after or min(timedelta(minutes=2 ** (tries - 1)), LONGEST_WAIT)
        await mark_waiting(tx, rows, now + wait, failure.reason, unknown=failure.failure is Failure.UNKNOWN)
        return
    for row in await mark_failed(tx, rows, failure.reason):
        await _instead(tx, row, person, failure.reason, now)


async def _instead(tx: Transaction, row: OutboxRow, person: Person, reason: str, now: datetime) -> None:
    """A message that can't reach its person goes to their manager, and the QA officer hears of it."""
    message = Message(
        key=f"{row.key}/instead",
        what=row.what,
        to_id=person.id,
        to_role=row.to_role,
        duty=row.duty,
        at=now,
        duty_ref=row.duty_ref,
        notice=row.notice,
        text=row.text,
        rule=tuple(row.rule),
    )
    day = tx.calendar.day_of(now)
    told: list[Message] = []
    above = next((one for one in tx.directory.line_of(person) if not one.away(day)), None)
    if above is not None and row.key.count("/instead") < 3 and row.notice != "undelivered":
        told.append(replace(message, to_id=above.id, to_role=above.role))
    officer = tx.rules.officer(day)
    if officer is not None and officer.person.id != person.id and row.notice != "undelivered":
        words = f"A message for {person.name} did not arrive: {reason}."
        if told and above is not None:
            words += f" It went to {above.name} instead."
        told.append(
            replace(
                message,
                key=f"{row.duty_ref or row.key}/undelivered/{person.id}",
                what="escalation" if row.urgent else "message",
                to_id=officer.person.id,
                to_role=officer.role,
                duty_ref=None,
                notice="undelivered",
                text=words,
            )
        )
    await post(tx, told, audit_id=row.audit_id, cycle_id=row.cycle_id, details=row.details)


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
    return repeated(card) if row.possible_repeat else card


async def _message_card(tx: Transaction, row: OutboxRow, person: Person, now: datetime) -> Card:
    note = note_of(row)
    if row.cycle_id is not None and row.audit_id is None:
        cycle = await tx.session.get_one(CycleRow, row.cycle_id)
        month = Cycle.parse(cycle.month).words
        return cycle_list(tx.rules, person, note, month, await tx.audits(row.details.get("audits", [])))
    audit = await tx.audit(row.audit_id) if row.audit_id is not None else None
    if audit is None:
        return Card(title="For your information", text=(row.text,))
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
