"""What the family says: asking for their views after the session, and whether somebody else should seek them."""

from audits.state import Duty
from cards import grading
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene


def given(scene: Scene) -> tuple[Fact, ...]:
    """What is known of the family's views so far."""
    words = {"obtained": "given", "attempted": "sought, without success"}
    return tuple(
        Fact(f"Views of {grading.FEEDBACK_FROM.get(source, source)}", words.get(text, f"not sought: {text}"))
        for source, text in (scene.audit.facts.get("feedback") or {}).items()
        if text
    )


def ask(scene: Scene, duty: Duty) -> Card:
    """The request for the family's views, or the question whether somebody else should seek them."""
    terms = scene.framework.duties[duty.key]
    considering = "feedback_considered" in terms.closed_by and scene.audit.facts.get("feedback_missing")
    facts = (*scene.case_facts(), *given(scene), scene.due_fact(duty))
    if considering:
        choices = (Choice("yes", "Yes, another manager should"), Choice("no", "No, it is better not to"))
        inputs = (ChoiceInput("another", "Should another manager seek their views?", choices, required=True),)
        actions = scene.button("consider_feedback", "Record this", Emphasis.PRIMARY)
        return Card(
            title=f"The family's views: {scene.audit.case.ref}",
            text=(terms.ask,),
            tone=Tone.ASK,
            facts=facts,
            inputs=(*inputs, TextInput("text", "Why? (optional; no names)", long=True)),
            actions=actions,
            why=scene.why(duty.key),
        )
    return Card(
        title=f"The family's views: {scene.audit.case.ref}",
        text=(terms.ask,),
        tone=Tone.ASK,
        facts=facts,
        inputs=tuple(grading.feedback_inputs(scene)),
        actions=scene.button("feedback", "Record their views", Emphasis.PRIMARY),
        why=scene.why(duty.key),
    )
