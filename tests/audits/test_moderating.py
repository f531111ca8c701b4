"""The moderation draw: within its bounds, never without an Inadequate, repeatable, and with a reason for everyone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.moderating import Candidate, DrawTerms, ModerationDraw, draw_for_moderation, unsuitably_graded

SCALE = ("outstanding", "good", "requires_improvement", "inadequate")
LABELS = {
    "outstanding": "Outstanding",
    "good": "Good",
    "requires_improvement": "Requires improvement",
    "inadequate": "Inadequate",
}
GOOD = frozenset({"outstanding", "good"})
SHORT = {"O": "outstanding", "G": "good", "R": "requires_improvement", "I": "inadequate"}

PANEL = DrawTerms(
    20,
    30,
    always=("inadequate",),
    ranked=("referred", "unsuitable", "new_auditor", "grade:outstanding"),
    proficient=1,
)
"""Wokingham: 20 to 30 % (WOK-17), the criteria of WOK-18 to WOK-21 with the referral of WOK-14."""

MONTHLY = DrawTerms(20, of="rest", always=("inadequate",), each_grade=True)
"""Dudley: all Inadequate and 20 % of the remaining, a range of grades (DUD-26)."""

NEW = "the auditor is new to auditing or has support with it"
REFERRED = "put forward for moderation"
UNSUITABLE = "the overall grade may not fit the grades by heading"
PROFICIENT = "part of the sample of proficient auditors' work"
RANDOM = "part of the random sample"


def audits(grades: str, *, first: int = 1, **marks: Any) -> list[Candidate]:
    """One audit for each letter (O, G, R, I), numbered from `first`, each by an auditor of its own."""
    return [
        replace(Candidate(number, SHORT[letter], 1000 + number), **marks)
        for number, letter in enumerate(grades, start=first)
    ]


def moderation(candidates: Iterable[Candidate], terms: DrawTerms, seed: int = 7) -> ModerationDraw:
    return draw_for_moderation(candidates, terms, seed, scale=SCALE, labels=LABELS)


def ids(found: ModerationDraw) -> set[int]:
    return {number for number, _ in found.chosen}


def grades_of(found: ModerationDraw, candidates: Iterable[Candidate]) -> Counter[str | None]:
    return Counter(one.grade for one in candidates if one.audit_id in ids(found))


def march() -> list[Candidate]:
    """Scenario WOK-S5: 3 Inadequate, 2 Outstanding, 4 by new auditors (1 of them also Inadequate), 1 referral; 40."""
    return [
        *audits("I", first=1, new_auditor=True),
        *audits("II", first=2),
        *audits("OO", first=4),
        *audits("GRG", first=6, new_auditor=True),
        *audits("R", first=9, referred=True),
        *audits("G" * 16 + "R" * 15, first=10),
    ]


seeds = pytest.mark.parametrize("seed", range(10))


@seeds
def test_forty_audits_of_which_nine_fit_a_criterion_give_ten(seed: int) -> None:
    found = moderation(march(), PANEL, seed)
    assert (found.least, found.most) == (8, 12)
    assert len(found.chosen) == 10
    assert set(range(1, 10)) < ids(found)
    assert [why for number, why in found.chosen if number > 9] == [PROFICIENT]
    assert found.dropped == ()
    assert set(found.to_start) == ids(found)
    assert found.words == (
        "10 of 40 completed audits are to be moderated: 3 graded Inadequate, 6 by the criteria, "
        "1 as a sample of proficient auditors' work."
    )


def test_everyone_chosen_has_the_reason_the_strongest_first() -> None:
    found = moderation(march(), PANEL)
    assert found.chosen[:9] == (
        (1, f"graded Inadequate; {NEW}"),
        (2, "graded Inadequate"),
        (3, "graded Inadequate"),
        (9, REFERRED),
        (6, NEW),
        (7, NEW),
        (8, NEW),
        (4, "graded Outstanding"),
        (5, "graded Outstanding"),
    )


@seeds
def test_all_inadequate_and_a_fifth_of_the_rest_in_the_proportion_of_the_grades(seed: int) -> None:
    february = audits("I" * 3 + "R" * 18 + "G" * 20 + "O" * 2)
    found = moderation(february, MONTHLY, seed)
    assert found.least == 11
    assert found.most is None
    assert grades_of(found, february) == {"inadequate": 3, "requires_improvement": 3, "good": 4, "outstanding": 1}
    assert found.words == "11 of 43 completed audits are to be moderated: 3 graded Inadequate, 8 at random."


@seeds
def test_many_inadequate_do_not_distort_the_proportion_of_the_rest(seed: int) -> None:
    cycle = audits("I" * 30 + "G" * 20 + "R" * 10)
    found = moderation(cycle, MONTHLY, seed)
    assert grades_of(found, cycle) == {"inadequate": 30, "good": 4, "requires_improvement": 2}


@pytest.mark.parametrize(
    ("grades", "number"),
    [
        ("IG", 2),
        ("GGGGGGG", 2),
        ("G", 1),
        ("GGGGG", 1),
        ("GGGGGG", 2),
        ("III", 3),
        ("", 0),
        ("I" + "G" * 10, 3),
    ],
)
def test_a_fifth_of_the_rest_is_rounded_up(grades: str, number: int) -> None:
    assert len(moderation(audits(grades), MONTHLY).chosen) == number


def test_where_there_are_more_grades_than_places_each_has_its_chance() -> None:
    seen = Counter[str | None]()
    for seed in range(300):
        found = audits("GGGRO")
        seen += grades_of(moderation(found, MONTHLY, seed), found)
    # One place a draw, and every audit is as likely: 180, 60 and 60.
    assert seen.total() == 300
    assert 150 < seen["good"] < 210
    assert seen["requires_improvement"] > 35
    assert seen["outstanding"] > 35


@seeds
def test_a_rare_grade_is_never_missed_where_there_are_places_for_all(seed: int) -> None:
    cycle = audits("G" * 48 + "RO")
    assert grades_of(moderation(cycle, DrawTerms(6, each_grade=True), seed), cycle) == {
        "good": 1,
        "requires_improvement": 1,
        "outstanding": 1,
    }


@seeds
def test_a_grade_that_a_criterion_brought_in_is_not_drawn_once_more(seed: int) -> None:
    cycle = [*audits("O", referred=True), *audits("GGGGRRRRO", first=2)]
    terms = DrawTerms(30, ranked=("referred",), each_grade=True)
    assert grades_of(moderation(cycle, terms, seed), cycle) == {"good": 1, "requires_improvement": 1, "outstanding": 1}


@seeds
def test_up_to_the_most_a_missing_grade_is_added_where_each_is_wanted(seed: int) -> None:
    cycle = [*audits("OO", referred=True), *audits("GGGGRRRR", first=3)]
    at_least = DrawTerms(20, ranked=("referred",), each_grade=True)
    assert grades_of(moderation(cycle, at_least, seed), cycle) == {"outstanding": 2}
    found = moderation(cycle, replace(at_least, most=40), seed)
    assert grades_of(found, cycle) == {"outstanding": 2, "good": 1, "requires_improvement": 1}
    assert len(moderation(cycle, replace(at_least, most=30), seed).chosen) == 3


@pytest.mark.parametrize(
    ("completed", "number"), [(0, 0), (1, 1), (9, 1), (10, 1), (11, 2), (29, 3), (30, 3), (31, 4), (100, 10)]
)
def test_a_dip_sample_is_rounded_up_and_never_empty(completed: int, number: int) -> None:
    found = moderation(audits("G" * completed), DrawTerms(10))
    assert len(found.chosen) == found.least == number
    assert {why for _, why in found.chosen} <= {RANDOM}


def test_a_dip_sample_gives_every_audit_its_chance() -> None:
    seen = Counter[int]()
    for seed in range(400):
        seen.update(ids(moderation(audits("OGRI"), DrawTerms(25), seed)))
    assert set(seen) == {1, 2, 3, 4}
    assert min(seen.values()) > 60


def test_where_every_audit_is_moderated_nobody_is_told_of_a_sample() -> None:
    found = moderation(audits("OGGRI"), DrawTerms(100))
    assert found.chosen == tuple((number, "every audit is moderated") for number in (1, 2, 3, 4, 5))
    assert found.words == "All 5 completed audits are to be moderated."
    assert moderation(audits("G"), DrawTerms(100)).words == "The one completed audit is to be moderated."


def test_only_the_inadequate_where_the_rest_is_left_to_another_panel() -> None:
    found = moderation(audits("GIRIG"), DrawTerms(0, of="rest", always=("inadequate",)))
    assert found.chosen == ((2, "graded Inadequate"), (4, "graded Inadequate"))
    none = moderation(audits("GR"), DrawTerms(0, of="rest", always=("inadequate",)))
    assert none.words == "None of 2 completed audits is to be moderated."


def test_nothing_completed_means_nothing_to_moderate() -> None:
    found = moderation([], PANEL)
    assert (found.chosen, found.dropped, found.to_start, found.least, found.most) == ((), (), (), 0, 0)
    assert found.words == "No audit has been completed, so there's nothing to moderate."


@pytest.mark.parametrize(
    ("completed", "least", "most"),
    # The least rounds up and the most down; 30 % of 1, 2 and 3 is less than one audit, 30 % of 6 less than two.
    [(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (6, 2, 2), (9, 2, 2), (11, 3, 3), (40, 8, 12), (41, 9, 12)],
)
def test_the_most_is_rounded_down_but_never_below_the_least(completed: int, least: int, most: int) -> None:
    found = moderation(audits("G" * completed), PANEL)
    assert (found.least, found.most) == (least, most)
    assert len(found.chosen) == least


def test_the_most_of_the_rest_comes_on_top_of_those_always_moderated() -> None:
    found = moderation(audits("II" + "G" * 10), replace(PANEL, of="rest", proficient=0))
    assert (found.least, found.most) == (4, 5)


@seeds
def test_more_inadequate_than_the_most_are_all_kept_and_it_is_said(seed: int) -> None:
    cycle = [*audits("IIII"), *audits("O", first=5), *audits("GGGGG", first=6)]
    found = moderation(cycle, PANEL, seed)
    assert found.most == 3
    assert ids(found) == {1, 2, 3, 4}
    assert found.dropped == ((5, "graded Outstanding; but no more than 3 may be moderated, and others come first"),)
    assert found.words == (
        "4 of 10 completed audits are to be moderated: 4 graded Inadequate. That's more than the most of 3, because "
        "every audit graded Inadequate is moderated. 1 more fits a criterion but was left out."
    )


@seeds
def test_a_proficient_auditor_is_sampled_even_where_new_auditors_take_every_place(seed: int) -> None:
    cycle = [*audits("III", new_auditor=True), *audits("GGGGGGG", first=4)]
    found = moderation(cycle, PANEL, seed)
    assert found.most == 3
    assert len(found.chosen) == 4
    assert found.chosen[3][1] == PROFICIENT
    assert "every audit graded Inadequate is moderated and proficient auditors' work is never left out" in found.words


@seeds
def test_a_place_is_kept_for_proficient_work_before_the_criteria_fill_the_rest(seed: int) -> None:
    cycle = [*audits("G" * 8, new_auditor=True), *audits("G" * 12, first=9)]
    found = moderation(cycle, PANEL, seed)
    assert Counter(why for _, why in found.chosen) == {NEW: 5, PROFICIENT: 1}
    assert [number for number, _ in found.dropped] == sorted(set(range(1, 9)) - ids(found))
    assert found.words.endswith(". 3 more fit a criterion but were left out.")


@seeds
def test_where_every_proficient_audit_fits_a_criterion_one_of_those_is_the_sample(seed: int) -> None:
    # 30 % of 10 is 3. The criteria alone would give all three places to the referred audits of new auditors.
    cycle = [*audits("GGGGGG", new_auditor=True, referred=True), *audits("OOOO", first=7)]
    found = moderation(cycle, PANEL, seed)
    assert Counter(why for _, why in found.chosen) == {f"{REFERRED}; {NEW}": 2, "graded Outstanding": 1}


@seeds
def test_an_inadequate_by_a_proficient_auditor_is_sample_enough_where_no_ordinary_audit_is_left(seed: int) -> None:
    cycle = [*audits("I"), *audits("GGGG", first=2, new_auditor=True, referred=True), *audits("OOOOO", first=6)]
    found = moderation(cycle, PANEL, seed)
    assert Counter(why for _, why in found.chosen) == {"graded Inadequate": 1, f"{REFERRED}; {NEW}": 2}


def test_where_nobody_is_proficient_the_draw_does_without() -> None:
    found = moderation(audits("G" * 10, new_auditor=True), PANEL)
    assert [why for _, why in found.chosen] == [NEW] * 3


@seeds
def test_the_criteria_are_taken_in_their_order_and_equals_by_lot(seed: int) -> None:
    cycle = [
        *audits("O", first=1),
        *audits("G", first=2, new_auditor=True),
        *audits("GG", first=3, unsuitable=True),
        *audits("G", first=5, referred=True),
        *audits("GGGGG", first=6),
    ]
    found = moderation(cycle, replace(PANEL, proficient=0, always=(), share=20, most=20), seed)
    assert found.chosen[0] == (5, REFERRED)
    lucky, why = found.chosen[1]
    assert lucky in (3, 4)
    assert why == UNSUITABLE
    by_lot = f"{UNSUITABLE}; but no more than 2 may be moderated, and the lot fell to others with the same reasons"
    assert found.dropped == (
        (7 - lucky, by_lot),
        (2, f"{NEW}; but no more than 2 may be moderated, and others come first"),
        (1, "graded Outstanding; but no more than 2 may be moderated, and others come first"),
    )


def test_the_lot_falls_to_either_of_two_equals() -> None:
    cycle = [*audits("GG", referred=True), *audits("GGG", first=3)]
    terms = DrawTerms(20, 20, ranked=("referred",))
    assert {moderation(cycle, terms, seed).chosen[0][0] for seed in range(20)} == {1, 2}


@seeds
def test_among_equals_one_that_fits_another_criterion_too_comes_first(seed: int) -> None:
    cycle = [
        *audits("GO", referred=True),
        *audits("G", first=3, referred=True, new_auditor=True),
        *audits("GG", first=4),
    ]
    found = moderation(cycle, replace(PANEL, proficient=0, most=40), seed)
    assert [number for number, _ in found.chosen] == [3, 2]


def test_a_criterion_that_the_council_does_not_use_counts_for_nothing() -> None:
    cycle = [*audits("OO", referred=True, unsuitable=True, new_auditor=True), *audits("G" * 8, first=3)]
    drawn = Counter[int]()
    for seed in range(200):
        found = moderation(cycle, DrawTerms(10), seed)
        assert [why for _, why in found.chosen] == [RANDOM]
        drawn.update(ids(found))
    assert drawn[1] + drawn[2] < 70, "two of ten audits; about 40 of 200 draws"


def test_without_a_most_everything_that_fits_is_taken() -> None:
    cycle = [*audits("GGGGGGG", referred=True), *audits("GGG", first=8)]
    found = moderation(cycle, DrawTerms(20, ranked=("referred",)))
    assert ids(found) == set(range(1, 8))
    assert found.dropped == ()


@seeds
def test_what_is_under_moderation_already_is_kept_counted_and_not_started_again(seed: int) -> None:
    cycle = [*audits("GG", already=True), *audits("I", first=3, already=True), *audits("I" + "G" * 16, first=4)]
    found = moderation(cycle, replace(PANEL, proficient=0), seed)
    assert found.least == 4
    assert found.chosen == (
        (1, "already under moderation"),
        (2, "already under moderation"),
        (3, "already under moderation"),
        (4, "graded Inadequate"),
    )
    assert found.to_start == (4,)


def test_moderation_under_way_beyond_the_most_goes_on() -> None:
    found = moderation([*audits("GG", already=True), *audits("GG", first=3)], PANEL)
    assert ids(found) == {1, 2}
    assert found.words == (
        "2 of 4 completed audits are to be moderated: 2 already under moderation. "
        "That's more than the most of 1, because moderation under way goes on."
    )


def test_an_audit_without_an_overall_grade_can_be_drawn_too() -> None:
    cycle = [Candidate(number, None, number) for number in range(1, 6)]
    found = moderation([*cycle, Candidate(6, None, 6, referred=True)], PANEL)
    assert found.chosen[0] == (6, REFERRED)
    assert len(found.chosen) == 2


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        (DrawTerms(-1), "share: -1 is no percentage."),
        (DrawTerms(101), "share: 101 is no percentage."),
        (DrawTerms(20, 19), "most: 19 won't do. Write a percentage from share (20) to 100."),
        (DrawTerms(20, 101), "most: 101 won't do."),
        (DrawTerms(20, proficient=-1), "proficient: -1 won't do."),
        (DrawTerms(20, always=("awful",)), "always: 'awful' is no grade of the scale. Grades are: outstanding, good"),
        (DrawTerms(20, ranked=("grade:awful",)), "ranked: 'grade:awful' names no grade of the scale."),
        (
            DrawTerms(20, ranked=("good",)),
            "ranked: 'good' is unknown. Criteria are: referred, unsuitable, new_auditor,",
        ),
    ],
)
def test_terms_that_do_not_fit_are_refused_by_name(terms: DrawTerms, fault: str) -> None:
    (problem,) = terms.problems(SCALE)
    assert problem.startswith(fault)
    with pytest.raises(ValueError, match=r"^(share|most|proficient|always|ranked): "):
        moderation(audits("GG"), terms)


def test_terms_that_fit_have_no_problems() -> None:
    assert PANEL.problems(SCALE) == MONTHLY.problems(SCALE) == DrawTerms(100, 100).problems(SCALE) == []


def test_an_audit_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="listed twice"):
        moderation([*audits("G"), *audits("R")], PANEL)


@pytest.mark.parametrize(
    ("overall", "sections", "suspect"),
    [
        ("G", "GGG", False),
        ("G", "RRR", False),  # one place from the middle
        ("O", "RRR", True),  # two places
        ("O", "GRR", True),  # the middle of three is R
        ("O", "GGR", False),
        ("R", "OOO", True),  # too low is as unsuitable as too high
        ("I", "GGR", True),
        ("I", "RRR", False),
        ("R", "RGI", False),
        ("R", "III", False),
        ("O", "GR", False),  # the middle is between G and R: one and a half places
        ("O", "RR", True),
        ("I", "GG", True),
        ("I", "GR", False),
        ("G", "OGGGI", True),  # good while a heading is Inadequate
        ("O", "OOOOI", True),
        ("R", "GGGRI", False),
        ("G", "", False),
    ],
)
def test_an_overall_grade_far_from_the_headings_is_put_to_the_panel(
    *, overall: str, sections: str, suspect: bool
) -> None:
    for order in (sections, sections[::-1]):
        graded = {f"heading {number}": SHORT[letter] for number, letter in enumerate(order)}
        assert unsuitably_graded(SHORT[overall], graded, SCALE, GOOD) is suspect


def test_headings_without_a_grade_of_the_scale_are_passed_over() -> None:
    graded = {"planning": "good", "review": "", "contact": "not applicable"}
    assert not unsuitably_graded("good", graded, SCALE, GOOD)
    assert unsuitably_graded("inadequate", graded, SCALE, GOOD)
    assert not unsuitably_graded("inadequate", {"review": ""}, SCALE, GOOD)


@pytest.mark.parametrize("overall", [None, "", "met"])
def test_without_an_overall_grade_only_a_person_can_tell(overall: str | None) -> None:
    assert not unsuitably_graded(overall, {"planning": "inadequate"}, SCALE, GOOD)


@st.composite
def cycles(draw: st.DrawFn) -> list[Candidate]:
    number = draw(st.integers(0, 24))
    rare = st.integers(0, 5).map(lambda roll: roll == 0)
    return [
        Candidate(
            audit_id,
            draw(st.sampled_from((*SCALE, "good", "good", "requires_improvement", None))),
            draw(st.integers(1, 9)),
            new_auditor=draw(rare),
            referred=draw(rare),
            unsuitable=draw(rare),
            already=draw(rare) and draw(rare),
        )
        for audit_id in draw(st.lists(st.integers(1, 999), min_size=number, max_size=number, unique=True))
    ]


@st.composite
def any_terms(draw: st.DrawFn) -> DrawTerms:
    share = draw(st.integers(0, 100))
    criteria = ("referred", "unsuitable", "new_auditor", "grade:outstanding", "grade:inadequate")
    return DrawTerms(
        share,
        draw(st.one_of(st.none(), st.integers(share, 100))),
        draw(st.sampled_from(("all", "rest"))),
        draw(st.sampled_from(((), ("inadequate",), ("inadequate", "outstanding")))),
        tuple(draw(st.lists(st.sampled_from(criteria), unique=True))),
        draw(st.integers(0, 3)),
        draw(st.booleans()),
    )


either = st.one_of(st.sampled_from([PANEL, MONTHLY, DrawTerms(10)]), any_terms())
enough = settings(max_examples=80, deadline=None)


def fits(one: Candidate, terms: DrawTerms) -> bool:
    """Whether an audit fits a criterion of the terms, told without the program."""
    marks = {"referred": one.referred, "unsuitable": one.unsuitable, "new_auditor": one.new_auditor}
    return any(marks.get(criterion, criterion == f"grade:{one.grade}") for criterion in terms.ranked)


@given(cycle=cycles(), terms=either, seed=st.integers(0, 99))
@enough
def test_the_number_stays_within_its_bounds(cycle: list[Candidate], terms: DrawTerms, seed: int) -> None:
    found = moderation(cycle, terms, seed)
    assert found.least <= len(found.chosen) <= len(cycle)
    if found.most is not None:
        kept = [one for one in cycle if one.already or one.grade in terms.always]
        owed = max(0, terms.proficient - sum(not one.new_auditor for one in kept))
        assert len(found.chosen) <= max(found.most, len(kept) + owed)
        over = len(found.chosen) > found.most
        assert (f"more than the most of {found.most}, because " in found.words) is over
        assert "because ." not in found.words


@given(cycle=cycles(), terms=either, seed=st.integers(0, 99))
@enough
def test_what_is_always_moderated_or_already_is_never_left_out(
    cycle: list[Candidate], terms: DrawTerms, seed: int
) -> None:
    found = moderation(cycle, terms, seed)
    assert {one.audit_id for one in cycle if one.already or one.grade in terms.always} <= ids(found)
    assert set(found.to_start) == ids(found) - {one.audit_id for one in cycle if one.already}


@given(cycle=cycles(), terms=either, seed=st.integers(0, 99))
@enough
def test_nobody_is_drawn_twice_and_everyone_who_fits_is_chosen_or_told_why_not(
    cycle: list[Candidate], terms: DrawTerms, seed: int
) -> None:
    found = moderation(cycle, terms, seed)
    dropped = {number for number, _ in found.dropped}
    assert len(ids(found)) == len(found.chosen)
    assert len(dropped) == len(found.dropped)
    assert {one.audit_id for one in cycle if fits(one, terms)} - ids(found) == dropped
    assert ids(found) <= {one.audit_id for one in cycle}
    assert all(why and "None" not in why for _, why in found.chosen)
    assert all("but no more than" in why and not why.startswith(";") for _, why in found.dropped)
    if dropped:
        assert found.most is not None
        assert len(found.chosen) >= found.most


@given(cycle=cycles(), terms=either, seed=st.integers(0, 99), order=st.randoms(use_true_random=False))
@enough
def test_the_same_seed_gives_the_same_draw_in_whatever_order_the_audits_come(
    cycle: list[Candidate], terms: DrawTerms, seed: int, order: Random
) -> None:
    found = moderation(cycle, terms, seed)
    assert found.seed == seed
    mixed = list(cycle)
    order.shuffle(mixed)
    assert moderation(mixed, terms, seed) == found


@given(cycle=cycles(), terms=either, seed=st.integers(0, 99))
@enough
def test_proficient_auditors_take_part_where_there_are_any(cycle: list[Candidate], terms: DrawTerms, seed: int) -> None:
    found = moderation(cycle, terms, seed)
    able = {one.audit_id for one in cycle if not one.new_auditor}
    assert len(able & ids(found)) >= min(terms.proficient, len(able))


@given(cycle=cycles(), terms=either, seed=st.integers(0, 99), again=st.integers(0, 99))
@enough
def test_a_second_draw_of_the_same_cycle_adds_nothing(
    cycle: list[Candidate], terms: DrawTerms, seed: int, again: int
) -> None:
    found = moderation(cycle, terms, seed)
    marked = [replace(one, already=one.audit_id in ids(found)) for one in cycle]
    second = moderation(marked, terms, again)
    assert second.to_start == ()
    assert ids(second) == ids(found)


@given(grades=st.text(alphabet="OGR", max_size=60), bad=st.integers(0, 4), seed=st.integers(0, 99))
@enough
def test_every_grade_of_the_rest_is_seen_and_none_out_of_proportion(*, grades: str, bad: int, seed: int) -> None:
    cycle = audits("I" * bad + grades)
    found = moderation(cycle, MONTHLY, seed)
    number = len(found.chosen) - bad
    drawn = grades_of(found, cycle)
    assert drawn["inadequate"] == bad
    assert 5 * number >= len(grades) > 5 * (number - 1)
    present = {SHORT[letter] for letter in grades}
    assert len(set(drawn) - {"inadequate"}) == min(number, len(present))
    for grade in present:
        exact = number * sum(one.grade == grade for one in cycle) / len(grades)
        assert -3 < drawn[grade] - exact <= 1


def test_a_year_of_a_large_service_is_drawn_at_once() -> None:
    cycle = audits("OGRI" * 5_000)
    found = moderation(cycle, MONTHLY)
    assert len(found.chosen) == 5_000 + 3_000
