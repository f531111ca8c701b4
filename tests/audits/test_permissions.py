"""Who may press what at Southampton, when it is too early, and who may see a grade."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from audits.consistency.words import KINDS_OF_EVENT
from audits.engine import Engine
from audits.events import EVENTS
from audits.frameworks import framework_named, shipped
from audits.people import Directory, Person
from audits.permissions import RULED_BY, gate, is_qa, may, out_of_order, sees_grade
from audits.state import Audit, RemedialAction

Staff = Mapping[str, Person]
At = Callable[[str], datetime]
Play = Callable[..., Audit]

ALLOCATED = (("allocated", "2026-01-05T09:00", None),)
ACCEPTED = (*ALLOCATED, ("accepted", "2026-01-06T09:00", "Mo"))
ACTIONS = (RemedialAction(1, "Update the chronology", 6), RemedialAction(2, "See the child", 7))
SUBMITTED = (
    *ACCEPTED,
    ("held", "2026-01-16T09:00", "Mo"),
    ("submitted", "2026-01-20T09:00", "Mo", {"grade": "requires_improvement", "actions": ACTIONS, "neglect": True}),
)
GOOD = (*ACCEPTED, ("held", "2026-01-16T09:00", "Mo"), ("submitted", "2026-01-20T09:00", "Mo", {"grade": "good"}))
OVERSEEN = (*SUBMITTED, ("overseen", "2026-01-22T09:00", "Sam"))
DISPUTED = (*SUBMITTED, ("disputed", "2026-01-22T09:00", "Cass"))
CONFIRMED = (*SUBMITTED, ("confirmed", "2026-01-22T09:00", "Cass", {"action": 1}))
INADEQUATE = (*ACCEPTED, ("submitted", "2026-01-20T09:00", "Mo", {"grade": "inadequate", "actions": ACTIONS}))
MODERATED = (*INADEQUATE, ("moderated", "2026-01-22T09:00", "Quinn"))
ALERTED = (*ACCEPTED, ("safety_raised", "2026-01-16T09:00", "Mo"))
PROPOSED = (*ACCEPTED, ("proposed", "2026-01-07T09:00", "Mo", {"at": datetime(2026, 1, 12, 10, tzinfo=UTC)}))
BOOKED = (*PROPOSED, ("booked", "2026-01-08T09:00", "Cass", {"at": datetime(2026, 1, 12, 10, tzinfo=UTC)}))
DECLINED = (*ALLOCATED, ("declined", "2026-01-06T09:00", "Mo", {"officer_id": 10, "reason": "I know the family."}))
REASSIGNED = (*ACCEPTED, ("reassigned", "2026-01-07T09:00", "Quinn", {"to_id": 16, "reason": "sickness"}))

NOW = "2026-01-23T10:00"
QA = {"Quinn", "Uma", "Hope"}


@pytest.mark.parametrize(
    ("events", "verb", "allowed"),
    [
        (ALLOCATED, "accept", {"Mo"}),
        (ALLOCATED, "decline", {"Mo"}),
        (ACCEPTED, "book", {"Mo", "Cass"}),
        (ACCEPTED, "agree", {"Mo", "Cass"}),
        (ACCEPTED, "hold", {"Mo"}),
        (ACCEPTED, "not_hold", {"Mo"}),
        (ACCEPTED, "submit", {"Mo"}),
        (ACCEPTED, "safety", {"Mo", "Cass", "Petra", "Sam", "Quinn"}),
        (ACCEPTED, "reassign", QA),
        (ACCEPTED, "extend", QA),
        (PROPOSED, "agree", {"Mo", "Cass"}),
        (PROPOSED, "hold", {"Mo"}),
        (PROPOSED, "not_hold", {"Mo"}),
        (PROPOSED, "submit", {"Mo"}),
        (PROPOSED, "decline", {"Mo"}),
        (BOOKED, "submit", {"Mo"}),
        (DECLINED, "submit", {"Quinn"}),
        (SUBMITTED, "oversee", {"Sam"}),
        (OVERSEEN, "record", {"Mo"}),
        (SUBMITTED, "dispute", {"Cass", "Petra", "Sam"}),
        (DISPUTED, "resolve", {"Mo", "Quinn", "Uma"}),
        (INADEQUATE, "moderate", QA),
        (MODERATED, "update", {"Sam", "Hana"}),
        (SUBMITTED, "consider", QA),
        (GOOD, "offer", {"Pat", "Pia", "Quinn"}),
        (CONFIRMED, "sign_off", {"Petra", "Sam", "Hana"}),
        (CONFIRMED, "send_back", {"Petra", "Sam", "Hana"}),
        (ALERTED, "acknowledge", {"Petra", "Sam", "Hana", "Dev", "Ruth", *QA}),
        (SUBMITTED, "dance", set()),
    ],
)
def test_a_verb_is_for_these_people_and_nobody_else(
    *,
    engine: Engine,
    staff: Staff,
    audit: Audit,
    at: At,
    play: Play,
    events: tuple[object, ...],
    verb: str,
    allowed: set[str],
) -> None:
    then = play(engine, audit, *events)
    assert {name for name, person in staff.items() if may(engine, then, verb, person, at(NOW))} == allowed


@pytest.mark.parametrize(
    "events",
    [ALLOCATED, ACCEPTED, PROPOSED, BOOKED, DECLINED, SUBMITTED, DISPUTED, CONFIRMED, MODERATED, GOOD, ALERTED],
)
@pytest.mark.parametrize("verb", ["withdraw", "reassign", "extend"])
def test_what_closes_a_duty_from_outside_is_not_for_its_owner(
    *, engine: Engine, staff: Staff, audit: Audit, at: At, play: Play, events: tuple[object, ...], verb: str
) -> None:
    then = play(engine, audit, *events)
    assert then.open_duties()
    assert {name for name, person in staff.items() if may(engine, then, verb, person, at(NOW))} == QA


@pytest.mark.parametrize(("action", "allowed"), [(1, {"Cass", "Sam"}), (2, {"Cem", "Sam"})])
def test_an_action_is_confirmed_by_who_has_it_or_the_service_lead(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play, action: int, allowed: set[str]
) -> None:
    then = play(engine, audit, *SUBMITTED)
    found = {name for name, person in staff.items() if may(engine, then, "confirm", person, at(NOW), action)}
    assert found == allowed


@pytest.mark.parametrize("name", shipped())
def test_a_framework_rules_no_verb_that_the_bot_lacks(name: str) -> None:
    assert set(framework_named(name).verbs) <= {RULED_BY.get(verb, verb) for verb in EVENTS}


def test_every_event_of_the_bot_may_stand_in_a_framework() -> None:
    assert set(EVENTS.values()) <= KINDS_OF_EVENT


def test_someone_from_another_area_may_not_oversee_unless_they_stand_in(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    then = play(engine, audit, *SUBMITTED)
    assert not may(engine, then, "oversee", staff["Sol"], at(NOW))
    sam = replace(staff["Sam"], leave_until=date(2026, 1, 30), cover_id=staff["Sol"].id)
    covered = replace(engine, directory=Directory.of([*staff.values(), sam], engine.framework.scopes()))
    assert may(covered, then, "oversee", staff["Sol"], at(NOW))
    assert may(covered, then, "oversee", sam, at(NOW)), "who answers from leave is not turned away"
    assert not may(covered, then, "oversee", staff["Sol"], at("2026-02-02T10:00")), "the leave is over"


def test_any_officer_of_the_qa_unit_may_moderate_whoever_was_asked(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    rosa = replace(staff["Quinn"], id=50, name="Rosa")
    larger = replace(engine, directory=Directory.of([*staff.values(), rosa], engine.framework.scopes()))
    then = play(larger, audit, *INADEQUATE)
    assert then.open_duties("moderate")[0].owner_id == staff["Quinn"].id
    assert may(larger, then, "moderate", rosa, at(NOW))


def test_who_has_left_may_do_nothing(engine: Engine, staff: Staff, audit: Audit, at: At, play: Play) -> None:
    then = play(engine, audit, *MODERATED)
    for person in staff.values():
        gone = replace(person, active=False)
        assert not any(may(engine, then, verb, gone, at(NOW)) for verb in EVENTS)
        assert not is_qa(engine, gone)


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [("2026-01-28T12:00", set()), ("2026-01-29T09:00", {"Sam", "Hana", "Dev", "Ruth"} | QA)],
)
def test_what_is_late_may_be_taken_up_by_those_above_and_by_quality_assurance(
    *, engine: Engine, staff: Staff, audit: Audit, at: At, play: Play, moment: str, allowed: set[str]
) -> None:
    then = play(engine, audit, *ACCEPTED, ("held", "2026-01-16T09:00", "Mo"))
    assert {name for name, person in staff.items() if may(engine, then, "take_up", person, at(moment))} == allowed


def test_the_audit_goes_with_its_new_auditor(engine: Engine, staff: Staff, audit: Audit, at: At, play: Play) -> None:
    handed = ("reassigned", "2026-01-07T09:00", "Quinn", {"to_id": 16, "to_role": "manager", "reason": "sickness"})
    then = play(engine, audit, *ACCEPTED, handed)
    assert may(engine, then, "accept", staff["Max"], at(NOW))
    assert may(engine, then, "submit", staff["Max"], at(NOW))
    assert not may(engine, then, "accept", staff["Mo"], at(NOW))
    assert not may(engine, then, "submit", staff["Mo"], at(NOW))


def test_a_strange_practitioner_may_not_touch_the_audit_at_all(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Play
) -> None:
    for events in (ALLOCATED, ACCEPTED, SUBMITTED, OVERSEEN, DISPUTED, CONFIRMED, MODERATED, ALERTED):
        then = play(engine, audit, *events)
        for name in ("Sid", "Ola"):
            assert not [verb for verb in EVENTS if may(engine, then, verb, staff[name], at(NOW))]


@pytest.mark.parametrize(
    ("events", "verb", "words"),
    [
        (ACCEPTED, "oversee", "not been completed yet"),
        (SUBMITTED, "oversee", None),
        (SUBMITTED, "record", "Service Lead's oversight comes first"),
        (OVERSEEN, "record", None),
        (ACCEPTED, "dispute", "talk to the auditor directly"),
        (SUBMITTED, "resolve", "nothing to settle"),
        (DISPUTED, "resolve", None),
        (ACCEPTED, "moderate", "once the auditor has sent the grade"),
        (INADEQUATE, "moderate", None),
        (INADEQUATE, "update", "No update is being asked for"),
        (MODERATED, "update", None),
        (ACCEPTED, "confirm", "no actions yet"),
        (ACCEPTED, "sign_off", "no actions yet"),
        (ACCEPTED, "acknowledge", "No safety alert is open"),
        (ALERTED, "acknowledge", None),
        (ALLOCATED, "submit", None),
        (ALLOCATED, "dance", None),
    ],
)
def test_a_gate_says_what_to_do_instead(
    engine: Engine, audit: Audit, play: Play, events: tuple[object, ...], verb: str, words: str | None
) -> None:
    refusal = gate(engine, play(engine, audit, *events), verb)
    if words is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert words in refusal


def test_every_gate_has_words(engine: Engine) -> None:
    for name, verb in engine.framework.verbs.items():
        assert not verb.needs or len(verb.refusal) > 20, name


@pytest.mark.parametrize(
    ("events", "verb", "missing"),
    [
        (ALLOCATED, "submit", ("accepted", "held")),
        (ACCEPTED, "submit", ("held",)),
        ((*ACCEPTED, ("held", "2026-01-16T09:00", "Mo")), "submit", ()),
        (ALLOCATED, "book", ("accepted",)),
        (ALLOCATED, "agree", ("accepted",)),
        (ALLOCATED, "accept", ()),
        (ALLOCATED, "dance", ()),
    ],
)
def test_the_ordinary_order_is_known(
    engine: Engine, audit: Audit, play: Play, events: tuple[object, ...], verb: str, missing: tuple[str, ...]
) -> None:
    assert out_of_order(engine, play(engine, audit, *events), verb) == missing


@pytest.mark.parametrize(
    ("events", "seen_by"),
    [
        (SUBMITTED, {"Mo", "Cass", "Petra", "Sam", "Hana", "Dev", "Ruth"} | QA),
        (MODERATED, {"Mo", "Cass", "Petra", "Sam", "Hana", "Dev", "Ruth"} | QA),
        (GOOD, {"Mo", "Cass", "Petra", "Sam", "Hana", "Dev", "Ruth", "Pat"} | QA),
    ],
)
def test_a_grade_is_seen_by_those_it_is_about_or_who_answer_for_it(
    engine: Engine, staff: Staff, audit: Audit, play: Play, events: tuple[object, ...], seen_by: set[str]
) -> None:
    then = play(engine, audit, *events)
    assert {name for name, person in staff.items() if sees_grade(engine, then, person)} == seen_by


def test_who_hands_an_audit_on_does_not_see_its_grade(engine: Engine, staff: Staff, audit: Audit, play: Play) -> None:
    graded = ("submitted", "2026-01-20T09:00", "Max", {"grade": "good"})
    then = play(engine, audit, *REASSIGNED, ("accepted", "2026-01-08T09:00", "Max"), graded)
    assert sees_grade(engine, then, staff["Max"])
    assert not sees_grade(engine, then, staff["Mo"])
    outside = replace(staff["Ola"], id=50, name="Ines")
    larger = replace(engine, directory=Directory.of([*staff.values(), outside], engine.framework.scopes()))
    first = replace(audit, auditor_id=outside.id)
    assert not sees_grade(larger, play(larger, first, *DECLINED, graded), outside)


@pytest.mark.parametrize(("by", "sees"), [("Sol", True), ("Sam", False)])
def test_a_cover_sees_the_grade_of_what_is_theirs_to_do_or_was_done_by_them(
    *, engine: Engine, staff: Staff, audit: Audit, play: Play, by: str, sees: bool
) -> None:
    sam = replace(staff["Sam"], leave_until=date(2026, 1, 21), cover_id=staff["Sol"].id)
    covered = replace(engine, directory=Directory.of([*staff.values(), sam], engine.framework.scopes()))
    then = play(covered, audit, *GOOD)
    assert then.open_duties("oversee")[0].owner_id == staff["Sol"].id
    assert sees_grade(covered, then, staff["Sol"])
    done = play(covered, then, ("overseen", "2026-01-22T09:00", by))
    assert sees_grade(covered, done, staff["Sol"]) is sees


def test_quality_assurance_is_three_roles_at_southampton(engine: Engine, staff: Staff) -> None:
    assert {name for name, person in staff.items() if is_qa(engine, person)} == QA
