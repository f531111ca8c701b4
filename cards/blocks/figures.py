"""Tables, bars as numbers in words, and their picture where there is one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ImageBlock
from slack_sdk.models.blocks.basic_components import SlackFile

from cards.blocks.moulds import mould
from cards.blocks.parts import Part, paragraphs, small
from cards.blocks.texts import CUT, heading, lined_up, lined_up_units, sections
from cards.card import Bars, Table
from cards.limits import shortened
from cards.presenting import more_rows

GRID_WIDTH = 60
"""The most characters a line of a table may have to be lined up: more would wrap on a phone."""
CHUNK = 2400
BULLET = "• "
ALT = 2000

_FILE_EXAMPLE = SlackFile(id="F1")
_FILE = mould(_FILE_EXAMPLE, "id")
_PICTURE = mould(ImageBlock(alt_text="A picture", slack_file=_FILE_EXAMPLE), "alt_text", "slack_file")


@dataclass(frozen=True)
class Picture:
    """A picture that was uploaded to Slack, with what it says in words."""

    file_id: str
    alt: str


def table_of(table: Table, rows: int | None = None) -> list[Part]:
    """The table under its caption, cut after so many rows where a number is given, and then saying so.

    Narrow rows are lined up under their headings; wide ones are read row by row.
    """
    if not table.rows:
        return paragraphs(f"{table.caption}: {table.empty}")
    kept = table.rows if rows is None else table.rows[:rows]
    # All the rows decide its form, so that a table looks the same however many of them are shown.
    heads, *grid = _grid(table) or [""]
    sentences = [_sentence(table, row) for row in kept]
    parts = []
    for first, last in _spans(grid[: len(kept)] if grid else sentences):
        words = ". ".join(one.removeprefix(BULLET) for one in sentences[first:last])
        shown = (
            [lined_up("\n".join([heads, *grid[first:last]]))] if grid else sections("\n".join(sentences[first:last]))
        )
        parts.append(Part(shown, words))
    if len(kept) < len(table.rows):
        parts.append(small(more_rows(len(table.rows) - len(kept))))
    return _under(table.caption, parts)


def bars_of(bars: Bars, picture: Picture | None = None) -> list[Part]:
    """The caption, the picture and the numbers: the picture tells nothing that they don't."""
    numbers = [f"{BULLET}{label}: {number}" for label, number in bars.bars] or ["Nothing to show."]
    drawn = [picture_of(picture, bars.caption)] if picture else []
    return _under(bars.caption, [*drawn, *paragraphs("\n".join(numbers))])


def picture_of(picture: Picture, otherwise: str) -> Part:
    """The picture; `otherwise` says what it is of where its own words are missing."""
    alt = shortened(picture.alt.strip() or otherwise.strip() or "A picture", ALT, CUT)
    return Part([_PICTURE.filled(alt_text=alt, slack_file=_FILE.filled(id=picture.file_id))], "")


def _under(caption: str, parts: list[Part]) -> list[Part]:
    """A caption never stands alone at the foot of a message, with what it is of in the next."""
    if not caption.strip():
        return parts
    *before, last = heading(caption)
    first, *rest = parts
    return [*(Part([one]) for one in before), Part([last, *first.blocks], f"{caption}: {first.words}"), *rest]


def _sentence(table: Table, row: Sequence[str]) -> str:
    heads = [*table.columns, *[""] * (len(row) - len(table.columns))]
    cells = [" ".join(cell.split()) for cell in row]
    return BULLET + "; ".join(f"{head}: {cell}" if head else cell for head, cell in zip(heads, cells, strict=False))


def _grid(table: Table) -> list[str]:
    """The headings and the rows as lines of one table; nothing if they are too wide for a phone."""
    cells = [[" ".join(cell.split()) for cell in row] for row in (table.columns, *table.rows)]
    columns = max(len(row) for row in cells)
    cells = [row + [""] * (columns - len(row)) for row in cells]
    widths = [max(len(row[column]) for row in cells) for column in range(columns)]
    if sum(widths) + 2 * (columns - 1) > GRID_WIDTH:
        return []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _spans(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where to cut the lines so that each span fits into a block; a line that doesn't is a span of its own."""
    first, room = 0, CHUNK
    for place, line in enumerate(lines):
        needed = lined_up_units(line)
        if place > first and needed > room:
            yield first, place
            first, room = place, CHUNK
        room -= needed
    if lines:
        yield first, len(lines)
