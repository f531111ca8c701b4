"""Parts of a message, and how many of them one message holds."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from cards.blocks.texts import SECTION, note, quiet, section
from cards.limits import pieces, units
from cards.moulds import Json, Written

MOST_BLOCKS = 50
MOST_WEIGHT, BLOCK_WEIGHT = 11_000, 125
"""What a message may come to: all the text of its blocks, and this much more for each block.

Slack refuses a message for this sum (`msg_blocks_too_long`) and doesn't tell the limit; 13,200 was measured.
"""


@dataclass(frozen=True)
class Part:
    """Blocks that stay together, and the same in words for whoever doesn't see them."""

    blocks: list[Written] = field(default_factory=list)
    words: str = ""

    @cached_property
    def json(self) -> list[Json]:
        """The blocks as Slack takes them."""
        return [block.to_dict() for block in self.blocks]

    @cached_property
    def size(self) -> int:
        """How many characters of JSON the blocks are."""
        return len(json.dumps(self.json))

    @cached_property
    def weight(self) -> int:
        return sum(BLOCK_WEIGHT + _said(block) for block in self.json)


def paragraphs(text: str) -> list[Part]:
    """The whole text, a block each."""
    return [Part([section(piece)], piece) for piece in pieces(quiet(text), SECTION)]


def small(text: str) -> Part:
    """A line in small print."""
    return Part([note(text)], text)


def fit(parts: Iterable[Part]) -> bool:
    """Whether one message holds these parts."""
    listed = list(parts)
    return sum(len(one.blocks) for one in listed) <= MOST_BLOCKS and sum(one.weight for one in listed) <= MOST_WEIGHT


def packed(parts: Iterable[Part], opening: Part) -> list[list[Part]]:
    """The parts in as few messages as hold them, in their order, with room in each for the `opening`."""
    messages: list[list[Part]] = [[]]
    for part in parts:
        if messages[-1] and not fit([opening, *messages[-1], part]):
            messages.append([])
        messages[-1].append(part)
    return messages


def _said(block: Json) -> int:
    """How many units of text are in it."""
    said = 0
    for name, inner in block.items():
        if isinstance(inner, str):
            said += units(inner) if name in ("text", "alt_text") else 0
        elif isinstance(inner, dict):
            said += _said(inner)
        elif isinstance(inner, list):
            said += sum(map(_said, inner))
    return said
