"""The collaborative audit session: suggesting a time, agreeing it, reminding of it, and whether it was held."""

from audits.state import Duty
from cards.card import Action, Card, ChoiceInput, Download, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene
from cards.wording import moment_words

WHEN_HINT = "Write it as you would say it: Tues 2pm, or Thu 26 Nov at 10."


def _when(label: str) -> TextInput:
    return TextInput("when", label, hint=WHEN_HINT, length=300)


def _other(scene: Scene) -> str:
    """Whom the viewer talks it through with."""
    audit = scene.audit
    return scene.name(audit.case.holder_id if scene.viewer.id == audit.auditor_id else audit.auditor_id)


def book(scene: Scene, duty: Duty) -> Card:
    """The request to book, as the auditor (or the practitioner, who is nudged as well) gets it."""
    if scene.audit.proposed_at is not None and scene.audit.proposed_by == scene.viewer.id:
        return _suggested(scene, duty, moment_words(scene.audit.proposed_at, scene.calendar))
    return Card(
        title=f"When could you talk about {scene.audit.case.ref}?",
        text=(
            f"Please suggest a time to talk it through with {_other(scene)}. We ask them and send you both "
            "an invitation.",
        ),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), scene.due_fact(duty, "Please book by")),
        inputs=(_when("Suggested time"),),
        actions=(
            *scene.button("book", "Suggest this time", Emphasis.PRIMARY),
            *scene.button("hold", "We have already talked", inputs=()),
        ),
        why=scene.why("book_session"),
    )


def _suggested(scene: Scene, duty: Duty, at: str) -> Card:
    """The request to book, to the one whose suggestion waits for its answer."""
    return Card(
        title=f"You suggested {at} for {scene.audit.case.ref}",
        text=(
            f"We have asked {_other(scene)}, and tell you as soon as they answer. If the time no longer suits you, "
            "suggest another.",
        ),
        tone=Tone.INFORM,
        facts=(*scene.case_facts(), scene.due_fact(duty, "Please book by")),
        inputs=(_when("Another time"),),
        actions=(
            *scene.button("book", "Suggest another time"),
            *scene.button("hold", "We have already talked", inputs=()),
        ),
        why=scene.why("book_session"),
    )


def agree(scene: Scene, duty: Duty) -> Card:
    """A suggested time, as the other one of the two gets it."""
    proposed = scene.audit.proposed_at
    at = moment_words(proposed, scene.calendar) if proposed else "a time"
    return Card(
        title=f"Does {at} suit you?",
        text=(
            f"{scene.name(scene.audit.proposed_by)} would like to talk through the audit of {scene.audit.case.ref} "
            "with you then. It is about learning, not blame.",
        ),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), Fact("Suggested time", at), scene.due_fact(duty, "Please answer by")),
        inputs=(_when("Or another time that suits you better"),),
        actions=(
            *scene.button("agree", "Yes, that suits me", Emphasis.PRIMARY, inputs=()),
            *scene.button("book", "Suggest another time", inputs=("when",)),
        ),
        why=scene.why("agree_session"),
    )


PAST = "If it didn't happen, no matter: we help you find another time."
AHEAD = "Please have the case file to hand."
AHEAD_OR_MOVED = f"{AHEAD} If the time no longer suits, suggest another below."


def booked(scene: Scene, duty: Duty, invitation: Download | None = None) -> Card:
    """The agreed session: before it a reminder with its invitation, after it the question whether it was held."""
    audit = scene.audit
    at = moment_words(audit.session_at, scene.calendar) if audit.session_at else "not booked"
    past = audit.session_at is not None and scene.now >= audit.session_at
    book = scene.button("book", "Suggest another time", inputs=("when",))
    asks: tuple[Action, ...] = ()
    if past:
        asks = (
            *scene.button("hold", "Yes, we talked", Emphasis.PRIMARY, inputs=()),
            *scene.button("not_hold", "No, it didn't happen", inputs=()),
        )
    return Card(
        title=f"Was the discussion about {audit.case.ref} held?" if past else f"Your discussion is on {at}",
        text=(PAST if past else AHEAD_OR_MOVED if book else AHEAD,),
        tone=Tone.ASK if asks else Tone.INFORM,
        facts=(*scene.case_facts(), Fact("Time", at)),
        inputs=(_when("Another time, if this one doesn't suit"),) if book else (),
        actions=(*asks, *book),
        why=scene.why("hold_session"),
        downloads=(invitation,) if invitation and not past else (),
    )


def which(scene: Scene, question: str, input_: ChoiceInput | TextInput, verb: str = "book") -> Card:
    """The bot's question where what was typed means two times, or a day without an hour."""
    return Card(
        title=question,
        tone=Tone.ASK,
        facts=scene.case_facts()[:2],
        inputs=(input_,),
        actions=scene.button(verb, "Choose the time", Emphasis.PRIMARY),
        why=scene.why("book_session"),
    )
