"""Bars as a picture, for a platform that draws none: a PNG, and the words that say the same to whoever can't see it.

A phone shows the picture at about a third of its size, so its smallest letters are three times as large as print. It
brings its own white ground and a frame, and so looks the same on a dark screen. All bars have one colour, which means
nothing: what each stands for is written above it, and its number at its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from cards.card import Bars
from cards.limits import shortened
from cards.plain import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

# Sizes are in pixels of the picture.
WIDTH = 1080
EDGE = 48
TITLE, WORDS, NUMBER = 48, 42, 46
LINE = 1.25
BAR, ABOVE_BAR, GAP = 40, 4, 30
MOST_LINES = 2
MOST_BARS = 10
"""More bars than these make a picture that nobody reads on a phone; the rest is in the list that goes with it."""
LONGEST_ALT, LONGEST_CAPTION, LONGEST_LABEL = 2000, 300, 120

GROUND, INK, FILL, FRAME = "#ffffff", "#1a1a1a", "#1f5c99", "#6b6b6b"
NOT_IN_THE_FONT = "\ufffd"
NOTHING = "Nothing to show."

Place = Literal["baseline", "center_baseline"]

# The library measures text with fonts that several threads would share.
_ONE_AT_A_TIME = Lock()


@lru_cache(maxsize=32)
def picture(bars: Bars) -> bytes:
    """The bars as a PNG; the same bars always give the same bytes. Takes about a second at first, so call it in a
    thread."""
    with _ONE_AT_A_TIME:
        return _Drawing(bars).png()


def alt(bars: Bars) -> str:
    """What the picture shows, in at most LONGEST_ALT characters; what isn't said is counted."""
    words = f"Bar chart. {shortened(one_line(bars.caption), LONGEST_CAPTION)}: "
    if not bars.bars:
        return words + NOTHING
    said = [f"{shortened(one_line(label), LONGEST_LABEL)} {number}" for label, number in bars.bars[:MOST_BARS]]
    left = len(bars.bars) - len(said)
    return words + "; ".join(said) + (f". {_more(left)}" if left else ".")


def _more(count: int) -> str:
    return f"{count} more {'is' if count == 1 else 'are'} in the list that goes with this picture."


@dataclass(frozen=True)
class _Font:
    """A font that comes with the library, so that the picture is the same on every machine."""

    properties: "FontProperties"
    known: frozenset[int]

    @classmethod
    def named(cls, name: str) -> "_Font":
        from matplotlib import get_data_path
        from matplotlib.font_manager import FontProperties, get_font

        file = Path(get_data_path(), "fonts", "ttf", name)
        return cls(FontProperties(fname=file), frozenset(get_font(str(file)).get_charmap()))

    def drawable(self, text: str) -> str:
        return "".join(one if ord(one) in self.known else NOT_IN_THE_FONT for one in one_line(text))

    def width(self, text: str, size: float) -> float:
        from matplotlib.textpath import text_to_path

        sized = self.properties.copy()
        sized.set_size(size)
        return float(text_to_path.get_text_width_height_descent(text, sized, ismath=False)[0])

    def lines(self, text: str, size: float, room: float) -> list[str]:
        """The text in at most MOST_LINES lines that fit into the room; a last "…" says that there is more."""
        rest = self.drawable(text).split()
        found: list[str] = []
        while rest and len(found) < MOST_LINES:
            line = rest.pop(0)
            if self.width(line, size) > room:
                head = self._head(line, size, room)
                rest.insert(0, line[len(head) :])
                line = head
            else:
                while rest and self.width(f"{line} {rest[0]}", size) <= room:
                    line = f"{line} {rest.pop(0)}"
            found.append(line)
        if rest:
            found[-1] = self._head(found[-1], size, room - self.width("…", size)).rstrip() + "…"
        return found

    def _head(self, text: str, size: float, room: float) -> str:
        """As much of the start of a text as fits."""
        fits, too_long = 1, len(text) + 1
        while too_long - fits > 1:
            half = (fits + too_long) // 2
            if self.width(text[:half], size) <= room:
                fits = half
            else:
                too_long = half
        return text[:fits]


class _Drawing:
    """One picture, drawn from the top down."""

    def __init__(self, bars: Bars) -> None:
        self._plain, self._bold = _Font.named("DejaVuSans.ttf"), _Font.named("DejaVuSans-Bold.ttf")
        room = WIDTH - 2 * EDGE
        shown = bars.bars[:MOST_BARS]
        self._title = self._bold.lines(bars.caption, TITLE, room)
        self._rows = [(self._plain.lines(label, WORDS, room), number) for label, number in shown]
        left = len(bars.bars) - len(shown)
        self._note = self._plain.lines(_more(left) if left else "" if shown else NOTHING, WORDS, room)
        self._most = max((number for _, number in shown), default=0)
        # The longest bar leaves room for the widest number behind it.
        widest = max((self._bold.width(str(number), NUMBER) for _, number in shown), default=0.0)
        self._room = room - widest - GAP

    def png(self) -> bytes:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        height = round(self._height())
        # At 72 dots to the inch a point of the library is a pixel.
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor=GROUND)
        canvas: Any = FigureCanvasAgg(figure)
        frame = Rectangle((1, 1), WIDTH - 2, height - 2, fill=False, edgecolor=FRAME, linewidth=2, transform=None)
        figure.add_artist(frame)
        y = self._write(figure, self._title, self._bold, TITLE, height - EDGE)
        for words, number in self._rows:
            y = self._write(figure, words, self._plain, WORDS, y - GAP) - ABOVE_BAR - BAR
            length = self._room * number / self._most if self._most else 0.0
            # A line marks where bars begin, so that a nought is seen to be one.
            for x, wide, colour in ((EDGE, length, FILL), (EDGE, 4, INK)):
                figure.add_artist(Rectangle((x, y), wide, BAR, facecolor=colour, linewidth=0, transform=None))
            self._text(figure, str(number), self._bold, NUMBER, EDGE + length + GAP / 2, y + BAR / 2, "center_baseline")
        if self._note:
            self._write(figure, self._note, self._plain, WORDS, y - GAP)
        made = BytesIO()
        canvas.print_png(made, metadata={"Software": None})
        return made.getvalue()

    def _height(self) -> float:
        rows = sum(GAP + len(words) * WORDS * LINE + ABOVE_BAR + BAR for words, _ in self._rows)
        note = GAP + len(self._note) * WORDS * LINE if self._note else 0
        return 2 * EDGE + len(self._title) * TITLE * LINE + rows + note

    def _write(self, figure: "Figure", lines: Sequence[str], font: _Font, size: int, y: float) -> float:
        """Write lines below `y`; gives where they end."""
        for line in lines:
            self._text(figure, line, font, size, EDGE, y - size, "baseline")
            y -= size * LINE
        return y

    def _text(self, figure: "Figure", text: str, font: _Font, size: int, x: float, y: float, where: Place) -> None:
        from matplotlib.text import Text

        # What people call their duties may hold a $, which the library would read as the start of a formula.
        written = Text(x, y, text, color=INK, verticalalignment=where, fontproperties=font.properties, parse_math=False)
        written.set_fontsize(size)
        written.set_transform(None)
        figure.add_artist(written)
