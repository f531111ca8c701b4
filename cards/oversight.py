"""Management oversight, the upload to the child's file, and disagreement about an audit."""

from dataclasses import replace

from audits.state import Duty
from cards import grading
from cards.card import Action, Card, Choice, ChoiceInput, Emphasis, InputGroup, TextInput, Tone
from cards.scene import Scene, grade_choices


def oversee(scene: Scene, duty: Duty) -> Card:
    """The copy of an audit, with the request for oversight."""
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"Please read the audit of {scene.audit.case.ref}",
        text=(scene.framework.duties["oversee"].ask, *copy.text),
        tone=Tone.ASK,
        facts=(*copy.facts, scene.due_fact(duty)),
        inputs=(
            TextInput("text", "Your comment (optional; the full one goes on the child's file)", long=True),
            *_dispute_group(scene),
        ),
        actions=(
            *scene.button("oversee", "I have read it and commented on the file", Emphasis.PRIMARY, inputs=("text",)),
            *_dispute_button(scene),
        ),
        why=scene.why("oversee"),
    )


def record(scene: Scene, duty: Duty) -> Card:
    system = scene.framework.about.case_system
    comment = str(scene.audit.facts.get("overseen") or "")
    return Card(
        title=f"Please upload the audit of {scene.audit.case.ref}",
        text=(scene.framework.duties["record_on_file"].ask, *((f"Comment: {comment}",) if comment else ())),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), *scene.grade_facts(), scene.due_fact(duty)),
        inputs=(TextInput("where", f"Where on {system}? (optional)", length=200),),
        actions=scene.button("record", f"It is on {system}", Emphasis.PRIMARY),
        why=scene.why("record_on_file"),
    )


def settle(scene: Scene, duty: Duty) -> Card:
    """A disagreement, as the auditor (or the QA Unit, which helps) gets it."""
    audit = scene.audit
    _, who = audit.done.get("disputed", (None, None))
    return Card(
        title=f"{scene.name(who)} sees the audit of {audit.case.ref} differently",
        text=(
            str(audit.facts.get("disputed") or "No reason was given."),
            scene.framework.duties["dispute"].ask,
        ),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), *scene.grade_facts(), scene.due_fact(duty, "Please settle by")),
        inputs=(
            TextInput("text", "What did you agree?", required=True, long=True),
            ChoiceInput(
                "grade",
                "The grade after your conversation",
                (Choice("", "Unchanged"), *grade_choices(scene)),
                compact=True,
            ),
        ),
        actions=scene.button("resolve", "We have settled it", Emphasis.PRIMARY),
        why=scene.why("dispute"),
    )


def dispute(scene: Scene) -> Card:
    """The form to say that one sees an audit differently."""
    return Card(
        title=f"What do you see differently about the audit of {scene.audit.case.ref}?",
        text=("The auditor will talk it through with you, and the QA Unit helps if you ask.",),
        tone=Tone.ASK,
        facts=scene.case_facts(),
        inputs=(TextInput("dispute_text", "What do you see differently?", required=True, long=True),),
        actions=scene.button("dispute", "Tell the auditor", Emphasis.PRIMARY),
        why=scene.why("dispute"),
    )


def _dispute_group(scene: Scene) -> tuple[InputGroup, ...]:
    if not scene.may("dispute"):
        return ()
    field = TextInput("dispute_text", "What do you see differently?", long=True)
    return (InputGroup("If you see the audit differently", (field,), folded=True),)


def _dispute_button(scene: Scene) -> tuple[Action, ...]:
    return scene.button("dispute", "I see it differently", inputs=("dispute_text",))


def shared(scene: Scene, text: str) -> Card:
    """A completed audit as its practitioner sees it, with the way to say that they see it differently."""
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"The audit of {scene.audit.case.ref} is complete",
        text=(text, *copy.text),
        inputs=_dispute_group(scene),
        actions=_dispute_button(scene),
    )
