"""Reading cases from Ofsted's Annex A workbook and from plain tables."""

import io
import warnings
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from storage.imports import CaseList, FileRejected, ImportRejected, read_cases
from storage.imports.annex_a import age_band, case_status, disability, ethnicity_group, is_closed, is_list_six, sex

HEADINGS = [
    *("Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)"),
    *("Does the Child have a Disability", "CIN Start Date", "Primary Need Code", "Date Child Was Last Seen"),
    *("CIN Closure Date", "Reason for Closure", "Case status", "Allocated Team", "Allocated Worker"),
]
BORN = date(2016, 3, 14)
BORN_AS_WRITTEN = ("14/03/2016", "2016-03-14", "14 Mar 2016", "14.03.16", "2016, 3, 14")

Cells = list[object]


def child(ref: object = 1001, **changed: object) -> Cells:
    """One row of List 6; the columns changed are named by the first word of their heading."""
    cells: dict[str, object] = {
        "ref": ref, "sex": "a) Male", "ethnicity": "a) WBRI", "birth": BORN, "age": 9, "disability": "b) No",
        "start": date(2025, 6, 2), "need": "N1 - Abuse or neglect", "seen": date(2026, 1, 9), "closure": None,
        "reason": None, "status": "c) Child in need plan", "team": "East", "worker": "Ngozi Adeyemi",
    }  # fmt: skip
    assert changed.keys() <= cells.keys()
    return list((cells | changed).values())


def workbook(
    folder: Path, *rows: Cells, sheet: str = "List_6", headings: Sequence[str] = HEADINGS, above: int = 1
) -> Path:
    book = Workbook()
    front = book.active
    assert front is not None
    front.append(["Annex A", "Child level data"])
    codes = book.create_sheet("Codes_used")
    codes.append(["Gender", "Ethnicity", "Case status"])
    book.create_sheet("List_3").append(["Child Unique ID", "Gender", "Allocated Team", "Allocated Worker"])
    six = book.create_sheet(sheet)
    for _ in range(above):
        six.append(["List 6: Children in Need"])
    for row in [list(headings), *rows]:
        six.append(row)
    path = folder / "annex-a.xlsx"
    book.save(path)
    return path


def cases_in(folder: Path, *rows: Cells) -> CaseList:
    return read_cases(workbook(folder, *rows))


def problems_in(folder: Path, *rows: Cells) -> list[tuple[str, str, str]]:
    with pytest.raises(ImportRejected) as rejected:
        cases_in(folder, *rows)
    return [(problem.cell, problem.value, problem.message) for problem in rejected.value.problems]


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "cases.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_list_6_of_ofsteds_workbook_is_read(tmp_path: Path) -> None:
    [case] = cases_in(tmp_path, child(1001.0, status="b) Child Protection plan")).rows
    assert (case.ref, case.plan, case.sex, case.ethnicity_group) == ("1001", "CP", "male", "White")
    assert (case.age_band, case.disability, case.team, case.worker) == ("5-9", "no", "East", "Ngozi Adeyemi")
    assert (case.sheet, case.row) == ("List_6", 3)


@pytest.mark.parametrize(
    "title",
    [
        *("List_6", "List 6", "LIST 6", " list  6 ", "List6", "List 06", "List 6 - Children in Need", "Annex A List 6"),
        *("6", "6. CIN", "6_Children in need", "CIN", "Children in Need", "L6"),
    ],
)
def test_the_sheet_of_list_6_is_known_by_any_of_its_names(title: str) -> None:
    assert is_list_six(title)


@pytest.mark.parametrize(
    "title", ["List_16", "List 5", "List_9", "6 month trend", "Codes_used", "List 60", "Section 6"]
)
def test_another_sheet_is_not_taken_for_list_6(title: str) -> None:
    assert not is_list_six(title)


def test_a_sheet_of_another_name_is_found_by_its_headings(tmp_path: Path) -> None:
    assert read_cases(workbook(tmp_path, child(), sheet="Export", above=3)).rows[0].sheet == "Export"


def test_two_sheets_that_could_be_list_6_are_refused(tmp_path: Path) -> None:
    book = Workbook()
    for title in ("List 6", "List 6 (2)"):
        sheet = book.create_sheet(title)
        sheet.append(HEADINGS)
        sheet.append(child())
    book.save(tmp_path / "annex-a.xlsx")
    with pytest.raises(FileRejected, match="“List 6”, “List 6 \\(2\\)”"):
        read_cases(tmp_path / "annex-a.xlsx")


def test_dirty_headings_are_read(tmp_path: Path) -> None:
    headings = [
        *(" CHILD  unique\u00a0ID ", "Sex", "Ethnicity\n", "Date of Birth", "Age of Child ((Years))"),
        *("Does the Child have a Disability (Y/N)", "x", "y", "z", "CIN\nClosure Date", "w", "Case  Status"),
        *("Allocated Team ", "allocated\u00a0worker"),
    ]
    [case] = read_cases(workbook(tmp_path, child(), headings=headings)).rows
    assert (case.sex, case.age_band, case.disability, case.worker) == ("male", "5-9", "no", "Ngozi Adeyemi")


def test_a_workbook_without_list_6_is_told_which_sheets_it_has(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match=r"no List 6 .*Sheet, Codes_used, List_3, List_7"):
        read_cases(workbook(tmp_path, child(), sheet="List_7", headings=HEADINGS[:9]))


def test_missing_headings_are_each_named(tmp_path: Path) -> None:
    headings = ["Allocated Wroker" if heading == "Allocated Worker" else heading for heading in HEADINGS]
    headings[HEADINGS.index("Case status")] = "Stage"
    with pytest.raises(FileRejected) as rejected:
        read_cases(workbook(tmp_path, child(), headings=headings))
    assert [problem.cell for problem in rejected.value.problems] == ["row 2", "row 2"]
    assert "“Case Status”" in rejected.value.problems[0].message
    assert "“Allocated Wroker” comes close" in rejected.value.problems[1].message


def test_a_list_without_ethnicity_is_read_and_said_so(tmp_path: Path) -> None:
    headings = ["Heritage" if heading == "Ethnicity" else heading for heading in HEADINGS]
    file = read_cases(workbook(tmp_path, child(), headings=headings))
    assert file.rows[0].ethnicity_group == "Unknown"
    assert "no “Ethnicity” column" in file.notices[0]


def test_ofsteds_empty_list_is_refused_kindly(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="headings but no cases"):
        cases_in(tmp_path)


def test_closed_cases_are_left_out_and_counted(tmp_path: Path) -> None:
    file = cases_in(
        tmp_path,
        child(1),
        child(2, status="e) Closed episode"),
        child(3, closure=date(2026, 1, 5)),
        child(4, closure="05/01/2026"),
        child(5, closure=" "),
        child(6, closure=0),
        child(None, closure=date(2026, 1, 5)),
    )
    assert [case.ref for case in file.rows] == ["1", "5", "6"]
    assert file.left_out == {"closed episode": 1, "closure date": 3}


def test_a_child_closed_and_open_again_is_one_open_case(tmp_path: Path) -> None:
    file = cases_in(tmp_path, child(1, closure=date(2026, 1, 5)), child(1, status="d) Open assessment"))
    assert [case.plan for case in file.rows] == ["assessment"]


def test_every_bad_row_is_named_and_nothing_is_returned(tmp_path: Path) -> None:
    found = problems_in(
        tmp_path,
        child(1),
        child(None),
        child("#N/A"),
        child(4, status="f) Something else"),
        child(5, status="#REF!"),
        child(6, worker="=cmd()"),
        child(7, age="elderly"),
        child(8, closure="soon"),
        child(9, worker="#N/A"),
    )
    assert [cell for cell, _, _ in found] == ["A4", "A5", "L6", "L7", "N8", "E9", "J10", "N11"]
    assert "c) Child in need plan" in found[2][2]


def test_the_same_reference_twice_names_both_cells(tmp_path: Path) -> None:
    [(cell, value, message)] = problems_in(tmp_path, child("D-1"), child(2), child("d-1", team="West"))
    assert (cell, value) == ("A5", "d-1")
    assert "A3" in message


def test_a_row_repeated_word_for_word_is_dropped_with_a_notice(tmp_path: Path) -> None:
    file = cases_in(tmp_path, child(1), child(1, seen=date(2026, 1, 10)))
    assert len(file.rows) == 1
    assert file.notices == ["1 row repeats an earlier one word for word and was dropped: A4."]


@pytest.mark.parametrize("blank", [None, "", " \u00a0", "-", "Unallocated", "n/a"])
def test_a_case_without_a_worker_is_kept_and_counted(tmp_path: Path, blank: object) -> None:
    file = cases_in(tmp_path, child(1), child(2, worker=blank))
    assert [case.worker for case in file.rows] == ["Ngozi Adeyemi", None]
    assert file.notices[0].startswith("1 case has no allocated worker")


def test_workers_are_matched_however_their_names_are_spaced_and_turned(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        child(1, worker="NGOZI\u00a0 adeyemi "),
        child(2, worker="Adeyemi, Ngozi"),
        child(3, worker="Sean O\u2019Dell"),
        child(4, worker="Pat Unknown"),
        child(5, worker="pat unknown"),
    )
    file = read_cases(path, workers={"ngozi adeyemi": "ngozi@example.org", "Sean O'Dell": "sean@example.org"})
    assert [case.worker_email for case in file.rows] == [*["ngozi@example.org"] * 2, "sean@example.org", None, None]
    assert file.rows[0].worker == "NGOZI adeyemi"
    [notice] = file.notices
    assert notice.startswith("1 allocated worker isn't among the people known: “Pat Unknown”.")


def test_a_name_that_two_workers_share_matches_neither(tmp_path: Path) -> None:
    path = workbook(tmp_path, child(1, worker="Jo Reid"), child(2, worker="jo.reid@example.org"))
    file = read_cases(path, workers={"Jo Reid": "jo.reid@example.org", "jo  reid": "jo2@example.org"})
    assert [case.worker_email for case in file.rows] == [None, "jo.reid@example.org"]


def test_codes_from_another_scheme_count_as_unknown_and_are_listed(tmp_path: Path) -> None:
    file = cases_in(tmp_path, child(1, ethnicity="Z9"), child(2, sex="#N/A"), child(3, age="#VALUE!"))
    assert [case.ethnicity_group for case in file.rows] == ["Unknown", "White", "White"]
    assert (file.rows[1].sex, file.rows[2].age_band) == ("unknown", "unknown")
    assert file.notices[0] == "Ethnicity couldn't be read in 1 case and counts as unknown there (“Z9”): C3."
    assert len(file.notices) == 3


def test_formulas_filled_down_below_the_data_are_no_cases(tmp_path: Path) -> None:
    empty: Cells = [None] * len(HEADINGS)
    empty[4] = "#VALUE!"
    assert len(cases_in(tmp_path, child(1), empty, empty, child(2)).rows) == 2


def test_a_formula_that_was_never_worked_out_does_not_pass_for_an_empty_cell(tmp_path: Path) -> None:
    found = problems_in(
        tmp_path, child("=B1"), child(2, closure="=TODAY()"), child(3, worker="=B2"), child(4, worker=None)
    )
    assert [cell for cell, _, _ in found] == ["A3", "J4", "N5"]


@pytest.mark.parametrize("written", [BORN, *BORN_AS_WRITTEN[:4]])
@pytest.mark.parametrize(
    "column", ["ref", "sex", "ethnicity", "age", "disability", "closure", "status", "team", "worker"]
)
def test_a_date_of_birth_never_leaves_the_file_wherever_it_was_put(
    tmp_path: Path, written: object, column: str
) -> None:
    # The second row makes sure of a rejection, so that both the messages and what is read are looked at.
    moved = {column: written} if column != "ref" else {}
    row = child(written if column == "ref" else 1, **moved)
    said = []
    for rows in ([row], [row, child(None)]):
        try:
            said.append(repr(cases_in(tmp_path, *rows)))
        except ImportRejected as rejected:
            said += [str(rejected), repr(rejected)]
    assert said
    assert not [text for text in said for day in BORN_AS_WRITTEN if day in text]


@pytest.mark.parametrize("ref", ["943 476 5919", "Jo Bloggs", "Bloggs, Jo"])
def test_a_reference_that_says_who_the_child_is_is_refused_unseen(tmp_path: Path, ref: str) -> None:
    [(cell, value, message)] = problems_in(tmp_path, child(ref))
    assert (cell, value) == ("A3", "")
    assert "case system's" in message


def test_a_column_of_nhs_numbers_is_refused_but_ten_digits_are_not(tmp_path: Path) -> None:
    [(_, value, message)] = problems_in(tmp_path, child(9434765919), child(9434765870))
    assert value == ""
    assert "NHS numbers" in message
    assert len(cases_in(tmp_path, child(9434765919), child(1000000002)).rows) == 2


def test_a_reference_shortened_by_excel_is_refused(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "ref,plan,team,worker\n1.23457E+12,CIN,East,Ngozi Adeyemi\n")
    with pytest.raises(ImportRejected, match="Excel has shortened"):
        read_cases(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_plain_table_is_read_whatever_its_encoding_and_separator(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    lines = [
        "Ref,Plan,Sex,Ethnicity,Age,Disability,Team,Worker,Service area",
        "D-1,CP,F,MWBC,16.5,Y,East,Zoë Núñez,Safeguarding",
        "",
        "007,EH,,,,,West,,",
    ]
    file = read_cases(csv_file(tmp_path, "\r\n".join(lines).replace(",", separator), encoding))
    first, second = file.rows
    assert (first.ref, first.plan, first.sex, first.ethnicity_group) == ("D-1", "CP", "female", "Mixed")
    assert (first.age_band, first.disability, first.worker, first.service_area) == (
        *("16-17", "yes"),
        *("Zoë Núñez", "Safeguarding"),
    )
    assert (second.ref, second.plan, second.age_band, second.row) == ("007", "EH", "unknown", 4)


@pytest.mark.parametrize(
    ("line", "cell"), [("1,CIN,East,Adeyemi, Ngozi", "row 2"), ("1,CIN", "row 2"), ('1,CIN,"East,Ngozi', "row 2")]
)
def test_a_torn_row_is_named(tmp_path: Path, line: str, cell: str) -> None:
    with pytest.raises(ImportRejected) as rejected:
        read_cases(csv_file(tmp_path, f"ref,plan,team,worker\n{line}\n"))
    assert rejected.value.problems[0].cell == cell


def _zip_of(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"old \.xls format"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"PK\x03\x04 and then nothing of use", "damaged"),
        (_zip_of("content.xml", b"<office/>"), r"not an \.xlsx"),
        (_zip_of("xl/workbook.xml", b"<workbook"), "damaged"),
        (_zip_of("xl/workbook.xml", b"\0" * 30_000_000), "far more than its size"),
        (b"%PDF-1.7", "neither a CSV"),
        (b"<html><table>", "neither a CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x81", "neither a CSV"),
        (b"just some words\n", "no row of headings"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(tmp_path: Path, content: bytes, advice: str) -> None:
    path = tmp_path / "cases.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileRejected, match=advice):
        read_cases(path)


def test_a_workbook_cut_short_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, child())
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(FileRejected, match="damaged"):
        read_cases(path)


def test_a_workbook_with_a_broken_sheet_is_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path, *[child(ref) for ref in range(1, 1200)])
    with zipfile.ZipFile(whole) as before:
        parts = {part: before.read(part) for part in before.namelist()}
    torn = tmp_path / "torn.xlsx"
    with zipfile.ZipFile(torn, "w", zipfile.ZIP_DEFLATED) as after:
        for part, content in parts.items():
            after.writestr(part, content[: len(content) // 2] if part.endswith("sheet4.xml") else content)
    with pytest.raises(FileRejected, match="damaged"):
        read_cases(torn)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="is a folder"):
        read_cases(tmp_path)
    with pytest.raises(FileRejected, match="no file “cases"):
        read_cases(tmp_path / "cases.csv")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    with path.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    with pytest.raises(FileRejected, match="larger than 50 MB"):
        read_cases(path)


def test_progress_is_told_every_five_hundred_rows_and_at_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    lines = "\n".join(f"D-{number},CIN,East,Ngozi Adeyemi" for number in range(1200))
    path = csv_file(tmp_path, f"ref,plan,team,worker\n{lines}")
    read_cases(path, progress=lambda done, total: told.append((done, total)))
    assert told == [(500, 1200), (1000, 1200), (1200, 1200)]


def test_a_workbook_that_misstates_its_size_is_read_whole(tmp_path: Path) -> None:
    whole = workbook(tmp_path, *[child(ref) for ref in range(1, 31)])
    with zipfile.ZipFile(whole) as before:
        parts = {part: before.read(part) for part in before.namelist()}
    misstated = tmp_path / "misstated.xlsx"
    with zipfile.ZipFile(misstated, "w") as after:
        for part, content in parts.items():
            after.writestr(part, content.replace(b'ref="A1:N32"', b'ref="A1"'))
    assert len(read_cases(misstated).rows) == 30


def test_features_that_openpyxl_does_not_read_raise_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        cases_in(tmp_path, child(birth=-1.5))
    assert [warning for warning in raised if "openpyxl" in str(warning.filename)] == []


@pytest.mark.parametrize(
    ("cell", "group"),
    [
        *(("a) WBRI", "White"), ("WBRI", "White"), ("e)WROM", "White"), ("WENG", "White"), ("g) mwba", "Mixed")),
        *(
            ("q) CHNE", "Chinese"),
            ("p) BOTH", "Black"),
            ("r) OOTH", "Other"),
            ("m) AOTH", "Asian"),
            ("i) MOTH", "Mixed"),
        ),
        *(("s) REFU", "Refused"), ("s) NOBT", "Unknown"), (None, "Unknown"), ("Any other mixed background", "Mixed")),
        *(("White - Irish", "White"), ("Asian or Asian British - Chinese", "Chinese"), ("Black", "Black")),
        *(("Male", None), ("#N/A", None), ("Z9", None)),
    ],
)
def test_ethnicity_is_grouped(cell: object, group: str | None) -> None:
    assert ethnicity_group(cell) == group


@pytest.mark.parametrize(
    ("cell", "band"),
    [
        *((-1, "unborn"), ("-1.0", "unborn"), (0, "0-4"), (4.99, "0-4"), (5, "5-9"), (9.9, "5-9"), ("10", "10-15")),
        *((15.5, "10-15"), (16, "16-17"), (17.99, "16-17"), (18, "18+"), (25, "18+"), (None, "unknown")),
        *(("7 years", "5-9"), ("8 months", "0-4"), ("10-15", "10-15"), ("16\u201317", "16-17")),
        *((-2, None), (2016, None), ("#N/A", None), (BORN, None), (True, None)),
    ],
)
def test_ages_are_kept_as_bands(cell: object, band: str | None) -> None:
    assert age_band(cell) == band


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        *(("a) Looked after child", "LAC"), ("CLA", "LAC"), ("b) Child  Protection plan", "CP"), ("cpp", "CP")),
        *(("c) Child in need plan", "CIN"), ("CIN - Child in need", "CIN"), ("d)", "assessment"), ("CL", "CL")),
        *(("e) Closed episode", "closed"), ("Early Help", "EH"), ("LAC (CP)", None), ("", None), ("#N/A", None)),
    ],
)
def test_a_case_status_is_known_with_or_without_its_letter(cell: object, status: str | None) -> None:
    assert case_status(cell) == status


def test_sex_and_disability_are_known_with_or_without_their_letter() -> None:
    assert [sex(cell) for cell in ("a) Male", "F", "c) Not stated/recorded (or unborn)", "d) Neither", None, "?")] == [
        *("male", "female", "unknown", "neither", "unknown", None)
    ]
    assert [disability(cell) for cell in ("a) Yes", "N", "c) Unknown", True, "LD, AUT", "NONE", None, "maybe")] == [
        *("yes", "no", "unknown", "yes", "yes", "no", "unknown", None)
    ]


@pytest.mark.parametrize("cell", [None, "", 0, "31/12/9999", date(1899, 12, 31), "N/A", "-"])
def test_what_systems_write_for_not_closed_is_no_closure_date(cell: object) -> None:
    assert is_closed(cell) is False


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40), st.datetimes(), st.times())
)
def test_no_cell_whatever_it_holds_stops_the_reading(cell: object) -> None:
    assert age_band(cell) in {None, "unborn", "0-4", "5-9", "10-15", "16-17", "18+", "unknown"}
    assert is_closed(cell) in {None, True, False}
    for read in (case_status, sex, disability, ethnicity_group):
        read(cell)
