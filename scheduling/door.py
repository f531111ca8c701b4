"""What delivery asks of a door to the outside, and the ways in which sending can fail."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from audits.people import Person
from cards.card import Card
from storage.postings import Place


class Failure(StrEnum):
    """Temporary: try again later. Permanent: this person can't be reached this way. Unknown: it may have arrived."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class NotDelivered(Exception):
    """A message that didn't go out. `retry_after` is what the platform asked for, if it did.

    `mailed`: an e-mail about it went to the person meanwhile, which is no delivery.
    """

    def __init__(
        self, failure: Failure, reason: str, retry_after: timedelta | None = None, *, mailed: bool = False
    ) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason
        self.retry_after = retry_after
        self.mailed = mailed


@dataclass(frozen=True)
class Parcel:
    """A card on its way to one person. `keys` are the messages it stands for; `repeat`: it may have come before.

    `audit_id` names the audit that it is about, if it is about one alone. `late`: it is urgent and has waited too long
    already; `mailed`: an e-mail about it went not long ago, so that no other is wanted now.
    """

    keys: tuple[str, ...]
    card: Card
    urgent: bool
    repeat: bool
    audit_id: int | None = None
    late: bool = False
    mailed: bool = False


class Door(Protocol):
    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        """Send a card to a person; where it now stands, if it can be changed there. Raises NotDelivered."""
        ...


class Board(Protocol):
    """A door whose messages can be changed where they stand."""

    async def change(self, to: Person, place: Place, card: Card) -> None:
        """Show another card in the place of one that was delivered. Raises NotDelivered."""
        ...
