"""Moderation of a grade, the updates that follow an Inadequate, the re-audit, and the Case Review."""

from dataclasses import replace

from audits.dates import day_words
from audits.state import Duty
from cards import grading
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, InputGroup, TextInput, Tone
from cards.scene import Scene, grade_choices
from cards.session import WHEN_HINT
from cards.wording import moment_words

FURTHER_ACTIONS = 3


def moderate(scene: Scene, duty: Duty | None) -> Card:
    """The request to moderate; without a duty, the form for a grade that nobody asked to have moderated."""
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"Please moderate the audit of {scene.audit.case.ref}",
        text=(scene.framework.duties["moderate"].ask,),
        tone=Tone.ASK,
        facts=(*copy.facts, *((scene.due_fact(duty),) if duty else ())),
        inputs=(
            ChoiceInput(
                "grade",
                "The grade after moderation",
                grade_choices(scene),
                value=scene.audit.grade or "",
                required=True,
            ),
            TextInput(
                "text",
                "Why?",
                required=True,
                long=True,
                hint=" ".join(["The auditor and their managers can read this.", *scene.framework.moderation.points]),
            ),
            *_about_the_audit(scene),
            *(grading.action_slot(scene, number, open_first=False) for number in range(1, FURTHER_ACTIONS + 1)),
        ),
        actions=scene.button("moderate", "Confirm this grade", Emphasis.PRIMARY),
        why=scene.why("moderate"),
    )


def with_booking(scene: Scene, duty: Duty) -> Card:
    """The request to moderate, with a way to set the conversation's time where moderation is a conversation."""
    card = moderate(scene, duty)
    book = scene.button("book", "Set this time", inputs=("when",))
    if not book or scene.viewer.id != duty.owner_id:
        return card
    at = scene.audit.moderation_at
    booked = (Fact("Conversation", moment_words(at, scene.calendar)),) if at else ()
    when = TextInput("when", "When will you talk it through together?", hint=WHEN_HINT, length=300)
    inputs = (*card.inputs, InputGroup("The conversation", (when,), folded=bool(at)))
    given = tuple(replace(one, inputs=tuple(entry.name for entry in card.all_inputs())) for one in card.actions)
    return replace(card, facts=(*card.facts, *booked), inputs=inputs, actions=(*given, *book))


def _about_the_audit(scene: Scene) -> tuple[ChoiceInput, ...]:
    """Whether the audit itself is sound, where the framework asks the moderator for that."""
    if not scene.framework.moderation.asks_about_audit:
        return ()
    choices = (Choice("no", "It is sound"), Choice("yes", "There is something to talk through with the auditor"))
    return (ChoiceInput("concern", "How is the audit itself?", choices, required=True),)


def update(scene: Scene, duty: Duty) -> Card:
    """The urgent review of an Inadequate: what was found, and what QA needs to hear."""
    audit = scene.audit
    first = duty.key == "urgent_update"
    question = "What has been done?" if first else "Is every action done? If not, what is the plan?"
    later = not first and bool(audit.open_duties("urgent_update"))
    mine = scene.may("update") and not later
    owner = () if mine and scene.viewer.id == duty.owner_id else (Fact("With", scene.name(duty.owner_id)),)
    return Card(
        title=f"Urgent review of {audit.case.ref}: {'first' if first else 'further'} update",
        text=(scene.framework.duties[duty.key].ask,),
        tone=Tone.INFORM if later else Tone.ASK,
        facts=(
            *scene.case_facts(),
            *scene.grade_facts(),
            *grading.rationale_facts(scene),
            *(Fact(f"Action {one.number}", one.what) for one in audit.disclosed_actions),
            scene.due_fact(duty, "Update due"),
            *owner,
            *scene.taken_up(duty),
        ),
        inputs=(TextInput("text", question, required=True, long=True, hint="No names, please."),) if mine else (),
        actions=() if later else (*scene.button("update", "Send the update", Emphasis.PRIMARY), *scene.take_up(duty)),
        why=scene.why(duty.key),
    )


def reaudit(scene: Scene, duty: Duty) -> Card:
    issue = next((step.at for step in duty.steps if step.what == "issue"), None)
    goes_out = (Fact("Goes out", day_words(scene.calendar.day_of(issue))),) if issue else ()
    return Card(
        title=f"{scene.audit.case.ref} will be audited again",
        text=(scene.framework.duties[duty.key].ask, "We allocate it for you; nothing is needed before then."),
        facts=(*scene.case_facts(), *goes_out, scene.due_fact(duty)),
        why=scene.why(duty.key),
    )


def case_review(scene: Scene, duty: Duty) -> Card:
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"A fuller Case Review for {scene.audit.case.ref}?",
        text=(scene.framework.duties["case_review"].ask,),
        tone=Tone.ASK,
        facts=(*copy.facts, scene.due_fact(duty)),
        inputs=(
            ChoiceInput(
                "decision",
                "Your decision",
                (Choice("review", "Yes, a Case Review"), Choice("none", "No, the audit is enough")),
                required=True,
            ),
            TextInput("text", "Why?", required=True, long=True),
        ),
        actions=scene.button("consider", "Record the decision", Emphasis.PRIMARY),
        why=scene.why("case_review"),
    )
