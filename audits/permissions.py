"""Who may do what on an audit, checked on every press, and who may see its grade."""

from datetime import datetime

from audits.addresses import RELATIONS
from audits.engine import Engine
from audits.events import EVENTS
from audits.people import Person
from audits.state import Audit, Duty

RULED_BY = {"agree": "book", "not_hold": "hold", "grade_sections": "submit"}
"""Verbs that a framework rules under another verb's name."""

ONCE = frozenset(
    {"accept", "submit", "oversee", "record", "moderate", "consider", "offer", "hold", "self_assess", "recognise"}
)
"""Verbs that find the work done at a second press."""


BEFORE_THE_GRADE = frozenset(
    {
        *("accept", "reallocate", "book_session", "agree_session", "hold_session", "complete_audit"),
        *("acknowledge_alert", "self_assessment", "family_feedback"),
    }
)
"""Duties that open nobody the grade: those who had them may have handed the audit on since."""


def is_qa(rules: Engine, person: Person) -> bool:
    """Whether a person answers for quality assurance and may ask about everyone's audits."""
    return person.active and person.role in rules.framework.qa_roles


def concerned(rules: Engine, audit: Audit, target: str, person: Person, at: datetime, action: int | None) -> bool:
    """Whether a person is the one whom a target means on this audit: its holder, or who stands in for them now."""
    role = rules.framework.roles.get(target)
    holder = rules.directory.get(audit.case.holder_id)
    if target == "qa":
        return is_qa(rules, person)
    if role is not None and target not in RELATIONS and person.role == target and person.active:
        if role.council:
            return True
        if role.cases or holder is None:
            return person.id == audit.case.holder_id
        if person in rules.directory.line_of(holder):
            return True
    if target == "auditor":
        return person.id == audit.auditor_id
    if target == "case_holder":
        return person.active and person.id == audit.case.holder_id
    chosen = audit.action(action) if action is not None else None
    found = rules.address(target, audit, at, action=chosen)
    if found is None:
        return False
    stood_in_for = found.standing_in_for
    return person.id == found.person.id or (stood_in_for is not None and stood_in_for.id == person.id)


def may(rules: Engine, audit: Audit, verb: str, person: Person, at: datetime, action: int | None = None) -> bool:
    """Whether the rules let this person use this verb on this audit at all; gates are another matter."""
    if verb == "take_up":
        return person.active and any(rules.takes_up(duty, person, at) for duty in audit.open_duties())
    rule = rules.framework.verbs.get(RULED_BY.get(verb, verb))
    if rule is None or not person.active:
        return False
    if any(concerned(rules, audit, target, person, at, action) for target in rule.by):
        return True
    closing = EVENTS[verb]
    return any(
        _owns(rules, duty, person, at, stand_ins="auditor" not in rule.by)
        and (action is None or duty.action in (None, action))
        for duty in audit.open_duties()
        if (terms := rules.framework.duties.get(duty.key)) is not None and closing == terms.closed_by[0]
    )


def _owns(rules: Engine, duty: Duty, person: Person, at: datetime, *, stand_ins: bool) -> bool:
    """Whether a duty is this person's, or theirs to answer while its owner is away. Nobody audits in another's place:
    an audit is passed on by reassigning it."""
    owner = rules.directory.get(duty.owner_id)
    if owner is None or not stand_ins:
        return owner is not None and person.id == owner.id
    return person.id in (owner.id, rules.directory.stand_in(owner, rules.calendar.day_of(at)).id)


def gate(rules: Engine, audit: Audit, verb: str) -> str | None:
    """Why it is too early for a verb, and what to do instead; None if nothing stands in the way."""
    rule = rules.framework.verbs.get(RULED_BY.get(verb, verb))
    if rule is None:
        return None
    shut = not all(audit.has(kind) for kind in rule.needs) or any(audit.open_duties(key) for key in rule.waits_for)
    return rule.refusal if shut else None


def out_of_order(rules: Engine, audit: Audit, verb: str) -> tuple[str, ...]:
    """The ordinary steps that have not been taken yet before a verb."""
    rule = rules.framework.verbs.get(RULED_BY.get(verb, verb))
    return tuple(kind for kind in rule.after if not audit.has(kind)) if rule else ()


def moderates(rules: Engine, audit: Audit, person: Person, at: datetime) -> bool:
    """Whether a person belongs to those who moderate an audit, and so knows its outcome before it is disclosed."""
    _, moderator = audit.done.get("moderated", (at, None))
    return person.id == moderator or may(rules, audit, "moderate", person, at)


def sees_duty(rules: Engine, audit: Audit, duty: Duty, person: Person, at: datetime) -> bool:
    """Whether a person may know of a duty: that there is something to discuss already tells what moderation found."""
    if duty.key != "discuss_moderation" or not audit.on_hold:
        return True
    return person.id in (duty.owner_id, audit.auditor_id) or moderates(rules, audit, person, at)


def sees_grade(rules: Engine, audit: Audit, person: Person) -> bool:
    """Whether a person may see an audit's grade: their own work, work they are responsible for, or QA.

    Grades are personal data of staff (DESIGN, Privacy).
    """
    directory = rules.directory
    if person.id in (audit.auditor_id, audit.case.holder_id) or is_qa(rules, person):
        return True
    for one in (audit.case.holder_id, audit.auditor_id):
        below = directory.get(one)
        if below is not None and person in directory.line_of(below):
            return True
    return any(
        duty.owner_id == person.id and (duty.is_open or duty.closed_actor == person.id)
        for duty in audit.duties
        if audit.has("submitted") and duty.key not in BEFORE_THE_GRADE
    )
