"""The draw: which auditor gets which case, at random from a stored seed, and why one got none."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Literal

from audits.dates import day_words
from audits.drawing import DUE, Drawing, Turns
from audits.mixing import SERVICE, Mix, same_words
from audits.people import Directory, Person
from audits.state import CaseFile

Part = Literal["own", "other", "any"]

UNTRAINED = "untrained"
_NO_PRACTITIONER = "no practitioner is named for it, so there is nobody to talk it through with"

_Line = Callable[[Person], frozenset[int]]
_Check = Callable[[Person], str | None]


@dataclass(frozen=True)
class SamplingTerms:
    """How a framework lets cases be drawn.

    - `area`, `team`: the auditor's own only (SOU-01), another part of the service only (WSX-02), or any.
    - `linked`: never a case of a team or service area that the auditor is linked to (DUD-38).
    - `practitioner_months`: every practitioner has a case audited in so many months, rolling (WOK-02).
    - `mix`: traits of the case (see audits.mixing.TRAITS) of which every audit period has a mix (WOK-04).
    - `services`: service areas or teams that each have a case audited in every period (WOK-03).
    - `role_plans`: roles that audit cases of these plans only, and nobody else does (DUD-04).
    """

    area: Part = "any"
    team: Part = "any"
    linked: bool = False
    practitioner_months: int | None = None
    mix: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    role_plans: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Draw:
    """The outcome of a draw.

    `unfilled` pairs an auditor with the reason, in a sentence, why no case fits. `unserved` pairs a practitioner whose
    time without an audit is running out with a sentence on why this draw has none for them. `notes` are sentences on
    what else the draw was to take in and couldn't; no person is named in them.
    """

    seed: int
    drawn: tuple[tuple[Person, CaseFile], ...]
    unfilled: tuple[tuple[Person, str], ...]
    notes: tuple[str, ...] = ()
    unserved: tuple[tuple[Person, str], ...] = ()


def obstacle(auditor: Person, case: CaseFile, directory: Directory, terms: SamplingTerms) -> str | None:
    """Why this auditor may not audit this case, as words to follow "because"; None if nothing stands in the way."""
    holder = directory.get(case.holder_id)
    if holder is None:
        return _NO_PRACTITIONER
    checks = _checks(case, holder, partial(_line, directory), directory, terms)
    return next((reason for _, check in checks if (reason := check(auditor)) is not None), None)


def draw(
    auditors: Sequence[Person],
    cases: Sequence[CaseFile],
    directory: Directory,
    seed: int,
    *,
    terms: SamplingTerms,
    day: date,
    next_due: date | None = None,
    taken: Collection[int] = (),
    given: Sequence[CaseFile] = (),
    counts: Counter[int] | None = None,
    audited: Mapping[int, date] | None = None,
) -> Draw:
    """One case for each auditor, spread evenly over practitioners. The same seed, people and cases give the same draw.

    `cases` is the whole list. `taken` are ids of cases that can't be drawn, `given` the cases audited in this period
    already, which count towards its mix. `counts` has the audits that each practitioner has had, by id, so that those
    with fewer come first. `audited` has the day of each practitioner's last audit (an audit under way counts as today).
    `day` is the day of the draw, `next_due` the day by which audits of the next draw are due.

    What comes first, where not all can be had: that every auditor gets a case; that as many practitioners as possible
    take part; practitioners whose time runs out before `next_due`, the longest without an audit first; a case of
    every service; every value of the mix; the proportions of the list. A service may take the place of a practitioner
    whose time runs out, a value of the mix may not.
    """
    random = Random(seed)
    trained = [person for person in auditors if person.auditing != UNTRAINED]
    order = sorted(trained, key=lambda person: person.id)
    listed = [case for case in cases if case.on_list]
    pool = sorted((case for case in listed if case.id not in taken), key=lambda case: case.id)
    random.shuffle(order)
    random.shuffle(pool)
    fitting = _Fitting(order, pool, directory, terms)
    left = frozenset(person.id for person in directory.people.values() if not person.active)
    turns = Turns(terms.practitioner_months, next_due or day, audited or {}, counts or Counter(), left)
    mix = Mix(listed, terms.mix, terms.services, given)
    drawing = Drawing(len(order), pool, fitting.fits, turns, mix)
    drawing.seat_everyone()
    drawing.bring_in_what_is_missing()
    held = drawing.seating.given
    untrained = sorted((one for one in auditors if one.auditing == UNTRAINED), key=lambda person: person.id)
    unserved = _unserved(listed, drawing, directory, day) if order else ()
    return Draw(
        seed,
        tuple((auditor, held[at]) for at, auditor in enumerate(order) if at in held),
        (
            *((auditor, fitting.reason(at)) for at, auditor in enumerate(order) if at not in held),
            *((auditor, "They haven't been trained to audit yet.") for auditor in untrained),
        ),
        _notes(listed, drawing, unserved) if order else (),
        unserved,
    )


class _Fitting:
    """Who may audit which case: `obstacle`, asked once for all cases that are alike to an auditor.

    Auditors are bits of a number, by their place in the draw. `fits` has those who may have each case, by its id.
    """

    def __init__(
        self, auditors: Sequence[Person], pool: Sequence[CaseFile], directory: Directory, terms: SamplingTerms
    ) -> None:
        self._auditors = auditors
        self._directory = directory
        self._terms = terms
        self._lines: dict[int, frozenset[int]] = {}
        self._allowed: dict[Hashable, int] = {}
        self._counts: Counter[tuple[Hashable, ...]] = Counter()
        self._checks: dict[tuple[Hashable, ...], list[tuple[int, _Check]]] = {}
        self.fits: dict[int, int] = {}
        known: dict[Hashable, tuple[tuple[Hashable, ...], int]] = {}
        for case in pool:
            told_by = (case.holder_id, case.plan, case.team, case.service_area)
            if told_by not in known:
                known[told_by] = self._fit(case)
            alike, self.fits[case.id] = known[told_by]
            self._counts[alike] += 1

    def _fit(self, case: CaseFile) -> tuple[tuple[Hashable, ...], int]:
        """What makes a case alike to others, and who may have it."""
        holder = self._directory.get(case.holder_id)
        if holder is None:
            self._checks[()] = [(0, lambda _: _NO_PRACTITIONER)]
            return (), 0
        asked = list(_checks(case, holder, self._line, self._directory, self._terms))
        alike = tuple(key for key, _ in asked)
        fit = (1 << len(self._auditors)) - 1
        self._checks[alike] = []
        for key, check in asked:
            if key not in self._allowed:
                self._allowed[key] = sum(1 << at for at, one in enumerate(self._auditors) if check(one) is None)
            self._checks[alike].append((self._allowed[key], check))
            fit &= self._allowed[key]
        return alike, fit

    def _line(self, person: Person) -> frozenset[int]:
        if person.id not in self._lines:
            self._lines[person.id] = _line(self._directory, person)
        return self._lines[person.id]

    def reason(self, at: int) -> str:
        """Why the auditor at this place has no case."""
        looked_at = len(self.fits)
        if not looked_at:
            return "There are no open cases left on the list."
        fitting, why = 0, Counter[str]()
        for alike, count in self._counts.items():
            for allowed, check in self._checks[alike]:
                if not allowed >> at & 1:
                    why[check(self._auditors[at]) or ""] += count
                    break
            else:
                fitting += count
        if fitting:
            return f"Every case that fits ({fitting}) has gone to another auditor."
        parts = "; ".join(f"{count} because {reason}" for reason, count in why.most_common())
        return f"No open case fits ({looked_at} looked at): {parts}."


def _line(directory: Directory, person: Person) -> frozenset[int]:
    return frozenset(above.id for above in directory.line_of(person))


def _checks(
    case: CaseFile, holder: Person, line: _Line, directory: Directory, terms: SamplingTerms
) -> Iterator[tuple[Hashable, _Check]]:
    """What is asked of an auditor, the most telling first; cases with the same key get the same answer."""
    area, team = case.service_area, case.team
    yield "trained", _untrained
    yield ("relation", holder.id), partial(_relation, holder=holder, line=line)
    if terms.role_plans:
        yield ("plan", case.plan), partial(_reserved, plan=case.plan, directory=directory, terms=terms)
    if terms.linked:
        places = (team or holder.team, area or holder.service_area)
        yield ("linked", places), partial(_link, places=places)
    if terms.area == "own":
        yield ("area", area), partial(_not_own, place=area, of=_area_of, reason="it is in another service area")
    if terms.team == "own":
        yield ("team", team), partial(_not_own, place=team, of=_team_of, reason="it is with another team")
    if terms.area == "other":
        yield (
            ("area", area, holder.service_area),
            partial(_not_other, place=area, near=holder.service_area, of=_area_of, words="service area"),
        )
    if terms.team == "other":
        yield ("team", team, holder.team), partial(_not_other, place=team, near=holder.team, of=_team_of, words="team")


def _area_of(person: Person) -> str:
    return person.service_area


def _team_of(person: Person) -> str:
    return person.team


def _untrained(auditor: Person) -> str | None:
    return "they haven't been trained to audit yet" if auditor.auditing == UNTRAINED else None


def _relation(auditor: Person, *, holder: Person, line: _Line) -> str | None:
    if holder.id == auditor.id:
        return "it is their own case"
    if auditor.id in line(holder):
        return "its practitioner is in their own line of management"
    if holder.id in line(auditor):
        return "its practitioner is their own manager"
    return None


def _reserved(auditor: Person, *, plan: str, directory: Directory, terms: SamplingTerms) -> str | None:
    own = terms.role_plans.get(auditor.role)
    if own is not None:
        return None if plan in own else f"their role audits cases with plan {' or '.join(own)} only"
    for role, plans in terms.role_plans.items():
        if plan in plans:
            scope = directory.roles.get(role)
            return f"cases with plan {plan} are for the {scope.label if scope else role}"
    return None


def _link(auditor: Person, *, places: tuple[str, ...]) -> str | None:
    linked = {same_words(name) for name in auditor.linked}
    if not linked:
        return None
    if not any(places):
        return "it isn't known which centre it belongs to, and they are linked to one"
    return "they are linked to its centre" if any(same_words(place) in linked for place in places) else None


def _not_own(auditor: Person, *, place: str, of: Callable[[Person], str], reason: str) -> str | None:
    mine = same_words(of(auditor))
    return reason if mine and place and same_words(place) != mine else None


def _not_other(auditor: Person, *, place: str, near: str, of: Callable[[Person], str], words: str) -> str | None:
    """Neither the case nor the practitioner, who takes part in the audit, is of the auditor's own part (WSX-02)."""
    mine = same_words(of(auditor))
    if not mine:
        return None
    if same_words(place) == mine:
        return f"it is in their own {words}" if words != "team" else "it is with their own team"
    if same_words(near) == mine:
        return f"its practitioner is in their own {words}"
    return None if place or near else f"it isn't known which {words} it belongs to"


def _unserved(
    listed: Sequence[CaseFile], drawing: Drawing, directory: Directory, day: date
) -> tuple[tuple[Person, str], ...]:
    """The practitioners whose time runs out and who have no audit in this draw, the longest without one first."""
    turns, seating = drawing.turns, drawing.seating
    if turns.months is None:
        return ()
    drawable = {case.holder_id for case in drawing.pool}
    found = []
    for holder_id in {case.holder_id for case in listed}:
        holder = directory.get(holder_id)
        if holder is None or seating.audits_of(holder.id) or turns.of(holder.id)[0] != DUE:
            continue
        why = "every auditor who could take one of their cases has another"
        if holder.id not in drawable:
            why = "none of their cases could go to an auditor in this draw"
        found.append((holder, f"{_since(holder, turns, day)}; {why}."))
    return tuple(sorted(found, key=lambda pair: (turns.of(pair[0].id), pair[0].name, pair[0].id)))


def _since(holder: Person, turns: Turns, day: date) -> str:
    limit = turns.limit(holder.id)
    if limit is None:
        return f"{holder.name} has had no audit yet"
    last = day_words(turns.audited[holder.id])
    months = "1 month" if turns.months == 1 else f"{turns.months} months"
    verb = ("was" if limit < day else "is") if turns.months == 1 else ("were" if limit < day else "are")
    return f"{holder.name} was last audited on {last}, and {months} {verb} up on {day_words(limit)}"


def _notes(listed: Sequence[CaseFile], drawing: Drawing, unserved: Sequence[tuple[Person, str]]) -> tuple[str, ...]:
    mix = drawing.mix
    notes = []
    for service in mix.missing(SERVICE):
        why = "every auditor who could have taken one has another case"
        if not any((SERVICE, service) in mix.values(case) for case in listed):
            why = "none is on the list"
        elif not any((SERVICE, service) in mix.values(case) for case in drawing.pool):
            why = "none of them could go to an auditor in this draw"
        notes.append(f"No case of {service} could be included: {why}.")
    notes += mix.notes()
    if unserved:
        who = "1 practitioner" if len(unserved) == 1 else f"{len(unserved)} practitioners"
        notes.append(f"{who} due for an audit (one in {drawing.turns.months} months) couldn't be included.")
    return tuple(notes)
