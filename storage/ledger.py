"""The one place where an event is recorded with all its consequences, in one transaction.

State, duties and messages change together with the entry that says what happened, or not at all.
Entries are append-only and hash-chained per audit; `verify` proves it. Where the personal fields of an entry are no
longer kept, it keeps its number, its hash and its place in the chain, and an entry of the service's own chain attests
what is left of it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm.exc import StaleDataError

from audits.messages import Message
from audits.state import TOLD, Audit, Duty, Event
from storage.postings import look_again
from storage.records import plain
from storage.statements import inserts_of_new, new_id, one_of
from storage.store import Transaction
from storage.tables import ChainRow, LedgerRow, OutboxRow, UtcMoment

SERVICE = "service"
WAITING = ("queued", "unknown")
BEGINNING = "0" * 64
ERASED = "erased"
"""The entries of the service's chain that attest what is left of others."""

KEPT_WHOLE = frozenset(
    {
        *(ERASED, "people_imported", "cases_imported", "person_left", "person_exported", "person_erased"),
        *("theme_proposed", "theme_terms_written", "theme_signed_off", "theme_begun"),
    }
)
"""Entries of which only the actor is personal. A theme's terms of reference are the council's own document."""
KEPT_VALUES = frozenset(
    {
        *("opened", "closed", "duty", "duties", "action", "at", "what", "cycle", "seed"),
        *("grade", "sections", "safety", "neglect", "concern", "hold", "learning", "another", "decision"),
    }
)
"""What is left of an entry's values: references, moments, grades, ticks and codes. Nobody's words, and nobody's id."""

_OUTBOX, _CHAINS, _LEDGER = (row.table() for row in (OutboxRow, ChainRow, LedgerRow))

# Statements that are made once keep the form in which the database gets them.
_POST = inserts_of_new(_OUTBOX, "key")
_SUPERSEDED = (
    update(_OUTBOX)
    .where(
        _OUTBOX.c.duty_ref == bindparam("ref"),
        one_of(_OUTBOX.c.state, WAITING),
        _OUTBOX.c.what != "alert",
    )
    .values(state="superseded")
)
_END = select(_CHAINS.c.length, _CHAINS.c.hash).where(_CHAINS.c.name == bindparam("chain"))
_LAST = (
    select(_LEDGER.c.number, _LEDGER.c.hash)
    .where(_LEDGER.c.chain == bindparam("chain"))
    .order_by(_LEDGER.c.number.desc())
    .limit(1)
)
_BEGIN_CHAIN = insert(_CHAINS)
_LENGTHEN = (
    update(_CHAINS)
    .where(_CHAINS.c.name == bindparam("chain"))
    .values(length=bindparam("new_length"), hash=bindparam("new_hash"))
)
_ENTER = insert(_LEDGER)
_ERASE = (
    update(_LEDGER)
    .where(
        _LEDGER.c.id == bindparam("this"),
        _LEDGER.c.erased_at.is_not_distinct_from(bindparam("known", type_=UtcMoment)),
    )
    .values({"values": bindparam("left"), "actor_id": bindparam("left_actor"), "erased_at": bindparam("now")})
)
_ATTESTING = select(_LEDGER).where(_LEDGER.c.chain == SERVICE, _LEDGER.c.kind == ERASED).order_by(_LEDGER.c.number)


@dataclass
class Recorded:
    """What recording an event led to, follow-up events included."""

    audit: Audit
    opened: list[Duty] = field(default_factory=list)
    closed: list[Duty] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


async def record(tx: Transaction, audit: Audit, event: Event) -> Recorded:
    """Record an event on an audit as it stands in this transaction.

    1. The rules decide. 2. State, actions and duties are written. 3. Waiting nudges of closed duties are superseded.
    4. The entry is chained. 5. Messages go to the outbox. 6. Events that follow are recorded in the same way. 7. What
    already stands in chats about this audit is looked at again.
    Raises StaleDataError (SQLAlchemy) where another transaction changed the audit meanwhile.
    """
    result = Recorded(audit)
    waiting = [event]
    while waiting:
        event = waiting.pop(0)
        decision = tx.rules.decide(result.audit, event)
        await tx.write_audit(decision.audit)
        await supersede(tx, decision.closed)
        entry = await _enter(tx, f"audit:{audit.id}", event, audit.id, decision.opened, decision.closed)
        await post(tx, decision.messages, audit_id=decision.audit.id, entry_id=entry)
        result.audit = decision.audit
        result.opened.extend(decision.opened)
        result.closed.extend(decision.closed)
        result.messages.extend(decision.messages)
        waiting.extend(decision.then)
    await look_again(tx, audit.id, event.at)
    return result


async def record_step(
    tx: Transaction, audit: Audit, duty: Duty, messages: Iterable[Message], at: datetime, *, lapsed: bool
) -> None:
    """Record what the clock did on a duty: its next step, its messages, and an entry for what others hear of."""
    told = list(messages)
    duties = tuple(duty if one.ref == duty.ref else one for one in audit.duties)
    await tx.write_audit(replace(audit, duties=duties))
    if lapsed:
        await supersede(tx, [duty])
    beyond = sorted({message.what for message in told} - {"nudge", "message"})
    entry = None
    if beyond or lapsed:
        values = {"duty": duty.ref, "what": beyond or ["lapsed"], "to": [message.to_id for message in told]}
        entry = await _enter(tx, f"audit:{audit.id}", Event("step", at, None, values), audit.id)
    await post(tx, told, audit_id=audit.id, entry_id=entry)


async def note(tx: Transaction, event: Event) -> None:
    """Record something about the service as a whole: an import, a draw, a leave."""
    await tx.alone(SERVICE)
    await _enter(tx, SERVICE, event, None)


async def erase(tx: Transaction, entries: Sequence[LedgerRow], why: str, at: datetime, *, whoever: bool = True) -> int:
    """Erase the personal fields of entries, and attest in the service's chain what is left of each; how many.

    Their words go, and with `whoever` the ids of who did it. Number, hash and the hash before stay, so the chain goes
    on. `why` is a code. An entry of the service of which nothing would go is left alone; one of an audit is marked, so
    that it isn't looked at again.
    Raises StaleDataError (SQLAlchemy) where another transaction has erased one of them meanwhile.
    """
    attested: list[list[Any]] = []
    for entry in entries:
        left, actor = left_of(entry.kind, entry.values), None if whoever else entry.actor_id
        nothing = left == entry.values and actor == entry.actor_id
        if nothing and (entry.audit_id is None or entry.erased_at is not None):
            continue
        erased = {"this": entry.id, "known": entry.erased_at, "left": left, "left_actor": actor, "now": at}
        if (await tx.execute(_ERASE, erased)).rowcount != 1:
            raise StaleDataError(f"entry {entry.number} of {entry.chain} was erased meanwhile")
        mark = fingerprint(entry.chain, entry.number, entry.kind, entry.at, actor, left, entry.before)
        attested.append([entry.chain, entry.number, entry.hash, mark])
    if attested:
        await note(tx, Event(ERASED, at, None, {"why": why, "entries": attested}))
    return len(attested)


def left_of(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of an entry's values once its personal fields are erased."""
    if kind in KEPT_WHOLE:
        return dict(values)
    left = {name: value for name, value in values.items() if name in KEPT_VALUES}
    if actions := values.get("actions"):
        left["actions"] = [{name: action.get(name) for name in ("number", "due")} for action in actions]
    return left


async def post(
    tx: Transaction,
    messages: Iterable[Message],
    *,
    audit_id: int | None = None,
    cycle_id: int | None = None,
    entry_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Put messages into the outbox; one with a key that is there already is the same message and stays as it is."""
    told = {message.key: message for message in messages}
    if not told:
        return
    rows = [
        {
            "key": message.key,
            "what": message.what,
            "to_id": message.to_id,
            "to_role": message.to_role,
            "duty": message.duty,
            "duty_ref": message.duty_ref,
            "audit_id": audit_id,
            "cycle_id": cycle_id,
            "entry_id": entry_id,
            "notice": message.notice,
            "text": message.text,
            "rule": list(message.rule),
            "details": plain(details or {"step": message.step}),
            "decided_at": message.at,
            "not_before": message.at if message.urgent else tx.calendar.next_waking(message.at),
            "urgent": message.urgent,
            "state": "queued",
        }
        for message in told.values()
    ]
    await tx.execute(_POST[tx.connection.dialect.name], rows)


async def tell_officer(
    tx: Transaction,
    key: str,
    text: str,
    at: datetime,
    *,
    notice: str,
    what: str = "message",
    duty: str = "",
    rule: tuple[str, ...] = (),
    audit_id: int | None = None,
    cycle_id: int | None = None,
    details: Mapping[str, Any] | None = None,
    each: bool = True,
) -> bool:
    """Tell the QA officer at work something, about an audit, a cycle or neither; whether any QA role is held.

    Under one key each officer is told once; without `each` it is said once, to whoever is officer then.
    """
    officer = tx.rules.officer(tx.calendar.day_of(at))
    if officer is None:
        return False
    message = Message(
        key=f"{key}/{officer.person.id}" if each else key,
        what=what,
        to_id=officer.person.id,
        to_role=officer.role,
        duty=duty,
        at=at,
        notice=notice,
        text=text,
        rule=rule,
    )
    await post(tx, [message], audit_id=audit_id, cycle_id=cycle_id, details=details)
    return True


async def supersede(tx: Transaction, duties: Iterable[Duty]) -> None:
    """Messages still waiting that ask for, or complain of, what is now done are not sent."""
    refs = [{"ref": duty.ref} for duty in duties if duty.closed_by != TOLD]
    if refs:
        await tx.execute(_SUPERSEDED, refs)


async def _enter(
    tx: Transaction,
    chain: str,
    event: Event,
    audit_id: int | None,
    opened: Iterable[Duty] = (),
    closed: Iterable[Duty] = (),
) -> int:
    end: Any = (await tx.execute(_END, {"chain": chain})).one_or_none()
    kept = end is not None
    if end is None:
        end = (await tx.execute(_LAST, {"chain": chain})).one_or_none()
    number, before = (end[0] + 1, end[1]) if end is not None else (1, BEGINNING)
    values = plain(event.values)
    if isinstance(values.get("duty"), dict):
        values["duty"] = values["duty"]["ref"]
    if isinstance(values.get("duties"), dict):
        values["duties"] = sorted(values["duties"])
    values |= {"opened": [duty.ref for duty in opened], "closed": [duty.ref for duty in closed]}
    mark = fingerprint(chain, number, event.kind, event.at, event.actor_id, values, before)
    if kept:
        await tx.execute(_LENGTHEN, {"chain": chain, "new_length": number, "new_hash": mark})
    else:
        await tx.execute(_BEGIN_CHAIN, {"name": chain, "length": number, "hash": mark})
    entry = {
        "chain": chain,
        "number": number,
        "kind": event.kind,
        "at": event.at,
        "actor_id": event.actor_id,
        "audit_id": audit_id,
        "values": values,
        "before": before,
        "hash": mark,
    }
    entered = await tx.execute(_ENTER, entry)
    return new_id(entered)


def fingerprint(
    chain: str, number: int, kind: str, at: datetime, actor_id: int | None, values: Mapping[str, Any], before: str
) -> str:
    """The hash of an entry: SHA-256 over its content and the hash of the entry before it."""
    body = json.dumps(
        [chain, number, kind, at.astimezone(UTC).isoformat(), actor_id, values, before],
        sort_keys=True,
        ensure_ascii=True,
    )
    return hashlib.sha256(body.encode()).hexdigest()


@dataclass(frozen=True)
class Broken:
    """An entry that doesn't fit its chain."""

    chain: str
    number: int
    reason: str


@dataclass(frozen=True)
class _Attested:
    """What was attested of an erased entry: the hash it had, and the fingerprint of what is left of it."""

    hash: str
    left: str


async def verify(tx: Transaction) -> tuple[int, list[Broken]]:
    """Walk every chain: how many entries there are, and those that were changed, removed or put in.

    An erased entry holds where what is left of it is what the service's chain attests, and nothing else.
    """
    count = 0
    broken: list[Broken] = []
    last: dict[str, tuple[int, str]] = {}
    attested = await _attested(tx)
    rows = await tx.session.stream_scalars(select(LedgerRow).order_by(LedgerRow.chain, LedgerRow.number))
    async for row in rows:
        count += 1
        number, before = last.get(row.chain, (0, BEGINNING))
        if row.number != number + 1:
            broken.append(Broken(row.chain, row.number, f"entry {number + 1} is missing"))
        elif row.before != before:
            broken.append(Broken(row.chain, row.number, "it doesn't follow the entry before it"))
        fault = _fault(row, attested.pop((row.chain, row.number), None))
        if fault is not None:
            broken.append(Broken(row.chain, row.number, fault))
        last[row.chain] = (row.number, row.hash)
    ends = {chain.name: chain for chain in await tx.session.scalars(select(ChainRow).order_by(ChainRow.name))}
    broken.extend(
        Broken(name, number, "where this chain ends was not kept")
        for name, (number, _) in last.items()
        if name not in ends
    )
    for chain in ends.values():
        number, end = last.get(chain.name, (0, BEGINNING))
        if number < chain.length:
            broken.append(
                Broken(chain.name, number + 1, f"the last {chain.length - number} of its entries are missing")
            )
        elif (number, end) != (chain.length, chain.hash):
            broken.append(Broken(chain.name, number, "it isn't the entry that was last"))
    # What was attested of an entry that isn't there any more: its whole chain may have gone.
    missing = {name for name, _ in attested} - ends.keys() - last.keys()
    broken.extend(Broken(name, 1, "the whole of this chain is missing") for name in sorted(missing))
    return count, broken


async def _attested(tx: Transaction) -> dict[tuple[str, int], _Attested]:
    """What is left of erased entries by the entries that attest it, the latest word on each. One that was itself
    changed attests nothing."""
    found: dict[tuple[str, int], _Attested] = {}
    rows = await tx.session.stream(_ATTESTING)
    async for row in rows:
        mark = fingerprint(row.chain, row.number, row.kind, row.at, row.actor_id, row.values, row.before)
        if mark == row.hash:
            for chain, number, hash_, left in row.values["entries"]:
                found[chain, number] = _Attested(hash_, left)
    return found


def _fault(row: LedgerRow, attested: _Attested | None) -> str | None:
    """What is wrong with an entry by itself; None where it is as it was written, or as its erasure left it."""
    if row.chain != (SERVICE if row.audit_id is None else f"audit:{row.audit_id}"):
        return "its content was changed"
    content = fingerprint(row.chain, row.number, row.kind, row.at, row.actor_id, row.values, row.before)
    if attested is None and row.erased_at is not None:
        return "nothing attests that it was erased"
    if attested is None:
        return None if content == row.hash else "its content was changed"
    if attested.hash != row.hash:
        return "its content was changed"
    if content != attested.left or row.erased_at is None or row.values != left_of(row.kind, row.values):
        return "it isn't what was left of it when it was erased"
    return None
