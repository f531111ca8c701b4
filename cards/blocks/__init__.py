"""A card as Block Kit for Slack: as messages here, as modals in `forms`, as the Home tab in `home`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cards.blocks.buttons import buttons
from cards.blocks.figures import Picture
from cards.blocks.parts import MOST_BLOCKS, MOST_WEIGHT, Part, fit, packed, small
from cards.blocks.saying import Cuts, body, head, lead, reason
from cards.blocks.texts import CUT, escape, link, sentence
from cards.card import Card
from cards.limits import CardTooLarge, most, shortened, units
from cards.presenting import refuse_reserved

__all__ = ["MOST_BLOCKS", "MOST_WEIGHT", "BlockMessage", "Picture", "escape", "render", "render_all", "with_link"]

_NOTIFICATION = 4000
"""The most characters of a text that Slack takes when a message is changed."""
_LONGEST_MARK = 200


@dataclass(frozen=True)
class BlockMessage:
    """A Slack message: `text` for notifications and screen readers, `blocks` for everyone else."""

    text: str
    blocks: list[dict[str, Any]]


def with_link(message: BlockMessage, label: str, url: str) -> BlockMessage:
    """The message with a link below everything else; it must have room for one block more."""
    return BlockMessage(f"{message.text} {label}: {url}", [*message.blocks, link(label, url).to_dict()])


def render(card: Card, *, card_id: str, picture: Picture | None = None) -> BlockMessage:
    """The card as one message within Slack's limits.

    It has buttons and no inputs: what is asked for is asked in a modal (`forms`). A button's `value` is JSON with
    `verb`, `subject` and `card_id`; its `action_id` begins with "form-" where it opens a modal, else with "press-".
    What one message doesn't hold is left out with a word that says so: first rows of the table, then the end of the
    text, then what stands last.

    Raises CardTooLarge if the buttons alone are too much or one of them carries too much, and ValueError if two
    inputs have one name.
    """
    refuse_reserved(card, frozenset())
    first, last = head(card), _foot(card, card_id)

    def whole(cuts: Cuts) -> list[Part]:
        return [first, *body(card, picture, cuts), *last]

    if fit(parts := whole(Cuts())):
        return _message(parts)
    rows = most(len(card.table.rows) - 1 if card.table else -1, lambda one: fit(whole(Cuts(rows=one))))
    if rows is not None:
        return _message(whole(Cuts(rows=rows)))
    longest = min(sum(map(units, card.text)), MOST_WEIGHT)
    text = most(longest, lambda one: fit(whole(Cuts(rows=0, text=one))))
    if text is not None:
        return _message(whole(Cuts(rows=0, text=text)))
    said = body(card, picture, Cuts(rows=0, text=0))
    for kept in range(len(said) - 1, -1, -1):
        parts = [first, *said[:kept], small(f"{len(said) - kept} more parts of this message are left out here."), *last]
        if fit(parts):
            return _message(parts)
    raise CardTooLarge(
        f"The buttons of this card take more than the {MOST_BLOCKS} blocks and {MOST_WEIGHT} characters that a Slack "
        "message holds. Offer fewer at once."
    )


def render_all(card: Card, *, card_id: str, picture: Picture | None = None) -> list[BlockMessage]:
    """The whole card, in as many messages as it takes; the buttons are on the last.

    Raises as `render` does.
    """
    refuse_reserved(card, frozenset())
    first, rest, last = head(card), body(card, picture), _foot(card, card_id)
    if fit([first, *rest, *last]):
        return [_message([first, *rest, *last])]
    opening = Part([*first.blocks, *_mark(card, 99, 99).blocks])
    end = Part([block for part in last for block in part.blocks], " ".join(part.words for part in last))
    messages = packed([*rest, *([end] if fit([opening, end]) else last)], opening)
    if not all(fit([opening, *message]) for message in messages):
        raise CardTooLarge("One part of this card takes more than a Slack message holds. Say it in fewer words.")
    count = len(messages)
    return [
        _message([*([first] if number == 1 else []), _mark(card, number, count), *parts])
        for number, parts in enumerate(messages, start=1)
    ]


def _mark(card: Card, number: int, count: int) -> Part:
    """Which of several messages this is, and of what."""
    words = f"Part {number} of {count}"
    return small(words if number == 1 else shortened(f"{words}: {' '.join(lead(card).split())}", _LONGEST_MARK))


def _foot(card: Card, card_id: str) -> list[Part]:
    """What can be pressed, and why somebody is asked."""
    return [Part([block]) for block in (*buttons(card, card_id), *reason(card))]


def _message(parts: Iterable[Part]) -> BlockMessage:
    listed = list(parts)
    words = " ".join(sentence(part.words) for part in listed if part.words.strip())
    return BlockMessage(_notification(words), [block for part in listed for block in part.json])


def _notification(words: str) -> str:
    text = escape(shortened(words, _NOTIFICATION, CUT))
    # An escape makes a text at most five times as long.
    return text if units(text) <= _NOTIFICATION else escape(shortened(words, _NOTIFICATION // 5, CUT))
