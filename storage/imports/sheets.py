"""The rows of a sheet below its headings, with the address of every cell. Only the columns asked for are kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import islice

from storage.imports.books import Book
from storage.imports.cells import counted, is_blank, is_filler, text_of, words_of
from storage.imports.rejected import FileRejected, Problem

HEADERS_WITHIN = 30
MOST_COMPARED = 200
"""Headings that are compared with one that is missing; Annex A has about thirty in a list."""
ROWS_PER_REPORT = 500

Progress = Callable[[int, int | None], None]
"""Told the rows done and, where known, the rows in all."""


@dataclass(frozen=True)
class Column:
    """A column to look for: `names` are the accepted headings, the best first, in the form of `words_of`."""

    key: str
    label: str
    names: tuple[str, ...]
    needed: bool = True


@dataclass(frozen=True)
class Headers:
    """Where the columns stand on one sheet. `row` is 0 if no row of headings was found."""

    sheet: str
    row: int
    width: int
    positions: Mapping[str, int]
    missing: tuple[Column, ...]
    problems: tuple[Problem, ...] = ()
    near: Mapping[str, str] = field(default_factory=dict)
    """For a missing column, a heading of the sheet that resembles it."""

    @property
    def complete(self) -> bool:
        return self.row > 0 and not any(column.needed for column in self.missing)

    def reject(self) -> FileRejected:
        """What to say about the columns that are missing or doubled."""
        lacking = [column for column in self.missing if column.needed]
        if not self.row:
            names = ", ".join(column.label for column in lacking)
            return FileRejected.because(
                f"There is no row of headings in the first {HEADERS_WITHIN} rows. Add one with these columns: {names}.",
                sheet=self.sheet,
            )
        absent = [Problem(self.sheet, f"row {self.row}", "", self._absent(column)) for column in lacking]
        return FileRejected([*absent, *self.problems])

    def _absent(self, column: Column) -> str:
        hint = f" The heading “{self.near[column.key]}” comes close." if column.key in self.near else ""
        return f"There is no “{column.label}” column. Add it, or give the column that holds it this heading.{hint}"


@dataclass(frozen=True)
class Row:
    """One row below the headings, with the asked-for columns only."""

    sheet: str
    number: int
    columns: Mapping[str, int]
    cells: Mapping[str, object] = field(repr=False)
    torn: str = ""
    """What is wrong with the shape of the row, or empty."""

    def address(self, key: str) -> str:
        return cell_address(self.number, self.columns[key]) if key in self.columns else f"row {self.number}"

    def text(self, key: str) -> str:
        return text_of(self.cells.get(key))


def cell_address(row: int, column: int) -> str:
    """The address as Excel writes it; the row counts from 1, the column from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def find_headers(book: Book, name: str, columns: Sequence[Column]) -> Headers:
    """The row among the first thirty that holds most of the columns; a title or two may stand above it."""
    best = Headers(name, 0, 0, {}, tuple(columns))
    said: Sequence[object] = ()
    with closing(book.grid(name)) as grid:
        for number, values in islice(grid, HEADERS_WITHIN):
            found = _matched(name, number, values, columns)
            # A single match is a stray word in a title or a note, not a row of headings.
            if len(found.positions) > max(1, len(best.positions)):
                best, said = found, values
    return replace(best, near=_near(best, said))


def read_rows(
    book: Book, headers: Headers, columns: Sequence[Column], progress: Progress | None = None
) -> Iterator[Row]:
    """The rows below the headings that have something in them, in order.

    A row whose needed columns are empty and whose other cells hold only Excel errors or 0 is a formula filled down too
    far, and counts as empty. Progress is reported every 500 rows and at the end.
    """
    length = book.length(headers.sheet)
    total = None if length is None else max(length - headers.row, 0)
    needed = {column.key for column in columns if column.needed}
    kept = set(headers.positions.values())
    last_needed = max((headers.positions[key] for key in needed), default=-1)
    done = 0
    with closing(book.grid(headers.sheet)) as grid:
        for number, values in grid:
            if number <= headers.row:
                continue
            cells = {key: values[at] if at < len(values) else None for key, at in headers.positions.items()}
            if not _is_empty(cells, needed, values, kept):
                torn = _torn(values, headers, last_needed) if book.ragged else ""
                yield Row(headers.sheet, number, headers.positions, cells, torn)
            done += 1
            if progress and done % ROWS_PER_REPORT == 0:
                progress(done, None if total is None else max(total, done))
    if progress and (done % ROWS_PER_REPORT or not done):
        progress(done, done)


def _matched(sheet: str, number: int, values: Sequence[object], columns: Sequence[Column]) -> Headers:
    said = [words_of(value) if isinstance(value, str) else "" for value in values]
    if not any(said):
        return Headers(sheet, 0, 0, {}, tuple(columns))
    positions: dict[str, int] = {}
    problems = []
    for column in columns:
        places = _places(said, column.names)
        if places:
            positions[column.key] = places[0]
        if len(places) > 1:
            message = f"Two columns could be “{column.label}”. Rename or delete the one that isn't meant."
            problems.append(Problem(sheet, cell_address(number, places[1]), text_of(values[places[1]]), message))
    missing = tuple(column for column in columns if column.key not in positions)
    width = max((at for at, words in enumerate(said) if words), default=-1) + 1
    return Headers(sheet, number, width, positions, missing, tuple(problems))


def _near(headers: Headers, values: Sequence[object]) -> dict[str, str]:
    spare: dict[str, str] = {}
    for at, value in enumerate(values):
        if isinstance(value, str) and at not in headers.positions.values() and (words := words_of(value)):
            spare[words] = text_of(value)
        if len(spare) == MOST_COMPARED:
            break
    near = {}
    for column in headers.missing:
        for name in column.names:
            if close := get_close_matches(name, spare, n=1, cutoff=0.8):
                near[column.key] = spare[close[0]]
                break
    return near


def _places(said: Sequence[str], names: Sequence[str]) -> list[int]:
    for name in names:
        if exact := [at for at, words in enumerate(said) if words == name]:
            return exact
    # "Does the Child have a Disability (Y/N)": a long heading may go on, but not into a date of the same subject.
    for name in (name for name in names if " " in name):
        if begun := [at for at, words in enumerate(said) if words.startswith(f"{name} ") and "date" not in words]:
            return begun
    return []


def _is_empty(cells: Mapping[str, object], needed: set[str], values: Sequence[object], kept: set[int]) -> bool:
    if not all(is_blank(cells[key]) for key in needed):
        return False
    rest = [value for at, value in enumerate(values) if at not in kept]
    rest += [value for key, value in cells.items() if key not in needed]
    return all(is_filler(value) for value in rest)


def _torn(values: Sequence[object], headers: Headers, last_needed: int) -> str:
    if any(not is_blank(value) for value in values[headers.width :]):
        return (
            f"This row has {len(values)} columns and the headings have {headers.width}. "
            "Put quotation marks round a value that holds a comma or semicolon."
        )
    if len(values) <= last_needed:
        return (
            f"This row has only {counted(len(values), 'column', 'columns')} and the headings have {headers.width}. "
            "Join it with the line it was torn from, or add what is missing."
        )
    return ""
