"""Southampton's duties on the days that the rulebook's scenarios give them, and what opens, moves and closes them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from audits.calendar import WorkCalendar
from audits.dates import Cycle, parse_rule
from audits.engine import Decision, Engine
from audits.framework import Framework
from audits.messages import Message
from audits.people import Directory, Person
from audits.planning import close_moment, cycle_for, issue_moment, list_on_or_after
from audits.reading import with_settings
from audits.state import Audit, Duty, Event, RemedialAction, Step

Staff = Mapping[str, Person]
At = Callable[[str], datetime]
Clock = Callable[[datetime | None], str]
Play = Callable[..., Audit]

JANUARY = (("allocated", "2026-01-05T09:00", None), ("accepted", "2026-01-06T09:00", "Mo"))
MARCH = (("allocated", "2026-03-03T09:00", None), ("accepted", "2026-03-04T09:00", "Mo"))


def submitted(when: str, grade: str, **values: Any) -> tuple[Any, ...]:
    return ("submitted", when, "Mo", {"grade": grade, **values})


def one(audit: Audit, key: str) -> Duty:
    """The only open duty of this kind."""
    (duty,) = audit.open_duties(key)
    return duty


def times(duty: Duty, clock: Clock, what: str) -> list[str]:
    return [clock(step.at) for step in duty.steps if step.what == what]


def heard(staff: Staff, messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    names = {person.id: name for name, person in staff.items()}
    return [(message.what, names[message.to_id]) for message in messages]


def in_cycle(audit: Audit, cycle: str) -> Audit:
    return replace(audit, cycle=Cycle.parse(cycle))


# ---- the month


@pytest.mark.parametrize(
    ("cycle", "issued", "closed"),
    [
        ("2026-01", "Mon 2026-01-05 09:00", "Fri 2026-02-06 23:59"),
        ("2026-03", "Tue 2026-03-03 09:00", "Thu 2026-04-02 23:59"),
        ("2026-04", "Tue 2026-04-07 09:00", "Wed 2026-05-06 23:59"),
        ("2026-05", "Tue 2026-05-05 09:00", "Fri 2026-06-05 23:59"),
    ],
)
def test_the_list_goes_out_on_the_third_and_the_process_ends_on_the_sixth(
    southampton: Framework, london: WorkCalendar, clock: Clock, cycle: str, issued: str, closed: str
) -> None:
    assert clock(issue_moment(southampton, Cycle.parse(cycle), london)) == issued
    assert clock(close_moment(southampton, Cycle.parse(cycle), london).effective) == closed


@pytest.mark.parametrize(
    ("notice", "cycle", "moment"),
    [
        ("copies", "2026-01", "Wed 2026-01-28 09:00"),
        ("copies", "2026-03", "Mon 2026-03-30 09:00"),
        ("not_completed", "2026-01", "Mon 2026-02-09 09:00"),
        ("not_completed", "2026-03", "Tue 2026-04-07 09:00"),
    ],
)
def test_lists_reach_the_service_lead_on_a_working_day(
    southampton: Framework, london: WorkCalendar, clock: Clock, notice: str, cycle: str, moment: str
) -> None:
    month = Cycle.parse(cycle)
    rule = parse_rule(southampton.cycle.notices[notice].at)
    assert clock(rule.resolve(london.moment(month.first, time(0, 0)), month, london).effective) == moment


@pytest.mark.parametrize(
    ("day", "cycle"),
    [("2026-03-02", "2026-03"), ("2026-03-03", "2026-03"), ("2026-03-04", "2026-04"), ("2026-04-07", "2026-04")],
)
def test_a_case_joins_the_next_list_on_or_after_a_day(
    southampton: Framework, london: WorkCalendar, day: str, cycle: str
) -> None:
    assert str(list_on_or_after(southampton, date.fromisoformat(day), london)) == cycle


@pytest.mark.parametrize(
    ("moment", "cycle"),
    [("2026-01-28T10:00", "2026-01"), ("2026-01-29T10:00", "2026-02"), ("2026-12-29T10:00", "2027-01")],
)
def test_an_allocation_after_the_due_day_belongs_to_the_next_month(
    southampton: Framework, london: WorkCalendar, at: At, moment: str, cycle: str
) -> None:
    assert str(cycle_for(southampton, at(moment), london)) == cycle


# ---- the audit


def test_a_plain_month(engine: Engine, audit: Audit, clock: Clock, play: Play) -> None:
    duty = one(play(engine, audit, *JANUARY), "complete_audit")
    assert clock(duty.nominal) == clock(duty.effective) == "Wed 2026-01-28 23:59"
    assert times(duty, clock, "nudge") == [
        "Wed 2026-01-14 09:00",
        "Wed 2026-01-21 09:00",
        "Mon 2026-01-26 09:00",
        "Tue 2026-01-27 09:00",
    ]
    assert times(duty, clock, "overdue") == ["Thu 2026-01-29 09:00"]
    assert times(duty, clock, "escalation") == ["Mon 2026-02-02 09:00", "Thu 2026-02-05 09:00"]
    assert duty.next_at == duty.steps[0].at


def test_a_due_day_on_a_saturday_before_the_clocks_change(
    engine: Engine, audit: Audit, clock: Clock, play: Play
) -> None:
    duty = one(play(engine, in_cycle(audit, "2026-03"), *MARCH), "complete_audit")
    assert clock(duty.nominal) == "Sat 2026-03-28 23:59"
    assert clock(duty.effective) == "Fri 2026-03-27 23:59"
    assert times(duty, clock, "nudge") == [
        "Fri 2026-03-13 09:00",
        "Fri 2026-03-20 09:00",
        "Wed 2026-03-25 09:00",
        "Thu 2026-03-26 09:00",
    ]
    assert times(duty, clock, "overdue") == ["Mon 2026-03-30 09:00"]


def test_oversight_over_easter(engine: Engine, audit: Audit, clock: Clock, play: Play) -> None:
    then = play(engine, in_cycle(audit, "2026-03"), *MARCH, submitted("2026-03-27T10:00", "good"))
    duty = one(then, "oversee")
    assert clock(duty.nominal) == "Mon 2026-04-06 23:59"
    assert clock(duty.effective) == "Thu 2026-04-02 23:59"
    assert times(duty, clock, "nudge") == ["Tue 2026-03-31 09:00"], "the one before its opening is left out"
    assert times(duty, clock, "overdue") == ["Tue 2026-04-07 09:00"]
    assert times(duty, clock, "escalation") == ["Thu 2026-04-09 09:00", "Tue 2026-04-14 09:00"]


def test_an_answer_to_the_allocation_is_asked_for_in_three_working_days(
    engine: Engine, staff: Staff, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    allocated = play(engine, audit, JANUARY[0])
    duty = one(allocated, "accept")
    assert clock(duty.effective) == "Thu 2026-01-08 23:59"
    told = [heard(staff, engine.advance(allocated, duty, at("2026-01-13T09:00")).messages)]
    assert told == [[("overdue", "Mo"), ("escalation", "Quinn")]]
    accepted = play(engine, allocated, JANUARY[1])
    assert not accepted.open_duties("accept")
    assert clock(one(accepted, "book_session").effective) == "Tue 2026-01-13 23:59"


def test_an_audit_allocated_too_late_for_its_month_has_ten_working_days(
    engine: Engine, audit: Audit, clock: Clock, play: Play
) -> None:
    duty = one(play(engine, audit, ("allocated", "2026-01-30T09:00", None)), "complete_audit")
    assert clock(duty.nominal) == "Fri 2026-02-13 23:59"


def test_oversight_of_an_audit_that_came_late_has_five_working_days(
    engine: Engine, audit: Audit, clock: Clock, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-02-09T10:00", "good"))
    assert clock(one(then, "oversee").nominal) == "Mon 2026-02-16 23:59"
    then = play(engine, then, ("overseen", "2026-02-12T10:00", "Sam"))
    assert clock(one(then, "record_on_file").nominal) == "Mon 2026-02-16 23:59"
    assert not then.open_duties("oversee")


def test_the_upload_is_asked_for_after_oversight_and_not_before(
    engine: Engine, staff: Staff, audit: Audit, clock: Clock, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-28T10:00", "good"))
    assert not then.open_duties("record_on_file")
    then = play(engine, then, ("overseen", "2026-02-04T10:00", "Sam"))
    assert clock(one(then, "record_on_file").nominal) == "Fri 2026-02-06 23:59"
    assert one(then, "record_on_file").owner_id == staff["Mo"].id
    then = play(engine, then, ("recorded", "2026-02-05T10:00", "Mo"))
    assert not then.open_duties("record_on_file")


# ---- the discussion


def test_a_suggested_time_is_answered_by_the_other_person(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    suggested = play(engine, audit, *JANUARY, ("proposed", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    assert one(suggested, "agree_session").owner_id == staff["Cass"].id
    other = play(engine, suggested, ("proposed", "2026-01-07T12:00", "Cass", {"at": at("2026-01-13T10:00")}))
    assert one(other, "agree_session").owner_id == staff["Mo"].id
    agreed = play(engine, other, ("booked", "2026-01-07T14:00", "Mo", {"at": at("2026-01-13T10:00")}))
    assert agreed.session_at == at("2026-01-13T10:00")
    assert [duty.key for duty in agreed.open_duties() if duty.key.endswith("_session")] == ["hold_session"]


def test_both_are_reminded_of_the_discussion_on_the_working_day_before(
    engine: Engine, staff: Staff, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    booked = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    duty = one(booked, "hold_session")
    assert clock(duty.nominal) == clock(duty.effective) == "Mon 2026-01-12 10:00"
    reminder = engine.advance(booked, duty, at("2026-01-09T09:00"))
    assert heard(staff, reminder.messages) == [("nudge", "Mo"), ("nudge", "Cass")]
    asked = engine.advance(booked, reminder.duty, at("2026-01-12T11:00"))
    assert heard(staff, asked.messages) == [("message", "Mo")]
    assert clock(asked.duty.next_at) == "Tue 2026-01-13 09:00"
    both = engine.advance(booked, duty, at("2026-01-13T09:00"))
    to_mo = [what for what, name in heard(staff, both.messages) if name == "Mo"]
    assert to_mo == ["message", "overdue"], "only nudges are joined"


def test_nobody_is_reminded_of_a_discussion_whose_time_has_passed(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    booked = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    late = engine.advance(booked, one(booked, "hold_session"), at("2026-01-12T10:30"))
    assert late.messages == ()
    assert heard(staff, engine.advance(booked, late.duty, at("2026-01-12T11:00")).messages) == [("message", "Mo")]


def test_another_time_replaces_the_first_only_once_it_is_agreed(
    engine: Engine, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    booked = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    other = play(engine, booked, ("proposed", "2026-01-08T09:00", "Mo", {"at": at("2026-01-13T10:00")}))
    assert one(other, "hold_session") == one(booked, "hold_session")
    agreed = play(engine, other, ("booked", "2026-01-08T12:00", "Cass", {"at": at("2026-01-13T10:00")}))
    assert clock(one(agreed, "hold_session").nominal) == "Tue 2026-01-13 10:00"
    assert not agreed.open_duties("agree_session")


@pytest.mark.parametrize(
    "handed_on",
    [
        ("declined", "2026-01-09T09:00", "Mo", {"officer_id": 10, "reason": "I know the family."}),
        ("reassigned", "2026-01-09T09:00", "Quinn", {"to_id": 16, "reason": "sickness"}),
    ],
)
def test_no_discussion_is_left_of_an_auditor_who_hands_the_audit_on(
    engine: Engine, audit: Audit, at: At, play: Play, handed_on: tuple[Any, ...]
) -> None:
    booked = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    both = play(engine, booked, ("proposed", "2026-01-08T09:00", "Mo", {"at": at("2026-01-13T10:00")}))
    for before in (play(engine, audit, *JANUARY), booked, both):
        assert [duty for duty in before.open_duties() if duty.key.endswith("_session")]
        then = play(engine, before, handed_on)
        assert not [duty for duty in then.open_duties() if duty.key.endswith("_session")]
        assert (then.session_at, then.proposed_at, then.proposed_by) == (None, None, None)
        assert not then.has("booked")


def test_a_discussion_that_did_not_happen_is_booked_again(
    engine: Engine, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    booked = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    missed = play(engine, booked, ("not_held", "2026-01-12T11:00", "Mo"))
    assert missed.session_at is None
    assert not missed.has("booked")
    assert not missed.open_duties("hold_session")
    assert clock(one(missed, "book_session").nominal) == "Mon 2026-01-19 23:59"


# ---- grades and what follows


def test_an_inadequate_audit_is_moderated_before_it_is_escalated(
    engine: Engine, staff: Staff, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    graded = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    assert clock(one(graded, "moderate").nominal) == "Mon 2026-02-02 23:59"
    assert one(graded, "moderate").owner_id == staff["Quinn"].id
    assert not graded.open_duties("urgent_update")
    confirmed = engine.decide(graded, Event("moderated", at("2026-01-30T11:00"), staff["Quinn"].id))
    told = [(what, name) for what, name in heard(staff, confirmed.messages) if what == "escalation"]
    assert told == [("escalation", "Sam"), ("escalation", "Hana")]
    then = confirmed.audit
    assert clock(one(then, "urgent_update").nominal) == "Mon 2026-02-02 23:59"
    assert clock(one(then, "further_update").nominal) == "Fri 2026-02-06 23:59"
    assert {one(then, key).owner_id for key in ("urgent_update", "further_update")} == {staff["Sam"].id}


def test_an_inadequate_case_is_audited_again_after_a_month(
    engine: Engine, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    then = play(engine, then, ("moderated", "2026-01-30T11:00", "Quinn"))
    duty = one(then, "reaudit")
    assert clock(duty.not_before) == "Mon 2026-03-02 00:00"
    assert [(step.what, clock(step.at)) for step in duty.steps] == [
        ("issue", "Tue 2026-03-03 09:00"),
        ("overdue", "Mon 2026-03-30 09:00"),
    ]
    assert clock(duty.nominal) == "Sat 2026-03-28 23:59"
    assert clock(duty.effective) == "Fri 2026-03-27 23:59"
    early = engine.advance(then, duty, at("2026-03-02T12:00"))
    assert (early.issue, early.duty) == (False, duty)
    issued = engine.advance(then, duty, at("2026-03-03T09:00"))
    assert issued.issue
    assert issued.messages == ()
    done = play(engine, then, ("reaudit_submitted", "2026-03-20T09:00", None))
    assert not done.open_duties("reaudit")


@pytest.mark.parametrize(
    ("confirmed", "nominal", "effective"),
    [
        ("2026-01-28T11:00", "Sat 2026-01-31 23:59", "Fri 2026-01-30 23:59"),
        ("2026-01-30T11:00", "Mon 2026-02-02 23:59", "Mon 2026-02-02 23:59"),
        ("2026-04-02T11:00", "Sun 2026-04-05 23:59", "Thu 2026-04-02 23:59"),
    ],
)
def test_three_days_are_calendar_days_rolled_back(
    engine: Engine, audit: Audit, clock: Clock, play: Play, confirmed: str, nominal: str, effective: str
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"), ("moderated", confirmed, "Quinn"))
    duty = one(then, "urgent_update")
    assert (clock(duty.nominal), clock(duty.effective)) == (nominal, effective)


def test_the_first_update_does_not_answer_for_the_second(engine: Engine, audit: Audit, play: Play) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    then = play(engine, then, ("moderated", "2026-01-30T11:00", "Quinn"), ("updated", "2026-02-02T11:00", "Sam"))
    assert not then.open_duties("urgent_update")
    assert then.open_duties("further_update")
    then = play(engine, then, ("updated", "2026-02-05T11:00", "Sam"))
    assert not then.open_duties("further_update")


def test_a_withdrawal_ends_the_further_update_though_the_first_is_still_open(
    engine: Engine, audit: Audit, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    then = play(engine, then, ("moderated", "2026-01-30T11:00", "Quinn"))
    assert then.open_duties("urgent_update")
    assert then.open_duties("further_update")
    then = play(engine, then, ("withdrawn", "2026-01-31T11:00", "Quinn", {"reason": "The case has closed."}))
    assert then.open_duties() == ()
    assert {duty.closed_by for duty in then.duties if duty.key.endswith("_update")} == {"withdrawn"}


def test_the_week_may_run_from_the_first_update(
    engine: Engine, audit: Audit, clock: Clock, play: Play, southampton: Framework
) -> None:
    other = replace(engine, framework=with_settings(southampton, {"further_update_from": "first_update"}))
    then = play(other, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    then = play(other, then, ("moderated", "2026-01-30T11:00", "Quinn"))
    assert not then.open_duties("further_update")
    then = play(other, then, ("updated", "2026-02-02T11:00", "Sam"))
    assert clock(one(then, "further_update").nominal) == "Mon 2026-02-09 23:59"


def test_a_grade_moderated_upwards_needs_no_urgent_review(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    graded = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    decided = engine.decide(graded, Event("moderated", at("2026-01-30T11:00"), 10, {"grade": "requires_improvement"}))
    assert decided.audit.standing_grade == "requires_improvement"
    assert decided.opened == ()
    assert heard(staff, decided.messages) == [("message", "Mo"), ("message", "Sam")]


def test_what_a_grade_opened_ends_when_the_grade_does_not_stand(engine: Engine, audit: Audit, play: Play) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "good"))
    assert then.open_duties("good_practice")
    then = play(engine, then, ("moderated", "2026-01-30T11:00", "Quinn", {"grade": "inadequate"}))
    assert [duty.closed_by for duty in then.duties if duty.key == "good_practice"] == ["no_longer_applies"]
    assert then.open_duties("urgent_update")
    then = play(engine, then, ("resolved", "2026-02-02T11:00", "Quinn", {"grade": "requires_improvement"}))
    assert not {"urgent_update", "further_update", "reaudit"} & {duty.key for duty in then.open_duties()}


def test_good_work_is_offered_to_the_forum_until_it_meets(
    engine: Engine, staff: Staff, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "outstanding"))
    duty = one(then, "good_practice")
    assert duty.owner_id == staff["Pat"].id
    assert clock(duty.nominal) == "Thu 2026-02-19 15:00"
    assert times(duty, clock, "nudge") == ["Thu 2026-02-12 09:00", "Wed 2026-02-18 09:00"]
    assert heard(staff, engine.advance(then, duty, at("2026-02-19T15:00")).messages) == [("nudge", "Pat")]
    ended = engine.advance(then, duty, at("2026-02-20T09:00"))
    assert ended.lapsed
    assert (clock(ended.duty.closed_at), ended.duty.closed_by) == ("Thu 2026-02-19 23:59", "lapsed")
    assert ended.duty.next_at is None
    assert ended.messages == (), "a reminder of a forum that has met helps nobody"


def test_suspected_neglect_asks_for_a_case_review(engine: Engine, audit: Audit, clock: Clock, play: Play) -> None:
    assert not play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "good")).open_duties("case_review")
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "good", neglect=True))
    assert clock(one(then, "case_review").nominal) == "Mon 2026-02-02 23:59"


def test_a_disagreement_is_settled_with_the_auditor_by_the_sixth(
    engine: Engine, staff: Staff, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    graded = play(engine, audit, *JANUARY, submitted("2026-01-28T10:00", "good"))
    decided = engine.decide(graded, Event("disputed", at("2026-01-29T10:00"), staff["Cass"].id, {"text": "No."}))
    assert clock(one(decided.audit, "dispute").nominal) == "Fri 2026-02-06 23:59"
    assert heard(staff, decided.messages) == [("message", "Mo"), ("message", "Quinn")]
    settled = play(engine, decided.audit, ("resolved", "2026-02-02T10:00", "Mo", {"grade": "outstanding"}))
    assert settled.standing_grade == "outstanding"
    assert settled.grade == "good"
    assert not settled.open_duties("dispute")


# ---- safety


def test_a_safety_concern_reaches_four_people_at_once(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    accepted = play(engine, audit, *JANUARY)
    raised = engine.decide(accepted, Event("safety_raised", at("2026-01-17T23:30"), staff["Mo"].id, {"text": "Help."}))
    alerts = [message for message in raised.messages if message.what == "alert"]
    assert heard(staff, tuple(alerts)) == [
        ("alert", "Petra"),
        ("alert", "Sam"),
        ("alert", "Hana"),
        ("alert", "Dev"),
    ]
    assert all(message.urgent and message.at == at("2026-01-17T23:30") for message in alerts)
    assert {duty.nominal for duty in raised.opened} == {at("2026-01-17T23:45")}
    assert {duty.next_at for duty in raised.opened} == {at("2026-01-17T23:45")}


def test_a_grade_sent_with_a_safety_concern_raises_the_alert(engine: Engine, audit: Audit, at: At, play: Play) -> None:
    accepted = play(engine, audit, *JANUARY)
    sent = {"grade": "good", "safety": True, "safety_text": "Help."}
    decided = engine.decide(accepted, Event("submitted", at("2026-01-20T10:00"), 9, sent))
    assert [event.kind for event in decided.then] == ["safety_raised"]
    assert decided.then[0].values["text"] == "Help."
    again = play(engine, accepted, ("safety_raised", "2026-01-19T10:00", "Mo"))
    assert engine.decide(again, Event("submitted", at("2026-01-20T10:00"), 9, sent)).then == ()


def test_each_of_the_four_answers_for_their_own_alert(engine: Engine, staff: Staff, audit: Audit, play: Play) -> None:
    then = play(engine, audit, *JANUARY, ("safety_raised", "2026-01-16T10:00", "Mo"))
    then = play(engine, then, ("acknowledged", "2026-01-16T10:05", "Sam"))
    open_to = [duty.owner_id for duty in then.open_duties("acknowledge_alert")]
    assert open_to == [staff[name].id for name in ("Petra", "Hana", "Dev")]


def test_an_unanswered_alert_comes_again_and_climbs(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, ("safety_raised", "2026-01-16T10:00", "Mo"))
    duty = then.open_duties("acknowledge_alert")[0]
    assert engine.advance(then, duty, at("2026-01-16T10:14")).messages == ()
    for minute, manager in (("15", "Sam"), ("30", "Hana"), ("45", "Dev")):
        taken = engine.advance(then, duty, at(f"2026-01-16T10:{minute}"))
        assert heard(staff, taken.messages) == [("alert", "Petra"), ("escalation", manager)]
        duty = taken.duty
    climbed = replace(then, duties=tuple(duty if one.ref == duty.ref else one for one in then.duties))
    helped = engine.decide(climbed, Event("acknowledged", at("2026-01-16T10:50"), staff["Hana"].id))
    assert duty.ref in {closed.ref for closed in helped.closed}, "a manager whom it has reached may answer"
    early = engine.decide(then, Event("acknowledged", at("2026-01-16T10:05"), staff["Hana"].id))
    assert duty.ref not in {closed.ref for closed in early.closed}


def test_a_late_alert_tells_every_manager_whom_it_would_have_reached(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, ("safety_raised", "2026-01-16T10:00", "Mo"))
    duty = then.open_duties("acknowledge_alert")[0]
    leap = engine.advance(then, duty, at("2026-01-16T10:50"))
    assert sorted(heard(staff, leap.messages)) == [
        ("alert", "Petra"),
        ("escalation", "Dev"),
        ("escalation", "Hana"),
        ("escalation", "Sam"),
    ]
    second = engine.advance(then, engine.advance(then, duty, at("2026-01-16T10:15")).duty, at("2026-01-16T10:30"))
    assert heard(staff, second.messages) == [("alert", "Petra"), ("escalation", "Hana")], "Sam has heard already"
    last = engine.advance(then, leap.duty, at("2026-01-16T11:30"))
    assert heard(staff, last.messages) == [("alert", "Petra"), ("escalation", "Ruth")], "once, however high it is"


@pytest.mark.parametrize(
    "moments", [("2026-01-17T10:15",), ("2026-01-17T10:00", "2026-01-17T10:15", "2026-01-19T11:00")]
)
@pytest.mark.parametrize("manager", ["Sam", "Hana", "Dev", "Ruth"])
def test_an_alert_of_yesterday_can_still_be_answered_by_whoever_it_climbed_to(
    *, engine: Engine, staff: Staff, audit: Audit, at: At, play: Play, manager: str, moments: tuple[str, ...]
) -> None:
    then = play(engine, audit, *JANUARY, ("safety_raised", "2026-01-16T10:00", "Mo"))
    duty = then.open_duties("acknowledge_alert")[0]
    for moment in moments:
        taken = engine.advance(then, duty, at(moment))
        assert taken.duty.repeats >= duty.repeats, "what has climbed never falls back"
        duty = taken.duty
    assert {"Quinn", "Uma", "Hope"} <= {name for _, name in heard(staff, taken.messages)}
    climbed = replace(then, duties=tuple(duty if one.ref == duty.ref else one for one in then.duties))
    helped = engine.decide(climbed, Event("acknowledged", at("2026-01-19T11:05"), staff[manager].id))
    assert duty.ref in {closed.ref for closed in helped.closed}


def test_an_alert_for_someone_on_leave_is_answered_by_their_cover(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    sam = replace(staff["Sam"], leave_until=date(2026, 1, 30), cover_id=staff["Sol"].id)
    covered = replace(engine, directory=Directory.of([*staff.values(), sam], engine.framework.scopes()))
    accepted = play(covered, audit, *JANUARY)
    raised = covered.decide(accepted, Event("safety_raised", at("2026-01-16T10:00"), staff["Mo"].id))
    assert ("alert", "Sol") in heard(staff, raised.messages)
    then = play(covered, raised.audit, ("acknowledged", "2026-01-16T10:05", "Sol"))
    assert len(then.open_duties("acknowledge_alert")) == 3


def test_two_roles_of_one_person_make_one_alert(engine: Engine, staff: Staff, audit: Audit, play: Play) -> None:
    cass = replace(staff["Cass"], manager_id=staff["Sam"].id)
    people = [person for name, person in staff.items() if name != "Petra"]
    short = replace(engine, directory=Directory.of([*people, cass], engine.framework.scopes()))
    then = play(short, audit, *JANUARY, ("safety_raised", "2026-01-16T10:00", "Mo"))
    open_to = [duty.owner_id for duty in then.open_duties("acknowledge_alert")]
    assert open_to == [staff[name].id for name in ("Sam", "Hana", "Dev")]


# ---- remedial actions


@pytest.mark.parametrize(
    ("grade", "due", "owner", "nominal", "effective"),
    [
        ("requires_improvement", None, "Sam", "Mon 2026-02-23 23:59", "Mon 2026-02-23 23:59"),
        ("inadequate", None, "Sam", "Mon 2026-02-02 23:59", "Mon 2026-02-02 23:59"),
        ("good", None, "Cass", "Mon 2026-02-23 23:59", "Mon 2026-02-23 23:59"),
        ("good", date(2026, 2, 14), "Cass", "Sat 2026-02-14 23:59", "Fri 2026-02-13 23:59"),
        ("inadequate", date(2026, 1, 28), "Sam", "Wed 2026-01-28 23:59", "Wed 2026-01-28 23:59"),
    ],
)
def test_a_remedial_action_has_its_own_day_or_that_of_its_grade(
    *,
    engine: Engine,
    staff: Staff,
    audit: Audit,
    clock: Clock,
    play: Play,
    grade: str,
    due: date | None,
    owner: str,
    nominal: str,
    effective: str,
) -> None:
    action = RemedialAction(1, "Update the chronology", staff["Cass"].id, due)
    duty = one(
        play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", grade, actions=(action,))), "remedial_action"
    )
    assert duty.owner_id == staff[owner].id
    assert (clock(duty.nominal), clock(duty.effective)) == (nominal, effective)


def test_each_action_goes_its_own_way_to_sign_off_and_back(
    engine: Engine, staff: Staff, audit: Audit, clock: Clock, play: Play
) -> None:
    actions = (RemedialAction(1, "Update the chronology", 6), RemedialAction(2, "See the child", 7))
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "requires_improvement", actions=actions))
    assert [duty.action for duty in then.open_duties("remedial_action")] == [1, 2]
    then = play(engine, then, ("confirmed", "2026-02-02T10:00", "Cass", {"action": 1}))
    assert [duty.action for duty in then.open_duties("remedial_action")] == [2]
    assert clock(one(then, "sign_off").nominal) == "Mon 2026-02-09 23:59"
    assert one(then, "sign_off").owner_id == staff["Sam"].id
    then = play(engine, then, ("sent_back", "2026-02-03T10:00", "Sam", {"action": 1, "text": "Nearly."}))
    assert not then.open_duties("sign_off")
    assert sorted(duty.action or 0 for duty in then.open_duties("remedial_action")) == [1, 2]
    then = play(engine, then, ("confirmed", "2026-02-04T10:00", "Cass", {"action": 1}))
    then = play(engine, then, ("signed_off", "2026-02-05T10:00", "Sam", {"action": 1}))
    assert not then.open_duties("sign_off")
    first, second = then.actions
    assert (first.confirmed_by, first.signed_off_by) == (staff["Cass"].id, staff["Sam"].id)
    assert (second.confirmed_by, second.signed_off_by) == (None, None)


@pytest.mark.parametrize(
    ("sent_back", "nominal"),
    [
        ("2026-02-12", "Sat 2026-02-14 23:59"),
        ("2026-02-14", "Sat 2026-02-14 23:59"),
        ("2026-02-16", "Mon 2026-03-16 23:59"),
    ],
)
def test_an_action_sent_back_after_its_day_has_the_time_of_its_grade(
    *, engine: Engine, audit: Audit, clock: Clock, play: Play, sent_back: str, nominal: str
) -> None:
    action = RemedialAction(1, "Update the chronology", 6, date(2026, 2, 14))
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "good", actions=(action,)))
    then = play(engine, then, ("confirmed", "2026-02-11T10:00", "Cass", {"action": 1}))
    then = play(engine, then, ("sent_back", f"{sent_back}T10:00", "Petra", {"action": 1, "text": "Nearly."}))
    assert clock(one(then, "remedial_action").nominal) == nominal


def test_an_action_of_the_moderation_is_added_to_the_others(engine: Engine, audit: Audit, play: Play) -> None:
    first, second = RemedialAction(1, "Update the chronology", 6), RemedialAction(2, "See the child", 7)
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate", actions=(first,)))
    then = play(engine, then, ("moderated", "2026-01-28T10:00", "Quinn", {"actions": (second,)}))
    assert [duty.action for duty in then.open_duties("remedial_action")] == [1, 2]


# ---- changes of hands and of dates


def test_a_declined_audit_waits_with_the_qa_unit_and_keeps_its_dates(
    engine: Engine, staff: Staff, audit: Audit, clock: Clock, play: Play
) -> None:
    handed = {"officer_id": staff["Quinn"].id, "officer_role": "qa_unit", "reason": "I know the family."}
    then = play(engine, audit, JANUARY[0], ("declined", "2026-01-06T09:00", "Mo", handed))
    assert one(then, "complete_audit").owner_id == staff["Quinn"].id
    assert clock(one(then, "complete_audit").nominal) == "Wed 2026-01-28 23:59"
    assert one(then, "reallocate").owner_id == staff["Quinn"].id
    assert clock(one(then, "reallocate").nominal) == "Thu 2026-01-08 23:59"
    assert not then.open_duties("accept")
    to_max = {"to_id": staff["Max"].id, "to_role": "manager", "reason": "Free this month."}
    then = play(engine, then, ("reassigned", "2026-01-07T09:00", "Quinn", to_max))
    assert not then.open_duties("reallocate")
    assert {one(then, key).owner_id for key in ("accept", "complete_audit")} == {staff["Max"].id}
    assert clock(one(then, "complete_audit").nominal) == "Wed 2026-01-28 23:59"
    assert clock(one(then, "accept").nominal) == "Mon 2026-01-12 23:59"


@pytest.mark.parametrize(
    ("until", "effective", "nudges", "overdue"),
    [
        (
            "2026-02-10",
            "Tue 2026-02-10 23:59",
            ["Tue 2026-02-03 09:00", "Fri 2026-02-06 09:00", "Mon 2026-02-09 09:00"],
            "Wed 2026-02-11 09:00",
        ),
        (
            "2026-02-14",
            "Fri 2026-02-13 23:59",
            ["Fri 2026-01-30 09:00", "Fri 2026-02-06 09:00", "Wed 2026-02-11 09:00", "Thu 2026-02-12 09:00"],
            "Mon 2026-02-16 09:00",
        ),
    ],
)
def test_more_time_plans_the_steps_anew(
    *,
    engine: Engine,
    audit: Audit,
    at: At,
    clock: Clock,
    play: Play,
    until: str,
    effective: str,
    nudges: list[str],
    overdue: str,
) -> None:
    then = play(engine, audit, *JANUARY)
    late = engine.advance(then, one(then, "complete_audit"), at("2026-01-27T09:30")).duty
    moved = engine.replan(late, date.fromisoformat(until), at("2026-01-27T10:00"))
    assert clock(moved.effective) == effective
    assert times(moved, clock, "nudge") == nudges
    assert times(moved, clock, "overdue") == [overdue]
    assert (moved.taken, moved.next_at) == (0, moved.steps[0].at)
    then = play(engine, then, ("extended", "2026-01-27T10:00", "Quinn", {"duty": moved, "reason": "sickness"}))
    assert one(then, "complete_audit") == moved


def test_more_time_for_a_reaudit_keeps_the_day_on_which_it_goes_out(
    engine: Engine, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-26T10:00", "inadequate"))
    then = play(engine, then, ("moderated", "2026-01-30T11:00", "Quinn"))
    moved = engine.replan(one(then, "reaudit"), date(2026, 4, 10), at("2026-02-10T10:00"))
    assert [(step.what, clock(step.at)) for step in moved.steps] == [
        ("issue", "Tue 2026-03-03 09:00"),
        ("overdue", "Mon 2026-04-13 09:00"),
    ]
    issued = engine.advance(then, moved, at("2026-03-03T09:00"))
    assert issued.issue
    again = engine.replan(issued.duty, date(2026, 4, 17), at("2026-03-10T10:00"))
    assert [step.what for step in again.steps] == ["overdue"], "it doesn't go out twice"


def test_a_withdrawn_audit_asks_nobody_for_anything(engine: Engine, audit: Audit, at: At, play: Play) -> None:
    then = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    then = play(engine, then, ("safety_raised", "2026-01-12T11:00", "Mo"))
    then = play(engine, then, ("withdrawn", "2026-01-12T12:00", "Quinn", {"reason": "The case has closed."}))
    assert then.withdrawn
    assert then.open_duties() == ()


# ---- steps are frozen


def test_a_changed_framework_does_not_change_an_open_duty(
    engine: Engine, audit: Audit, at: At, clock: Clock, play: Play, southampton: Framework
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-20T10:00", "good"))
    changed = with_settings(
        southampton,
        {
            "oversee": {"nudge": ["-1wd"], "ladder": [{"at": "+4wd", "to": ["edcs"], "what": "overdue"}]},
            "good_practice": {"nudge": []},
        },
    )
    newer = replace(engine, framework=changed)
    duty = one(then, "oversee")
    after = newer.decide(then, Event("disputed", at("2026-01-29T10:00"), 6, {"text": "No."})).audit
    assert one(after, "oversee") == duty
    assert one(after, "good_practice") == one(then, "good_practice")
    for moment in ("2026-01-30T09:00", "2026-02-09T09:00", "2026-02-20T09:00"):
        assert newer.advance(then, duty, at(moment)) == engine.advance(then, duty, at(moment))
    fresh = play(newer, audit, *JANUARY, submitted("2026-01-20T10:00", "good"))
    assert times(one(fresh, "oversee"), clock, "nudge") == ["Thu 2026-02-05 09:00"]


def test_a_duty_that_a_new_framework_no_longer_has_is_still_told_of(
    engine: Engine, audit: Audit, at: At, play: Play, southampton: Framework
) -> None:
    then = play(engine, audit, *JANUARY, submitted("2026-01-20T10:00", "good"))
    without = {key: rule for key, rule in southampton.duties.items() if key != "oversee"}
    newer = replace(engine, framework=southampton.model_copy(update={"duties": without}))
    was, now = (
        one_engine.advance(then, one(then, "oversee"), at("2026-02-20T09:00")) for one_engine in (engine, newer)
    )
    assert [message.key for message in now.messages] == [message.key for message in was.messages]
    assert now.duty == was.duty


def test_a_late_duty_rests_for_five_working_days_once_a_manager_has_it(
    engine: Engine, staff: Staff, audit: Audit, at: At, clock: Clock, play: Play
) -> None:
    then = play(engine, audit, *JANUARY)
    late = engine.advance(then, one(then, "complete_audit"), at("2026-01-29T09:00")).duty
    resting = engine.taken_up(late, at("2026-01-29T11:00"))
    assert clock(resting.next_at) == "Thu 2026-02-05 09:00"
    assert (resting.nominal, resting.effective) == (late.nominal, late.effective)
    then = play(engine, then, ("taken_up", "2026-01-29T11:00", "Sam", {"duties": {late.ref: resting}}))
    assert engine.advance(then, one(then, "complete_audit"), at("2026-02-04T17:00")).messages == ()
    again = engine.advance(then, one(then, "complete_audit"), at("2026-02-05T09:00"))
    assert heard(staff, again.messages) == [("escalation", "Mo"), ("escalation", "Sam"), ("escalation", "Hana")]


# ---- who hears, and who doesn't


def test_what_is_overdue_climbs_to_the_head_of_service(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    then = play(engine, audit, *JANUARY)
    duty = one(then, "complete_audit")
    told = []
    for day in ("2026-01-27", "2026-01-28", "2026-01-29", "2026-02-02", "2026-02-05"):
        taken = engine.advance(then, duty, at(f"{day}T09:00"))
        duty = taken.duty
        told.append(heard(staff, taken.messages))
    assert told == [
        [("nudge", "Mo")],
        [],
        [("overdue", "Mo"), ("overdue", "Sam")],
        [("escalation", "Hana")],
        [("escalation", "Hana")],
    ]
    assert duty.next_at is None
    assert duty.is_open


def test_after_a_week_down_the_nudges_are_one_and_the_escalations_all_there(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    then = play(engine, audit, *JANUARY)
    duty = one(then, "complete_audit")
    assert heard(staff, engine.advance(then, duty, at("2026-01-28T09:00")).messages) == [("nudge", "Mo")]
    late = engine.advance(then, duty, at("2026-02-06T09:00"))
    assert heard(staff, late.messages) == [
        ("overdue", "Mo"),
        ("overdue", "Sam"),
        ("escalation", "Hana"),
        ("escalation", "Hana"),
    ]


def test_one_person_in_two_roles_hears_once(engine: Engine, staff: Staff, audit: Audit, at: At, play: Play) -> None:
    """The auditor's manager is also the holder's Service Lead; a press isn't told to who pressed."""
    graded = engine.decide(
        play(engine, audit, *JANUARY), Event("submitted", at("2026-01-20T10:00"), 9, {"grade": "good"})
    )
    told = [name for _, name in heard(staff, graded.messages)]
    assert "Mo" not in told
    assert told.count("Sam") == 1


def test_the_copy_to_the_service_lead_carries_the_request_for_oversight(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    graded = engine.decide(
        play(engine, audit, *JANUARY), Event("submitted", at("2026-01-20T10:00"), 9, {"grade": "good"})
    )
    (copy,) = [message for message in graded.messages if message.notice == "copy"]
    assert copy.to_id == staff["Sam"].id
    assert copy.duty_ref == one(graded.audit, "oversee").ref
    assert copy.text == "Mo has completed the audit of K-1."


def test_every_request_names_its_rule(engine: Engine, staff: Staff, audit: Audit, at: At, play: Play) -> None:
    action = RemedialAction(1, "Update the chronology", staff["Cass"].id)
    decided: list[Decision] = [engine.decide(audit, Event("allocated", at("2026-01-05T09:00")))]
    sent = {"grade": "inadequate", "actions": (action,), "neglect": True, "safety": True}
    decided.append(engine.decide(decided[-1].audit, Event("submitted", at("2026-01-26T10:00"), 9, sent)))
    decided.append(engine.decide(decided[-1].audit, decided[-1].then[0]))
    decided.append(engine.decide(decided[-1].audit, Event("moderated", at("2026-01-28T10:00"), 10)))
    for message in (message for one in decided for message in one.messages):
        assert message.rule, message
        assert all(rule.startswith("SOU-") for rule in message.rule)


def test_a_duty_without_an_owner_tells_nobody_and_does_no_harm(
    engine: Engine, audit: Audit, at: At, play: Play
) -> None:
    empty = replace(engine, directory=Directory.of([], engine.framework.scopes()))
    then = play(empty, audit, ("allocated", "2026-01-05T09:00", None))
    duty = one(then, "complete_audit")
    assert duty.owner_id is None
    assert empty.advance(then, duty, at("2026-03-01T09:00")).messages == ()


def test_steps_stand_in_order_of_time(engine: Engine, audit: Audit, at: At, play: Play) -> None:
    actions = (RemedialAction(1, "Update the chronology", 6),)
    then = play(engine, audit, *JANUARY, ("booked", "2026-01-07T09:00", "Mo", {"at": at("2026-01-12T10:00")}))
    then = play(engine, then, submitted("2026-01-26T10:00", "inadequate", actions=actions, neglect=True, safety=True))
    then = play(engine, then, ("moderated", "2026-01-28T10:00", "Quinn"), ("disputed", "2026-01-28T11:00", "Cass"))
    for duty in then.duties:
        assert [step.at for step in duty.steps] == sorted(step.at for step in duty.steps)
        assert all(isinstance(step, Step) and step.at > duty.opened_at for step in duty.steps), duty.key
