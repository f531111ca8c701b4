"""What a message that stands in a chat should show now: of several about one duty, only the newest asks for answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from audits.people import Person
from cards.card import Card
from cards.stored import fingerprint
from cards.tombstone import tombstone
from scheduling.composing import bundle_card, duty_card, further_down_card
from storage.postings import LEASE, messages_of
from storage.store import Transaction
from storage.tables import OutboxRow, PostingRow

_POSTINGS, _OUTBOX = PostingRow.table(), OutboxRow.table()

# Statements that are made once keep the form in which the database gets them.
_TOLD = select(_OUTBOX.c.posting_id).where(
    _OUTBOX.c.audit_id == bindparam("about"),
    _OUTBOX.c.duty_ref == bindparam("ref"),
    _OUTBOX.c.posting_id.is_not(None),
    # Reminders that went as one ask for nothing themselves.
    _OUTBOX.c.digest.is_(None),
)
_ABOUT = and_(
    _POSTINGS.c.person_id == bindparam("person"),
    or_(
        and_(_POSTINGS.c.audit_id == bindparam("about"), _POSTINGS.c.duty_ref == bindparam("ref")),
        _POSTINGS.c.id.in_(_TOLD),
    ),
)
_NEWER = (
    select(_POSTINGS.c.id)
    .where(_ABOUT, _POSTINGS.c.conversation_id == bindparam("chat"), _POSTINGS.c.id > bindparam("this"))
    .limit(1)
)
_SAME = select(_POSTINGS.c.id).where(_ABOUT, _POSTINGS.c.shown == bindparam("now_shown")).limit(1)
_LOOK_AT = update(_POSTINGS).where(_ABOUT, _POSTINGS.c.next_at.is_not(None)).values(next_at=bindparam("moment"))


@dataclass(frozen=True)
class About:
    """One duty of an audit."""

    audit_id: int
    ref: str


@dataclass(frozen=True)
class Standing:
    """The card that a message should show, and the one duty that it is about, if it is about one."""

    card: Card
    about: About | None = None


async def standing(tx: Transaction, row: PostingRow, now: datetime, *, pressed: bool = False) -> Standing | None:
    """What a message should show now; None where there is nothing any more to show.

    A form stands in the newest message about its duty, and where somebody may be typing into it: in the message that
    showed it before, and in the one that was `pressed`.
    """
    if row.erased_at is not None:
        return Standing(tombstone())
    person = tx.directory.get(row.person_id)
    if person is None or not person.active:
        return None
    found = await _shown_by(tx, row, person, now)
    if found is None or pressed or not found.card.all_inputs() or fingerprint(found.card) == row.shown:
        return found
    if found.about is None or not await _has_newer(tx, row, found.about):
        return found
    card = await further_down_card(tx, found.about.audit_id, found.about.ref, person, now)
    return Standing(card, found.about) if card is not None else None


async def _shown_by(tx: Transaction, row: PostingRow, person: Person, now: datetime) -> Standing | None:
    if row.audit_id is not None and row.duty_ref is not None:
        card = await duty_card(tx, row.audit_id, row.duty_ref, person, now)
        return Standing(card, About(row.audit_id, row.duty_ref)) if card is not None else None
    messages = await messages_of(tx, row.id)
    if not messages:
        return None
    card = await bundle_card(tx, messages, person, now)
    first = messages[0]
    if len(messages) > 1 or first.audit_id is None or first.duty_ref is None:
        return Standing(card)
    return Standing(card, About(first.audit_id, first.duty_ref))


async def _has_newer(tx: Transaction, row: PostingRow, about: About) -> bool:
    """Whether a later message in the same chat is about the same duty."""
    values = _values(row.person_id, about) | {"chat": row.conversation_id, "this": row.id}
    return (await tx.execute(_NEWER, values)).first() is not None


async def shows_already(tx: Transaction, person_id: int, about: About, shown: str) -> bool:
    """Whether a card of this fingerprint about a duty stands in somebody's chat."""
    return (await tx.execute(_SAME, _values(person_id, about) | {"now_shown": shown})).first() is not None


async def wait_for_answer(tx: Transaction, person_id: int, about: About, now: datetime) -> None:
    """Leave older messages about a duty as they are until an answer that is on its way stands below them.

    Where it never comes, they are looked at once the lease ends.
    """
    await _look_at(tx, person_id, about, now + LEASE)


async def look_above(tx: Transaction, person_id: int, about: About, now: datetime) -> None:
    """Look at the older messages about a duty, below which an answer stands now or won't come."""
    await _look_at(tx, person_id, about, now)


async def _look_at(tx: Transaction, person_id: int, about: About, at: datetime) -> None:
    await tx.execute(_LOOK_AT, _values(person_id, about) | {"moment": at})


def _values(person_id: int, about: About) -> dict[str, Any]:
    return {"person": person_id, "about": about.audit_id, "ref": about.ref}
