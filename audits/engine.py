"""The one engine of all frameworks: events open and close duties, and the clock takes their steps.

Everything here is pure: the audit, the directory and the moment come in, and what follows goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from audits.conditions import holds
from audits.dates import Cycle, Moment, parse_offset, parse_rule, step_moment
from audits.facts import apply
from audits.framework import DutyRule
from audits.messages import Message, Messages
from audits.people import Person
from audits.planning import UNACKNOWLEDGED, deadline, issue_moment, list_on_or_after, steps_for, waking
from audits.state import TOLD, Audit, Duty, Event, RemedialAction, Step

REGRADES = frozenset({"moderated", "discussed", "released", "resolved"})
"""Events that may change the grade that stands."""
PER_ACTION = frozenset({"confirmed", "signed_off"})
TAKEN_UP_FOR = "+5wd"
"""How long an escalation rests once a manager has it (LOCAL)."""


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
class Engine(Messages):
    """A framework at work in a service. Holds no state of its own."""

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
        if event.kind == "unsettled":
            audit, told = self._next_rung(audit, event)
            messages += told
        messages += self.notices(audit, event)
        then = (Event("safety_raised", event.at, event.actor_id, {"text": event.values.get("safety_text", "")}),)
        follows = event.kind == "submitted" and audit.safety and not before.has("safety_raised")
        return Decision(audit, opened, closed, tuple(messages), then if follows else ())

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
        if rule.kept_while and not any(holds(self.framework, when, audit) for when in rule.kept_while):
            return "no_longer_applies"
        if event.kind in REGRADES and not rule.per_action and self._other_terms(rule, before, audit):
            return "no_longer_applies"
        if event.kind not in rule.closed_by:
            return None
        answered = event.kind == "withdrawn" or self._answers(before, audit, duty, rule, event)
        return event.kind if answered else None

    def _other_terms(self, rule: DutyRule, before: Audit, audit: Audit) -> bool:
        """Whether another grade gives a duty another owner or another time; it then opens anew on those terms."""
        was, now = self.variant(rule, before), self.variant(rule, audit)
        return [was and (was.owner, was.due)] != [now and (now.owner, now.due)]

    def _answers(self, before: Audit, audit: Audit, duty: Duty, rule: DutyRule, event: Event) -> bool:
        """Whether an event that closes duties of this kind is meant for this one."""
        if rule.waits_for and before.open_duties(rule.waits_for):
            return False
        if event.kind == TOLD:
            return event.values.get("duty") == duty.ref
        if rule.per_action and duty.action != event.values.get("action"):
            return False
        if not rule.per_action and event.kind in PER_ACTION and not _all_done(audit, event.kind):
            return False
        return not rule.per_owner or self._acknowledges(duty, event)

    def _next_rung(self, audit: Audit, event: Event) -> tuple[Audit, list[Message]]:
        """A disagreement that the last conversation didn't settle goes one rung up at once."""
        for duty in audit.open_duties("dispute"):
            rung = next((step for step in duty.steps[duty.taken :] if step.what == "escalation"), None)
            if rung is None:
                continue
            told = self.tell(audit, duty, rung.to, rung.what, rung.name, event.at)
            steps = tuple(step for step in duty.steps if step is not rung)
            next_at = steps[duty.taken].at if duty.taken < len(steps) else None
            moved = replace(duty, steps=steps, next_at=next_at)
            duties = tuple(moved if one.ref == duty.ref else one for one in audit.duties)
            return replace(audit, duties=duties), told
        return audit, []

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
        if duty.taken < len(duty.steps) and duty.steps[duty.taken].name == UNACKNOWLEDGED:
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
                messages.extend(self.requests(audit, duty, rule, event))
        return audit, tuple(opened), messages

    def _opens(self, rule: DutyRule, audit: Audit, event: Event) -> bool:
        ways = [(rule.opened_by, rule.when), *((way.opened_by, way.when) for way in rule.or_opened)]
        return any(event.kind in kinds and holds(self.framework, when, audit) for kinds, when in ways)

    def _places(
        self, key: str, rule: DutyRule, audit: Audit, event: Event
    ) -> Iterable[tuple[RemedialAction | None, str | None]]:
        """The openings that one event makes of a rule: one, one an action, or one a recipient."""
        if rule.per_action:
            chosen = event.values.get("action")
            taken = {duty.action for duty in audit.open_duties(key)}
            for action in audit.disclosed_actions:
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
        if holder is not None and self._judges_own_work(rule, audit, action, holder.person):
            holder = self.above(holder.person, self.calendar.day_of(at)) or holder
        number = sum(duty.key == key for duty in audit.duties) + 1
        not_before: datetime | None = None
        list_cycle = issue_at = None
        if rule.not_before is not None:
            found = parse_rule(rule.not_before).resolve(at, audit.cycle, self.calendar)
            not_before = found.effective
            list_cycle = list_on_or_after(self.framework, self.calendar.day_of(found.effective), self.calendar)
            issue_at = issue_moment(self.framework, list_cycle, self.calendar)
        counted = (variant.counts_from if variant else None) or rule.counts_from
        since = audit.done[counted][0] if counted is not None and counted in audit.done else at
        moment = deadline(
            rule,
            variant,
            at,
            audit.cycle,
            self.calendar,
            since=since,
            list_cycle=list_cycle,
            session=audit.moderation_at if "moderation_booked" in rule.opened_by else audit.session_at,
            day=self._agreed_day(audit, key, action, at),
        )
        if variant is not None and variant.at_most and action is not None and action.due is not None:
            longest = deadline(rule, variant, at, audit.cycle, self.calendar, since=since)
            moment = min(moment, longest, key=lambda one: one.nominal)
        if rule.issue is not None:
            issue_at = waking(step_moment(since, parse_offset(rule.issue.at), self.calendar), self.calendar)
        steps = steps_for(self.framework, rule, at, moment, self.calendar, since=since, issue_at=issue_at)
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

    def _judges_own_work(self, rule: DutyRule, audit: Audit, action: RemedialAction | None, person: Person) -> bool:
        """Whether a person would sign off what they reported done, or moderate what they audited."""
        if rule.closed_by[0] == "signed_off":
            return action is not None and action.confirmed_by == person.id
        return rule.closed_by[0] in ("moderated", "discussed") and person.id == audit.auditor_id

    def _agreed_day(self, audit: Audit, key: str, action: RemedialAction | None, at: datetime) -> date | None:
        """The day agreed for an action, or set for a re-audit, while it still lies ahead; else the framework's time."""
        day: date | None = None
        if key == "remedial_action" and action is not None:
            day = action.due
        elif key == "complete_audit" and audit.facts.get("due_day"):
            day = date.fromisoformat(str(audit.facts["due_day"]))
        return day if day is not None and day >= self.calendar.day_of(at) else None

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
                told = self.tell(audit, duty, step.to, step.what, step.name, now)
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
        told = self.tell(audit, duty, step.to, step.what, f"{step.name}-{due}", now)
        for height in climbed:
            # Each manager whom the alert would have reached meanwhile hears of it, once.
            lower = replace(duty, repeats=height)
            told.extend(self.tell(audit, lower, ("climb",), step.what, f"{step.name}-{due}", now))
        told = list({message.key: message for message in told}.values())
        if due > step.times:
            return self._past(duty), told
        return replace(duty, next_at=step.at + every * due), told


def _all_done(audit: Audit, kind: str) -> bool:
    """Whether every action of an audit has been reported done, or signed off."""
    if kind == "confirmed":
        return all(action.confirmed_at is not None for action in audit.actions)
    return all(action.signed_off_at is not None for action in audit.actions)
