"""The days that a mention may mean, read by dateparser and checked: a reading that isn't what was typed is dropped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from audits.calendar import WorkCalendar
from handlers.when.mentions import Dated, Day, Holiday, NoSuch, OfMonth, Relative, SameDay, Stretch, Weekday
from handlers.when.spelling import MONTHS, WEEKDAYS

_WEEK = timedelta(days=7)
_RECENT = timedelta(days=180)
_NOON = time(12, 0)


@lru_cache(maxsize=1024)
def _library_reading(words: str, today: date) -> date | None:
    # Loading dateparser takes a good part of a second, so it waits for the first date that somebody types.
    from dateparser import parse

    found = parse(
        words,
        languages=["en"],
        settings={
            "RELATIVE_BASE": datetime.combine(today, _NOON),
            "DATE_ORDER": "DMY",
            "PREFER_DATES_FROM": "future",
            "RETURN_AS_TIMEZONE_AWARE": False,
        },
    )
    return found.date() if found else None


def be_ready() -> None:
    """Load what reading dates takes, so that nobody waits for it who types the first one. It may run in a thread."""
    _library_reading("1 may", date(2026, 3, 2))


def _months_on(day: date, months: int) -> tuple[int, int]:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return year, month + 1


@dataclass(frozen=True)
class DayReader:
    """Reads mentions of days as seen from one local day; `by` is the last day that is of use."""

    today: date
    by: date
    calendar: WorkCalendar

    def readings(self, mention: Day) -> tuple[date, ...]:
        """The days that the mention may mean, earliest first; none if there is no such day."""
        return tuple(sorted(set(self._readings(mention))))

    def falls_on(self, weekday: int, day: int) -> bool:
        """Whether the next day of the month so numbered is that weekday (0 is Monday)."""
        return any(found.weekday() == weekday for found in self._days_numbered(day)[:1])

    def span(self, stretch: Stretch) -> tuple[date, date] | None:
        """First and last day of a stretch of time, or None if it has no such bounds."""
        try:
            if stretch.kind == "week":
                monday = self._monday(stretch)
                return (monday, monday + timedelta(days=4)) if monday else None
            if stretch.kind == "year":
                year = self.today.year + stretch.offset
                return date(year, 1, 1), date(year, 12, 31)
            if stretch.kind == "month":
                months = stretch.offset if stretch.month is None else (stretch.month - self.today.month) % 12
                first = date(*_months_on(self.today, months), 1)
                if stretch.year is not None:
                    first = first.replace(year=stretch.year)
                return first, date(*_months_on(first, 1), 1) - timedelta(days=1)
        except (OverflowError, ValueError):
            return None
        return None

    def _readings(self, mention: Day) -> Iterable[date]:
        try:
            if isinstance(mention, Weekday):
                return self._weekday(mention)
            if isinstance(mention, Dated):
                return self._dated(mention)
            if isinstance(mention, Relative):
                return self._relative(mention)
            if isinstance(mention, Holiday):
                return self._holiday(mention)
            if isinstance(mention, OfMonth):
                return self._of_month(mention)
            return () if isinstance(mention, NoSuch) else self._same_day(mention)
        except (OverflowError, ValueError):
            return ()

    def _ask(self, words: str) -> date | None:
        return _library_reading(words, self.today)

    def _on(self, year: int, month: int, day: int) -> date | None:
        found = self._ask(f"{day} {MONTHS[month - 1]} {year}") if 1 <= day <= 31 and 1 <= month <= 12 else None
        return found if found and (found.year, found.month, found.day) == (year, month, day) else None

    def _coming(self, weekday: int) -> date:
        """The next such weekday after today."""
        found = self._ask(WEEKDAYS[weekday])
        if found and found.weekday() == weekday and timedelta(0) < found - self.today <= _WEEK:
            return found
        raise ValueError(f"no {WEEKDAYS[weekday]} found after {self.today}")

    def _monday(self, stretch: Stretch) -> date | None:
        if stretch.of is None:
            return self.today - timedelta(days=self.today.weekday()) + stretch.offset * _WEEK
        days = self.readings(stretch.of)
        return days[0] - timedelta(days=days[0].weekday()) if days else None

    def _weekday(self, mention: Weekday) -> Iterable[date]:
        if mention.week:
            monday = self._monday(mention.week)
            return (monday + timedelta(days=mention.index),) if monday else ()
        coming = self._coming(mention.index)
        is_today = self.today.weekday() == mention.index
        if mention.which == "this":
            days = [self.today if is_today else coming]
        elif mention.which == "coming":
            days = [coming]
        elif mention.which == "last":
            days = [coming - 2 * _WEEK if is_today else coming - _WEEK]
        elif mention.which == "next":
            days = [coming] if is_today else [coming, coming + _WEEK]
        elif mention.which == "after_next":
            days = [coming + _WEEK] if is_today else [coming + _WEEK, coming + 2 * _WEEK]
        else:
            days = [self.today, coming] if is_today else [coming]
        days = [day + mention.weeks * _WEEK for day in days]
        if mention.loose:
            # "In two weeks on Tuesday" may count from today's week or from the coming Tuesday.
            there = self.today + mention.weeks * _WEEK
            days.append(there + timedelta(days=mention.index - there.weekday()))
        return days

    def _days_numbered(self, day: int) -> list[date]:
        """The days of the month so numbered, from today on."""
        months = (_months_on(self.today, ahead) for ahead in range(4))
        found = (self._on(year, month, day) for year, month in months)
        return [there for there in found if there and there >= self.today]

    def _dated(self, mention: Dated) -> Iterable[date]:
        if mention.month is None:
            if mention.months is not None:
                there = self._on(*_months_on(self.today, mention.months), mention.day)
                return (there,) if there else ()
            numbered = self._days_numbered(mention.day)
            return numbered[: 2 if self.today in numbered else 1]
        if mention.year is not None:
            there = self._on(mention.year, mention.month, mention.day)
            return (there,) if there else ()
        before, after = self._either_side(mention.month, mention.day)
        if before and after and after > self.by and self.today - before < after - self.today:
            return (before,)
        return (after,) if after else ()

    def _either_side(self, month: int, day: int) -> tuple[date | None, date | None]:
        """The last such date before today and the next from today on."""
        years = range(self.today.year - 1, self.today.year + 2)
        found = [there for year in years if (there := self._on(year, month, day))]
        before = [there for there in found if there < self.today]
        after = [there for there in found if there >= self.today]
        return (before[-1] if before else None), (after[0] if after else None)

    def _relative(self, mention: Relative) -> Iterable[date]:
        if mention.working_days is not None:
            return (self.calendar.shift(self.today, mention.working_days),)
        found = self._ask(mention.words)
        if found is None:
            return ()
        forward = mention.words.startswith(("in ", "tomorrow"))
        if (found > self.today) != forward or (mention.words == "today") != (found == self.today):
            return ()
        return (found + mention.weeks * _WEEK,)

    def _holiday(self, mention: Holiday) -> Iterable[date]:
        for ahead in range(400):
            day = self.today + timedelta(days=ahead)
            name = self.calendar.bank_holiday(day)
            if name and mention.name in name.lower():
                return (day,)
        return ()

    def _of_month(self, mention: OfMonth) -> Iterable[date]:
        months = mention.months if mention.month is None else ((mention.month or 0) - self.today.month) % 12
        first = date(*_months_on(self.today, months or 0), 1)
        end = date(*_months_on(first, 1), 1)
        days = [first + timedelta(days=ahead) for ahead in range((end - first).days)]
        such = [day for day in days if day.weekday() == mention.index]
        return (such[mention.nth if mention.nth < 0 else mention.nth - 1],)

    def _same_day(self, mention: SameDay) -> Iterable[date]:
        weekdays = [way for way in mention.ways if isinstance(way, Weekday)]
        others = [way for way in mention.ways if not isinstance(way, Weekday)]
        found = self._agreeing(others)
        if not found or not weekdays:
            return found
        weekday = weekdays[0].index
        matching = [day for day in found if day.weekday() == weekday] or self._elsewhere(others, weekday)
        if matching:
            return matching[:1]
        return self._contradicted(found[0], weekday)

    def _contradicted(self, day: date, weekday: int) -> Iterable[date]:
        """The day as dated and the nearest such weekday; both weekdays around it where the dated day is a day off."""
        if not self.today <= day <= self.by:
            return (day,)
        after = day + timedelta(days=(weekday - day.weekday()) % 7)
        if not self.calendar.is_working_day(day):
            return (day, after - _WEEK, after)
        return (day, min(after - _WEEK, after, key=lambda one: abs(one - day)))

    def _agreeing(self, ways: Sequence[Day]) -> list[date]:
        readings = [self.readings(way) for way in ways]
        if not all(readings):
            return []
        shared = set(readings[0]).intersection(*readings[1:])
        return sorted(shared or {day for days in readings for day in days})

    def _elsewhere(self, ways: Sequence[Day], weekday: int) -> list[date]:
        """The same date in the year or month before or after, where it does fall on that weekday."""
        if len(ways) > 1 or not isinstance(ways[0], Dated) or ways[0].year is not None or ways[0].months is not None:
            return []
        dated = ways[0]
        if dated.month is not None:
            before, after = self._either_side(dated.month, dated.day)
            days = [after, before if before and self.today - before <= _RECENT else None]
        else:
            last = self._on(*_months_on(self.today, -1), dated.day)
            this = self._on(*_months_on(self.today, 0), dated.day)
            earlier = [day for day in (this, last) if day and self.today - timedelta(days=31) <= day < self.today]
            days = [*self._days_numbered(dated.day)[:1], *earlier, *self._days_numbered(dated.day)[1:2]]
        return [day for day in days if day and day.weekday() == weekday]
