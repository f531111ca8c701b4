"""Delivery: from the outbox through a door to a person, once, and with every failure answered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from audits.dates import Cycle
from audits.engine import Message
from audits.people import Person
from cards.card import Card
from cards.deck import Note, card_for, cycle_list, digest
from cards.invitation import invitation
from cards.scene import Scene
from scheduling.door import Door, Failure, NotDelivered, Parcel
from storage.ledger import post
from storage.outbox import claim, mark_failed, mark_sent, mark_waiting, recipients_due, release_expired
from storage.store import Store, Transaction
from storage.tables import CycleRow, OutboxRow

JOINED = frozenset({"nudge", "overdue"})
LONGEST_WAIT = timedelta(hours=1)


async def deliver_due(store: Store, door: Door, now: datetime) -> int:
    """Send everything that may go now; how many messages went.

    1. Messages of a sender that died are taken up again. 2. Each recipient's messages are claimed. 3. Reminders that
    fall together become one. 4. What went is marked sent; what failed waits, or goes to the next person.
    """
    async with store.begin() as tx:
        await release_expired(tx, now)
    sent = 0
    while True:
        async with store.begin() as tx:
            people = await recipients_due(tx, now)
        before = sent
        for person_id in people:
            sent += await _deliver_to(store, door, person_id, now)
        if sent == before:
            return sent


async def _deliver_to(store: Store, door: Door, person_id: int, now: datetime) -> int:
    async with store.begin() as tx:
        rows = await claim(tx, person_id, now)
        person = tx.directory.get(person_id)
        bundles = _bundled(rows)
        cards = [await _card(tx, bundle, person, now) for bundle in bundles if person]
    sent = 0
    for bundle, card in zip(bundles, cards, strict=False):
        if person is not None:
            sent += await _send(store, door, person, bundle, card, now)
    return sent


def _bundled(rows: Sequence[OutboxRow]) -> list[list[OutboxRow]]:
    joined = [row for row in rows if row.what in JOINED]
    alone = [[row] for row in rows if row.what not in JOINED]
    return [*alone, *([joined] if joined else [])]


async def _send(store: Store, door: Door, person: Person, rows: list[OutboxRow], card: Card, now: datetime) -> int:
    ids = [row.id for row in rows]
    parcel = Parcel(
        keys=tuple(row.key for row in rows),
        card=card,
        urgent=any(row.urgent for row in rows),
        repeat=any(row.possible_repeat for row in rows),
    )
    try:
        if not person.active:
            raise NotDelivered(Failure.PERMANENT, f"{person.name} has left the service")
        await door.deliver(person, parcel)
    except NotDelivered as failure:
        async with store.begin() as tx:
            await _failed(tx, failure, rows, person, now)
        return 0
    async with store.begin() as tx:
        await mark_sent(tx, ids, now, f"digest/{rows[0].id}" if len(rows) > 1 else None)
    return len(rows)


async def _failed(
    tx: Transaction, failure: NotDelivered, rows: Sequence[OutboxRow], person: Person, now: datetime
) -> None:
    ids = [row.id for row in rows]
    if failure.failure is not Failure.PERMANENT:
        wait = failure.retry_after or min(timedelta(minutes=2 ** (rows[0].attempts - 1)), LONGEST_WAIT)
        await mark_waiting(tx, ids, now + wait, failure.reason, unknown=failure.failure is Failure.UNKNOWN)
        return
    await mark_failed(tx, ids, failure.reason)
    for row in rows:
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
    officer = next((one for role in tx.framework.qa_roles for one in tx.directory.holders(role) if one != person), None)
    if officer is not None and row.notice != "undelivered":
        words = f"A message for {person.name} did not arrive: {reason}."
        if told and above is not None:
            words += f" It went to {above.name} instead."
        told.append(
            replace(
                message,
                key=f"{row.duty_ref or row.key}/undelivered/{person.id}",
                what="escalation" if row.urgent else "message",
                to_id=officer.id,
                to_role=officer.role,
                duty_ref=None,
                notice="undelivered",
                text=words,
            )
        )
    await post(tx, told, audit_id=row.audit_id, cycle_id=row.cycle_id, details=row.details)


async def _card(tx: Transaction, rows: Sequence[OutboxRow], person: Person, now: datetime) -> Card:
    if len(rows) == 1:
        return await message_card(tx, rows[0], person, now)
    items: list[tuple[Scene, Note]] = []
    for row in rows:
        audit = await tx.audit(row.audit_id) if row.audit_id is not None else None
        if audit is not None:
            items.append((Scene(tx.rules, audit, person, now), note_of(row)))
    return digest(tx.rules, person, items)


async def message_card(tx: Transaction, row: OutboxRow, person: Person, now: datetime) -> Card:
    """The card of one message as it is at `now`."""
    note = note_of(row)
    if row.cycle_id is not None and row.audit_id is None:
        cycle = await tx.session.get_one(CycleRow, row.cycle_id)
        return cycle_list(
            tx.rules, person, note, Cycle.parse(cycle.month).words, await tx.audits(row.details.get("audits", []))
        )
    audit = await tx.audit(row.audit_id) if row.audit_id is not None else None
    if audit is None:
        return Card(title="For your information", text=(row.text,))
    scene = Scene(tx.rules, audit, person, now)
    return card_for(scene, note, invitation=invitation(scene) if row.duty == "hold_session" else None)


def note_of(row: OutboxRow) -> Note:
    return Note(
        what=row.what,
        duty=row.duty,
        duty_ref=row.duty_ref,
        notice=row.notice,
        text=row.text,
        rule=tuple(row.rule),
        details=row.details,
        repeat=row.possible_repeat,
    )
