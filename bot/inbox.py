"""What the desk shows of people and their messages: who has something waiting, and everyone's letters."""

from datetime import datetime

from sqlalchemy import func, select

from audits.people import Person
from bot.desk.service import Desktop, Letter
from cards.card import Tone
from scheduling.composing import bundle_card, message_card
from storage.store import Transaction
from storage.tables import DutyRow, OutboxRow

PAGE = 20
ASKING = frozenset({Tone.ASK, Tone.LATE, Tone.ALERT})


async def desktops(tx: Transaction) -> list[Desktop]:
    """Everyone who is active, by name."""
    rows = await tx.session.execute(
        select(OutboxRow.to_id, func.count(func.distinct(OutboxRow.duty_ref)))
        .join(DutyRow, DutyRow.ref == OutboxRow.duty_ref)
        .where(OutboxRow.state == "sent", DutyRow.closed_at.is_(None))
        .group_by(OutboxRow.to_id)
    )
    waiting = {row[0]: row[1] for row in rows}
    sent = await tx.session.execute(
        select(OutboxRow.to_id, func.count(OutboxRow.id)).where(OutboxRow.state == "sent").group_by(OutboxRow.to_id)
    )
    received = {row[0]: row[1] for row in sent}
    roles = tx.framework.roles
    return [
        Desktop(
            person,
            roles[person.role].label if person.role in roles else person.role,
            waiting.get(person.id, 0),
            received.get(person.id, 0),
            person.role in tx.framework.qa_roles,
        )
        for person in sorted(tx.directory.people.values(), key=lambda one: one.name)
        if person.active
    ]


async def inbox(tx: Transaction, person_id: int, page: int, now: datetime) -> tuple[list[Letter], int]:
    """A page of someone's letters, newest first, and how many pages there are."""
    person = tx.directory.get(person_id)
    if person is None:
        return [], 0
    ids = select(func.max(OutboxRow.id)).where(OutboxRow.to_id == person_id, OutboxRow.state == "sent")
    # A duty's card is the same however often it was reminded of, so it is shown once, where it came last.
    ids = ids.group_by(func.coalesce(OutboxRow.digest, OutboxRow.duty_ref, OutboxRow.key))
    count = await tx.session.scalar(select(func.count()).select_from(ids.subquery())) or 0
    rows = list(
        await tx.session.scalars(
            select(OutboxRow)
            .where(OutboxRow.id.in_(ids))
            .order_by(OutboxRow.sent_at.desc(), OutboxRow.id.desc())
            .offset((page - 1) * PAGE)
            .limit(PAGE)
        )
    )
    letters = [await _letter(tx, row, person, now) for row in rows]
    return letters, max(1, -(-count // PAGE))


async def letter(tx: Transaction, person_id: int, message_id: int, now: datetime) -> Letter | None:
    """One of someone's own letters; None for one that isn't theirs."""
    person = tx.directory.get(person_id)
    row = await tx.session.get(OutboxRow, message_id)
    if person is None or row is None or row.to_id != person_id or row.state != "sent":
        return None
    return await _letter(tx, row, person, now)


async def _letter(tx: Transaction, row: OutboxRow, person: Person, now: datetime) -> Letter:
    if row.digest is not None:
        joined = await tx.session.scalars(
            select(OutboxRow).where(OutboxRow.digest == row.digest).order_by(OutboxRow.id)
        )
        card = await bundle_card(tx, list(joined), person, now)
    else:
        card = await message_card(tx, row, person, now)
    waiting = bool(card.actions) and card.tone in ASKING
    return Letter(row.id, row.sent_at or row.decided_at, row.what, card, waiting=waiting)
