"""The one engine of all frameworks: events open and close duties, and the clock takes their steps.

Everything here is pure: the audit, the directory and the moment come in, and what follows goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from audits.calendar import WorkCalendar
from audits.dates import Cycle, Moment, day_words, parse_offset, parse_rule, step_moment
from audits.facts import apply
from audits.framework import Condition, DutyRule, Framework, NoticeRule, Variant
from audits.people import Directory, Holder, Person
from audits.planning import UNACKNOWLEDGED, deadline, issue_moment, list_on_or_after, steps_for
from audits.state import Audit, Duty, Event, RemedialAction, Step

URGENT = frozenset({"alert", "escalation"})
TAKEN_UP_FOR = "+5wd"
"""How long an escalation rests once a manager has it (LOCAL)."""


@dataclass(frozen=True)
class Message:
    """Something that one person is told. `key` is unique in the service: sent twice, it is the same message.

    `what` is message, nudge, overdue, escalation or alert. `notice` names the notice where nothing is asked.
    """

    key: str
    what: str
    to_id: int
    to_role: str
    duty: str
    at: datetime
    duty_ref: str | None = None
    notice: str | None = None
    text: str = ""
    step: str = ""
    rule: tuple[str, ...] = ()

    @property
    def urgent(self) -> bool:
        """Whether quiet hours don't hold it back (P6)."""
        return self.what in URGENT


@dataclass(frozen=True)
class Decision:
    """What an event leads to: the audit after it, its duties, its messages, and the events that follow at once."""

    audit: Audit
    opened: tuple[Duty, ...] = ()
    closed: tuple[Duty, ...] = ()
    messages: tuple[Message, ...] = ()
    then: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Advance:
    """What the clock leads to on one duty. `issue` asks for a re-audit to be allocated now."""

    duty: Duty
    messages: tuple[Message, ...] = ()
    issue: bool = False
    lapsed: bool = False


@dataclass(frozen=True)
class Engine:
    """A framework at work in a service. Holds no state of its own."""

    framework: Framework
    directory: Directory
    calendar: WorkCalendar

    # ---- events

    def decide(self, audit: Audit, event: Event) -> Decision:
        """What an event does to an audit.

        1. The facts change. 2. Duties that it closes, or that no longer apply, close.
        3. Duties that it opens are planned. 4. Notices and requests are addressed. 5. Events that follow are named.
        """
        before = audit
        audit = apply(audit, event)
        audit, closed = self._close(before, audit, event)
        audit = self._handed_over(before, audit)
        audit, opened, messages = self._open(audit, event)
        messages += self._notices(audit, event)
        then = (Event("safety_raised", event.at, event.actor_id, {"text": event.values.get("safety_text", "")}),)
        follows = event.kind == "submitted" and audit.safety and not before.has("safety_raised")
        return Decision(audit, opened, closed, tuple(messages), then if follows else ())

    def holds(self, when: Condition, audit: Audit) -> bool:
        """Whether a condition holds on an audit as it stands."""
        grade = self.framework.grade(audit.standing_grade)
        wanted: list[bool] = []
        if when.grade is not None:
            wanted.append(audit.standing_grade in when.grade)
        if when.good_grade is not None:
            wanted.append(grade is not None and grade.good is when.good_grade)
        if when.safety is not None:
            wanted.append(audit.safety is when.safety)
        if when.kind is not None:
            wanted.append(audit.kind in when.kind)
        if when.plan is not None:
            wanted.append(audit.case.plan in when.plan)
        if when.fact is not None:
            wanted.append(bool(audit.facts.get(when.fact)))
        if when.moderated is not None:
            wanted.append(audit.has("moderated") is when.moderated)
        wanted.extend(self.framework.settings[name].value == value for name, value in when.setting.items())
        return all(wanted)

    def _close(self, before: Audit, audit: Audit, event: Event) -> tuple[Audit, tuple[Duty, ...]]:
        closed: list[Duty] = []
        duties: list[Duty] = []
        for duty in audit.duties:
            rule = self.framework.duties.get(duty.key)
            why = self._closing(before, audit, duty, rule, event) if duty.is_open else None
            if why is None:
                duties.append(duty)
                continue
            ended = replace(duty, closed_at=event.at, closed_by=why, closed_actor=event.actor_id, next_at=None)
            closed.append(ended)
            duties.append(ended)
        return replace(audit, duties=tuple(duties)), tuple(closed)

    def _closing(self, before: Audit, audit: Audit, duty: Duty, rule: DutyRule | None, event: Event) -> str | None:
        if rule is None:
            # The framework has lost this duty; its promise runs on until the audit is withdrawn.
            return event.kind if event.kind == "withdrawn" else None
        if rule.keep_while is not None and not self.holds(rule.keep_while, audit):
            return "no_longer_applies"
        if event.kind not in rule.closed_by:
            return None
        if event.kind == "withdrawn":
            return event.kind
        if rule.waits_for and before.open_duties(rule.waits_for):
            return None
        if rule.per_action and duty.action != event.values.get("action"):
            return None
        if rule.per_owner and not self._acknowledges(duty, event):
            return None
        return event.kind

    def _handed_over(self, before: Audit, audit: Audit) -> Audit:
        """The auditor's duties that stay open pass to the new auditor; what was promised about dates stays."""
        if before.auditor_id is None or audit.auditor_id in (None, before.auditor_id):
            return audit
        person = self.directory.get(audit.auditor_id)
        duties = tuple(
            replace(duty, owner_id=audit.auditor_id, owner_role=person.role if person else duty.owner_role)
            if duty.is_open and duty.owner_id == before.auditor_id and duty.action is None
            else duty
            for duty in audit.duties
        )
        return replace(audit, duties=duties)

    def _acknowledges(self, duty: Duty, event: Event) -> bool:
        """An alert is closed by its holder, by their stand-in, or by a manager it has climbed to."""
        owner = self.directory.get(duty.owner_id)
        if owner is None or event.actor_id is None:
            return False
        day = self.calendar.day_of(event.at)
        line = (owner, *self.directory.line_of(owner)[: duty.repeats])
        reached = {one.id for person in line for one in (person, self.directory.stand_in(person, day))}
        if duty.steps and duty.steps[duty.taken].name == UNACKNOWLEDGED:
            reached |= {person.id for role in self.framework.qa_roles for person in self.directory.holders(role)}
        return event.actor_id in reached

    def _open(self, audit: Audit, event: Event) -> tuple[Audit, tuple[Duty, ...], list[Message]]:
        opened: list[Duty] = []
        messages: list[Message] = []
        for key, rule in self.framework.duties.items():
            if not self._opens(rule, audit, event):
                continue
            for action, owner_target in self._places(key, rule, audit, event):
                duty = self.plan(audit, key, event.at, action=action, owner=owner_target)
                audit = replace(audit, duties=(*audit.duties, duty))
                opened.append(duty)
                messages.extend(self._requests(audit, duty, rule, event))
        return audit, tuple(opened), messages

    def _opens(self, rule: DutyRule, audit: Audit, event: Event) -> bool:
        ways = [(rule.opened_by, rule.when), *((way.opened_by, way.when) for way in rule.or_opened)]
        return any(event.kind in kinds and self.holds(when, audit) for kinds, when in ways)

    def _places(
        self, key: str, rule: DutyRule, audit: Audit, event: Event
    ) -> Iterable[tuple[RemedialAction | None, str | None]]:
        """The openings that one event makes of a rule: one, one an action, or one a recipient."""
        if rule.per_action:
            chosen = event.values.get("action")
            taken = {duty.action for duty in audit.open_duties(key)}
            for action in audit.actions:
                wanted = action.number == chosen if chosen is not None else action.confirmed_at is None
                if wanted and action.number not in taken:
                    yield action, None
        elif rule.per_owner:
            held = {duty.owner_id for duty in audit.open_duties(key)}
            for target in rule.per_owner:
                holder = self.address(target, audit, event.at)
                if holder is None or holder.person.id not in held:
                    held.add(holder.person.id if holder else None)
                    yield None, target
        elif not audit.open_duties(key):
            yield None, None

    def plan(
        self, audit: Audit, key: str, at: datetime, *, action: RemedialAction | None = None, owner: str | None = None
    ) -> Duty:
        """A duty that opens at `at`, with its owner, its two moments and its steps."""
        rule = self.framework.duties[key]
        variant = self.variant(rule, audit)
        target = owner or (variant.owner if variant else None) or rule.owner
        holder = self.address(target, audit, at, action=action)
        number = sum(duty.key == key for duty in audit.duties) + 1
        not_before: datetime | None = None
        list_cycle = issue_at = None
        if rule.not_before is not None:
            found = parse_rule(rule.not_before).resolve(at, audit.cycle, self.calendar)
            not_before = found.effective
            list_cycle = list_on_or_after(self.framework, self.calendar.day_of(found.effective), self.calendar)
            issue_at = issue_moment(self.framework, list_cycle, self.calendar)
        moment = deadline(
            rule,
            variant,
            at,
            audit.cycle,
            self.calendar,
            list_cycle=list_cycle,
            session=audit.session_at,
            day=action.due if action and action.due and self._ahead(key, action.due, at) else None,
        )
        steps = steps_for(self.framework, rule, at, moment, self.calendar, issue_at=issue_at)
        return Duty(
            ref=f"{audit.id}/{key}/{number}",
            key=key,
            owner_role=holder.role if holder else target,
            owner_id=holder.person.id if holder else None,
            opened_at=at,
            nominal=moment.nominal,
            effective=moment.effective,
            steps=steps,
            next_at=steps[0].at if steps else None,
            not_before=not_before,
            action=action.number if action else None,
            vacant=holder.vacant if holder else (target,),
        )

    def _ahead(self, key: str, due: date, at: datetime) -> bool:
        """Whether an action's own due day still lies ahead; one sent back after it takes the framework's time anew."""
        return key == "remedial_action" and due >= self.calendar.day_of(at)

    def variant(self, rule: DutyRule, audit: Audit) -> Variant | None:
        return next((variant for variant in rule.variants if self.holds(variant.when, audit)), None)

    def dispute_closes(self, audit: Audit) -> datetime | None:
        """Until when people may say that they see an audit differently; None where the framework sets no end.

        An audit that is completed after its window gets the framework's late term (LOCAL).
        """
        terms = self.framework.cycle
        if terms.dispute_closes is None:
            return None
        start = self.calendar.moment(audit.cycle.first, time(0, 0))
        end = parse_rule(terms.dispute_closes).resolve(start, audit.cycle, self.calendar).nominal
        completed, _ = audit.done.get("submitted", (start, None))
        if completed > end and terms.dispute_late is not None:
            return parse_rule(terms.dispute_late).resolve(completed, audit.cycle, self.calendar).nominal
        return end

    def takes_up(self, duty: Duty, person: Person, at: datetime) -> bool:
        """Whether this person may say that they have an escalated duty: a manager above its owner, or QA."""
        owner = self.directory.get(duty.owner_id)
        rule = self.framework.duties.get(duty.key)
        escalated = at > duty.nominal or (rule is not None and rule.what == "escalation")
        lapses = rule is not None and rule.lapses
        if not duty.is_open or not escalated or lapses or person.id == duty.owner_id or duty.key == "acknowledge_alert":
            return False
        return person.role in self.framework.qa_roles or (owner is not None and person in self.directory.line_of(owner))

    def taken_up(self, duty: Duty, at: datetime) -> Duty:
        """A late duty that someone has: its ladder rests for TAKEN_UP_FOR, then asks once more."""
        if at <= duty.nominal:
            return duty
        again = step_moment(at, parse_offset(TAKEN_UP_FOR), self.calendar)
        step = Step(f"again@{at:%Y%m%d%H%M}", again, "escalation", ("owner", "owner.manager", "owner.manager.manager"))
        kept = [one for one in duty.steps[duty.taken :] if one.what == "issue"]
        steps = tuple(sorted([step, *kept], key=lambda one: one.at))
        return replace(duty, steps=steps, taken=0, next_at=steps[0].at)

    def replan(self, duty: Duty, until: date, at: datetime) -> Duty:
        """The duty with a new due day, its steps planned anew from `at` on."""
        rule = self.framework.duties[duty.key]
        moment: Moment = deadline(rule, None, at, Cycle.of(self.calendar.day_of(at)), self.calendar, day=until)
        issue_at = next((step.at for step in duty.steps[duty.taken :] if step.what == "issue"), None)
        steps = steps_for(self.framework, rule, at, moment, self.calendar, issue_at=issue_at)
        next_at = steps[0].at if steps else None
        return replace(
            duty, nominal=moment.nominal, effective=moment.effective, steps=steps, taken=0, repeats=0, next_at=next_at
        )

    # ---- addresses

    def address(
        self,
        target: str,
        audit: Audit,
        at: datetime,
        *,
        duty: Duty | None = None,
        action: RemedialAction | None = None,
    ) -> Holder | None:
        """The person whom a target means on this audit at this moment, leave and vacancies included."""
        day = self.calendar.day_of(at)
        near = self.directory.get(audit.case.holder_id)
        if action is None and duty is not None and duty.action is not None:
            action = audit.action(duty.action)
        match target:
            case "auditor":
                return self._named(audit.auditor_id, day, stay=True) or self.officer(day)
            case "action_owner":
                owner_id = action.owner_id if action else None
                return self._named(owner_id, day) or self._role("case_holder", audit, near, day)
            case "proposal_answerer":
                if audit.proposed_by == audit.auditor_id:
                    return self._role("case_holder", audit, near, day)
                return self._named(audit.auditor_id, day, stay=True)
            case "owner":
                if duty is None:
                    return None
                found = self._named(duty.owner_id, day)
                return replace(found, role=duty.owner_role) if found and not found.standing_in_for else found
            case "owner.manager" | "owner.manager.manager" | "climb":
                steps = {"owner.manager": 1, "owner.manager.manager": 2}.get(target) or (duty.repeats if duty else 1)
                return self._above(duty, steps, day) or self.officer(day)
            case _:
                return self._role(target, audit, near, day)

    def _role(self, role: str, audit: Audit, near: Person | None, day: date) -> Holder | None:
        own = near if role == "case_holder" else None
        holder = self.directory.holder(role, near, day, own=own, area=audit.case.service_area)
        if holder is None:
            return None
        return (
            holder
            if holder.person.role == role or (own is not None and holder.person is own)
            else self._as_found(holder)
        )

    def _as_found(self, holder: Holder) -> Holder:
        role = holder.person.role if holder.person.role in self.framework.roles else holder.role
        return replace(holder, role=role)

    def _named(self, person_id: int | None, day: date, *, stay: bool = False) -> Holder | None:
        person = self.directory.get(person_id)
        if person is None:
            return None
        here = person if stay and person.active else self.directory.stand_in(person, day)
        return Holder(here, here.role, (), person if here.id != person.id else None)

    def officer(self, day: date) -> Holder | None:
        """The QA officer at work on a day: the first QA role that anybody holds, leave and cover included."""
        for role in self.framework.qa_roles:
            holder = self.directory.holder(role, None, day)
            if holder is not None:
                return self._as_found(holder)
        return None

    def _above(self, duty: Duty | None, steps: int, day: date) -> Holder | None:
        owner = self.directory.get(duty.owner_id) if duty else None
        line = self.directory.line_of(owner) if owner else ()
        # An alert stays with the topmost manager; an ordinary ladder that has run out goes to the QA officer.
        if not line or (steps > len(line) and (duty is None or not duty.repeats)):
            return None
        above = line[min(steps, len(line)) - 1]
        here = self.directory.stand_in(above, day)
        return Holder(here, here.role, (), above if here.id != above.id else None)

    # ---- messages

    def _requests(self, audit: Audit, duty: Duty, rule: DutyRule, event: Event) -> list[Message]:
        targets = ("owner", *rule.tell)
        messages = [] if rule.silent else self._tell(audit, duty, targets, rule.what, "ask", event.at)
        for role in duty.vacant:
            officer = self.officer(self.calendar.day_of(event.at))
            if officer is None:
                continue
            label = self.framework.roles[role].label if role in self.framework.roles else role
            messages.append(
                Message(
                    key=f"{audit.id}/vacant/{role}/{officer.person.id}",
                    what="message",
                    to_id=officer.person.id,
                    to_role=officer.role,
                    duty=duty.key,
                    at=event.at,
                    notice="vacancy",
                    text=f"Nobody holds the role {label} for {audit.case.ref}, so this has gone to the next manager.",
                )
            )
        return messages

    def _tell(
        self, audit: Audit, duty: Duty, targets: Iterable[str], what: str, step: str, at: datetime
    ) -> list[Message]:
        rule = self.framework.duties.get(duty.key)
        variant = self.variant(rule, audit) if rule else None
        messages: list[Message] = []
        reached: set[int] = set()
        for target in targets:
            holder = self.address(target, audit, at, duty=duty)
            if holder is None or holder.person.id in reached:
                continue
            reached.add(holder.person.id)
            messages.append(
                Message(
                    key=f"{duty.ref}/{step}/{holder.person.id}",
                    what="escalation" if what == "alert" and target == "climb" else what,
                    to_id=holder.person.id,
                    to_role=holder.role,
                    duty=duty.key,
                    at=at,
                    duty_ref=duty.ref,
                    step=step,
                    rule=(variant.rule if variant else None) or (rule.rule if rule else ()),
                )
            )
        return messages

    def _notices(self, audit: Audit, event: Event) -> list[Message]:
        messages: list[Message] = []
        for key, notice in self.framework.notices.items():
            if event.kind not in notice.on or not self.holds(notice.when, audit):
                continue
            messages.extend(self._notice(audit, event, key, notice))
        return messages

    def _notice(self, audit: Audit, event: Event, key: str, notice: NoticeRule) -> Iterable[Message]:
        number = event.values.get("action")
        action = audit.action(number) if number is not None else None
        carried = next(iter(audit.open_duties(notice.shows)), None) if notice.shows else None
        reached: set[int] = {event.actor_id} if event.actor_id is not None else set()
        for target in notice.to:
            holder = self.address(target, audit, event.at, action=action)
            if holder is None or holder.person.id in reached:
                continue
            reached.add(holder.person.id)
            yield Message(
                key=f"{audit.id}/{key}/{event.at:%Y%m%d%H%M%S}/{number or 0}/{holder.person.id}",
                what=notice.what,
                to_id=holder.person.id,
                to_role=holder.role,
                duty=notice.duty,
                at=event.at,
                duty_ref=carried.ref if carried else None,
                notice=key,
                text=self._worded(notice.text, audit, event),
                rule=notice.rule,
            )

    def _worded(self, text: str, audit: Audit, event: Event) -> str:
        auditor = self.directory.get(audit.auditor_id)
        actor = self.directory.get(event.actor_id)
        grade = self.framework.grade(audit.standing_grade)
        closes = self.dispute_closes(audit) or event.at
        return text.format(
            closes=day_words(self.calendar.day_of(closes)),
            auditor=auditor.name if auditor else "The auditor",
            actor=actor.name if actor else "auditloop",
            case=audit.case.ref,
            grade=grade.label if grade else "not given",
        )

    # ---- the clock

    def advance(self, audit: Audit, duty: Duty, now: datetime) -> Advance:
        """Take every step of a duty that is due at `now`.

        After downtime the nudges that were missed become one, and none goes about a moment that has passed; no
        escalation is skipped, and every manager whom the repeats of an alert would have reached hears of it once.
        """
        messages: list[Message] = []
        issue = lapsed = False
        while duty.next_at is not None and duty.next_at <= now and duty.is_open:
            step = duty.steps[duty.taken]
            if step.every_minutes:
                duty, told = self._repeat(audit, duty, step, now)
                messages.extend(told)
                continue
            duty = self._past(duty)
            if step.what == "issue":
                issue = True
            elif step.what == "lapse":
                lapsed = True
                duty = replace(duty, closed_at=step.at, closed_by="lapsed", next_at=None)
            elif step.what != "nudge" or now <= duty.nominal:
                told = self._tell(audit, duty, step.to, step.what, step.name, now)
                if step.what in ("nudge", "overdue"):
                    again = {message.to_id for message in told}
                    messages = [one for one in messages if one.what != "nudge" or one.to_id not in again]
                messages.extend(told)
        return Advance(duty, tuple(messages), issue, lapsed)

    def _past(self, duty: Duty) -> Duty:
        taken = duty.taken + 1
        return replace(duty, taken=taken, next_at=duty.steps[taken].at if taken < len(duty.steps) else None)

    def _repeat(self, audit: Audit, duty: Duty, step: Step, now: datetime) -> tuple[Duty, list[Message]]:
        every = timedelta(minutes=step.every_minutes)
        due = min(int((now - step.at) / every) + 1, step.times + 1)
        climbed = range(min(duty.repeats, due - 1) + 1, due) if "climb" in step.to else ()
        duty = replace(duty, repeats=max(duty.repeats, due))
        told = self._tell(audit, duty, step.to, step.what, f"{step.name}-{due}", now)
        for height in climbed:
            # Each manager whom the alert would have reached meanwhile hears of it, once.
            lower = replace(duty, repeats=height)
            told.extend(self._tell(audit, lower, ("climb",), step.what, f"{step.name}-{due}", now))
        told = list({message.key: message for message in told}.values())
        if due > step.times:
            return self._past(duty), told
        return replace(duty, next_at=step.at + every * due), told
