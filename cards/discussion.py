"""Talking a moderation through with the auditor before its outcome goes to others."""

from audits.permissions import moderates
from audits.state import Duty
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene, grade_choices


def discuss(scene: Scene, duty: Duty) -> Card:
    """To the one who leads the conversation the outcome; to the auditor an invitation."""
    audit, terms = scene.audit, scene.framework.duties[duty.key]
    mine = scene.viewer.id == duty.owner_id
    if not mine and scene.viewer.id == audit.auditor_id:
        return Card(
            title=f"A conversation about the moderation of {audit.case.ref}",
            text=(
                f"{scene.name(duty.owner_id)} would like to talk the moderation of your audit through with you. "
                "It is about learning, and your view counts. Please take part.",
            ),
            tone=Tone.INFORM,
            facts=(
                *scene.case_facts(),
                Fact("With", scene.name(duty.owner_id)),
                scene.due_fact(duty, "Please talk by"),
            ),
            actions=scene.button("discuss", "We have talked it through", inputs=()),
            why=scene.why(duty.key),
        )
    if not mine and not moderates(scene.rules, audit, scene.viewer, scene.now):
        # A manager who hears that the conversation waits learns nothing of what it is about.
        return Card(
            title=f"{terms.title}: {audit.case.ref}",
            text=(
                f"{scene.name(duty.owner_id)} is to talk the moderation through with {scene.name(audit.auditor_id)}.",
            ),
            tone=Tone.INFORM,
            facts=(*scene.case_facts(), scene.due_fact(duty, "Please talk by")),
            why=scene.why(duty.key),
        )
    found = str(audit.facts.get("moderation") or "")
    return Card(
        title=f"Please talk to {scene.name(audit.auditor_id)} about {audit.case.ref}",
        text=(terms.ask, *((found,) if found else ())),
        tone=Tone.ASK,
        facts=(
            *scene.case_facts(),
            Fact("The auditor's grade", scene.grade_words(audit.grade)),
            Fact("Grade after moderation", scene.grade_words(audit.confirmed_grade)),
            scene.due_fact(duty, "Please talk by"),
        ),
        inputs=(
            TextInput("text", "What did you agree? (optional; no names)", long=True),
            ChoiceInput(
                "grade",
                "The grade after your conversation",
                (Choice("", "As moderated"), *grade_choices(scene)),
                compact=True,
            ),
            *_reason(scene),
        ),
        actions=(
            *scene.button("discuss", "We have talked it through", Emphasis.PRIMARY, inputs=("text", "grade")),
            *(scene.button("release", "Release it earlier", inputs=("reason",)) if audit.on_hold else ()),
        ),
        why=scene.why(duty.key),
    )


def _reason(scene: Scene) -> tuple[TextInput, ...]:
    if not scene.audit.on_hold or not scene.may("release"):
        return ()
    return (TextInput("reason", "If it can't wait for the conversation: why?", long=True),)
