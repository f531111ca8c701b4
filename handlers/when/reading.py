"""The reading of a date typed in chat, with every check that a session's time must pass."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from audits.calendar import WorkCalendar
from handlers.when.days import DayReader
from handlers.when.grammar import scan
from handlers.when.mentions import Clock, NoSuch, Part, Soon, Stretch, clock_minutes
from handlers.when.offers import Offer, Time, heard
from handlers.when.phrases import plain

Needs = Literal["time", "day"]
Refusal = Literal["past", "weekend", "bank_holiday", "outside_hours", "after_due", "not_understood"]

# Where several readings fail for different reasons, the first of these is the one that helps most to hear.
_MOST_TELLING: tuple[Refusal, ...] = (
    "weekend",
    "bank_holiday",
    "outside_hours",
    "after_due",
    "past",
    "not_understood",
)
_NOON = time(12, 0)


@dataclass(frozen=True)
class Reading:
    """What somebody meant: the moments (aware, UTC) or whole days they may mean, what is missing, or why it won't do.

    `needs` is "time" where a candidate is a day alone and "day" where no day was told; with `refused` there is
    neither a candidate nor a need.
    """

    candidates: tuple[datetime | date, ...] = ()
    needs: Needs | None = None
    refused: Refusal | None = None

    def to_json(self, calendar: WorkCalendar) -> dict[str, list[str] | str | None]:
        """The reading in local times without offset; a day alone is a plain date."""
        written = [
            f"{calendar.local(one):%Y-%m-%dT%H:%M}" if isinstance(one, datetime) else one.isoformat()
            for one in self.candidates
        ]
        return {"candidates": list(written), "needs": self.needs, "refused": self.refused}


@dataclass(frozen=True)
class _Checks:
    now: datetime
    by: datetime
    calendar: WorkCalendar

    def moment(self, moment: datetime) -> Refusal | None:
        local = self.calendar.local(moment)
        if moment <= self.now:
            return "past"
        return self._day_off(local.date()) or self.clock(local.time()) or ("after_due" if moment > self.by else None)

    def whole_day(self, day: date, part: Part | None) -> Refusal | None:
        over = _NOON if part and part.name == "morning" else self.calendar.closes
        if self.calendar.moment(day, over) <= self.now:
            return "past"
        if self._day_off(day):
            return self._day_off(day)
        if part and part.name == "night":
            return "outside_hours"
        return "after_due" if self.calendar.moment(day, self.calendar.opens) > self.by else None

    def clock(self, local: time) -> Refusal | None:
        return None if self.calendar.opens <= local < self.calendar.closes else "outside_hours"

    def _day_off(self, day: date) -> Refusal | None:
        if day.weekday() >= 5:
            return "weekend"
        return "bank_holiday" if self.calendar.bank_holiday(day) else None


def _time_of_day(clock: Clock, part: Part | None) -> time:
    """The local time: a part of the day decides what a bare hour means ("8 in the evening")."""
    if clock.half is None and part is not None and clock.hour <= 12:
        hour = clock.hour if part.name == "morning" else clock.hour % 12 + 12
        return time(hour, clock.minute)
    return time(*divmod(clock_minutes(clock), 60))


def read_when(text: str, now: datetime, by: datetime, calendar: WorkCalendar) -> Reading:
    """What somebody who was asked for a session's time means by `text`; never raises, whatever was typed.

    `now` and `by` (the last moment that will do) are aware. Every candidate lies after `now` and not after `by`, on a
    working day and within working hours; readings that don't are dropped, and the refusal is theirs if none is left.
    """
    words = plain(text)
    if not words:
        return Reading(refused="not_understood")
    checks = _Checks(now, by, calendar)
    days = DayReader(calendar.day_of(now), calendar.day_of(by), calendar)
    found = heard(scan(words), days.falls_on)
    if found.offers:
        return _read_offers(found.offers, days, checks)
    if found.stretches:
        return _read_stretches(found.stretches, days)
    return _read_times(found.times, checks)


def _read_offers(offers: tuple[Offer, ...], days: DayReader, checks: _Checks) -> Reading:
    passed: set[datetime | date] = set()
    failed: set[Refusal] = set()
    for offer in offers:
        for candidate in _candidates(offer, days, checks):
            if isinstance(candidate, str):
                failed.add(candidate)
                continue
            if isinstance(candidate, datetime):
                refusal = checks.moment(candidate)
            else:
                refusal = checks.whole_day(candidate, offer.part)
            if refusal:
                failed.add(refusal)
            else:
                passed.add(candidate)
    if not passed:
        return Reading(refused=next(reason for reason in _MOST_TELLING if reason in failed))
    ordered = sorted(passed, key=lambda one: _order(one, checks.calendar))
    return Reading(tuple(ordered), needs=None if all(isinstance(one, datetime) for one in ordered) else "time")


def _order(candidate: datetime | date, calendar: WorkCalendar) -> datetime:
    return candidate if isinstance(candidate, datetime) else calendar.moment(candidate, time(0, 0))


def _candidates(offer: Offer, days: DayReader, checks: _Checks) -> list[datetime | date | Refusal]:
    if isinstance(offer.day, Soon):
        soon = checks.now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=offer.day.minutes)
        return [soon]
    found = days.readings(offer.day)
    if not found or isinstance(offer.clock, NoSuch):
        return ["not_understood"]
    if offer.clock is None:
        return list(found)
    local = _time_of_day(offer.clock, offer.part)
    return [checks.calendar.moment(day, local) for day in found]


def _read_stretches(stretches: tuple[Stretch, ...], days: DayReader) -> Reading:
    refusals: list[Refusal | None] = []
    for stretch in stretches:
        span = days.span(stretch)
        if stretch.kind == "weekend":
            refusals.append("weekend")
        elif span and span[1] < days.today:
            refusals.append("past")
        elif span and span[0] > days.by:
            refusals.append("after_due")
        else:
            refusals.append(None)
    if None in refusals:
        return Reading(needs="day")
    return Reading(refused=next(reason for reason in _MOST_TELLING if reason in refusals))


def _read_times(times: tuple[Time, ...], checks: _Checks) -> Reading:
    parts = [time for time in times if isinstance(time, Part) and time.name != "any"]
    clocks = [time for time in times if isinstance(time, Clock)]
    part = parts[0] if len(parts) == 1 and parts[0].name != "vague" else None
    if clocks and all(checks.clock(_time_of_day(clock, part)) for clock in clocks):
        return Reading(refused="outside_hours")
    return Reading(needs="day") if clocks or parts else Reading(refused="not_understood")
