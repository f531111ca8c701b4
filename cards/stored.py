"""A card as JSON text and back, so that what was sent can be kept and later changed into what was done."""

import hashlib
from dataclasses import replace

from pydantic import ConfigDict, RootModel

from cards.card import Card, DateInput, Input, InputGroup


class _StoredCard(RootModel[Card]):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


def to_json(card: Card) -> str:
    """The card as JSON; bytes of downloads are in base64."""
    return _StoredCard(card).model_dump_json()


def from_json(text: str) -> Card:
    """The card that `to_json` wrote.

    Fields that the text lacks take their defaults, so that cards of an earlier version can still be read.
    Raises ValueError if the text is not a card.
    """
    return _StoredCard.model_validate_json(text).root


def fingerprint(card: Card) -> str:
    """What a card shows, in 64 characters: two cards with the same one needn't be exchanged.

    A form counts as the same while it asks the same: a new fact above it, or another day between the days that may be
    chosen, is no reason to take away what somebody is typing into it.
    """
    if card.all_inputs() and card.actions:
        card = replace(card, facts=(), text=(), table=None, bars=None, why=None, error="", downloads=())
        card = replace(card, inputs=tuple(map(_unbounded, card.inputs)))
    return hashlib.sha256(to_json(card).encode()).hexdigest()


def _unbounded(entry: Input | InputGroup) -> Input | InputGroup:
    if isinstance(entry, InputGroup):
        return replace(entry, inputs=tuple(_unbounded_input(one) for one in entry.inputs))
    return _unbounded_input(entry)


def _unbounded_input(entry: Input) -> Input:
    return replace(entry, earliest="", latest="") if isinstance(entry, DateInput) else entry
