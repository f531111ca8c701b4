"""Whether a condition of a framework holds on an audit as it stands."""

from audits.framework import Condition, Framework
from audits.state import Audit


def holds(framework: Framework, when: Condition, audit: Audit) -> bool:
    """Whether a condition holds on an audit as it stands."""
    grade = framework.grade(audit.standing_grade)
    facts = audit.facts
    wanted: list[bool] = [
        *(audit.has(kind) for kind in when.done),
        *(not audit.has(kind) for kind in when.not_done),
        *(framework.settings[name].value == value for name, value in when.setting.items()),
    ]
    if when.grade is not None:
        wanted.append(audit.standing_grade in when.grade)
    if when.first_grade is not None:
        wanted.append(audit.grade in when.first_grade)
    if when.good_grade is not None:
        wanted.append(grade is not None and grade.good is when.good_grade)
    if when.safety is not None:
        wanted.append(audit.safety is when.safety)
    if when.kind is not None:
        wanted.append(audit.kind in when.kind)
    if when.plan is not None:
        wanted.append(audit.case.plan in when.plan)
    if when.fact is not None:
        wanted.append(bool(facts.get(when.fact)))
    if when.no_fact is not None:
        wanted.append(not facts.get(when.no_fact))
    if when.moderated is not None:
        wanted.append(audit.has("moderated") is when.moderated)
    if when.changed is not None:
        wanted.append(audit.changed is when.changed)
    if when.moderation is not None:
        wanted.append(audit.has("moderated") and bool(facts.get("concern")) is (when.moderation == "concern"))
    if when.on_hold is not None:
        wanted.append(audit.on_hold is when.on_hold)
    if when.actions is not None:
        wanted.append(bool(audit.disclosed_actions) is when.actions)
    return all(wanted)
