"""The command line as it is typed, in an empty folder.

Most commands are typed in this process, through the entry point that the installed program has. What only a process of
its own shows is asked of one: how it ends, what it leaves on standard error, and what it doesn't load.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bot.commands import run

PEOPLE = """Name,Email,Role,Team,Manager,Service area
Alice Ash,alice@example.org,Practitioner,North,bob@example.org,Safeguarding
Bob Birch,bob@example.org,Practice Manager,North,dan@example.org,Safeguarding
Carol Cedar,carol@example.org,Manager (auditor),South,dan@example.org,Safeguarding
Dan Dogwood,dan@example.org,Service Lead,,erin@example.org,Safeguarding
Erin Elm,erin@example.org,Head of Service,,,
Grace Gorse,grace@example.org,QA Unit,,,
"""
CASES = """Ref,Case status,Sex,Ethnicity,Age,Disability,Team,Worker,Date of birth
K7F-204,b) Child Protection plan,b) Female,a) WBRI,7,b) No,North,Alice Ash,01/02/2019
K7F-205,c) Child in need plan,a) Male,a) WBRI,3,b) No,North,Alice Ash,03/04/2022
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    error: str


Type = Callable[..., Said]


PATIENCE = 120
"""Seconds after which a command that should have ended by itself is ended."""


@contextmanager
def _no_longer_than(seconds: int) -> Iterator[None]:
    def ends(*_: object) -> None:
        raise TimeoutError(f"the command has not ended within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, ends)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def type_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Types a command in an empty folder, in this process."""
    for name in [name for name in os.environ if name.startswith("AUDITLOOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    # Typer puts its own in.
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def typed(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["auditloop", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end, _no_longer_than(PATIENCE):
            run()
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    return typed


@pytest.fixture
def start(tmp_path: Path) -> Type:
    """Types a command in an empty folder, as a process of its own."""
    root = Path(__file__).parents[2]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AUDITLOOP_")}

    def typed(*words: str, python: tuple[str, ...] = ()) -> Said:
        done = subprocess.run(
            [sys.executable, *python, "-c", "from bot.commands import run; run()", *words],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(root), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return typed


LATER = ("aiohttp", "alembic", "audits", "cards", "handlers", "holidays", "pydantic", "scheduling", "sqlalchemy")
"""What `--help` does without, so that it answers at once."""


def test_help_names_every_command_without_loading_what_only_they_need(start: Type) -> None:
    said = start("--help", python=("-X", "importtime"))
    assert said.code == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.error.splitlines()}
    assert "typer" in loaded
    assert not loaded & set(LATER)
    for command in (
        "demo",
        "serve",
        "rehearse",
        "frameworks",
        "when",
        "import",
        "allocate",
        "doctor",
        "ledger",
        "migrate",
    ):
        assert command in said.out


def test_when_prints_what_it_understands_as_json_and_nothing_else(start: Type) -> None:
    said = start("when", "Tues 2pm", "--now", "2026-11-23T09:00", "--by", "2026-12-31T17:00", "--json")
    assert (said.code, said.error) == (0, "")
    assert json.loads(said.out) == {"candidates": ["2026-11-24T14:00"], "needs": None, "refused": None}


def test_when_asks_back_in_words_where_two_days_are_meant(type_: Type) -> None:
    said = type_("when", "next Tuesday at 2", "--now", "2026-11-23T09:00", "--by", "2026-12-31T17:00")
    assert "Tue 24 Nov 2026 at 14:00 or Tue 1 Dec 2026 at 14:00" in said.out


def test_a_moment_that_is_none_is_refused_with_an_example(start: Type) -> None:
    said = start("when", "Tues 2pm", "--now", "yesterday", "--by", "2026-12-31T17:00")
    assert (said.code, said.out) == (1, "")
    assert "Write it like 2026-11-23T09:00" in said.error
    assert "Traceback" not in said.error


def test_a_first_month_is_set_up_by_hand_and_the_ledger_holds(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "cases.csv").write_text(CASES, encoding="utf-8")
    assert "6 new" in type_("import", "people", "people.csv").out
    assert "2 new" in type_("import", "cases", "cases.csv").out
    preview = type_("allocate", "--cycle", "2026-03", "--seed", "7", "--preview")
    assert "Carol Cedar: K7F-20" in preview.out
    assert "nothing was written" in preview.out
    drawn = type_("allocate", "--cycle", "2026-03", "--seed", "7")
    assert preview.out.splitlines()[:2] == drawn.out.splitlines()[:2]
    assert "Bob Birch has no audit" in drawn.out
    assert "their own line of management" in drawn.out
    verified = type_("ledger", "verify")
    assert (verified.code, "the chain holds" in verified.out) == (0, True)
    doctor = type_("doctor")
    assert doctor.code == 1
    assert "Nobody holds the role Deputy Director" in doctor.out


def test_no_date_of_birth_reaches_the_database(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "cases.csv").write_text(CASES, encoding="utf-8")
    type_("import", "people", "people.csv")
    type_("import", "cases", "cases.csv")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("auditloop.sqlite3*"))
    assert b"K7F-204" in kept
    for date in (b"01/02/2019", b"2019-02-01", b"03/04/2022"):
        assert date not in kept


def test_a_file_with_a_bad_row_changes_nothing_and_names_the_cell(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE.replace("Practice Manager", "Practise Manger"), encoding="utf-8")
    said = type_("import", "people", "people.csv")
    assert said.code == 1
    assert "Nothing was imported" in said.error
    assert "C3" in said.error
    assert "Practice Manager" in said.error
    database = create_engine(f"sqlite:///{tmp_path / 'auditloop.sqlite3'}")
    with database.connect() as connection:
        assert connection.scalar(text("select count(*) from people")) == 0
    database.dispose()


def test_a_ledger_that_was_tampered_with_is_found(type_: Type, start: Type, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    type_("import", "people", "people.csv")
    database = create_engine(f"sqlite:///{tmp_path / 'auditloop.sqlite3'}")
    with database.begin() as connection:
        connection.execute(text("update ledger set kind = 'nothing happened'"))
    database.dispose()
    said = start("ledger", "verify")
    assert said.code == 1
    assert "its content was changed" in said.out


def test_a_setting_that_there_is_none_of_is_named(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text('databse = "x.sqlite3"\n', encoding="utf-8")
    said = type_("migrate")
    assert said.code == 1
    assert "databse: there is no such setting" in said.error


SOUTHAMPTON = (Path(__file__).parents[2] / "audits" / "frameworks" / "southampton.toml").read_text(encoding="utf-8")
REHEARSAL = """framework: mine.toml
start: 2026-03-02T09:00
until: 2026-03-03T09:00
"""


def southampton_with(was: str, becomes: str) -> tuple[str, int]:
    """Southampton's file with one place changed, and the line of that place."""
    assert SOUTHAMPTON.count(was) == 1
    return SOUTHAMPTON.replace(was, becomes), SOUTHAMPTON[: SOUTHAMPTON.index(was)].count("\n") + 1


def test_a_broken_framework_never_starts_and_every_command_says_where_it_is_broken(type_: Type, tmp_path: Path) -> None:
    broken, line = southampton_with('due = "by day 28 of the cycle"', 'due = "on the 28th"')
    (tmp_path / "mine.toml").write_text(broken, encoding="utf-8")
    (tmp_path / "auditloop.toml").write_text('framework = "mine.toml"\n', encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(REHEARSAL, encoding="utf-8")
    words = f"mine.toml, line {line}: [duties.complete_audit] due: 'on the 28th' is not a date"
    for command in (
        ("frameworks", "check", "mine.toml"),
        ("frameworks", "show", "mine.toml"),
        ("rehearse", "plan.yaml"),
        ("demo", "--framework", "mine.toml", "--no-browser"),
        ("serve",),
    ):
        said = type_(*command)
        assert (said.code, said.out) == (1, ""), command
        assert said.error.startswith(words), command
        assert "Traceback" not in said.error


def test_a_framework_whose_parts_do_not_fit_together_never_starts_either(type_: Type, tmp_path: Path) -> None:
    broken, line = southampton_with(
        'by = ["auditor", "case_holder", "practice_manager", "service_lead", "qa_unit"]', "by = []"
    )
    (tmp_path / "mine.toml").write_text(broken, encoding="utf-8")
    (tmp_path / "auditloop.toml").write_text('framework = "mine.toml"\n', encoding="utf-8")
    for command in (("frameworks", "check", "mine.toml"), ("serve",)):
        said = type_(*command)
        assert (said.code, said.out) == (1, ""), command
        assert f"mine.toml, line {line}: [verbs.safety] by: the auditor could not raise a safety concern." in said.error


def test_a_framework_past_its_review_can_be_used_and_says_so(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SOUTHAMPTON, encoding="utf-8")
    said = type_("frameworks", "check", "mine.toml")
    assert (said.code, said.error) == (0, "")
    assert said.out.startswith("mine.toml: Southampton can be used: ")
    _, line = southampton_with("review_by = 2024-03-31", "")
    assert f"mine.toml, line {line}: please note: [about] review_by: the review date, Sun 31 Mar 2024," in said.out


def test_what_is_no_text_is_refused_in_words(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe[about]")
    said = type_("frameworks", "check", "mine.toml")
    assert (said.code, said.error) == (1, "mine.toml is not a text file in UTF-8.\n")
    said = type_("frameworks", "check", "yours.toml")
    assert (said.code, said.error) == (1, "There is no file yours.toml.\n")


def test_a_framework_is_shown_with_its_places_and_local_settings(type_: Type) -> None:
    assert "southampton" in type_("frameworks", "list").out
    shown = type_("frameworks", "show", "southampton").out
    assert "by day 28 of the cycle" in shown
    assert "9.3, Selection and distribution" in shown
    assert "Local setting, not framework text: the reminders" in shown


def test_every_rule_of_a_framework_is_listed_with_what_becomes_of_it(type_: Type) -> None:
    said = type_("frameworks", "coverage", "dudley").out
    assert "DUD-18" in said
    assert "enacted by" in said
    assert "proved by tests/rehearsals/" in said
    assert said.count("\nDUD-") == 54
    everything = type_("frameworks", "coverage").out
    assert [everything.count(f"\n{council}-") for council in ("BED", "WOK", "WSX", "DUD", "SOU")] == [
        48,
        52,
        43,
        54,
        48,
    ]


def test_what_comes_round_is_shown_month_by_month(type_: Type) -> None:
    said = type_("frameworks", "calendar", "west_sussex", "--from", "2026-05", "--months", "1").out
    assert "Tue 5 May 2026" in said
    assert "Weekly dip sample" in said
    refused = type_("frameworks", "calendar", "west_sussex", "--from", "May")
    assert refused.code != 0
    assert "--from" in refused.error


SWITCH = """
framework = "dudley"

[switches.reaudit_ri]
value = "off"
"""


def test_a_councils_own_choice_needs_who_decided_it_and_when(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text(SWITCH, "utf-8")
    refused = type_("doctor")
    assert refused.code != 0
    assert "decided_by" in refused.out + refused.error
    decided = SWITCH + 'decided_by = "Director of Children\'s Services"\ndecided_on = 2026-05-11\n'
    (tmp_path / "auditloop.toml").write_text(decided, "utf-8")
    assert "framework Dudley" in type_("doctor").out


def test_a_month_in_which_nothing_is_allocated_is_refused_in_words(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text('framework = "wokingham"\n', "utf-8")
    refused = type_("allocate", "--cycle", "2026-04")
    assert refused.code != 0
    assert "Choose March 2026 or May 2026." in refused.error


def test_a_rehearsal_prints_one_object_a_line_in_order_of_time(type_: Type) -> None:
    example = Path(__file__).parents[2] / "docs" / "examples" / "inadequate.yaml"
    lines = [json.loads(line) for line in type_("rehearse", str(example), "--json").out.splitlines()]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    reaudit = next(line for line in lines if line["duty"] == "reaudit" and line["what"] == "opened")
    assert (reaudit["nominal"], reaudit["effective"]) == ("2026-03-28T23:59", "2026-03-27T23:59")
