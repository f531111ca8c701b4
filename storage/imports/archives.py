"""Whether an .xlsx archive may be opened: how much is in it is counted before anything is built from it.

The library that reads workbooks builds objects from whatever it finds, so a small file could take all the memory or
hours. What is counted here grows with the file alone; nothing of it is kept. A part that is no XML is left out, because
that library doesn't get anywhere with it either.
"""

import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO
from xml.parsers import expat

from storage.imports.rejected import FileRejected

LAST_EXCEL_ROW = 1_048_576
LAST_EXCEL_COLUMN = 16_384
MOST_CELLS = 60_000_000
"""Cells of all sheets, those counted that are left out before the last of a row."""
LARGEST_UNPACKED = 400 * 1024 * 1024
LARGEST_RATIO = 200
RATIO_MATTERS_FROM = 20 * 1024 * 1024
MOST_PARTS = 5_000
MOST_ELEMENTS = {"worksheet": 40_000_000, "sst": 1_000_000, "pivotCacheRecords": 20_000_000}
MOST_OF_OTHERS = 200_000
MOST_BESIDE_ROWS = 200_000
"""Elements of a sheet between two beginnings of rows, before the first one or after the last."""
DEEPEST = 100
LONGEST_TEXT = 1024 * 1024
"""Bytes without the beginning of an element; Excel takes 32,767 characters in a cell."""

_PIECE = 64 * 1024
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
_ROW, _CELL, _FORMULA, _VALUE = (_MAIN + name for name in ("row", "c", "f", "v"))
# A password is a RuntimeError to the library, a compression that it doesn't know a NotImplementedError.
_TORN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)


class _TooMuch(Exception):
    """A part that holds more than a workbook that people have made."""


class _Forbidden(Exception):
    """A part with what no workbook has: a document type, and with it entities."""


def examine(stream: BinaryIO) -> bool:
    """Whether some formula was never worked out, as in a workbook that a program wrote and Excel hasn't opened.

    Raises FileRejected for an archive that is torn, no workbook, or holds more than it should.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            _refuse_sizes(parts)
            walked = [_Part(archive, part.filename) for part in parts]
            if sum(part.cells for part in walked) > MOST_CELLS:
                raise _TooMuch
    except _TooMuch:
        raise FileRejected.because(
            "The workbook unpacks to far more than its size should hold. "
            "Copy the rows and columns that are needed into a new workbook, and import that."
        ) from None
    except _Forbidden:
        raise FileRejected.because(
            "The workbook holds instructions (a document type) that no spreadsheet needs, so it was not read. "
            "Copy the rows that are needed into a new workbook, and import that."
        ) from None
    except _TORN:
        raise damaged("") from None
    return any(part.lacks_results for part in walked)


def damaged(sheet: str) -> FileRejected:
    """What to say of a workbook, or of one sheet of it, that can't be read."""
    return FileRejected.because(
        "The workbook is damaged or wasn't copied completely. Open it in Excel, save it again, and import that.",
        sheet=sheet,
    )


def _refuse_sizes(parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED:
        raise _TooMuch
    if unpacked > RATIO_MATTERS_FROM and unpacked / packed > LARGEST_RATIO:
        raise _TooMuch
    if len({part.filename for part in parts}) < len(parts):
        raise damaged("")
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise damaged("")
    if not any(part.filename.casefold().endswith("workbook.xml") for part in parts):
        raise FileRejected.because(
            "This is not an .xlsx workbook. Open it in Excel, save it as .xlsx or CSV, and import that."
        )


class _Part:
    """One part of the archive, walked through once. `cells` and `lacks_results` are of a sheet."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.cells = 0
        self.lacks_results = False
        self._elements = self._at_row = self._depth = self._most = 0
        self._last, self._after = "", 0
        self._may_be_empty = self._without_result = False
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _forbid
        self._parser.StartElementHandler = self._root
        self._parser.EndElementHandler = self._end
        with archive.open(name) as part:
            self._walk(part.read)
        self._row_over()

    def _walk(self, read: Callable[[int], bytes]) -> None:
        before, silent = 0, 0
        while piece := read(_PIECE):
            try:
                self._parser.Parse(piece, False)
            except expat.ExpatError:
                return
            silent = silent + len(piece) if self._elements == before else 0
            before = self._elements
            if silent > LONGEST_TEXT:
                raise _TooMuch

    def _root(self, name: str, _attributes: dict[str, str]) -> None:
        kind = name.rpartition(" ")[2]
        self._most = MOST_ELEMENTS.get(kind, MOST_OF_OTHERS)
        self._elements = self._depth = 1
        self._parser.StartElementHandler = self._in_sheet if kind == "worksheet" else self._start

    def _start(self, _name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._elements > self._most or self._depth > DEEPEST:
            raise _TooMuch

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _in_sheet(self, name: str, attributes: dict[str, str]) -> None:
        self._start(name, attributes)
        if name == _CELL:
            self._cell_over()
            place = attributes.get("r")
            self._last, self._after = (place, 0) if place else (self._last, self._after + 1)
            # Excel marks a formula whose result is the empty text with t="str".
            self._may_be_empty = attributes.get("t") == "str"
        elif name == _FORMULA:
            self._without_result = not self._may_be_empty
        elif name == _VALUE:
            if self._without_result:
                self._parser.CharacterDataHandler = self._result
        elif name == _ROW:
            self._row_over()
            self._at_row = self._elements
            number = attributes.get("r", "")
            if number.isdecimal() and int(number[:12]) > LAST_EXCEL_ROW:
                raise _TooMuch
        elif self._elements - self._at_row > MOST_BESIDE_ROWS:
            raise _TooMuch

    def _result(self, text: str) -> None:
        if text.strip():
            self._without_result = False
            self._parser.CharacterDataHandler = None

    def _cell_over(self) -> None:
        self.lacks_results |= self._without_result
        self._without_result = False
        self._parser.CharacterDataHandler = None

    def _row_over(self) -> None:
        """Count the cells of the row that ends: its last one says how wide it is."""
        self._cell_over()
        width = _column(self._last) + self._after
        if width > LAST_EXCEL_COLUMN:
            raise _TooMuch
        self.cells += width
        if self.cells > MOST_CELLS:
            raise _TooMuch
        self._last, self._after = "", 0


def _column(place: str) -> int:
    """The number, from 1, of the column in an address such as "AB12"; 0 where there is none."""
    number = 0
    for letter in place[:4].upper():
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _forbid(*_declared: object) -> None:
    raise _Forbidden
