"""One audit as the rules see it: its facts, remedial actions, duties, and the events that change them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from audits.dates import Cycle

TOLD = "told"
"""The event that a duty's owner has received its request."""
CORE = "core"
REAUDIT = "reaudit"
THEMATIC = "thematic"
SUPERVISION = "supervision"
KINDS = (CORE, REAUDIT, THEMATIC, SUPERVISION)


@dataclass(frozen=True)
class CaseFile:
    """The case under audit: a pseudonymous reference and what routing and sampling need."""

    id: int
    ref: str
    plan: str
    team: str = ""
    service_area: str = ""
    holder_id: int | None = None
    on_list: bool = True
    sex: str = ""
    age_band: str = ""
    ethnicity_group: str = ""


@dataclass(frozen=True)
class Step:
    """One thing that a duty does at a moment (UTC): tell someone, issue a re-audit, or lapse.

    `to` names targets (role keys, `owner`, `owner.manager`, `climb`). A step with `every_minutes` is
    taken again so many more `times`.
    """

    name: str
    at: datetime
    what: str
    to: tuple[str, ...]
    every_minutes: int = 0
    times: int = 0


@dataclass(frozen=True)
class Duty:
    """Someone must do something by a date, or someone else hears of it.

    `ref` is unique in the service. `steps` are frozen when the duty opens; `taken` counts those done.
    Moments are UTC; compliance is measured on `nominal`, nudges are timed from `effective`.
    """

    ref: str
    key: str
    owner_role: str
    owner_id: int | None
    opened_at: datetime
    nominal: datetime
    effective: datetime
    steps: tuple[Step, ...] = ()
    taken: int = 0
    repeats: int = 0
    next_at: datetime | None = None
    not_before: datetime | None = None
    action: int | None = None
    vacant: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_actor: int | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True)
class RemedialAction:
    """What is to be put right, by whom (`owner_id`) and by which day; numbered from 1 within its audit."""

    number: int
    what: str
    owner_id: int | None
    due: date | None = None
    confirmed_by: int | None = None
    confirmed_at: datetime | None = None
    signed_off_by: int | None = None
    signed_off_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened: a person's answer, or the system's own step (`actor_id` None). UTC."""

    kind: str
    at: datetime
    actor_id: int | None = None
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Audit:
    """An allocation and all that has become of it.

    `facts` holds what people answered (rationale, sections, feedback, dispute, notes); `done` has the
    latest moment and actor of each kind of event.
    """

    id: int
    framework: str
    kind: str
    cycle: Cycle
    case: CaseFile
    auditor_id: int | None
    issued_at: datetime | None = None
    session_at: datetime | None = None
    proposed_at: datetime | None = None
    proposed_by: int | None = None
    grade: str | None = None
    confirmed_grade: str | None = None
    safety: bool = False
    withdrawn: bool = False
    earlier_audit_id: int | None = None
    list_cycle: Cycle | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    done: Mapping[str, tuple[datetime, int | None]] = field(default_factory=lambda: MappingProxyType({}))
    actions: tuple[RemedialAction, ...] = ()
    duties: tuple[Duty, ...] = ()

    def has(self, kind: str) -> bool:
        """Whether an event of this kind has happened and still stands."""
        return kind in self.done

    @property
    def on_hold(self) -> bool:
        """Whether the outcome of moderation is kept back until it was talked through with the auditor."""
        return bool(self.facts.get("hold"))

    @property
    def moderation_at(self) -> datetime | None:
        """When the moderator's conversation is held; None where none is booked."""
        at = self.facts.get("moderation_at")
        return datetime.fromisoformat(str(at)) if at else None

    @property
    def changed(self) -> bool:
        """Whether moderation gave another grade than the auditor; not while its outcome is kept back."""
        return not self.on_hold and self.has("moderated") and self.confirmed_grade not in (None, self.grade)

    @property
    def standing_grade(self) -> str | None:
        """The grade after moderation or an agreed dispute, else the auditor's; the auditor's own while on hold."""
        return self.grade if self.on_hold else self.confirmed_grade or self.grade

    @property
    def disclosed_actions(self) -> tuple[RemedialAction, ...]:
        """The actions that may be known: those of a moderation on hold are not among them."""
        held = self.facts.get("held_actions") or ()
        return tuple(action for action in self.actions if action.number not in held) if self.on_hold else self.actions

    def open_duties(self, key: str | None = None) -> tuple[Duty, ...]:
        return tuple(duty for duty in self.duties if duty.is_open and key in (None, duty.key))

    def action(self, number: int) -> RemedialAction | None:
        """The action of a number, if it may be known."""
        return next((action for action in self.disclosed_actions if action.number == number), None)
