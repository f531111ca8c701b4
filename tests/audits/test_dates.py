"""The date language: what may be written, which day it means, and how its two moments differ."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.calendar import WorkCalendar
from audits.dates import (
    Cycle,
    DateRuleError,
    Moment,
    Span,
    add_months,
    overdue_from,
    parse_offset,
    parse_rule,
    step_moment,
)

Clock = Callable[[datetime | None], str]
At = Callable[[str], datetime]

minutes = st.integers(0, 660 * 24 * 60)
anchors = minutes.map(lambda after: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(minutes=after))
months = st.sampled_from(("the cycle", "the month after the cycle", "the third month after the cycle"))
clocks = st.sampled_from(("", " at 09:00", " at 12:00", " at 23:30"))
month_days = st.one_of(
    st.integers(1, 31).map("day {}".format),
    st.sampled_from(("the last day", "the last working day", "the first working day")),
    st.builds(
        "the {} {}".format,
        st.sampled_from(("first", "second", "third", "fourth", "last")),
        st.sampled_from(("Monday", "Thursday", "Friday", "Saturday", "Sunday")),
    ),
)
in_the_month = st.builds("{} of {}{}".format, month_days, months, clocks)
lengths = st.builds("{} {}s".format, st.integers(1, 40), st.sampled_from(("day", "working day", "week", "month")))
deadlines = st.one_of(
    in_the_month.map("by {}".format),
    st.builds("within {}{}".format, lengths, clocks),
    st.just("by 12:00 the next day"),
)
starts = st.one_of(
    in_the_month.map("on {}".format),
    in_the_month.map("on the working day after {}".format),
    lengths.map("not before {}".format),
)


def resolved(words: str, anchor: datetime, calendar: WorkCalendar) -> Moment:
    return parse_rule(words).resolve(anchor, Cycle.of(calendar.day_of(anchor)), calendar)


def days_between(first: date, last: date) -> list[date]:
    """The days after `first` up to and with `last`."""
    return [first + timedelta(days=number) for number in range(1, (last - first).days + 1)]


@pytest.mark.parametrize(
    ("words", "anchor", "nominal", "effective"),
    [
        # The last of a weekday (25 May 2026 is a bank holiday), and months further on.
        ("by the last Friday of the cycle", "2026-03-02T09:00", "Fri 2026-03-27 23:59", "Fri 2026-03-27 23:59"),
        ("by the last Monday of the cycle", "2026-05-01T09:00", "Mon 2026-05-25 23:59", "Fri 2026-05-22 23:59"),
        (
            "by the last day of the second month after the cycle",
            "2026-01-05T09:00",
            "Tue 2026-03-31 23:59",
            "Tue 2026-03-31 23:59",
        ),
        (
            "on day 1 of the third month after the cycle",
            "2026-01-05T09:00",
            "Wed 2026-04-01 09:00",
            "Wed 2026-04-01 09:00",
        ),
        # Southampton
        ("on day 3 of the cycle", "2026-01-01T00:00", "Sat 2026-01-03 09:00", "Mon 2026-01-05 09:00"),
        ("on day 3 of the cycle", "2026-04-01T00:00", "Fri 2026-04-03 09:00", "Tue 2026-04-07 09:00"),
        ("on day 3 of the cycle", "2026-05-01T00:00", "Sun 2026-05-03 09:00", "Tue 2026-05-05 09:00"),
        ("by day 28 of the cycle", "2026-03-03T09:00", "Sat 2026-03-28 23:59", "Fri 2026-03-27 23:59"),
        ("on day 28 of the cycle", "2026-03-03T09:00", "Sat 2026-03-28 09:00", "Mon 2026-03-30 09:00"),
        (
            "by day 6 of the month after the cycle",
            "2026-03-20T09:00",
            "Mon 2026-04-06 23:59",
            "Thu 2026-04-02 23:59",
        ),
        (
            "on the working day after day 6 of the month after the cycle",
            "2026-01-05T09:00",
            "Mon 2026-02-09 09:00",
            "Mon 2026-02-09 09:00",
        ),
        (
            "on the working day after day 6 of the month after the cycle",
            "2026-03-05T09:00",
            "Tue 2026-04-07 09:00",
            "Tue 2026-04-07 09:00",
        ),
        ("within 3 days", "2026-01-30T10:00", "Mon 2026-02-02 23:59", "Mon 2026-02-02 23:59"),
        ("within 3 days", "2026-01-28T10:00", "Sat 2026-01-31 23:59", "Fri 2026-01-30 23:59"),
        ("within 7 days", "2026-01-30T10:00", "Fri 2026-02-06 23:59", "Fri 2026-02-06 23:59"),
        ("not before 1 month", "2026-01-30T10:00", "Sat 2026-02-28 00:00", "Mon 2026-03-02 00:00"),
        # Bedford
        ("on the first working day of the cycle", "2026-01-01T00:00", "Fri 2026-01-02 09:00", "Fri 2026-01-02 09:00"),
        ("by the last working day of the cycle", "2026-05-01T00:00", "Fri 2026-05-29 23:59", "Fri 2026-05-29 23:59"),
        ("by the last working day of the cycle", "2026-08-03T00:00", "Fri 2026-08-28 23:59", "Fri 2026-08-28 23:59"),
        ("by the last day of the cycle", "2026-05-01T00:00", "Sun 2026-05-31 23:59", "Fri 2026-05-29 23:59"),
        ("within 48 hours", "2026-03-06T16:00", "Sun 2026-03-08 16:00", "Sun 2026-03-08 16:00"),
        # West Sussex
        ("within 5 working days", "2026-04-02T11:00", "Mon 2026-04-13 23:59", "Mon 2026-04-13 23:59"),
        ("within 4 weeks", "2026-03-06T11:00", "Fri 2026-04-03 23:59", "Thu 2026-04-02 23:59"),
        ("within 4 weeks", "2026-04-27T11:00", "Mon 2026-05-25 23:59", "Fri 2026-05-22 23:59"),
        # Dudley
        ("within 1 week", "2026-03-30T15:20", "Mon 2026-04-06 23:59", "Thu 2026-04-02 23:59"),
        ("within 1 month", "2026-03-30T15:20", "Thu 2026-04-30 23:59", "Thu 2026-04-30 23:59"),
        ("within 3 months", "2026-03-30T15:20", "Tue 2026-06-30 23:59", "Tue 2026-06-30 23:59"),
        ("within 3 months", "2026-01-30T17:05", "Thu 2026-04-30 23:59", "Thu 2026-04-30 23:59"),
        ("by 12:00 the next day", "2026-03-30T15:20", "Tue 2026-03-31 12:00", "Tue 2026-03-31 12:00"),
        # Wokingham
        ("within 14 days", "2026-05-31T09:00", "Sun 2026-06-14 23:59", "Fri 2026-06-12 23:59"),
        # and what none of them says
        ("within 3 months", "2026-11-30T09:00", "Sun 2027-02-28 23:59", "Fri 2027-02-26 23:59"),
        ("by day 31 of the cycle", "2026-02-02T09:00", "Sat 2026-02-28 23:59", "Fri 2026-02-27 23:59"),
        ("within 2 days at 12:00", "2026-03-02T09:00", "Wed 2026-03-04 12:00", "Wed 2026-03-04 12:00"),
    ],
)
def test_a_rule_means_these_two_moments(
    london: WorkCalendar, at: At, clock: Clock, words: str, anchor: str, nominal: str, effective: str
) -> None:
    found = resolved(words, at(anchor), london)
    assert (clock(found.nominal), clock(found.effective)) == (nominal, effective)


@pytest.mark.parametrize(
    ("month", "day"),
    list(enumerate((15, 19, 19, 16, 21, 18, 16, 20, 17, 15, 19, 17), start=1)),
)
def test_the_forum_meets_on_the_third_thursday(london: WorkCalendar, at: At, month: int, day: int) -> None:
    found = resolved("on the third Thursday of the cycle at 15:00", at(f"2026-{month:02}-01T09:00"), london)
    assert found.nominal == found.effective == at(f"2026-{month:02}-{day}T15:00")


def test_a_list_has_a_month_of_its_own(london: WorkCalendar, at: At, clock: Clock) -> None:
    rule = parse_rule("by day 28 of the list")
    found = rule.resolve(at("2026-01-30T10:00"), Cycle.parse("2026-01"), london, list_cycle=Cycle.parse("2026-03"))
    assert clock(found.nominal) == "Sat 2026-03-28 23:59"
    assert clock(found.effective) == "Fri 2026-03-27 23:59"


def test_a_session_is_due_when_it_was_booked_for(london: WorkCalendar, at: At) -> None:
    session = at("2026-03-14T10:00")
    found = parse_rule("at the session").resolve(
        at("2026-03-02T09:00"), Cycle.parse("2026-03"), london, session=session
    )
    assert found == Moment(session, session)


@pytest.mark.parametrize(("words", "lacks"), [("at the session", "session"), ("by day 28 of the list", "list")])
def test_a_rule_without_what_it_speaks_of_is_refused(london: WorkCalendar, at: At, words: str, lacks: str) -> None:
    with pytest.raises(DateRuleError, match=lacks):
        resolved(words, at("2026-03-02T09:00"), london)


def test_where_no_working_day_is_left_the_words_stand_alone(london: WorkCalendar, at: At, clock: Clock) -> None:
    found = resolved("within 1 day", at("2026-03-07T10:00"), london)
    assert clock(found.nominal) == clock(found.effective) == "Sun 2026-03-08 23:59"


@given(words=deadlines, anchor=anchors)
def test_by_and_within_are_never_loosened(london: WorkCalendar, words: str, anchor: datetime) -> None:
    found = resolved(words, anchor, london)
    last, first = london.day_of(found.nominal), london.day_of(found.effective)
    assert found.effective <= found.nominal
    assert found.effective == found.nominal or london.is_working_day(first)
    assert first == last or not any(map(london.is_working_day, days_between(first, last))), "rolled back too far"


@given(words=starts, anchor=anchors)
def test_on_and_not_before_are_never_early(london: WorkCalendar, words: str, anchor: datetime) -> None:
    found = resolved(words, anchor, london)
    first, last = london.day_of(found.nominal), london.day_of(found.effective)
    assert found.effective >= found.nominal
    assert london.is_working_day(last)
    rolled_over = days_between(first - timedelta(days=1), last - timedelta(days=1))
    assert not any(map(london.is_working_day, rolled_over)), "rolled forward too far"


@given(anchor=anchors, hours=st.integers(1, 500), word=st.sampled_from(("within", "not before")))
def test_a_clock_of_hours_never_rolls(london: WorkCalendar, anchor: datetime, hours: int, word: str) -> None:
    found = resolved(f"{word} {hours} hours", anchor, london)
    assert found.nominal == found.effective
    assert found.nominal - anchor == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-28T16:00", "Mon 2026-03-30 17:00"),  # a day of 23 hours
        ("2026-10-24T16:00", "Mon 2026-10-26 15:00"),  # a day of 25 hours
        ("2026-03-06T16:00", "Sun 2026-03-08 16:00"),
    ],
)
def test_forty_eight_hours_pass_whatever_the_clocks_do(
    london: WorkCalendar, at: At, clock: Clock, start: str, end: str
) -> None:
    assert clock(resolved("within 48 hours", at(start), london).nominal) == end


def test_noon_stays_noon_over_a_clock_change(london: WorkCalendar, at: At, clock: Clock) -> None:
    assert clock(resolved("by 12:00 the next day", at("2026-03-28T10:00"), london).nominal) == "Sun 2026-03-29 12:00"
    assert clock(resolved("by 12:00 the next day", at("2026-10-24T10:00"), london).nominal) == "Sun 2026-10-25 12:00"


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        ("2026-11-30", 3, "2027-02-28"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-03-31", 1, "2026-04-30"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2026-06-30", 12, "2027-06-30"),
    ],
)
def test_months_keep_the_day_number_or_end_with_the_month(day: str, count: int, found: str) -> None:
    assert add_months(date.fromisoformat(day), count) == date.fromisoformat(found)


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)), count=st.integers(-60, 60))
def test_months_are_never_overrun(day: date, count: int) -> None:
    found = add_months(day, count)
    assert (found.year - day.year) * 12 + found.month - day.month == count
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(
    ("nominal", "overdue"),
    [
        ("2026-03-28T23:59", "2026-03-30T09:00"),
        ("2026-04-06T23:59", "2026-04-07T09:00"),
        ("2026-04-03T23:59", "2026-04-07T09:00"),
        ("2026-03-08T16:00", "2026-03-09T09:00"),
        ("2026-01-28T23:59", "2026-01-29T09:00"),
        ("2026-05-25T23:59", "2026-05-26T09:00"),
        ("2026-12-24T12:00", "2026-12-29T09:00"),
    ],
)
def test_overdue_begins_at_nine_on_the_next_working_day(
    london: WorkCalendar, at: At, nominal: str, overdue: str
) -> None:
    assert overdue_from(at(nominal), london) == at(overdue)


@given(nominal=anchors)
def test_nobody_is_overdue_before_the_words_say_so(london: WorkCalendar, nominal: datetime) -> None:
    late = overdue_from(nominal, london)
    first, last = london.day_of(nominal), london.day_of(late)
    assert late > nominal
    assert london.local(late).time() == time(9, 0)
    assert [day for day in days_between(first, last) if london.is_working_day(day)] == [last]


@pytest.mark.parametrize(
    ("anchor", "offset", "step"),
    [
        ("2026-03-27T23:59", "-10wd", "2026-03-13T09:00"),
        ("2026-03-27T23:59", "-1wd", "2026-03-26T09:00"),
        ("2026-03-27T23:59", "0wd", "2026-03-27T09:00"),
        ("2026-03-30T09:00", "+2wd", "2026-04-01T09:00"),
        ("2026-03-30T09:00", "+5wd", "2026-04-08T09:00"),
        ("2026-03-28T10:00", "+2d", "2026-03-30T09:00"),
        ("2026-03-31T10:00", "-1m", "2026-02-28T09:00"),
        ("2026-03-28T23:30", "+15min", "2026-03-28T23:45"),
        ("2026-03-28T23:30", "+2h", "2026-03-29T02:30"),
        ("2026-03-28T23:30", "-1h", "2026-03-28T22:30"),
    ],
)
def test_steps_by_the_day_come_at_nine_and_by_the_hour_when_they_come(
    london: WorkCalendar, at: At, anchor: str, offset: str, step: str
) -> None:
    assert step_moment(at(anchor), parse_offset(offset), london) == at(step)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("-10wd", Span(-10, "working day")),
        ("+2WD", Span(2, "working day")),
        (" 0d ", Span(0, "day")),
        ("+15min", Span(15, "minute")),
        ("1h", Span(1, "hour")),
        ("-2w", Span(-2, "week")),
        ("+1m", Span(1, "month")),
    ],
)
def test_an_offset_is_a_number_and_a_unit(text: str, span: Span) -> None:
    assert parse_offset(text) == span


@pytest.mark.parametrize("text", ["", "wd", "2", "two wd", "2 wd", "2wd 3", "--2wd", "1.5h", "2y", "12345d"])
def test_another_offset_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DateRuleError, match="-10wd"):
        parse_offset(text)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "tomorrow",
        "within a week",
        "within 5",
        "within -5 days",
        "within 5 fortnights",
        "by day 0 of the cycle",
        "by day 32 of the cycle",
        "by day 28",
        "by day 28 of the year",
        "on the fifth Thursday of the cycle",
        "on the third Thursday",
        "by the fifth Friday of the cycle",
        "by 25:00 the next day",
        "by day 28 of the cycle at 24:00",
        "by day 28 of the cycle at 9:00",
        "on day 3 of the cycle at 09:60",
        "by the working day after day 6 of the cycle",
        "not before day 3 of the cycle",
        "within 12345 days",
        "within ٣ days",
    ],
)
def test_another_rule_is_refused_with_examples(words: str) -> None:
    with pytest.raises(DateRuleError, match="by day 28 of the cycle"):
        parse_rule(words)


@pytest.mark.parametrize(
    "words", ["within 48 hours at 17:00", "not before 30 minutes at 09:00", "within 1 hour at 00:00"]
)
def test_hours_take_no_time_of_day(words: str) -> None:
    with pytest.raises(DateRuleError, match="Leave it out"):
        parse_rule(words)


def test_a_day_of_the_week_must_be_one() -> None:
    with pytest.raises(DateRuleError, match=r"'someday' in .* is not a day of the week"):
        parse_rule("on the third someday of the cycle")


def test_capitals_and_spaces_make_no_difference(london: WorkCalendar, at: At) -> None:
    anchor = at("2026-03-02T09:00")
    plain = resolved("by day 28 of the cycle", anchor, london)
    assert resolved("  By   DAY 28 of The Cycle ", anchor, london) == plain


@given(text=st.text(max_size=40))
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    for parse in (parse_rule, parse_offset):
        with suppress(DateRuleError):
            parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-13",
        "2026-00",
        "2026-3",
        "2026",
        "March 2026",
        "2026-03-01",
        "",
        "0000-01",
        "1899-12",
        "2100-01",
        "٢٠٢٦-03",
    ],
)
def test_a_cycle_is_a_year_and_a_month(text: str) -> None:
    with pytest.raises(DateRuleError, match="2026-03"):
        Cycle.parse(text)


def test_a_cycle_knows_its_name_and_its_neighbours() -> None:
    december = Cycle.parse("2026-12")
    assert str(december) == "2026-12"
    assert december.words == "December 2026"
    assert str(december.plus(1)) == "2027-01"
    assert str(december.plus(-12)) == "2025-12"
    assert Cycle.of(date(2026, 12, 31)) == december
    assert december < december.plus(1)


@given(words=st.one_of(deadlines, starts), anchor=anchors, later=st.integers(0, 60 * 24 * 10))
def test_who_starts_later_is_never_due_earlier(london: WorkCalendar, words: str, anchor: datetime, later: int) -> None:
    follower = anchor + timedelta(minutes=later)
    cycle = Cycle.of(london.day_of(anchor))
    first = parse_rule(words).resolve(anchor, cycle, london)
    second = parse_rule(words).resolve(follower, cycle, london)
    assert second.nominal >= first.nominal
