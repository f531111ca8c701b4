"""Messages that stand in a chat and are changed there: where they are, and which may show something old."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, case, insert, not_, or_, select, union_all, update

from storage.audits import versions_now
from storage.statements import new_id
from storage.store import Transaction
from storage.tables import OutboxRow, PostingRow

LEASE = timedelta(minutes=2)
_POSTINGS, _OUTBOX = PostingRow.table(), OutboxRow.table()
_IT = _POSTINGS.c

# Statements that are made once keep the form in which the database gets them.
_KEEP = insert(_POSTINGS)
_SHOWN_BY = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id.in_(bindparam("messages", expanding=True)))
    .values(posting_id=bindparam("posting"))
)
_SHOWING_IT = select(_OUTBOX.c.posting_id).where(
    _OUTBOX.c.audit_id == bindparam("about"), _OUTBOX.c.posting_id.is_not(None)
)
# As one list of ids: for two conditions of which either will do, PostgreSQL would look through every row.
_ABOUT_IT = _SHOWING_IT.union_all(select(_IT.id).where(_IT.audit_id == bindparam("about")))
_LOOK_AGAIN = (
    update(_POSTINGS).where(_IT.id.in_(_ABOUT_IT)).values(wanted=_IT.wanted + 1, next_at=bindparam("now"), attempts=0)
)
_NAMED = select(_POSTINGS).where(_IT.token == bindparam("name"), _IT.person_id == bindparam("person"))
_CLAIM = (
    update(_POSTINGS)
    .where(_IT.id == bindparam("this"), _IT.next_at <= bindparam("now"))
    .values(next_at=bindparam("until"), attempts=_IT.attempts + 1)
    .returning(_POSTINGS)
)
_MESSAGES = select(_OUTBOX).where(_OUTBOX.c.posting_id == bindparam("posting")).order_by(_OUTBOX.c.id)
_ABOUT_ANOTHER = select(_OUTBOX.c.id).where(
    _OUTBOX.c.posting_id == _IT.id,
    or_(_OUTBOX.c.audit_id.is_(None), _OUTBOX.c.audit_id != bindparam("about")),
)
_OWN_CHAT = and_(
    _IT.platform == bindparam("platform"),
    _IT.person_id == bindparam("person"),
    _IT.conversation_id == bindparam("chat"),
    _IT.activity_id != "",
)
_PLACE = select(_IT.id, _IT.thread, _IT.activity_id)
# As two questions: asked as one with an "or", PostgreSQL would look through the whole outbox.
_BEGINS_IT = union_all(
    _PLACE.where(_OWN_CHAT, _IT.id.in_(_SHOWING_IT), not_(_ABOUT_ANOTHER.exists())),
    _PLACE.where(_OWN_CHAT, _IT.audit_id == bindparam("about"), _IT.thread != ""),
).subquery()
_THREAD = select(_BEGINS_IT.c.thread, _BEGINS_IT.c.activity_id).order_by(_BEGINS_IT.c.id).limit(1)
_STANDS_IN_IT = and_(
    _IT.platform == bindparam("platform"),
    _IT.person_id == bindparam("person"),
    or_(_IT.thread == bindparam("below"), _IT.activity_id == bindparam("below")),
)
_IN_THREAD = select(_IT.audit_id).where(_STANDS_IN_IT, _IT.audit_id.is_not(None)).distinct()
_SHOWN_IN_THREAD = (
    select(_OUTBOX.c.audit_id)
    .where(_OUTBOX.c.posting_id.in_(select(_IT.id).where(_STANDS_IN_IT)), _OUTBOX.c.audit_id.is_not(None))
    .distinct()
)
_UNCHANGED = _IT.wanted == bindparam("seen")
_SETTLE = (
    update(_POSTINGS)
    .where(_IT.id == bindparam("this"))
    .values(
        shown=bindparam("new_shown"),
        next_at=case((_UNCHANGED, None), else_=_IT.next_at),
        attempts=case((_UNCHANGED, 0), else_=_IT.attempts),
    )
)
_PUT_OFF = update(_POSTINGS).where(_IT.id == bindparam("this"), _UNCHANGED).values(next_at=bindparam("until"))


@dataclass(frozen=True)
class Place:
    """Where a message stands on a platform. `token` names it inside its card; `thread` is the message below which it
    stands, if it is below one."""

    platform: str
    conversation_id: str
    activity_id: str
    service_url: str
    token: str
    thread: str = ""


def place_of(row: PostingRow) -> Place:
    return Place(row.platform, row.conversation_id, row.activity_id, row.service_url, row.token, row.thread)


async def keep_posting(
    tx: Transaction,
    person_id: int,
    place: Place,
    rows: Iterable[OutboxRow],
    shown: str,
    now: datetime,
    *,
    seen: Mapping[int, int],
) -> None:
    """Keep where messages of the outbox stand, and the fingerprint of what is shown there.

    `seen` has the versions of the audits from which that was made. Where one of them has changed while the message was
    on its way, the message is looked at again.
    """
    changed = bool(seen) and await versions_now(tx.connection, list(seen)) != seen
    posting = await _keep(tx, person_id, place, shown, now, next_at=now if changed else None)
    await tx.execute(_SHOWN_BY, {"posting": posting, "messages": [row.id for row in rows]})


async def keep_answer(
    tx: Transaction,
    person_id: int,
    place: Place,
    audit_id: int,
    duty_ref: str,
    shown: str,
    now: datetime,
    *,
    sent_before: bool,
) -> None:
    """Keep where an answer about a duty stands.

    One that was `sent_before` this transaction is looked at once more, for what happened while it was sent.
    """
    next_at = now if sent_before else None
    await _keep(tx, person_id, place, shown, now, audit_id=audit_id, duty_ref=duty_ref, next_at=next_at)


async def _keep(
    tx: Transaction,
    person_id: int,
    place: Place,
    shown: str,
    now: datetime,
    *,
    audit_id: int | None = None,
    duty_ref: str | None = None,
    next_at: datetime | None = None,
) -> int:
    posting = {
        "token": place.token,
        "platform": place.platform,
        "person_id": person_id,
        "conversation_id": place.conversation_id,
        "activity_id": place.activity_id,
        "service_url": place.service_url,
        "thread": place.thread,
        "at": now,
        "shown": shown,
        "audit_id": audit_id,
        "duty_ref": duty_ref,
        "next_at": next_at,
    }
    return new_id(await tx.execute(_KEEP, posting))


async def look_again(tx: Transaction, audit_id: int, now: datetime) -> None:
    """Say that something happened on an audit, so that what stands in chats about it is looked at again."""
    await tx.execute(_LOOK_AGAIN, {"about": audit_id, "now": now})


async def due_postings(tx: Transaction, now: datetime, limit: int) -> list[int]:
    """What is to be looked at, the longest due first."""
    return list(
        await tx.session.scalars(
            select(PostingRow.id)
            .where(PostingRow.next_at <= now)
            .order_by(PostingRow.next_at, PostingRow.id)
            .limit(limit)
        )
    )


async def claim_posting(tx: Transaction, posting_id: int, now: datetime) -> PostingRow | None:
    """A posting that is due; None where another node has it. Its lease ends by itself."""
    claimed = await tx.execute(_CLAIM, {"this": posting_id, "now": now, "until": now + LEASE})
    row = claimed.one_or_none()
    return PostingRow.of(row) if row is not None else None


async def messages_of(tx: Transaction, posting_id: int) -> list[OutboxRow]:
    """The messages of the outbox that a posting shows, in order; none for an answer."""
    return [OutboxRow.of(row) for row in await tx.execute(_MESSAGES, {"posting": posting_id})]


async def thread_of(tx: Transaction, platform: str, person_id: int, audit_id: int, chat: str) -> str | None:
    """The message in a chat below which a person gets what is about an audit: the first about it alone; None before it.

    Whoever was given a new account has another chat, in which nothing of the old one stands.
    """
    values = {"platform": platform, "person": person_id, "about": audit_id, "chat": chat}
    row = (await tx.execute(_THREAD, values)).one_or_none()
    return (row.thread or row.activity_id) if row is not None else None


async def audit_in_thread(tx: Transaction, platform: str, person_id: int, thread: str) -> int | None:
    """The audit of which all stands in a thread of a person's own chat; None for a thread about none, or several."""
    values = {"platform": platform, "person": person_id, "below": thread}
    about = {number for one in (_IN_THREAD, _SHOWN_IN_THREAD) for (number,) in await tx.execute(one, values)}
    return about.pop() if len(about) == 1 else None


async def posting_named(tx: Transaction, token: str, person_id: int) -> PostingRow | None:
    """A person's own posting by the token in its card; None for a token that isn't theirs."""
    row = (await tx.execute(_NAMED, {"name": token, "person": person_id})).one_or_none()
    return PostingRow.of(row) if row is not None else None


async def settle_posting(tx: Transaction, row: PostingRow, shown: str) -> None:
    """Keep what a posting now shows. It is looked at again only if more has happened since `row` was claimed."""
    await tx.execute(_SETTLE, {"this": row.id, "seen": row.wanted, "new_shown": shown})


async def put_off_posting(tx: Transaction, row: PostingRow, until: datetime | None) -> None:
    """Try to change a posting again later, or with None not until something else happens."""
    await tx.execute(_PUT_OFF, {"this": row.id, "seen": row.wanted, "until": until})
