"""A step that is answered with a tick, a word of one's own, and a button: whatever a framework asks without a form."""

from dataclasses import replace

from audits.events import EVENTS
from audits.state import Duty
from cards import grading
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, Input, TextInput, Tone
from cards.scene import Scene

TICKED = "yes"
ASKING = frozenset({"commissioned", "referred", "feedback_considered"})
"""Events by which somebody asks somebody else for something, in words of their own."""
NOTE = "Anything to add? (optional; no names)"
LATER_ANSWERS = {"overseen": ("refer", "Put it forward for moderation")}
"""What else may be pressed on the card of a step, where the framework lets this person."""


def verb_of(scene: Scene, duty: Duty) -> str | None:
    """The verb that answers a duty: the first event that closes it; None where nobody's answer does."""
    closing = scene.framework.duties[duty.key].closed_by[0]
    return next((verb for verb, event in EVENTS.items() if event == closing), None)


def ask(scene: Scene, duty: Duty) -> Card:
    """The request of a duty, with the ticks that its framework names."""
    terms = scene.framework.duties[duty.key]
    verb = verb_of(scene, duty)
    if verb is None:
        return inform(scene, duty)
    mine = scene.may(verb)
    also = LATER_ANSWERS.get(terms.closed_by[0])
    others = scene.button(also[0], also[1], inputs=("text",)) if also and also[0] in scene.framework.verbs else ()
    graded = scene.audit.has("submitted")
    return Card(
        title=f"{terms.title}: {scene.audit.case.ref}",
        text=(terms.ask,),
        tone=Tone.ASK if mine else Tone.INFORM,
        facts=(
            *scene.case_facts(),
            *(scene.grade_facts() if graded else ()),
            *stretch_facts(scene),
            *example_facts(scene, duty),
            *words_facts(scene, duty),
            scene.due_fact(duty),
        ),
        inputs=(*ticks(scene, duty.key), *note(scene, duty.key)) if mine else (),
        actions=(*scene.button(verb, terms.button or "Done", Emphasis.PRIMARY), *others),
        why=scene.why(duty.key),
    )


def inform(scene: Scene, duty: Duty) -> Card:
    """What somebody has to know by a moment; nothing is asked but to read it."""
    terms = scene.framework.duties[duty.key]
    copy = grading.sent(scene)
    return replace(copy, title=f"{terms.title}: {scene.audit.case.ref}", text=(terms.ask,), why=scene.why(duty.key))


def ticks(scene: Scene, key: str) -> tuple[Input, ...]:
    """What has to be ticked before a step counts as done."""
    checks = scene.framework.duties[key].checks
    choices = (Choice(TICKED, "Yes"), Choice("no", "Not yet"))
    return tuple(
        ChoiceInput(f"check_{number}", check, choices, required=True) for number, check in enumerate(checks, 1)
    )


def note(scene: Scene, key: str) -> tuple[Input, ...]:
    return (TextInput("text", scene.framework.duties[key].note or NOTE, long=True),)


def example_facts(scene: Scene, duty: Duty) -> tuple[Fact, ...]:
    """The piece of good practice that a recognition is about."""
    text = str(scene.audit.facts.get("good_example") or "")
    return (Fact("Good practice", text),) if text and duty.key == "recognition" else ()


def words_facts(scene: Scene, duty: Duty) -> tuple[Fact, ...]:
    """What was said by whoever asked for this."""
    said = [
        str(scene.audit.facts.get(kind) or "") for kind in scene.framework.duties[duty.key].opened_by if kind in ASKING
    ]
    return tuple(Fact("In their words", text) for text in said if text)


def stretch_facts(scene: Scene) -> tuple[Fact, ...]:
    """The stretch targets of an audit, for those who may see its grade."""
    given = scene.audit.facts.get("stretch") or {}
    if not scene.grade_facts():
        return ()
    return tuple(Fact(f"Stretch target, {grading.STRETCH_FOR.get(who, who)}", text) for who, text in given.items())
