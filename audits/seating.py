"""Giving as many auditors as possible a case each, with at most so many audits for every practitioner.

A maximum matching with a limit: whoever has a case moves on to another where that lets one more auditor in.
The search goes breadth first, so its depth doesn't grow with the number of auditors.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from audits.state import CaseFile


class Seating:
    """Who has which case so far. `fits` lists for each auditor the cases they may have, the best first."""

    def __init__(self, fits: Mapping[int, Sequence[CaseFile]]) -> None:
        self._fits = fits
        self.given: dict[int, CaseFile] = {}
        self._auditor_of: dict[int, int] = {}
        self._auditors_at: dict[int | None, list[int]] = {}

    def fill(self, auditors: Sequence[int], each: int) -> bool:
        """Seat those who have no case yet, at most `each` at a practitioner; whether everyone has one."""
        hopeless: set[int] = set()
        for auditor in auditors:
            if auditor not in self.given:
                hopeless |= self._seat(auditor, each, hopeless)
        return all(auditor in self.given for auditor in auditors)

    def _seat(self, newcomer: int, each: int, hopeless: set[int]) -> set[int]:
        """Seat one auditor, others moving on if need be; the cases that were searched in vain."""
        came_from: dict[int, tuple[int, CaseFile] | None] = {newcomer: None}
        seen = set(hopeless)
        asked: set[int | None] = set()
        waiting = deque([newcomer])
        while waiting:
            auditor = waiting.popleft()
            for case in self._fits[auditor]:
                if case.id in seen:
                    continue
                seen.add(case.id)
                movable = self._movable(case, each, asked)
                if movable is None:
                    self._move_along(came_from, (auditor, case))
                    return set()
                for other in movable:
                    if other not in came_from:
                        came_from[other] = (auditor, case)
                        waiting.append(other)
        return seen

    def _movable(self, case: CaseFile, each: int, asked: set[int | None]) -> Sequence[int] | None:
        """Who would have to move on for someone to get this case; None if it is free and its practitioner has room."""
        sitting = self._auditors_at.get(case.holder_id, [])
        if case.id in self._auditor_of:
            return [self._auditor_of[case.id]]
        if len(sitting) < each:
            return None
        if case.holder_id in asked:
            return []
        asked.add(case.holder_id)
        return list(sitting)

    def _move_along(
        self, came_from: Mapping[int, tuple[int, CaseFile] | None], last: tuple[int, CaseFile] | None
    ) -> None:
        while last is not None:
            auditor, case = last
            self.given[auditor] = case
            last = came_from[auditor]
        self._auditor_of = {case.id: auditor for auditor, case in self.given.items()}
        self._auditors_at = {}
        for auditor, case in self.given.items():
            self._auditors_at.setdefault(case.holder_id, []).append(auditor)
