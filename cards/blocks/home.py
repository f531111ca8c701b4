"""The Home tab: several cards below one another."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from slack_sdk.models.blocks import DividerBlock
from slack_sdk.models.views import View

from cards.blocks.buttons import buttons
from cards.blocks.forms import MOST_BYTES, small_enough
from cards.blocks.moulds import mould
from cards.blocks.parts import Part, paragraphs
from cards.blocks.saying import Cuts, body, head, reason
from cards.blocks.texts import LINE
from cards.card import Card
from cards.limits import CardTooLarge, most
from cards.moulds import Json
from cards.presenting import refuse_reserved

MOST_BLOCKS = 100
_FRAME = 100
"""What a view takes beside its blocks, in characters of JSON."""
_HOME = mould(View(type="home", blocks=[DividerBlock()]), "blocks")


def home_view(cards: Sequence[tuple[str, Card]], left: int = 0) -> Json:
    """The cards with their ids, as the Home tab shows them, in their order; `left` counts steps that wait besides.

    Where they are too many, steps that wait (cards with buttons) are left out from the last one on; where the others
    alone are too long, their tables are shortened. Either is said in words. Raises CardTooLarge where even that
    doesn't fit, or a button carries too much, and ValueError if two inputs of a card have one name.
    """
    for _, card in cards:
        refuse_reserved(card, frozenset())
    whole = _shown(cards)
    waiting = [place for place, (_, card) in enumerate(cards) if card.actions]
    steps = most(len(waiting), lambda kept: _fit(_without(whole, waiting[kept:], left)))
    if steps is not None:
        return _home(_without(whole, waiting[steps:], left))
    longest = max((len(card.table.rows) for _, card in cards if card.table), default=0)
    rows = most(longest, lambda kept: _fit(_without(_shown(cards, kept), waiting, left)))
    if rows is None:
        raise CardTooLarge(f"The Home tab has room for {MOST_BLOCKS} blocks. Show fewer cards on it.")
    return _home(_without(_shown(cards, rows), waiting, left))


def _shown(cards: Sequence[tuple[str, Card]], rows: int | None = None) -> list[Part]:
    """What is shown of each card, with the table after so many rows."""
    numbers = count(1)
    shown = []
    for card_id, card in cards:
        # A file comes with a message only, so nothing is said of it here.
        parts = (head(card), *body(replace(card, downloads=()), cuts=Cuts(rows=rows)))
        said = [block for part in parts for block in part.blocks]
        shown.append(Part([*said, *buttons(card, card_id, numbers), *reason(card)]))
    return shown


def _without(shown: Sequence[Part], left_out: Sequence[int], left: int) -> list[Part]:
    """The cards but for those in these places; in the first of them, else at the end, stands how many are left."""
    kept: list[Part] = []
    for place, part in enumerate(shown):
        if place not in left_out:
            kept.append(part)
        elif place == left_out[0]:
            kept.extend(paragraphs(_left_out(len(left_out) + left)))
    if left and not left_out:
        kept.extend(paragraphs(_left_out(left)))
    line = Part([LINE])
    return [part for one in kept or paragraphs("Nothing waits for you.") for part in (line, one)][1:]


def _left_out(steps: int) -> str:
    if steps == 1:
        return "1 more step waits for you. Write mine to see it."
    return f"{steps} more steps wait for you. Write mine to see them."


def _fit(parts: Sequence[Part]) -> bool:
    blocks = sum(len(part.blocks) for part in parts)
    return blocks <= MOST_BLOCKS and _FRAME + sum(part.size for part in parts) <= MOST_BYTES


def _home(parts: Sequence[Part]) -> Json:
    return small_enough(_HOME.filled(blocks=[block for part in parts for block in part.blocks]))
