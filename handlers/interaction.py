"""What passes between a door and the handlers: an interaction in, a reply out. No platform's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from cards.card import Card


@dataclass(frozen=True)
class Interaction:
    """Something a person did: pressed a button (`verb`, `subject`, `values`) or typed (`text`, verb `say`).

    `event_id` is the platform's own; the same one never takes effect twice. `at` is in UTC.
    The subject of something typed is the audit in whose thread it was, if it was in one's.
    Nothing in `subject` or `values` is trusted: they say what is wanted, not what is allowed. `in_group` says that
    others read the answer too.
    """

    person_id: int
    verb: str
    event_id: str
    at: datetime
    subject: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""
    in_group: bool = False


@dataclass(frozen=True)
class Reply:
    """What the person sees at once. `refused` says that nothing was changed; `duty` is the one that the card shows.

    `again` says that the same event had this reply before, so that nothing else follows from it.
    """

    card: Card
    refused: bool = False
    duty: str = ""
    again: bool = field(default=False, compare=False)

    @property
    def asks_again(self) -> bool:
        """Whether this is the form that was sent, come back with what is wrong in it."""
        return bool(self.card.error) or any(entry.error for entry in self.card.all_inputs())
