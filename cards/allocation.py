"""The allocation: take it, or hand it back with a reason; and its way to another auditor."""

from audits.people import Person
from audits.sampling import obstacle
from audits.state import Duty
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, TextInput, Tone
from cards.scene import Scene

DECLINE_REASONS = {
    "conflict": "Conflict of interest (I know the family, or have worked with this child)",
    "leave": "I am on leave this month",
    "capacity": "I don't have the capacity this month",
}


def answer(scene: Scene, duty: Duty) -> Card:
    """The allocation as its auditor gets it."""
    again = scene.framework.submission.look_back
    complete = next(iter(scene.audit.open_duties("complete_audit")), duty)
    return Card(
        title=f"Your audit for {scene.audit.cycle.words}: {scene.audit.case.ref}",
        text=(
            f"Please audit this case together with its practitioner. It covers {again}."
            if again
            else "Please audit this case together with its practitioner.",
            "Can you take it?",
        ),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), scene.due_fact(complete, "Audit due"), scene.due_fact(duty, "Answer by")),
        inputs=(
            ChoiceInput(
                "reason",
                "If you can't take it, why?",
                tuple(Choice(key, label) for key, label in DECLINE_REASONS.items()),
                hint=f"Only needed if you hand it back. The {scene.framework.qa_label} finds someone else; "
                "nothing else follows from it.",
            ),
        ),
        actions=(
            *scene.button("accept", "I'll take it", Emphasis.PRIMARY, inputs=()),
            *scene.button("decline", "I can't do this one", inputs=("reason",)),
        ),
        why=scene.why("accept"),
    )


def reallocate(scene: Scene, duty: Duty) -> Card:
    """A declined allocation, for the QA officer to place."""
    reason = DECLINE_REASONS.get(str(scene.audit.facts.get("decline_reason", "")), "no reason given")
    declined_by = scene.audit.facts.get("declined_by")
    choices = tuple(Choice(str(person.id), f"{person.name} ({person.team})") for person in others(scene))
    return Card(
        title=f"Please find another auditor for {scene.audit.case.ref}",
        text=(f"{scene.name(int(declined_by) if declined_by else None)} can't take this audit: {reason}.",),
        tone=Tone.ASK,
        facts=(*scene.case_facts()[:2], scene.due_fact(duty)),
        inputs=(
            ChoiceInput("to", "Reassign to", choices, required=True, compact=True),
            TextInput("reason", "A word to the new auditor (optional)"),
        ),
        actions=(
            *scene.button("reassign", "Reassign", Emphasis.PRIMARY),
            *scene.button("withdraw", "Withdraw the audit", Emphasis.DANGER, inputs=("reason",)),
        ),
        why=scene.why("reallocate"),
    )


def others(scene: Scene) -> tuple[Person, ...]:
    """The auditors who could take this case instead, by name."""
    rules, audit = scene.rules, scene.audit
    terms = scene.framework.sampling_terms()
    return tuple(
        person
        for role in scene.framework.auditor_roles
        for person in rules.directory.holders(role)
        if person.id not in (audit.auditor_id, audit.facts.get("declined_by"))
        and obstacle(person, audit.case, rules.directory, terms) is None
    )


def complete(scene: Scene, duty: Duty) -> Card:
    """What is left to do before the grade can be sent, for an audit without its discussion yet."""
    audit = scene.audit
    if not audit.has("accepted"):
        following = "say whether you can take it"
    elif not audit.has("booked"):
        following = "agree a time to talk it through with the practitioner"
    else:
        following = "talk it through with the practitioner"
    return Card(
        title=f"The audit of {audit.case.ref}",
        text=(
            scene.framework.duties["complete_audit"].ask,
            f"Next: {following}. Once that is done, you get the form for your grade here.",
        ),
        tone=Tone.INFORM,
        facts=(*scene.case_facts(), scene.due_fact(duty)),
        why=scene.why("complete_audit"),
    )


def passed_on(scene: Scene) -> Card:
    """What stands in the place of the request to complete an audit, for an auditor who had it before."""
    return Card(
        title=f"Someone else has this audit now: {scene.audit.case.ref}",
        text=("You don't need to do anything else for it.",),
        tone=Tone.DONE,
        facts=scene.case_facts(),
        why=scene.why("complete_audit"),
    )


def handed_back(scene: Scene) -> Card:
    """The reply to an auditor who handed an allocation back."""
    return Card(
        title=f"Thank you for saying so: {scene.audit.case.ref}",
        text=(f"The {scene.framework.qa_label} will find another auditor. You don't need to do anything else.",),
        tone=Tone.DONE,
        facts=(Fact("Reason", DECLINE_REASONS.get(str(scene.audit.facts.get("decline_reason")), "")),),
    )
