"""Where a rehearsal is played: its people and clock, what each message said, and what was refused."""

from dataclasses import dataclass, field
from datetime import datetime

from audits.framework import Framework
from audits.people import Person
from audits.state import Duty
from bot.rehearsal.company import Company
from bot.rehearsal.script import Script
from cards.card import Card
from scheduling.clock import MovedClock
from scheduling.door import Failure, NotDelivered, Parcel
from storage.store import Store


@dataclass
class Refusal:
    at: datetime
    case: str | None
    verb: str
    role: str | None
    text: str


@dataclass
class Stage:
    """Where a rehearsal is played. Keeps what each message said when it arrived, and what was refused."""

    script: Script
    framework: Framework
    store: Store
    clock: MovedClock
    company: Company
    said: dict[str, str] = field(default_factory=dict)
    arrived: list[Card] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    feedback: dict[str, dict[str, str]] = field(default_factory=dict)
    unreachable: set[int] = field(default_factory=set)
    count: int = 0
    earlier: list[tuple[datetime, Duty]] = field(default_factory=list)
    """Duties as they were until the moment at which they changed hands or were given more time."""

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        if to.id in self.unreachable:
            raise NotDelivered(Failure.PERMANENT, f"{to.name} has not installed the app")
        self.arrived.append(parcel.card)
        for key in parcel.keys:
            self.said[key] = parcel.card.plain()

    def verb(self, do: str) -> str:
        """The verb of a step. Where no moderation is talked through, `discuss` means supervision, or the session."""
        if do != "discuss" or "discuss" in self.framework.verbs:
            return do
        return "supervise" if "supervise" in self.framework.verbs else "hold"

    def moment(self, local: datetime) -> datetime:
        return self.store.calendar.moment(local.date(), local.time())
