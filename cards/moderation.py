"""Moderation of a grade, the updates that follow an Inadequate, the re-audit, and the Case Review."""

from dataclasses import replace

from audits.dates import day_words
from audits.state import Duty
from cards import grading
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene, grade_choices


def moderate(scene: Scene, duty: Duty | None) -> Card:
    """The request to moderate; without a duty, the form for a grade that nobody asked to have moderated."""
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"Please moderate the audit of {scene.audit.case.ref}",
        text=(scene.framework.duties["moderate"].ask, *copy.text),
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
            TextInput("text", "Why?", required=True, long=True, hint="The auditor and the Service Lead can read this."),
        ),
        actions=scene.button("moderate", "Confirm this grade", Emphasis.PRIMARY),
        why=scene.why("moderate"),
    )


def update(scene: Scene, duty: Duty) -> Card:
    """The urgent review of an Inadequate: what was found, and what the QA Unit needs to hear."""
    audit = scene.audit
    first = duty.key == "urgent_update"
    question = "What has been done?" if first else "Is every action done? If not, what is the plan?"
    later = not first and bool(audit.open_duties("urgent_update"))
    mine = scene.may("update") and not later
    owner = () if mine and scene.viewer.id == duty.owner_id else (Fact("With", scene.name(duty.owner_id)),)
    return Card(
        title=f"Urgent review of {audit.case.ref}: {'first' if first else 'further'} update",
        text=(
            scene.framework.duties[duty.key].ask,
            str(audit.facts.get("rationale") or "") if scene.grade_facts() else "",
        ),
        tone=Tone.INFORM if later else Tone.ASK,
        facts=(
            *scene.case_facts(),
            *scene.grade_facts(),
            *(Fact(f"Action {one.number}", one.what) for one in audit.actions),
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
        text=(scene.framework.duties["reaudit"].ask, "We allocate it for you; nothing is needed before then."),
        facts=(*scene.case_facts(), *goes_out, scene.due_fact(duty)),
        why=scene.why("reaudit"),
    )


def case_review(scene: Scene, duty: Duty) -> Card:
    copy = grading.sent(scene)
    return replace(
        copy,
        title=f"A fuller Case Review for {scene.audit.case.ref}?",
        text=(scene.framework.duties["case_review"].ask, *copy.text),
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
