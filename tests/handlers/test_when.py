"""What people type when they are asked for a session's time, and what the bot makes of it."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audits.calendar import WorkCalendar
from handlers.when import Reading, read_when, spoken
from handlers.when.reading import Refusal
from handlers.when.spelling import corrected, month_named

CALENDAR = WorkCalendar()
PHRASES = [
    json.loads(line) for line in Path(__file__).with_name("when-phrases.jsonl").read_text(encoding="utf-8").splitlines()
]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CALENDAR.zone).astimezone(UTC)


def read(text: str, now: str = "2026-11-23T09:00", by: str = "2026-12-31T17:00") -> Reading:
    return read_when(text, local(now), local(by), CALENDAR)


def written(text: str, now: str = "2026-11-23T09:00", by: str = "2026-12-31T17:00") -> Any:
    return read(text, now, by).to_json(CALENDAR)["candidates"]


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: f"{phrase['text']} ({phrase['now'][:10]})")
def test_a_phrase_is_read_as_expected(phrase: dict[str, Any]) -> None:
    reading = read(phrase["text"], phrase["now"], phrase["by"])

    expected = {key: phrase[key] for key in ("candidates", "needs", "refused")}
    assert reading.to_json(CALENDAR) == expected


FRAGMENTS = (
    *("tues", "Monday", "next friday", "this thursday", "friday week", "a fortnight today", "tomorrow", "yesterday"),
    *("2pm", "at 2", "half two", "10-11am", "1400", "9pm", "25:00", "7.12", "10-12", "noon", "first thing", "7"),
    *("the 7th", "3rd December", "31 november", "29 feb", "1/12", "2026-12-02", "5 January", "w/c 7 dec", "99/99"),
    *("or", "and", "not", "can't do", "but", ",", ".", "?", "after", "before", "from", "instead of", "doesn't work"),
    *("next week", "in 3 weeks", "in 2 hours", "morning", "pm", "evening", "end of the month", "bank holiday", "😀"),
    *("in 99 months", "last friday of december", "the 31st", "0", "99", "first", "may", "good friday", "weekend"),
)
MOMENTS = (
    *("2026-11-23T09:00", "2026-04-01T10:00", "2026-10-23T16:30", "2026-12-29T09:00", "2026-03-28T23:30"),
    *("2026-10-25T00:30", "2028-02-29T12:00", "2026-05-22T17:59", "2026-12-31T18:30"),
)
messages = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=9).map(" ".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=9).map("".join),
    st.text(max_size=80),
)


@settings(deadline=None, max_examples=400)
@given(messages, st.sampled_from(MOMENTS), st.integers(min_value=-5, max_value=400))
@example("", "2026-11-23T09:00", 30)
@example("\x00\x1b[2J tues\u202e 2pm", "2026-11-23T09:00", 30)
def test_no_candidate_breaks_a_rule_whatever_is_typed(text: str, at: str, days: int) -> None:
    now = local(at)
    by = now + timedelta(days=days)

    reading = read_when(text, now, by, CALENDAR)

    for candidate in reading.candidates:
        if isinstance(candidate, datetime):
            assert now < candidate <= by
            assert candidate.utcoffset() == timedelta(0)
            there = CALENDAR.local(candidate)
            assert CALENDAR.opens <= there.time() < CALENDAR.closes
            day = there.date()
        else:
            day = candidate
            assert CALENDAR.day_of(now) <= day <= CALENDAR.day_of(by)
        assert CALENDAR.is_working_day(day)
    assert len(set(reading.candidates)) == len(reading.candidates)
    days_alone = any(not isinstance(candidate, datetime) for candidate in reading.candidates)
    assert (reading.needs == "time") == days_alone
    assert (reading.refused is not None) == (not reading.candidates and reading.needs is None)
    assert spoken(reading, by, CALENDAR)


@settings(deadline=None)
@given(st.dates(date(2026, 1, 5), date(2028, 12, 20)), st.times(time(8), time(17, 59)))
def test_an_exact_date_and_time_come_out_as_typed(day: date, clock: time) -> None:
    if not CALENDAR.is_working_day(day):
        return
    typed = f"{day:%d/%m/%Y} {clock:%H:%M}"

    candidates = written(typed, "2026-01-02T09:00", "2028-12-31T17:00")

    assert candidates == [f"{day.isoformat()}T{clock:%H:%M}"]


@pytest.mark.parametrize(
    ("typed", "now", "utc"),
    [
        ("Friday 23 October at 2pm", "2026-10-22T09:00", datetime(2026, 10, 23, 13, tzinfo=UTC)),
        ("Monday 26 October at 2pm", "2026-10-22T09:00", datetime(2026, 10, 26, 14, tzinfo=UTC)),
        ("Friday 27 March at 2pm", "2026-03-26T09:00", datetime(2026, 3, 27, 14, tzinfo=UTC)),
        ("Monday 30 March at 2pm", "2026-03-26T09:00", datetime(2026, 3, 30, 13, tzinfo=UTC)),
    ],
)
def test_a_time_is_kept_as_typed_on_either_side_of_a_clock_change(typed: str, now: str, utc: datetime) -> None:
    assert read(typed, now).candidates == (utc,)


def test_a_night_shift_calendar_reads_a_time_on_the_day_the_clocks_change() -> None:
    sleepless = WorkCalendar(opens=time(0), closes=time(23, 59))
    now = local("2026-10-23T09:00")

    reading = read_when("Monday 26 October 00:30", now, local("2026-11-30T09:00"), sleepless)

    assert reading.to_json(sleepless)["candidates"] == ["2026-10-26T00:30"]


def test_a_message_too_long_to_be_an_answer_is_not_read() -> None:
    assert read("Tuesday 2pm " + "please " * 60).refused == "not_understood"


def test_a_weekday_and_date_that_contradict_each_other_are_both_offered() -> None:
    assert written("Thursday 4 December 2pm") == ["2026-12-03T14:00", "2026-12-04T14:00"]


def test_a_contradiction_about_a_day_off_leaves_the_weekdays_around_it() -> None:
    assert written("Monday 12 December 2pm") == ["2026-12-07T14:00", "2026-12-14T14:00"]


def test_a_slip_that_fits_two_weekdays_gives_both() -> None:
    assert written("tursday 2pm") == ["2026-11-24T14:00", "2026-11-26T14:00"]


def test_a_part_of_today_that_is_over_has_passed() -> None:
    assert read("this morning", now="2026-11-23T13:00").refused == "past"
    assert written("monday morning", now="2026-11-23T13:00") == ["2026-11-30"]


def test_a_reading_before_the_due_moment_stays_when_the_other_is_too_late() -> None:
    assert written("next Tuesday 2pm", by="2026-11-27T12:00") == ["2026-11-24T14:00"]


def test_everything_is_too_late_once_the_due_moment_has_passed() -> None:
    assert read("Tuesday 2pm", by="2026-11-20T17:00").refused == "after_due"


def test_another_councils_hours_are_kept() -> None:
    early = WorkCalendar(opens=time(7, 0), closes=time(16, 0))
    now, by = local("2026-11-23T06:00"), local("2026-12-31T15:00")

    assert read_when("Tuesday 7am", now, by, early).to_json(early)["candidates"] == ["2026-11-24T07:00"]
    assert read_when("Tuesday 4pm", now, by, early).refused == "outside_hours"


def test_telling_one_from_two_readings_the_bot_repeats_or_asks() -> None:
    by = local("2026-12-31T17:00")

    assert spoken(read("Tues 2pm"), by, CALENDAR) == "Tue 24 Nov 2026 at 14:00."
    assert (
        spoken(read("next Tuesday at 2"), by, CALENDAR)
        == "Do you mean Tue 24 Nov 2026 at 14:00 or Tue 1 Dec 2026 at 14:00?"
    )
    assert spoken(read("Tues, Weds or Thurs at 9"), by, CALENDAR) == (
        "Do you mean Tue 24 Nov 2026 at 09:00, Wed 25 Nov 2026 at 09:00 or Thu 26 Nov 2026 at 09:00?"
    )


def test_a_missing_time_or_day_is_asked_for() -> None:
    by = local("2026-12-31T17:00")

    assert spoken(read("tuesday"), by, CALENDAR).startswith("What time on Tue 24 Nov 2026?")
    assert spoken(read("next Tuesday"), by, CALENDAR).startswith("Do you mean Tue 24 Nov 2026 or Tue 1 Dec 2026?")
    assert spoken(read("2pm"), by, CALENDAR).startswith("Which day")


@pytest.mark.parametrize("refused", get_args(Refusal))
def test_every_refusal_says_what_to_do_instead(refused: Refusal) -> None:
    answer = spoken(Reading(refused=refused), local("2026-12-31T17:00"), CALENDAR)

    assert "lease" in answer
    assert "_" not in answer


def test_a_saturday_is_refused_in_words() -> None:
    by = local("2026-12-31T17:00")

    assert spoken(read("Saturday 10am"), by, CALENDAR) == (
        "That falls on a weekend. Please choose a day from Monday to Friday, up to Thu 31 Dec 2026 at 17:00."
    )


def test_misspelt_days_are_recognised_and_other_words_left_alone() -> None:
    assert [corrected(word) for word in ("wendesday", "thrusday", "firday", "tommorow")] == [
        *("wednesday", "thursday", "friday", "tomorrow"),
    ]
    for word in ("money", "today", "holiday", "thirsty", "sunny", "frida", "mandy", "friend", "wedding", "birthday"):
        assert corrected(word) == word
    assert month_named("decemeber") == 12
    assert month_named("remember") is None


def test_the_date_library_is_loaded_only_when_a_date_is_read() -> None:
    code = "import sys, handlers.when; raise SystemExit('dateparser' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
