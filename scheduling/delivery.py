"""Delivery: from the outbox through a door to a person, once, and with every failure answered."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import bindparam, select

from audits.messages import Message
from audits.people import Person
from audits.state import TOLD, Event
from cards.card import Card
from cards.deck import INSTEAD_OF
from cards.stored import fingerprint
from scheduling.clock import Clock
from scheduling.composing import ALERT, bundle_card
from scheduling.door import Door, Failure, NotDelivered, Parcel
from scheduling.waits import wait_before
from storage.ledger import post, record
from storage.outbox import (
    LEASE,
    claim,
    mark_failed,
    mark_sent,
    mark_superseded,
    mark_waiting,
    recipients_due,
    release_expired,
    renew,
)
from storage.postings import Place, keep_posting
from storage.store import Store, Transaction
from storage.tables import DutyRow, OutboxRow

JOINED = frozenset({"nudge", "overdue"})
LAPSING = JOINED | {"escalation"}
ROUND = 50
"""So many people are served before it is looked again whether something more urgent has come in between."""
log = logging.getLogger(__name__)

# A statement that is made once keeps the form in which the database gets it.
_DONE = select(DutyRow.ref).where(
    DutyRow.ref.in_(bindparam("refs", expanding=True)), DutyRow.closed_at.is_not(None), DutyRow.closed_by != TOLD
)


async def deliver_due(store: Store, door: Door, clock: Clock, *, at_once: int = 1) -> int:
    """Send everything that may go now; how many messages went.

    1. Messages of a sender that died are taken up again. 2. Each recipient's messages are claimed, for `at_once`
    recipients at the same time. 3. Reminders that fall together become one. 4. What went is marked sent; what failed
    waits, or goes to the next person. The clock is read anew for each recipient, so that a long round doesn't hold
    claims that are past their lease.
    """
    async with store.begin() as tx:
        now = clock.now()
        await release_expired(tx, now)
        people = await recipients_due(tx, now, ROUND)
    sent = 0
    while people:
        tallies = await _serve(store, door, clock, people, at_once)
        sent += sum(one.sent for one in tallies)
        if not any(one.claimed for one in tallies):
            break
        async with store.begin() as tx:
            people = await recipients_due(tx, clock.now(), ROUND)
    return sent


@dataclass
class _Tally:
    claimed: int = 0
    sent: int = 0


async def _serve(store: Store, door: Door, clock: Clock, people: Sequence[int], at_once: int) -> list[_Tally]:
    """Send what waits for these people, in their order, by `at_once` workers."""
    waiting = iter(people)

    async def work() -> _Tally:
        tally = _Tally()
        for person_id in waiting:
            bundles = await _claimed(store, person_id, clock.now())
            tally.claimed += len(bundles)
            for bundle in bundles:
                tally.sent += await _send(store, door, bundle, clock.now())
        return tally

    if at_once == 1:
        return [await work()]
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work()) for _ in range(min(at_once, len(people)))]
    return [worker.result() for worker in workers]


@dataclass(frozen=True)
class _Bundle:
    """Messages that go to one person as one card, made from these versions of its audits."""

    rows: list[OutboxRow]
    person: Person
    card: Card | None
    fault: str = ""
    seen: Mapping[int, int] = field(default_factory=dict)


async def _claimed(store: Store, person_id: int, now: datetime) -> list[_Bundle]:
    async with store.begin() as tx:
        rows = await _still_wanted(tx, await claim(tx, person_id, now))
        person = tx.directory.people[person_id]
        return [await _bundle(tx, together, person, now) for together in _bundled(rows)]


async def _still_wanted(tx: Transaction, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Leave out reminders of what was done while they waited."""
    refs = [row.duty_ref for row in rows if row.what in LAPSING and row.duty_ref is not None]
    if not refs:
        return list(rows)
    closed = set(await tx.session.scalars(_DONE, {"refs": refs}))
    unwanted = [row for row in rows if row.what in LAPSING and row.duty_ref in closed]
    await mark_superseded(tx, unwanted)
    return [row for row in rows if row not in unwanted]


async def _bundle(tx: Transaction, rows: list[OutboxRow], person: Person, now: datetime) -> _Bundle:
    try:
        card = await bundle_card(tx, rows, person, now)
        return _Bundle(rows, person, card, seen=tx.versions(row.audit_id for row in rows if row.audit_id is not None))
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
        if not await _ours(store, rows, now):
            return 0
        place = await _hand_over(door, bundle, bundle.card)
    except NotDelivered as failure:
        async with store.begin() as tx:
            await _failed(tx, failure, rows, person, now)
        return 0
    async with store.begin() as tx:
        await mark_sent(tx, rows, now, f"digest/{rows[0].id}" if len(rows) > 1 else None)
        if place is not None:
            await keep_posting(tx, person.id, place, rows, fingerprint(bundle.card), now, seen=bundle.seen)
        await _told(tx, rows, now)
    return len(rows)


async def _ours(store: Store, rows: Sequence[OutboxRow], now: datetime) -> bool:
    """Whether messages about to be sent are all still ours, under a lease that has its whole length before it."""
    if all(row.lease_until == now + LEASE for row in rows):
        # They were claimed at this very moment.
        return True
    async with store.begin() as tx:
        return await renew(tx, rows, now)


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


async def _hand_over(door: Door, bundle: _Bundle, card: Card) -> Place | None:
    audits = {row.audit_id for row in bundle.rows}
    parcel = Parcel(
        keys=tuple(row.key for row in bundle.rows),
        card=card,
        urgent=any(row.urgent for row in bundle.rows),
        repeat=any(row.possible_repeat for row in bundle.rows),
        audit_id=audits.pop() if len(audits) == 1 else None,
    )
    try:
        return await door.deliver(bundle.person, parcel)
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
        wait = failure.retry_after or wait_before(max(row.attempts for row in rows), str(person.id))
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
    # Several messages about one audit that fail on one day are one thing to hear of; an alert is always one more.
    about = row.key if row.urgent or row.audit_id is None else f"{row.audit_id}/{day}"
    told: list[Message] = []
    above = next((one for one in tx.directory.line_of(person) if not one.away(day)), None)
    if above is not None and row.key.count("/instead") < 3 and row.notice != "undelivered":
        told.append(replace(message, to_id=above.id, to_role=above.role))
    officer = tx.rules.officer(day)
    if officer is not None and officer.person.id != person.id and row.notice != "undelivered":
        words = f"A message for {person.name} did not arrive: {reason}."
        if told and above is not None:
            words += f" The message went to {above.name} instead."
        told.append(
            replace(
                message,
                key=f"{about}/undelivered/{person.id}",
                what="escalation" if row.urgent else "message",
                to_id=officer.person.id,
                to_role=officer.role,
                duty_ref=None,
                notice="undelivered",
                text=words,
            )
        )
    details = dict(row.details) | {INSTEAD_OF: row.details.get(INSTEAD_OF, person.id)}
    await post(tx, told, audit_id=row.audit_id, cycle_id=row.cycle_id, details=details)
