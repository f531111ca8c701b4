"""Words as Slack shows them.

What people wrote is sent as plain text wherever Slack takes that; where only Slack's own markup will do, it is escaped
and its marks are put in look-alikes.
"""

import re

from slack_sdk.models.blocks import (
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from cards import moulds
from cards.blocks.moulds import mould
from cards.limits import pieces, shortened, units
from cards.moulds import Written

Json = moulds.Json
"""What Slack is sent."""

SECTION, FIELD, HEADER = 3000, 2000, 150
CUT = "… (shortened here)"
GO_ON = "… (in full below)"
EMPTY = "–"
"""What stands where there is nothing to say: Slack refuses an empty text."""

PLAIN = PlainTextObject(text=EMPTY, emoji=False)
"""An example of a plain text, for the moulds of what has one."""

_PLAIN = mould(PLAIN, "text")
_MARKED = mould(MarkdownTextObject(text=EMPTY, verbatim=True), "text")
_HEADER = mould(HeaderBlock(text=PLAIN), "text")
_SECTION = mould(SectionBlock(text=PLAIN, expand=True), "text", "expand")
_NOTE = mould(ContextBlock(elements=[PLAIN]), "elements")
LINE = mould(DividerBlock()).filled()
"""A line across, between what a view says and what it asks, or between two cards."""

_FOLDED_BY_CLIENTS = 500
"""A section longer than about that is shown with "see more", unless it says that it isn't to be."""
_SUMMONS = re.compile(r"<(?=[!@#])|@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
# An underscore within a word, as in a case reference, is no markup.
_MARKS = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])")
_LOOK_ALIKES = {"*": "\u2217", "~": "\u223c", "`": "\u02cb", "_": "\u02cd"}
_FENCE = "```"


def sentence(text: str) -> str:
    """The text with a stop at its end."""
    return text if text.endswith((".", "?", "!", ":")) else f"{text}."


def quiet(text: str) -> str:
    """The text with an invisible mark in whatever would call people, were Slack to read it as markup."""
    return _SUMMONS.sub(lambda found: found.group() + _WORD_JOINER, text)


def escape(text: str) -> str:
    """Text for Slack's markup: no tag, link or mention can come out of it."""
    return quiet(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, limit: int, saying: str = CUT) -> Written:
    """The text as it was written; what is too long for its place ends in `saying`."""
    said = quiet(text)
    return _PLAIN.filled(text=shortened(said if said.strip() else EMPTY, limit, saying))


def bold(text: str) -> Written:
    """A label or a heading in bold, on one line."""
    return _MARKED.filled(text=_in_bold(text))


def _in_bold(text: str) -> str:
    words = _MARKS.sub(lambda mark: _LOOK_ALIKES[mark.group()], " ".join(text.split())) or EMPTY
    return f"*{escape(words)}*"


def lined_up(text: str) -> Written:
    """Lines whose columns stand below one another: with letters of one width, and every space kept.

    Whoever makes the text sees to it that it fits into a block (`lined_up_units`).
    """
    words = escape(text).replace("`", _LOOK_ALIKES["`"])
    return _SECTION.filled(text=_MARKED.filled(text=f"{_FENCE}{words}{_FENCE}"), expand=True)


def lined_up_units(line: str) -> int:
    """How much of a block a line takes that is lined up with others, its end included."""
    return units(escape(line)) + 1


def link(label: str, url: str) -> Written:
    """A line that opens an address; the address must be safe to be opened."""
    words = " ".join(label.replace("|", " ").split()) or EMPTY
    return _SECTION.filled(text=_MARKED.filled(text=f"<{escape(url)}|{escape(words)}>"), expand=None)


def header(text: str, saying: str = GO_ON) -> Written:
    """The heading that a screen reader can go to."""
    return _HEADER.filled(text=plain(" ".join(text.split()), HEADER, saying))


def section(text: str, saying: str = CUT) -> Written:
    """A paragraph, in one block whatever its length."""
    return _SECTION.filled(text=plain(text, SECTION, saying), expand=units(text) > _FOLDED_BY_CLIENTS or None)


def sections(text: str) -> list[Written]:
    """The whole text, in as many blocks as it takes; none where it is empty."""
    return [section(piece) for piece in pieces(quiet(text), SECTION)]


def heading(title: str) -> list[Written]:
    """A heading within a card."""
    fits = units(_in_bold(title)) <= SECTION
    return [_SECTION.filled(text=bold(title))] if fits else sections(title)


def note(text: str) -> Written:
    """A line in small print."""
    return _NOTE.filled(elements=[plain(text, FIELD)])


def notes(text: str) -> list[Written]:
    """The whole text in small print."""
    return [note(piece) for piece in pieces(quiet(text), FIELD)]
