"""The one place where an event is recorded with all its consequences, in one transaction.

State, duties and messages change together with the entry that says what happened, or not at all.
Entries are append-only and hash-chained per audit; `verify` proves it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from audits.messages import Message
from audits.state import TOLD, Audit, Duty, Event
from storage.postings import look_again
from storage.records import plain
from storage.statements import inserts_of_new, new_id, one_of
from storage.store import Transaction
from storage.tables import ChainRow, LedgerRow, OutboxRow

SERVICE = "service"
WAITING = ("queued", "unknown")
BEGINNING = "0" * 64

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
    await _enter(tx, SERVICE, event, None)


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
    tx: Transaction, audit: Audit, key: str, text: str, at: datetime, *, what: str, duty: str, notice: str
) -> None:
    """Tell the QA officer at work something about an audit; nobody, where no QA role is held."""
    officer = tx.rules.officer(tx.calendar.day_of(at))
    if officer is None:
        return
    message = Message(
        key=f"{audit.id}/{key}/{officer.person.id}",
        what=what,
        to_id=officer.person.id,
        to_role=officer.role,
        duty=duty,
        at=at,
        notice=notice,
        text=text,
    )
    await post(tx, [message], audit_id=audit.id)


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


async def verify(tx: Transaction) -> tuple[int, list[Broken]]:
    """Walk every chain: how many entries there are, and those that were changed, removed or put in."""
    count = 0
    broken: list[Broken] = []
    last: dict[str, tuple[int, str]] = {}
    rows = await tx.session.stream_scalars(select(LedgerRow).order_by(LedgerRow.chain, LedgerRow.number))
    async for row in rows:
        count += 1
        number, before = last.get(row.chain, (0, BEGINNING))
        if row.number != number + 1:
            broken.append(Broken(row.chain, row.number, f"entry {number + 1} is missing"))
        elif row.before != before:
            broken.append(Broken(row.chain, row.number, "it doesn't follow the entry before it"))
        content = fingerprint(row.chain, row.number, row.kind, row.at, row.actor_id, row.values, row.before)
        if content != row.hash or row.chain != (SERVICE if row.audit_id is None else f"audit:{row.audit_id}"):
            broken.append(Broken(row.chain, row.number, "its content was changed"))
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
    return count, broken
