"""The moderation draw: which completed audits are moderated and why, and which fitted a criterion but found no place.

Who is to be moderated comes in this order: what always is, a place for proficient auditors' work, the criteria one
after the other, and chance for what the least number still lacks. (WOK-17 to WOK-21, DUD-26, BED-18, SOU-23, WSX-23)
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Literal

CRITERIA: Mapping[str, str] = {
    "referred": "put forward for moderation",
    "unsuitable": "the overall grade may not fit the grades by heading",
    "new_auditor": "the auditor is new to auditing or has support with it",
}
"""The words for `DrawTerms.ranked` beside `grade:` and a grade's key, and what each says to the reader."""

GRADE = "grade:"


@dataclass(frozen=True)
class Candidate:
    """One completed audit.

    `grade` is a key of the scale, or None where the framework gives no overall grade. `new_auditor` is also true of
    an auditor who is being helped with the quality of audits; all others count as proficient (WOK-19, WOK-20).
    `referred`: a person put it forward (WOK-14). `unsuitable`: see `unsuitably_graded`. `already`: under moderation
    before the draw; it is kept, counts towards the numbers, and is never dropped.
    """

    audit_id: int
    grade: str | None
    auditor_id: int
    new_auditor: bool = False
    referred: bool = False
    unsuitable: bool = False
    already: bool = False


@dataclass(frozen=True)
class DrawTerms:
    """How a council draws. `share` is the least and `most` the greatest percentage, of `of`.

    The least is rounded up, the most rounded down, but never below the least. With `of` "rest" both count the audits
    that no grade in `always` covers, and those it covers come on top. `ranked` names criteria, the most important
    first: the keys of CRITERIA, or `grade:` and a grade's key. Everything that fits one is chosen as long as `most`
    allows. `proficient`: so many are by auditors who aren't new, where there are so many (WOK-20).
    `each_grade`: what is left to chance takes in every grade as far as the number allows, and follows the proportion
    of the grades (DUD-26). Everyone's: `share` 100. Only the grades in `always`: `share` 0 of the "rest".
    """

    share: int
    most: int | None = None
    of: Literal["all", "rest"] = "all"
    always: tuple[str, ...] = ()
    ranked: tuple[str, ...] = ()
    proficient: int = 0
    each_grade: bool = False

    def problems(self, scale: Sequence[str]) -> list[str]:
        """Every fault as a sentence that begins with its key; `scale` holds the keys of the framework's grades."""
        found = []
        if not 0 <= self.share <= 100:
            found.append(f"share: {self.share} is no percentage. Write a whole number from 0 to 100.")
        if self.most is not None and not self.share <= self.most <= 100:
            found.append(f"most: {self.most} won't do. Write a percentage from share ({self.share}) to 100.")
        if self.proficient < 0:
            found.append(f"proficient: {self.proficient} won't do. Write 0 or more audits.")
        grades = f"Grades are: {', '.join(scale)}."
        found += [
            f"always: {grade!r} is no grade of the scale. {grades}" for grade in self.always if grade not in scale
        ]
        words = f"Criteria are: {', '.join(CRITERIA)}, and {GRADE} with a grade."
        for criterion in self.ranked:
            if criterion.startswith(GRADE):
                if criterion.removeprefix(GRADE) not in scale:
                    found.append(f"ranked: {criterion!r} names no grade of the scale. {grades}")
            elif criterion not in CRITERIA:
                found.append(f"ranked: {criterion!r} is unknown. {words}")
        return found


@dataclass(frozen=True)
class ModerationDraw:
    """The outcome. `chosen` and `dropped` pair an audit's id with the reason in words, the strongest reason first.

    `dropped` fitted a criterion but found no place. `to_start` are the chosen that aren't under moderation yet.
    `least` and `most` are numbers of audits; `words` sums it all up in a line or two for the QA officer.
    """

    seed: int
    chosen: tuple[tuple[int, str], ...]
    dropped: tuple[tuple[int, str], ...]
    to_start: tuple[int, ...]
    least: int
    most: int | None
    words: str


class _Ground(IntEnum):
    """On what ground an audit is chosen, in the order in which a reader should see them."""

    ALREADY = 0
    ALWAYS = 1
    CRITERION = 2
    PROFICIENT = 3
    CHANCE = 4


def draw_for_moderation(
    candidates: Iterable[Candidate], terms: DrawTerms, seed: int, *, scale: Sequence[str], labels: Mapping[str, str]
) -> ModerationDraw:
    """Draw a cycle's moderation. The same seed and audits give the same draw, in whatever order they come.

    `scale` holds the keys of the grades, best first; `labels` their words. Only two things go above the most: the
    audits that are always moderated or already are, and the promised audit of a proficient auditor where the former
    have none and leave no place. Then `words` says so. Drawing again with the chosen marked `already` adds nothing.
    Raises ValueError if the terms don't fit the scale, or an audit is listed twice.
    """
    problems = terms.problems(scale)
    if problems:
        raise ValueError("\n".join(problems))
    # Sorted before it is shuffled, or the order in which the audits come would tell in the draw.
    pool = sorted(candidates, key=lambda one: one.audit_id)
    if len({one.audit_id for one in pool}) < len(pool):
        raise ValueError("An audit is listed twice among those to draw from.")
    least, most = _bounds(pool, terms)
    Random(seed).shuffle(pool)

    held = [one for one in pool if one.already or one.grade in terms.always]
    free = [one for one in pool if not (one.already or one.grade in terms.always)]
    fitting = sorted((one for one in free if _fits(one, terms)), key=lambda one: _rank(one, terms))
    plain = [one for one in free if not _fits(one, terms)]
    room = len(free) if most is None else max(0, most - len(held))

    sample = _sample(held, fitting, plain, terms, room)
    sampled = {one.audit_id for one in sample}
    waiting = [one for one in fitting if one.audit_id not in sampled]
    places = max(0, room - len(sample))
    taken, left_out = waiting[:places], waiting[places:]
    picked = [*held, *sample, *taken]
    drawn = _by_chance([one for one in plain if one.audit_id not in sampled], picked, terms, least, most)

    grounds = {one.audit_id: _ground(one, terms, sampled) for one in (*picked, *drawn)}
    chosen = sorted((*picked, *drawn), key=lambda one: (grounds[one.audit_id], _rank(one, terms), one.audit_id))
    level = {_rank(one, terms) for one in taken}
    return ModerationDraw(
        seed,
        tuple((one.audit_id, _why(one, grounds[one.audit_id], terms, labels)) for one in chosen),
        tuple(
            (one.audit_id, _why_not(one, terms, labels, most or 0, by_lot=_rank(one, terms) in level))
            for one in sorted(left_out, key=lambda one: (_rank(one, terms), one.audit_id))
        ),
        tuple(one.audit_id for one in chosen if not one.already),
        least,
        most,
        _summary(Counter(grounds.values()), len(pool), len(left_out), terms, labels, most, promised=len(sample) > room),
    )


def unsuitably_graded(
    overall: str | None, sections: Mapping[str, str], scale: Sequence[str], good: Collection[str]
) -> bool:
    """Whether an overall grade seems not to fit the grades by heading (WOK-18; the measure is LOCAL).

    It doesn't if it stands two or more places of the scale (best first) from their middle, or is one of the `good`
    grades while a heading has the lowest. Headings without a grade of the scale are passed over. Without any, or
    without an overall grade, only a person can tell, and this is False.
    """
    places = sorted(scale.index(grade) for grade in sections.values() if grade in scale)
    if overall not in scale or not places:
        return False
    # Twice the middle, so that a middle between two grades stays a whole number.
    middle = places[(len(places) - 1) // 2] + places[len(places) // 2]
    far = abs(2 * scale.index(overall) - middle) >= 2 * 2
    return far or (overall in good and places[-1] == len(scale) - 1)


def _bounds(pool: Sequence[Candidate], terms: DrawTerms) -> tuple[int, int | None]:
    on_top = sum(one.grade in terms.always for one in pool) if terms.of == "rest" else 0
    counted = len(pool) - on_top
    least = -(-counted * terms.share // 100)
    most = None if terms.most is None else on_top + max(least, counted * terms.most // 100)
    return on_top + least, most


def _rank(one: Candidate, terms: DrawTerms) -> tuple[bool, ...]:
    """Sorts by the first criterion, then among equals by the next; False where an audit fits."""
    marks = {"referred": one.referred, "unsuitable": one.unsuitable, "new_auditor": one.new_auditor}
    return tuple(
        one.grade != criterion.removeprefix(GRADE) if criterion.startswith(GRADE) else not marks[criterion]
        for criterion in terms.ranked
    )


def _fits(one: Candidate, terms: DrawTerms) -> bool:
    return not all(_rank(one, terms))


def _sample(
    held: Sequence[Candidate],
    fitting: Sequence[Candidate],
    plain: Sequence[Candidate],
    terms: DrawTerms,
    room: int,
) -> list[Candidate]:
    """The places kept for proficient auditors' work, before the criteria fill the rest.

    A sample is meant to be of ordinary audits (WOK-S5), so one that is moderated for its grade doesn't stand in for
    it while there is a place. Where there is none, or too few ordinary audits, any proficient auditor's audit counts.
    """
    able = [one for one in (*plain, *fitting) if not one.new_auditor]
    ordinary = sum(not one.new_auditor for one in plain)
    by_able = [one for one in held if not one.new_auditor]
    earlier = sum(one.grade not in terms.always and not _fits(one, terms) for one in by_able)
    promised = terms.proficient - len(by_able)
    return able[: max(0, promised, min(terms.proficient - earlier, ordinary, room))]


def _by_chance(
    plain: Sequence[Candidate], picked: Sequence[Candidate], terms: DrawTerms, least: int, most: int | None
) -> list[Candidate]:
    """The random part: as many as the least number lacks, from audits that stand in random order."""
    lacking = max(0, least - len(picked))
    if not terms.each_grade:
        return list(plain[:lacking])
    # Grades that are always moderated are covered, and would distort the proportion of the others.
    seen = Counter(one.grade for one in picked if one.grade not in terms.always)
    if most is not None:
        unseen = {one.grade for one in plain} - set(seen)
        lacking = max(lacking, min(len(unseen), most - len(picked)))
    return _range_of_grades(plain, seen, lacking)


def _range_of_grades(plain: Sequence[Candidate], seen: Counter[str | None], number: int) -> list[Candidate]:
    """So many audits: first one of each grade not seen yet, then of the grade that is furthest below its proportion."""
    of_grade: dict[str | None, list[Candidate]] = {}
    for one in plain:
        of_grade.setdefault(one.grade, []).append(one)
    present = seen + Counter(one.grade for one in plain)
    given = Counter(seen)
    whole, wanted = present.total(), seen.total() + number

    def claim(grade: str | None) -> tuple[bool, int]:
        # Unseen grades claim alike: with too few places for all, chance decides (the order of `plain`).
        return (not given[grade], 0 if not given[grade] else present[grade] * wanted - given[grade] * whole)

    found: list[Candidate] = []
    while len(found) < number:
        grade = max((grade for grade, audits in of_grade.items() if audits), key=claim)
        found.append(of_grade[grade].pop(0))
        given[grade] += 1
    return found


def _ground(one: Candidate, terms: DrawTerms, sampled: Collection[int]) -> _Ground:
    if one.already:
        return _Ground.ALREADY
    if one.grade in terms.always:
        return _Ground.ALWAYS
    if _fits(one, terms):
        return _Ground.CRITERION
    return _Ground.PROFICIENT if one.audit_id in sampled else _Ground.CHANCE


def _reasons(one: Candidate, terms: DrawTerms, labels: Mapping[str, str]) -> str:
    """The grade, if it counts, and every criterion that fits."""
    fits = [criterion for criterion, unfit in zip(terms.ranked, _rank(one, terms), strict=True) if not unfit]
    graded = one.grade is not None and (one.grade in terms.always or GRADE + one.grade in fits)
    words = [f"graded {labels.get(one.grade or '', one.grade)}"] if graded else []
    return "; ".join([*words, *(CRITERIA[criterion] for criterion in fits if criterion in CRITERIA)])


def _why(one: Candidate, ground: _Ground, terms: DrawTerms, labels: Mapping[str, str]) -> str:
    match ground:
        case _Ground.ALREADY:
            return "already under moderation"
        case _Ground.ALWAYS | _Ground.CRITERION:
            return _reasons(one, terms, labels)
        case _Ground.PROFICIENT:
            return "part of the sample of proficient auditors' work"
        case _Ground.CHANCE:
            return "every audit is moderated" if terms.share == 100 else "part of the random sample"


def _why_not(one: Candidate, terms: DrawTerms, labels: Mapping[str, str], most: int, *, by_lot: bool) -> str:
    others = "the lot fell to others with the same reasons" if by_lot else "others come first"
    return f"{_reasons(one, terms, labels)}; but no more than {most} may be moderated, and {others}"


def _summary(
    counts: Counter[_Ground],
    completed: int,
    left_out: int,
    terms: DrawTerms,
    labels: Mapping[str, str],
    most: int | None,
    *,
    promised: bool,
) -> str:
    if not completed:
        return "No audit has been completed, so there's nothing to moderate."
    chosen = counts.total()
    graded = f"graded {' or '.join(labels.get(grade, grade) for grade in terms.always)}"
    if chosen == completed:
        text = f"All {completed} completed audits are" if completed > 1 else "The one completed audit is"
    else:
        text = f"{chosen or 'None'} of {completed} completed audits {'are' if chosen > 1 else 'is'}"
    parts = {
        _Ground.ALREADY: "already under moderation",
        _Ground.ALWAYS: graded,
        _Ground.CRITERION: "by the criteria",
        _Ground.PROFICIENT: "as a sample of proficient auditors' work",
        _Ground.CHANCE: "at random",
    }
    text += " to be moderated"
    if 0 < chosen < completed:
        text += ": " + ", ".join(f"{counts[ground]} {words}" for ground, words in parts.items() if counts[ground])
    text += "."
    if most is not None and chosen > most:
        kept = {
            f"every audit {graded} is moderated": counts[_Ground.ALWAYS] > 0,
            "moderation under way goes on": counts[_Ground.ALREADY] > 0,
            "proficient auditors' work is never left out": promised,
        }
        why = " and ".join(words for words, holds in kept.items() if holds)
        text += f" That's more than the most of {most}, because {why}."
    if left_out:
        one = left_out == 1
        text += f" {left_out} more {'fits' if one else 'fit'} a criterion but {'was' if one else 'were'} left out."
    return text
