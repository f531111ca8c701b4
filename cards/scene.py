"""What a card is built from: one audit, one viewer, one moment."""

from dataclasses import dataclass
from datetime import datetime

from audits.calendar import WorkCalendar
from audits.engine import Engine
from audits.framework import DutyRule, Framework
from audits.people import Person
from audits.permissions import may, moderates, sees_duty, sees_grade
from audits.state import REAUDIT, Audit, Duty
from cards.card import Action, Choice, Emphasis, Fact, Why
from cards.wording import due_words, listed


@dataclass(frozen=True)
class Scene:
    """An audit as one person sees it at a moment (UTC)."""

    rules: Engine
    audit: Audit
    viewer: Person
    now: datetime

    @property
    def framework(self) -> Framework:
        return self.rules.framework

    @property
    def calendar(self) -> WorkCalendar:
        return self.rules.calendar

    def name(self, person_id: int | None) -> str:
        person = self.rules.directory.get(person_id)
        return person.name if person else "nobody yet"

    def role(self, person: Person) -> str:
        role = self.framework.roles.get(person.role)
        return role.label if role else person.role

    def may(self, verb: str, action: int | None = None) -> bool:
        return may(self.rules, self.audit, verb, self.viewer, self.now, action)

    def sees_grade(self) -> bool:
        return sees_grade(self.rules, self.audit, self.viewer)

    def sees_duty(self, duty: Duty) -> bool:
        return sees_duty(self.rules, self.audit, duty, self.viewer, self.now)

    def subject(self, action: int | None = None) -> str:
        return f"{self.audit.id}" if action is None else f"{self.audit.id}:{action}"

    def button(
        self,
        verb: str,
        label: str,
        emphasis: Emphasis = Emphasis.PLAIN,
        *,
        action: int | None = None,
        inputs: tuple[str, ...] | None = None,
    ) -> tuple[Action, ...]:
        """The button, if this person may press it; else nothing."""
        if not self.may(verb, action):
            return ()
        return (Action(verb, label, self.subject(action), emphasis, inputs),)

    def case_facts(self) -> tuple[Fact, ...]:
        audit = self.audit
        kind = "Case (audited again)" if audit.kind == REAUDIT else "Case"
        plan = PLANS.get(audit.case.plan, audit.case.plan)
        return (
            Fact(kind, f"{audit.case.ref}, {plan}" if plan else audit.case.ref),
            Fact("Practitioner", self._with_team(audit.case.holder_id)),
            Fact("Auditor", self.name(audit.auditor_id)),
        )

    def _with_team(self, person_id: int | None) -> str:
        person = self.rules.directory.get(person_id)
        if person is None:
            return "not named on the list"
        return f"{person.name} ({person.team})" if person.team else person.name

    def due_fact(self, duty: Duty, label: str = "Due") -> Fact:
        return Fact(label, due_words(duty.effective, duty.nominal, self.calendar))

    def taken_up(self, duty: Duty) -> tuple[Fact, ...]:
        """Who has said that they have an escalated duty, if anybody has."""
        holder = (self.audit.facts.get("taken_up") or {}).get(duty.ref)
        return (Fact("Taken up by", self.name(int(holder))),) if holder else ()

    def take_up(self, duty: Duty) -> tuple[Action, ...]:
        """The button by which a manager says that they have an escalated duty."""
        holder = (self.audit.facts.get("taken_up") or {}).get(duty.ref)
        if holder == self.viewer.id or not self.rules.takes_up(duty, self.viewer, self.now):
            return ()
        return (Action("take_up", "I have this", self.subject(), Emphasis.PLAIN, ()),)

    def grade_words(self, key: str | None) -> str:
        grade = self.framework.grade(key)
        return f"{grade.mark} {grade.label}" if grade else "not given"

    def grade_facts(self) -> tuple[Fact, ...]:
        """The grade, for those who may see it."""
        audit = self.audit
        if audit.grade is None or not self.sees_grade():
            return ()
        facts = [Fact("Grade", self.grade_words(audit.standing_grade))]
        if audit.on_hold:
            if moderates(self.rules, audit, self.viewer, self.now):
                facts.append(Fact("After moderation, not shared yet", self.grade_words(audit.confirmed_grade)))
        elif audit.confirmed_grade and audit.confirmed_grade != audit.grade:
            facts.append(Fact("Auditor's first grade", self.grade_words(audit.grade)))
        return tuple(facts)

    def why(self, duty_key: str, rule: tuple[str, ...] = ()) -> Why:
        """Why the person is asked, and where that is written (document and heading, or local setting)."""
        terms = self.framework.duties[duty_key]
        variant = self.rules.variant(terms, self.audit)
        where = (variant.place if variant else None) or terms.place
        local = terms.local if variant is None or variant.local is None else variant.local
        place = source(self.framework, where, local, asked=bool(terms.rule))
        decided = [
            setting.decision
            for name in settings_of(terms)
            if (setting := self.framework.settings.get(name)) is not None and setting.departs
        ]
        named = rule or (variant.rule if variant else None) or terms.rule
        return Why(terms.ask, " ".join([place, *decided]), named)


LOCAL_TERMS = {
    "due": "the due day",
    "late_due": "the later due day",
    "nudge": "the reminders",
    "ladder": "whom it goes to when it waits",
    "repeat": "how often it is said again",
    "per_owner": "who is told",
    "owner": "who is asked",
    "to": "who is told",
    "on": "when it is said",
    "tell": "who else is told",
}


def source(framework: Framework, place: str, local: tuple[str, ...], *, asked: bool) -> str:
    """Where a rule is written, or that it is a local setting; `asked`: whether the framework's own text asks for it."""
    if not asked:
        return f"Local setting, not framework text: {place}"
    where = f"{framework.about.document}, {place}"
    terms = listed([LOCAL_TERMS.get(term, term.replace("_", " ")) for term in local])
    return f"{where}. Local setting, not framework text: {terms}" if terms else where


def settings_of(terms: DutyRule) -> tuple[str, ...]:
    """The switches on which a duty depends."""
    conditions = [terms.when, *(way.when for way in terms.or_opened), *(one.when for one in terms.variants)]
    return tuple(dict.fromkeys(name for one in conditions for name in one.setting))


PLANS = {
    "CIN": "child in need plan",
    "CP": "child protection plan",
    "LAC": "looked-after child",
    "CL": "care leaver",
    "FC": "foster carer's file",
    "EH": "early help",
    "assessment": "open assessment",
}


def grade_choices(scene: Scene, *, described: bool = True) -> tuple[Choice, ...]:
    """The grades to choose from, with their descriptors where there is room for them."""
    return tuple(
        Choice(grade.key, f"{grade.mark} {grade.label}", grade.descriptor if described else "")
        for grade in scene.framework.grades
    )
