"""The small date language of the frameworks, and the two moments that every deadline has.

A due date is written in words: `by day 28 of the cycle`, `by day 6 of the month after the cycle`,
`by the last working day of the cycle`, `within 3 days`, `within 5 working days`, `within 48 hours`,
`by 12:00 the next day`, `not before 1 month`, `on day 3 of the cycle at 09:00`,
`on the third Thursday of the month after the cycle at 15:00`, `by the last Friday of the second month after the cycle`,
`on the working day after day 6 of the month after the cycle`, `by day 28 of the list`, `at the session`.
Nudges and ladders are written as offsets: `-10wd`, `+2wd`, `+15min`.
The nominal moment is what the words say; the effective one is rolled by RULEBOOK, section 0, P1 and P2.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from audits.calendar import END_OF_DAY, WorkCalendar

MORNING = time(9, 0)
LAST = -1
_ORDINALS = {"last": LAST, "first": 1, "second": 2, "third": 3, "fourth": 4}
_WEEKDAYS = {
    name: index
    for index, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}
_MONTHS_ON = {"": 0, "month": 1, "second month": 2, "third month": 3}
_UNITS = {"min": "minute", "h": "hour", "d": "day", "wd": "working day", "w": "week", "m": "month"}


class DateRuleError(ValueError):
    """A due date or offset that the date language doesn't know; the message says what may stand there."""


class Way(StrEnum):
    """Which way a date gives when its day isn't a working day."""

    BY = "by"
    NOT_BEFORE = "not before"
    ON = "on"


@dataclass(frozen=True)
class Moment:
    """A deadline: exactly what the words say, and the last (or first) working moment that honours them. UTC."""

    nominal: datetime
    effective: datetime


@dataclass(frozen=True, order=True)
class Cycle:
    """A month of audits, named by its first day."""

    first: date

    @classmethod
    def of(cls, day: date) -> "Cycle":
        return cls(day.replace(day=1))

    @classmethod
    def parse(cls, text: str) -> "Cycle":
        """Read `2026-03`. Raises DateRuleError for anything else."""
        if not re.fullmatch(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])", text.strip()):
            raise DateRuleError(f"{text!r} is not a cycle. Write the year and the month, as in 2026-03.")
        return cls(date.fromisoformat(f"{text.strip()}-01"))

    def plus(self, months: int) -> "Cycle":
        return Cycle(add_months(self.first, months))

    def __str__(self) -> str:
        return self.first.strftime("%Y-%m")

    @property
    def words(self) -> str:
        return self.first.strftime("%B %Y")


def day_words(day: date) -> str:
    """`Thu 2 Apr 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def add_months(day: date, months: int) -> date:
    """The same day number so many months on, clipped to the month's end (P4)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


@dataclass(frozen=True)
class Span:
    """A length of time in one unit of the language."""

    amount: int
    unit: str

    @property
    def by_the_hour(self) -> bool:
        return self.unit in ("minute", "hour")

    def after(self, moment: datetime) -> datetime:
        """The moment an hour-based span later: elapsed time, whatever the clocks do."""
        return moment + timedelta(**{f"{self.unit}s": self.amount})

    def from_day(self, day: date, calendar: WorkCalendar) -> date:
        match self.unit:
            case "day":
                return day + timedelta(days=self.amount)
            case "week":
                return day + timedelta(weeks=self.amount)
            case "month":
                return add_months(day, self.amount)
            case "working day":
                return calendar.shift(day, self.amount)
            case _:
                raise DateRuleError(f"{self.amount} {self.unit}s is not a number of days.")


@dataclass(frozen=True)
class MonthDay:
    """A day of a month, counted from the cycle: a number, the last (working) day, or the n-th weekday."""

    months_on: int
    number: int | None = None
    last: str | None = None
    first_working: bool = False
    nth: tuple[int, int] | None = None

    def resolve(self, cycle: Cycle, calendar: WorkCalendar) -> date:
        first = cycle.plus(self.months_on).first
        final = first.replace(day=monthrange(first.year, first.month)[1])
        if self.number is not None:
            return first.replace(day=min(self.number, final.day))
        if self.nth is not None:
            week, weekday = self.nth
            if week == LAST:
                return final - timedelta(days=(final.weekday() - weekday) % 7)
            return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (week - 1))
        if self.first_working:
            return calendar.on_or_after(first)
        return calendar.on_or_before(final) if self.last == "working day" else final


@dataclass(frozen=True)
class DateRule:
    """One due date of a framework, read from its words."""

    words: str
    way: Way
    span: Span | None = None
    month_day: MonthDay | None = None
    of_list: bool = False
    at_session: bool = False
    working_day_after: bool = False
    clock: time | None = None

    def resolve(
        self,
        anchor: datetime,
        cycle: Cycle,
        calendar: WorkCalendar,
        *,
        list_cycle: Cycle | None = None,
        session: datetime | None = None,
    ) -> Moment:
        """The two moments, counted from `anchor` or placed in the cycle.

        Raises DateRuleError where the rule speaks of a list or a session that isn't there.
        """
        if self.at_session:
            if session is None:
                raise DateRuleError(f"{self.words!r} needs a booked session.")
            return Moment(session, session)
        if self.span is not None and self.span.by_the_hour:
            moment = self.span.after(anchor)
            return Moment(moment, moment)
        started = calendar.day_of(anchor)
        if self.span is not None:
            day = self.span.from_day(started, calendar)
        elif self.month_day is not None:
            if self.of_list and list_cycle is None:
                raise DateRuleError(f"{self.words!r} needs an allocation list.")
            day = self.month_day.resolve(list_cycle if self.of_list and list_cycle else cycle, calendar)
        else:
            day = started + timedelta(days=1)
        return self._moments(day, started, calendar)

    def _moments(self, day: date, started: date, calendar: WorkCalendar) -> Moment:
        if self.working_day_after:
            day = calendar.shift(day, 1)
        if self.way is Way.BY:
            clock = self.clock or END_OF_DAY
            rolled = calendar.on_or_before(day)
            # With no working day left between the start and the words, the words stand alone.
            effective = calendar.moment(rolled if rolled >= started else day, clock)
        else:
            clock = self.clock or (time(0, 0) if self.way is Way.NOT_BEFORE else MORNING)
            effective = calendar.moment(calendar.on_or_after(day), clock)
        return Moment(calendar.moment(day, clock), effective)


_SPAN = re.compile(r"([0-9]{1,4}) (working day|minute|hour|day|week|month)s?")
_MONTH_DAY = re.compile(
    r"(?:day (?P<number>\d{1,2})|the last (?P<last>working day|day)|the first working day"
    r"|the (?P<nth>first|second|third|fourth|last) (?P<weekday>[a-z]+day))"
    r" of (?P<month>the cycle|the (?P<later>(?:second |third )?month) after the cycle|the list)"
)
_CLOCK = re.compile(r" at ([01]\d|2[0-3]):([0-5]\d)$")


def parse_rule(words: str) -> DateRule:
    """Read a due date. Raises DateRuleError saying what may stand there."""
    text = " ".join(words.lower().split())
    if text == "at the session":
        return DateRule(words, Way.BY, at_session=True)
    clock: time | None = None
    if found := re.fullmatch(r"by ([01]\d|2[0-3]):([0-5]\d) the next day", text):
        return DateRule(words, Way.BY, clock=time(int(found[1]), int(found[2])))
    if found := _CLOCK.search(text):
        clock = time(int(found[1]), int(found[2]))
        text = text[: found.start()]
    if found := re.fullmatch(rf"(within|not before) {_SPAN.pattern}", text):
        way = Way.BY if found[1] == "within" else Way.NOT_BEFORE
        if clock is not None and found[3] in ("minute", "hour"):
            raise DateRuleError(f"{words!r}: a time of day has no place beside minutes or hours. Leave it out.")
        return DateRule(words, way, span=Span(int(found[2]), found[3]), clock=clock)
    after = text.startswith("on the working day after ")
    text = text.replace("on the working day after ", "on ", 1)
    found = re.fullmatch(rf"(?P<way>by|on) {_MONTH_DAY.pattern}", text)
    if not found or (found["number"] and not 1 <= int(found["number"]) <= 31):
        raise DateRuleError(
            f"{words!r} is not a date that frameworks can use. Write it like 'by day 28 of the cycle', "
            "'within 5 working days', 'not before 1 month' or 'on the third Thursday of the month after the cycle at "
            "15:00'."
        )
    if found["weekday"] and found["weekday"] not in _WEEKDAYS:
        raise DateRuleError(f"{found['weekday']!r} in {words!r} is not a day of the week.")
    day = MonthDay(
        months_on=_MONTHS_ON[found["later"] or ""],
        number=int(found["number"]) if found["number"] else None,
        last=found["last"],
        first_working="the first working day" in text,
        nth=(_ORDINALS[found["nth"]], _WEEKDAYS[found["weekday"]]) if found["nth"] else None,
    )
    way = Way.BY if found["way"] == "by" else Way.ON
    return DateRule(
        words, way, month_day=day, of_list=found["month"] == "the list", working_day_after=after, clock=clock
    )


def parse_offset(text: str) -> Span:
    """Read `-10wd`, `+2wd`, `0wd`, `+15min`. Raises DateRuleError for anything else."""
    found = re.fullmatch(r"([+-]?)(\d{1,4})(min|wd|h|d|w|m)", text.strip().lower())
    if not found:
        raise DateRuleError(
            f"{text!r} is not an offset. Write a number and a unit, as in -10wd, +2wd or +15min "
            "(units: min, h, d, wd for working days, w, m for months)."
        )
    return Span(int(found[2]) * (-1 if found[1] == "-" else 1), _UNITS[found[3]])


def overdue_from(nominal: datetime, calendar: WorkCalendar) -> datetime:
    """09:00 on the first working day strictly after the nominal day (P3)."""
    return calendar.moment(calendar.shift(calendar.day_of(nominal), 1), MORNING)


def step_moment(anchor: datetime, offset: Span, calendar: WorkCalendar) -> datetime:
    """When a step is taken: minutes and hours count from the anchor, days from its day, at 09:00."""
    if offset.by_the_hour:
        return offset.after(anchor)
    return calendar.moment(offset.from_day(calendar.day_of(anchor), calendar), MORNING)
