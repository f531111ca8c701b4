"""What of a card may leave the place it was made for."""

from dataclasses import fields, replace
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.calendar import WorkCalendar
from cards.card import Bars, Card, Download, Fact, Table, Tone, Why
from cards.discretion import case_of, discreet
from cards.stored import to_json
from cards.wording import due_words, moment_words

GRADES = ("Outstanding", "Good", "Requires improvement", "Inadequate")
CALENDAR = WorkCalendar()
DUE = CALENDAR.moment(date(2026, 4, 2), time(17, 0))
EASTER = CALENDAR.moment(date(2026, 4, 6), time(17, 0))
CASE = Fact("Case", "K7F-204, child protection plan")


def facts_of(*facts: Fact, tone: Tone = Tone.ASK) -> list[tuple[str, str]]:
    kept = discreet(Card(title="A card", facts=facts, tone=tone), GRADES)
    return [(fact.label, fact.value) for fact in kept.facts]


@pytest.mark.parametrize(
    "words", [moment_words(DUE, CALENDAR), due_words(DUE, DUE, CALENDAR), due_words(DUE, EASTER, CALENDAR)]
)
def test_days_and_moments_go_as_every_card_writes_them(words: str) -> None:
    assert facts_of(Fact("Answer by", words)) == [("Answer by", words)]


@pytest.mark.parametrize(
    "fact",
    [
        Fact("Grade", "▲ Good"),
        Fact("Action 1", "See the child alone by Thu 2 Apr 2026"),
        Fact("Action 1", "Thu 2 Apr 2026\nSee the child alone"),
        Fact("Completed", "Thu 2 Apr 2026, by Carol Crane"),
        Fact("Moderation", "I agree."),
        Fact("Practitioner", "Alice Avocet (Red)"),
        Fact("The case", "K7F-204"),
    ],
)
def test_any_other_fact_stays(fact: Fact) -> None:
    assert facts_of(fact) == []


@pytest.mark.parametrize("label", ["Case", "Case (audited again)"])
def test_a_case_goes_without_its_plan(label: str) -> None:
    assert facts_of(Fact(label, CASE.value)) == [(label, "K7F-204")]
    assert case_of(Card(title="A card", facts=(Fact(label, CASE.value),))) == "K7F-204"


def test_a_card_without_a_case_is_about_none() -> None:
    assert case_of(Card(title="3 reminders for you")) == ""


def test_a_safety_alert_names_whom_to_ring_and_not_what_happened() -> None:
    ring = (Fact("Practitioner", "Alice Avocet (Red)"), Fact("Auditor", "Carol Crane"), Fact("Raised", "at 9, by Dan"))
    kept = discreet(
        Card("Safety alert: K7F-204", ("Left alone.",), Tone.ALERT, (CASE, *ring, Fact("Bob", "has it"))), GRADES
    )
    assert kept.facts == (Fact("Case", "K7F-204"), *ring)
    assert kept.text == ()
    assert kept.tone is Tone.ALERT


@pytest.mark.parametrize(
    "title", ["An Inadequate audit", "It REQUIRES-IMPROVEMENT", "graded requires\nimprovement", "Good!"]
)
def test_a_title_that_names_a_grade_is_replaced(title: str) -> None:
    assert discreet(Card(title=title, tone=Tone.LATE), GRADES).title == "Overdue"


@pytest.mark.parametrize("title", ["Goodwill visits", "An adequate title", "Your grade for K7F-204"])
def test_a_title_that_names_none_stays(title: str) -> None:
    assert discreet(Card(title=title), GRADES).title == title


def test_a_reason_and_its_place_go_unless_they_name_a_grade() -> None:
    why = Why("An Inadequate audit is looked at twice.", "Framework, 3", ("SOU-1",))
    assert discreet(Card("A card", why=why), GRADES).why == Why("", "Framework, 3", ("SOU-1",))
    placed = Why("So that it is done.", "Framework, Inadequate cases", ("SOU-1",))
    assert discreet(Card("A card", why=placed), GRADES).why == Why("So that it is done.", "", ("SOU-1",))


def test_a_list_of_reminders_goes_as_cases_and_days() -> None:
    table = Table(
        "What is waiting",
        ("What", "Case", "When"),
        (("An Inadequate case (with Alice)", "K7F-204", "was due Thu 2 Apr 2026"), ("x", "B2D-118", "any words")),
    )
    assert discreet(Card("2 reminders for you", table=table), GRADES).table == Table(
        "What is waiting", ("Case", "When"), (("K7F-204", "was due Thu 2 Apr 2026"), ("B2D-118", ""))
    )


def test_any_other_table_stays() -> None:
    table = Table("Audits not completed", ("Auditor", "How many", "Months"), (("Carol Crane", "2", "January"),))
    assert discreet(Card("A list", table=table), GRADES).table is None


def test_only_invitations_go_with_it() -> None:
    invitation = Download("Add to your calendar", "audit.ics", "text/calendar; charset=utf-8", b"BEGIN:VCALENDAR")
    report = Download("The audit", "audit.pdf", "application/pdf", b"%PDF")
    assert discreet(Card("A card", downloads=(report, invitation)), GRADES).downloads == (invitation,)


@given(st.from_type(Card))
@settings(max_examples=30)
def test_what_is_not_on_the_list_makes_no_difference(card: Card) -> None:
    """A part of a card that nobody has thought of stays, because nothing is read but what is on the list."""
    listed = {"title", "tone", "facts", "table", "why", "downloads"}
    empty: dict[str, Any] = {"text": (), "bars": None, "inputs": (), "actions": (), "error": ""}
    assert listed | set(empty) == {field.name for field in fields(Card)}
    assert to_json(discreet(card, GRADES)) == to_json(discreet(replace(card, **empty), GRADES))


def test_a_chart_stays() -> None:
    assert discreet(Card("How things stand", bars=Bars("Grades", (("Good", 3),))), GRADES).bars is None
