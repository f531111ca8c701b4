"""Management oversight, the upload to the child's file, and disagreement about an audit."""

from dataclasses import replace

from audits.state import Duty
from cards import grading, step
from cards.actions import summary
from cards.card import Action, Card, Choice, ChoiceInput, Emphasis, InputGroup, TextInput, Tone
from cards.scene import Scene, grade_choices


def oversee(scene: Scene, duty: Duty) -> Card:
    """The copy of an audit, with the request for oversight."""
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"Please read the audit of {scene.audit.case.ref}",
        text=(scene.framework.duties["oversee"].ask,),
        tone=Tone.ASK,
        facts=(*copy.facts, scene.due_fact(duty)),
        inputs=(
            TextInput("text", "Your comment (optional; the full one goes on the child's file)", long=True),
            *_learning(scene),
            *_dispute_group(scene),
        ),
        actions=(
            *scene.button(
                "oversee",
                scene.framework.duties["oversee"].button or "I have read it and commented on the file",
                Emphasis.PRIMARY,
                inputs=("text", "learning") if _learning(scene) else ("text",),
            ),
            *scene.button("refer", "Put it forward for moderation", inputs=("text",)),
            *scene.button("commission", "Ask for an independent audit", inputs=("text",)),
            *_dispute_button(scene),
        ),
        why=scene.why("oversee"),
    )


def _learning(scene: Scene) -> tuple[ChoiceInput, ...]:
    """Whether there is learning for supervision, where the framework goes on with it."""
    if not any(terms.when.fact == "learning" for terms in scene.framework.duties.values()):
        return ()
    choices = (Choice("no", "No"), Choice("yes", "Yes"))
    return (ChoiceInput("learning", "Is there learning to take into supervision?", choices, value="no"),)


def record(scene: Scene, duty: Duty) -> Card:
    system = scene.framework.about.case_system
    comment = str(scene.audit.facts.get("overseen") or "")
    return Card(
        title=f"{scene.framework.duties[duty.key].title}: {scene.audit.case.ref}",
        text=(scene.framework.duties[duty.key].ask, *((f"Comment: {comment}",) if comment else ())),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), *scene.grade_facts(), *summary(scene), scene.due_fact(duty)),
        inputs=(
            *step.ticks(scene, duty.key),
            TextInput("where", f"Where on {system}? (optional)", length=200),
        ),
        actions=scene.button("record", f"It is on {system}", Emphasis.PRIMARY),
        why=scene.why(duty.key),
    )


def settle(scene: Scene, duty: Duty) -> Card:
    """A disagreement, as whoever settles it gets it."""
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
        actions=(
            *scene.button("resolve", "We have settled it", Emphasis.PRIMARY, inputs=("text", "grade")),
            *_goes_further(scene),
        ),
        why=scene.why("dispute"),
    )


def _goes_further(scene: Scene) -> tuple[Action, ...]:
    """The way on where talking didn't settle it and the framework names who is asked next."""
    if scene.framework.duties["dispute"].ladder_from != "opening":
        return ()
    return scene.button("dispute", "We couldn't settle it", inputs=())


def dispute(scene: Scene) -> Card:
    """The form to say that one sees an audit differently."""
    return Card(
        title=f"What do you see differently about the audit of {scene.audit.case.ref}?",
        text=(
            f"{_settler(scene)} will talk it through with you, and the {scene.framework.qa_label} helps if you ask.",
        ),
        tone=Tone.ASK,
        facts=scene.case_facts(),
        inputs=(TextInput("dispute_text", "What do you see differently?", required=True, long=True),),
        actions=scene.button("dispute", "Say so", Emphasis.PRIMARY),
        why=scene.why("dispute"),
    )


def _settler(scene: Scene) -> str:
    """Who settles a disagreement here: the auditor, or the role that the framework names."""
    owner = scene.framework.duties["dispute"].owner
    role = scene.framework.roles.get(owner)
    return f"The {role.label}" if role is not None else "The auditor"


def _dispute_group(scene: Scene) -> tuple[InputGroup, ...]:
    if not scene.may("dispute"):
        return ()
    field = TextInput("dispute_text", "What do you see differently?", long=True)
    return (InputGroup("If you see the audit differently", (field,), folded=True),)


def _dispute_button(scene: Scene) -> tuple[Action, ...]:
    return scene.button("dispute", "I see it differently", inputs=("dispute_text",))


def shared(scene: Scene, text: str, title: str) -> Card:
    """A completed audit as one to whom it is shared sees it, with the way to say that they see it differently."""
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"{title}: {scene.audit.case.ref}",
        text=(text,),
        inputs=_dispute_group(scene),
        actions=_dispute_button(scene),
    )
