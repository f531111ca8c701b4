"""CSV files and Excel workbooks as one thing: a book of sheets with rows of cells.

Files are told apart by what is in them, not by their ending.
"""

import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from storage.imports.rejected import FileRejected

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

LARGEST_FILE = 50 * 1024 * 1024
LARGEST_UNPACKED = 400 * 1024 * 1024
LARGEST_RATIO = 200
RATIO_MATTERS_FROM = 20 * 1024 * 1024
LAST_EXCEL_ROW = 1_048_576
ROWS_AT_ONCE = 500
RECORDS_LOOKED_AT = 30

# A cell with a formula and no value; Excel marks a formula whose result is the empty text with t="str".
_WITHOUT_RESULT = re.compile(
    rb"<c (?![^>]*t=\"str\")[^>]*><f(?:\s[^>]*)?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>",
)
_PIECE = 1024 * 1024
_LONGEST_FORMULA = 10_000

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
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records.extend(reader)
    except csv.Error:
        raise FileRejected.because(
            "A quotation mark in this row, or just before it, has no partner. Put it right, or export the file again.",
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
            raise _damaged(name)
        yield from batch


def _read_batch(rows: Iterator[tuple[int, tuple[object, ...]]], sheet: str) -> list[tuple[int, tuple[object, ...]]]:
    with _openpyxl_silenced():
        try:
            return list(islice(rows, ROWS_AT_ONCE))
        # openpyxl stumbles over damage with whatever exception the damage leads to.
        except Exception:
            raise _damaged(sheet) from None


@contextmanager
def _openpyxl_silenced() -> Iterator[None]:
    """Without openpyxl's warnings about features that it doesn't read, such as validation lists."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _open_workbook(stream: BinaryIO) -> Iterator[Book]:
    _refuse_unsafe_archive(stream)
    with ExitStack() as opened:
        results = _sheets_of(stream, opened, results=True)
        formulas = _sheets_of(stream, opened, results=False) if _lacks_results(stream) else {}
        yield _Workbook(results, formulas)


def _sheets_of(stream: BinaryIO, opened: ExitStack, *, results: bool) -> "dict[str, ReadOnlyWorksheet]":
    from openpyxl import load_workbook

    stream.seek(0)
    with _openpyxl_silenced():
        try:
            workbook = load_workbook(stream, read_only=True, data_only=results)
        # As above: any exception at all means that the workbook can't be read.
        except Exception:
            raise _damaged("") from None
    opened.enter_context(closing(workbook))
    return {sheet.title: sheet for sheet in workbook.worksheets}


def _lacks_results(stream: BinaryIO) -> bool:
    """Whether some formula was never worked out, as in a workbook that a program wrote and Excel hasn't opened."""
    try:
        with zipfile.ZipFile(stream) as archive:
            for part in archive.namelist():
                if not part.startswith("xl/worksheets/"):
                    continue
                with archive.open(part) as sheet:
                    overlap = b""
                    while piece := sheet.read(_PIECE):
                        if _WITHOUT_RESULT.search(overlap + piece):
                            return True
                        overlap = piece[-_LONGEST_FORMULA:]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError):
        raise _damaged("") from None
    return False


def _refuse_unsafe_archive(stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _damaged("") from None
    stream.seek(0)
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if unpacked > LARGEST_UNPACKED or (unpacked > RATIO_MATTERS_FROM and unpacked / packed > LARGEST_RATIO):
        raise FileRejected.because(
            "The workbook unpacks to far more than its size should hold. "
            "Copy the rows that are needed into a new workbook, and import that."
        )
    if not any(part.filename.casefold().endswith("workbook.xml") for part in parts):
        raise FileRejected.because(
            "This is not an .xlsx workbook. Open it in Excel, save it as .xlsx or CSV, and import that."
        )


def _damaged(sheet: str) -> FileRejected:
    return FileRejected.because(
        "The workbook is damaged or wasn't copied completely. Open it in Excel, save it again, and import that.",
        sheet=sheet,
    )
