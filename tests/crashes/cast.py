"""The people of a story, played by chance from a seed: who answers which card, when, and in which words.

They look at duties as the undisturbed twin has them, and what they did there is written down; the disturbed story is
played from that script, so that both have the same presses at the same moments.
"""

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audits.engine import Engine
from audits.events import EVENTS
from audits.people import Person
from audits.state import Audit, Duty
from tests.crashes.node import Press

SECOND = timedelta(seconds=17)
"""People press so long after a minute began: never at the moment at which a step of the clock is due."""
SLOTS = (7, 22, 37, 52)
"""The minutes at which people press, so that several often press at once."""
URGENT_SECOND = timedelta(seconds=43)
"""What starts a quarter-hourly repeat is pressed at another second, or its repeats would meet other presses."""
LONG_NIGHT = timedelta(hours=3, minutes=11)
"""How long the alert of the night on which the clocks change is left unanswered."""
WORDS = "Said in the story."
_VERBS = {event: verb for verb, event in EVENTS.items()} | {"booked": "agree"}


@dataclass(order=True)
class _Plan:
    at: datetime
    number: int
    ref: str = field(compare=False)
    audit_id: int = field(compare=False)
    kind: str = field(compare=False, default="")


@dataclass
class Cast:
    """Everybody in the service. `night` is when a safety concern is raised in the night of the clock change."""

    seed: int
    ends: datetime
    night: datetime | None
    _chance: random.Random = field(init=False)
    _plans: list[_Plan] = field(default_factory=list, init=False)
    _seen: set[str] = field(default_factory=set, init=False)
    _count: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def next_at(self) -> datetime | None:
        """When somebody next means to do something."""
        return self._plans[0].at if self._plans else None

    def look(self, rules: Engine, audits: Iterable[Audit], now: datetime) -> None:
        """Everybody looks at what is asked of them, and makes up their mind when to answer it."""
        for audit in audits:
            for duty in audit.open_duties():
                if duty.ref in self._seen or not self._can_begin(audit, duty):
                    continue
                self._seen.add(duty.ref)
                self._plan(rules, audit, duty, now)
            if audit.has("submitted") and f"{audit.id}/after" not in self._seen:
                self._seen.add(f"{audit.id}/after")
                if self._chance.random() < 0.25:
                    self._at(rules, now + timedelta(hours=self._chance.randint(2, 40)), audit, "", "dispute")
        if self.night is not None and now < self.night and "night" not in self._seen:
            self._seen.add("night")
            self._push(self.night + URGENT_SECOND, "", 0, "night")
            self._order_something(rules, now)

    def presses(self, rules: Engine, audits: Sequence[Audit], now: datetime) -> Iterator[Press]:
        """What is done now, by those whose moment has come and whose duty is still open."""
        by_id = {audit.id: audit for audit in audits}
        while self._plans and self._plans[0].at <= now:
            plan = heapq.heappop(self._plans)
            yield from self._acts(rules, by_id, plan, now)

    # ---- when

    def _can_begin(self, audit: Audit, duty: Duty) -> bool:
        """An audit is sent once it was talked through; a session is over once it was held."""
        return duty.key != "complete_audit" or audit.has("held")

    def _plan(self, rules: Engine, audit: Audit, duty: Duty, now: datetime) -> None:
        temper = self._chance.random()
        if duty.key == "hold_session" and audit.session_at is not None:
            start = max(now, audit.session_at) + timedelta(hours=1)
        elif duty.key == "acknowledge_alert":
            quick = timedelta(minutes=self._chance.choice((4, 11, 50, 130)))
            self._push(self._slot(now + (LONG_NIGHT if self._is_night(now) else quick)), duty.ref, audit.id)
            return
        else:
            start = now + timedelta(hours=self._chance.randint(1, 30))
        if temper < 0.08:
            return
        if temper < 0.2:
            start = max(start, duty.nominal) + timedelta(days=self._chance.randint(1, 5))
        self._at(rules, start, audit, duty.ref)

    def _is_night(self, now: datetime) -> bool:
        return self.night is not None and self.night <= now < self.night + timedelta(minutes=5)

    def _order_something(self, rules: Engine, now: datetime) -> None:
        """What QA writes now and then: orders, questions, and a leave."""
        for kind in ("extend", "reassign", "leave", "status", "overdue", "stranger", "mine", "extend"):
            at = now + timedelta(days=self._chance.randint(2, 24), hours=self._chance.randint(0, 9))
            self._push(self._slot(rules.calendar.next_waking(at)), "", 0, kind)

    def _at(self, rules: Engine, at: datetime, audit: Audit, ref: str, kind: str = "") -> None:
        moment = self._slot(rules.calendar.next_waking(at))
        self._push(moment, ref, audit.id, kind)

    def _slot(self, at: datetime) -> datetime:
        whole = at.replace(minute=0, second=0, microsecond=0)
        chosen = whole + timedelta(minutes=self._chance.choice(SLOTS)) + SECOND
        return chosen if chosen > at else chosen + timedelta(hours=1)

    def _push(self, at: datetime, ref: str, audit_id: int, kind: str = "") -> None:
        self._count += 1
        if at < self.ends:
            heapq.heappush(self._plans, _Plan(at, self._count, ref, audit_id, kind))

    # ---- what

    def _acts(self, rules: Engine, audits: dict[int, Audit], plan: _Plan, now: datetime) -> Iterator[Press]:
        audit = audits.get(plan.audit_id)
        if plan.kind == "night":
            yield from self._raise_concern(rules, list(audits.values()))
        elif audit is not None and plan.kind == "dispute":
            yield self._press(audit, audit.case.holder_id, "dispute", {"dispute_text": WORDS})
        elif plan.kind:
            yield from self._types(rules, list(audits.values()), plan.kind, now)
        elif audit is not None:
            duty = next((one for one in audit.open_duties() if one.ref == plan.ref), None)
            if duty is not None:
                yield from self._answers(rules, audit, duty, now)

    def _answers(self, rules: Engine, audit: Audit, duty: Duty, now: datetime) -> Iterator[Press]:
        person = rules.directory.get(duty.owner_id)
        verb = "book" if duty.key == "book_session" else _VERBS.get(rules.framework.duties[duty.key].closed_by[0], "")
        if person is None or not verb:
            return
        person = rules.directory.stand_in(person, rules.calendar.day_of(now)) if verb != "accept" else person
        if verb == "submit" and self._chance.random() < 0.4:
            # A form that lacks its reason comes back, and is sent again.
            yield self._press(audit, person.id, verb, self._values(rules, audit, verb, now) | {"rationale": ""})
        if verb == "accept" and self._chance.random() < 0.12:
            verb = "decline"
        if verb == "sign_off" and self._chance.random() < 0.2:
            verb = "send_back"
        yield self._press(audit, person.id, verb, self._values(rules, audit, verb, now), duty.action)
        if self._chance.random() < 0.1:
            # Pressed twice, as two presses.
            yield self._press(audit, person.id, verb, self._values(rules, audit, verb, now), duty.action)

    def _values(self, rules: Engine, audit: Audit, verb: str, now: datetime) -> dict[str, str]:
        pick, framework = self._chance, rules.framework
        grades = [grade.key for grade in framework.grades]
        match verb:
            case "book":
                day = rules.calendar.shift(rules.calendar.day_of(now), pick.randint(1, 3))
                values = {"when": f"{day.isoformat()} {pick.choice(('10:00', '14:00', '11:30'))}"}
            case "decline":
                values = {"reason": pick.choice(("conflict", "capacity"))}
            case "submit":
                values = self._form(rules, audit, grades)
            case "moderate":
                values = {"grade": pick.choice([audit.grade or grades[0], *grades[-2:]]), "concern": "no"}
            case "reassign":
                able = [one for role in framework.auditor_roles for one in rules.directory.holders(role)]
                values = {"to": str(pick.choice(able).id), "reason": WORDS}
            case "resolve" | "discuss":
                values = {"grade": pick.choice(["", *grades[:3]])}
            case "record":
                values = {"where": "Case notes"}
            case "consider":
                values = {"decision": pick.choice(("review", "none"))}
            case "consider_feedback":
                values = {"another": pick.choice(("yes", "no"))}
            case _:
                values = {"learning": "no", "reason": WORDS}
        ticked = {f"check_{number}": "yes" for number in range(1, 10)}
        return {"text": WORDS} | ticked | values

    def _form(self, rules: Engine, audit: Audit, grades: Sequence[str]) -> dict[str, str]:
        pick, terms = self._chance, rules.framework.submission
        values = {
            "grade": pick.choice([*grades, grades[-1]]),
            "rationale": WORDS,
            "safety": "yes" if pick.random() < 0.2 else "no",
            "safety_text": WORDS,
            "neglect": "yes" if pick.random() < 0.2 else "no",
        }
        values |= {f"stretch_{who}": WORDS for who in terms.stretch}
        values |= {f"feedback_{source}": "obtained" for source in terms.feedback}
        for number in range(1, pick.randint(0, 2) + 1):
            values[f"action_{number}_what"] = f"{WORDS} {number}"
            values[f"action_{number}_owner"] = str(audit.case.holder_id)
            values[f"action_{number}_due"] = ""
        return values

    def _raise_concern(self, rules: Engine, audits: Sequence[Audit]) -> Iterator[Press]:
        able = [one for one in audits if one.issued_at is not None and not one.open_duties("acknowledge_alert")]
        if able:
            audit = self._chance.choice(able)
            yield self._press(audit, audit.case.holder_id, "safety", {"text": WORDS})

    def _types(self, rules: Engine, audits: Sequence[Audit], kind: str, now: datetime) -> Iterator[Press]:
        officer = rules.directory.holders(rules.framework.qa_roles[0])[0]
        going = [one for one in audits if one.issued_at is not None and not one.has("submitted")]
        audit = self._chance.choice(going) if going else None
        day = rules.calendar.day_of(now)
        if kind in ("status", "overdue", "mine"):
            yield self._says(officer, kind)
        elif kind == "leave":
            somebody = self._chance.choice(rules.directory.holders(rules.framework.auditor_roles[0]))
            yield self._says(officer, f"leave {somebody.name} until {(day + timedelta(days=6)).isoformat()}")
        elif audit is not None and kind == "extend":
            until = rules.calendar.shift(day, self._chance.randint(3, 25))
            yield self._says(officer, f"extend {audit.case.ref} until {until.isoformat()} because of sickness", audit)
        elif audit is not None and kind == "reassign":
            able = [one for role in rules.framework.auditor_roles for one in rules.directory.holders(role)]
            yield self._says(officer, f"reassign {audit.case.ref} to {self._chance.choice(able).name}", audit)
        elif audit is not None and kind == "stranger":
            yield self._press(audit, officer.id, "accept", {})

    def _says(self, person: Person, text: str, audit: Audit | None = None) -> Press:
        self._count += 1
        return Press(f"event-{self._count}", person.id, "say", text=text, about=audit.id if audit else 0)

    def _press(
        self, audit: Audit, person_id: int | None, verb: str, values: dict[str, str], action: int | None = None
    ) -> Press:
        self._count += 1
        subject = f"{audit.id}" if action is None else f"{audit.id}:{action}"
        return Press(f"event-{self._count}", person_id or 0, verb, subject, values, about=audit.id)
