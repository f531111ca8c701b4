"""Who may do what on an audit, checked on every press, and who may see its grade: one table of each.

What `auditloop frameworks show` prints is what is asked here whenever somebody presses, writes or looks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from audits.addresses import RELATIONS
from audits.engine import Engine
from audits.events import EVENTS
from audits.framework import Framework, VerbRule
from audits.people import Person
from audits.state import Audit, Duty

RULED_BY = {"agree": "book", "not_hold": "hold", "grade_sections": "submit"}
"""Verbs that a framework rules under another verb's name."""

ONCE = frozenset(
    {"accept", "submit", "oversee", "record", "moderate", "consider", "offer", "hold", "self_assess", "recognise"}
)
"""Verbs that find the work done at a second press."""

TAKE_UP = "take_up"
ABOVE = "above"
"""Whoever manages the one who has a late or escalated step, at whatever height."""
EVERYONE = "everyone"
QA = "qa"

NEVER_THE_AUDITOR = frozenset({"moderate", "release", "discuss"})
"""Verbs about an audit that nobody uses on their own, unless the framework names the auditor among those who may."""
NEVER_WHO_REPORTED = frozenset({"sign_off", "send_back"})
"""Verbs about an action that nobody uses who reported it done."""

WORDS: Mapping[str, str] = {
    "mine": EVERYONE,
    "help": EVERYONE,
    "leave": EVERYONE,
    "leave NAME": QA,
    "status": QA,
    "overdue": QA,
    "case": QA,
    "cycle": QA,
    "who": QA,
    "allocate": QA,
    "theme": QA,
    "themes": QA,
    "theme_terms": QA,
    "theme_signed_off": QA,
    "raise_safety": "safety",
    **{verb: verb for verb in ("safety", "reassign", "extend", "waive", "commission")},
}
"""Who may write what, and press the buttons that are about no audit: everyone, QA, or whoever may use a verb on it."""
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


@dataclass(frozen=True)
class Grant:
    """A reason for which somebody may use a verb: they are whom `target` means on this audit, or, where `duty` names a
    step, they are whom an open step of that kind is with. `stand_ins`: or stand in for that one while they are away."""

    target: str = ""
    duty: str = ""
    stand_ins: bool = True


def grants(framework: Framework, verb: str) -> tuple[Grant, ...]:
    """Every reason for which a verb may be used here; none for one that the framework doesn't have."""
    if verb == TAKE_UP:
        return (Grant(ABOVE, stand_ins=False), Grant(QA, stand_ins=False))
    rule = ruling(framework, verb)
    event = EVENTS.get(verb)
    if rule is None or event is None:
        return ()
    answered = (key for key, terms in framework.duties.items() if terms.closed_by[0] == event)
    # Nobody audits in another's place: an audit is passed on by reassigning it.
    others = "auditor" not in rule.by
    return (*(Grant(target) for target in rule.by), *(Grant(duty=key, stand_ins=others) for key in answered))


def ruling(framework: Framework, verb: str) -> VerbRule | None:
    """The framework's rule about a verb, which may stand under another verb's name."""
    return framework.verbs.get(RULED_BY.get(verb, verb))


def may(rules: Engine, audit: Audit, verb: str, person: Person, at: datetime, action: int | None = None) -> bool:
    """Whether the rules let this person use this verb on this audit at all; gates are another matter."""
    return _granted(rules, audit, verb, person, at, action) and not own_work(rules, audit, verb, person, action)


def own_work(rules: Engine, audit: Audit, verb: str, person: Person, action: int | None = None) -> bool:
    """Whether a verb would have a person judge what they did themselves, which nobody may."""
    if verb in NEVER_THE_AUDITOR:
        rule = ruling(rules.framework, verb)
        return person.id == audit.auditor_id and (rule is None or "auditor" not in rule.by)
    if verb in NEVER_WHO_REPORTED:
        chosen = audit.action(action) if action is not None else None
        return chosen is not None and chosen.signed_off_at is None and chosen.confirmed_by == person.id
    return False


def _granted(rules: Engine, audit: Audit, verb: str, person: Person, at: datetime, action: int | None) -> bool:
    if not person.active:
        return False
    if verb == TAKE_UP:
        return any(rules.takes_up(duty, person, at) for duty in audit.open_duties())
    return any(_holds(rules, audit, grant, person, at, action) for grant in grants(rules.framework, verb))


def _holds(rules: Engine, audit: Audit, grant: Grant, person: Person, at: datetime, action: int | None) -> bool:
    if not grant.duty:
        return concerned(rules, audit, grant.target, person, at, action)
    return any(
        _owns(rules, duty, person, at, stand_ins=grant.stand_ins)
        for duty in audit.open_duties(grant.duty)
        if action is None or duty.action in (None, action)
    )


def may_ask(rules: Engine, person: Person, word: str) -> bool:
    """Whether a person may write a word at all. Where it is a verb on a case, `may` has the last word on each audit."""
    if word not in WORDS or not person.active:
        return False
    return is_qa(rules, person) or any(target != QA for target in asked_by(rules.framework, word))


def asked_by(framework: Framework, word: str) -> tuple[str, ...]:
    """Whom the targets of a word mean: everyone, QA, or those whom the framework names for the verb that it stands for.

    Where a verb isn't the framework's, its word is QA's, who are told so.
    """
    who = WORDS[word]
    if who in (EVERYONE, QA):
        return (who,)
    rule = ruling(framework, who)
    return rule.by if rule is not None else (QA,)


def _owns(rules: Engine, duty: Duty, person: Person, at: datetime, *, stand_ins: bool) -> bool:
    """Whether a duty is this person's, or theirs to answer while its owner is away."""
    owner = rules.directory.get(duty.owner_id)
    if owner is None or not stand_ins:
        return owner is not None and person.id == owner.id
    return person.id in (owner.id, rules.directory.stand_in(owner, rules.calendar.day_of(at)).id)


def gate(rules: Engine, audit: Audit, verb: str) -> str | None:
    """Why it is too early for a verb, and what to do instead; None if nothing stands in the way."""
    rule = ruling(rules.framework, verb)
    if rule is None:
        return None
    shut = not all(audit.has(kind) for kind in rule.needs) or any(audit.open_duties(key) for key in rule.waits_for)
    return rule.refusal if shut else None


def out_of_order(rules: Engine, audit: Audit, verb: str) -> tuple[str, ...]:
    """The ordinary steps that have not been taken yet before a verb."""
    rule = ruling(rules.framework, verb)
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


def _in_line(rules: Engine, audit: Audit, person: Person) -> bool:
    below = [rules.directory.get(one) for one in (audit.case.holder_id, audit.auditor_id)]
    return any(person in rules.directory.line_of(one) for one in below if one is not None)


def _had_a_step(rules: Engine, audit: Audit, person: Person) -> bool:
    return any(
        duty.owner_id == person.id and (duty.is_open or duty.closed_actor == person.id)
        for duty in audit.duties
        if audit.has("submitted") and duty.key not in BEFORE_THE_GRADE
    )


SEES_GRADE: Mapping[str, Callable[[Engine, Audit, Person], bool]] = {
    "the auditor": lambda rules, audit, person: person.id == audit.auditor_id,
    "the practitioner of the case": lambda rules, audit, person: person.id == audit.case.holder_id,
    "every manager above either of them": _in_line,
    "those who answer for quality assurance": lambda rules, audit, person: is_qa(rules, person),
    "whoever has a step that comes after the grade, or has taken it": _had_a_step,
}
"""Who may see an audit's grade, in words and as it is asked. Grades are personal data of staff (DESIGN, Privacy)."""


def sees_grade(rules: Engine, audit: Audit, person: Person) -> bool:
    """Whether a person may see an audit's grade: their own work, work they are responsible for, or QA."""
    return any(sees(rules, audit, person) for sees in SEES_GRADE.values())
