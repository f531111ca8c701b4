"""The safety alert, and the way to raise one."""

from audits.state import Duty
from cards.card import Card, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene
from cards.wording import moment_words


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


def raise_one(scene: Scene) -> Card:
    """The form to raise a safety concern at any stage of an audit."""
    return Card(
        title=f"Raise a safety concern about {scene.audit.case.ref}",
        text=("The managers of this case are told at once, at any hour. In an emergency ring 999 first.",),
        tone=Tone.ASK,
        facts=scene.case_facts(),
        inputs=(TextInput("text", "What should they know? No names.", required=True, long=True),),
        actions=scene.button("safety", "Alert the managers now", Emphasis.DANGER),
        why=scene.why("acknowledge_alert"),
    )
