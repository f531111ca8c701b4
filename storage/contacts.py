"""How people are reached on a platform: kept from the first contact on, closed when a platform says so."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import CursorResult

from storage.ledger import WAITING
from storage.store import Transaction
from storage.tables import ContactRow, DutyRow, OutboxRow, PersonRow, PostingRow

_CONTACTS = ContactRow.table()
_PLACE = ("user_id", "bot_id", "conversation_id", "service_url")

# Statements that are made once keep the form in which the database gets them.
_CONTACT_AT = select(_CONTACTS).where(
    _CONTACTS.c.platform == bindparam("platform"),
    _CONTACTS.c.tenant == bindparam("tenant"),
    _CONTACTS.c.object_id == bindparam("object_id"),
)
_CONTACT_OF = select(_CONTACTS).where(
    _CONTACTS.c.platform == bindparam("platform"), _CONTACTS.c.person_id == bindparam("person")
)
_MOVED = (
    update(_CONTACTS)
    .where(_CONTACTS.c.id == bindparam("this"))
    .values({name: bindparam(f"new_{name}") for name in (*_PLACE, "closed")})
)

_REPLACED = (
    update(_CONTACTS)
    .where(_CONTACTS.c.id == bindparam("this"))
    .values({name: bindparam(f"new_{name}") for name in ("tenant", "object_id", *_PLACE)} | {"closed": ""})
)


@dataclass(frozen=True)
class Whereabouts:
    """Where a platform says that somebody is. An empty field is one that it didn't say."""

    tenant: str
    object_id: str
    user_id: str
    bot_id: str = ""
    conversation_id: str = ""
    service_url: str = ""


async def contact_of(tx: Transaction, platform: str, person_id: int) -> ContactRow | None:
    """How a person is reached, or None before the first contact."""
    row = (await tx.execute(_CONTACT_OF, {"platform": platform, "person": person_id})).one_or_none()
    return ContactRow.of(row) if row is not None else None


async def contact_at(tx: Transaction, platform: str, tenant: str, object_id: str) -> ContactRow | None:
    """The contact with this id in a tenant's directory."""
    row = (
        await tx.execute(_CONTACT_AT, {"platform": platform, "tenant": tenant, "object_id": object_id})
    ).one_or_none()
    return ContactRow.of(row) if row is not None else None


async def person_with_email(tx: Transaction, email: str) -> int | None:
    """The active person with this e-mail address, however it is capitalised."""
    if not email.strip():
        return None
    found: int | None = await tx.session.scalar(
        select(PersonRow.id).where(func.lower(PersonRow.email) == email.strip().lower(), PersonRow.active.is_(True))
    )
    return found


async def keep_contact(tx: Transaction, platform: str, person_id: int, where: Whereabouts, now: datetime) -> ContactRow:
    """Keep how a person is reached. Who was matched once stays matched to the id in the directory, not to the address.

    Raises ValueError for a person who is known under another id of the directory.
    """
    await tx.alone(f"contact {platform} {person_id}")
    row = await contact_at(tx, platform, where.tenant, where.object_id)
    if row is None:
        if await contact_of(tx, platform, person_id) is not None:
            raise ValueError("this person is known under another id of the directory")
        row = ContactRow(
            platform=platform,
            person_id=person_id,
            tenant=where.tenant,
            object_id=where.object_id,
            user_id=where.user_id,
            bot_id=where.bot_id,
            conversation_id=where.conversation_id,
            service_url=where.service_url,
            closed="",
            since=now,
        )
        tx.session.add(row)
        await tx.session.flush()
        return row
    await keep_whereabouts(tx, row, where)
    return row


async def keep_whereabouts(tx: Transaction, row: ContactRow, where: Whereabouts) -> None:
    """Keep where somebody who is known is now."""
    said = {name: getattr(where, name) or getattr(row, name) for name in _PLACE}
    said["closed"] = "" if where.conversation_id else row.closed
    if any(value != getattr(row, name) for name, value in said.items()):
        await tx.execute(_MOVED, {"this": row.id} | {f"new_{name}": value for name, value in said.items()})
        for name, value in said.items():
            setattr(row, name, value)


async def replace_contact(
    tx: Transaction, platform: str, person_id: int, gone: str, where: Whereabouts
) -> ContactRow | None:
    """Let a new account take the place of the one with the id `gone`, which the directory no longer has in use.

    None where the person is no longer known under that id, or the new account is somebody's already.
    """
    known = await contact_of(tx, platform, person_id)
    if known is None or known.object_id != gone or await contact_at(tx, platform, where.tenant, where.object_id):
        return None
    values = {f"new_{name}": getattr(where, name) for name in ("tenant", "object_id", *_PLACE)}
    await tx.execute(_REPLACED, {"this": known.id} | values)
    return await contact_of(tx, platform, person_id)


async def first_welcome(tx: Transaction, contact_id: int, now: datetime) -> bool:
    """Whether somebody is to be welcomed now: once, whoever asks first."""
    result = await tx.session.execute(
        update(ContactRow)
        .where(ContactRow.id == contact_id, ContactRow.welcomed_at.is_(None))
        .values(welcomed_at=now)
        .execution_options(synchronize_session=False)
    )
    return isinstance(result, CursorResult) and result.rowcount == 1


async def close_contact(tx: Transaction, platform: str, person_id: int, reason: str) -> None:
    """Say that a person can't be written to any more, and why, until they are seen again."""
    await tx.session.execute(
        update(ContactRow)
        .where(ContactRow.platform == platform, ContactRow.person_id == person_id)
        .values(closed=reason)
    )


async def reopen_contact(tx: Transaction, platform: str, person_id: int) -> None:
    """Say that a person can be written to again; the chat with them is opened anew."""
    await tx.session.execute(
        update(ContactRow)
        .where(ContactRow.platform == platform, ContactRow.person_id == person_id)
        .values(closed="", conversation_id="")
    )


async def platforms_of(tx: Transaction, person_id: int) -> list[str]:
    """The platforms on which a person can be written to, beginning with where they got something or came last."""
    last = (
        select(PostingRow.platform, func.max(PostingRow.at).label("at"))
        .where(PostingRow.person_id == person_id)
        .group_by(PostingRow.platform)
        .subquery()
    )
    rows = await tx.session.scalars(
        select(ContactRow.platform)
        .outerjoin(last, last.c.platform == ContactRow.platform)
        .where(ContactRow.person_id == person_id, ContactRow.closed == "")
        .order_by(func.coalesce(last.c.at, ContactRow.since).desc())
    )
    return list(rows)


async def unreached(tx: Transaction, platform: str) -> list[tuple[int, str]]:
    """Active people to whom nothing can be sent there, by id, each with the reason; empty where they never came."""
    rows = await tx.session.execute(
        select(PersonRow.id, ContactRow.closed, ContactRow.id)
        .outerjoin(ContactRow, (ContactRow.person_id == PersonRow.id) & (ContactRow.platform == platform))
        .where(PersonRow.active.is_(True))
        .order_by(PersonRow.name)
    )
    return [(person_id, closed or "") for person_id, closed, contact in rows if contact is None or closed]


async def revive(tx: Transaction, person_id: int, now: datetime) -> int:
    """Queue again what couldn't reach a person and is still theirs to do, now that they can be reached; how many."""
    open_duties = select(DutyRow.ref).where(DutyRow.owner_id == person_id, DutyRow.closed_at.is_(None))
    rows = await tx.session.execute(
        select(OutboxRow.id, OutboxRow.duty_ref)
        .where(OutboxRow.to_id == person_id, OutboxRow.state == "failed", OutboxRow.duty_ref.in_(open_duties))
        .order_by(OutboxRow.id)
    )
    # The latest message of a duty says all that the earlier ones said.
    latest = {duty_ref: row_id for row_id, duty_ref in rows}
    waiting = set(
        await tx.session.scalars(
            select(OutboxRow.duty_ref).where(OutboxRow.to_id == person_id, OutboxRow.state.in_(WAITING))
        )
    )
    ids = [row_id for duty_ref, row_id in latest.items() if duty_ref not in waiting]
    await tx.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state == "failed")
        .values(state="queued", not_before=now, attempts=0, error="")
    )
    return len(ids)
