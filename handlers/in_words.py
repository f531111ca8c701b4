"""Answers in somebody's own words to what waits for them.

What is clear takes effect as the button would. Where the words could answer several things, they are asked which; where
the answer needs more than words, its form comes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audits.people import Person
from audits.permissions import out_of_order
from audits.state import Duty
from cards.card import Action, Card, Fact, Tone
from cards.deck import MOST_BUTTONS, ask
from cards.home import title_of
from cards.limits import shortened
from cards.scene import Scene
from handlers import leaves, questions
from handlers.interaction import Interaction, Reply
from handlers.press import Refused
from handlers.said import Kind, Said, read
from handlers.verbs import PER_ACTION, press
from storage.store import Transaction

DONE = frozenset(
    {
        *("confirm", "sign_off", "hold", "oversee", "record", "resolve", "submit", "moderate", "update", "discuss"),
        *("self_assess", "comment", "reflect", "feedback", "supervise", "follow_up", "recognise", "arrange"),
    }
)
"""Verbs by which somebody says that they have done what they were asked for."""
FORMAL = frozenset({"sign_off", "oversee"})
"""Verbs with which somebody answers for another's work: their card comes, and its button is pressed."""
WILLING = (("accept", "accept"), ("agree_session", "agree"))
YES = (*WILLING, ("hold_session", "hold"))
UNABLE = (("accept", "decline"), ("agree_session", "book"))
NO = (*UNABLE, ("hold_session", "not_hold"))
ANSWERS: dict[Kind, Callable[[Duty, Action], bool]] = {
    "done": lambda duty, action: action.verb in DONE,
    "talked": lambda duty, action: action.verb == "hold",
    "yes": lambda duty, action: (duty.key, action.verb) in YES,
    "willing": lambda duty, action: (duty.key, action.verb) in WILLING,
    "unable": lambda duty, action: (duty.key, action.verb) in UNABLE,
    "no": lambda duty, action: (duty.key, action.verb) in NO,
}
"""Which button of a duty's card some words press."""
LONGEST_LABEL = 60


@dataclass(frozen=True)
class _Step:
    """Something that waits for somebody, with the button of its card that their words press."""

    scene: Scene
    duty: Duty
    card: Card
    action: Action

    @property
    def needs_a_form(self) -> bool:
        """Whether the button must be given more than what words have said."""
        return self.action.verb in FORMAL | {"book"} or self.asks_for_more

    @property
    def asks_for_more(self) -> bool:
        """Whether something has to be filled in for it."""
        asked = [one for one in self.card.all_inputs() if self.action.inputs is None or one.name in self.action.inputs]
        return any(one.required for one in asked)

    @property
    def takes_a_note(self) -> bool:
        names = {one.name for one in self.card.all_inputs()}
        return "text" in names and (self.action.inputs is None or "text" in self.action.inputs)

    @property
    def case(self) -> str:
        return self.scene.audit.case.ref

    @property
    def what(self) -> str:
        """What it is, short enough for a button."""
        action = self.scene.audit.action(self.duty.action) if self.duty.action is not None else None
        return shortened(action.what.rstrip(" .") if action else title_of(self.scene, self.duty), LONGEST_LABEL)


async def answer(tx: Transaction, person: Person, words: str, at: datetime, about: int | None = None) -> Reply | None:
    """Answer words that answer something; None where they don't.

    `about` is the audit in whose thread they were written, if they were. Raises Refused where it can't be done, or
    where somebody has to say which of several things they mean.
    """
    waiting = await questions.waiting_for(tx, person, person, at)
    said = read(words, dict.fromkeys(scene.audit.case.ref for scene, _ in waiting))
    if said is None:
        return None
    if said.kind == "back":
        return Reply(await leaves.end(tx, person, at))
    steps = _steps(said, waiting, about)
    # The day is read before anything is done, so that nothing is half done.
    until = leaves.last_day(tx, said.until, at) if said.until else None
    if not steps and until is None:
        return None
    clear = len(steps) == 1 and (said.case or about is None or steps[0].scene.audit.id == about)
    reply = await _press(tx, person, steps[0], said, at) if clear else None
    if until is None:
        if reply is None:
            raise Refused(_which(steps, words))
        return reply
    noted = await leaves.take(tx, person, person, until, at)
    if reply is not None:
        return replace(reply, card=replace(reply.card, text=(*reply.card.text, f"{noted.title}.", *noted.text)))
    return Reply(_which(steps, words, f"{noted.title}.", *noted.text) if steps else noted)


def _steps(said: Said, waiting: Sequence[tuple[Scene, Duty]], about: int | None) -> list[_Step]:
    """What the words could answer: of the case that they name, or else of the audit in whose thread they stand, where
    either has anything."""
    found = [step for scene, duty in waiting for step in _step(said.kind, scene, duty)]
    if said.case:
        found = [one for one in found if one.case == said.case]
    elif about is not None:
        found = [one for one in found if one.scene.audit.id == about] or found
    return found


def _step(kind: Kind, scene: Scene, duty: Duty) -> list[_Step]:
    fits = ANSWERS.get(kind)
    if fits is None or duty.key not in scene.framework.duties:
        return []
    card = ask(scene, duty)
    pressed = card.actions[:1] if kind == "done" else card.actions
    found = [_Step(scene, duty, card, one) for one in pressed if fits(duty, one) and _in_turn(scene, one)]
    return found[:1]


def _in_turn(scene: Scene, action: Action) -> bool:
    return action.verb not in scene.framework.verbs or not out_of_order(scene.rules, scene.audit, action.verb)


async def _press(tx: Transaction, person: Person, step: _Step, said: Said, at: datetime) -> Reply:
    verb = step.action.verb
    if step.needs_a_form or said.unsure or (said.note and not step.takes_a_note):
        opening = NEXT_TIME if verb == "book" else FORM_FIRST if step.asks_for_more else LOOK_FIRST
        card = step.card.answered({"text": said.note}, {}) if said.note and step.takes_a_note else step.card
        return Reply(replace(card, text=(opening, *card.text)), duty=step.duty.ref)
    values = {"text": said.note} if said.note else {"reason": said.reason} if said.reason else {}
    subject = step.scene.subject(step.duty.action if verb in PER_ACTION else None)
    return await press(tx, person, Interaction(person.id, verb, "", at, subject=subject, values=values))


def _which(steps: Sequence[_Step], words: str, *before: str) -> Card:
    """The question which of several things somebody means, with a button for each that can be pressed at once."""
    at_once = [one for one in steps if not one.needs_a_form][:MOST_BUTTONS]
    cases = dict.fromkeys(one.case for one in steps)
    hint = f"You can also write the case with it, for example: {words.rstrip(' .!')} {steps[0].case}."
    return Card(
        title="Which one do you mean?",
        text=(
            *before,
            f"You wrote: {words}",
            *((hint,) if len(cases) > 1 else ()),
            *((ON_ITS_CARD,) if len(at_once) < len(steps) else ()),
        ),
        tone=Tone.ASK,
        facts=tuple(Fact(one.case, one.what) for one in steps),
        actions=tuple(
            Action(one.action.verb, f"{one.case}: {one.what}", one.action.subject, inputs=()) for one in at_once
        ),
        why=steps[0].scene.why(steps[0].duty.key),
    )


NEXT_TIME = "No matter. Please suggest a time that suits you better."
LOOK_FIRST = "Please look at it once more, and press the button if it is as it should be."
ON_ITS_CARD = "Where there is no button here, please press the one on its own card."
FORM_FIRST = "Thank you. A few words are still needed for it:"
