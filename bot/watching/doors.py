"""Doors to the outside with a watch in their hands, so that delivery itself needs to know nothing of figures."""

from dataclasses import dataclass

from audits.people import Person
from bot.doors import PlatformDoor
from bot.watching.figures import Figures
from cards.card import Card
from scheduling.door import Door, Parcel
from storage.postings import Place

MESSAGE, CHANGE = "message", "change"


@dataclass(frozen=True)
class TimedDoor:
    """A door whose deliveries are measured under the word of its platform."""

    door: Door
    platform: str
    figures: Figures

    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        """As the door within. Raises NotDelivered."""
        with self.figures.delivering(self.platform, MESSAGE):
            return await self.door.deliver(to, parcel)


@dataclass(frozen=True)
class TimedPlatform:
    """The same for a platform on which messages can be changed."""

    door: PlatformDoor
    platform: str
    figures: Figures

    async def deliver(self, to: Person, parcel: Parcel) -> Place:
        """As the door within. Raises NotDelivered."""
        with self.figures.delivering(self.platform, MESSAGE):
            return await self.door.deliver(to, parcel)

    async def change(self, to: Person, place: Place, card: Card) -> None:
        """As the door within. Raises NotDelivered."""
        with self.figures.delivering(self.platform, CHANGE):
            await self.door.change(to, place, card)
