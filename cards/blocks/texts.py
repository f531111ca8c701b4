"""Words as Slack shows them.

What people wrote is sent as plain text wherever Slack takes that; where only Slack's own markup will do, it is escaped
and its marks are put in look-alikes.
"""

import re
from typing import Any

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock

from cards.limits import pieces, shortened, units

Json = dict[str, Any]

SECTION, FIELD, HEADER = 3000, 2000, 150
CUT = "… (shortened here)"
GO_ON = "… (in full below)"
EMPTY = "–"
"""What stands where there is nothing to say: Slack refuses an empty text."""

_FOLDED_BY_CLIENTS = 500
"""A section longer than about that is shown with "see more", unless it says that it isn't to be."""
_SUMMONS = re.compile(r"<(?=[!@#])|@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
# An underscore within a word, as in a case reference, is no markup.
_MARKS = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])")
_LOOK_ALIKES = {"*": "\u2217", "~": "\u223c", "`": "\u02cb", "_": "\u02cd"}


def sentence(text: str) -> str:
    """The text with a stop at its end."""
    return text if text.endswith((".", "?", "!", ":")) else f"{text}."


def quiet(text: str) -> str:
    """The text with an invisible mark in whatever would call people, were Slack to read it as markup."""
    return _SUMMONS.sub(lambda found: found.group() + _WORD_JOINER, text)


def escape(text: str) -> str:
    """Text for Slack's markup: no tag, link or mention can come out of it."""
    return quiet(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, limit: int, saying: str = CUT) -> PlainTextObject:
    """The text as it was written; what is too long for its place ends in `saying`."""
    said = quiet(text)
    return PlainTextObject(text=shortened(said if said.strip() else EMPTY, limit, saying), emoji=False)


def bold(text: str) -> MarkdownTextObject:
    """A label or a heading in bold, on one line."""
    words = _MARKS.sub(lambda mark: _LOOK_ALIKES[mark.group()], " ".join(text.split())) or EMPTY
    return MarkdownTextObject(text=f"*{escape(words)}*", verbatim=True)


def header(text: str, saying: str = GO_ON) -> Block:
    """The heading that a screen reader can go to."""
    return HeaderBlock(text=plain(" ".join(text.split()), HEADER, saying))


def section(text: str, saying: str = CUT) -> Block:
    """A paragraph, in one block whatever its length."""
    return SectionBlock(text=plain(text, SECTION, saying), expand=True if units(text) > _FOLDED_BY_CLIENTS else None)


def sections(text: str) -> list[Block]:
    """The whole text, in as many blocks as it takes; none where it is empty."""
    return [section(piece) for piece in pieces(quiet(text), SECTION)]


def heading(title: str) -> list[Block]:
    """A heading within a card."""
    words = bold(title)
    return [SectionBlock(text=words)] if units(words.text) <= SECTION else sections(title)


def note(text: str) -> Block:
    """A line in small print."""
    return ContextBlock(elements=[plain(text, FIELD)])


def notes(text: str) -> list[Block]:
    """The whole text in small print."""
    return [note(piece) for piece in pieces(quiet(text), FIELD)]
