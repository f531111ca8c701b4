"""The inputs of a card, each with its label, its hint and its error, alone or in groups that fold."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from microsoft_teams.cards import Choice as TeamsChoice
from microsoft_teams.cards import ChoiceSetInput, Container, DateInput, TextInput, ToggleVisibilityAction

from cards import card as neutral
from cards.adaptive.buttons import button_set
from cards.adaptive.moulds import mould
from cards.adaptive.texts import block, literal, plain
from cards.card import Card, Input, InputGroup
from cards.limits import units
from cards.moulds import Written
from cards.presenting import (
    ANSWER_NEEDED,
    NOTHING_TO_CHOOSE,
    day_of,
    error_words,
    guidance,
    insists,
    label_of,
    starts_closed,
)
from cards.wording import listed

PLEASE_CHOOSE = "Please choose"
NO_ANSWER = "No answer"
_UNCHOSEN = "(none)"
"""Stands for a choice that is empty: Adaptive Cards know no choice without a value."""

_ASKED = ("id", "label", "is_required", "error_message", "value")
_TEXT = mould(TextInput(), *_ASKED, "max_length", "is_multiline")
_DATE = mould(DateInput(), *_ASKED, "min", "max")
_LIST = mould(ChoiceSetInput(style="expanded", wrap=True), *_ASKED, "placeholder", "choices")
_DROP_DOWN = mould(ChoiceSetInput(), *_ASKED, "placeholder", "choices")
_CHOICE = mould(TeamsChoice(), "title", "value")
_GROUP = mould(Container(separator=True), "items")
_FOLDED = mould(Container(is_visible=False), "id", "items")
_UNFOLD = mould(ToggleVisibilityAction(), "title", "target_elements")

Asked = list[tuple[Input | InputGroup, Sequence[Written]]]
"""What a card asks, each with the elements that ask it."""


def questions(card: Card) -> Asked:
    """Every input and group of the card, in order, with its elements."""
    return [
        (entry, _group(card, entry, number) if isinstance(entry, InputGroup) else _input(card, entry))
        for number, entry in enumerate(card.inputs, start=1)
    ]


def shown(card: Card, asked: Asked, left_out: int) -> list[Written]:
    """What a card asks; the last `left_out` of its `spare` groups are named instead of shown."""
    unshown = spare(card)[-left_out:] if left_out else ()
    elements = [element for entry, found in asked if entry not in unshown for element in found]
    if unshown:
        names = listed([group.title for group in unshown])
        elements.append(block(literal(f"This card has no room for {names}."), size="Small"))
    return elements


def spare(card: Card) -> tuple[InputGroup, ...]:
    """The groups that a card can do without: folded, with nothing written in them and nothing that must be."""
    groups = (entry for entry in card.inputs if isinstance(entry, InputGroup))
    return tuple(one for one in groups if starts_closed(one) and not any(entry.required for entry in one.inputs))


def answer_of(value: str) -> str:
    """What a client sent for an input, as handlers know it."""
    return "" if value == _UNCHOSEN else value


def unfolding(element_id: str, title: str, items: Iterable[Written]) -> list[Written]:
    """A button, and below it what it shows and hides."""
    button = _UNFOLD.filled(title=title, target_elements=[element_id])
    return [button_set(button), _FOLDED.filled(id=element_id, items=list(items))]


def _group(card: Card, group: InputGroup, number: int) -> list[Written]:
    closed = starts_closed(group)
    inputs = [element for entry in group.inputs for element in _input(card, entry, folded=closed)]
    if closed:
        return unfolding(f"card:group:{number}", f"Show or hide: {group.title}", inputs)
    heading = block(literal(group.title), weight="Bolder", size="Medium", style="heading")
    return [_GROUP.filled(items=[heading, *inputs])]


def _input(card: Card, entry: Input, *, folded: bool = False) -> tuple[Written, ...]:
    """The input, then its hint and its error. A client never insists on what it has folded away."""
    insisted = insists(card, entry) and not folded
    if entry.value and not isinstance(entry, neutral.ChoiceInput):
        return _asked(entry, insisted)
    return _kept(entry, insisted)


@lru_cache(maxsize=1024)
def _kept(entry: Input, insisted: bool) -> tuple[Written, ...]:
    """An input into which nothing was typed. A form asks the same of everybody; what somebody typed isn't kept."""
    return _asked(entry, insisted)


def _asked(entry: Input, insisted: bool) -> tuple[Written, ...]:
    if isinstance(entry, neutral.ChoiceInput) and not entry.choices:
        elements = [block(literal(label_of(entry))), block(NOTHING_TO_CHOOSE, spacing="Small")]
    else:
        elements = [_control(entry, insisted)]
    if said := guidance(entry):
        elements.append(block(literal(said), size="Small", spacing="Small"))
    if entry.error:
        said = literal(error_words(entry.error))
        elements.append(block(said, color="Attention", weight="Bolder", spacing="Small"))
    return tuple(elements)


def _control(entry: Input, insisted: bool) -> Written:
    label, complaint = plain(label_of(entry)), ANSWER_NEEDED if insisted else None
    if isinstance(entry, neutral.TextInput):
        return _TEXT.filled(
            id=entry.name,
            label=label,
            is_required=insisted or None,
            error_message=complaint,
            value=entry.value or None,
            is_multiline=entry.long or None,
            max_length=max(entry.length, units(entry.value)),
        )
    if isinstance(entry, neutral.DateInput):
        # A client refuses a day outside the bounds, asked for or not, and says nothing of its own about it.
        bounds = guidance(replace(entry, hint="", value=""))
        return _DATE.filled(
            id=entry.name,
            label=label,
            is_required=insisted or None,
            error_message=" ".join(part for part in (complaint, bounds) if part) or None,
            value=_day(entry.value),
            min=_day(entry.earliest),
            max=_day(entry.latest),
        )
    chosen = next((choice.value or _UNCHOSEN for choice in entry.choices if choice.value == entry.value), None)
    control = _DROP_DOWN if entry.compact else _LIST
    return control.filled(
        id=entry.name,
        label=label,
        is_required=insisted or None,
        error_message=complaint,
        value=chosen,
        placeholder=PLEASE_CHOOSE if entry.compact and chosen is None else None,
        choices=_choices(entry),
    )


def _choices(entry: neutral.ChoiceInput) -> list[Written]:
    """The choices, and in a drop-down that needs no answer a way to take one back."""
    choices = [
        _CHOICE.filled(
            title=plain(f"{choice.label} – {choice.hint}" if choice.hint else choice.label),
            value=choice.value or _UNCHOSEN,
        )
        for choice in entry.choices
    ]
    if entry.compact and not entry.required and all(choice.value for choice in entry.choices):
        choices.append(_CHOICE.filled(title=NO_ANSWER, value=_UNCHOSEN))
    return choices


def _day(text: str) -> str | None:
    return text if day_of(text) else None
