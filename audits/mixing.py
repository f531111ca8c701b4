"""What a draw is to be a mix of: which kinds of case an audit period still lacks, measured against the whole list."""

from collections import Counter
from collections.abc import Iterable, Sequence

from audits.seating import Change
from audits.state import CaseFile

TRAITS = {"plan": "plan", "sex": "sex", "age_band": "age band", "ethnicity_group": "ethnicity group"}
"""What a mix can be made of, and its words."""

SERVICE = "service"
NOT_KNOWN = frozenset({"", "unknown", "refused"})

# Whatever is weighed together keeps its order: a case has at most four traits and two services.
_VALUE_WEIGHT = 10
_SERVICE_WEIGHT = 100

Value = tuple[str, str]
"""A trait (or SERVICE) and what it is in a case."""


def same_words(text: str) -> str:
    """A team's or service area's name for comparison: capitals and spacing make no difference."""
    return " ".join(text.split()).casefold()


class Mix:
    """What the audits of a period are made of so far.

    `listed` are all cases of the list, whose proportions the period follows; `given` are cases audited in this period
    already. Every named service and every known value of a trait is wanted at least once.
    """

    def __init__(
        self, listed: Iterable[CaseFile], traits: Sequence[str], services: Sequence[str], given: Iterable[CaseFile]
    ) -> None:
        self._traits = tuple(traits)
        self._services = {same_words(name): name for name in services}
        self._values: dict[int, tuple[Value, ...]] = {}
        self._listed: Counter[Value] = Counter()
        self._size = 0
        for case in listed:
            self._listed.update(self.values(case))
            self._size += 1
        self.wanted = {(SERVICE, name) for name in services} | {
            (trait, value) for trait, value in self._listed if value.casefold() not in NOT_KNOWN
        }
        self._drawn: Counter[Value] = Counter()
        self._count = 0
        self.apply(Change(tuple(given)))

    def values(self, case: CaseFile) -> tuple[Value, ...]:
        """What a case counts for. A service is told by the case's service area and by its team."""
        if case.id not in self._values:
            found = [(trait, str(getattr(case, trait))) for trait in self._traits]
            for place in (case.service_area, case.team):
                name = self._services.get(same_words(place)) if self._services else None
                if name is not None and (SERVICE, name) not in found:
                    found.append((SERVICE, name))
            self._values[case.id] = tuple(found)
        return self._values[case.id]

    def apply(self, change: Change) -> None:
        for case in change.came:
            self._drawn.update(self.values(case))
        for case in change.left:
            self._drawn.subtract(self.values(case))
        self._count += len(change.came) - len(change.left)

    def weights(self) -> dict[Value, int]:
        """How much a case of each value is wanted next: for a missing service before all, then for a missing value,
        then for a value that is rarer so far than on the list.
        """
        found: dict[Value, int] = {}
        for value in self.wanted | self._listed.keys():
            missing = value in self.wanted and not self._drawn[value]
            if value[0] == SERVICE:
                found[value] = _SERVICE_WEIGHT if missing else 0
            else:
                rare = self._drawn[value] * self._size < self._listed[value] * (self._count + 1)
                found[value] = _VALUE_WEIGHT * missing + rare
        return found

    def missing(self, trait: str) -> list[str]:
        """What is wanted of a trait, or of SERVICE, and not there yet, by name."""
        return sorted(name for kind, name in self.wanted if kind == trait and not self._drawn[kind, name])

    def lost(self, leaving: CaseFile, coming: CaseFile) -> tuple[int, int]:
        """How many services and how many values would be missing again if one case came in for another."""
        kept = self.values(coming)
        gone = [
            value
            for value in self.values(leaving)
            if value in self.wanted and value not in kept and self._drawn[value] == 1
        ]
        services = sum(kind == SERVICE for kind, _ in gone)
        return services, len(gone) - services

    def notes(self) -> list[str]:
        """What couldn't be made part of the mix, in sentences; services are the draw's own to explain."""
        found = []
        for trait in self._traits:
            if self._size and not any(kind == trait for kind, _ in self.wanted):
                found.append(f"The list doesn't give the {TRAITS[trait]} of any case, so it had no part in the mix.")
            if lacking := self.missing(trait):
                *others, last = lacking
                names = f"{', '.join(others)} or {last}" if others else last
                found.append(f"No case with {TRAITS[trait]} {names} could be included.")
        return found
