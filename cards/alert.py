"""The safety alert, and the way to raise one."""

from collections.abc import Sequence

from audits.state import Duty
from cards.card import Action, Card, Choice, ChoiceInput, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene
from cards.wording import moment_words

AT_ONCE = "The managers of this case are told at once, at any hour. In an emergency ring 999 first."
WHAT = "What should they know? No names."


def alert(scene: Scene, duty: Duty) -> Card:
    """An alert, as each of its recipients gets it: who else was told, and who has it."""
    audit = scene.audit
    when, who = audit.done.get("safety_raised", (duty.opened_at, None))
    told = [one for one in audit.duties if one.key == "acknowledge_alert"]
    states = tuple(
        Fact(
            scene.name(one.owner_id),
            _state(scene, one),
        )
        for one in told
    )
    text = str(audit.facts.get("safety_text") or "")
    return Card(
        title=f"Safety alert: {audit.case.ref}",
        text=(scene.framework.duties["acknowledge_alert"].ask, *((text,) if text else ())),
        tone=Tone.ALERT,
        facts=(
            *scene.case_facts(),
            Fact("Raised", f"{moment_words(when, scene.calendar)}, by {scene.name(who)}"),
            *states,
        ),
        actions=scene.button("acknowledge", "I have this", Emphasis.PRIMARY, inputs=()),
        why=scene.why("acknowledge_alert"),
    )


def _state(scene: Scene, duty: Duty) -> str:
    if duty.is_open:
        return "told, not answered yet"
    if duty.closed_actor == duty.owner_id:
        return "has it"
    return f"{scene.name(duty.closed_actor)} has it for them"


def choose_one(scenes: Sequence[Scene], *, more: bool) -> Card:
    """The form to raise a safety concern about one of several cases; `more`, where there may be others."""
    return Card(
        title="Raise a safety concern",
        text=(AT_ONCE,),
        tone=Tone.ASK,
        inputs=(
            ChoiceInput(
                "which",
                "About which case?",
                tuple(Choice(f"{scene.audit.id}", _named(scene)) for scene in scenes),
                hint="For a case that isn't among these, write safety and its reference." if more else "",
                required=True,
                compact=True,
            ),
            TextInput("text", WHAT, required=True, long=True),
        ),
        actions=(Action("raise_safety", "Alert the managers now", emphasis=Emphasis.DANGER),),
        why=scenes[0].why("acknowledge_alert"),
    )


def _named(scene: Scene) -> str:
    """A case among others: by its reference, and what it is to the viewer or whose it is."""
    audit = scene.audit
    if audit.case.holder_id == scene.viewer.id:
        whose = "your own case"
    elif audit.auditor_id == scene.viewer.id:
        whose = "you audit it"
    else:
        whose = f"practitioner {scene.name(audit.case.holder_id)}"
    told = "; an alert is open already" if audit.open_duties("acknowledge_alert") else ""
    return f"{audit.case.ref}: {whose}{told}"


def raise_one(scene: Scene) -> Card:
    """The form to raise a safety concern at any stage of an audit."""
    return Card(
        title=f"Raise a safety concern about {scene.audit.case.ref}",
        text=(AT_ONCE,),
        tone=Tone.ASK,
        facts=scene.case_facts(),
        inputs=(TextInput("text", WHAT, required=True, long=True),),
        actions=scene.button("safety", "Alert the managers now", Emphasis.DANGER),
        why=scene.why("acknowledge_alert"),
    )
