"""Tables, and bars as a chart of Teams with the same numbers in a table."""

from microsoft_teams.cards import (
    ColumnDefinition,
    Container,
    HorizontalBarChart,
    HorizontalBarChartDataValue,
    TableCell,
    TableRow,
)
from microsoft_teams.cards import Table as TeamsTable

from cards.adaptive.moulds import mould
from cards.adaptive.texts import EMPTY, block, literal
from cards.card import Bars, Table
from cards.moulds import Written
from cards.presenting import more_rows

NUMBERS = ("What", "How many")

_TABLE = mould(TeamsTable(), "columns", "fallback", "rows")
_COLUMN = mould(ColumnDefinition(), "width")
_ROW = mould(TableRow(), "cells")
_CELL = mould(TableCell(), "items")
_LINES = mould(Container(), "items")
_CHART = mould(HorizontalBarChart(color="categoricalBlue", fallback="drop"), "title", "data")
_BAR = mould(HorizontalBarChartDataValue(), "x", "y")


def table_of(table: Table, rows: int | None = None, *, widths: tuple[int, ...] = ()) -> list[Written]:
    """The table under its caption, cut after so many rows where a number is given, and then saying so.

    `widths` are the widths of its columns to one another; left out, they are equal.
    """
    if not table.rows:
        return [block(literal(f"{table.caption}: {table.empty}"))]
    kept = table.rows if rows is None else table.rows[:rows]
    elements = [block(literal(table.caption), weight="Bolder")]
    if kept:
        elements.append(_grid(table.columns, kept, widths))
    if len(kept) < len(table.rows):
        elements.append(block(more_rows(len(table.rows) - len(kept)), spacing="Small"))
    return elements


def bars_of(bars: Bars, *, drawn: bool = True) -> list[Written]:
    """The numbers in a table under their caption, and between the two the chart, if it is to be drawn.

    The chart tells nothing that the table doesn't: screen readers read the table, and a client without charts drops
    the chart. Its bars have one colour, which means nothing.
    """
    rows = tuple((label, str(number)) for label, number in bars.bars)
    caption, *figures = table_of(Table(bars.caption, NUMBERS, rows, empty="nothing to show."), widths=(3, 1))
    if not drawn or not any(number for _, number in bars.bars):
        return [caption, *figures]
    chart = _CHART.filled(title=bars.caption, data=[_BAR.filled(x=label, y=number) for label, number in bars.bars])
    return [caption, chart, *figures]


def _grid(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], widths: tuple[int, ...]) -> Written:
    """A table, and for a client without tables the same rows as lines."""
    width = max((len(columns), *(len(row) for row in rows)))
    heads = columns + ("",) * (width - len(columns))
    header = _ROW.filled(cells=[_cell(name, header=True) for name in heads])
    lines = (
        "; ".join(f"{head}: {cell}" if head else cell for head, cell in zip(heads, row, strict=False)) for row in rows
    )
    return _TABLE.filled(
        columns=[_COLUMN.filled(width=share) for share in widths or (1,) * width],
        rows=[header, *(_ROW.filled(cells=[_cell(text) for text in row + ("",) * (width - len(row))]) for row in rows)],
        fallback=_LINES.filled(items=[block(literal(line)) for line in lines]),
    )


def _cell(text: str, *, header: bool = False) -> Written:
    return _CELL.filled(items=[block(literal(text) or EMPTY, weight="Bolder" if header else None)])
