"""The outbox: claiming what is due, and writing down what became of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.engine import CursorResult

from storage.ledger import WAITING
from storage.store import Transaction
from storage.tables import OutboxRow

LEASE = timedelta(minutes=5)


async def recipients_due(tx: Transaction, now: datetime, most: int) -> list[int]:
    """Whom messages wait for that may go now, those with alerts and escalations first; at most so many."""
    rows = await tx.session.execute(
        select(OutboxRow.to_id)
        .where(OutboxRow.state.in_(WAITING), OutboxRow.not_before <= now)
        .group_by(OutboxRow.to_id)
        .order_by(func.max(case((OutboxRow.urgent, 1), else_=0)).desc(), func.min(OutboxRow.id))
        .limit(most)
    )
    return [to_id for (to_id,) in rows]


async def claim(tx: Transaction, to_id: int, now: datetime) -> list[OutboxRow]:
    """Claim what is due for one person. A row is ours only if our conditional update changed it, and gave it back."""
    return await _claim(tx, now, OutboxRow.to_id == to_id, OutboxRow.not_before <= now)


async def claim_about(tx: Transaction, to_id: int, duty_ref: str, now: datetime) -> list[OutboxRow]:
    """Claim what waits for one person about one duty, because the answer to their press shows it to them already."""
    return await _claim(
        tx, now, OutboxRow.to_id == to_id, OutboxRow.duty_ref == duty_ref, OutboxRow.what.in_(("message", "nudge"))
    )


async def _claim(tx: Transaction, now: datetime, *wheres: ColumnElement[bool]) -> list[OutboxRow]:
    rows = await tx.session.scalars(
        update(OutboxRow)
        .where(OutboxRow.state.in_(WAITING), *wheres)
        .values(state="sending", attempts=OutboxRow.attempts + 1, lease_until=now + LEASE)
        .returning(OutboxRow)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return sorted(rows, key=lambda row: (not row.urgent, row.id))


async def renew(tx: Transaction, rows: Sequence[OutboxRow], now: datetime) -> bool:
    """Lengthen the lease of messages about to be sent; whether they are all still ours."""
    return len(await _mark(tx, rows, lease_until=now + LEASE)) == len(rows)


async def release_expired(tx: Transaction, now: datetime) -> int:
    """Messages whose sender died in mid-send: nobody knows whether they arrived, so they go again, marked so."""
    result = await tx.session.execute(
        update(OutboxRow)
        .where(OutboxRow.state == "sending", OutboxRow.lease_until < now)
        .values(state="unknown", possible_repeat=True, lease_until=None)
    )
    return result.rowcount if isinstance(result, CursorResult) else 0


async def mark_sent(tx: Transaction, rows: Sequence[OutboxRow], now: datetime, digest: str | None) -> None:
    await _mark(tx, rows, state="sent", sent_at=now, lease_until=None, digest=digest, error="")


async def mark_failed(tx: Transaction, rows: Sequence[OutboxRow], reason: str) -> list[OutboxRow]:
    """The messages that failed for good, those left out that another sender has taken over."""
    return await _mark(tx, rows, state="failed", lease_until=None, error=reason)


async def mark_waiting(
    tx: Transaction, rows: Sequence[OutboxRow], until: datetime, reason: str, *, unknown: bool
) -> None:
    """Put messages back for another try; where they may have arrived, the next one says so."""
    state = "unknown" if unknown else "queued"
    extra = {"possible_repeat": True} if unknown else {}
    await _mark(tx, rows, state=state, not_before=until, lease_until=None, error=reason, **extra)


async def mark_superseded(tx: Transaction, rows: Sequence[OutboxRow]) -> None:
    await _mark(tx, rows, state="superseded", lease_until=None)


async def _mark(tx: Transaction, rows: Iterable[OutboxRow], **values: object) -> list[OutboxRow]:
    """Write down what became of messages that are still ours: a sender that outlived its lease has no say any more."""
    ours: list[OutboxRow] = []
    for row in rows:
        result = await tx.session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == row.id, OutboxRow.state == "sending", OutboxRow.attempts == row.attempts)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        if isinstance(result, CursorResult) and result.rowcount == 1:
            ours.append(row)
    return ours
