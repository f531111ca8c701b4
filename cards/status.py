"""Answers to QA officers' questions: tables, and a picture where people would rather look than read."""

from collections import Counter
from collections.abc import Iterable, Sequence

from audits.dates import day_words
from audits.engine import Engine
from audits.people import Person
from audits.state import Audit, Duty
from cards.actions import summary
from cards.card import Bars, Card, Fact, Table
from cards.deck import DONE
from cards.scene import Scene
from cards.wording import counted, due_words, listed, moment_words

STAGES = (
    ("recorded", "Uploaded to the file"),
    ("overseen", "Overseen by management"),
    ("moderated", "Moderated"),
    ("submitted", "Completed"),
    ("held", "Discussion held"),
    ("booked", "Discussion booked"),
    ("accepted", "Taken by the auditor"),
    ("declined", "Handed back"),
)
WAITING = "Waiting for the auditor's answer"


def stage(audit: Audit) -> str:
    """Where an audit stands, in words."""
    return next((words for kind, words in STAGES if audit.has(kind)), WAITING)


def _name(rules: Engine, person_id: int | None) -> str:
    person = rules.directory.get(person_id)
    return person.name if person else "nobody yet"


def status(rules: Engine, month: str, audits: Sequence[Audit], late: int, notices: Sequence[str]) -> Card:
    """How a cycle stands."""
    return Card(
        title=f"How things stand: {month}",
        text=(
            f"{counted(len(audits), 'audit')} in this cycle; {counted(late, 'step')} overdue.",
            *notices,
            "Write overdue, cycle MONTH, case REF or who NAME for more.",
        ),
        bars=_bars(month, _by_stage(audits)),
    )


def _by_stage(audits: Iterable[Audit]) -> tuple[tuple[str, int], ...]:
    """How many audits stand where, in the order in which an audit goes; where none stands is left out."""
    counts = Counter(stage(audit) for audit in audits)
    order = [WAITING, *(words for _, words in reversed(STAGES))]
    return tuple((words, counts[words]) for words in order if counts[words])


def _bars(month: str, counts: tuple[tuple[str, int], ...]) -> Bars | None:
    return Bars(f"Audits of {month} by where they stand", counts) if counts else None


FEW = 5
"""A smaller number isn't said to a group: it could be about somebody whom they know."""
ELSEWHERE = "At other stages, taken together"
MANY = 10


def for_group(month: str, audits: Sequence[Audit], late: int) -> Card:
    """How a cycle stands, for a channel: no names, no cases, no small numbers."""
    return Card(
        title=f"How things stand: {month}",
        text=(
            f"Audits in this cycle: {_roughly(len(audits))}. Steps overdue: {_roughly(late)}.",
            f"Numbers under {FEW} are not shown in a channel. Ask me in our own chat for more.",
        ),
        bars=_bars(month, _no_few(_by_stage(audits))),
    )


def _no_few(counts: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """The numbers with the small ones taken together, and with them the next larger one as long as their sum is small:
    what isn't shown can't be worked out from the total either. Nothing, where that leaves one number."""
    if all(number >= FEW for _, number in counts):
        return counts
    together: list[tuple[str, int]] = []
    for one in sorted(counts, key=lambda one: one[1]):
        if one[1] >= FEW and sum(number for _, number in together) >= FEW:
            break
        together.append(one)
    shown = tuple(one for one in counts if one not in together)
    return (*shown, (ELSEWHERE, sum(number for _, number in together))) if shown else ()


def _roughly(number: int) -> str:
    return f"{number}" if number >= FEW or number == 0 else f"fewer than {FEW}"


def overdue(scenes: Sequence[tuple[Scene, Duty]]) -> Card:
    rows = tuple(
        (
            scene.audit.case.ref,
            scene.framework.duties[duty.key].title,
            scene.name(duty.owner_id),
            due_words(duty.effective, duty.nominal, scene.calendar),
        )
        for scene, duty in scenes
    )
    kinds = Counter(what for _, what, _, _ in rows)
    return Card(
        title="What is overdue" if rows else "Nothing is overdue",
        text=(f"{counted(len(rows), 'step')} past the day that the rules name.",) if rows else (),
        table=Table("Overdue, the longest first", ("Case", "What", "With", "Was due"), rows) if rows else None,
        # In a long list nobody sees which step it is that people are held up by.
        bars=Bars("Overdue by step", tuple(kinds.most_common())) if len(rows) > MANY and len(kinds) > 1 else None,
    )


def case(scenes: Sequence[Scene], ref: str) -> Card:
    """All that is known of a case's audits: where they stand, what is open, what was done."""
    facts: list[Fact] = []
    rows: list[tuple[str, ...]] = []
    for scene in scenes:
        audit = scene.audit
        facts.extend((Fact("Audit", f"{audit.cycle.words}: {stage(audit)}"), *scene.case_facts(), *scene.grade_facts()))
        facts.extend(summary(scene))
        for duty in audit.duties:
            if not scene.sees_duty(duty):
                continue
            title = scene.framework.duties[duty.key].title
            if duty.is_open:
                state = f"open, due {due_words(duty.effective, duty.nominal, scene.calendar)}"
            else:
                words = DONE.get(duty.closed_by or "", "done").format(who=scene.name(duty.closed_actor))
                if audit.facts.get("erased") and duty.closed_actor is None:
                    words = "done"
                state = f"{words}, {moment_words(duty.closed_at, scene.calendar)}" if duty.closed_at else words
            gone = audit.facts.get("erased") and duty.owner_id is None
            rows.append((title, "no longer kept" if gone else scene.name(duty.owner_id), state))
    table = Table("Every step", ("What", "With", "State"), tuple(rows))
    return Card(title=f"Case {ref}", facts=tuple(facts), table=table)


def cycle(rules: Engine, month: str, audits: Sequence[Scene], unfilled: Sequence[tuple[str, str]]) -> Card:
    rows = tuple(
        (
            scene.audit.case.ref,
            scene.name(scene.audit.auditor_id),
            scene.name(scene.audit.case.holder_id),
            stage(scene.audit),
        )
        for scene in audits
    )
    left = tuple(f"{name} has no audit: {reason}" for name, reason in unfilled)
    return Card(
        title=f"The cycle of {month}",
        text=(counted(len(rows), "audit") + ".", *left),
        table=Table(f"Audits of {month}", ("Case", "Auditor", "Practitioner", "State"), rows),
        bars=_bars(month, _by_stage(scene.audit for scene in audits if not scene.audit.withdrawn)),
    )


def who(
    rules: Engine, person: Person, audits: Sequence[Scene], waiting: Sequence[tuple[Scene, Duty]], missed: Sequence[str]
) -> Card:
    """What a person has on, and plain facts about what was not completed."""
    role = rules.framework.roles.get(person.role)
    manager = rules.directory.manager_of(person)
    facts = [
        Fact("Role", role.label if role else person.role),
        Fact("Team", person.team or "none"),
        Fact("Manager", manager.name if manager else f"none named; reminders go to the {rules.framework.qa_label}"),
    ]
    if person.leave_until is not None:
        facts.append(Fact("On leave until", day_words(person.leave_until)))
    if missed:
        facts.append(Fact("Audits", f"{len(missed)} not completed ({listed(list(missed))})"))
    rows = tuple(
        (
            scene.audit.case.ref,
            rules.framework.duties[duty.key].title,
            due_words(duty.effective, duty.nominal, rules.calendar),
        )
        for scene, duty in waiting
    )
    mine = counted(len(audits), "audit") + " allocated so far."
    table = Table("Waiting for them", ("Case", "What", "Due"), rows, empty="Nothing is waiting.")
    return Card(title=person.name, text=(mine,), facts=tuple(facts), table=table)


HELP_QA = (
    ("status", "how this month stands"),
    ("overdue", "what is late, and with whom"),
    ("case REF", "everything about one case's audits"),
    ("cycle 2026-03", "a month's allocations"),
    ("who NAME", "what a person has on"),
    ("reassign REF to NAME", "give an audit to another auditor"),
    ("allocate REF to NAME", "give a case to an auditor by hand; add: as thematic, for a thematic audit"),
    ("extend REF until 10 April because REASON", "give more time"),
    ("leave NAME until 17 April", "someone is away; their cover or manager stands in"),
)
HELP_THEMES = (
    ("allocate REF to NAME as thematic for TITLE", "give a case to an auditor for a theme that is signed off"),
    ("theme TITLE", "a theme's terms of reference and sign-off; a title not used so far starts one"),
    ("theme TITLE signed off", "record that its terms of reference are signed off"),
    ("themes", "every theme, and how many have begun this year"),
)
HELP_ALL = (
    ("mine", "what waits for you"),
    ("Tues 2pm", "suggest a time for your discussion"),
    ("done", "you have done what you were asked for"),
    ("can't, on leave until Monday", "hand an audit back, and why"),
    ("safety REF", "raise a safety concern; without REF you choose the case"),
    ("leave until 17 April", "you are away"),
    ("I am back", "you are there again, sooner than noted"),
    ("help", "every word that auditloop knows"),
)


def help_card(qa: bool, *, themes: bool = False) -> Card:
    rows = (*HELP_QA, *(HELP_THEMES if themes else ()), *HELP_ALL) if qa else HELP_ALL
    return Card(
        title="What you can write to auditloop",
        text=(
            "Capitals don't matter. Cards that wait for you can simply be answered.",
            *(("Add share to status for what a channel may read: no names, and no small numbers.",) if qa else ()),
        ),
        table=Table("Words that auditloop knows", ("Write", "To"), rows),
    )
