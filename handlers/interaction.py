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
    Nothing in `subject` or `values` is trusted: they say what is wanted, not what is allowed.
    """

    person_id: int
    verb: str
    event_id: str
    at: datetime
    subject: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""


@dataclass(frozen=True)
class Reply:
    """What the person sees at once. `refused` says that nothing was changed."""

    card: Card
    refused: bool = False
