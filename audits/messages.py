"""Whom a duty or a notice tells, and in which words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from audits.addresses import Addresses
from audits.conditions import holds
from audits.dates import day_words, parse_rule
from audits.framework import DutyRule, NoticeRule, Variant
from audits.state import Audit, Duty, Event

URGENT = frozenset({"alert", "escalation"})


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
class Messages(Addresses):
    """What a framework has people told about an audit."""

    def variant(self, rule: DutyRule, audit: Audit) -> Variant | None:
        """The first of a duty's variants whose condition holds; None where its ordinary terms do."""
        return next((variant for variant in rule.variants if holds(self.framework, variant.when, audit)), None)

    def dispute_closes(self, audit: Audit) -> datetime | None:
        """Until when people may say that they see an audit differently; None where the framework sets no end.

        An audit that is completed after its window gets the framework's late term (LOCAL).
        """
        terms = self.framework.cycle
        if terms.dispute_closes is None:
            return None
        start = self.calendar.moment(audit.cycle.first, time(0, 0))
        completed, _ = audit.done.get("submitted", (start, None))
        end = parse_rule(terms.dispute_closes).resolve(completed, audit.cycle, self.calendar).nominal
        if completed > end and terms.dispute_late is not None:
            return parse_rule(terms.dispute_late).resolve(completed, audit.cycle, self.calendar).nominal
        return end

    def requests(self, audit: Audit, duty: Duty, rule: DutyRule, event: Event) -> list[Message]:
        """What goes out when a duty opens: to its owner and those told of it, and to QA where a role is vacant."""
        targets = ("owner", *rule.tell)
        messages = [] if rule.silent else self.tell(audit, duty, targets, rule.what, "ask", event.at)
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

    def tell(
        self, audit: Audit, duty: Duty, targets: Iterable[str], what: str, step: str, at: datetime
    ) -> list[Message]:
        """A step of a duty as messages to the persons whom its targets mean at this moment, each of them once."""
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

    def notices(self, audit: Audit, event: Event) -> list[Message]:
        """What an event has people told, in the order of the framework's file; never the one who caused it."""
        messages: list[Message] = []
        for key, notice in self.framework.notices.items():
            if event.kind not in notice.on or not holds(self.framework, notice.when, audit):
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
            good_example=str(audit.facts.get("good_example") or "").strip(),
            said=str(event.values.get("text") or "").strip(),
            time=self._time(audit),
            grade=grade.label if grade else "not given",
        )

    def _time(self, audit: Audit) -> str:
        """When the moderator's conversation is, or the session, in words; empty where none is booked."""
        at = audit.moderation_at or audit.session_at
        return f"{day_words(self.calendar.day_of(at))} at {self.calendar.local(at):%H:%M}" if at else ""
