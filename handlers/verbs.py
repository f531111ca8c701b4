"""Which conversation answers which button of an audit."""

from collections.abc import Awaitable, Callable

from audits.people import Person
from handlers import (
    actions,
    allocations,
    discussions,
    escalations,
    feedback,
    good_practice,
    grades,
    moderation,
    oversight,
    safety,
    sessions,
    steps,
)
from handlers.interaction import Interaction, Reply
from handlers.press import Press, refusal
from storage.store import Transaction

PER_ACTION = frozenset({"confirm", "sign_off", "send_back"})

VERBS: dict[str, Callable[[Press], Awaitable[Reply]]] = {
    "accept": allocations.accept,
    "decline": allocations.decline,
    "reassign": allocations.reassign,
    "extend": allocations.extend,
    "withdraw": allocations.withdraw,
    "book": sessions.book,
    "agree": sessions.agree,
    "hold": sessions.hold,
    "not_hold": sessions.not_hold,
    "submit": grades.submit,
    "grade_sections": grades.grade_sections,
    "safety": safety.raise_concern,
    "acknowledge": safety.acknowledge,
    "take_up": escalations.take_up,
    "oversee": oversight.oversee,
    "record": oversight.record,
    "dispute": oversight.dispute,
    "resolve": oversight.resolve,
    "moderate": moderation.moderate,
    "update": moderation.update,
    "consider": moderation.consider,
    "confirm": actions.confirm,
    "sign_off": actions.sign_off,
    "send_back": actions.send_back,
    "offer": good_practice.offer,
    "self_assess": steps.answer,
    "waive": steps.waive,
    "comment": steps.answer,
    "reflect": steps.answer,
    "feedback": feedback.give,
    "consider_feedback": feedback.consider,
    "refer": steps.answer,
    "discuss": discussions.discuss,
    "release": discussions.release,
    "supervise": steps.answer,
    "follow_up": steps.answer,
    "recognise": steps.answer,
    "commission": steps.answer,
    "arrange": steps.answer,
}


async def press(tx: Transaction, person: Person, interaction: Interaction) -> Reply:
    """A press of a button on an audit. Raises Refused."""
    handler = VERBS.get(interaction.verb)
    if handler is None:
        raise refusal("I don't know that button", "Please open the card again; it may be an old one.")
    audit_id, action = _subject(interaction)
    audit = await tx.audit(audit_id, alone=True) if audit_id is not None else None
    # What is planned and hasn't gone out is nobody's yet, whoever guesses its number.
    if audit is None or audit.issued_at is None:
        raise refusal("I can't find that audit", "Please open the card again; it may be an old one.")
    action = action if interaction.verb in PER_ACTION else None
    return await handler(Press(tx, person, audit, interaction.verb, interaction.values, interaction.at, action))


def _subject(interaction: Interaction) -> tuple[int | None, int | None]:
    audit, _, action = (interaction.values.get("which", "") or interaction.subject).partition(":")
    if action and (not action.isdecimal() or len(action) > 6):
        return None, None
    return audit_in(audit), int(action) if action else None


def audit_in(subject: str) -> int | None:
    """The number of an audit that a subject names; None where it names none."""
    return int(subject) if subject.isdecimal() and len(subject) <= 12 else None
