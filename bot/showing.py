"""What `auditloop frameworks list`, `show` and `calendar` print."""

from collections.abc import Iterator
from datetime import date

from audits.addresses import RELATIONS
from audits.dates import Cycle, DateRuleError, day_words, parse_offset
from audits.framework import Condition, DutyRule, Framework, Setting
from audits.frameworks import framework_named, shipped
from audits.frameworks.activities import activities_named
from audits.permissions import (
    ABOVE,
    EVERYONE,
    NEVER_THE_AUDITOR,
    NEVER_WHO_REPORTED,
    QA,
    RULED_BY,
    SEES_GRADE,
    TAKE_UP,
    WORDS,
    Grant,
    asked_by,
    grants,
    ruling,
)
from bot.calendars import print_calendar
from bot.faults import UserFault
from bot.opening import calendar_of, chosen_framework
from cards.scene import source
from cards.wording import counted, listed
from handlers.commands import GROUP_WORDS
from handlers.dispatch import WITHOUT_AUDIT
from scheduling.clock import SystemClock

BEGINS = {"overdue": "Once overdue", "due": "At the due moment", "opening": "From the opening"}
WORDS_OF = {
    "auditor": "the auditor",
    "auditor.manager": "the auditor's manager",
    "case_holder": "the practitioner of the case",
    "case_holder.manager": "the practitioner's manager",
    "case_holder.manager.manager": "the manager of the practitioner's manager",
    "owner": "whoever was asked",
    "owner.manager": "their manager",
    "owner.manager.manager": "their manager's manager",
    "action_owner": "whoever has the action",
    "proposal_answerer": "the other of the two",
    "qa": "the QA officer at work",
}
WHO = {EVERYONE: "everyone", ABOVE: "every manager above whoever has the step"}
ALSO = {
    "agree": "agree to a time that the other suggested",
    "not_hold": "say that the discussion didn't happen",
    "grade_sections": "grade by heading",
    TAKE_UP: "say that one has what was late or escalated",
}
"""What verbs do that a framework rules under another verb's name, or not at all."""


def print_frameworks() -> None:
    for name in shipped():
        about = framework_named(name).about
        review = f" (due for review {day_words(about.review_by)})" if about.review_by else ""
        print(f"{name:<16} {about.document}{review}")


def print_framework(name: str) -> None:
    """Everything that a framework asks, of whom, by when, and where it is written."""
    framework = chosen_framework(name)
    about = framework.about
    print(f"{about.title}: {about.document}")
    if outdated := about.out_of_review(SystemClock().now().date()):
        print(outdated)
    for title, lines in (
        ("When audits are allocated", _cycle(framework)),
        ("How cases are drawn", _sampling(framework)),
        ("Thematic audits", _themes(framework)),
        ("What is graded", _grades(framework)),
        ("What people are asked to do", _duties(framework)),
        ("What people are told", _notices(framework)),
        ("Moderation", _moderation(framework)),
        ("Switches", _settings(framework)),
        ("Who may do what", _verbs(framework)),
        ("Who may ask what", _words(framework)),
        ("Who may see a grade", _disclosure(framework)),
    ):
        found = list(lines)
        if found:
            print(f"\n{title}")
            print("\n".join(found))


def print_year(name: str, first: str, months: int, *, as_json: bool) -> None:
    """The recurring QA activities of some months. Raises UserFault for a month that is none."""
    try:
        cycle = Cycle.parse(first) if first else Cycle.of(SystemClock().now().date())
    except DateRuleError as error:
        raise UserFault(f"--from: {error}") from error
    framework = framework_named(name)
    labels = {key: role.label for key, role in framework.roles.items()}
    last = date.fromordinal(cycle.plus(months).first.toordinal() - 1)
    print_calendar(
        framework.about.title,
        activities_named(name),
        labels,
        cycle.first,
        last,
        calendar_of(framework),
        as_json=as_json,
    )


def _cycle(framework: Framework) -> Iterator[str]:
    terms = framework.cycle
    yield f"  The list goes out {terms.issue}; its process ends {terms.closes}."
    if terms.every > 1:
        month = Cycle.parse(f"2026-{framework.first_month:02}").first
        yield f"  Every {counted(terms.every, 'month')}, beginning in {month:%B}."
    yield f"  {_source(framework, terms.rule, terms.place, terms.local)}"
    for kind, limit in framework.limits.items():
        yield f"  At most {limit.most} {kind} audits a person in a calendar year: {limit.text}."
        yield f"    {_source(framework, limit.rule, limit.place, ())}"


def _themes(framework: Framework) -> Iterator[str]:
    terms = framework.themes
    if terms is None:
        return
    most = f"At most {counted(terms.most, 'theme')} a calendar year. " if terms.most else ""
    yield f"  {most}Terms of reference are signed off by the {terms.signed_off_by} first: {listed(terms.asks)}."
    yield f"  {_source(framework, terms.rule, terms.place, terms.local)}"


def _sampling(framework: Framework) -> Iterator[str]:
    terms = framework.sampling
    if terms.area != "any":
        yield f"  From {'their own' if terms.area == 'own' else 'another'} service area."
    if terms.team != "any":
        yield f"  From {'their own' if terms.team == 'own' else 'another'} team."
    if terms.linked:
        yield "  Never from a centre that the auditor is linked to."
    if terms.practitioner_months:
        yield f"  Every practitioner within {counted(terms.practitioner_months, 'month')}."
    if terms.mix:
        yield f"  A mix of {listed([one.replace('_', ' ') for one in terms.mix])}."
    if terms.services:
        yield f"  From each of: {listed(terms.services)}."
    yield f"  {_source(framework, terms.rule, terms.place or 'how auditloop works', terms.local)}"


def _grades(framework: Framework) -> Iterator[str]:
    for grade in framework.grades:
        yield f"  {grade.mark} {grade.label}: {grade.descriptor}"
    for old in framework.old_scale:
        meant = framework.grade(old.grade)
        yield f"  {old.least} to {old.most} on the old scale: {meant.label if meant else old.grade}"
    for section in framework.sections:
        yield f"  Heading: {section.label}{f' (only if {section.only_if})' if section.only_if else ''}"


def _duties(framework: Framework) -> Iterator[str]:
    for key, duty in framework.duties.items():
        yield f"\n{duty.title} ({key})"
        owners = duty.per_owner or (duty.owner,)
        yield f"  Opens: {_when(duty.opened_by, duty.when)}."
        for way in duty.or_opened:
            yield f"  Opens also: {_when(way.opened_by, way.when)}."
        yield f"  Who: {listed([_target(framework, owner) for owner in owners])}. Due: {_due(duty)}."
        if duty.what in ("alert", "escalation"):
            yield "  Sent at any hour."
        if duty.issue:
            yield f"  Allocated again {_length(duty.issue.at)} on, to {_target(framework, duty.issue.to)}."
        for variant in duty.variants:
            when = _condition(variant.when.model_dump(exclude_defaults=True))
            yield f"  If {when}: {_target(framework, variant.owner or duty.owner)}, {variant.due or duty.due}."
        nudges = framework.defaults.nudge if duty.nudge is None else duty.nudge
        told = [*(_offset(one, "due") for one in nudges), *(_offset(one, "opening") for one in duty.remind_after)]
        yield f"  Reminders: {listed(told) or 'none'}."
        begins = {"overdue": "Once overdue", "due": "At the due moment", "opening": "From the opening"}[
            duty.ladder_from
        ]
        for rung in framework.defaults.ladder if duty.ladder is None else duty.ladder:
            whom = listed([_target(framework, target) for target in rung.to])
            yield f"  {begins}{_later(rung.at)}: {whom}."
        if duty.repeat:
            yield f"  Again every {duty.repeat.minutes} minutes, to the next manager as well, until someone has it."
        yield f"  {_source(framework, duty.rule, duty.place, duty.local)}"


def _when(events: tuple[str, ...], when: Condition) -> str:
    """Which events open something, and on what condition."""
    said = listed([event.replace("_", " ") for event in events]).replace(" and ", " or ")
    terms = when.model_dump(exclude_defaults=True)
    return f"{said}, if {_condition(terms)}" if terms else said


def _length(words: str) -> str:
    span = parse_offset(words)
    return counted(abs(span.amount), span.unit)


def _offset(words: str, start: str) -> str:
    """An offset as people say it: `2 working days before`, `10 weeks after it opens`."""
    if start == "opening":
        return f"{_length(words)} after it opens"
    return f"{_length(words)} before" if parse_offset(words).amount else "on the day itself"


def _later(words: str) -> str:
    return f", {_length(words)} later" if parse_offset(words).amount else ""


def _due(duty: DutyRule) -> str:
    return f"{duty.due}, counted from {duty.counts_from}" if duty.counts_from else duty.due


def _condition(terms: dict[str, object]) -> str:
    words: list[str] = []
    for key, value in terms.items():
        if key == "setting" and isinstance(value, dict):
            words.extend(f"{name} = {chosen}" for name, chosen in value.items())
        elif isinstance(value, tuple):
            words.append(f"{key.replace('_', ' ')} {' or '.join(str(one).replace('_', ' ') for one in value)}")
        else:
            words.append(f"{key.replace('_', ' ')}: {'yes' if value is True else 'no' if value is False else value}")
    return " and ".join(words) or "anything else"


def _notices(framework: Framework) -> Iterator[str]:
    for notice in framework.notices.values():
        yield f"  {notice.title}: {', '.join(_target(framework, target) for target in notice.to)}."
        if notice.no_later_than:
            yield f"    No later than {notice.no_later_than}."
        yield f"    {_source(framework, notice.rule, notice.place, notice.local)}"


def _moderation(framework: Framework) -> Iterator[str]:
    terms = framework.moderation
    if framework.draws is not None:
        most = f" to {terms.most}" if terms.most is not None else ""
        of = "the audits completed" if terms.of == "all" else "the rest"
        always = [grade.label for grade in framework.grades if grade.key in terms.always]
        yield f"  A draw {framework.draws}: {terms.share}{most} % of {of}."
        if always:
            yield f"  Always: {listed(always)}."
    if terms.hold:
        yield "  A changed grade or a concern about the audit waits until it was talked through with the auditor."
    if terms.place:
        yield f"  {_source(framework, terms.rule, terms.place, terms.local)}"


def _settings(framework: Framework) -> Iterator[str]:
    for key, setting in framework.settings.items():
        others = ", ".join(one for one in setting.choices if one != setting.value)
        yield f"  {key} = {setting.value} ({f'or {others}' if others else 'the only choice'})"
        yield f"    {setting.about}"
        yield f"    {_decision(framework, setting)}"


def _decision(framework: Framework, setting: Setting) -> str:
    where = _source(framework, setting.rule, setting.place or "how auditloop works", ())
    if setting.departs:
        return f"{where}. The rules say {setting.default}. {setting.decision}"
    return where


def _verbs(framework: Framework) -> Iterator[str]:
    """The table that every press is held against (audits/permissions.py), verb by verb."""
    for verb in (*dict.fromkeys((*framework.verbs, *RULED_BY)), TAKE_UP):
        found = grants(framework, verb)
        if found:
            yield f"\n{verb}: {_does(framework, verb)}"
            yield from (f"  {line}" for line in _line(framework, verb, found))


def _does(framework: Framework, verb: str) -> str:
    rule = ruling(framework, verb)
    return ALSO.get(verb) or (rule.label if rule is not None else verb)


def _line(framework: Framework, verb: str, found: tuple[Grant, ...]) -> Iterator[str]:
    named = [grant.target for grant in found if grant.target]
    if named:
        yield f"By: {'; '.join(_who(framework, target) for target in named)}."
    for grant in (one for one in found if one.duty):
        terms = framework.duties[grant.duty]
        instead = " or stands in for them" if grant.stand_ins else "; nobody stands in"
        rules = ", ".join(terms.rule) or "LOCAL"
        yield f"By: whoever has “{terms.title}” ({grant.duty}) while it is open{instead} [{rules}]."
    if verb in NEVER_THE_AUDITOR and "auditor" not in named:
        yield "Never: the auditor of the audit."
    if verb in NEVER_WHO_REPORTED:
        yield "Never: whoever reported the action done."
    if verb == TAKE_UP:
        yield "Only while: a step is past its moment, or is an escalation. Never an alert: that is acknowledged."
        yield "An acknowledgement where no alert is open is taken as this."
        yield f"{_source(framework, (), 'how auditloop works', ())}"
        return
    rule = ruling(framework, verb)
    if rule is None:
        return
    first = [_event(event) for event in (*rule.after, *rule.needs)]
    if first:
        yield f"Only once the audit is: {listed(first)}."
    if rule.waits_for:
        yield f"Not while open: {listed([framework.duties[duty].title for duty in rule.waits_for])}."
    yield _source(framework, rule.rule, rule.place or "how auditloop works", rule.local)


def _event(event: str) -> str:
    return event.replace("_", " ")


def _words(framework: Framework) -> Iterator[str]:
    """Who may write what, and press what is about no audit; then what others may read too."""
    by_whom: dict[str, list[str]] = {}
    for word, who in WORDS.items():
        rule = ruling(framework, who) if who not in (EVERYONE, QA) else None
        lacks_verb = who not in (EVERYONE, QA) and rule is None
        if lacks_verb or (word.startswith("theme") and framework.themes is None):
            continue
        asked = asked_by(framework, word)
        if rule is None or set(asked) == {QA}:
            whom = listed([_who(framework, target) for target in asked])
        else:
            whom = f"whoever may {rule.label}, on that audit"
        by_whom.setdefault(whom, []).append(f"the button {word}" if word in WITHOUT_AUDIT else word)
    for whom, words in by_whom.items():
        yield f"  {', '.join(words)}: {whom}."
    yield f"  Where others read it too: {listed(sorted(GROUP_WORDS))} alone, without names, cases and small numbers."
    yield f"  {_source(framework, (), 'how auditloop works', ())}"


def _disclosure(framework: Framework) -> Iterator[str]:
    yield f"  Once the audit is completed: {'; '.join(SEES_GRADE)}."
    yield f"  {_source(framework, (), 'how auditloop works', ())}"
    terms = framework.moderation
    if terms.hold:
        who = "; ".join(_who(framework, target) for target in framework.verbs["moderate"].by)
        yield "  Where moderation changed the grade, or has a concern about the audit, all of them go on seeing the"
        yield f"  auditor's own grade until it was talked through or released; what was found is known to: {who};"
        yield "  never to the auditor of the audit."
        yield f"  {_source(framework, terms.rule, terms.place or 'how auditloop works', terms.local)}"


def _who(framework: Framework, target: str) -> str:
    """Whom a target means, in words that say where they are looked for."""
    if target == QA:
        return f"quality assurance ({', '.join(framework.roles[role].label for role in framework.qa_roles)})"
    role = framework.roles.get(target)
    if role is None or target in RELATIONS:
        return WHO.get(target) or WORDS_OF.get(target, target)
    if role.council or role.cases:
        return f"{'any ' if role.council else 'the '}{role.label}{'' if role.council else ' of the case'}"
    return f"the {role.label} over the practitioner"


def _target(framework: Framework, target: str) -> str:
    return framework.roles[target].label if target in framework.roles else WORDS_OF.get(target, target)


def _source(framework: Framework, rule: tuple[str, ...], place: str, local: tuple[str, ...]) -> str:
    return f"[{', '.join(rule) or 'LOCAL'}] {source(framework, place, local, asked=bool(rule))}"
