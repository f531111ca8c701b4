"""Several platforms side by side: a person is written to where they were seen last, or wherever they can be reached."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from audits.people import Person
from cards.card import Card
from cards.deck import repeated
from cards.wording import listed
from scheduling.door import Failure, NotDelivered, Parcel
from storage.contacts import platforms_of
from storage.postings import Place
from storage.store import Store

log = logging.getLogger(__name__)


@dataclass
class LastSeen:
    """On which platform each person was seen last, since the program started."""

    _platforms: dict[int, str] = field(default_factory=dict)

    def note(self, person_id: int, platform: str) -> None:
        self._platforms[person_id] = platform

    def of(self, person_id: int) -> str | None:
        return self._platforms.get(person_id)


class PlatformDoor(Protocol):
    """A way out to a platform on which messages can be changed."""

    async def deliver(self, to: Person, parcel: Parcel) -> Place: ...

    async def change(self, to: Person, place: Place, card: Card) -> None: ...


@dataclass(frozen=True)
class Doors:
    """A door to each platform, by its word, those in which people can be found by themselves last."""

    store: Store
    doors: Mapping[str, PlatformDoor]
    last_seen: LastSeen

    async def deliver(self, to: Person, parcel: Parcel) -> Place:
        """Send a card to a person on one platform. Raises NotDelivered.

        Where a platform can't reach them for good, the next one is tried. What may pass is waited for, so that nothing
        comes twice; but what is urgent goes the other way, and says so if it may have come before.
        """
        waits: NotDelivered | None = None
        reasons: list[str] = []
        order = await self._in_order(to)
        for platform in order:
            try:
                return await self.doors[platform].deliver(to, parcel)
            except NotDelivered as failure:
                if failure.failure is Failure.PERMANENT:
                    reasons.append(failure.reason.rstrip(" ."))
                    continue
                if not parcel.urgent:
                    raise
                if platform != order[-1]:
                    log.warning("%s is down for something urgent, so another platform is tried", platform)
                if failure.failure is Failure.UNKNOWN and not parcel.repeat:
                    parcel = replace(parcel, card=repeated(parcel.card), repeat=True)
                if waits is None or failure.failure is Failure.UNKNOWN:
                    waits = failure
        raise waits or NotDelivered(Failure.PERMANENT, listed(reasons))

    async def change(self, to: Person, place: Place, card: Card) -> None:
        """Show another card in the place of one that was delivered. Raises NotDelivered."""
        door = self.doors.get(place.platform)
        if door is None:
            raise NotDelivered(Failure.PERMANENT, f"auditloop has no way to {place.platform} any more")
        await door.change(to, place, card)

    async def _in_order(self, to: Person) -> Sequence[str]:
        """The platforms to try: where they were seen last; where they were written to last, or came last; the rest."""
        async with self.store.begin(people=False) as tx:
            known = await platforms_of(tx, to.id)
        seen = self.last_seen.of(to.id)
        first = [seen] if seen in known else []
        return [name for name in dict.fromkeys((*first, *known, *self.doors)) if name in self.doors]
