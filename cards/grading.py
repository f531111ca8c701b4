"""The quick grade form, and the audit as it was sent."""

from dataclasses import replace

from audits.dates import day_words
from audits.people import Person
from audits.permissions import moderates
from audits.state import Duty
from cards.actions import summary
from cards.card import Card, Choice, ChoiceInput, DateInput, Emphasis, Fact, Input, InputGroup, TextInput, Tone, Why
from cards.scene import Scene, grade_choices

ACTION_SLOTS = 5
MOST_SECTIONS = 3
"""With more headings than that, their grades are given on a card of their own: one card for all is too long to send."""
YES_NO = (Choice("no", "No"), Choice("yes", "Yes"))
FEEDBACK_FROM = {"child": "the child or young person", "parent_carer": "a parent or carer"}
ANOTHER = "We then ask you whether another manager should seek their view."
STRETCH_FOR = {"practitioner": "the practitioner", "manager": "the manager"}
FEEDBACK_CHOICES = (
    Choice("obtained", "Yes, they gave their view"),
    Choice("attempted", "We tried, without success"),
    Choice("reason", "No, it wasn't appropriate"),
)


def form(scene: Scene, duty: Duty, *, whole: bool = False) -> Card:
    """The form that an auditor fills in once the discussion has been held; `whole` with the headings on it as well."""
    audit, terms = scene.audit, scene.framework.submission
    inputs: list[Input | InputGroup] = [
        ChoiceInput(
            "grade",
            "Overall grade",
            grade_choices(scene),
            required=True,
            hint="What difference has help made for the child? Not: were the steps followed?",
        ),
        TextInput("rationale", "Why this grade?", required=True, long=True, hint="Two or three sentences. No names."),
        ChoiceInput(
            "safety",
            "Is there an immediate or serious safeguarding concern?",
            YES_NO,
            required=True,
            hint="Yes alerts the managers of this case at once, at any hour.",
        ),
        TextInput("safety_text", "If yes: what should they know? No names.", long=True),
    ]
    if not terms.feedback_later:
        inputs.extend(feedback_inputs(scene))
    inputs.extend(
        TextInput(f"stretch_{who}", f"A stretch target for {STRETCH_FOR.get(who, who)}", required=True, length=500)
        for who in terms.stretch
    )
    if terms.good_example:
        inputs.append(
            TextInput(
                "good_example",
                "A piece of good practice to recognise (optional)",
                long=True,
                hint="The practitioner is thanked for it in a message of their own. No names of the family.",
            )
        )
    if terms.neglect_question:
        inputs.append(
            ChoiceInput(
                "neglect",
                "Do you suspect long-term neglect, or that help has not kept the child safe?",
                YES_NO,
                hint="A fuller Case Review is then considered.",
            )
        )
    apart = sections_apart(scene) and not whole
    if terms.section_grades and scene.framework.sections and not apart:
        inputs.append(InputGroup("Grades by heading (optional)", _section_inputs(scene), folded=True))
    inputs.extend(action_slot(scene, number) for number in range(1, ACTION_SLOTS + 1))
    return Card(
        title=f"Your grade for {audit.case.ref}",
        text=("Only the overall grade, the reason and the questions marked as required are needed.", *terms.advice),
        tone=Tone.ASK,
        facts=(*scene.case_facts(), *_graded(scene), scene.due_fact(duty)),
        inputs=tuple(inputs),
        actions=(
            *scene.button("submit", "Send the audit", Emphasis.PRIMARY),
            *(scene.button("grade_sections", "Grade by heading") if apart else ()),
        ),
        why=_why(scene),
    )


def _why(scene: Scene) -> Why:
    """Why the audit is asked for, with the places that ask for its family's views and its stretch targets."""
    terms, why = scene.framework.submission, scene.why("complete_audit")
    asked = (
        ("family's views", terms.feedback_place if terms.feedback and not terms.feedback_later else ""),
        ("stretch targets", terms.stretch_place if terms.stretch else ""),
    )
    return replace(why, place="; ".join([why.place, *(f"{what}: {place}" for what, place in asked if place)]))


def sections_apart(scene: Scene) -> bool:
    """Whether the grades by heading have a card of their own."""
    return scene.framework.submission.section_grades and len(scene.framework.sections) > MOST_SECTIONS


def sections_form(scene: Scene) -> Card:
    """The grades by heading, with those that were given before."""
    return Card(
        title=f"Grades by heading for {scene.audit.case.ref}",
        text=("Each is optional. They are kept until you send the audit, and you can change them until then.",),
        tone=Tone.ASK,
        facts=scene.case_facts(),
        inputs=_section_inputs(scene),
        actions=scene.button("grade_sections", "Keep these grades", Emphasis.PRIMARY),
        why=scene.why("complete_audit"),
    )


def _graded(scene: Scene) -> tuple[Fact, ...]:
    if not sections_apart(scene):
        return ()
    given = scene.audit.facts.get("sections") or {}
    return (Fact("Grades by heading", f"{len(given)} of {len(scene.framework.sections)} given"),)


def _section_inputs(scene: Scene) -> tuple[ChoiceInput, ...]:
    given = scene.audit.facts.get("sections") or {}
    return tuple(
        ChoiceInput(
            f"section_{section.key}",
            section.label,
            grade_choices(scene, described=False),
            value=str(given.get(section.key) or ""),
            hint=f"Only if {section.only_if}. {section.prompt}" if section.only_if else section.prompt,
            compact=True,
        )
        for section in scene.framework.sections
    )


def feedback_inputs(scene: Scene) -> list[Input | InputGroup]:
    """Whether each of those whose views are sought gave them, or why not."""
    found: list[Input | InputGroup] = []
    for source in scene.framework.submission.feedback:
        who = FEEDBACK_FROM.get(source, source)
        found.append(ChoiceInput(f"feedback_{source}", f"Did {who} give feedback?", FEEDBACK_CHOICES, required=True))
        found.append(
            TextInput(
                f"feedback_{source}_reason",
                f"If it wasn't appropriate to ask {who}: why?",
                hint=ANOTHER if scene.framework.submission.another_manager else "",
            )
        )
    return found


def action_owners(scene: Scene) -> tuple[Person, ...]:
    """Who may be given a remedial action: the practitioner, the two managers next above, and those of their service."""
    directory = scene.rules.directory
    holder = directory.get(scene.audit.case.holder_id)
    if holder is None:
        return ()
    line = directory.line_of(holder)
    further = tuple(one for one in line[2:] if one.role in directory.roles and not directory.roles[one.role].council)
    return (*((holder,) if holder.active else ()), *line[:2], *further)


def action_slot(scene: Scene, number: int, *, open_first: bool = True) -> InputGroup:
    owners = action_owners(scene)
    today = scene.calendar.day_of(scene.now)
    return InputGroup(
        f"Remedial action {number}",
        (
            TextInput(f"action_{number}_what", "What is to be put right?", long=True, length=500),
            ChoiceInput(
                f"action_{number}_owner",
                "By whom?",
                tuple(Choice(str(person.id), f"{person.name}, {scene.role(person)}") for person in owners),
                value=str(owners[0].id) if owners else "",
                compact=True,
            ),
            DateInput(
                f"action_{number}_due",
                "By when?",
                hint="Left empty, it takes this framework's usual time.",
                earliest=today.isoformat(),
            ),
        ),
        folded=number > 1 or not open_first,
    )


def sent(scene: Scene) -> Card:
    """The audit as it was sent, for those who may see it; the lines of a copy."""
    audit = scene.audit
    when, who = audit.done.get("submitted", (None, None))
    day = day_words(scene.calendar.day_of(when)) if when else ""
    return Card(
        title=f"Audit of {audit.case.ref}",
        facts=(
            *scene.case_facts(),
            *scene.grade_facts(),
            *rationale_facts(scene),
            *(section_facts(scene) if scene.grade_facts() else ()),
            Fact("Completed", f"{day}, by {scene.name(who)}"),
            *moderation_facts(scene),
            *(summary(scene) or (Fact("Remedial actions", "none"),)),
        ),
    )


def rationale_facts(scene: Scene) -> tuple[Fact, ...]:
    """The auditor's reason for the grade, for those who may see it."""
    text = str(scene.audit.facts.get("rationale") or "")
    return (Fact("Why this grade", text),) if text and scene.grade_facts() else ()


def moderation_facts(scene: Scene) -> tuple[Fact, ...]:
    """What the moderator wrote, for auditor and managers once it is disclosed. It is about the audit, so the
    practitioner whose work was audited doesn't read it."""
    if scene.viewer.id == scene.audit.case.holder_id:
        return ()
    text = str(scene.audit.facts.get("moderation") or "")
    kept_back = scene.audit.on_hold and not moderates(scene.rules, scene.audit, scene.viewer, scene.now)
    return (Fact("Moderation", text),) if text and scene.grade_facts() and not kept_back else ()


def section_facts(scene: Scene) -> tuple[Fact, ...]:
    graded = scene.audit.facts.get("sections") or {}
    return tuple(
        Fact(section.label, scene.grade_words(graded[section.key]))
        for section in scene.framework.sections
        if section.key in graded
    )
