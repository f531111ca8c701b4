"""The draw: repeatable, independent, spread evenly, as full as it can be, and with a reason for everyone left out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.people import Directory, Person
from audits.sampling import Draw, draw
from audits.state import CaseFile

AREAS = ("", "north", "south")


def manager(number: int, *, above: int | None = None, area: str = "") -> Person:
    return Person(number, f"Manager {number}", "", "manager", service_area=area, manager_id=above)


def worker(number: int, *, above: int | None = None, area: str = "") -> Person:
    return Person(number, f"Worker {number}", "", "case_holder", service_area=area, manager_id=above)


def case(number: int, holder: int | None, area: str = "") -> CaseFile:
    return CaseFile(number, f"K-{number}", "CIN", service_area=area, holder_id=holder)


def given_cases(found: Draw) -> dict[int, int]:
    return {auditor.id: one.id for auditor, one in found.drawn}


@dataclass(frozen=True)
class Service:
    """A service to draw from. `people` may have circles of managers; cases may lack a practitioner."""

    auditors: tuple[Person, ...]
    cases: tuple[CaseFile, ...]
    directory: Directory
    own_area: bool
    taken: frozenset[int]

    def draw(self, seed: int) -> Draw:
        return draw(self.auditors, self.cases, self.directory, seed, own_area=self.own_area, taken=self.taken)

    def above(self, person: Person) -> set[int]:
        found: set[int] = set()
        asked = person.manager_id
        while asked is not None and asked not in found and asked != person.id:
            found.add(asked)
            asked = self.directory.people[asked].manager_id
        return found

    def fits(self, auditor: Person, one: CaseFile) -> bool:
        """Whether an auditor is independent enough of a case, told without the program."""
        holder = self.directory.people.get(one.holder_id or 0)
        if holder is None or holder.id == auditor.id or not one.on_list or one.id in self.taken:
            return False
        if auditor.id in self.above(holder) or holder.id in self.above(auditor):
            return False
        return not self.own_area or len({auditor.service_area, one.service_area} - {""}) < 2


@st.composite
def services(draw: st.DrawFn) -> Service:
    ids = range(1, draw(st.integers(3, 11)))
    people = [
        Person(
            number,
            f"P{number}",
            "",
            "any",
            service_area=draw(st.sampled_from(AREAS)),
            manager_id=draw(st.one_of(st.none(), st.sampled_from(ids))),
        )
        for number in ids
    ]
    auditors = draw(st.lists(st.sampled_from(people), unique=True, max_size=6))
    holders = st.one_of(st.none(), st.sampled_from(ids), st.just(99))
    cases = [
        replace(case(number, draw(holders), draw(st.sampled_from(AREAS))), on_list=draw(st.integers(0, 9)) > 0)
        for number in range(1, draw(st.integers(1, 9)))
    ]
    taken = draw(st.frozensets(st.integers(1, 8), max_size=2))
    return Service(tuple(auditors), tuple(cases), Directory.of(people, {}), draw(st.booleans()), taken)


def most(wanted: Iterable[frozenset[int]]) -> int:
    """How many of these can get one thing each at the most, by trying every way."""
    reachable = {frozenset[int]()}
    for things in wanted:
        reachable |= {used | {thing} for used in reachable for thing in things - used}
    return max(map(len, reachable))


few = settings(max_examples=60, deadline=None)


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
    found = draw(people[:3], cases, Directory.of(people, {}), seed)
    assert given_cases(found) == {1: 1, 2: 2, 3: 3}


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_audited_twice_before_everyone_was_audited_once(seed: int) -> None:
    people = [*map(manager, range(1, 6)), *map(worker, range(11, 16))]
    cases = [case(10 * holder + number, holder) for holder in range(11, 16) for number in range(4)]
    found = draw(people[:5], cases, Directory.of(people, {}), seed)
    assert sorted(one.holder_id or 0 for _, one in found.drawn) == [11, 12, 13, 14, 15]


@pytest.mark.parametrize("seed", range(20))
def test_a_second_audit_comes_only_where_an_auditor_would_have_none(seed: int) -> None:
    people = [*map(manager, range(1, 4)), worker(11), worker(12)]
    cases = [case(1, 11), case(2, 11), case(3, 12), case(4, 12)]
    found = draw(people[:3], cases, Directory.of(people, {}), seed)
    assert sorted(Counter(one.holder_id for _, one in found.drawn).values()) == [1, 2]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("auditors", "workers", "spread"), [(6, 2, [3, 3]), (7, 3, [2, 2, 3]), (5, 1, [5])])
def test_audits_are_spread_evenly_over_few_practitioners(
    *, auditors: int, workers: int, spread: list[int], seed: int
) -> None:
    people = [*map(manager, range(1, auditors + 1)), *(worker(number) for number in range(11, 11 + workers))]
    cases = [case(100 * holder + number, holder) for holder in range(11, 11 + workers) for number in range(6)]
    found = draw(people[:auditors], cases, Directory.of(people, {}), seed)
    assert sorted(Counter(one.holder_id for _, one in found.drawn).values()) == spread


def test_a_practitioner_with_cases_in_two_areas_takes_part_too() -> None:
    people = [manager(1, area="north"), manager(2, area="north"), worker(11), worker(12)]
    cases = [case(1, 11, "south"), case(2, 11, "north"), case(3, 12, "north"), case(4, 12, "north")]
    for seed in range(40):
        found = draw(people[:2], cases, Directory.of(people, {}), seed)
        assert sorted(one.holder_id or 0 for _, one in found.drawn) == [11, 12]


@pytest.mark.parametrize(("cases", "each"), [(400, 1), (399, 1), (200, 2)])
def test_four_hundred_auditors_who_all_fit_everywhere_are_no_trouble(cases: int, each: int) -> None:
    auditors = [manager(number) for number in range(1, 401)]
    workers = [worker(1000 + number) for number in range(cases)]
    listed = [case(10 * holder.id + number, holder.id) for holder in workers for number in range(each)]
    found = draw(auditors, listed, Directory.of([*auditors, *workers], {}), 3)
    assert len({one.id for _, one in found.drawn}) == len(found.drawn) == min(400, cases * each)
    assert len(found.unfilled) == 400 - len(found.drawn)
    assert set(Counter(one.holder_id for _, one in found.drawn).values()) == {each}


@pytest.mark.parametrize("seed", range(20))
def test_those_with_fewer_audits_lately_come_first(seed: int) -> None:
    people = [manager(1), manager(2), *map(worker, range(11, 15))]
    cases = [case(holder, holder) for holder in range(11, 15)]
    lately = Counter({11: 2, 12: 0, 13: 3, 14: 1})
    found = draw(people[:2], cases, Directory.of(people, {}), seed, audited=lately)
    assert {one.holder_id for _, one in found.drawn} == {12, 14}


def test_every_case_has_its_chance() -> None:
    people = [manager(1), *map(worker, range(11, 15))]
    cases = [case(holder, holder) for holder in range(11, 15)]
    seen: dict[int, int] = defaultdict(int)
    for seed in range(400):
        seen[given_cases(draw(people[:1], cases, Directory.of(people, {}), seed))[1]] += 1
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
    found = draw([auditor], cases, Directory.of(people, {}), 3, taken=taken)
    assert found.drawn == ()
    assert reason in found.unfilled[0][1]


def test_where_cases_run_out_the_reason_says_so() -> None:
    people = [manager(1), manager(2), worker(11)]
    found = draw(people[:2], [case(1, 11)], Directory.of(people, {}), 3)
    assert len(found.drawn) == 1
    assert found.unfilled[0][1] == "Every case that fits (1) has gone to another auditor."


def test_a_case_from_anywhere_will_do_where_the_framework_says_any_area() -> None:
    people = [manager(1, area="north"), worker(12, area="south")]
    service = Directory.of(people, {})
    assert draw(people[:1], [case(1, 12, "south")], service, 3).drawn == ()
    assert given_cases(draw(people[:1], [case(1, 12, "south")], service, 3, own_area=False)) == {1: 1}
