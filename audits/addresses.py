"""Whom a target of a rule means on one audit at one moment: leave, cover and vacancies included."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from audits.calendar import WorkCalendar
from audits.framework import Framework
from audits.people import Directory, Holder, Person
from audits.state import Audit, Duty, RemedialAction

HEIGHTS = {
    "owner.manager": 1,
    "owner.manager.manager": 2,
    "case_holder.manager": 1,
    "case_holder.manager.manager": 2,
    "auditor.manager": 1,
}
"""How far above the one whom it starts from a target is looked for."""
RELATIONS = frozenset({"auditor", "case_holder", "action_owner", "proposal_answerer", "owner", "qa", "climb", *HEIGHTS})
"""Targets that mean somebody on this very audit; a role with the same key gives way to them."""


@dataclass(frozen=True)
class Addresses:
    """A framework's roles in a service, and the persons who hold them."""

    framework: Framework
    directory: Directory
    calendar: WorkCalendar

    def address(
        self,
        target: str,
        audit: Audit,
        at: datetime,
        *,
        duty: Duty | None = None,
        action: RemedialAction | None = None,
    ) -> Holder | None:
        """The person whom a target means on this audit at this moment; None where nobody is left to ask."""
        day = self.calendar.day_of(at)
        near = self.directory.get(audit.case.holder_id)
        if target in self.framework.roles and target not in RELATIONS:
            return self._role(target, audit, near, day)
        if target in HEIGHTS or target == "climb":
            return self._manager(target, audit, near, duty, day) or self.officer(day)
        if action is None and duty is not None and duty.action is not None:
            action = audit.action(duty.action)
        match target:
            case "auditor":
                return self._named(audit.auditor_id, day, stay=True) or self.officer(day)
            case "case_holder":
                return self._case_holder(audit, near, day)
            case "action_owner":
                return self._named(action.owner_id if action else None, day) or self._case_holder(audit, near, day)
            case "proposal_answerer":
                asked = audit.proposed_by != audit.auditor_id
                return self._named(audit.auditor_id, day, stay=True) if asked else self._case_holder(audit, near, day)
            case "owner" if duty is not None:
                found = self._named(duty.owner_id, day)
                return replace(found, role=duty.owner_role) if found and not found.standing_in_for else found
            case _:
                return self.officer(day) if target == "qa" else None

    def _manager(self, target: str, audit: Audit, near: Person | None, duty: Duty | None, day: date) -> Holder | None:
        """A manager above the practitioner, the auditor or a duty's owner."""
        if target.startswith("case_holder"):
            return self._line(near, HEIGHTS[target], day)
        if target.startswith("auditor"):
            return self._line(self.directory.get(audit.auditor_id), HEIGHTS[target], day)
        return self._above(duty, HEIGHTS.get(target) or (duty.repeats if duty else 1), day)

    def above(self, person: Person, day: date) -> Holder | None:
        """The manager above a person, or who stands in for them; None at the top."""
        return self._line(person, 1, day)

    def officer(self, day: date) -> Holder | None:
        """The QA officer at work on a day: the first QA role that anybody holds, leave and cover included."""
        for role in self.framework.qa_roles:
            holder = self.directory.holder(role, None, day)
            if holder is not None:
                return self._as_found(holder)
        return None

    def _case_holder(self, audit: Audit, near: Person | None, day: date) -> Holder | None:
        roles = self.framework.case_roles
        role = near.role if near is not None and near.role in roles else roles[0]
        return self._role(role, audit, near, day)

    def _role(self, role: str, audit: Audit, near: Person | None, day: date) -> Holder | None:
        terms = self.framework.roles.get(role)
        if terms is not None and terms.one_of:
            return self._in_turn(role, audit, near, day)
        own = near if terms is not None and terms.cases else None
        holder = self.directory.holder(role, near, day, own=own, area=audit.case.service_area)
        if holder is None:
            return None
        return (
            holder
            if holder.person.role == role or (own is not None and holder.person is own)
            else self._as_found(holder)
        )

    def _in_turn(self, role: str, audit: Audit, near: Person | None, day: date) -> Holder | None:
        """Who takes a role that is nobody's job title: the one who has it on this audit, else one of its people in
        turn, from outside the practitioner's line of management where there is anybody."""
        taken = next((duty.owner_id for duty in reversed(audit.duties) if duty.owner_role == role), None)
        if taken is not None:
            return self._named(taken, day, role=role)
        line = self.directory.line_of(near) if near is not None else ()
        for roles in ((role,), self.framework.roles[role].one_of):
            able = [one for key in roles for one in self.directory.holders(key) if one.id != audit.auditor_id]
            able = [one for one in able if not one.away(day)] or able
            able = [one for one in able if one not in line] or able
            if able:
                return Holder(able[audit.id % len(able)], role)
        above = self.framework.roles[role].reports_to
        return replace(found, vacant=(role,)) if above and (found := self._role(above, audit, near, day)) else None

    def _as_found(self, holder: Holder) -> Holder:
        role = holder.person.role if holder.person.role in self.framework.roles else holder.role
        return replace(holder, role=role)

    def _named(self, person_id: int | None, day: date, *, stay: bool = False, role: str | None = None) -> Holder | None:
        person = self.directory.get(person_id)
        if person is None:
            return None
        here = person if stay and person.active else self.directory.stand_in(person, day)
        return Holder(here, role or here.role, (), person if here.id != person.id else None)

    def _line(self, person: Person | None, steps: int, day: date) -> Holder | None:
        """The manager so many steps above a person, the topmost where the line is shorter; None without any."""
        line = self.directory.line_of(person) if person else ()
        if not line:
            return None
        above = line[min(steps, len(line)) - 1]
        here = self.directory.stand_in(above, day)
        return Holder(here, here.role, (), above if here.id != above.id else None)

    def _above(self, duty: Duty | None, steps: int, day: date) -> Holder | None:
        owner = self.directory.get(duty.owner_id) if duty else None
        line = self.directory.line_of(owner) if owner else ()
        # An alert stays with the topmost manager; an ordinary ladder that has run out goes to the QA officer.
        if steps > len(line) and (duty is None or not duty.repeats):
            return None
        return self._line(owner, steps, day)
