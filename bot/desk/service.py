"""What the desk needs of the program behind it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from audits.calendar import WorkCalendar
from audits.people import Person
from cards.card import Card
from handlers.interaction import Interaction, Reply


@dataclass(frozen=True)
class Letter:
    """A message in someone's inbox, as the card that it is now. `waiting` says that an answer is still asked for."""

    message_id: int
    sent_at: datetime
    what: str
    card: Card
    waiting: bool


@dataclass(frozen=True)
class Entry:
    """A line of the timeline: who was told what, when and why, or what someone did."""

    at: datetime
    kind: str
    who: str
    text: str
    why: str = ""
    case: str = ""
    state: str = ""


@dataclass(frozen=True)
class Desktop:
    """A person in the list of people: how many steps are open with them, and how many messages they have had.

    `quality` says that they answer for quality assurance and may ask about everyone's audits.
    """

    person: Person
    role: str
    open_steps: int
    received: int
    quality: bool = False


class DeskService(Protocol):
    """The program, as the desk sees it. All moments are in UTC."""

    @property
    def calendar(self) -> WorkCalendar: ...

    @property
    def title(self) -> str: ...

    @property
    def demonstration(self) -> bool: ...

    def now(self) -> datetime: ...

    async def people(self) -> list[Desktop]: ...

    async def person(self, person_id: int) -> Person | None: ...

    async def inbox(self, person_id: int, *, page: int = 1) -> tuple[list[Letter], int]:
        """A page of someone's letters, newest first, and how many pages there are."""
        ...

    async def letter(self, person_id: int, message_id: int) -> Letter | None: ...

    async def timeline(self, *, person_id: int | None = None, page: int = 1) -> tuple[list[Entry], int]:
        """A page of the timeline, newest first (of one person, or of everyone), and how many pages there are."""
        ...

    async def answer(self, interaction: Interaction) -> Reply: ...

    async def reply(self, person_id: int, event_id: str) -> Card | None:
        """The reply that a person was given, for showing it to them again."""
        ...

    async def next_moment(self) -> datetime | None:
        """When the next thing happens by itself; None if nothing is planned."""
        ...

    async def move_to(self, moment: datetime) -> int:
        """Move a demonstration's clock forward, taking every step on the way; how many messages were sent."""
        ...

    async def month_end(self) -> datetime:
        """The end of the present cycle's process: what "through the whole month" moves to."""
        ...
