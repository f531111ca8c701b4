"""QA work that comes round: on which days, about whom, and what the five councils' documents say of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audits.activities import Activity, ActivityDay, Occurrence, occurrences, subject, under_way
from audits.calendar import WorkCalendar
from audits.frameworks.activities import activities_named
from audits.reading import FrameworkError
from bot.calendars import print_calendar

COUNCILS = ("bedford", "wokingham", "west_sussex", "dudley", "southampton")
YEAR = (date(2026, 1, 1), date(2026, 12, 31))

MONTHLY: dict[str, Any] = {
    "title": "A look at something",
    "who": ("tm",),
    "every": "month",
    "opens": "on the first working day of the cycle",
    "due": "by the last working day of the cycle",
    "place": "page 1",
    "asks": "Please look at it.",
}
WEEKLY = MONTHLY | {"every": "week", "opens": "Monday", "due": "Friday"}


def activity(base: Mapping[str, Any] = MONTHLY, **terms: Any) -> Activity:
    """One that is like `base` but for these terms; a term that is None is left out."""
    whole = {**base, **terms}
    return Activity.model_validate({key: value for key, value in whole.items() if value is not None})


def on(text: str) -> date:
    return date.fromisoformat(text)


def days(found: Sequence[Occurrence]) -> list[str]:
    """`Mon 02 Mar - Tue 31 Mar 2026`: from the effective opening to the effective due day."""
    return [f"{one.opens.effective:%a %d %b} - {one.due.effective:%a %d %b %Y}" for one in found]


def every_shipped() -> list[tuple[str, str, Activity]]:
    return [(name, key, one) for name in COUNCILS for key, one in activities_named(name).items()]


def one_of(found: Sequence[Occurrence]) -> Occurrence:
    assert len(found) == 1
    return found[0]


# The rulebook's scenarios


def test_a_head_of_service_has_two_supervision_audits_of_a_team_manager_in_march(london: WorkCalendar) -> None:
    audits = activities_named("bedford")["supervision_audits"]
    march = one_of(occurrences(audits, on("2026-03-01"), on("2026-03-31"), london))
    assert audits.who == ("hos",)
    assert audits.about == "tm"
    assert [(part.title, part.how_many) for part in audits.parts] == [("professional", 1), ("case-specific", 1)]
    assert audits.total == 2
    assert days([march]) == ["Mon 02 Mar - Tue 31 Mar 2026"]  # the 1st is a Sunday


def test_the_quarterly_summary_of_supervision_audits_opens_on_the_first_of_april(london: WorkCalendar) -> None:
    summary = activities_named("bedford")["supervision_summary"]
    found = one_of(occurrences(summary, on("2026-02-01"), on("2026-06-30"), london))
    assert found.opens == ActivityDay(on("2026-04-01"), on("2026-04-01"))
    assert found.period.words == "January to March 2026"


def test_the_dip_sample_of_a_bank_holiday_week_opens_on_the_tuesday(london: WorkCalendar) -> None:
    sample = activities_named("west_sussex")["dip_sample"]
    week = one_of(occurrences(sample, on("2026-05-04"), on("2026-05-10"), london))
    assert week.opens == ActivityDay(nominal=on("2026-05-04"), effective=on("2026-05-05"))
    assert week.due == ActivityDay(nominal=on("2026-05-08"), effective=on("2026-05-08"))
    assert week.period.words == "the week of Mon 4 May 2026"
    assert sample.who == ("practice_manager", "group_manager")


def test_the_dip_samples_of_a_month_go_into_a_highlight_report(london: WorkCalendar) -> None:
    report = activities_named("west_sussex")["highlight_report"]
    may = one_of(occurrences(report, on("2026-06-01"), on("2026-06-30"), london))
    assert report.who == ("service_lead",)
    assert may.period.words == "May 2026"
    assert days([may]) == ["Mon 01 Jun - Fri 12 Jun 2026"]  # the 14th is a Sunday


def test_early_help_audits_come_every_eight_weeks_from_their_start(london: WorkCalendar) -> None:
    early_help = activities_named("dudley")["early_help_audits"]
    year = occurrences(early_help, *YEAR, london)
    assert days(year) == [
        "Mon 05 Jan - Fri 27 Feb 2026",
        "Mon 02 Mar - Fri 24 Apr 2026",
        "Mon 27 Apr - Fri 19 Jun 2026",
        "Mon 22 Jun - Fri 14 Aug 2026",
        "Mon 17 Aug - Fri 09 Oct 2026",
        "Mon 12 Oct - Fri 04 Dec 2026",
        "Mon 07 Dec - Fri 29 Jan 2027",
    ]
    assert [one.number for one in year] == [0, 1, 2, 3, 4, 5, 6]
    assert [(part.title, part.how_many) for part in early_help.parts] == [("external", 6), ("internal", 4)]
    assert early_help.total == 10


def test_nothing_comes_round_before_its_start(london: WorkCalendar) -> None:
    early_help = activities_named("dudley")["early_help_audits"]
    assert occurrences(early_help, on("2025-01-01"), on("2026-01-04"), london) == []
    assert under_way(early_help, on("2025-01-01"), on("2026-01-04"), london) == []


def test_the_forum_meets_on_the_third_thursday_from_three_to_five(london: WorkCalendar) -> None:
    forum = activities_named("southampton")["practice_forum"]
    year = occurrences(forum, *YEAR, london)
    # From the scenario SOU-S11.
    thursdays = "15 Jan, 19 Feb, 19 Mar, 16 Apr, 21 May, 18 Jun, 16 Jul, 20 Aug, 17 Sep, 15 Oct, 19 Nov, 17 Dec"
    assert ", ".join(f"{one.opens.effective:%d %b}" for one in year) == thursdays
    assert {(one.opens.clock, one.due.clock) for one in year} == {(time(15, 0), time(17, 0))}
    assert all(one.on_one_day for one in year)


def test_work_may_come_in_certain_months_of_the_year(london: WorkCalendar) -> None:
    southampton = activities_named("southampton")
    for key, months in (
        ("supervision_audits", [2, 4, 6, 8, 10, 12]),
        ("threshold_audits", [1, 4, 7, 10]),
        ("send_audits", [3, 9]),
        ("quarterly_analysis", [3, 6, 9]),
        ("annual_analysis", [11]),
    ):
        assert [one.opens.nominal.month for one in occurrences(southampton[key], *YEAR, london)] == months, key


def test_practice_week_comes_every_six_months_and_lasts_from_monday_to_friday(london: WorkCalendar) -> None:
    week = activities_named("wokingham")["practice_week"]
    found = occurrences(week, on("2026-01-01"), on("2027-06-30"), london)
    assert days(found) == [
        "Mon 19 Jan - Fri 23 Jan 2026",
        "Mon 20 Jul - Fri 24 Jul 2026",
        "Mon 18 Jan - Fri 22 Jan 2027",
    ]


def test_performance_is_reviewed_in_the_third_and_fourth_full_week(london: WorkCalendar) -> None:
    review = activities_named("dudley")["performance_review"]
    found = occurrences(review, on("2026-02-01"), on("2026-03-31"), london)
    # February's full weeks begin on the 2nd, 9th, 16th and 23rd; so do March's, which begins on a Sunday as well.
    assert days(found) == ["Mon 16 Feb - Fri 27 Feb 2026", "Mon 16 Mar - Fri 27 Mar 2026"]


def test_the_multi_agency_session_reports_back_on_the_monday_after(london: WorkCalendar) -> None:
    session = activities_named("dudley")["early_help_session"]
    assert days(occurrences(session, on("2026-04-01"), on("2026-06-30"), london)) == ["Wed 08 Apr - Mon 13 Apr 2026"]


# Days off


@pytest.mark.parametrize(
    ("monday", "opens", "due"),
    [
        ("2026-03-30", "2026-03-30", "2026-04-02"),  # the week of Good Friday
        ("2026-04-06", "2026-04-07", "2026-04-10"),  # the week of Easter Monday
        ("2026-12-21", "2026-12-21", "2026-12-24"),  # the week of Christmas
        ("2026-12-28", "2026-12-29", "2026-12-31"),  # Boxing Day's substitute to New Year's Day
        ("2027-03-22", "2027-03-22", "2027-03-25"),
        ("2026-08-31", "2026-09-01", "2026-09-04"),
    ],
)
def test_a_weeks_opening_rolls_forward_and_its_due_day_back(
    london: WorkCalendar, monday: str, opens: str, due: str
) -> None:
    week = one_of(occurrences(activity(WEEKLY), on(opens), on(opens), london))
    assert week.opens == ActivityDay(on(monday), on(opens))
    assert week.due == ActivityDay(on(monday) + timedelta(days=4), on(due))


def test_work_of_one_day_off_is_asked_for_on_the_working_day_before(london: WorkCalendar) -> None:
    friday = activity(WEEKLY, opens="Friday", due="Friday")
    good_friday = one_of(occurrences(friday, on("2026-03-31"), on("2026-04-09"), london))
    assert good_friday.opens == good_friday.due == ActivityDay(on("2026-04-03"), on("2026-04-02"))


def test_a_new_years_day_opening_that_rolls_back_is_found_in_december(london: WorkCalendar) -> None:
    first = activity(opens="on day 1 of the cycle", due="by day 1 of the cycle")
    found = one_of(occurrences(first, on("2026-12-20"), on("2026-12-31"), london))
    assert found.opens == ActivityDay(on("2027-01-01"), on("2026-12-31"))


def test_a_meeting_on_a_day_off_is_held_on_the_working_day_after(london: WorkCalendar) -> None:
    meeting = activity(
        opens="on the first Friday of the cycle at 10:00", due="on the first Friday of the cycle at 11:00"
    )
    april = one_of(occurrences(meeting, on("2026-04-01"), on("2026-04-30"), london))
    assert april.opens == ActivityDay(on("2026-04-03"), on("2026-04-07"), time(10, 0))
    assert april.due == ActivityDay(on("2026-04-03"), on("2026-04-07"), time(11, 0))


def test_a_following_monday_that_is_a_day_off_rolls_forward(london: WorkCalendar) -> None:
    session = activity(opens="on the first Thursday of the cycle", due="on the following Monday")
    assert days(occurrences(session, on("2026-04-01"), on("2026-04-30"), london)) == ["Thu 02 Apr - Tue 07 Apr 2026"]


def test_a_following_weekday_is_never_the_day_itself(london: WorkCalendar) -> None:
    session = activity(opens="on the second Monday of the cycle", due="by the following Monday at 12:00")
    june = one_of(occurrences(session, on("2026-06-01"), on("2026-06-30"), london))
    assert june.due == ActivityDay(on("2026-06-15"), on("2026-06-15"), time(12, 0))


def test_days_are_counted_from_the_day_that_the_words_name(london: WorkCalendar) -> None:
    # The first Monday of May 2026 is a bank holiday: five working days from it are the 5th, 6th, 7th, 8th and 11th.
    task = activity(opens="on the first Monday of the cycle", due="within 5 working days")
    assert days(occurrences(task, on("2026-05-01"), on("2026-05-31"), london)) == ["Tue 05 May - Mon 11 May 2026"]


# Periods


def test_the_period_of_several_weeks_ends_with_its_last_day(london: WorkCalendar) -> None:
    terms = {"every": "2 weeks", "starts": on("2026-03-23"), "due": "by the last day of the period"}
    task = activity(WEEKLY, **terms)
    found = occurrences(task, on("2026-03-23"), on("2026-04-06"), london)
    assert days(found) == ["Mon 23 Mar - Thu 02 Apr 2026"]
    assert one_of(found).due.nominal == on("2026-04-05")  # Easter Sunday
    assert one_of(found).period.words == "Mon 23 Mar 2026 to Sun 5 Apr 2026"


def test_weeks_may_be_counted_from_any_day(london: WorkCalendar) -> None:
    task = activity(
        WEEKLY,
        every="3 weeks",
        starts=on("2026-06-03"),
        opens="on the first working day of the period",
        due="by the last working day of the period",
    )
    found = occurrences(task, on("2026-06-01"), on("2026-06-30"), london)
    assert days(found) == ["Wed 03 Jun - Tue 23 Jun 2026", "Wed 24 Jun - Tue 14 Jul 2026"]


def test_a_quarter_and_a_year_begin_in_january_unless_they_say_otherwise(london: WorkCalendar) -> None:
    to_the_end: dict[str, Any] = {"due": "by the last working day of the period"}
    quarters = occurrences(activity(every="quarter", **to_the_end), *YEAR, london)
    assert days(quarters)[:2] == ["Fri 02 Jan - Tue 31 Mar 2026", "Wed 01 Apr - Tue 30 Jun 2026"]
    assert one_of(occurrences(activity(every="year", **to_the_end), *YEAR, london)).period.words == "2026"
    financial = activity(every="year", starts=on("2026-04-01"), **to_the_end)
    year = one_of(occurrences(financial, *YEAR, london))
    assert days([year]) == ["Wed 01 Apr - Wed 31 Mar 2027"]
    assert year.period.words == "April 2026 to March 2027"
    half = activity(every="6 months", starts=on("2026-10-01"), **to_the_end)
    assert one_of(occurrences(half, *YEAR, london)).period.words == "October 2026 to March 2027"


def test_the_number_of_an_occurrence_is_the_same_whenever_one_asks(london: WorkCalendar) -> None:
    for task in (activity(), activity(WEEKLY), activity(every=None, months=[2, 9]), activity(every="quarter")):
        year = occurrences(task, *YEAR, london)
        assert [one.number - year[0].number for one in year] == list(range(len(year)))
        autumn = occurrences(task, on("2026-09-01"), on("2026-12-31"), london)
        assert autumn == year[-len(autumn) :]


def test_listed_months_are_numbered_from_the_start_on_through_the_years(london: WorkCalendar) -> None:
    task = activity(every=None, months=[2, 9, 11], starts=on("2026-03-01"))
    found = occurrences(task, on("2025-01-01"), on("2027-12-31"), london)
    assert [(one.number, one.period.words) for one in found] == [
        (0, "September 2026"),
        (1, "November 2026"),
        (2, "February 2027"),
        (3, "September 2027"),
        (4, "November 2027"),
    ]


def test_work_that_opened_long_ago_is_under_way_until_its_due_day(london: WorkCalendar) -> None:
    yearly = activity(every="year", due="by day 20 of the month after the period")  # to Wed 20 Jan 2027
    assert len(under_way(yearly, on("2027-01-20"), on("2027-01-20"), london)) == 2
    assert len(under_way(yearly, on("2027-01-21"), on("2027-01-21"), london)) == 1
    assert occurrences(yearly, on("2027-01-20"), on("2027-01-21"), london) == []


def test_work_with_a_long_time_for_it_is_under_way_all_that_time(london: WorkCalendar) -> None:
    slow = activity(WEEKLY, due="within 300 days")
    # What opened on Mon 5 Jan is due on Sun 1 Nov, and so by Fri 30 Oct.
    assert under_way(slow, on("2026-10-30"), on("2026-10-30"), london)[0].opens.effective == on("2026-01-05")


def test_days_that_run_backwards_hold_nothing(london: WorkCalendar) -> None:
    assert occurrences(activity(WEEKLY), on("2026-06-30"), on("2026-06-01"), london) == []


@given(
    which=st.sampled_from([one for _, _, one in every_shipped()]),
    first=st.dates(on("2025-06-01"), on("2028-06-01")),
    lengths=st.tuples(st.integers(1, 200), st.integers(0, 200)),
)
def test_a_span_of_days_can_be_asked_for_in_pieces(which: Activity, first: date, lengths: tuple[int, int]) -> None:
    calendar = WorkCalendar()
    middle = first + timedelta(days=lengths[0])
    last = middle + timedelta(days=lengths[1])
    whole = occurrences(which, first, last, calendar)
    pieces = occurrences(which, first, middle - timedelta(days=1), calendar)
    pieces += occurrences(which, middle, last, calendar)
    assert whole == pieces
    for one in whole:
        assert calendar.is_working_day(one.opens.effective)
        assert calendar.is_working_day(one.due.effective)
        assert one.opens.effective <= one.due.effective


# Turns


def test_a_head_of_service_takes_the_team_managers_in_turn(london: WorkCalendar) -> None:
    audits = activities_named("bedford")["supervision_audits"]
    turns = [subject(one.number, ["Ada", "Ben", "Cas"], "Hana") for one in occurrences(audits, *YEAR, london)]
    assert sorted(turns[:3], key=str) == ["Ada", "Ben", "Cas"]
    assert turns[3:6] == turns[:3] == turns[9:]


def test_a_peer_never_audits_themself_and_meets_every_other() -> None:
    managers = ["Ada", "Ben", "Cas", "Dee"]
    for own in managers:
        assert {subject(number, managers, own) for number in range(3)} == set(managers) - {own}


def test_peers_never_share_a_subject() -> None:
    managers = ["Ada", "Ben", "Cas", "Dee"]
    for number in range(7):
        assert sorted(str(subject(number, managers, own)) for own in managers) == managers


def test_with_nobody_left_there_is_no_subject() -> None:
    assert subject(5, [], "Ada") is None
    assert subject(5, ["Ada"], "Ada") is None
    assert subject(5, ["Ada"]) == "Ada"


# What may be written


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"every": "fortnight"}, "'fortnight' is not how often"),
        ({"every": "1 months"}, "'1 months' is not how often"),
        ({"every": "8 weeks", "opens": "Monday", "due": "Friday"}, "starts is missing: 8 weeks"),
        ({"every": "6 months"}, "starts is missing: 6 months"),
        ({"every": "6 months", "starts": on("2026-01-05")}, "first day of the month"),
        ({"every": "week", "starts": on("2026-01-06"), "opens": "Monday", "due": "Friday"}, "the Monday of the week"),
        ({"every": None}, "either every or months"),
        ({"months": [2, 4]}, "either every or months"),
        ({"every": None, "months": [4, 2]}, "in the order of the year"),
        ({"every": None, "months": [2, 2]}, "each month once"),
        ({"every": None, "months": [0]}, "greater than or equal to 1"),
        ({"every": None, "months": [13]}, "less than or equal to 12"),
        ({"opens": "soon"}, "'soon' is not a day"),
        ({"due": "by the last Friday of the period"}, "is not a day"),
        ({"due": "within 48 hours"}, "'within 48 hours' is not a day"),
        ({"due": "by 12:00 the next day"}, "is not a day"),
        ({"due": "at the session"}, "is not a day"),
        ({"due": "by day 28 of the list"}, "is not a day"),
        ({"due": "not before 1 month"}, "is not a day"),
        ({"due": "by day 32 of the cycle"}, "is not a day"),
        ({"opens": "by day 5 of the cycle"}, "is no day to open on"),
        ({"opens": "within 5 days"}, "is no day to open on"),
        ({"opens": "on the following Monday"}, "is no day to open on"),
        ({"opens": "Monday"}, "opens: a weekday alone needs a week"),
        ({"due": "Friday"}, "due: a weekday alone needs a week"),
        ({"every": "week", "opens": "Monday"}, "due: for something that comes round in weeks"),
        ({"every": "week", "due": "Friday"}, "opens: for something that comes round in weeks"),
        ({"every": "week", "opens": "Friday", "due": "Monday"}, "'Monday' lies before 'Friday'"),
        ({"opens": "on day 20 of the cycle", "due": "by day 10 of the cycle"}, "lies before"),
        (
            {"opens": "on the first Monday of the cycle at 17:00", "due": "on the first Monday of the cycle at 15:00"},
            "lies before",
        ),
        ({"opens": "on the first working day of the month after the period"}, "lies before"),
        ({"who": ()}, "at least 1 item"),
        ({"how_many": 0}, "greater than or equal to 1"),
        ({"how_many": 3, "parts": [{"title": "one"}, {"title": "another"}]}, "the parts come to 2"),
        ({"owner": "tm"}, "Extra inputs"),
        ({"place": None}, "Field required"),
    ],
)
def test_what_cannot_be_meant_is_refused(terms: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match="validation error") as refused:
        activity(**terms)
    assert named in str(refused.value)


def test_a_day_of_the_third_month_lies_after_an_opening_in_the_month_after(london: WorkCalendar) -> None:
    task = activity(
        every="quarter", opens="on day 10 of the month after the cycle", due="by day 20 of the month after the period"
    )
    found = occurrences(task, on("2026-02-01"), on("2026-02-28"), london)
    assert days(found) == ["Tue 10 Feb - Mon 20 Apr 2026"]


# The councils' own

COUNTS = {
    "bedford": {
        12: "overview_report supervision_audits supervision_audits_of_practitioners crs_observations "
        "crs_document_audits crs_report",
        4: "audit_findings_review supervision_summary supervision_findings_review",
        2: "support_observation meeting_observation",
        1: "staff_survey worker_observation observation_report observation_findings_review senior_meeting_observation",
    },
    "wokingham": {
        12: "monthly_reporting qa_op_group_meeting performance_meeting",
        4: "quarterly_reporting learning_log action_plan thematic_audit qa_board_meeting qa_op_group_report "
        "staff_communication performance_meeting_visit complaints_quarterly_report",
        2: "practice_week",
        1: "peer_supervision_audit service_supervision_audit paired_supervision_audit supervision_report "
        "annual_audit_report complaints_annual_report compliments_report pledge_survey",
    },
    "west_sussex": {
        52: "dip_sample",  # from Mon 5 Jan to Mon 28 Dec
        12: "highlight_report reflective_discussions performance_meeting iro_highlight_report",
        4: "corporate_parenting_board children_in_care_council slt_cases themes_report multi_agency_audit "
        "dispute_resolution_audit escalation_learning lado_themes",
        2: "practice_week",
        1: "lado_audit lado_report placement_visits",
    },
    "dudley": {
        12: "ehcp_audits advice_audit_group youth_justice_audits youth_justice_moderation monthly_report "
        "audit_briefing performance_review assurance_clinic",
        7: "early_help_audits",
        6: "youth_justice_themes early_help_themes",
        4: "early_help_session multi_agency_audits quarterly_report leaders_briefing participation_report "
        "dispute_report stocktake reviews_workshop",
        3: "ehcp_term_audit",
        2: "practice_week",
        1: "practice_observation supervision_observation_by_sm supervision_observation_by_hos "
        "supervision_observation_by_director chair_observation audit_schedule annual_report",
    },
    "southampton": {
        12: "panel_moderation monthly_analysis learning_forum practice_forum assurance_clinic themed_audits "
        "group_supervision practice_managers_group service_leads_group",
        6: "overview_input supervision_audits",
        4: "practice_week threshold_audits crh_audits",
        3: "quarterly_analysis partnership_themes",
        2: "send_audits partnership_audits family_survey",
        1: "annual_analysis stability_audits section_47_audits youth_offending_audits home_education_audits "
        "fostering_audits practice_observation section_11_audit council_audit_plan",
    },
}

# The rulebook's rules with a stated frequency, beside those of the monthly audits themselves.
FREQUENT = {
    "BED": {16, 20, 21, 22, 24, 25, 26, 27, 30, 31, 32, 43, 44, 45},
    "WOK": {33, 34, 35, 36, 39, 40, 41, 42, 43, 44, 45, 46},
    "WSX": {24, 25, 28, 29, 30, 31, 35, 36, 37, 38, 39, 40},
    "DUD": {29, 35, 36, 37, 39, 41, 42, 43, 44, 45, 47, 48, 49, 50, 51, 52, 53},
    "SOU": {23, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 41, 42, 47},
}

ROLES = {
    "bedford": "worker tm ap hos chief_officer director sqa_team sqa_manager iro cp_chair crs_tm academy_tm academy_ap "
    "dmt slt lscb",
    "wokingham": "practitioner line_manager atm tm sm psw practice_consultant cp_chair iro ad_csc ad_qa iit qa_officer "
    "pmpm reporting_team qa_op_group qa_board cdlt jcs_smt",
    "west_sussex": "practitioner social_worker practice_manager group_manager moderator service_lead "
    "early_help_service_lead pm_sqp qa_team sdl line_manager ad deputy_director dcs lead_member iro iro_tm cp_chair "
    "lado scp_manager smt slt dmt policy_practice_steering_group performance_board improvement_board",
    "dudley": "practitioner auditor tm sm hos hos_spqa service_director dcs cpp_team cpp_tm_qa cpp_sm cpp_ap iro "
    "iro_sm psw dsco send_ap eh_enabler yj_aswp yj_sm fostering_manager dlt smt slt chief_exec lead_member dspp",
    "southampton": "case_holder practice_manager manager service_lead hos deputy_director edcs qa_unit qau_manager "
    "hos_qa psw practice_development_team moderation_panel cp_advisor lead_iro slt improvement_board performance_board "
    "sscp",
}


@pytest.mark.parametrize("name", COUNCILS)
def test_everything_comes_round_in_2026_as_often_as_its_council_says(london: WorkCalendar, name: str) -> None:
    expected = {key: number for number, keys in COUNTS[name].items() for key in keys.split()}
    found = {key: len(occurrences(one, *YEAR, london)) for key, one in activities_named(name).items()}
    assert found == expected


@pytest.mark.parametrize(("name", "prefix"), list(zip(COUNCILS, FREQUENT, strict=True)))
def test_every_rule_with_a_frequency_has_its_activity(name: str, prefix: str) -> None:
    rules = {rule for one in activities_named(name).values() for rule in one.rule}
    assert {rule.partition("-")[0] for rule in rules} == {prefix}
    assert {f"{prefix}-{number:02}" for number in FREQUENT[prefix]} <= rules


@pytest.mark.parametrize("name", COUNCILS)
def test_whoever_has_an_activity_is_a_role_of_the_rulebook(name: str) -> None:
    roles = set(ROLES[name].split())
    for key, one in activities_named(name).items():
        assert {*one.who, *([one.about] if one.about else [])} <= roles, key


@pytest.mark.parametrize("name", COUNCILS)
def test_an_activity_says_where_it_is_written_and_what_to_do(name: str) -> None:
    terms = set(Activity.model_fields)
    for key, one in activities_named(name).items():
        assert one.rule, key
        assert one.place, key
        assert one.asks.startswith("Please "), key
        assert one.asks.endswith("."), key
        assert set(one.local) <= terms, key
        assert all(getattr(one, term) for term in one.local), key


def test_a_council_without_activities_is_named() -> None:
    with pytest.raises(FrameworkError, match=r"'atlantis'.*bedford, dudley, southampton, west_sussex, wokingham"):
        activities_named("atlantis")


# The printed calendar


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], london: WorkCalendar) -> Any:
    def lines(activities: Mapping[str, Activity], first: str, last: str, *, as_json: bool = False) -> list[str]:
        roles = {"tm": "Team Manager", "hos": "Head of Service", "practice_manager": "Practice Manager"}
        print_calendar("Anyshire", activities, roles, on(first), on(last), london, as_json=as_json)
        return capsys.readouterr().out.splitlines()

    return lines


def test_a_calendar_says_day_by_day_who_has_what(printed: Any) -> None:
    sample = activities_named("west_sussex")["dip_sample"]
    assert printed({"dip_sample": sample}, "2026-05-04", "2026-05-10") == [
        "Anyshire: what comes round, Mon 4 May 2026 to Sun 10 May 2026",
        "",
        "Tue 5 May 2026",
        "  opens  Weekly dip sample of open files (the week of Mon 4 May 2026)  Practice Manager, group_manager  "
        "due Fri 8 May 2026  [WSX-29, WSX-30; local: opens, due]",
        "         Mon 4 May 2026 is May Day, so Tue 5 May 2026 stands for it.",
        "",
        "Fri 8 May 2026",
        "  due    Weekly dip sample of open files (the week of Mon 4 May 2026)  Practice Manager, group_manager  "
        "[WSX-29, WSX-30; local: opens, due]",
        "",
        "The framework doesn't say what is marked local; it is the council's own choice.",
    ]


def test_a_calendar_says_how_much_and_about_whom(printed: Any) -> None:
    audits = activity(about="tm", who=("hos",), parts=[{"title": "long", "how_many": 2}, {"title": "short"}])
    lines = printed({"audits": audits}, "2026-03-01", "2026-03-10")
    assert lines[2:] == [
        "Mon 2 Mar 2026",
        "  opens  A look at something (March 2026)  Head of Service  due Tue 31 Mar 2026  [LOCAL]",
        "         2 long, 1 short; one Team Manager each time, in turn",
    ]
    assert "         5 in all" in printed({"audits": activity(how_many=5)}, "2026-03-01", "2026-03-10")


def test_a_meeting_is_one_line_with_its_hours(printed: Any) -> None:
    forum = activities_named("southampton")["practice_forum"]
    lines = printed({"forum": forum}, "2026-02-01", "2026-02-28")
    assert lines[2] == "Thu 19 Feb 2026"
    assert lines[3].startswith("  on     Practice forum (February 2026)")
    assert "  15:00–17:00  " in lines[3]
    assert not lines[4]


def test_what_opened_before_the_first_day_is_still_due(printed: Any) -> None:
    lines = printed({"look": activity(rule=["X-01"])}, "2026-03-15", "2026-03-31")
    assert lines[2:] == ["Tue 31 Mar 2026", "  due    A look at something (March 2026)  Team Manager  [X-01]"]


def test_a_due_day_that_rolled_back_says_why(printed: Any) -> None:
    christmas = printed({"look": activity(WEEKLY)}, "2026-12-24", "2026-12-24")
    assert christmas[-1] == "         Fri 25 Dec 2026 is Christmas Day, so Thu 24 Dec 2026 stands for it."
    opening = printed({"look": activity(WEEKLY)}, "2026-12-21", "2026-12-21")
    assert opening[-1] == christmas[-1]
    sunday = printed({"look": activity(due="by day 31 of the cycle")}, "2026-05-29", "2026-05-29")
    assert sunday[-1] == "         Sun 31 May 2026 isn't a working day, so Fri 29 May 2026 stands for it."


def test_on_one_day_what_is_due_stands_before_what_opens(printed: Any) -> None:
    ends = activity(title="Ends", opens="on day 1 of the cycle", due="by day 10 of the cycle")
    begins = activity(title="Begins", opens="on day 10 of the cycle")
    lines = printed({"begins": begins, "ends": ends}, "2026-06-10", "2026-06-10")
    assert [line.split()[:2] for line in lines[3:]] == [["due", "Ends"], ["opens", "Begins"]]


def test_a_calendar_without_entries_says_so(printed: Any) -> None:
    assert printed({}, "2026-03-01", "2026-03-31")[-1] == "Nothing comes round in these days."


def test_a_calendar_can_be_read_by_programs(printed: Any) -> None:
    sample = activities_named("west_sussex")["dip_sample"]
    lines = [json.loads(line) for line in printed({"dip_sample": sample}, "2026-05-04", "2026-05-10", as_json=True)]
    assert [(line["at"], line["what"], line["activity"]) for line in lines] == [
        ("2026-05-05", "opens", "dip_sample"),
        ("2026-05-08", "due", "dip_sample"),
    ]
    assert lines[0]["opens"] == {"nominal": "2026-05-04", "effective": "2026-05-05", "clock": None}
    assert lines[0]["due"] == {"nominal": "2026-05-08", "effective": "2026-05-08", "clock": None}
    assert lines[0]["who"] == ["practice_manager", "group_manager"]
    assert lines[0]["rule"] == ["WSX-29", "WSX-30"]
    assert lines[0]["period"] == {"first": "2026-05-04", "last": "2026-05-10"}
