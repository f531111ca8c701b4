"""Giving as many auditors as possible a case each, one case after the other, the most wanted first.

A maximum matching with a limit: a case finds its auditor even where others have to move on to another case for it, and
a practitioner who takes part goes on taking part. So whoever chooses the order of the cases gets the best set of
practitioners in that order that can be had at all. The search goes breadth first, so its depth doesn't grow with the
number of auditors; sets of auditors are the bits of a number, which keeps it fast for a whole council.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audits.state import CaseFile


@dataclass(frozen=True)
class Change:
    """The cases that are audited from this step on, and those that aren't any more."""

    came: tuple[CaseFile, ...]
    left: tuple[CaseFile, ...] = ()


class Seating:
    """Who has which case so far.

    `fits` has for each case (by id) the auditors who may have it: bit n stands for the n-th of them.
    """

    def __init__(self, auditors: int, cases: Sequence[CaseFile], fits: Mapping[int, int]) -> None:
        self.given: dict[int, CaseFile] = {}
        self._fits = fits
        self._held_by: Counter[int | None] = Counter()
        self._taken: set[int] = set()
        self._cases_of: dict[int | None, list[CaseFile]] = {}
        for case in cases:
            self._cases_of.setdefault(case.holder_id, []).append(case)
        self._everyone = (1 << auditors) - 1
        # Auditors for whom no case fits would make every search a search in vain.
        reachable = 0
        for case in cases:
            reachable |= fits[case.id]
        self._free = self._everyone & reachable
        # Who was asked in vain can be left out of later searches: no case has come within their reach.
        self._hopeless = 0
        self._stuck = 0

    @property
    def full(self) -> bool:
        """Whether everyone has a case for whom any fits."""
        return not self._free

    def audits_of(self, holder_id: int | None) -> int:
        """How many audits a practitioner has so far."""
        return self._held_by[holder_id]

    def has(self, case: CaseFile) -> bool:
        return case.id in self._taken

    def seat(self, case: CaseFile) -> Change | None:
        """Give this case to an auditor, with all others that have been given keeping theirs; None if that can't be."""
        return self._search([case], regroup=False)

    def seat_any(self, holder_id: int | None) -> Change | None:
        """Give any case of a practitioner to an auditor; others may have to change to another of their cases for it.

        None means that the practitioner can't have another audit in this draw, whatever follows.
        """
        return self._search(self._spare(holder_id), regroup=True)

    def exchange(self, case: CaseFile, cost: Callable[[CaseFile], Any]) -> Change | None:
        """Let this case come in for the one whose leaving costs least; `cost` is None of one that has to stay.

        Audits don't get less evenly spread over practitioners by it. None if no case can leave for this one.
        """
        came_from: dict[int, tuple[CaseFile, int | None]] = {}
        unasked = self._everyone & ~self._free
        waiting: deque[tuple[CaseFile, int | None]] = deque([(case, None)])
        best: tuple[Any, int] | None = None
        while waiting:
            wanted, leaver = waiting.popleft()
            for auditor in _bits(self._fits[wanted.id] & unasked):
                unasked &= ~(1 << auditor)
                held = self.given[auditor]
                came_from[auditor] = (wanted, leaver)
                waiting.append((held, auditor))
                price = cost(held) if self._no_less_even(case, held) else None
                if price is not None and (best is None or price < best[0]):
                    best = (price, auditor)
        if best is None:
            return None
        wanted, leaver = came_from[best[1]]
        return self._settle(best[1], wanted, leaver, came_from)

    def _no_less_even(self, coming: CaseFile, leaving: CaseFile) -> bool:
        return (
            coming.holder_id == leaving.holder_id or self._held_by[coming.holder_id] < self._held_by[leaving.holder_id]
        )

    def _spare(self, holder_id: int | None) -> list[CaseFile]:
        return [case for case in self._cases_of.get(holder_id, ()) if case.id not in self._taken]

    def _search(self, roots: Sequence[CaseFile], *, regroup: bool) -> Change | None:
        """Find an auditor for one of these cases, others moving on if need be.

        An auditor who moves on leaves a case behind, which is then in search of an auditor itself; with `regroup` any
        other case of the same practitioner may be audited in its place.
        """
        came_from: dict[int, tuple[CaseFile, int | None]] = {}
        unasked = self._everyone & ~(self._hopeless if regroup else self._hopeless | self._stuck)
        asked = 0
        opened = {case.holder_id for case in roots}
        waiting: deque[tuple[CaseFile, int | None]] = deque((case, None) for case in roots)
        while waiting:
            wanted, leaver = waiting.popleft()
            reached = self._fits[wanted.id] & unasked
            if reached & self._free:
                if regroup:
                    self._stuck = 0
                return self._settle(next(_bits(reached & self._free)), wanted, leaver, came_from)
            unasked &= ~reached
            asked |= reached
            for auditor in _bits(reached):
                held = self.given[auditor]
                came_from[auditor] = (wanted, leaver)
                waiting.append((held, auditor))
                if regroup and held.holder_id not in opened:
                    opened.add(held.holder_id)
                    waiting.extend((other, auditor) for other in self._spare(held.holder_id))
        if regroup:
            self._hopeless |= asked
        else:
            self._stuck |= asked
        return None

    def _settle(
        self,
        auditor: int,
        case: CaseFile,
        leaver: int | None,
        came_from: Mapping[int, tuple[CaseFile, int | None]],
    ) -> Change:
        """Let everyone along the way move on; the first of them takes the case that was to come in."""
        moved = {auditor: case}
        while leaver is not None:
            case, following = came_from[leaver]
            moved[leaver] = case
            leaver = following
        before = {held.id: held for one in moved if (held := self.given.get(one)) is not None}
        after = {held.id: held for held in moved.values()}
        self.given |= moved
        self._free &= ~(1 << auditor)
        came = tuple(held for key, held in after.items() if key not in before)
        left = tuple(held for key, held in before.items() if key not in after)
        for held in came:
            self._taken.add(held.id)
            self._held_by[held.holder_id] += 1
        for held in left:
            self._taken.discard(held.id)
            self._held_by[held.holder_id] -= 1
        return Change(came, left)


def _bits(number: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
