"""Whether the parts of a framework fit together: names, events, placeholders, ladders."""

from collections.abc import Iterable, Iterator, Sequence
from string import Formatter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from audits.dates import parse_offset, parse_rule
from audits.events import EVENTS

if TYPE_CHECKING:
    from audits.framework import Condition, DutyRule, Framework, Rung

TARGETS = frozenset(
    {"owner", "owner.manager", "owner.manager.manager", "climb", "auditor", "action_owner", "proposal_answerer"}
)
VERBS = frozenset(EVENTS) - {"agree", "not_hold", "take_up"}
KINDS = frozenset(EVENTS.values()) | {"allocated", "reaudit_submitted"}
WHAT = frozenset({"message", "nudge", "overdue", "escalation", "alert"})
PLACEHOLDERS = frozenset({"auditor", "actor", "case", "grade", "closes"})
MINUTES = {"minute": 1, "hour": 60, "day": 1440, "working day": 1440, "week": 10080, "month": 43200}


def problems_of(framework: "Framework") -> list[str]:
    """Every fault as a sentence that names its table and key."""
    return [*_roles(framework), *_cycle(framework), *_duties(framework), *_notices(framework), *_verbs(framework)]


def _unknown(where: str, names: Iterable[str], known: Iterable[str], advice: str) -> Iterator[str]:
    there_are = set(known)
    for name in names:
        if name not in there_are:
            yield f"{where}: {name!r} is unknown. {advice}"


def _targets(framework: "Framework", where: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name not in framework.roles and name not in TARGETS:
            yield f"{where}: nobody is called {name!r}. Use a role of [roles], owner or owner.manager."


def _events(where: str, names: Iterable[str]) -> Iterator[str]:
    yield from _unknown(where, names, KINDS, f"Events are: {', '.join(sorted(KINDS))}.")


def _condition(framework: "Framework", where: str, when: "Condition") -> Iterator[str]:
    grades = [grade.key for grade in framework.grades]
    for grade in when.grade or ():
        if grade not in grades:
            yield f"{where}.grade: {grade!r} is not in [[grades]] ({', '.join(sorted(grades))})."
    for name, value in when.setting.items():
        setting = framework.settings.get(name)
        if setting is None:
            yield f"{where}.setting: {name!r} is not in [settings]."
        elif value not in setting.choices:
            yield f"{where}.setting: {value!r} is no choice of {name} ({', '.join(setting.choices)})."


def _roles(framework: "Framework") -> Iterator[str]:
    for key, role in framework.roles.items():
        if role.reports_to is not None and role.reports_to not in framework.roles:
            yield f"[roles.{key}] reports_to: there is no role {role.reports_to!r}."
    if not any(role.audits for role in framework.roles.values()):
        yield "[roles]: no role has audits = true, so nobody could be allocated an audit."
    if not any(role.qa for role in framework.roles.values()):
        yield "[roles]: no role has qa = true, so nobody could hear of vacancies and declined allocations."
    for key, setting in framework.settings.items():
        if setting.value not in setting.choices:
            yield f"[settings.{key}] value: {setting.value!r} is not one of {', '.join(setting.choices)}."
    try:
        ZoneInfo(framework.about.zone)
    except (ValueError, OSError, KeyError):
        yield f"[about] zone: {framework.about.zone!r} is not a time zone. Write it like Europe/London."


def _cycle(framework: "Framework") -> Iterator[str]:
    for key, notice in framework.cycle.notices.items():
        yield from _targets(framework, f"[cycle.notices.{key}] to", notice.to)
    yield from _ladder(framework, "[defaults]", framework.defaults.ladder)
    yield from _nudges("[defaults]", framework.defaults.nudge)


def _duties(framework: "Framework") -> Iterator[str]:
    if "complete_audit" not in framework.duties:
        yield "[duties]: complete_audit is missing; its due day is what places an audit in a cycle."
    for key, duty in framework.duties.items():
        where = f"[duties.{key}]"
        yield from _targets(framework, f"{where} owner", (duty.owner,))
        yield from _targets(framework, f"{where} tell", duty.tell)
        yield from _targets(framework, f"{where} per_owner", duty.per_owner)
        yield from _targets(framework, f"{where} nudge_to", duty.nudge_to)
        yield from _events(f"{where} opened_by", duty.opened_by)
        yield from _events(f"{where} closed_by", duty.closed_by)
        yield from _condition(framework, f"{where} when", duty.when)
        if duty.keep_while is not None:
            yield from _condition(framework, f"{where} keep_while", duty.keep_while)
        for way in duty.or_opened:
            yield from _events(f"{where} or_opened", way.opened_by)
            yield from _condition(framework, f"{where} or_opened.when", way.when)
        for variant in duty.variants:
            yield from _condition(framework, f"{where} variants.when", variant.when)
            yield from _targets(framework, f"{where} variants.owner", (variant.owner or "owner",))
        if duty.waits_for is not None and duty.waits_for not in framework.duties:
            yield f"{where} waits_for: there is no duty {duty.waits_for!r}."
        if parse_rule(duty.due).of_list and duty.not_before is None:
            yield f"{where} due: {duty.due!r} needs not_before, which says from when a list may take it."
        yield from _steps(framework, where, duty)


def _steps(framework: "Framework", where: str, duty: "DutyRule") -> Iterator[str]:
    yield from _ladder(framework, where, duty.ladder or ())
    yield from _nudges(where, duty.nudge or ())
    yield from _unknown(f"{where} what", (duty.what,), WHAT, f"Write one of: {', '.join(sorted(WHAT))}.")
    if duty.repeat is not None and duty.ladder != ():
        yield f"{where} ladder: a duty with repeat climbs by itself; write ladder = []."


def _ladder(framework: "Framework", where: str, ladder: Sequence["Rung"]) -> Iterator[str]:
    for rung in ladder:
        yield from _targets(framework, f"{where} ladder", rung.to)
        yield from _unknown(f"{where} ladder.what", (rung.what,), WHAT, f"Write one of: {', '.join(sorted(WHAT))}.")
    spans = [parse_offset(rung.at) for rung in ladder]
    heights = [span.amount * MINUTES[span.unit] for span in spans]
    if heights != sorted(heights):
        yield f"{where} ladder: the steps run backwards. Put the earliest first."


def _nudges(where: str, nudges: Iterable[str]) -> Iterator[str]:
    if any(parse_offset(nudge).amount > 0 for nudge in nudges):
        yield f"{where} nudge: a nudge comes before the due day; write -2wd, not 2wd."


def _notices(framework: "Framework") -> Iterator[str]:
    for key, notice in framework.notices.items():
        where = f"[notices.{key}]"
        yield from _targets(framework, f"{where} to", notice.to)
        yield from _events(f"{where} on", notice.on)
        yield from _condition(framework, f"{where} when", notice.when)
        if notice.shows is not None and notice.shows not in framework.duties:
            yield f"{where} shows: there is no duty {notice.shows!r}."
        try:
            names = [name for _, name, _, _ in Formatter().parse(notice.text) if name is not None]
        except ValueError:
            yield f"{where} text: a brace stands alone in it."
            continue
        yield from _unknown(
            f"{where} text", names, PLACEHOLDERS, f"In braces may stand: {', '.join(sorted(PLACEHOLDERS))}."
        )


def _verbs(framework: "Framework") -> Iterator[str]:
    yield from _unknown("[verbs]", framework.verbs, VERBS, f"Verbs are: {', '.join(sorted(VERBS))}.")
    for key, verb in framework.verbs.items():
        yield from _targets(framework, f"[verbs.{key}] by", verb.by)
        yield from _events(f"[verbs.{key}] after", verb.after)
        yield from _events(f"[verbs.{key}] needs", verb.needs)
