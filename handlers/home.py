"""What a person sees when they open auditloop of their own accord: a QA officer the month, everyone what is theirs."""

from dataclasses import dataclass
from datetime import datetime

from audits.people import Person
from audits.permissions import is_qa
from audits.state import Duty
from cards import home as cards
from cards.card import Card
from cards.deck import Note, card_for
from cards.invitation import invitation
from cards.scene import Scene
from handlers import questions
from handlers.own import own_actions, own_audits
from storage.queries import latest_cycle
from storage.store import Transaction

ALERT = "acknowledge_alert"
FIRST_ROWS = 10
MOST_STEPS = 40
"""No platform shows more cards than these on one page."""


@dataclass(frozen=True)
class Home:
    """The cards of a person's overview, each with what it is known by when it is pressed: "duty/" and the duty's
    reference, empty for a card that asks for nothing. `left` counts the steps that wait beyond MOST_STEPS."""

    cards: tuple[tuple[str, Card], ...]
    left: int = 0


async def home(tx: Transaction, person: Person, at: datetime) -> Home:
    """What waits for a person and what is theirs, as they may know it at this moment.

    Safety alerts come first, then for a QA officer the month, then what is next, then each step that can be taken, the
    soonest first.
    """
    waiting = await questions.waiting_for(tx, person, person, at)
    waiting.sort(key=lambda step: step[1].key != ALERT)
    steps = [(duty.key, _step(scene, duty)) for scene, duty in waiting[:MOST_STEPS]]
    ready = [(key, step) for key, step in steps if step[1].actions]
    own = cards.overview(
        waiting,
        await own_audits(tx, person, at),
        await own_actions(tx, person, at),
        not_yet=len(steps) - len(ready),
    )
    alerts = [step for key, step in ready if key == ALERT]
    others = [step for key, step in ready if key != ALERT]
    return Home((*alerts, *await _month(tx, person, at), ("", own), *others), len(waiting) - len(steps))


def _step(scene: Scene, duty: Duty) -> tuple[str, Card]:
    file = invitation(scene) if duty.key == "hold_session" else None
    note = Note(what="message", duty=duty.key, duty_ref=duty.ref)
    return f"duty/{duty.ref}", card_for(scene, note, invitation=file)


async def _month(tx: Transaction, person: Person, at: datetime) -> tuple[tuple[str, Card], ...]:
    """How the month stands and what is late, for whoever may ask about everyone's audits."""
    if not is_qa(tx.rules, person):
        return ()
    if await latest_cycle(tx, at) is None:
        return (("", Card(title="No cycle has begun yet", text=("Its audits are shown here once it has.",))),)
    late = cards.first(await questions.overdue(tx, person, at), FIRST_ROWS, "overdue")
    return ("", await questions.how_it_stands(tx, person, at)), ("", late)
