"""Reading the people of a service."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from storage.imports import FileRejected, ImportRejected, PeopleList, Problem, read_people

ROLES = {"case_holder": "Practitioner", "practice_manager": "Practice Manager", "hos": "Head of Service"}
HEADINGS = "Name,Email,Role,Team,Manager,Service area"
HEAD = "Alice Osei,alice@example.org,Head of Service,,,Safeguarding"
BOSS = "Bob Ahmed,bob@example.org,Practice Manager,East,alice@example.org,Safeguarding"


def people_in(folder: Path, *lines: str, headings: str = HEADINGS, known: dict[str, str] | None = None) -> PeopleList:
    path = folder / "people.csv"
    path.write_text("\n".join([headings, *lines]), encoding="utf-8")
    return read_people(path, roles=ROLES, existing=known)


def problems_in(folder: Path, *lines: str, headings: str = HEADINGS) -> list[tuple[str, str]]:
    with pytest.raises(ImportRejected) as rejected:
        people_in(folder, *lines, headings=headings)
    return [(problem.cell, problem.message) for problem in rejected.value.problems]


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    file = people_in(tmp_path, HEAD, BOSS, "Charlie Reid,Charlie@Example.org,case_holder,East,Bob Ahmed,Safeguarding")
    assert [person.role for person in file.rows] == ["hos", "practice_manager", "case_holder"]
    assert [person.manager_email for person in file.rows] == [None, "alice@example.org", "bob@example.org"]
    assert (file.rows[2].email, file.rows[2].sheet, file.rows[2].row) == ("charlie@example.org", "people.csv", 4)
    assert file.notices == []


def test_a_workbook_reads_as_the_same_people_as_a_csv_file(tmp_path: Path) -> None:
    book = Workbook()
    notes = book.active
    assert notes is not None
    notes.append(["How to fill this in"])
    staff = book.create_sheet("Staff")
    for line in ("Our people", HEADINGS, HEAD, BOSS):
        staff.append(line.split(","))
    book.save(tmp_path / "people.xlsx")
    from_book = read_people(tmp_path / "people.xlsx", roles=ROLES)
    assert [(person.name, person.manager_email, person.sheet, person.row) for person in from_book.rows] == [
        ("Alice Osei", None, "Staff", 3),
        ("Bob Ahmed", "alice@example.org", "Staff", 4),
    ]


def test_headings_may_be_written_as_people_write_them(tmp_path: Path) -> None:
    headings = "Full name;E-mail;JOB TITLE;team;Line  Manager;Service"
    file = people_in(tmp_path, HEAD.replace(",", ";"), BOSS.replace(",", ";"), headings=headings)
    assert [person.service_area for person in file.rows] == ["Safeguarding", "Safeguarding"]


def test_a_missing_heading_is_named_with_the_one_that_comes_close(tmp_path: Path) -> None:
    [(cell, message)] = problems_in(tmp_path, BOSS, headings="Name,Email,Role,Team,Manger,Service area")
    assert cell == "row 1"
    assert "“Manager”" in message
    assert "“Manger” comes close" in message


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("PRACTITIONER", "case_holder"),
        ("Case Holder", "case_holder"),
        ("social worker", "case_holder"),
        ("Practice\u00a0manager", "practice_manager"),
        ("HoS", "hos"),
    ],
)
def test_a_role_may_be_its_key_its_label_or_another_word_for_it(tmp_path: Path, written: str, key: str) -> None:
    assert people_in(tmp_path, f"Alice Osei,alice@example.org,{written},,,").rows[0].role == key


def test_a_wrong_role_is_answered_with_the_nearest_right_ones(tmp_path: Path) -> None:
    [(cell, message)] = problems_in(tmp_path, "Bob Ahmed,bob@example.org,Practise Manger,East,,Safeguarding")
    assert cell == "C2"
    assert "“Practice Manager”" in message


def test_a_role_nothing_like_any_is_answered_with_all_of_them(tmp_path: Path) -> None:
    [(_, message)] = problems_in(tmp_path, "Bob Ahmed,bob@example.org,Zookeeper,East,,Safeguarding")
    assert "Practitioner, Practice Manager, Head of Service" in message


def test_every_bad_row_is_named_and_nobody_is_returned(tmp_path: Path) -> None:
    found = problems_in(
        tmp_path,
        HEAD,
        ",bob@example.org,Practice Manager,East,Alice Osei,Safeguarding",
        "Charlie Reid,charlie.example.org,Practitioner,East,Alice Osei,Safeguarding",
        "Dora Lee,ALICE@example.org,Practitioner,East,,Safeguarding",
        "Ed Moss,ed@example.org,Practitioner,East,Nobody Known,Safeguarding",
    )
    assert [cell for cell, _ in found] == ["A3", "B4", "B5", "E6"]
    assert "B2" in found[2][1]


def test_a_manager_with_a_common_name_must_be_given_by_email(tmp_path: Path) -> None:
    twin = BOSS.replace("bob@", "bob2@")
    [(cell, message)] = problems_in(
        tmp_path, HEAD, BOSS, twin, "Charlie Reid,charlie@example.org,Practitioner,East,bob  AHMED,Safeguarding"
    )
    assert cell == "E5"
    assert "2 people have this name" in message


def test_nobody_manages_themselves(tmp_path: Path) -> None:
    [(cell, message)] = problems_in(tmp_path, BOSS.replace("alice@", "bob@"))
    assert cell == "E2"
    assert "their own manager" in message


def test_a_circle_of_managers_is_told_once_and_whole(tmp_path: Path) -> None:
    [(cell, message)] = problems_in(
        tmp_path,
        "Ed Moss,ed@example.org,Practitioner,East,Alice Osei,Safeguarding",
        "Alice Osei,alice@example.org,Head of Service,,Dora Lee,Safeguarding",
        BOSS,
        "Dora Lee,dora@example.org,Practice Manager,East,Bob Ahmed,Safeguarding",
    )
    assert cell == "E3"
    assert "Alice Osei → Dora Lee → Bob Ahmed → Alice Osei" in message


def test_a_manager_may_be_somebody_already_known(tmp_path: Path) -> None:
    line = 'Charlie Reid,charlie@example.org,Practitioner,East," AHMED,\u00a0bob",Safeguarding'
    file = people_in(tmp_path, line, known={"Bob@example.org": "Bob Ahmed"})
    assert file.rows[0].manager_email == "bob@example.org"


def test_somebody_known_under_an_older_name_goes_by_the_name_in_the_file(tmp_path: Path) -> None:
    married = BOSS.replace("Bob Ahmed", "Bob Osei-Ahmed")
    line = "Charlie Reid,charlie@example.org,Practitioner,East,Bob Osei-Ahmed,Safeguarding"
    file = people_in(tmp_path, HEAD, married, line, known={"bob@example.org": "Bob Ahmed"})
    assert file.rows[2].manager_email == "bob@example.org"


def test_cover_is_somebody_else_who_is_known(tmp_path: Path) -> None:
    headings = f"{HEADINGS},Cover"
    file = people_in(tmp_path, f"{HEAD},Bob Ahmed", f"{BOSS},", headings=headings)
    assert [person.cover_email for person in file.rows] == ["bob@example.org", None]
    [(cell, message)] = problems_in(tmp_path, f"{HEAD},alice@example.org", headings=headings)
    assert cell == "G2"
    assert "their own cover" in message


WITH_AUDITING = f"{HEADINGS},Linked centres,Auditing"


def test_linked_centres_and_how_far_somebody_is_with_auditing_may_be_given(tmp_path: Path) -> None:
    file = people_in(
        tmp_path,
        f"{HEAD},,Proficient",
        f"{BOSS}, East ;Safeguarding;; East,NEW",
        "Charlie Reid,charlie@example.org,Practitioner,East,Bob Ahmed,Safeguarding,n/a,not yet trained",
        "Dora Lee,dora@example.org,Practitioner,East,Bob Ahmed,Safeguarding,East,Support",
        headings=WITH_AUDITING,
    )
    assert [(person.linked, person.auditing) for person in file.rows] == [
        ((), ""),
        (("East", "Safeguarding"), "new"),
        ((), "untrained"),
        (("East",), "support"),
    ]
    assert file.notices == []


def test_a_file_without_these_columns_says_nothing_of_them(tmp_path: Path) -> None:
    file = people_in(tmp_path, HEAD)
    assert (file.rows[0].linked, file.rows[0].auditing) == (None, None)


def test_every_bad_value_of_these_columns_is_named(tmp_path: Path) -> None:
    found = problems_in(
        tmp_path,
        f"{HEAD},East; =1+1,",
        f"{BOSS},East,brilliant",
        f"Charlie Reid,charlie@example.org,Practitioner,East,Bob Ahmed,Safeguarding,{'x' * 256},=new",
        headings=WITH_AUDITING,
    )
    assert [cell for cell, _ in found] == ["G2", "H3", "G4", "H4"]
    assert "formula" in found[0][1]
    assert "new, support or untrained" in found[1][1]
    assert "255 characters" in found[2][1]


def test_a_linked_centre_that_is_nobodys_team_or_service_area_is_mentioned(tmp_path: Path) -> None:
    line = f"{BOSS},east;Eest;Coseley,"
    [notice] = people_in(tmp_path, f"{HEAD},,", line, headings=WITH_AUDITING).notices
    assert notice.startswith("2 linked centres are nobody's team or service area in this file: “Coseley”, “Eest”.")


def test_whoever_has_no_manager_below_the_top_is_mentioned(tmp_path: Path) -> None:
    other_head = "Zoe Hart,zoe@example.org,Head of Service,,,Early Help"
    loose = "Charlie Reid,charlie@example.org,Practitioner,East,-,Safeguarding"
    [notice] = people_in(tmp_path, HEAD, other_head, BOSS, loose).notices
    assert notice.startswith("1 person has no manager")
    assert "Charlie Reid" in notice
    assert "Zoe" not in notice


@pytest.mark.parametrize("formula", ["=1+1", "+SUM(A1)", "@cmd", "-2+3", "\u00a0=HYPERLINK(1)"])
def test_what_looks_like_a_formula_is_no_name_and_no_team(tmp_path: Path, formula: str) -> None:
    found = problems_in(tmp_path, f"{formula},alice@example.org,HoS,{formula},,")
    assert [cell for cell, _ in found] == ["A2", "D2"]


def test_a_row_with_a_column_too_many_is_torn(tmp_path: Path) -> None:
    [(cell, message)] = problems_in(tmp_path, "Osei, Alice,alice@example.org,Head of Service,,,Safeguarding")
    assert cell == "row 2"
    assert "quotation marks" in message


def test_a_file_cut_off_in_the_middle_is_torn(tmp_path: Path) -> None:
    assert [cell for cell, _ in problems_in(tmp_path, HEAD, "Bob Ahmed,bob@example.org,Practice")] == ["row 3"]


def test_headings_with_nobody_under_them_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="no people under them"):
        people_in(tmp_path, ",,,,,", "")


def test_a_long_list_of_problems_is_cut_after_fifty() -> None:
    rejected = ImportRejected(Problem("Staff", f"A{row}", "", "The name is missing.") for row in range(2, 72))
    lines = str(rejected).splitlines()
    assert lines[0] == "Staff A2: The name is missing."
    assert (len(lines), lines[-1]) == (51, "and 20 more")
    assert len(rejected.problems) == 70


def test_a_file_from_an_older_excel_keeps_its_accents(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("\n".join([HEADINGS, HEAD.replace("Osei", "Núñez")]).encode("cp1252"))
    assert read_people(path, roles=ROLES).rows[0].name == "Alice Núñez"
    path.write_bytes("\n".join([HEADINGS, HEAD.replace("Osei", "Núñez")]).encode("utf-8-sig"))
    assert read_people(path, roles=ROLES).rows[0].name == "Alice Núñez"


def test_a_word_that_names_two_roles_must_be_the_key(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADINGS}\nAlice Osei,alice@example.org,Manager,,,", encoding="utf-8")
    with pytest.raises(ImportRejected, match="duty_manager, team_manager"):
        read_people(path, roles={"team_manager": "Manager", "duty_manager": "Manager"})
