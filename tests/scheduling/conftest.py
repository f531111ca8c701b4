"""The fictional service of tests/storage, and a door that keeps what arrives."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from audits.people import Person
from cards.card import Card
from scheduling.door import Failure, NotDelivered, Parcel
from storage.postings import Place
from tests.storage.conftest import kind, postgresql, service, staffed, staffed_place, template

__all__ = [
    "Letterbox",
    "kind",
    "letterbox",
    "postgresql",
    "refusing",
    "service",
    "staffed",
    "staffed_place",
    "template",
]


@dataclass
class Letterbox:
    """A door that keeps what arrives. `before` and `after` may raise: nothing arrived then, or it had arrived.

    Where it `keeps_places`, what arrived can be changed, and `changed` has what was shown instead.
    """

    arrived: list[tuple[str, Parcel]] = field(default_factory=list)
    before: Callable[[Person, Parcel], Awaitable[None]] | None = None
    after: Callable[[Person, Parcel], Awaitable[None]] | None = None
    keeps_places: bool = False
    changed: list[tuple[str, Card]] = field(default_factory=list)

    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        if self.before is not None:
            await self.before(to, parcel)
        self.arrived.append((to.name, parcel))
        if self.after is not None:
            await self.after(to, parcel)
        number = str(len(self.arrived))
        return Place("post", to.name, number, "", number) if self.keeps_places else None

    async def change(self, to: Person, place: Place, card: Card) -> None:
        self.changed.append((to.name, card))

    @property
    def names(self) -> list[str]:
        """Who got something, in order."""
        return [name for name, _ in self.arrived]

    @property
    def keys(self) -> list[str]:
        """The messages that arrived, in order, those joined into one counted singly."""
        return [key for _, parcel in self.arrived for key in parcel.keys]

    def parcels(self, name: str) -> list[Parcel]:
        return [parcel for one, parcel in self.arrived if one == name]

    def emptied(self) -> list[tuple[str, Parcel]]:
        """What has arrived since it was last emptied."""
        found, self.arrived = self.arrived, []
        return found


def refusing(failure: Failure, *, only: str | None = "Marek", retry_after: timedelta | None = None) -> Letterbox:
    """A door that can't reach one person; without a name, anybody."""

    async def refuse(to: Person, _parcel: Parcel) -> None:
        if only is None or to.name == only:
            raise NotDelivered(failure, "The app is blocked", retry_after)

    return Letterbox(before=refuse)


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()
