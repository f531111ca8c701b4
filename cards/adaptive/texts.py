"""Words as Teams shows them.

It reads Markdown in text blocks and facts. Labels and buttons are plain; some clients read Markdown in choices, too,
where a backslash would be seen in all others.
"""

import re
from functools import cache
from typing import Literal

from microsoft_teams.cards import TextBlock

from cards.adaptive.moulds import mould
from cards.moulds import Mould, Written

Colour = Literal["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]
Weight = Literal["Lighter", "Default", "Bolder"]
Size = Literal["Small", "Default", "Medium", "Large", "ExtraLarge"]
Style = Literal["default", "heading"]
Spacing = Literal["None", "Small", "Default", "Medium"]

# An underscore within a word, as in a case reference, is no Markdown; every backslash left out is one that an
# older client can't show by mistake. Date functions are looked for before Markdown is, so it is the second of their
# braces that is escaped.
_MARKS = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|(?<=\{)\{|<(?=[a-zA-Z][\w+.-]*:|[^\s<>]*@)")
# Every mark is one of these characters. Most texts have none of them, which is far sooner seen.
_MARK = re.compile(r"[\\`*\[\]~_&{<]")
_LINKS = re.compile(r"(?<=\])(?=\()|(?<=<)(?=[a-zA-Z][\w+.-]*:|[^\s<>]*@)|(?<=\{)(?=\{)")
_WORD_JOINER = "\u2060"
_LINE_STARTS = re.compile(r"^(?:[-+#>=]|\d+(?=[.)]))")
EMPTY = "–"
"""What stands where there is nothing to say, in a cell of a table or beside a label: clients show no empty text."""

_MARKUP = str.maketrans({"<": " ", ">": " ", "&": " and "})


def literal(text: str) -> str:
    """Text that Teams shows as it is: its Markdown and date functions are escaped, its lines are paragraphs."""
    lines = (line.strip() for line in text.splitlines())
    return "\n\n".join(_escape_line(line) for line in lines if line)


def _escape_line(line: str) -> str:
    escaped = _MARKS.sub(lambda mark: f"\\{mark.group()}", line) if _MARK.search(line) else line
    start = _LINE_STARTS.match(escaped)
    if start is None:
        return escaped
    mark = start.group()
    return f"{mark}\\{escaped[start.end() :]}" if mark[0].isdigit() else f"\\{escaped}"


def plain(text: str) -> str:
    """Text for a label or a choice, with an invisible mark wherever a link, a list or a date would be made of it."""
    return (_WORD_JOINER if _LINE_STARTS.match(text) else "") + _LINKS.sub(_WORD_JOINER, text)


def spoken(text: str) -> str:
    """Text that is read out as it is, wherever a client takes what is spoken for SSML."""
    return " ".join(text.translate(_MARKUP).split())


def block(
    text: str,
    *,
    color: Colour | None = None,
    weight: Weight | None = None,
    size: Size | None = None,
    style: Style | None = None,
    spacing: Spacing | None = None,
) -> Written:
    """A text block that wraps. `text` is Markdown: use `literal` for what people or frameworks wrote."""
    return _block(color, weight, size, style, spacing).filled(text=text)


@cache
def _block(
    color: Colour | None, weight: Weight | None, size: Size | None, style: Style | None, spacing: Spacing | None
) -> Mould:
    block = TextBlock(wrap=True, color=color, weight=weight, size=size, style=style, spacing=spacing)
    return mould(block, "text")
