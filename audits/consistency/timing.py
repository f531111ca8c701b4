"""Whether dates can be kept: days that months lack, ladders and nudges in order, long-stops that are missed."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from audits.calendar import WorkCalendar
from audits.consistency import places
from audits.consistency.problem import Path, Problem
from audits.consistency.words import events_of
from audits.dates import Cycle, DateRule, Moment, Span, Way, day_words, parse_offset, parse_rule
from audits.framework import DutyRule, Framework, Rung
from audits.planning import close_moment, issue_moment

MINUTES = {"minute": 1, "hour": 60, "day": 1440, "working day": 2016, "week": 10080, "month": 43200}
"""About how long each unit is; five working days are a week."""
SHORTEST = MINUTES | {"working day": 1440, "month": 28 * 1440}
"""How long each unit is at the least."""
AT_ONCE = frozenset({"alert", "escalation"})

QUIET_FROM = (date(2026, 4, 2), time(18, 30))
"""The evening before the longest quiet time that comes every year: Good Friday to Easter Monday."""
YEARS = (2026, 2027, 2028)
"""Years to try dates in; one of them is a leap year."""


def troubles_with_dates(framework: Framework) -> Iterator[Problem]:
    """Dates that can't be placed, that some months lack, or that the words mean the wrong way round."""
    for path, words in places.dates(framework):
        rule = parse_rule(words)
        number = rule.month_day.number if rule.month_day is not None else None
        if number is not None and number > 28:
            last = "on the last day" if rule.way is Way.ON else "by the last day"
            yield Problem(
                path,
                f"not every month has a day {number}, so {words!r} would be another day in some. Write "
                f"{last!r} and what follows it.",
            )
        yield from _way(path, rule)
        yield from _session(framework, path, rule)
        yield from _list(framework, path, rule)


def _way(path: Path, rule: DateRule) -> Iterator[Problem]:
    if path[-1] == "not_before":
        if rule.span is not None and rule.way is Way.BY:
            yield Problem(
                path, f"{rule.words!r} is a deadline. Write it as 'not before ...', from when a list may take it."
            )
    elif rule.way is Way.NOT_BEFORE:
        yield Problem(path, f"{rule.words!r} sets no end. Write until when, as in 'within 3 months'.")


def _session(framework: Framework, path: Path, rule: DateRule) -> Iterator[Problem]:
    if not rule.at_session:
        return
    opened_by: Sequence[str] = ()
    if path[0] == "duties" and path[-1] == "due":
        duty = framework.duties[str(path[1])]
        opened_by = (*duty.opened_by, *(event for way in duty.or_opened for event in way.opened_by))
    if path[0] == "notices":
        opened_by = framework.notices[str(path[1])].on
    booked = "moderation_booked" if "moderation_booked" in opened_by else "booked"
    early = [event for event in opened_by if not _once_booked(framework, event, booked)]
    if early:
        yield Problem(
            path,
            f"when {early[0]!r} happens no session need be booked, so there is no time to hold this to. Open it by "
            '["booked"], or write another date.',
        )
    elif not opened_by:
        yield Problem(
            path, "there is no session here to hold this to. Write another date, as in 'within 5 working days'."
        )


def _once_booked(framework: Framework, event: str, booked: str) -> bool:
    """Whether a session is booked for certain when an event happens: it is the booking, or needs it."""
    if event in (booked, "not_held"):
        return event == booked
    verbs = [verb for key, verb in framework.verbs.items() if event in events_of(key)]
    return bool(verbs) and all(booked in verb.needs for verb in verbs)


def _list(framework: Framework, path: Path, rule: DateRule) -> Iterator[Problem]:
    if not rule.of_list:
        return
    duty = framework.duties[str(path[1])] if path[0] == "duties" else None
    if duty is None or path[-1] != "due":
        yield Problem(
            path, f"{rule.words!r}: only the due date of a re-audit can wait for a list. Write 'of the cycle'."
        )
    elif duty.not_before is None:
        yield Problem(
            path,
            f"{rule.words!r} needs not_before, which says from when a list may take it. Add it, as in "
            "not_before = 'not before 1 month'.",
        )


def troubles_with_steps(framework: Framework) -> Iterator[Problem]:
    """Ladders that run backwards or reach nobody, and reminders that come too late to be any."""
    for path, ladder in places.ladders(framework):
        yield from _ladder(path, ladder)
    yield from _nudges(("defaults", "nudge"), framework.defaults.nudge)
    for key, duty in framework.duties.items():
        path = ("duties", key)
        yield from _nudges((*path, "nudge"), duty.nudge or ())
        yield from _reminders(path, duty)
        if duty.follow_up is not None and parse_offset(duty.follow_up).amount < 0:
            yield Problem((*path, "follow_up"), f"a follow-up comes after. Write {'+' + duty.follow_up[1:]!r}.")
        if duty.repeat is not None and duty.ladder != ():
            yield Problem((*path, "ladder"), "a duty with repeat climbs by itself. Write ladder = [].")


def _ladder(path: Path, ladder: Sequence[Rung]) -> Iterator[Problem]:
    below = 0
    for number, rung in enumerate(ladder):
        span = parse_offset(rung.at)
        height = _length(span, MINUTES)
        if span.amount < 0:
            yield Problem(
                (*path, number, "at"),
                f"{rung.at!r} comes before the ladder begins. Write a step with +; what comes before the due day is "
                "a nudge.",
            )
        elif height < below:
            yield Problem(
                (*path, number, "at"),
                f"the ladder runs backwards: {rung.at!r} comes before the step above it. Put the earliest step first.",
            )
        below = max(height, below)
        if not rung.to:
            yield Problem(
                (*path, number, "to"), "this step tells nobody. Name at least one role, or take the step out."
            )


def _nudges(path: Path, nudges: Sequence[str]) -> Iterator[Problem]:
    for number, words in enumerate(nudges):
        if parse_offset(words).amount > 0:
            yield Problem(
                (*path, number),
                f"a nudge comes before the due day, and {words!r} is after it. Write {'-' + words.lstrip('+')!r}; what "
                "comes after the due day is a step of the ladder.",
            )


def _reminders(path: Path, duty: DutyRule) -> Iterator[Problem]:
    """Those that count from the opening, against the latest due day that counts from there as well."""
    told = [((*path, "remind_after", number), words) for number, words in enumerate(duty.remind_after)]
    if duty.issue is not None:
        told.append(((*path, "issue", "at"), duty.issue.at))
    rules = [parse_rule(words) for words in (duty.due, *(one.due for one in duty.variants if one.due))]
    ends = [rule.span for rule in rules if rule.span is not None]
    latest = max((_length(span, MINUTES) for span in ends), default=None) if len(ends) == len(rules) else None
    for place, words in told:
        span = parse_offset(words)
        if span.amount < 0:
            yield Problem(place, f"this counts from the opening, so it comes after it. Write {'+' + words[1:]!r}.")
        elif latest is not None and _length(span, SHORTEST) > latest:
            yield Problem(
                place, f"{words!r} after the opening is later than the due day ({duty.due}). Write an earlier day."
            )


def _length(span: Span, units: dict[str, int]) -> int:
    return span.amount * units[span.unit]


def troubles_with_the_cycle(framework: Framework) -> Iterator[Problem]:
    """A cycle that ends before it begins, and due dates that have gone by when the list goes out."""
    calendar = _calendar(framework)
    if calendar is None:
        yield Problem(("about", "zone"), f"{framework.about.zone!r} is not a time zone. Write it like Europe/London.")
        return
    cycles = [Cycle(date(year, month, 1)) for year in YEARS for month in range(1, 13)]
    if not _plain(framework.cycle.issue, framework.cycle.closes):
        return
    issued = {cycle: issue_moment(framework, cycle, calendar) for cycle in cycles}
    for cycle in cycles:
        end = close_moment(framework, cycle, calendar).nominal
        if end < issued[cycle]:
            yield Problem(
                ("cycle", "closes"), f"{_too_soon('the cycle', cycle, end, issued[cycle], calendar)} Write a later day."
            )
            break
    for key, duty in framework.duties.items():
        if set(duty.opened_by) == {"allocated"} and not duty.or_opened:
            yield from _due_before_issue(key, duty, issued, calendar)
    yield from _disputes(framework, cycles, calendar)


def _due_before_issue(
    key: str, duty: DutyRule, issued: dict[Cycle, datetime], calendar: WorkCalendar
) -> Iterator[Problem]:
    rule = parse_rule(duty.due)
    if rule.month_day is None or rule.of_list:
        return
    for cycle, at in issued.items():
        due = rule.resolve(at, cycle, calendar).nominal
        if due < at:
            yield Problem(("duties", key, "due"), f"{_too_soon('this', cycle, due, at, calendar)} Write a later day.")
            return


def _too_soon(what: str, cycle: Cycle, end: datetime, issued: datetime, calendar: WorkCalendar) -> str:
    day, out = (day_words(calendar.day_of(moment)) for moment in (end, issued))
    return f"in {cycle.words} {what} would end on {day}, before the list goes out on {out}."


def _disputes(framework: Framework, cycles: Sequence[Cycle], calendar: WorkCalendar) -> Iterator[Problem]:
    """The time for disputes must not be over while audits are still being completed."""
    terms, audit = framework.cycle, framework.duties.get("complete_audit")
    if terms.dispute_closes is None or audit is None or not _plain(terms.dispute_closes, audit.due):
        return
    for cycle in cycles:
        start = calendar.moment(cycle.first, time(0, 0))
        end, due = (
            parse_rule(words).resolve(start, cycle, calendar).nominal for words in (terms.dispute_closes, audit.due)
        )
        if end < due:
            day = day_words(calendar.day_of(end))
            yield Problem(
                ("cycle", "dispute_closes"),
                f"in {cycle.words} the time for disputes would end on {day}, before audits are due. Write a later day.",
            )
            return


def _plain(*dates: str) -> bool:
    """Whether dates stand in the cycle itself, not at a session, in a list or a span of time away."""
    rules = [parse_rule(words) for words in dates]
    return all(rule.month_day is not None and not rule.of_list for rule in rules)


def _calendar(framework: Framework) -> WorkCalendar | None:
    try:
        return WorkCalendar(zone=ZoneInfo(framework.about.zone))
    except (ValueError, OSError, KeyError):
        return None


def missed_long_stops(framework: Framework) -> Iterator[Problem]:
    """Long-stops on telling people that quiet hours, or a digest, would miss: whatever isn't sent at once waits from
    the evening before Good Friday until Tuesday morning. (DUD, Contradictions 3; RULEBOOK, section 0, P6)
    """
    calendar = _calendar(framework)
    if calendar is None:
        return
    for key, notice in framework.notices.items():
        if notice.no_later_than is not None and notice.what not in AT_ONCE:
            yield from _missed(("notices", key, "no_later_than"), notice.no_later_than, f"[notices.{key}]", calendar)
    for key, duty in framework.duties.items():
        if "told" not in duty.closed_by:
            continue
        carriers = [
            f"[notices.{name}]"
            for name, one in framework.notices.items()
            if one.shows == key and one.what not in AT_ONCE
        ]
        slow = carriers if duty.silent else [f"[duties.{key}]"] if duty.what not in AT_ONCE else []
        if slow:
            yield from _missed(("duties", key, "due"), duty.due, slow[0], calendar)
            if duty.late_due is not None:
                yield from _missed(("duties", key, "late_due"), duty.late_due, slow[0], calendar)
            for number, variant in enumerate(duty.variants):
                if variant.due is not None:
                    yield from _missed(("duties", key, "variants", number, "due"), variant.due, slow[0], calendar)


def _missed(path: Path, words: str, sender: str, calendar: WorkCalendar) -> Iterator[Problem]:
    rule = parse_rule(words)
    if rule.at_session or rule.of_list or rule.month_day is not None:
        return
    sent = calendar.moment(*QUIET_FROM)
    end: Moment = rule.resolve(sent, Cycle.of(QUIET_FROM[0]), calendar)
    heard = calendar.next_waking(sent)
    if end.nominal < heard:
        yield Problem(
            path,
            f"{words!r} would be missed: an ordinary message of the Thursday before Easter, {_clock(sent, calendar)}, "
            f"waits until {_clock(heard, calendar)}, and the end is {_clock(end.nominal, calendar)}. Write "
            f'what = "escalation" in {sender}, which is sent at once.',
        )


def _clock(moment: datetime, calendar: WorkCalendar) -> str:
    local = calendar.local(moment)
    return f"{day_words(local.date())} at {local:%H:%M}"
