"""Parts of a message, and how many of them one message holds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slack_sdk.models.blocks import Block

from cards.blocks.texts import SECTION, Json, note, quiet, section
from cards.limits import pieces, units

MOST_BLOCKS = 50
MOST_WEIGHT, BLOCK_WEIGHT = 11_000, 125
"""What a message may come to: all the text of its blocks, and this much more for each block.

Slack refuses a message for this sum (`msg_blocks_too_long`) and doesn't tell the limit; 13,200 was measured.
"""


@dataclass(frozen=True)
class Part:
    """Blocks that stay together, and the same in words for whoever doesn't see them."""

    blocks: list[Block] = field(default_factory=list)
    words: str = ""

    @cached_property
    def json(self) -> list[Json]:
        """The blocks as Slack takes them. Raises an error of slack_sdk if one of them is against its own rules."""
        return [block.to_dict() for block in self.blocks]

    @cached_property
    def weight(self) -> int:
        return sum(BLOCK_WEIGHT + sum(map(units, _texts(block))) for block in self.json)


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


def most(highest: int, holds: Callable[[int], bool]) -> int | None:
    """The highest number up to this for which it holds, where it holds for all below; None if it does for none."""
    fewest, found = 0, None
    while fewest <= highest:
        middle = (fewest + highest) // 2
        if holds(middle):
            found, fewest = middle, middle + 1
        else:
            highest = middle - 1
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (value[name] for name in ("text", "alt_text") if isinstance(value.get(name), str))
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
