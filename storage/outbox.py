"""The outbox: claiming what is due, and writing down what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Executable, Row, Update, and_, bindparam, case, func, or_, select, update

from storage.ledger import WAITING
from storage.statements import one_of
from storage.store import Transaction
from storage.tables import OutboxRow, UtcMoment

LEASE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=2)
"""Nothing urgent waits as long as this: no platform asks for it, and quiet hours don't hold it. What is to wait longer
was put there while the clock was ahead, or it is behind now; so it may go."""

# Statements that are made once keep the form in which the database gets them.
_OUTBOX = OutboxRow.table()
_IT = _OUTBOX.c
_NOW = bindparam("now", type_=UtcMoment)
_TOO_FAR = and_(_IT.urgent, _IT.not_before > bindparam("too_far", type_=UtcMoment))
_PRESSES = func.max(case((_IT.what == "alert", 2), (_IT.urgent, 1), else_=0))
_RECIPIENTS = (
    select(_IT.to_id, _PRESSES.label("presses"))
    .where(one_of(_IT.state, WAITING), or_(_IT.not_before <= _NOW, _TOO_FAR))
    .group_by(_IT.to_id)
    .order_by(_PRESSES.desc(), func.min(_IT.id))
    .limit(bindparam("most"))
)
_EXPIRED = (
    update(_OUTBOX)
    .where(_IT.state == "sending", or_(_IT.lease_until < _NOW, _IT.lease_until > bindparam("ahead", type_=UtcMoment)))
    .values(state="unknown", possible_repeat=True, lease_until=None)
)


def _claiming(*wheres: ColumnElement[bool]) -> Executable:
    return (
        update(_OUTBOX)
        .where(one_of(_IT.state, WAITING), _IT.to_id == bindparam("person"), *wheres)
        .values(state="sending", attempts=_IT.attempts + 1, lease_until=bindparam("until"))
        .returning(_OUTBOX)
    )


# What is to be tried again goes along with what is due, so that it keeps its place; unless it is urgent, not in quiet
# hours, and not where it may have arrived.
_TRIED = and_(_IT.attempts > 0, or_(_IT.urgent, and_(_IT.state == "queued", bindparam("awake", type_=Boolean))))
_DUE = or_(_IT.not_before <= _NOW, _TOO_FAR, _TRIED)
_CLAIM, _CLAIM_URGENT = _claiming(_DUE), _claiming(_DUE, _IT.urgent)
_CLAIM_ABOUT = _claiming(_IT.duty_ref == bindparam("about"), one_of(_IT.what, ("message", "nudge")))


async def recipients_due(tx: Transaction, now: datetime, most: int) -> list[tuple[int, bool]]:
    """Whom messages wait for that may go now, each with whether something urgent does; at most so many.

    Those with alerts come first, then those with escalations.
    """
    rows = await tx.execute(_RECIPIENTS, {"now": now, "too_far": now + LONGEST_WAIT, "most": most})
    return [(row.to_id, row.presses > 0) for row in rows]


async def claim(tx: Transaction, to_id: int, now: datetime, *, urgent: bool = False) -> list[OutboxRow]:
    """Claim what is due for one person, or only what is `urgent` of it.

    A row is ours only if our conditional update changed it, and gave it back.
    """
    values: dict[str, Any] = {"person": to_id, "now": now, "too_far": now + LONGEST_WAIT, "until": now + LEASE}
    values["awake"] = not tx.calendar.is_quiet(now)
    return _in_order(await tx.execute(_CLAIM_URGENT if urgent else _CLAIM, values))


async def claim_about(tx: Transaction, to_id: int, duty_ref: str, now: datetime) -> list[OutboxRow]:
    """Claim what waits for one person about one duty, because the answer to their press shows it to them already."""
    values = {"person": to_id, "about": duty_ref, "until": now + LEASE}
    return _in_order(await tx.execute(_CLAIM_ABOUT, values))


def _in_order(rows: Iterable[Row[Any]]) -> list[OutboxRow]:
    return sorted(map(OutboxRow.of, rows), key=lambda row: (not row.urgent, row.id))


async def renew(tx: Transaction, rows: Sequence[OutboxRow], now: datetime) -> bool:
    """Lengthen the lease of messages about to be sent; whether they are all still ours."""
    return len(await _mark(tx, rows, lease_until=now + LEASE)) == len(rows)


async def release_expired(tx: Transaction, now: datetime) -> int:
    """Messages whose sender died in mid-send: nobody knows whether they arrived, so they go again, marked so.

    No lease is as long as twice its length, so one that ends later was taken while the clock was ahead.
    """
    return (await tx.execute(_EXPIRED, {"now": now, "ahead": now + 2 * LEASE})).rowcount


async def mark_sent(tx: Transaction, rows: Sequence[OutboxRow], now: datetime, digest: str | None) -> None:
    await _mark(tx, rows, state="sent", sent_at=now, lease_until=None, digest=digest, error="")


async def mark_failed(tx: Transaction, rows: Sequence[OutboxRow], reason: str) -> list[OutboxRow]:
    """The messages that failed for good, those left out that another sender has taken over."""
    return await _mark(tx, rows, state="failed", lease_until=None, error=reason)


async def mark_waiting(
    tx: Transaction,
    rows: Sequence[OutboxRow],
    until: datetime,
    reason: str,
    *,
    unknown: bool,
    noted: Mapping[str, Any] | None = None,
) -> list[OutboxRow]:
    """Put messages back for another try; where they may have arrived, the next one says so.

    Those that were still ours. What is `noted` is kept among their details.
    """
    values: dict[str, Any] = {"state": "unknown" if unknown else "queued", "not_before": until, "error": reason}
    if unknown:
        values["possible_repeat"] = True
    ours: list[OutboxRow] = []
    for row in rows:
        details = {"details": dict(row.details) | dict(noted)} if noted else {}
        ours.extend(await _mark(tx, [row], lease_until=None, **values, **details))
    return ours


async def put_off(tx: Transaction, rows: Sequence[OutboxRow], until: datetime, reason: str) -> None:
    """Put messages back that were not tried, since they wait behind one that failed."""
    for row in rows:
        await _mark(tx, [row], state=_waiting(row), not_before=until, lease_until=None, error=reason)


async def give_back(tx: Transaction, rows: Sequence[OutboxRow]) -> None:
    """Put messages back that were not tried, and may go as soon as before."""
    for row in rows:
        await _mark(tx, [row], state=_waiting(row), lease_until=None)


def _waiting(row: OutboxRow) -> str:
    return "unknown" if row.possible_repeat else "queued"


async def mark_superseded(tx: Transaction, rows: Sequence[OutboxRow]) -> None:
    await _mark(tx, rows, state="superseded", lease_until=None)


async def _mark(tx: Transaction, rows: Iterable[OutboxRow], **values: object) -> list[OutboxRow]:
    """Write down what became of messages that are still ours: a sender that outlived its lease has no say any more."""
    new = {f"new_{name}": value for name, value in values.items()}
    ours: list[OutboxRow] = []
    for row in rows:
        result = await tx.execute(_marking(*values), {"this": row.id, "tried": row.attempts, **new})
        if result.rowcount == 1:
            ours.append(row)
    return ours


@cache
def _marking(*names: str) -> Update:
    return (
        update(_OUTBOX)
        .where(_IT.id == bindparam("this"), _IT.state == "sending", _IT.attempts == bindparam("tried"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )
