"""Working days, quiet hours and the two clock changes of a year."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.calendar import WorkCalendar

BANK_HOLIDAYS = {
    2026: ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"],
    2027: ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"],
}
DAYS_OFF = {date.fromisoformat(f"{year}-{day}") for year, days in BANK_HOLIDAYS.items() for day in days}

days = st.dates(date(2026, 2, 1), date(2027, 10, 31))
minutes = st.integers(0, 700 * 24 * 60)
moments = minutes.map(lambda after: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(minutes=after))


def works(day: date) -> bool:
    return day.weekday() < 5 and day not in DAYS_OFF


@pytest.mark.parametrize("year", [2026, 2027])
def test_the_bank_holidays_of_england_are_those_of_the_rulebook(london: WorkCalendar, year: int) -> None:
    every = (date(year, 1, 1) + timedelta(days=number) for number in range(365))
    off = [f"{day:%m-%d}" for day in every if day.weekday() < 5 and not london.is_working_day(day)]
    assert off == BANK_HOLIDAYS[year]


@pytest.mark.parametrize(
    ("day", "name"),
    [(date(2026, 4, 3), "Good Friday"), (date(2026, 4, 6), "Easter Monday"), (date(2026, 4, 7), None)],
)
def test_a_bank_holiday_has_its_name(london: WorkCalendar, day: date, name: str | None) -> None:
    assert london.bank_holiday(day) == name


@pytest.mark.parametrize(
    ("day", "forward", "back"),
    [
        ("2026-01-03", "2026-01-05", "2026-01-02"),  # a Saturday
        ("2026-01-01", "2026-01-02", "2025-12-31"),
        ("2026-04-03", "2026-04-07", "2026-04-02"),  # Easter
        ("2026-04-06", "2026-04-07", "2026-04-02"),
        ("2026-05-03", "2026-05-05", "2026-05-01"),
        ("2026-12-25", "2026-12-29", "2026-12-24"),
        ("2027-12-26", "2027-12-29", "2027-12-24"),
        ("2026-03-02", "2026-03-02", "2026-03-02"),  # an ordinary Monday
    ],
)
def test_days_off_roll_forward_and_back(london: WorkCalendar, day: str, forward: str, back: str) -> None:
    assert london.on_or_after(date.fromisoformat(day)) == date.fromisoformat(forward)
    assert london.on_or_before(date.fromisoformat(day)) == date.fromisoformat(back)


@pytest.mark.parametrize(
    ("start", "working_days", "end"),
    [
        ("2026-04-02", 5, "2026-04-13"),  # the rulebook's five days at Easter: 7, 8, 9, 10, 13 April
        ("2026-03-27", -10, "2026-03-13"),
        ("2026-03-27", -5, "2026-03-20"),
        ("2026-12-24", 1, "2026-12-29"),
        ("2026-12-24", 3, "2026-12-31"),
        ("2026-12-24", 4, "2027-01-04"),
        ("2027-03-25", 1, "2027-03-30"),
        ("2026-08-29", 1, "2026-09-01"),  # from a Saturday, over the August bank holiday
        ("2026-08-29", -1, "2026-08-28"),
        ("2026-08-29", 0, "2026-08-29"),
    ],
)
def test_working_days_are_counted_without_the_start(
    london: WorkCalendar, start: str, working_days: int, end: str
) -> None:
    assert london.shift(date.fromisoformat(start), working_days) == date.fromisoformat(end)


@given(day=days, count=st.integers(1, 30))
def test_a_shift_passes_exactly_so_many_working_days(london: WorkCalendar, day: date, count: int) -> None:
    later = london.shift(day, count)
    passed = [day + timedelta(days=number) for number in range(1, (later - day).days + 1)]
    assert sum(map(works, passed)) == count
    assert works(later)


@given(day=days.filter(works), count=st.integers(-30, 30))
def test_from_a_working_day_a_shift_can_be_taken_back(london: WorkCalendar, day: date, count: int) -> None:
    assert london.shift(london.shift(day, count), -count) == day


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-03-02T07:59", True),
        ("2026-03-02T08:00", False),
        ("2026-03-02T17:59", False),
        ("2026-03-02T18:00", True),
        ("2026-03-07T12:00", True),  # Saturday
        ("2026-04-03T12:00", True),  # Good Friday
        ("2026-03-30T08:00", False),  # the first morning of summer time
        ("2026-10-26T08:00", False),  # and of winter time
        ("2026-10-26T07:30", True),
    ],
)
def test_nudges_rest_outside_working_hours(
    london: WorkCalendar, at: Callable[[str], datetime], moment: str, quiet: bool
) -> None:
    assert london.is_quiet(at(moment)) is quiet


@pytest.mark.parametrize(
    ("moment", "waking"),
    [
        ("2026-03-02T10:00", "2026-03-02T10:00"),
        ("2026-03-02T06:00", "2026-03-02T08:00"),
        ("2026-03-02T18:00", "2026-03-03T08:00"),
        ("2026-03-06T19:00", "2026-03-09T08:00"),
        ("2026-03-07T06:00", "2026-03-09T08:00"),
        ("2026-04-02T20:00", "2026-04-07T08:00"),
        ("2026-03-27T18:30", "2026-03-30T08:00"),
        ("2026-12-24T18:00", "2026-12-29T08:00"),
    ],
)
def test_what_waits_through_quiet_hours_goes_at_eight_on_the_next_working_day(
    london: WorkCalendar, at: Callable[[str], datetime], moment: str, waking: str
) -> None:
    assert london.next_waking(at(moment)) == at(waking)


@given(moment=moments)
def test_nothing_waits_longer_than_the_quiet_hours_last(london: WorkCalendar, moment: datetime) -> None:
    waking = london.next_waking(moment)
    assert waking >= moment
    assert not london.is_quiet(waking)
    assert waking == moment or london.is_quiet(waking - timedelta(minutes=1))
    assert london.next_waking(waking) == waking


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-28T09:00", "2026-03-28T09:00"),
        ("2026-03-29T00:59", "2026-03-29T00:59"),
        ("2026-03-29T02:00", "2026-03-29T01:00"),
        ("2026-03-30T09:00", "2026-03-30T08:00"),
        ("2026-10-24T09:00", "2026-10-24T08:00"),
        ("2026-10-25T01:30", "2026-10-25T00:30"),  # this half hour comes twice; the first is meant
        ("2026-10-25T09:00", "2026-10-25T09:00"),
    ],
)
def test_local_times_are_stored_in_utc(london: WorkCalendar, local: str, utc: str) -> None:
    when = datetime.fromisoformat(local)
    assert london.moment(when.date(), when.time()) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_time_that_the_clock_change_skips_moves_past_the_gap(london: WorkCalendar) -> None:
    skipped = london.moment(date(2026, 3, 29), time(1, 30))
    assert london.local(skipped).strftime("%H:%M") == "02:30"


def test_the_day_of_a_moment_is_the_local_day(london: WorkCalendar) -> None:
    assert london.day_of(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == date(2026, 7, 1)
    assert london.day_of(datetime(2026, 1, 31, 23, 30, tzinfo=UTC)) == date(2026, 1, 31)


@given(day=days, hour=st.integers(2, 23))
def test_a_local_time_comes_back_as_it_was_given(london: WorkCalendar, day: date, hour: int) -> None:
    there = london.local(london.moment(day, time(hour, 5)))
    assert (there.date(), there.time()) == (day, time(hour, 5))
