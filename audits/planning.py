"""From a rule to a duty with its dates: the two moments, and the frozen steps that lead up to and past them."""

from datetime import date, datetime, time, timedelta

from audits.calendar import END_OF_DAY, WorkCalendar
from audits.dates import Cycle, Moment, overdue_from, parse_offset, parse_rule, step_moment
from audits.framework import DutyRule, Framework, Variant
from audits.state import Step

DAY = 24 * 60
UNACKNOWLEDGED = "unacknowledged"
"""The step of an alert that nobody answered for so long that the QA roles hear of it as well."""


def list_on_or_after(framework: Framework, day: date, calendar: WorkCalendar) -> Cycle:
    """The first cycle whose allocation list goes out on this day or later."""
    cycle = Cycle.of(day)
    while not framework.has_cycle(cycle) or calendar.day_of(issue_moment(framework, cycle, calendar)) < day:
        cycle = cycle.plus(1)
    return cycle


def no_cycle(framework: Framework, cycle: Cycle) -> str | None:
    """Why nothing is allocated in a month, in words with the months around it; None where something is."""
    if framework.has_cycle(cycle):
        return None
    before, after = cycle.plus(-1), cycle.plus(1)
    while not framework.has_cycle(before):
        before = before.plus(-1)
    while not framework.has_cycle(after):
        after = after.plus(1)
    every = "every second month" if framework.cycle.every == 2 else f"every {framework.cycle.every} months"
    return (
        f"Nothing is allocated in {cycle.words}: {framework.about.title} audits {every}. "
        f"Choose {before.words} or {after.words}."
    )


def issue_moment(framework: Framework, cycle: Cycle, calendar: WorkCalendar) -> datetime:
    """When a cycle's allocation list goes out, in UTC (rolled forward, P2)."""
    anchor = calendar.moment(cycle.first, time(0, 0))
    return parse_rule(framework.cycle.issue).resolve(anchor, cycle, calendar).effective


def close_moment(framework: Framework, cycle: Cycle, calendar: WorkCalendar) -> Moment:
    """When a cycle's process ends."""
    anchor = calendar.moment(cycle.first, time(0, 0))
    return parse_rule(framework.cycle.closes).resolve(anchor, cycle, calendar)


def cycle_for(framework: Framework, moment: datetime, calendar: WorkCalendar) -> Cycle:
    """The cycle that an audit allocated at this moment belongs to: this month's, or the next if its due day is gone."""
    cycle = Cycle.of(calendar.day_of(moment))
    if (
        "of the cycle" not in framework.duties["complete_audit"].due
        and "the cycle" not in framework.duties["complete_audit"].due
    ):
        return cycle
    due = parse_rule(framework.duties["complete_audit"].due).resolve(moment, cycle, calendar)
    return cycle if due.nominal >= moment else cycle.plus(1)


def deadline(
    rule: DutyRule,
    variant: Variant | None,
    opened_at: datetime,
    cycle: Cycle,
    calendar: WorkCalendar,
    *,
    since: datetime | None = None,
    list_cycle: Cycle | None = None,
    session: datetime | None = None,
    day: date | None = None,
) -> Moment:
    """The moments of a duty that opens now. `since` is where its time runs from, if that isn't its opening; `day` is
    a due day agreed for a remedial action, or set for a re-audit.

    A deadline that has gone by before the duty opens gives way to the rule's `late_due`, so that nobody is
    late from the start.
    """
    if day is not None:
        nominal = calendar.moment(day, END_OF_DAY)
        rolled = calendar.on_or_before(day)
        early = rolled < calendar.day_of(opened_at)
        return Moment(nominal, nominal if early else calendar.moment(rolled, END_OF_DAY))
    words = (variant.due if variant else None) or rule.due
    found = parse_rule(words).resolve(since or opened_at, cycle, calendar, list_cycle=list_cycle, session=session)
    if found.nominal < opened_at and rule.late_due is not None:
        found = parse_rule(rule.late_due).resolve(opened_at, cycle, calendar)
    return found if found.effective >= opened_at else Moment(found.nominal, found.nominal)


def steps_for(
    framework: Framework,
    rule: DutyRule,
    opened_at: datetime,
    moment: Moment,
    calendar: WorkCalendar,
    *,
    since: datetime | None = None,
    issue_at: datetime | None = None,
) -> tuple[Step, ...]:
    """The steps of a duty in order of time; those that would lie before its opening are left out."""
    steps: list[Step] = []
    overdue = overdue_from(moment.nominal, calendar)
    nudges = framework.defaults.nudge if rule.nudge is None else rule.nudge
    for words in nudges:
        at = step_moment(moment.effective, parse_offset(words), calendar)
        if opened_at < at < overdue:
            steps.append(Step(_name("nudge", at, calendar), at, "nudge", rule.nudge_to))
    for words in rule.remind_after:
        at = waking(step_moment(since or opened_at, parse_offset(words), calendar), calendar)
        if opened_at < at < overdue:
            steps.append(Step(_name("reminder", at, calendar), at, "nudge", rule.nudge_to))
    if rule.follow_up is not None:
        at = step_moment(moment.effective, parse_offset(rule.follow_up), calendar)
        steps.append(Step(_name("follow-up", at, calendar), at, "message", ("owner",)))
    begins = {"overdue": overdue, "due": moment.nominal, "opening": opened_at}[rule.ladder_from]
    for rung in framework.defaults.ladder if rule.ladder is None else rule.ladder:
        at = step_moment(begins, parse_offset(rung.at), calendar)
        steps.append(Step(_name(rung.what, at, calendar), at, rung.what, rung.to))
    if rule.repeat is not None:
        every, times = rule.repeat.minutes, rule.repeat.times
        steps.append(
            Step("repeat", opened_at + timedelta(minutes=every), "alert", ("owner", "climb"), every, times - 1)
        )
        last = opened_at + timedelta(minutes=every * (times + 1))
        steps.append(Step(UNACKNOWLEDGED, last, "escalation", ("owner", *framework.qa_roles), DAY, 365))
    if rule.lapses:
        at = calendar.moment(calendar.day_of(moment.nominal), END_OF_DAY)
        steps.append(Step("lapse", at, "lapse", ()))
    if issue_at is not None:
        steps.append(Step("issue", issue_at, "issue", ()))
    return tuple(sorted(steps, key=lambda step: step.at))


def waking(at: datetime, calendar: WorkCalendar) -> datetime:
    """The same time of day on the first working day from this one on (P2: what starts rolls forward)."""
    local = calendar.local(at)
    return calendar.moment(calendar.on_or_after(local.date()), local.time())


def _name(what: str, at: datetime, calendar: WorkCalendar) -> str:
    return f"{what}@{calendar.local(at):%Y-%m-%dT%H:%M}"
