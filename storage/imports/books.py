"""CSV files and Excel workbooks as one thing: a book of sheets with rows of cells.

Files are told apart by what is in them, not by their ending.
"""

import csv
import io
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from storage.imports.archives import LAST_EXCEL_COLUMN, LAST_EXCEL_ROW, MOST_CELLS, damaged, examine
from storage.imports.rejected import FileRejected

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

LARGEST_FILE = 50 * 1024 * 1024
ROWS_AT_ONCE = 500
RECORDS_LOOKED_AT = 30

Grid = Generator[tuple[int, Sequence[object]], None, None]
"""Row numbers from 1, each with the values of its cells."""


class Book(Protocol):
    """A workbook, or a CSV file, which is a book with one sheet named after the file."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def ragged(self) -> bool:
        """Whether a row may be torn by a stray separator, quotation mark or line break."""
        ...

    def grid(self, name: str) -> Grid: ...

    def length(self, name: str) -> int | None: ...


@contextmanager
def open_book(path: Path) -> Iterator[Book]:
    """Opens a CSV file or .xlsx workbook for reading.

    Raises FileRejected if it is anything else, torn, protected, empty or too large.
    """
    if path.is_dir():
        raise FileRejected.because(f"“{path.name}” is a folder. Name a CSV or .xlsx file in it.")
    try:
        size = path.stat().st_size
        stream = path.open("rb")
    except FileNotFoundError:
        raise FileRejected.because(f"There is no file “{path.name}” there. Check the name and the folder.") from None
    except OSError:
        raise FileRejected.because(
            f"“{path.name}” can't be opened. Close it in other programs, or check that you may read it."
        ) from None
    with stream:
        if size > LARGEST_FILE:
            raise FileRejected.because(
                f"The file is larger than {LARGEST_FILE // 2**20} MB. "
                "Save the one sheet that is needed as a new workbook or CSV, and import that."
            )
        start = stream.read(4096)
        stream.seek(0)
        if start.startswith(b"PK"):
            with _open_workbook(stream) as book:
                yield book
        else:
            _refuse_other_kinds(stream, start)
            yield _CsvBook(path.name, _records(path.name, _decoded(stream.read())))


class _CsvBook:
    ragged = True

    def __init__(self, name: str, records: list[list[str]]) -> None:
        self.names = (name,)
        self._records = records

    def length(self, name: str) -> int | None:
        return len(self._records)

    def grid(self, name: str) -> Grid:
        yield from enumerate(self._records, start=1)


def _refuse_other_kinds(stream: BinaryIO, start: bytes) -> None:
    if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise FileRejected.because("The file is empty. Export it again and import that.")
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        # A protected .xlsx is an old-style container around an encrypted stream, whose name is kept in UTF-16.
        protected = "EncryptedPackage".encode("utf-16-le") in stream.read()
        raise FileRejected.because(
            "The workbook is protected with a password. Save a copy without one, and import that."
            if protected
            else "This is a workbook in the old .xls format. Open it in Excel, save it as .xlsx, and import that."
        )
    if start.startswith((b"%PDF", b"<", b"\xef\xbb\xbf<", b"{\\rtf")):
        raise FileRejected.because(
            "This is neither a CSV file nor an .xlsx workbook, whatever its ending. "
            "Open it in Excel, save it as .xlsx, and import that."
        )


def _decoded(content: bytes) -> str:
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ("utf-16",) if marked else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise FileRejected.because(
        "This is neither a CSV file nor an .xlsx workbook, or it was damaged on the way. "
        "Open it in Excel, save it as “CSV UTF-8” or .xlsx, and import that."
    )


def _records(name: str, text: str) -> list[list[str]]:
    delimiter = max(",;\t", key=lambda mark: _widest(text, mark))
    records: list[list[str]] = []
    cells = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            records.append(record)
            cells += len(record)
            if len(record) > LAST_EXCEL_COLUMN or len(records) > LAST_EXCEL_ROW or cells > MOST_CELLS:
                raise FileRejected.because(
                    f"The file goes on beyond {LAST_EXCEL_ROW:,} rows or {LAST_EXCEL_COLUMN:,} columns, as no list of "
                    "people or cases does. Export the one list that is needed, and import that.",
                    sheet=name,
                    cell=f"row {len(records)}",
                )
    except csv.Error as fault:
        raise FileRejected.because(
            f"A cell in this row is longer than {csv.field_size_limit():,} characters. A quotation mark may lack its "
            "partner; put it right, or export the file again."
            if "larger than field limit" in str(fault)
            else "A quotation mark in this row, or just before it, has no partner. Put it right, or export the file "
            "again.",
            sheet=name,
            cell=f"row {len(records) + 1}",
        ) from None
    return records


def _widest(text: str, delimiter: str) -> int:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return max((len(record) for record in islice(reader, RECORDS_LOOKED_AT)), default=0)
    except csv.Error:
        return 0


class _Workbook:
    ragged = False

    def __init__(self, sheets: "Mapping[str, ReadOnlyWorksheet]", formulas: "Mapping[str, ReadOnlyWorksheet]") -> None:
        """`formulas` holds the same sheets with their formulas if some of these have no result; otherwise nothing."""
        self.names = tuple(sheets)
        self._sheets = sheets
        self._formulas = formulas
        self._lengths = {name: sheet.max_row for name, sheet in sheets.items()}

    def length(self, name: str) -> int | None:
        return self._lengths[name]

    def grid(self, name: str) -> Grid:
        rows = _batches(self._sheets[name], name)
        if name not in self._formulas:
            yield from rows
            return
        for (number, results), (_, formulas) in zip(rows, _batches(self._formulas[name], name), strict=True):
            # A formula without a result must not pass for an empty cell: its text stands in.
            pairs = zip(results, formulas, strict=True)
            yield number, [formula if result is None else result for result, formula in pairs]


def _batches(sheet: "ReadOnlyWorksheet", name: str) -> Grid:
    # Programs that write workbooks often state the wrong size, and openpyxl would stop there.
    sheet.reset_dimensions()
    rows = enumerate(sheet.values, start=1)
    while batch := _read_batch(rows, name):
        if batch[-1][0] > LAST_EXCEL_ROW:
            raise damaged(name)
        yield from batch


def _read_batch(rows: Iterator[tuple[int, tuple[object, ...]]], sheet: str) -> list[tuple[int, tuple[object, ...]]]:
    with _openpyxl_silenced():
        try:
            return list(islice(rows, ROWS_AT_ONCE))
        # openpyxl stumbles over damage with whatever exception the damage leads to.
        except Exception:
            raise damaged(sheet) from None


@contextmanager
def _openpyxl_silenced() -> Iterator[None]:
    """Without openpyxl's warnings about features that it doesn't read, such as validation lists."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _open_workbook(stream: BinaryIO) -> Iterator[Book]:
    lacks_results = examine(stream)
    with ExitStack() as opened:
        results = _sheets_of(stream, opened, results=True)
        formulas = _sheets_of(stream, opened, results=False) if lacks_results else {}
        yield _Workbook(results, formulas)


def _sheets_of(stream: BinaryIO, opened: ExitStack, *, results: bool) -> "dict[str, ReadOnlyWorksheet]":
    from openpyxl import load_workbook

    stream.seek(0)
    with _openpyxl_silenced():
        try:
            workbook = load_workbook(stream, read_only=True, keep_links=False, data_only=results)
        # As above: any exception at all means that the workbook can't be read.
        except Exception:
            raise damaged("") from None
    opened.enter_context(closing(workbook))
    return {sheet.title: sheet for sheet in workbook.worksheets}
