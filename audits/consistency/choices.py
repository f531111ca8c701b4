"""Whether scales, settings, percentages and conditions make sense in themselves."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from audits.consistency import places
from audits.consistency.problem import Path, Problem
from audits.consistency.words import instead_of
from audits.framework import Condition, Framework
from audits.moderating import CRITERIA, GRADE


def troubles_with_settings(framework: Framework, *, decided: bool = True) -> Iterator[Problem]:
    """Values and defaults that are no choices, and departures that nobody has decided (unless that isn't asked)."""
    for key, setting in framework.settings.items():
        for term, value in (("value", setting.value), ("default", setting.default)):
            if value is not None and value not in setting.choices:
                advice = instead_of(value, setting.choices)
                yield Problem(("settings", key, term), f"{value!r} is not one of the choices. {advice}")
        yield from _twice(("settings", key, "choices"), setting.choices, "choice")
        if decided and setting.departs and {setting.value, setting.default} <= set(setting.choices):
            missing = [
                term
                for term, given in (("decided_by", setting.decided_by), ("decided_on", setting.decided_on))
                if not given
            ]
            if missing:
                yield Problem(
                    ("settings", key, "value"),
                    f"{setting.value!r} departs from what the rules state ({setting.default!r}), and it isn't said who "
                    f"decided that and when. Add {' and '.join(missing)}, or write {setting.default!r}.",
                )
    anchor = framework.settings.get("anchor_month")
    for number, month in enumerate(anchor.choices if anchor else ()):
        if not month.isdecimal() or not 1 <= int(month) <= 12:
            yield Problem(("settings", "anchor_month", "choices", number), f"{month!r} is no month. Write 1 to 12.")


def troubles_with_scales(framework: Framework) -> Iterator[Problem]:
    """Grades and sections that stand there twice, and an old scale with gaps, overlaps or grades that aren't there."""
    yield from _twice(("grades",), [grade.key for grade in framework.grades], "grade", key="key")
    yield from _twice(("grades",), [grade.label for grade in framework.grades], "grade", key="label")
    yield from _twice(("sections",), [section.key for section in framework.sections], "section", key="key")
    yield from _old_scale(framework)


def _twice(path: Path, words: Sequence[str], what: str, *, key: str = "") -> Iterator[Problem]:
    for number, word in enumerate(words):
        if word in words[:number]:
            place = (*path, number, key) if key else (*path, number)
            yield Problem(place, f"there is a {what} {word!r} already. Write another word, or take one of the two out.")


def _old_scale(framework: Framework) -> Iterator[Problem]:
    known = [grade.key for grade in framework.grades]
    for number, old in enumerate(framework.old_scale):
        if old.grade not in known:
            yield _no_grade(("old_scale", number, "grade"), old.grade, known)
        if old.least > old.most:
            yield Problem(("old_scale", number, "most"), f"{old.most} is less than least ({old.least}). Swap the two.")
    ranges = sorted(enumerate(framework.old_scale), key=lambda one: (one[1].least, one[1].most))
    for (_, below), (number, above) in pairwise(ranges):
        path = ("old_scale", number, "least")
        if below.least > below.most or above.least > above.most:
            continue
        if above.least <= below.most:
            words = f"{above.least} belongs to two grades: the range below ends with {below.most}"
            yield Problem(path, f"{words}. Write least = {below.most + 1}.")
        elif above.least > below.most + 1:
            words = f"{_numbers(below.most + 1, above.least - 1)} no grade: the range below ends with {below.most}"
            yield Problem(path, f"{words}. Write least = {below.most + 1}.")


def _numbers(least: int, most: int) -> str:
    return f"{least} has" if least == most else f"{least} to {most} have"


def _no_grade(path: Path, grade: str, known: Iterable[str]) -> Problem:
    return Problem(path, f"there is no grade {grade!r}. {instead_of(grade, known)}")


def troubles_with_moderation(framework: Framework) -> Iterator[Problem]:
    """Percentages above their cap, and grades or criteria of the draw that aren't there."""
    terms = framework.moderation
    known = [grade.key for grade in framework.grades]
    if terms.most is not None and terms.share > terms.most:
        yield Problem(
            ("moderation", "share"),
            f"the least, {terms.share} per cent, is above the most, {terms.most} per cent. Write a share of at most "
            f"{terms.most}, or a higher most.",
        )
    for number, grade in enumerate(terms.always):
        if grade not in known:
            yield _no_grade(("moderation", "always", number), grade, known)
    criteria = [*CRITERIA, *(GRADE + grade for grade in known)]
    for number, criterion in enumerate(terms.ranked):
        if criterion not in criteria:
            yield Problem(
                ("moderation", "ranked", number),
                f"there is no criterion {criterion!r}. {instead_of(criterion, criteria)}",
            )


def never_true(framework: Framework) -> Iterator[Problem]:
    """Conditions that can't hold, alone or beside the condition on which their duty opens."""
    for key, duty in framework.duties.items():
        path: Path = ("duties", key)
        ways: list[tuple[Path, Condition]] = [((*path, "when"), duty.when)]
        ways += [((*path, "or_opened", number, "when"), way.when) for number, way in enumerate(duty.or_opened)]
        for place, when in ways:
            yield from _impossible(framework, place, when)
        opening = set().union(*(_grades(framework, when) for _, when in ways))
        beside: list[tuple[Path, Condition]] = [
            ((*path, "variants", number, "when"), variant.when) for number, variant in enumerate(duty.variants)
        ]
        for place, when in beside:
            yield from _impossible(framework, place, when)
            yield from _beside(framework, opening, [(place, when)])
        kept = list(places.kept_while(key, duty))
        for place, when in kept:
            yield from _impossible(framework, place, when)
        yield from _beside(framework, opening, kept)
    for key, notice in framework.notices.items():
        yield from _impossible(framework, ("notices", key, "when"), notice.when)


def _beside(framework: Framework, opening: set[str], whens: Sequence[tuple[Path, Condition]]) -> Iterator[Problem]:
    """Conditions of which none holds when a duty opens, because it opens for other grades."""
    grades: set[str] = set().union(*(_grades(framework, when) for _, when in whens))
    if not opening or not grades or opening & grades:
        return
    place, when = whens[0]
    yield Problem(
        (*place, "grade") if when.grade is not None else (*place, "good_grade"),
        "this never holds when the duty opens: the duty is for other grades. Write one of: "
        f"{', '.join(sorted(opening))}.",
    )


def _impossible(framework: Framework, path: Path, when: Condition) -> Iterator[Problem]:
    known = {grade.key for grade in framework.grades}
    if when.grade is not None and not set(when.grade) <= known:
        return
    if not _grades(framework, when):
        words = "no grade of [[grades]] fits this" if when.grade is None else "the list leaves no grade"
        place = "good_grade" if when.grade is None else "grade"
        yield Problem((*path, place), f"{words}, so it never holds. Name a grade that fits, or take the condition out.")
    if when.moderated is False and (when.changed or when.moderation is not None):
        yield Problem(
            (*path, "moderated"), "before moderation nothing is changed or found, so it never holds. Take it out."
        )
    both = sorted(set(when.done) & set(when.not_done))
    if both:
        yield Problem(
            (*path, "not_done"), f"{both[0]!r} stands in done as well, so it never holds. Take it out of one."
        )


def _grades(framework: Framework, when: Condition) -> set[str]:
    return {
        grade.key
        for grade in framework.grades
        if (when.grade is None or grade.key in when.grade)
        and (when.good_grade is None or grade.good is when.good_grade)
    }
