"""Delivery: from the outbox through a door to a person, once, and with every failure answered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from audits.people import Person
from audits.state import TOLD, Event
from cards.card import Card
from cards.stored import fingerprint
from scheduling.clock import Clock
from scheduling.composing import bundle_card
from scheduling.door import Door, Failure, NotDelivered, Parcel
from scheduling.joining import bundled, still_wanted
from scheduling.unreached import HEARD, MAILED, SOON, is_late, is_mailed, others_hear, pass_on
from scheduling.waits import pace_of, wait_before
from storage.ledger import record
from storage.outbox import (
    LEASE,
    claim,
    give_back,
    mark_failed,
    mark_sent,
    mark_waiting,
    put_off,
    recipients_due,
    release_expired,
    renew,
)
from storage.postings import Place, keep_posting, posting_named
from storage.store import Store, Transaction
from storage.tables import OutboxRow

ROUND = 50
ROUND_LASTS = timedelta(seconds=10)
"""So many people are served, or for so long, before it is looked again whether something more urgent has come."""
MOST_IN_VAIN = 10
"""So many tries may fail after one another before what can wait is left for the next beat."""
OWN_FAULT = 3
"""A message that failed more often than this may itself be what is wrong, so the next one is tried without it."""
log = logging.getLogger(__name__)


async def deliver_due(
    store: Store, door: Door, clock: Clock, *, at_once: int = 1, between: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Send everything that may go now, in rounds; how many messages went.

    1. Messages of a sender that died are taken up again. 2. Each recipient's messages are claimed, for `at_once`
    recipients at the same time. 3. Reminders that fall together become one, and so do escalations. 4. What went is
    marked sent; what failed waits, and the person's later messages with it, or goes to the next person. 5. Where one
    try after the other fails, only what is urgent is still tried. 6. `between` two rounds there is time for what can't
    wait until everything has gone. The clock is read anew for each recipient, so that a long round doesn't hold claims
    that are past their lease.
    """

    async def begun(tx: Transaction) -> list[tuple[int, bool]]:
        now = clock.now()
        await release_expired(tx, now)
        return await recipients_due(tx, now, ROUND)

    way, people = _Way(), await store.attempt(begun, people=False)
    sent = 0
    while people:
        tallies = await _serve(store, door, clock, people, at_once, way)
        sent += sum(one.sent for one in tallies)
        if not any(one.served for one in tallies):
            break
        people = await _waiting(store, clock)
        if people and between is not None:
            await between()
            people = await _waiting(store, clock)
    return sent


async def _waiting(store: Store, clock: Clock) -> list[tuple[int, bool]]:
    async with store.begin(people=False) as tx:
        return await recipients_due(tx, clock.now(), ROUND)


@dataclass
class _Way:
    """How the way out has been in this call: how many tries have failed since one went."""

    in_vain: int = 0

    @property
    def is_down(self) -> bool:
        return self.in_vain >= MOST_IN_VAIN


@dataclass
class _Round:
    """Who is still to be served in this round, in their order, each with whether something urgent waits for them."""

    people: list[tuple[int, bool]]
    clock: Clock
    until: datetime

    def next(self) -> int | None:
        """Whose turn it is; None at the end."""
        return self.people.pop(0)[0] if self.people and not self.is_over else None

    @property
    def is_over(self) -> bool:
        return self.clock.now() >= self.until

    @property
    def has_urgent(self) -> bool:
        return any(urgent for _, urgent in self.people)


@dataclass
class _Tally:
    """How many messages went, and how many were `served`: tried, or left out because they are no longer wanted."""

    sent: int = 0
    served: int = 0


async def _serve(
    store: Store, door: Door, clock: Clock, people: Sequence[tuple[int, bool]], at_once: int, way: _Way
) -> list[_Tally]:
    """Send what waits for these people, in their order, by `at_once` workers."""
    this_round = _Round(list(people), clock, clock.now() + ROUND_LASTS)

    async def work() -> _Tally:
        tally = _Tally()
        while (person_id := this_round.next()) is not None:
            claimed, bundles = await _claimed(store, person_id, clock.now(), urgent=way.is_down)
            sent, held = await _send_all(store, door, clock, bundles, way, this_round)
            tally.sent += sent
            tally.served += claimed - held
        return tally

    if at_once == 1:
        return [await work()]
    # A worker that meets a fault leaves its people to the others, whose sends it must not break off.
    ended = await asyncio.gather(*(work() for _ in range(min(at_once, len(people)))), return_exceptions=True)
    for fault in ended:
        if isinstance(fault, BaseException):
            raise fault
    return [one for one in ended if isinstance(one, _Tally)]


@dataclass(frozen=True)
class _Bundle:
    """Messages that go to one person as one card, made from these versions of its audits."""

    rows: list[OutboxRow]
    person: Person
    card: Card | None
    fault: str = ""
    seen: Mapping[int, int] = field(default_factory=dict)

    @property
    def urgent(self) -> bool:
        return any(row.urgent for row in self.rows)


async def _claimed(store: Store, person_id: int, now: datetime, *, urgent: bool) -> tuple[int, list[_Bundle]]:
    """How many messages of one person were claimed, and what goes of them."""

    async def claimed(tx: Transaction) -> tuple[int, list[_Bundle]]:
        rows = await claim(tx, person_id, now, urgent=urgent)
        person = tx.directory.people[person_id]
        wanted = bundled(await still_wanted(tx, rows))
        return len(rows), [await _bundle(tx, together, person, now) for together in wanted]

    return await store.attempt(claimed)


async def _bundle(tx: Transaction, rows: list[OutboxRow], person: Person, now: datetime) -> _Bundle:
    try:
        card = await bundle_card(tx, rows, person, now)
        return _Bundle(rows, person, card, seen=tx.versions(row.audit_id for row in rows if row.audit_id is not None))
    except Exception as fault:
        # A card that can't be built waits with its reason; the other messages go.
        log.exception("the card of %s can't be built", ", ".join(row.key for row in rows))
        return _Bundle(rows, person, None, f"the card can't be built: {type(fault).__name__}")


async def _send_all(
    store: Store, door: Door, clock: Clock, bundles: Sequence[_Bundle], way: _Way, this_round: _Round
) -> tuple[int, int]:
    """Send one person's messages in their order; how many went, and how many were held for later.

    What can wait isn't tried behind one that failed, so that it keeps its place and a dead platform isn't asked for
    each of them. It also waits for the next round where this one is over, or where something urgent is still to go to
    somebody else. What is urgent is always tried.
    """
    sent = failed = 0
    most, barred = 1, None
    held: list[OutboxRow] = []
    for bundle in bundles:
        behind = barred is not None and failed >= most
        waits = this_round.has_urgent or (sent and this_round.is_over)
        if not bundle.urgent and (behind or waits):
            held.extend(bundle.rows)
            continue
        tried = await _send(store, door, bundle, clock.now())
        sent += tried.sent
        if tried.barred is None:
            way.in_vain = 0 if tried.sent else way.in_vain
            continue
        way.in_vain += 1
        failed += 1
        if barred is None:
            barred, most = tried.barred, 2 if max(row.attempts for row in bundle.rows) > OWN_FAULT else 1
    if held and barred is not None:
        await store.attempt(partial(put_off, rows=held, until=barred.until, reason=barred.reason), people=False)
    elif held:
        await store.attempt(partial(give_back, rows=held), people=False)
    return sent, len(held)


@dataclass(frozen=True)
class _Barred:
    """The way to somebody was barred; until when their later messages wait, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class _Tried:
    """What became of a try: how many messages went, or what was in the way."""

    sent: int = 0
    barred: _Barred | None = None


async def _send(store: Store, door: Door, bundle: _Bundle, now: datetime) -> _Tried:
    rows, person = bundle.rows, bundle.person
    try:
        if not person.active:
            raise NotDelivered(Failure.PERMANENT, f"{person.name} has left the service")
        if bundle.card is None:
            raise NotDelivered(Failure.TEMPORARY, bundle.fault)
        if not await _ours(store, rows, now):
            return _Tried()
        place = await _hand_over(door, bundle, bundle.card, now)
    except NotDelivered as failure:
        barred = await store.attempt(partial(_failed, failure=failure, rows=rows, person=person, now=now))
        return _Tried(barred=barred if bundle.card is not None else None)
    shown, tries = fingerprint(bundle.card), count(1)

    async def went(tx: Transaction) -> None:
        again = next(tries) > 1
        await mark_sent(tx, rows, now, f"digest/{rows[0].id}" if len(rows) > 1 else None)
        if place is not None and not (again and await posting_named(tx, place.token, person.id)):
            await keep_posting(tx, person.id, place, rows, shown, now, seen=bundle.seen)
        await _told(tx, rows, now)

    await store.attempt(went)
    return _Tried(sent=len(rows))


async def _ours(store: Store, rows: Sequence[OutboxRow], now: datetime) -> bool:
    """Whether messages about to be sent are all still ours, under a lease that has its whole length before it."""
    if all(row.lease_until == now + LEASE for row in rows):
        # They were claimed at this very moment.
        return True
    return await store.attempt(partial(renew, rows=rows, now=now), people=False)


async def _told(tx: Transaction, rows: Sequence[OutboxRow], now: datetime) -> None:
    """A duty that is done once its owner has been told ends with the delivery, to them or to who is told instead."""
    for row in rows:
        terms = tx.framework.duties.get(row.duty)
        if row.duty_ref is None or row.audit_id is None or terms is None or TOLD not in terms.closed_by:
            continue
        audit = await tx.audit(row.audit_id, alone=True)
        duty = next((one for one in audit.open_duties() if one.ref == row.duty_ref), None) if audit else None
        if audit is not None and duty is not None and row.key.startswith(f"{duty.ref}/ask/{duty.owner_id}"):
            await record(tx, audit, Event(TOLD, now, None, {"duty": duty.ref}))


async def _hand_over(door: Door, bundle: _Bundle, card: Card, now: datetime) -> Place | None:
    audits = {row.audit_id for row in bundle.rows}
    parcel = Parcel(
        keys=tuple(row.key for row in bundle.rows),
        card=card,
        urgent=bundle.urgent,
        repeat=any(row.possible_repeat for row in bundle.rows),
        audit_id=audits.pop() if len(audits) == 1 else None,
        late=any(is_late(row, now) for row in bundle.rows),
        mailed=any(is_mailed(row, now) for row in bundle.rows) or all(MAILED in row.details for row in bundle.rows),
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
) -> _Barred | None:
    """Put back what may still arrive, and have others hear of the rest; what bars the way for the person's others."""
    if failure.failure is Failure.PERMANENT:
        for row in await mark_failed(tx, rows, failure.reason):
            await pass_on(tx, row, person, failure.reason, now)
        return None
    urgent, doubtful = any(row.urgent for row in rows), failure.failure is Failure.UNKNOWN
    pace = pace_of(urgent=urgent, doubtful=doubtful)
    wait = failure.retry_after or wait_before(max(row.attempts for row in rows), str(person.id), pace)
    too_long = failure.retry_after is not None and failure.retry_after >= SOON
    late = [row for row in rows if is_late(row, now) or (row.urgent and too_long)]
    noted: dict[str, Any] = {HEARD: True} if late else {}
    if failure.mailed:
        noted[MAILED] = now.isoformat()
    awake = tx.calendar.next_waking
    until = now + wait if urgent else awake(now + wait)
    ours = await mark_waiting(tx, rows, until, failure.reason, unknown=doubtful, noted=noted)
    for row in ours:
        if row in late and HEARD not in row.details:
            await others_hear(tx, row, person, failure.reason, now)
    return _Barred(awake(now + wait), failure.reason)
