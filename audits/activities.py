"""QA work that comes round: observations, dip samples, supervision audits, reports, meetings; who has it, and when.

An activity says in words on which day it opens and when it is due. Where it comes round in weeks, its days are
weekdays: `Monday`, `Friday at 12:00`. In months and longer they are written in the language of audits/dates.py, where
"the cycle" is the first month of the period. In both, "the period" may stand as well:
`by the last working day of the period`; in months also `on the first working day of the month after the period`. A due
day may count from the day of the opening: `within 4 days`, `on the following Monday`.
Every day is local. It is kept as the words say it and as it was rolled (RULEBOOK, section 0, P1 and P2).
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from audits.calendar import WorkCalendar
from audits.dates import Cycle, DateRule, DateRuleError, Way, add_months, day_words, parse_rule

Holder = TypeVar("Holder")

_DAY = timedelta(days=1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED = f"(?P<weekday>{'|'.join(_DAYS)})"
_AT = r"(?: at (?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d))?"
_WEEKDAY = re.compile(_NAMED + _AT)
_FOLLOWING = re.compile(rf"(?P<way>by|on) the following {_NAMED}{_AT}")
_EDGE = re.compile(rf"(?P<way>by|on) the (?P<edge>first working day|last working day|last day) of the period{_AT}")
_AFTER = "the month after the period"
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SPAN_DAYS = {"day": 1, "working day": 3, "week": 7, "month": 31}


@dataclass(frozen=True)
class Period:
    """One time round, from its first day to its last. `number` counts from 0 at the activity's `starts`."""

    number: int
    first: date
    last: date

    @property
    def words(self) -> str:
        """`March 2026`, `January to March 2026`, `2026`, `the week of Mon 4 May 2026`."""
        after = self.last + _DAY
        if self.first.day == 1 and after.day == 1:
            if after == add_months(self.first, 12) and self.first.month == 1:
                return f"{self.first:%Y}"
            if after == add_months(self.first, 1):
                return f"{self.first:%B %Y}"
            begins = f"{self.first:%B}" if self.first.year == self.last.year else f"{self.first:%B %Y}"
            return f"{begins} to {self.last:%B %Y}"
        if after - self.first == timedelta(weeks=1):
            return f"the week of {day_words(self.first)}"
        return f"{day_words(self.first)} to {day_words(self.last)}"


@dataclass(frozen=True)
class ActivityDay:
    """A local day: exactly what the words say, and the working day that honours them. `clock` where they name one."""

    nominal: date
    effective: date
    clock: time | None = None


@dataclass(frozen=True)
class Occurrence:
    """An activity in one of its periods. It never opens later than it is due."""

    period: Period
    opens: ActivityDay
    due: ActivityDay

    @property
    def number(self) -> int:
        return self.period.number

    @property
    def on_one_day(self) -> bool:
        return self.opens.effective == self.due.effective


@dataclass(frozen=True)
class _Words:
    """A day read from its words. Without a `way` an opening rolls forward and a due day back."""

    way: Way | None
    clock: time | None = None
    weekday: int | None = None
    following: bool = False
    edge: str = ""
    rule: DateRule | None = None
    after_period: bool = False

    @property
    def from_opening(self) -> bool:
        return self.following or (self.rule is not None and self.rule.span is not None)

    @property
    def of_weeks(self) -> bool:
        return self.weekday is not None and not self.following

    @property
    def of_months(self) -> bool:
        return self.rule is not None and self.rule.month_day is not None

    def day(self, period: Period, opened: date, calendar: WorkCalendar) -> date:
        """The nominal day. `opened` is the nominal day of the opening, from which spans are counted (P4, P5)."""
        if self.weekday is not None:
            start = opened + _DAY if self.following else period.first
            return start + timedelta(days=(self.weekday - start.weekday()) % 7)
        if self.rule is not None:
            cycle = Cycle.of(period.last).plus(1) if self.after_period else Cycle.of(period.first)
            return calendar.day_of(self.rule.resolve(calendar.moment(opened, time(0, 0)), cycle, calendar).nominal)
        if self.edge == "first working day":
            return calendar.on_or_after(period.first)
        return calendar.on_or_before(period.last) if self.edge == "last working day" else period.last


def _clock(found: re.Match[str]) -> time | None:
    return time(int(found["hour"]), int(found["minute"])) if found["hour"] else None


@cache
def _read(words: str) -> _Words:
    text = " ".join(words.lower().split())
    if found := _WEEKDAY.fullmatch(text):
        return _Words(None, _clock(found), weekday=_DAYS.index(found["weekday"]))
    if found := _FOLLOWING.fullmatch(text):
        return _Words(Way(found["way"]), _clock(found), weekday=_DAYS.index(found["weekday"]), following=True)
    if found := _EDGE.fullmatch(text):
        return _Words(Way(found["way"]), _clock(found), edge=found["edge"])
    after = _AFTER in text
    try:
        rule = parse_rule(text.replace(_AFTER, "the cycle"))
    except DateRuleError:
        rule = None
    by_days = rule is not None and (rule.month_day is not None or (rule.span is not None and not rule.span.by_the_hour))
    if rule is None or not by_days or rule.of_list or rule.way is Way.NOT_BEFORE:
        raise DateRuleError(
            f"{words!r} is not a day that activities can use. Write it like 'Friday', 'on the first working day of the "
            "cycle', 'on the third Thursday of the cycle at 15:00', 'by the last working day of the period', "
            "'by day 14 of the month after the period', 'within 4 days' or 'on the following Monday'."
        )
    return _Words(rule.way, rule.clock, rule=rule, after_period=after)


@dataclass(frozen=True)
class _Step:
    """From one period to the next."""

    weeks: int = 0
    months: int = 0


@cache
def _step(every: str) -> _Step:
    if every in _MONTHS:
        return _Step(months=_MONTHS[every])
    if every == "week":
        return _Step(weeks=1)
    found = re.fullmatch(r"([2-9]|[1-9]\d) (weeks|months)", every)
    if not found:
        raise DateRuleError(
            f"{every!r} is not how often something comes round. Write week, month, quarter, year, or a number of weeks "
            "or months from 2 to 99, as in '8 weeks' or '6 months'."
        )
    return _Step(weeks=int(found[1])) if found[2] == "weeks" else _Step(months=int(found[1]))


def _known_words(text: str) -> str:
    _read(text)
    return text


def _known_step(text: str) -> str:
    _step(text)
    return text


DayWords = Annotated[str, AfterValidator(_known_words)]
Month = Annotated[int, Field(ge=1, le=12)]


class Part(BaseModel):
    """Some of what an occurrence asks for: 6 of one kind, 4 of another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    how_many: int = Field(default=1, ge=1)


class Activity(BaseModel):
    """Work that comes round, `every` so often or in certain `months` of the year.

    `starts` is the day from which "N weeks" are counted, and the first day of the first month of "N months"; elsewhere
    it may be left out. Nothing comes round before it. A quarter or a year begins in its month, or in January.
    `about` is a role whose holders are the subject in turn, one in each occurrence (see `subject`). `how_many` is what
    an occurrence asks for; where there are `parts`, leave it out. `asks` says whether that is for each person of `who`
    or for all of them together. `local` lists the terms on which the framework's document is silent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    who: tuple[str, ...] = Field(min_length=1)
    every: Annotated[str, AfterValidator(_known_step)] | None = None
    months: tuple[Month, ...] = ()
    starts: date | None = None
    opens: DayWords
    due: DayWords
    about: str | None = None
    how_many: int = Field(default=1, ge=1)
    parts: tuple[Part, ...] = ()
    rule: tuple[str, ...] = ()
    place: str
    local: tuple[str, ...] = ()
    asks: str

    @property
    def total(self) -> int:
        """How many an occurrence asks for, its parts taken together."""
        return sum(part.how_many for part in self.parts) or self.how_many

    @property
    def step(self) -> _Step:
        return _step(self.every) if self.every else _Step(months=1)

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        for faulty in (self._frequency_fault, self._day_fault, self._order_fault):
            if fault := faulty():
                raise DateRuleError(fault)
        if self.parts and "how_many" in self.model_fields_set and self.how_many != self.total:
            raise DateRuleError(f"how_many is {self.how_many}, but the parts come to {self.total}. Leave how_many out.")
        return self

    def _frequency_fault(self) -> str:
        if (self.every is None) == (not self.months):
            return "write either every or months, so that it is clear when this comes round."
        if list(self.months) != sorted(set(self.months)):
            return "months: name each month once, in the order of the year."
        if self.starts is None and self.every and self.every[0].isdigit():
            return f"starts is missing: {self.every} from when? Write a date."
        if self.starts is not None and self.step.months and self.starts.day != 1:
            return "starts: write the first day of the month that it starts in."
        if self.starts is not None and self.every == "week" and self.starts.weekday() != 0:
            return "starts: write the Monday of the week that it starts in."
        return ""

    def _day_fault(self) -> str:
        opens, due = _read(self.opens), _read(self.due)
        if opens.from_opening or opens.way is Way.BY:
            return f"opens: {self.opens!r} is no day to open on. Write a weekday, or begin with 'on'."
        for name, words in (("opens", opens), ("due", due)):
            if words.of_months and self.step.weeks:
                return f"{name}: for something that comes round in weeks, write a weekday or speak of the period."
            if words.of_weeks and self.step.months:
                return f"{name}: a weekday alone needs a week. Write it like 'on the third Thursday of the cycle'."
        return ""

    def _order_fault(self) -> str:
        first = self.starts or date(2026, 1, 1)
        calendar = WorkCalendar()
        for period in _periods(self, first, first + timedelta(days=366)):
            found = _occurrence(self, period, calendar)
            opens = (found.opens.nominal, found.opens.clock or time.min)
            if (found.due.nominal, found.due.clock or time.max) < opens:
                return f"due: {self.due!r} lies before {self.opens!r}, when this opens."
        return ""


def occurrences(activity: Activity, first: date, last: date, calendar: WorkCalendar) -> list[Occurrence]:
    """Every occurrence that opens (effectively) from `first` to `last`, both included, in order of time."""
    # A first of January opens on the last working day of December where the same day is its due day.
    begun = _periods(activity, first - _reach(activity), last + timedelta(weeks=2))
    found = (_occurrence(activity, period, calendar) for period in begun)
    return sorted((one for one in found if first <= one.opens.effective <= last), key=lambda one: one.opens.effective)


def under_way(activity: Activity, first: date, last: date, calendar: WorkCalendar) -> list[Occurrence]:
    """Every occurrence open at any time from `first` to `last`: those that open by then and aren't due before."""
    opened = occurrences(activity, first - _reach(activity), last, calendar)
    return [one for one in opened if one.due.effective >= first]


def subject(number: int, holders: Sequence[Holder], auditor: Holder | None = None) -> Holder | None:
    """Whose turn it is in an occurrence: the holders of `about` one after another, never the auditor themself.

    Pass the holders in an order that stays the same. Where the auditor is one of them, as with peers, the turns are
    counted from the auditor's own place, so that peers never meet the same colleague in the same occurrence.
    None where nobody is left.
    """
    if auditor is None or auditor not in holders:
        return holders[number % len(holders)] if holders else None
    if len(holders) == 1:
        return None
    place = holders.index(auditor) + 1 + number % (len(holders) - 1)
    return holders[place % len(holders)]


def _occurrence(activity: Activity, period: Period, calendar: WorkCalendar) -> Occurrence:
    opens, due = _read(activity.opens), _read(activity.due)
    opened = opens.day(period, period.first, calendar)
    ends = due.day(period, opened, calendar)
    last = calendar.on_or_after(ends) if due.way is Way.ON else calendar.on_or_before(ends)
    # An opening that would roll past its own due day rolls back with it: nobody is late from the start.
    begin = min(calendar.on_or_after(opened), last)
    return Occurrence(period, ActivityDay(opened, begin, opens.clock), ActivityDay(ends, last, due.clock))


def _reach(activity: Activity) -> timedelta:
    """At least as long as from the first day of a period to its due day."""
    span = rule.span if (rule := _read(activity.due).rule) else None
    days = span.amount * _SPAN_DAYS[span.unit] if span else 0
    return timedelta(weeks=activity.step.weeks, days=31 * activity.step.months + days + 62)


def _periods(activity: Activity, first: date, last: date) -> Iterator[Period]:
    """The periods that have a day between `first` and `last`, and none that begins before the activity's start."""
    return _of_weeks(activity, first, last) if activity.step.weeks else _of_months(activity, first, last)


def _of_weeks(activity: Activity, first: date, last: date) -> Iterator[Period]:
    length = timedelta(weeks=activity.step.weeks)
    anchor = activity.starts or date.min  # a Monday
    number = max(0, (first - anchor) // length)
    while (begins := anchor + number * length) <= last:
        yield Period(number, begins, begins + length - _DAY)
        number += 1


def _of_months(activity: Activity, first: date, last: date) -> Iterator[Period]:
    size, listed = activity.step.months, activity.months or tuple(range(1, 13))
    anchor = activity.starts or date(1, 1, 1)
    number = max(0, _month_of(first) - _month_of(anchor)) // size
    while (begins := add_months(anchor, number * size)) <= last:
        if begins.month in listed:
            counted = _rank(begins, listed) - _rank(anchor, listed) if activity.months else number
            yield Period(counted, begins, add_months(begins, size) - _DAY)
        number += 1


def _month_of(day: date) -> int:
    return day.year * 12 + day.month


def _rank(day: date, listed: Sequence[int]) -> int:
    """How many of the listed months lie before this one, counted through the years."""
    return day.year * len(listed) + bisect_left(listed, day.month)
