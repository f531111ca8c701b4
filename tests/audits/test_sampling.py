"""The draw: repeatable, independent, spread evenly, as full as it can be, and with a reason for everyone left out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.people import Directory, Person, RoleScope
from audits.sampling import Draw, Part, SamplingTerms, draw, obstacle
from audits.state import CaseFile

AREAS = ("", "north", "south")
TEAMS = ("", "red", "blue")
PARTS: tuple[Part, ...] = ("own", "other", "any")
PLANS = ("CIN", "FC")
ANYWHERE = SamplingTerms()
OWN_AREA = SamplingTerms(area="own")
DAY = date(2026, 1, 2)
MARCH_ENDS = date(2026, 3, 31)


def manager(number: int, *, above: int | None = None, area: str = "") -> Person:
    return Person(number, f"Manager {number}", "", "manager", service_area=area, manager_id=above)


def worker(number: int, *, above: int | None = None, area: str = "") -> Person:
    return Person(number, f"Worker {number}", "", "case_holder", service_area=area, manager_id=above)


def case(number: int, holder: int | None, area: str = "") -> CaseFile:
    return CaseFile(number, f"K-{number}", "CIN", service_area=area, holder_id=holder)


def drawn_from(
    auditors: Sequence[Person],
    cases: Sequence[CaseFile],
    directory: Directory,
    seed: int,
    *,
    terms: SamplingTerms = OWN_AREA,
    **more: Any,
) -> Draw:
    """A draw on Fri 2 Jan 2026, within the auditors' own areas unless other terms are given."""
    return draw(auditors, cases, directory, seed, terms=terms, day=DAY, **more)


def given_cases(found: Draw) -> dict[int, int]:
    return {auditor.id: one.id for auditor, one in found.drawn}


@dataclass(frozen=True)
class Service:
    """A service to draw from. `people` may have circles of managers; cases may lack a practitioner."""

    auditors: tuple[Person, ...]
    cases: tuple[CaseFile, ...]
    directory: Directory
    terms: SamplingTerms
    taken: frozenset[int]

    def draw(self, seed: int) -> Draw:
        return drawn_from(self.auditors, self.cases, self.directory, seed, terms=self.terms, taken=self.taken)

    def above(self, person: Person) -> set[int]:
        found: set[int] = set()
        asked = person.manager_id
        while asked is not None and asked not in found and asked != person.id:
            found.add(asked)
            asked = self.directory.people[asked].manager_id
        return found

    def fits(self, auditor: Person, one: CaseFile) -> bool:
        """Whether an auditor is trained for, and independent enough of, a case; told without the program."""
        holder = self.directory.people.get(one.holder_id or 0)
        if holder is None or holder.id == auditor.id or not one.on_list or one.id in self.taken:
            return False
        if auditor.auditing == "untrained" or auditor.id in self.above(holder) or holder.id in self.above(auditor):
            return False
        if (one.plan == "FC") != (auditor.role == "fostering") and self.terms.role_plans:
            return False
        if self.terms.linked and auditor.linked:
            centre = {one.team or holder.team, one.service_area or holder.service_area} - {""}
            if not centre or centre & set(auditor.linked):
                return False
        return self.placed(self.terms.area, auditor.service_area, one.service_area, holder.service_area) and (
            self.placed(self.terms.team, auditor.team, one.team, holder.team)
        )

    def placed(self, part: Part, mine: str, its: str, its_practitioners: str) -> bool:
        if part == "any" or not mine:
            return True
        if part == "own":
            return its in ("", mine)
        return mine not in (its, its_practitioners) and bool(its or its_practitioners)


@st.composite
def services(draw: st.DrawFn) -> Service:
    ids = range(1, draw(st.integers(3, 11)))
    people = [
        Person(
            number,
            f"P{number}",
            "",
            draw(st.sampled_from(("any", "any", "fostering"))),
            team=draw(st.sampled_from(TEAMS)),
            service_area=draw(st.sampled_from(AREAS)),
            manager_id=draw(st.one_of(st.none(), st.sampled_from(ids))),
            linked=draw(st.sampled_from(((), (), ("red",), ("north",)))),
            auditing=draw(st.sampled_from(("", "new", "support", "untrained"))),
        )
        for number in ids
    ]
    auditors = draw(st.lists(st.sampled_from(people), unique=True, max_size=6))
    holders = st.one_of(st.none(), st.sampled_from(ids), st.just(99))
    cases = [
        replace(
            case(number, draw(holders), draw(st.sampled_from(AREAS))),
            team=draw(st.sampled_from(TEAMS)),
            plan=draw(st.sampled_from(PLANS)),
            sex=draw(st.sampled_from(("male", "female", "unknown"))),
            on_list=draw(st.integers(0, 9)) > 0,
        )
        for number in range(1, draw(st.integers(1, 9)))
    ]
    taken = draw(st.frozensets(st.integers(1, 8), max_size=2))
    terms = SamplingTerms(
        area=draw(st.sampled_from(PARTS)),
        team=draw(st.sampled_from(PARTS)),
        linked=draw(st.booleans()),
        practitioner_months=draw(st.sampled_from((None, 12))),
        mix=draw(st.sampled_from(((), ("plan", "sex")))),
        services=draw(st.sampled_from(((), ("north", "south")))),
        role_plans=draw(st.sampled_from(({}, {"fostering": ("FC",)}))),
    )
    return Service(tuple(auditors), tuple(cases), Directory.of(people, {}), terms, taken)


def most(wanted: Iterable[frozenset[int]]) -> int:
    """How many of these can get one thing each at the most, by trying every way."""
    reachable = {frozenset[int]()}
    for things in wanted:
        reachable |= {used | {thing} for used in reachable for thing in things - used}
    return max(map(len, reachable))


few = settings(max_examples=100, deadline=None)


@given(service=services(), seed=st.integers(0, 1000))
@few
def test_everyone_gets_one_case_that_fits_or_a_reason(service: Service, seed: int) -> None:
    found = service.draw(seed)
    got = [auditor.id for auditor, _ in found.drawn]
    left = [auditor.id for auditor, _ in found.unfilled]
    assert sorted(got + left) == sorted(auditor.id for auditor in service.auditors)
    assert len({one.id for _, one in found.drawn}) == len(found.drawn)
    assert all(service.fits(auditor, one) for auditor, one in found.drawn)
    assert all(reason.endswith(".") for _, reason in found.unfilled)


@given(service=services(), seed=st.integers(0, 1000), shuffled=st.randoms(use_true_random=False))
@few
def test_the_same_seed_gives_the_same_draw(service: Service, seed: int, shuffled: Callable[..., object]) -> None:
    found = service.draw(seed)
    assert found.seed == seed
    assert service.draw(seed) == found
    backwards = replace(service, auditors=service.auditors[::-1], cases=service.cases[::-1])
    assert backwards.draw(seed) == found, "the order of the lists makes no difference"


@given(service=services(), seed=st.integers(0, 1000))
@few
def test_no_auditor_goes_without_who_could_have_had_a_case(service: Service, seed: int) -> None:
    possible = [
        frozenset(one.id for one in service.cases if service.fits(auditor, one)) for auditor in service.auditors
    ]
    assert len(service.draw(seed).drawn) == most(possible)


@given(service=services(), seed=st.integers(0, 1000))
@few
def test_as_many_practitioners_as_possible_take_part(service: Service, seed: int) -> None:
    possible = [
        frozenset(one.holder_id or 0 for one in service.cases if service.fits(auditor, one))
        for auditor in service.auditors
    ]
    assert len({one.holder_id for _, one in service.draw(seed).drawn}) == most(possible)


@pytest.mark.parametrize("seed", range(20))
def test_an_auditor_with_a_choice_makes_room_for_one_without(seed: int) -> None:
    people = [
        manager(1, area="north"),
        manager(2, area="south"),
        manager(3),
        worker(11, area="north"),
        worker(12, area="south"),
        worker(13),
    ]
    cases = [case(1, 11, "north"), case(2, 12, "south"), case(3, 13, "east")]
    found = drawn_from(people[:3], cases, Directory.of(people, {}), seed)
    assert given_cases(found) == {1: 1, 2: 2, 3: 3}


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_audited_twice_before_everyone_was_audited_once(seed: int) -> None:
    people = [*map(manager, range(1, 6)), *map(worker, range(11, 16))]
    cases = [case(10 * holder + number, holder) for holder in range(11, 16) for number in range(4)]
    found = drawn_from(people[:5], cases, Directory.of(people, {}), seed)
    assert sorted(one.holder_id or 0 for _, one in found.drawn) == [11, 12, 13, 14, 15]


@pytest.mark.parametrize("seed", range(20))
def test_a_second_audit_comes_only_where_an_auditor_would_have_none(seed: int) -> None:
    people = [*map(manager, range(1, 4)), worker(11), worker(12)]
    cases = [case(1, 11), case(2, 11), case(3, 12), case(4, 12)]
    found = drawn_from(people[:3], cases, Directory.of(people, {}), seed)
    assert sorted(Counter(one.holder_id for _, one in found.drawn).values()) == [1, 2]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("auditors", "workers", "spread"), [(6, 2, [3, 3]), (7, 3, [2, 2, 3]), (5, 1, [5])])
def test_audits_are_spread_evenly_over_few_practitioners(
    *, auditors: int, workers: int, spread: list[int], seed: int
) -> None:
    people = [*map(manager, range(1, auditors + 1)), *(worker(number) for number in range(11, 11 + workers))]
    cases = [case(100 * holder + number, holder) for holder in range(11, 11 + workers) for number in range(6)]
    found = drawn_from(people[:auditors], cases, Directory.of(people, {}), seed)
    assert sorted(Counter(one.holder_id for _, one in found.drawn).values()) == spread


def test_a_practitioner_with_cases_in_two_areas_takes_part_too() -> None:
    people = [manager(1, area="north"), manager(2, area="north"), worker(11), worker(12)]
    cases = [case(1, 11, "south"), case(2, 11, "north"), case(3, 12, "north"), case(4, 12, "north")]
    for seed in range(40):
        found = drawn_from(people[:2], cases, Directory.of(people, {}), seed)
        assert sorted(one.holder_id or 0 for _, one in found.drawn) == [11, 12]


@pytest.mark.parametrize("seed", range(20))
def test_a_practitioner_changes_to_another_of_their_cases_so_that_a_second_one_can_take_part(seed: int) -> None:
    people = [manager(1, area="north"), manager(2, area="south"), worker(11), worker(12)]
    cases = [case(1, 11, "north"), case(2, 11, "south"), case(3, 12, "north")]
    found = drawn_from(people[:2], cases, Directory.of(people, {}), seed)
    assert given_cases(found) == {1: 3, 2: 2}


@pytest.mark.parametrize(("cases", "each"), [(400, 1), (399, 1), (200, 2)])
def test_four_hundred_auditors_who_all_fit_everywhere_are_no_trouble(cases: int, each: int) -> None:
    auditors = [manager(number) for number in range(1, 401)]
    workers = [worker(1000 + number) for number in range(cases)]
    listed = [case(10 * holder.id + number, holder.id) for holder in workers for number in range(each)]
    found = drawn_from(auditors, listed, Directory.of([*auditors, *workers], {}), 3)
    assert len({one.id for _, one in found.drawn}) == len(found.drawn) == min(400, cases * each)
    assert len(found.unfilled) == 400 - len(found.drawn)
    assert set(Counter(one.holder_id for _, one in found.drawn).values()) == {each}


@pytest.mark.parametrize("seed", range(20))
def test_those_with_fewer_audits_lately_come_first(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 15))]
    cases = [case(holder, holder) for holder in range(11, 15)]
    lately = Counter({11: 2, 12: 0, 13: 3, 14: 1})
    found = drawn_from(people[:2], cases, Directory.of(people, {}), seed, counts=lately)
    assert {one.holder_id for _, one in found.drawn} == {12, 14}


def test_every_case_has_its_chance() -> None:
    people = [manager(1), *map(worker, range(11, 15))]
    cases = [case(holder, holder) for holder in range(11, 15)]
    seen: dict[int, int] = defaultdict(int)
    for seed in range(400):
        seen[given_cases(drawn_from(people[:1], cases, Directory.of(people, {}), seed))[1]] += 1
    assert set(seen) == {11, 12, 13, 14}
    assert min(seen.values()) > 60


@pytest.mark.parametrize(
    ("cases", "taken", "reason"),
    [
        ([], (), "There are no open cases left on the list."),
        ([case(1, 11, "north")], (1,), "There are no open cases left on the list."),
        ([replace(case(1, 11, "north"), on_list=False)], (), "There are no open cases left on the list."),
        (
            [case(1, 1, "north"), case(2, 1, "north")],
            (),
            "No open case fits (2 looked at): 2 because it is their own case.",
        ),
        ([case(1, 10), case(2, 1)], (), "1 because its practitioner is in their own line of management"),
        ([case(1, 5), case(2, 1)], (), "1 because its practitioner is their own manager"),
        ([case(1, 12, "south"), case(2, 1)], (), "1 because it is in another service area"),
        ([case(1, None), case(2, 1)], (), "1 because no practitioner is named for it"),
        ([case(1, 99), case(2, 1)], (), "1 because no practitioner is named for it"),
    ],
)
def test_an_auditor_without_a_case_hears_why(cases: list[CaseFile], taken: tuple[int, ...], reason: str) -> None:
    auditor = manager(1, above=5, area="north")
    people = [
        auditor,
        manager(5),
        worker(10, above=1, area="north"),
        worker(11, area="north"),
        worker(12, area="south"),
    ]
    found = drawn_from([auditor], cases, Directory.of(people, {}), 3, taken=taken)
    assert found.drawn == ()
    assert reason in found.unfilled[0][1]


def test_where_cases_run_out_the_reason_says_so() -> None:
    people = [manager(1), manager(2), worker(11)]
    found = drawn_from(people[:2], [case(1, 11)], Directory.of(people, {}), 3)
    assert len(found.drawn) == 1
    assert found.unfilled[0][1] == "Every case that fits (1) has gone to another auditor."


def test_a_case_from_anywhere_will_do_where_the_framework_says_any_area() -> None:
    people = [manager(1, area="north"), worker(12, area="south")]
    service = Directory.of(people, {})
    assert drawn_from(people[:1], [case(1, 12, "south")], service, 3).drawn == ()
    assert given_cases(drawn_from(people[:1], [case(1, 12, "south")], service, 3, terms=ANYWHERE)) == {1: 1}


# ---- where a case may come from


@pytest.mark.parametrize("seed", range(20))
def test_a_case_from_the_auditors_own_part_of_the_service_is_never_offered(seed: int) -> None:
    people = [manager(1, area="Family Safeguarding North"), *map(worker, range(11, 15))]
    cases = [*(case(one, one, "Family  safeguarding north") for one in (11, 12, 13)), case(14, 14, "South")]
    terms = SamplingTerms(area="other")
    assert given_cases(drawn_from(people[:1], cases, Directory.of(people, {}), seed, terms=terms)) == {1: 14}


def test_with_cases_of_their_own_part_only_an_auditor_gets_none_and_hears_why() -> None:
    people = [manager(1, area="North"), worker(11), worker(12, area="North"), worker(13)]
    cases = [case(1, 11, "North"), case(2, 11, "North"), case(3, 13, "North"), case(4, 12, "South"), case(5, 12)]
    cases.append(case(6, 13))
    found = drawn_from(people[:1], cases, Directory.of(people, {}), 3, terms=SamplingTerms(area="other"))
    assert found.drawn == ()
    assert found.unfilled[0][1] == (
        "No open case fits (6 looked at): 3 because it is in their own service area; "
        "2 because its practitioner is in their own service area; "
        "1 because it isn't known which service area it belongs to."
    )


def test_an_auditor_of_the_whole_council_belongs_to_no_part_of_the_service() -> None:
    people = [manager(1), worker(11, area="North")]
    terms = SamplingTerms(area="other", team="other")
    assert given_cases(drawn_from(people[:1], [case(1, 11, "North")], Directory.of(people, {}), 3, terms=terms))


@pytest.mark.parametrize(
    ("part", "team", "reason"),
    [
        ("other", "Red", "it is with their own team"),
        ("other", "Blue", None),
        ("own", "Red", None),
        ("own", "Blue", "it is with another team"),
        ("any", "Red", None),
        ("any", "Blue", None),
    ],
)
def test_the_team_may_have_to_be_the_auditors_own_or_another(part: Part, team: str, reason: str | None) -> None:
    auditor = replace(manager(1), team="Red")
    one = replace(case(1, 11), team=team)
    assert obstacle(auditor, one, Directory.of([auditor, worker(11)], {}), SamplingTerms(team=part)) == reason


@pytest.mark.parametrize("seed", range(20))
def test_nobody_audits_a_case_of_a_centre_they_are_linked_to(seed: int) -> None:
    people = [replace(manager(1), linked=("Centre A", "Centre C")), replace(manager(2), linked=("Centre B",))]
    people += map(worker, range(11, 15))
    cases = [
        replace(case(1, 11), team="centre a"),
        case(2, 12, "Centre B"),
        replace(case(3, 13), team="Centre C"),
        replace(case(4, 14), team="Centre C"),
    ]
    found = given_cases(drawn_from(people[:2], cases, Directory.of(people, {}), seed, terms=SamplingTerms(linked=True)))
    assert found[1] == 2
    assert found[2] in (1, 3, 4)


def test_a_link_is_an_obstacle_only_where_the_framework_says_so() -> None:
    auditor = replace(manager(1), linked=("Centre A",))
    service = Directory.of([auditor, replace(worker(11), team="Centre A")], {})
    of_the_centre, of_its_worker = replace(case(1, 11), team="Centre A"), case(2, 11)
    terms = SamplingTerms(linked=True)
    assert obstacle(auditor, of_the_centre, service, terms) == "they are linked to its centre"
    assert obstacle(auditor, of_its_worker, service, terms) == "they are linked to its centre"
    assert obstacle(auditor, of_the_centre, service, ANYWHERE) is None


def test_foster_carers_files_go_to_fostering_managers_who_get_nothing_else() -> None:
    fostering = Person(1, "Fay", "", "fostering_manager")
    social = Person(2, "Sam", "", "team_manager")
    people = [fostering, social, *map(worker, range(11, 15))]
    service = Directory.of(people, {"fostering_manager": RoleScope("Fostering Manager")})
    terms = SamplingTerms(role_plans={"fostering_manager": ("FC",)})
    foster_file, childs_file = replace(case(1, 11), plan="FC"), case(2, 12)
    for seed in range(10):
        found = drawn_from(people[:2], [foster_file, childs_file], service, seed, terms=terms)
        assert given_cases(found) == {1: 1, 2: 2}
    assert drawn_from([social], [foster_file], service, 3, terms=terms).unfilled[0][1] == (
        "No open case fits (1 looked at): 1 because cases with plan FC are for the Fostering Manager."
    )
    assert drawn_from([fostering], [childs_file], service, 3, terms=terms).unfilled[0][1] == (
        "No open case fits (1 looked at): 1 because their role audits cases with plan FC only."
    )


def test_an_auditor_who_is_not_trained_yet_gets_no_case_but_a_reason() -> None:
    people = [replace(manager(1), auditing="untrained"), replace(manager(2), auditing="new"), worker(11), worker(12)]
    people.append(replace(manager(3), auditing="support"))
    auditors = [people[0], people[1], people[4]]
    found = drawn_from(auditors, [case(1, 11), case(2, 12), case(3, 12)], Directory.of(people, {}), 3)
    assert set(given_cases(found)) == {2, 3}
    assert found.unfilled == ((people[0], "They haven't been trained to audit yet."),)
    assert obstacle(people[0], case(1, 11), Directory.of(people, {}), ANYWHERE) == (
        "they haven't been trained to audit yet"
    )


# ---- every practitioner within so many months

TWELVE = SamplingTerms(practitioner_months=12)
AUDITED = {
    11: date(2025, 1, 10),  # twelve months are up on Sat 10 Jan 2026
    12: date(2025, 3, 30),  # up on Mon 30 Mar 2026, a day before the next audits are due
    13: date(2025, 3, 31),  # up on the very day: the next draw is in time
    14: date(2025, 12, 5),
}


def rolling(
    people: Sequence[Person],
    auditors: int,
    seed: int = 3,
    *,
    audited: dict[int, date] = AUDITED,
    cases: Sequence[CaseFile] = (),
    terms: SamplingTerms = TWELVE,
    **more: Any,
) -> Draw:
    """The first of these people audit, the others have a case each (their number and a nought) or those given."""
    listed = cases or [case(10 * one.id, one.id) for one in people[auditors:]]
    service = Directory.of(people, {})
    more["next_due"] = MARCH_ENDS
    return drawn_from(people[:auditors], listed, service, seed, terms=terms, audited=audited, **more)


@pytest.mark.parametrize("seed", range(20))
def test_practitioners_whose_twelve_months_run_out_before_the_next_audits_are_due_come_first(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 15))]
    found = rolling(people, 2, seed, counts=Counter({11: 9, 12: 9}))
    assert {one.holder_id for _, one in found.drawn} == {11, 12}
    assert found.unserved == ()
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(20))
def test_the_longest_without_an_audit_comes_first_of_all_who_has_had_none(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 16))]
    assert {one.holder_id for _, one in rolling(people, 2, seed).drawn} == {15, 11}


@pytest.mark.parametrize("seed", range(20))
def test_an_auditor_makes_room_for_a_practitioner_whose_time_runs_out(seed: int) -> None:
    people = [manager(1, area="north"), manager(2, area="south"), *map(worker, range(11, 15))]
    cases = [case(1, 11), case(2, 12, "north"), case(3, 13), case(4, 14)]
    found = rolling(people, 2, seed, cases=cases, terms=replace(TWELVE, area="own"))
    assert given_cases(found) == {1: 2, 2: 1}


def test_with_time_left_the_month_of_the_last_audit_counts() -> None:
    people = [manager(1), *map(worker, range(11, 14))]
    audited = {11: date(2025, 10, 2), 12: date(2025, 9, 30), 13: date(2025, 9, 1)}
    drawn = {one.holder_id for seed in range(40) for _, one in rolling(people, 1, seed, audited=audited).drawn}
    assert drawn == {12, 13}


def test_whoever_a_draw_cannot_serve_in_time_is_listed_with_a_sentence() -> None:
    gone = replace(worker(17), active=False)
    people = [manager(1), *(worker(number) for number in range(11, 16)), worker(16, above=1), gone]
    lately = {11: date(2024, 12, 2), 15: date(2025, 1, 1), 16: date(2025, 2, 1)}
    found = rolling(people, 1, audited=AUDITED | lately)
    assert {one.holder_id for _, one in found.drawn} == {11}
    assert [(person.id, words) for person, words in found.unserved] == [
        (
            15,
            "Worker 15 was last audited on Wed 1 Jan 2025, and 12 months were up on Thu 1 Jan 2026; "
            "every auditor who could take one of their cases has another.",
        ),
        (
            16,
            "Worker 16 was last audited on Sat 1 Feb 2025, and 12 months are up on Sun 1 Feb 2026; "
            "none of their cases could go to an auditor in this draw.",
        ),
        (
            12,
            "Worker 12 was last audited on Sun 30 Mar 2025, and 12 months are up on Mon 30 Mar 2026; "
            "every auditor who could take one of their cases has another.",
        ),
    ]
    assert found.notes == ("3 practitioners due for an audit (one in 12 months) couldn't be included.",)


def test_a_practitioner_without_any_audit_is_listed_too_but_not_where_nothing_is_drawn() -> None:
    people = [manager(1), worker(11), worker(12)]
    found = rolling(people, 1, audited={11: DAY})
    assert {one.holder_id for _, one in found.drawn} == {12}
    assert found.unserved == ()
    found = rolling(people, 1, audited={}, taken={120})
    assert found.unserved == (
        (
            people[2],
            "Worker 12 has had no audit yet; none of their cases could go to an auditor in this draw.",
        ),
    )
    assert rolling([worker(11), worker(12)], 0, audited={}).unserved == ()


# ---- the mix of an audit period

PLAN_MIX = SamplingTerms(mix=("plan",))


def planned(start: int, **counts: int) -> list[CaseFile]:
    """So many cases of each plan, every one with a practitioner of its own, who has the case's number."""
    plans = [plan for plan, count in counts.items() for _ in range(count)]
    return [replace(case(number, number), plan=plan) for number, plan in enumerate(plans, start)]


def plans_drawn(auditors: int, cases: Sequence[CaseFile], seed: int, **more: Any) -> tuple[Counter[str], Draw]:
    people = [*map(manager, range(1, auditors + 1)), *(worker(one.holder_id or 0) for one in cases)]
    found = drawn_from(people[:auditors], cases, Directory.of(people, {}), seed, **{"terms": PLAN_MIX} | more)
    return Counter(one.plan for _, one in found.drawn), found


@pytest.mark.parametrize("seed", range(10))
def test_the_mix_follows_the_proportions_of_the_list(seed: int) -> None:
    plans, found = plans_drawn(10, planned(101, CIN=60, CP=30, LAC=10), seed)
    assert plans == {"CIN": 6, "CP": 3, "LAC": 1}
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(10))
def test_even_a_rare_value_has_its_case(seed: int) -> None:
    plans, found = plans_drawn(5, planned(101, CIN=97, CP=1, LAC=1, CL=1), seed)
    assert plans == {"CIN": 2, "CP": 1, "LAC": 1, "CL": 1}
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_rare_value_comes_in_for_a_case_that_can_be_spared(seed: int) -> None:
    # Worker 11 alone has a care leaver, and a looked-after child as Worker 12 has. Worker 12's child has to come in.
    people = [manager(1), manager(2), worker(11), worker(12)]
    cases = [
        replace(case(1, 11), plan="CL"),
        *(replace(case(number, 11), plan="LAC") for number in range(2, 9)),
        replace(case(9, 12), plan="LAC"),
    ]
    found = drawn_from(people[:2], cases, Directory.of(people, {}), seed, terms=PLAN_MIX)
    assert {one.id for _, one in found.drawn} == {1, 9}


@pytest.mark.parametrize("seed", range(10))
def test_one_case_may_stand_for_several_traits(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 15))]
    cases = [
        replace(case(number, number), plan=plan, sex=sex)
        for number, plan, sex in ((11, "CIN", "male"), (12, "CIN", "female"), (13, "CP", "male"), (14, "CP", "female"))
    ]
    found = drawn_from(people[:2], cases, Directory.of(people, {}), seed, terms=SamplingTerms(mix=("plan", "sex")))
    drawn = {one.id for _, one in found.drawn}
    assert drawn in ({11, 14}, {12, 13})
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_value_comes_in_only_where_nothing_else_is_lost(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 14))]
    cases = [
        replace(case(number, number), plan=plan, sex=sex)
        for number, plan, sex in ((11, "CIN", "male"), (12, "CP", "female"), (13, "LAC", "male"))
    ]
    found = drawn_from(people[:2], cases, Directory.of(people, {}), seed, terms=SamplingTerms(mix=("plan", "sex")))
    drawn = {one.id for _, one in found.drawn}
    assert drawn in ({11, 12}, {12, 13})
    assert found.notes == (f"No case with plan {'LAC' if 11 in drawn else 'CIN'} could be included.",)


@pytest.mark.parametrize("seed", range(20))
def test_the_case_that_comes_in_makes_up_for_what_the_leaving_one_stood_for(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 14))]
    cases = [
        replace(case(number, number), plan=plan, sex=sex)
        for number, plan, sex in ((11, "CIN", "male"), (12, "CP", "male"), (13, "CIN", "female"))
    ]
    service, terms = Directory.of(people, {}), SamplingTerms(mix=("plan", "sex"))
    found = drawn_from(people[:2], cases, service, seed, terms=terms, counts=Counter({13: 1}))
    assert {one.id for _, one in found.drawn} == {12, 13}
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_value_does_not_give_somebody_a_second_audit_while_another_has_none(seed: int) -> None:
    people = [*map(manager, range(1, 4)), *map(worker, range(11, 14))]
    plans = ((1, 11, "CP"), (2, 11, "CL"), (3, 12, "CIN"), (4, 13, "CIN"))
    cases = [replace(case(number, holder), plan=plan) for number, holder, plan in plans]
    found = drawn_from(people[:3], cases, Directory.of(people, {}), seed, terms=PLAN_MIX)
    assert {one.holder_id for _, one in found.drawn} == {11, 12, 13}
    assert len(found.notes) == 1


def test_what_could_not_be_represented_is_said_in_words() -> None:
    cases = [
        *planned(101, CIN=6, CP=3),
        *(replace(case(number, None), plan=plan) for number, plan in ((1, "CL"), (2, "EH"))),
    ]
    cases = [replace(one, sex="male", age_band="unknown", ethnicity_group="Refused") for one in cases]
    cases.append(replace(case(3, None), plan="CP", sex="female", ethnicity_group="Mixed"))
    terms = SamplingTerms(mix=("plan", "sex", "age_band", "ethnicity_group"))
    plans, found = plans_drawn(2, cases, 3, terms=terms)
    assert plans == {"CIN": 1, "CP": 1}
    assert found.notes == (
        "No case with plan CL or EH could be included.",
        "No case with sex female could be included.",
        "The list doesn't give the age band of any case, so it had no part in the mix.",
        "No case with ethnicity group Mixed could be included.",
    )


def test_cases_audited_in_the_period_already_count_towards_its_mix() -> None:
    cases = planned(101, CIN=5, CP=5)
    plans, found = plans_drawn(2, cases, 3, given=cases[:3], taken={one.id for one in cases[:3]})
    assert plans == {"CP": 2}
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(10))
def test_the_mix_never_leaves_an_auditor_without_a_case(seed: int) -> None:
    people = [manager(1, area="north"), manager(2, area="south"), *map(worker, range(11, 14))]
    cases = [
        replace(case(1, 11, "north"), plan="CIN"),
        replace(case(2, 12, "north"), plan="CP"),
        replace(case(3, 13, "south"), plan="CIN"),
    ]
    terms = SamplingTerms(area="own", mix=("plan",))
    assert given_cases(drawn_from(people[:2], cases, Directory.of(people, {}), seed, terms=terms)) == {1: 2, 2: 3}


def test_every_case_has_its_chance_in_a_mix_too() -> None:
    seen = {one.id for seed in range(200) for _, one in plans_drawn(2, planned(101, CIN=6, CP=4), seed)[1].drawn}
    assert seen == set(range(101, 111))


# ---- the services that a period takes in


@pytest.mark.parametrize("seed", range(20))
def test_every_named_service_has_a_case_by_its_area_or_by_its_team(seed: int) -> None:
    people = [*map(manager, range(1, 4)), *map(worker, range(101, 160))]
    cases = [case(number, number, "Duty") for number in range(101, 158)]
    cases += [case(158, 158, "early help"), replace(case(159, 159, "Duty"), team="Brambles")]
    terms = SamplingTerms(services=("Early Help", "Brambles", "Duty"))
    found = drawn_from(people[:3], cases, Directory.of(people, {}), seed, terms=terms)
    assert {158, 159} <= {one.id for _, one in found.drawn}
    assert found.notes == ()


def test_a_service_without_a_case_is_named_with_the_reason() -> None:
    people = [manager(1), worker(11), worker(12, above=1), worker(13)]
    cases = [case(1, 11, "Duty"), case(2, 12, "Conifers"), case(3, 13, "Brambles")]
    terms = SamplingTerms(services=("Early Help", "Conifers", "Duty", "Brambles"))
    notes = drawn_from(people[:1], cases, Directory.of(people, {}), 3, terms=terms).notes
    served = {"Duty", "Brambles"} - {note.removeprefix("No case of ").split(" could")[0] for note in notes}
    assert len(served) == 1
    assert set(notes) == {
        "No case of Conifers could be included: none of them could go to an auditor in this draw.",
        "No case of Early Help could be included: none is on the list.",
        f"No case of {({'Duty', 'Brambles'} - served).pop()} could be included: "
        "every auditor who could have taken one has another case.",
    }


@pytest.mark.parametrize("seed", range(10))
def test_a_service_may_take_a_turn_that_a_value_of_the_mix_may_not(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, (11, 12, 14))]
    cases = [case(1, 11, "Duty"), case(2, 12, "Duty"), replace(case(3, 14, "Early Help"), plan="EH")]
    with_mix = rolling(people, 2, seed, cases=cases, terms=replace(TWELVE, mix=("plan",)))
    assert {one.id for _, one in with_mix.drawn} == {1, 2}
    assert with_mix.notes == ("No case with plan EH could be included.",)
    with_service = rolling(people, 2, seed, cases=cases, terms=replace(TWELVE, services=("Early Help",)))
    assert {one.id for _, one in with_service.drawn} == {1, 3}, "the more urgent of the two keeps the turn"
    assert [person.id for person, _ in with_service.unserved] == [12]


@pytest.mark.parametrize("seed", range(10))
def test_a_service_takes_the_place_of_someone_with_time_left_even_at_the_cost_of_the_mix(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, (11, 14, 16))]
    cases = [case(1, 11, "Duty"), replace(case(2, 14, "Duty"), plan="CP"), case(3, 16, "Early Help")]
    audited = {11: date(2025, 1, 10), 14: date(2025, 11, 5), 16: date(2025, 12, 5)}
    terms = replace(TWELVE, services=("Early Help",), mix=("plan",))
    found = rolling(people, 2, seed, cases=cases, audited=audited, terms=terms)
    assert {one.id for _, one in found.drawn} == {1, 3}
    assert found.notes == ("No case with plan CP could be included.",)


def test_a_whole_councils_draw_under_every_constraint_takes_seconds() -> None:
    auditors = [
        replace(manager(number, above=1000 + number % 40, area=f"A{number % 6}"), linked=(f"T{number % 80}",))
        for number in range(1, 401)
    ]
    heads = [manager(number) for number in range(1000, 1040)]
    workers = [
        replace(worker(2000 + number, above=1 + number % 400, area=f"A{number % 6}"), team=f"T{number % 80}")
        for number in range(1000)
    ]
    cases = [
        replace(
            case(number, workers[number % 1000].id, f"A{number % 6}"),
            plan=("CIN", "CP", "LAC", "CL", "EH")[number % 5],
            sex=("male", "female")[number // 7 % 2],
            age_band=("0-4", "5-9", "10-15", "16-17")[number // 11 % 4],
            ethnicity_group=("White", "Mixed", "Asian", "Black", "Other")[number // 13 % 5],
        )
        for number in range(20_000)
    ]
    audited = {worker.id: date(2025, 1 + worker.id % 12, 1 + worker.id % 28) for worker in workers}
    terms = SamplingTerms(
        area="other",
        linked=True,
        practitioner_months=12,
        mix=("plan", "sex", "age_band", "ethnicity_group"),
        services=("A0", "A3"),
    )
    service = Directory.of([*auditors, *heads, *workers], {})
    begun = process_time()
    found = drawn_from(auditors, cases, service, 3, terms=terms, next_due=MARCH_ENDS, audited=audited)
    assert process_time() - begun < 15
    assert len(found.drawn) == 400
    assert found.notes == ()
    assert found.unserved == ()
