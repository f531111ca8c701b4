"""Fitting what is said into a platform's limits without losing any of it unsaid."""

import re
from collections.abc import Callable

_BREAKS = re.compile(r"\n\n|\n|(?<=[.!?]) | ")


class CardTooLarge(ValueError):
    """The card doesn't fit the platform, even with its tables shortened. The message says by how much."""


def units(text: str) -> int:
    """The length of the text as the platforms count it: in UTF-16 units, two for most emoji."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def pieces(text: str, limit: int) -> list[str]:
    """The whole text in pieces of at most `limit` units, cut between lines or words where that is possible."""
    found: list[str] = []
    while units(text) > limit:
        head = _prefix(text, limit)
        cut = max((match.end() for match in _BREAKS.finditer(head)), default=0)
        cut = cut if cut > len(head) // 2 else len(head)
        found.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    found.append(text)
    return [piece for piece in found if piece.strip()]


def shortened(text: str, limit: int, saying: str = "…") -> str:
    """The text, or as much of it as fits before `saying`, which tells the reader that there is more."""
    if units(text) <= limit:
        return text
    return _prefix(text, limit - units(saying)).rstrip() + saying


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


def _prefix(text: str, limit: int) -> str:
    """The longest start of the text that has at most `limit` units; a character of two units stays whole."""
    return text.encode("utf-16-le", "surrogatepass")[: limit * 2].decode("utf-16-le", "ignore")
