"""Replies that were given, by the platform's id of the event: the same event gets the same reply again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select

from storage.store import Transaction
from storage.tables import AnswerRow

_ANSWERS = AnswerRow.table()
_ANSWER = select(_ANSWERS.c.person_id, _ANSWERS.c.reply).where(_ANSWERS.c.event_id == bindparam("event"))
_KEEP = insert(_ANSWERS)


@dataclass(frozen=True)
class GivenAnswer:
    """Who was answered, and the reply as JSON."""

    person_id: int
    reply: str


async def answer_to(tx: Transaction, event_id: str) -> GivenAnswer | None:
    """The answer that an event got, or None where it is new."""
    row = (await tx.execute(_ANSWER, {"event": event_id})).one_or_none()
    return GivenAnswer(row.person_id, row.reply) if row is not None else None


async def keep_given(tx: Transaction, event_id: str, given: GivenAnswer, at: datetime) -> None:
    """Keep an answer. Raises IntegrityError (SQLAlchemy) where the event was answered meanwhile."""
    values = {"event_id": event_id, "person_id": given.person_id, "at": at, "reply": given.reply}
    await tx.execute(_KEEP, values)
