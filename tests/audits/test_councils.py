"""What each council's file says of draws, months, caps and scales, against what its document says."""

import pytest

from audits.dates import Cycle
from audits.frameworks import framework_named, shipped
from audits.moderating import DrawTerms
from audits.planning import no_cycle
from audits.sampling import SamplingTerms


def test_wokinghams_panel_takes_a_fifth_to_three_tenths_and_no_inadequate_is_dropped() -> None:
    """WOK-17 to WOK-21, contradiction 4."""
    assert framework_named("wokingham").draw_terms() == DrawTerms(
        share=20,
        most=30,
        always=("inadequate",),
        ranked=("referred", "unsuitable", "new_auditor", "grade:outstanding"),
        proficient=1,
    )


def test_dudley_moderates_every_inadequate_and_a_fifth_of_the_rest_over_the_range_of_grades() -> None:
    """DUD-26, contradiction 8."""
    terms = DrawTerms(share=20, of="rest", always=("inadequate",), each_grade=True)
    assert framework_named("dudley").draw_terms() == terms


def test_west_sussex_draws_a_sample_only_where_the_council_has_chosen_that() -> None:
    """WSX-23, contradiction 1: stage 2 is part of every audit."""
    assert framework_named("west_sussex").draws is None


def test_wokingham_draws_from_six_services_with_a_mix_and_every_practitioner_within_a_year() -> None:
    """WOK-02 to WOK-04."""
    assert framework_named("wokingham").sampling_terms() == SamplingTerms(
        services=(
            "Early Help",
            "Referral and Assessment",
            "Brambles",
            "Conifers",
            "Children with Disabilities",
            "Here4U",
        ),
        mix=("plan", "sex", "age_band", "ethnicity_group"),
        practitioner_months=12,
    )


def test_west_sussex_audits_come_from_another_part_of_the_service() -> None:
    """WSX-02."""
    assert framework_named("west_sussex").sampling_terms().area == "other"


def test_dudleys_fostering_managers_audit_foster_carers_files_and_nobody_a_centre_of_their_own() -> None:
    """DUD-04, DUD-38."""
    terms = framework_named("dudley").sampling_terms()
    assert terms.role_plans == {"fostering_manager": ("FC",)}
    assert terms.linked


def test_southampton_stays_in_the_service_area_except_where_an_auditor_is_chosen_by_hand() -> None:
    """SOU-01."""
    framework = framework_named("southampton")
    assert framework.sampling_terms().area == "own"
    assert framework.sampling_terms(by_hand=True).area == "any"


@pytest.mark.parametrize("name", shipped())
def test_only_wokingham_skips_months(name: str) -> None:
    """WOK-01: January, March, May, July, September and November."""
    framework = framework_named(name)
    months = [month for month in range(1, 13) if framework.has_cycle(Cycle.parse(f"2026-{month:02}"))]
    assert months == ([1, 3, 5, 7, 9, 11] if name == "wokingham" else list(range(1, 13)))


def test_a_month_without_a_cycle_is_refused_with_the_months_around_it() -> None:
    assert no_cycle(framework_named("wokingham"), Cycle.parse("2026-04")) == (
        "Nothing is allocated in April 2026: Wokingham audits every second month. Choose March 2026 or May 2026."
    )


@pytest.mark.parametrize(
    ("number", "grade"),
    [
        *((number, "inadequate") for number in (0, 1, 2)),
        *((number, "requires_improvement") for number in (3, 4, 5)),
        *((number, "good") for number in (6, 7, 8)),
        *((number, "outstanding") for number in (9, 10)),
        *((number, None) for number in (11, 100)),
    ],
)
def test_west_sussexs_old_scale_still_means_one_of_the_four_words(number: int, grade: str | None) -> None:
    """WSX-41."""
    assert framework_named("west_sussex").grade_key(str(number)) == grade


def test_a_number_is_no_grade_where_there_was_no_old_scale() -> None:
    assert framework_named("dudley").grade_key("7") is None


def test_bedford_caps_thematic_audits_at_four_a_person_and_year() -> None:
    """BED-03."""
    limit = framework_named("bedford").limits["thematic"]
    assert limit.most == 4
    assert {"tm", "ap"} <= set(limit.roles)
