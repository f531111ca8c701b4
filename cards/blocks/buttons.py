"""What can be pressed: buttons that act at once, and buttons that open a form."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import count, islice

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from cards.blocks.moulds import mould
from cards.blocks.texts import PLAIN, plain, quiet, sections
from cards.card import Action, Card, Emphasis, Input
from cards.limits import CardTooLarge, units
from cards.moulds import Mould, Written

LABEL, VALUE, BUTTONS_A_BLOCK = 75, 2000, 25
_ROW = mould(ActionsBlock(elements=[ButtonElement(text=PLAIN)]), "elements")


def inputs_of(card: Card, action: Action) -> tuple[Input, ...]:
    """The inputs that an action sends, in the order of the card."""
    return tuple(one for one in card.all_inputs() if action.inputs is None or one.name in action.inputs)


def opens_form(card: Card, action: Action) -> bool:
    """Whether a press asks for something first.

    An action beside the primary one that names no inputs only takes along what was typed. In a message of Slack
    nothing is typed, so it acts at once.
    """
    if not inputs_of(card, action):
        return False
    return action.inputs is not None or action.emphasis is Emphasis.PRIMARY or not _has_primary_form(card)


def _has_primary_form(card: Card) -> bool:
    return any(one.emphasis is Emphasis.PRIMARY and inputs_of(card, one) for one in card.actions)


def buttons(card: Card, card_id: str, numbers: Iterator[int] | None = None) -> list[Written]:
    """The actions of a card, and above them the words of those that are too long for a button.

    `numbers` count on over several cards in one view. Raises CardTooLarge if a button would carry too much.
    """
    numbers = count(1) if numbers is None else numbers
    made = iter([_pressed(card, action, card_id, next(numbers)) for action in card.actions])
    long = [f"• {action.label}" for action in card.actions if units(quiet(action.label)) > LABEL]
    blocks = sections("\n".join(("These buttons in full", *long))) if long else []
    while together := list(islice(made, BUTTONS_A_BLOCK)):
        blocks.append(row(together))
    return blocks


def row(buttons: list[Written]) -> Written:
    """Buttons beside one another."""
    return _ROW.filled(elements=buttons)


def button(label: str, action_id: str, value: str, emphasis: Emphasis = Emphasis.PLAIN) -> Written:
    return _button(emphasis).filled(text=plain(label, LABEL, "…"), action_id=action_id, value=value)


@cache
def _button(emphasis: Emphasis) -> Mould:
    style = None if emphasis is Emphasis.PLAIN else emphasis.value
    example = ButtonElement(text=PLAIN, action_id="press-1", value="{}", style=style)
    return mould(example, "text", "action_id", "value")


def _pressed(card: Card, action: Action, card_id: str, number: int) -> Written:
    value = json.dumps({"verb": action.verb, "subject": action.subject, "card_id": card_id}, separators=(",", ":"))
    if units(value) > VALUE:
        raise CardTooLarge(f"A button carries {units(value)} characters and Slack takes {VALUE}.")
    action_id = f"{'form' if opens_form(card, action) else 'press'}-{number}"
    return button(action.label, action_id, value, action.emphasis)
