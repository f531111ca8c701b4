"""Who is who: persons, their managers, leave and cover, and the person who holds a role on one audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property


@dataclass(frozen=True)
class Person:
    """A member of staff. `leave_until` is the last day away; `cover_id` stands in during leave.

    `linked` names the teams or service areas (centres) whose cases the person doesn't audit (DUD-38). `auditing` says
    how far they are with it: "" (proficient), "new", "support" (is helped with the quality of audits), "untrained".
    """

    id: int
    name: str
    email: str
    role: str
    team: str = ""
    service_area: str = ""
    manager_id: int | None = None
    cover_id: int | None = None
    leave_from: date | None = None
    leave_until: date | None = None
    active: bool = True
    linked: tuple[str, ...] = ()
    auditing: str = ""

    def away(self, day: date) -> bool:
        if self.leave_until is None or day > self.leave_until:
            return False
        return self.leave_from is None or day >= self.leave_from


@dataclass(frozen=True)
class RoleScope:
    """Where the holder of a role is looked for, and which role takes over where nobody holds it.

    `council` roles may be held anywhere; the others are found on the case holder's line of management
    or in the same service area.
    """

    label: str
    reports_to: str | None = None
    council: bool = False


@dataclass(frozen=True)
class Holder:
    """The person who answers for a role now, and how they came to."""

    person: Person
    role: str
    vacant: tuple[str, ...] = ()
    standing_in_for: Person | None = None


@dataclass(frozen=True)
class Directory:
    """Everyone in the service, and the ways to find the right one of them."""

    people: Mapping[int, Person]
    roles: Mapping[str, RoleScope] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Person], roles: Mapping[str, RoleScope]) -> "Directory":
        return cls({person.id: person for person in people}, roles)

    def get(self, person_id: int | None) -> Person | None:
        return None if person_id is None else self.people.get(person_id)

    def manager_of(self, person: Person) -> Person | None:
        """The person's manager, left-out leavers skipped upwards; None at the top."""
        seen = {person.id}
        above = self.get(person.manager_id)
        while above is not None and not above.active and above.id not in seen:
            seen.add(above.id)
            above = self.get(above.manager_id)
        return above if above is not None and above.active and above.id not in seen else None

    def line_of(self, person: Person) -> tuple[Person, ...]:
        """The managers above a person, nearest first; a circle ends where it closes."""
        line: list[Person] = []
        seen = {person.id}
        above = self.manager_of(person)
        while above is not None and above.id not in seen:
            seen.add(above.id)
            line.append(above)
            above = self.manager_of(above)
        return tuple(line)

    def holders(self, role: str) -> tuple[Person, ...]:
        """Every active holder of a role, by name."""
        return self._by_role.get(role, ())

    @cached_property
    def _by_role(self) -> Mapping[str, tuple[Person, ...]]:
        # Each new duty asks who holds a role, so nobody looks through everyone each time.
        found: dict[str, list[Person]] = {}
        for person in sorted(self.people.values(), key=lambda one: (one.name, one.id)):
            if person.active:
                found.setdefault(person.role, []).append(person)
        return {role: tuple(people) for role, people in found.items()}

    def stand_in(self, person: Person, day: date) -> Person:
        """The person, or while they are away their cover, else the nearest manager at work."""
        if not person.away(day) and person.active:
            return person
        cover = self.get(person.cover_id)
        if cover is not None and cover.active and not cover.away(day):
            return cover
        for above in self.line_of(person):
            if not above.away(day):
                return above
        return person

    def holder(
        self, role: str, near: Person | None, day: date, *, own: Person | None = None, area: str = ""
    ) -> Holder | None:
        """Who answers for `role` near a case holder on a day.

        Leave goes to the cover; a role that nobody holds climbs to the role above it, and is named in `vacant`.
        `own` is the case holder or auditor where the role means that very person; `area` is the case's service area,
        used where there is no case holder. None if nobody is left to ask.
        """
        vacant: list[str] = []
        asked: str | None = role
        found = own
        while found is None and asked is not None and asked not in vacant:
            found = self._nominal(asked, near, day, area)
            if found is None:
                vacant.append(asked)
                scope = self.roles.get(asked)
                asked = scope.reports_to if scope else None
        if found is None:
            return None
        here = self.stand_in(found, day)
        return Holder(here, role, tuple(vacant), found if here.id != found.id else None)

    def _nominal(self, role: str, near: Person | None, day: date, area: str) -> Person | None:
        scope = self.roles.get(role)
        if near is not None and not (scope and scope.council):
            if near.role == role and near.active:
                return near
            for above in self.line_of(near):
                if above.role == role:
                    return above
            area = near.service_area
        if not (scope and scope.council) and area:
            return next((one for one in self.holders(role) if one.service_area == area), None)
        at_work = [one for one in self.holders(role) if not one.away(day)]
        return next(iter(at_work or self.holders(role)), None)
