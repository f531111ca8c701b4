"""Messages that stand in a chat and are changed there: where they are, and which may show something old."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, or_, select, update
from sqlalchemy.engine import CursorResult

from storage.store import Transaction
from storage.tables import OutboxRow, PostingRow

LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Place:
    """Where a message stands on a platform. `token` names it inside its card."""

    platform: str
    conversation_id: str
    activity_id: str
    service_url: str
    token: str


def place_of(row: PostingRow) -> Place:
    return Place(row.platform, row.conversation_id, row.activity_id, row.service_url, row.token)


async def keep_posting(
    tx: Transaction, person_id: int, place: Place, rows: Iterable[OutboxRow], shown: str, now: datetime
) -> None:
    """Keep where messages of the outbox stand, and the fingerprint of what is shown there."""
    posting = _posting(person_id, place, shown, now)
    tx.session.add(posting)
    await tx.session.flush()
    ids = [row.id for row in rows]
    await tx.session.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(posting_id=posting.id))


async def keep_answer(
    tx: Transaction, person_id: int, place: Place, audit_id: int, duty_ref: str, shown: str, now: datetime
) -> None:
    """Keep where an answer about a duty stands. It is looked at once more, for what happened while it was sent."""
    posting = _posting(person_id, place, shown, now)
    posting.audit_id, posting.duty_ref, posting.next_at = audit_id, duty_ref, now
    tx.session.add(posting)
    await tx.session.flush()


def _posting(person_id: int, place: Place, shown: str, now: datetime) -> PostingRow:
    return PostingRow(
        token=place.token,
        platform=place.platform,
        person_id=person_id,
        conversation_id=place.conversation_id,
        activity_id=place.activity_id,
        service_url=place.service_url,
        at=now,
        shown=shown,
    )


_LOOK_AGAIN = (
    update(PostingRow)
    .where(
        or_(
            PostingRow.id.in_(
                select(OutboxRow.posting_id).where(
                    OutboxRow.audit_id == bindparam("about"), OutboxRow.posting_id.is_not(None)
                )
            ),
            PostingRow.audit_id == bindparam("about"),
        )
    )
    .values(wanted=PostingRow.wanted + 1, next_at=bindparam("now"), attempts=0)
    .execution_options(synchronize_session=False)
)


async def look_again(tx: Transaction, audit_id: int, now: datetime) -> None:
    """Say that something happened on an audit, so that what stands in chats about it is looked at again."""
    await tx.session.execute(_LOOK_AGAIN, {"about": audit_id, "now": now})


async def due_postings(tx: Transaction, now: datetime, limit: int, but: Iterable[int] = ()) -> list[int]:
    return list(
        await tx.session.scalars(
            select(PostingRow.id)
            .where(PostingRow.next_at <= now, PostingRow.id.not_in(list(but)))
            .order_by(PostingRow.next_at, PostingRow.id)
            .limit(limit)
        )
    )


async def claim_posting(tx: Transaction, posting_id: int, now: datetime) -> PostingRow | None:
    """A posting that is due; None where another node has it. Its lease ends by itself."""
    claimed = await tx.session.execute(
        update(PostingRow)
        .where(PostingRow.id == posting_id, PostingRow.next_at <= now)
        .values(next_at=now + LEASE, attempts=PostingRow.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    if not (isinstance(claimed, CursorResult) and claimed.rowcount == 1):
        return None
    return await tx.session.get_one(PostingRow, posting_id, populate_existing=True)


async def messages_of(tx: Transaction, posting_id: int) -> list[OutboxRow]:
    """The messages of the outbox that a posting shows, in order; none for an answer."""
    return list(
        await tx.session.scalars(select(OutboxRow).where(OutboxRow.posting_id == posting_id).order_by(OutboxRow.id))
    )


async def posting_named(tx: Transaction, token: str, person_id: int) -> PostingRow | None:
    """A person's own posting by the token in its card; None for a token that isn't theirs."""
    found: PostingRow | None = await tx.session.scalar(
        select(PostingRow).where(PostingRow.token == token, PostingRow.person_id == person_id)
    )
    return found


async def settle_posting(tx: Transaction, row: PostingRow, shown: str) -> None:
    """Keep what a posting now shows. It is looked at again only if more has happened since `row` was claimed."""
    await _change(tx, PostingRow.id == row.id, shown=shown)
    await _change(tx, PostingRow.id == row.id, PostingRow.wanted == row.wanted, next_at=None, attempts=0)


async def put_off_posting(tx: Transaction, row: PostingRow, until: datetime | None) -> None:
    """Try to change a posting again later, or with None not until something else happens."""
    await _change(tx, PostingRow.id == row.id, PostingRow.wanted == row.wanted, next_at=until)


async def _change(tx: Transaction, *wheres: ColumnElement[bool], **values: object) -> None:
    await tx.session.execute(
        update(PostingRow).where(*wheres).values(**values).execution_options(synchronize_session=False)
    )
