"""How a draw proceeds: whose turn it is, which case the mix needs most, and what is brought in at the end."""

import heapq
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from audits.dates import add_months
from audits.mixing import SERVICE, Mix, Value
from audits.seating import Seating
from audits.state import CaseFile

DUE = 0
"""The first number of a practitioner's turn whose time without an audit is running out."""


@dataclass(frozen=True)
class Turns:
    """Whose turn it is: the lower the numbers, the sooner a practitioner's case is drawn.

    With `months`, time runs out for those whose last audit was longer ago on `next_due`; `left` are people who have
    left, for whom it doesn't run.
    """

    months: int | None
    next_due: date
    audited: Mapping[int, date]
    counts: Counter[int]
    left: Collection[int] = ()

    def limit(self, holder_id: int) -> date | None:
        """The day by which the practitioner's next audit should be done; None if they have had none yet."""
        last = self.audited.get(holder_id)
        return None if last is None or self.months is None else add_months(last, self.months)

    def of(self, holder_id: int | None) -> tuple[int, int, int]:
        person = holder_id or 0
        if self.months is None:
            return DUE + 1, 0, self.counts[person]
        if person in self.left:
            return DUE + 2, 0, self.counts[person]
        last, limit = self.audited.get(person), self.limit(person)
        if last is None or limit is None:
            return DUE, 0, self.counts[person]
        if limit < self.next_due:
            return DUE, last.toordinal(), self.counts[person]
        # By month, not by day: among those with time left there is room for the mix.
        return DUE + 1, last.year * 12 + last.month, self.counts[person]


class _Group:
    """The cases of practitioners whose turn it is at the same time, by what they count for in the mix."""

    def __init__(self, cases: Sequence[CaseFile], mix: Mix) -> None:
        self.holders = list(dict.fromkeys(case.holder_id for case in cases))
        self._waiting: dict[tuple[Value, ...], list[tuple[int, CaseFile]]] = {}
        for at, case in enumerate(cases):
            self._waiting.setdefault(mix.values(case), []).append((at, case))
        for alike in self._waiting.values():
            alike.reverse()

    def seat(self, seating: Seating, mix: Mix, each: int) -> bool:
        """Seat the case that the mix needs most, again and again, chance deciding between those it needs alike; at most
        `each` of every practitioner. Whether any was seated.
        """
        room = {holder for holder in self.holders if seating.audits_of(holder) < each}
        aside: dict[tuple[Value, ...], list[tuple[int, CaseFile]]] = {}
        heads: list[tuple[int, int, tuple[Value, ...]]] = []
        drawn, changed = False, True
        while room and not seating.full and (changed or heads):
            if changed:
                weights = mix.weights()
                heads = [
                    (-sum(weights.get(value, 0) for value in values), alike[-1][0], values)
                    for values, alike in self._waiting.items()
                    if alike
                ]
                heapq.heapify(heads)
                changed = False
                continue
            weight, _, values = heads[0]
            alike = self._waiting[values]
            at, case = alike.pop()
            if alike:
                heapq.heapreplace(heads, (weight, alike[-1][0], values))
            else:
                heapq.heappop(heads)
            if seating.has(case):
                continue
            change = seating.seat(case) if case.holder_id in room else None
            if change is None:
                aside.setdefault(values, []).append((at, case))
                continue
            mix.apply(change)
            drawn = changed = True
            if seating.audits_of(case.holder_id) >= each:
                room.discard(case.holder_id)
        for values, kept in aside.items():
            self._waiting[values].extend(reversed(kept))
        return drawn


class Drawing:
    """The draw while it is made: cases get their auditors in turn, then exchanges bring in what is missing."""

    def __init__(
        self, auditors: int, pool: Sequence[CaseFile], fits: Mapping[int, int], turns: Turns, mix: Mix
    ) -> None:
        self.pool = [case for case in pool if fits[case.id]]
        self.turns = turns
        self.mix = mix
        self.seating = Seating(auditors, self.pool, fits)
        self._fits = fits
        self._turn = {holder: turns.of(holder) for holder in {case.holder_id for case in self.pool}}

    def seat_everyone(self) -> None:
        """Round by round, at most one more audit for every practitioner in each."""
        together: dict[tuple[int, int, int], list[CaseFile]] = {}
        for case in self.pool:
            together.setdefault(self._turn[case.holder_id], []).append(case)
        groups = [_Group(together[turn], self.mix) for turn in sorted(together)]
        each, drawn = 1, True
        while drawn and not self.seating.full:
            drawn = False
            for group in groups:
                drawn |= group.seat(self.seating, self.mix, each)
                drawn |= self._regroup(group, each)
            each += 1

    def _regroup(self, group: _Group, each: int) -> bool:
        """Seat practitioners for whom there is room only where others change to another of their cases."""
        drawn = False
        for holder in group.holders:
            if self.seating.full:
                break
            change = self.seating.seat_any(holder) if self.seating.audits_of(holder) < each else None
            if change is not None:
                self.mix.apply(change)
                drawn = True
        return drawn

    def bring_in_what_is_missing(self) -> None:
        """Exchange cases that can be spared for such as a service or a value of the mix lacks."""
        for trait, value in sorted(self.mix.wanted, key=lambda wanted: (wanted[0] != SERVICE, wanted)):
            if value in self.mix.missing(trait):
                self._bring_in((trait, value))

    def _bring_in(self, wanted: Value) -> None:
        cost = self._cost_to_a_service if wanted[0] == SERVICE else self._cost_to_the_mix
        weights = self.mix.weights()
        tried = set()
        candidates = [case for case in self.pool if wanted in self.mix.values(case)]
        candidates.sort(
            key=lambda case: (self._turn[case.holder_id], -sum(weights.get(one, 0) for one in self.mix.values(case)))
        )
        for case in candidates:
            alike = (case.holder_id, self._fits[case.id], self.mix.values(case))
            if alike in tried:
                continue
            tried.add(alike)
            change = self.seating.exchange(case, partial(cost, case))
            if change is not None:
                self.mix.apply(change)
                return

    def _cost_to_a_service(self, coming: CaseFile, leaving: CaseFile) -> tuple[int, ...] | None:
        services, values = self.mix.lost(leaving, coming)
        return None if services else (self._loses_a_turn(coming, leaving), values, *self._least_urgent(leaving))

    def _cost_to_the_mix(self, coming: CaseFile, leaving: CaseFile) -> tuple[int, ...] | None:
        if any(self.mix.lost(leaving, coming)) or self._loses_a_turn(coming, leaving):
            return None
        return self._least_urgent(leaving)

    def _loses_a_turn(self, coming: CaseFile, leaving: CaseFile) -> bool:
        return self._turn[leaving.holder_id][0] == DUE != self._turn[coming.holder_id][0]

    def _least_urgent(self, leaving: CaseFile) -> tuple[int, ...]:
        return tuple(-number for number in self._turn[leaving.holder_id])
