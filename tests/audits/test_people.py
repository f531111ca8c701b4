"""Who is asked: managers, leave and cover, vacancies, and organisations that aren't tidy."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.engine import Engine
from audits.messages import Message
from audits.people import Directory, Person, RoleScope
from audits.state import Audit, Event

TODAY = date(2026, 3, 2)
Staff = Mapping[str, Person]
At = Callable[[str], datetime]


def directory(engine: Engine, staff: Staff, **changed: Person | None) -> Directory:
    """The service with these people changed, or (None) not on the books at all."""
    people = {**staff, **changed}
    return Directory.of([person for person in people.values() if person is not None], engine.framework.scopes())


def away(person: Person, cover: Person | None = None) -> Person:
    until = date(2026, 3, 13)
    return replace(person, leave_from=date(2026, 2, 23), leave_until=until, cover_id=cover.id if cover else None)


def names(people: tuple[Person, ...]) -> list[str]:
    return [person.name for person in people]


@pytest.mark.parametrize(
    ("day", "is_away"),
    [("2026-02-22", False), ("2026-02-23", True), ("2026-03-13", True), ("2026-03-14", False)],
)
def test_the_last_day_of_leave_is_a_day_away(staff: Staff, day: str, is_away: bool) -> None:
    assert away(staff["Sam"]).away(date.fromisoformat(day)) is is_away


def test_leave_without_a_first_day_has_begun(staff: Staff) -> None:
    assert replace(staff["Sam"], leave_until=date(2026, 3, 2)).away(TODAY)
    assert not staff["Sam"].away(TODAY)


def test_the_line_of_management_goes_up_to_the_top(engine: Engine, staff: Staff) -> None:
    assert names(engine.directory.line_of(staff["Cass"])) == ["Petra", "Sam", "Hana", "Dev", "Ruth"]


def test_a_person_with_no_manager_has_nobody_above(engine: Engine, staff: Staff) -> None:
    assert engine.directory.manager_of(staff["Ruth"]) is None
    assert engine.directory.line_of(staff["Ruth"]) == ()
    assert engine.directory.stand_in(away(staff["Ruth"]), TODAY).name == "Ruth"


def test_a_manager_who_has_left_is_passed_over(engine: Engine, staff: Staff) -> None:
    service = directory(engine, staff, Petra=replace(staff["Petra"], active=False))
    assert names(service.line_of(staff["Cass"])) == ["Sam", "Hana", "Dev", "Ruth"]


def test_a_circle_of_managers_ends_where_it_closes(engine: Engine, staff: Staff) -> None:
    service = directory(engine, staff, Hana=replace(staff["Hana"], manager_id=staff["Cass"].id))
    assert names(service.line_of(staff["Cass"])) == ["Petra", "Sam", "Hana"]
    found = service.holder("deputy_director", staff["Cass"], TODAY)
    assert found is not None
    assert found.person.name == "Dev"


def test_someone_who_is_their_own_manager_has_none(staff: Staff) -> None:
    own = replace(staff["Ruth"], manager_id=staff["Ruth"].id)
    assert Directory.of([own], {}).manager_of(own) is None


def test_a_circle_of_people_who_have_left_is_no_line(staff: Staff) -> None:
    one = replace(staff["Sam"], manager_id=staff["Hana"].id, active=False)
    other = replace(staff["Hana"], manager_id=staff["Sam"].id, active=False)
    asked = replace(staff["Petra"], manager_id=staff["Sam"].id)
    assert Directory.of([one, other, asked], {}).line_of(asked) == ()


def test_leave_goes_to_the_cover(engine: Engine, staff: Staff) -> None:
    service = directory(engine, staff, Sam=away(staff["Sam"], staff["Sol"]))
    found = service.holder("service_lead", staff["Cass"], TODAY)
    assert found is not None
    assert found.person.name == "Sol"
    assert found.standing_in_for is not None
    assert found.standing_in_for.name == "Sam"
    assert found.vacant == ()


def test_leave_without_cover_goes_to_the_nearest_manager_at_work(engine: Engine, staff: Staff) -> None:
    service = directory(engine, staff, Petra=away(staff["Petra"]), Sam=away(staff["Sam"]))
    found = service.holder("practice_manager", staff["Cass"], TODAY)
    assert found is not None
    assert found.person.name == "Hana"


@pytest.mark.parametrize("cover", ["Sol", "Petra"])
def test_a_cover_who_is_away_or_has_left_is_no_cover(engine: Engine, staff: Staff, cover: str) -> None:
    gone = away(staff["Sol"]) if cover == "Sol" else replace(staff["Petra"], active=False)
    service = directory(engine, staff, Sam=away(staff["Sam"], staff[cover]), **{cover: gone})
    found = service.holder("service_lead", staff["Cass"], TODAY)
    assert found is not None
    assert found.person.name == "Hana"


def test_after_the_leave_the_person_is_asked_again(engine: Engine, staff: Staff) -> None:
    service = directory(engine, staff, Sam=away(staff["Sam"], staff["Sol"]))
    found = service.holder("service_lead", staff["Cass"], date(2026, 3, 16))
    assert found is not None
    assert found.person.name == "Sam"
    assert found.standing_in_for is None


@pytest.mark.parametrize("gone", [True, False])
def test_a_role_that_nobody_holds_climbs_to_the_role_above(engine: Engine, staff: Staff, gone: bool) -> None:
    left = None if gone else replace(staff["Petra"], active=False)
    cass = replace(staff["Cass"], manager_id=staff["Sam"].id)
    found = directory(engine, staff, Petra=left, Cass=cass).holder("practice_manager", cass, TODAY)
    assert found is not None
    assert found.person.name == "Sam"
    assert found.vacant == ("practice_manager",)


def test_two_vacancies_climb_twice(engine: Engine, staff: Staff) -> None:
    cass = replace(staff["Cass"], manager_id=staff["Hana"].id)
    found = directory(engine, staff, Petra=None, Sam=None, Cass=cass).holder("practice_manager", cass, TODAY)
    assert found is not None
    assert found.person.name == "Hana"
    assert found.vacant == ("practice_manager", "service_lead")


def test_nobody_is_found_where_nobody_is_left(staff: Staff) -> None:
    roles = {"a": RoleScope("A", "b"), "b": RoleScope("B", "a")}
    assert Directory.of([staff["Cass"]], roles).holder("a", staff["Cass"], TODAY) is None


def test_a_role_of_the_line_is_not_borrowed_from_another_area(engine: Engine, staff: Staff) -> None:
    found = engine.directory.holder("service_lead", staff["Sid"], TODAY)
    assert found is not None
    assert found.person.name == "Sol"
    without_a_lead = directory(engine, staff, Sam=None, Petra=replace(staff["Petra"], manager_id=staff["Hana"].id))
    found = without_a_lead.holder("service_lead", staff["Cass"], TODAY)
    assert found is not None
    assert found.person.name == "Hana"


def test_a_manager_outside_the_line_is_found_by_service_area(engine: Engine, staff: Staff) -> None:
    cass = replace(staff["Cass"], manager_id=None)
    found = directory(engine, staff, Cass=cass).holder("service_lead", cass, TODAY)
    assert found is not None
    assert found.person.name == "Sam"


def test_a_case_without_a_practitioner_goes_by_its_service_area(engine: Engine) -> None:
    found = engine.directory.holder("service_lead", None, TODAY, area="south")
    assert found is not None
    assert found.person.name == "Sol"


def test_a_council_role_with_two_holders_goes_to_one_who_is_at_work(engine: Engine, staff: Staff) -> None:
    second = replace(staff["Quinn"], id=50, name="Rosa")
    service = directory(engine, staff, Quinn=away(staff["Quinn"]), Rosa=second)
    found = service.holder("qa_unit", staff["Cass"], TODAY)
    assert found is not None
    assert found.person.name == "Rosa"


def test_a_vacancy_is_told_to_the_qa_officer_once(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Callable[..., Audit]
) -> None:
    cass = replace(staff["Cass"], manager_id=staff["Hana"].id)
    service = replace(engine, directory=directory(engine, staff, Sam=None, Cass=cass))
    submitted = play(service, audit, ("allocated", "2026-01-05T09:00", None), ("accepted", "2026-01-06T09:00", "Mo"))
    first = service.decide(submitted, Event("submitted", at("2026-01-20T10:00"), 9, {"grade": "inadequate"}))
    oversight = first.audit.open_duties("oversee")[0]
    assert oversight.owner_id == staff["Hana"].id
    assert oversight.vacant == ("service_lead",)
    told = _vacancies(first.messages)
    assert [(message.to_id, "Service Lead" in message.text) for message in told] == [(staff["Quinn"].id, True)]
    second = service.decide(first.audit, Event("moderated", at("2026-01-22T10:00"), 10))
    assert {message.key for message in _vacancies(second.messages)} == {told[0].key}


def _vacancies(messages: tuple[Message, ...]) -> list[Message]:
    return [message for message in messages if message.notice == "vacancy"]


def test_the_manager_who_is_told_of_what_is_overdue_may_be_a_stand_in(
    engine: Engine, staff: Staff, audit: Audit, at: At, play: Callable[..., Audit]
) -> None:
    sam = replace(staff["Sam"], leave_until=date(2026, 2, 10), cover_id=staff["Sol"].id)
    service = replace(engine, directory=directory(engine, staff, Sam=sam))
    allocated = play(service, audit, ("allocated", "2026-01-05T09:00", None))
    duty = allocated.open_duties("complete_audit")[0]
    told = service.advance(allocated, duty, at("2026-01-29T09:00")).messages
    assert [(message.what, message.to_id) for message in told] == [("overdue", 9), ("overdue", staff["Sol"].id)]


def test_an_auditor_on_leave_keeps_the_audit_and_one_who_has_left_does_not(
    engine: Engine, staff: Staff, audit: Audit, play: Callable[..., Audit]
) -> None:
    on_leave = replace(staff["Mo"], leave_until=date(2026, 1, 31), cover_id=staff["Max"].id)
    for changed, owner in ((on_leave, "Mo"), (replace(staff["Mo"], active=False), "Sam")):
        service = replace(engine, directory=directory(engine, staff, Mo=changed))
        allocated = play(service, audit, ("allocated", "2026-01-05T09:00", None))
        assert allocated.open_duties("complete_audit")[0].owner_id == staff[owner].id


@st.composite
def services(draw: st.DrawFn) -> Directory:
    """Any organisation: circles, gaps, leavers, leave and covers that lead nowhere."""
    ids = range(1, draw(st.integers(2, 9)))
    anyone = st.one_of(st.none(), st.sampled_from(ids))
    roles = st.sampled_from(("a", "b", "c"))
    people = [
        Person(
            number,
            f"P{number}",
            "",
            draw(roles),
            service_area=draw(st.sampled_from(("", "north", "south"))),
            manager_id=draw(anyone),
            cover_id=draw(anyone),
            leave_until=draw(st.sampled_from((None, date(2026, 3, 1), date(2026, 3, 9)))),
            active=draw(st.booleans()),
        )
        for number in ids
    ]
    above = st.one_of(st.none(), roles)
    scopes = {key: RoleScope(key.upper(), draw(above), draw(st.booleans())) for key in ("a", "b", "c")}
    return Directory.of(people, scopes)


few = settings(max_examples=60, deadline=None)


@given(service=services())
@few
def test_any_organisation_has_lines_that_end(service: Directory) -> None:
    for person in service.people.values():
        line = service.line_of(person)
        assert len({one.id for one in line}) == len(line)
        assert person not in line
        assert all(one.active for one in line)


@given(service=services())
@few
def test_nobody_away_is_asked_while_a_manager_is_at_work(service: Directory) -> None:
    for person in service.people.values():
        found = service.stand_in(person, TODAY)
        if found.away(TODAY) or not found.active:
            assert found == person
            assert all(one.away(TODAY) for one in service.line_of(person))


@given(service=services(), role=st.sampled_from(("a", "b", "c", "unknown")), area=st.sampled_from(("", "north")))
@few
def test_a_role_is_answered_for_and_every_vacancy_on_the_way_is_named(service: Directory, role: str, area: str) -> None:
    for near in (None, *service.people.values()):
        found = service.holder(role, near, TODAY, area=area)
        if found is None:
            assert not any(one.active and one.role == role and not one.service_area for one in [near] if one)
            continue
        assert found.role == role
        nominal = found.standing_in_for or found.person
        assert nominal.active
        climbed = role
        for vacant in found.vacant:
            assert vacant == climbed
            climbed = service.roles[vacant].reports_to or ""
        assert nominal.role == climbed
