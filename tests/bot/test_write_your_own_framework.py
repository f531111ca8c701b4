"""The page "Write your own framework": every block on it is tried, and every word that a file may have stands on it.

Blocks are marked by a comment above them: `file: NAME` is a whole file, `into: NAME` is laid over it, `plays: NAME` is
a rehearsal of it, and `shows` or `checks: NAME` is what a command prints. A line that ends with … is cut there.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from audits.calendar import WorkCalendar
from audits.consistency.words import FACTS, KINDS_OF_EVENT, PLACEHOLDERS, PLANS, REPORTED, TARGETS, VERBS
from audits.dates import Cycle, day_words, parse_offset, parse_rule
from audits.events import EVENTS, SYSTEM
from audits.framework import (
    About,
    Condition,
    CycleNotice,
    CycleRule,
    Defaults,
    DutyRule,
    Framework,
    Grade,
    Issue,
    LimitRule,
    ModerationRule,
    NoticeRule,
    OldGrade,
    Opening,
    Repeat,
    Role,
    Rung,
    SamplingRule,
    Section,
    Setting,
    SubmissionRule,
    ThemeRule,
    Variant,
    VerbRule,
)
from audits.reading import FrameworkError, check_framework, parse_framework, with_settings
from audits.state import KINDS
from bot.rehearsal.playing import play
from bot.rehearsal.script import Script, ScriptAction, ScriptCase, ScriptStep, read_script
from bot.rehearsal.timeline import Line, timeline
from bot.reports import check_file, print_rehearsal
from bot.settings import Settings
from cards.deck import ASKS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "write-your-own-framework.md").read_text("utf-8")
RIVERTON = (ROOT / "docs" / "examples" / "riverton.toml").read_text("utf-8")
EVERYDAY = tomllib.loads((ROOT / "audits" / "ground" / "everyday.toml").read_text("utf-8"))
FILES = {"start": "my_council.toml", "riverton": "riverton.toml"}
TODAY = date(2026, 3, 2)

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]+?) -->\n)?```(?P<kind>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A block of the page. `mark` is the first word of its comment, `on` the file that it belongs to."""

    kind: str
    text: str
    mark: str = ""
    on: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.text.split("\n", 1)[0].strip("[]#")


def _blocks() -> Iterator[Block]:
    for found in _BLOCK.finditer(PAGE):
        first, *more = [part.partition(": ") for part in (found["mark"] or "").split("; ")]
        told = {key: value for key, _, value in more}
        mark = "fails" if "fails" in told else first[0]
        yield Block(found["kind"], found["text"], mark, first[2], told.get("name", ""))


BLOCKS = tuple(_blocks())


def _marked(mark: str) -> list[Block]:
    found = [block for block in BLOCKS if block.mark == mark]
    assert found
    return found


def _file(name: str) -> str:
    return next(block.text for block in _marked("file") if block.on == name)


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(inside)}" for key, inside in value.items()) + "}"
        case _:
            return str(value)


def _over(below: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Two files as one: tables key by key, everything else replaced."""
    joined = dict(below)
    for key, value in own.items():
        under = joined.get(key)
        joined[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return joined


def _laid_over(block: Block, more: str = "") -> str:
    """The file that a reader has after writing this block into the one it belongs to."""
    whole = _over(_over(tomllib.loads(_file(block.on)), tomllib.loads(block.text)), tomllib.loads(more))
    return "\n".join(f"{key} = {_toml(value)}" for key, value in whole.items())


def _named(name: str) -> Block:
    return next(block for block in _marked("into") if block.name == name)


# The blocks


def test_every_block_of_settings_has_a_mark_that_says_how_to_try_it() -> None:
    for block in BLOCKS:
        if block.kind in ("toml", "yaml"):
            assert block.mark in ("file", "into", "fails", "plays", "settings"), block.text


@pytest.mark.parametrize("block", _marked("file"), ids=lambda block: block.on)
def test_a_whole_file_of_the_page_can_be_used_without_a_note(block: Block) -> None:
    _, notes = check_framework(block.text, FILES[block.on], TODAY)
    assert not notes


@pytest.mark.parametrize("block", _marked("into"), ids=str)
def test_what_is_to_be_written_into_a_file_fits_there(block: Block) -> None:
    assert parse_framework(_laid_over(block), FILES[block.on])


def test_the_mistake_that_the_page_shows_is_answered_as_it_says() -> None:
    for block, said in zip(_marked("fails"), _marked("fails with"), strict=True):
        with pytest.raises(FrameworkError) as refused:
            parse_framework(_laid_over(block), FILES[block.on])
        assert said.text.strip() in str(refused.value)


@pytest.mark.parametrize("block", _marked("checks"), ids=lambda block: block.on)
def test_check_prints_what_the_page_shows(block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / FILES[block.on]
    file.write_text(_file(block.on), "utf-8")
    check_file(file)
    assert capsys.readouterr().out == block.text


@pytest.mark.parametrize("number", range(len(_marked("plays"))))
def test_a_rehearsal_prints_what_the_page_shows(
    number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, shown = _marked("plays")[number], _marked("shows")[number]
    (tmp_path / FILES[script.on]).write_text(_file(script.on), "utf-8")
    file = tmp_path / "rehearsal.yaml"
    file.write_text(script.text, "utf-8")
    print_rehearsal(file, as_json=False)
    printed = capsys.readouterr().out.strip("\n").split("\n")
    expected = shown.text.strip("\n").split("\n")
    assert len(printed) == len(expected)
    for line, wanted in zip(printed, expected, strict=True):
        assert line.startswith(wanted[:-1]) if wanted.endswith("…") else line == wanted


@pytest.mark.parametrize("block", _marked("settings"), ids=str)
def test_the_switches_of_the_page_are_taken(block: Block) -> None:
    settings = Settings.model_validate(tomllib.loads(block.text))
    assert settings.framework == FILES["start"]
    framework = parse_framework(_laid_over(_named(block.on)), settings.framework)
    chosen = with_settings(framework, settings.switches, "auditloop.toml", decided=True)
    assert chosen.settings["update_days"].value == "working"
    assert chosen.duties["remedial_action"].nudge == ("-3wd",)


def test_the_whole_example_is_the_file_beside_the_page() -> None:
    assert _file("riverton") == RIVERTON


# What the blocks do. Dates are counted by hand from the words: March 2026 begins on a Sunday; Good Friday is 3 April,
# Easter Monday 6 April, and 4 and 25 May are bank holidays.

ALLOCATED = "{at: 2026-03-02T09:00, do: allocate, case: X-1}"
SENT = (
    f"{ALLOCATED}\n{{at: 2026-03-12T10:00, by: auditor, do: submit, case: X-1, grade: GRADE, actions: [{{what: A}}]}}"
)
GOOD, IMPROVE, INADEQUATE = (SENT.replace("GRADE", one) for one in ("good", "requires_improvement", "inadequate"))


@dataclass(frozen=True)
class Trial:
    """A block of the page, what happens, and lines that must and must not be in the timeline ."""

    name: str
    steps: str
    expected: str
    absent: str = ""
    more: str = ""


TRIALS = (
    Trial(
        "cycle",
        "{at: 2026-03-02T09:00, do: open_cycle, cycle: 2026-03}",
        # The second Monday is the 9th; the working day after Easter Monday is Tue 7 April.
        """
        2026-03-09T09:00 opened complete_audit: auditor by 2026-03-31T23:59
        2026-04-07T09:00 message complete_audit: service_manager qa_officer
        """,
    ),
    Trial(
        "cycle", "{at: 2026-02-01T09:00, do: open_cycle, cycle: 2026-02}", "2026-02-01T09:00 refused complete_audit:"
    ),
    # Ten working days from Mon 2 March: 3 to 6, 9 to 13, 16.
    Trial("fortnight", ALLOCATED, "2026-03-02T09:00 opened complete_audit: auditor by 2026-03-16T23:59"),
    Trial(
        "limits",
        "\n".join(f"{{at: 2026-03-02T09:00, do: allocate, case: X-{n}, kind: thematic}}" for n in range(1, 6)),
        "2026-03-02T09:00 refused complete_audit:",
    ),
    Trial(
        "no_talk",
        f"{ALLOCATED}\n{{at: 2026-03-03T10:00, by: auditor, do: accept, case: X-1}}\n"
        "{at: 2026-03-05T10:00, by: auditor, do: submit, case: X-1, grade: good}",
        """
        2026-03-03T10:00 message book_session: practitioner
        2026-03-05T10:00 closed complete_audit: auditor
        """,
        "2026-03-03T10:00 opened book_session: auditor by 2026-03-10T23:59",
    ),
    Trial(
        "supervision",
        f"{GOOD}\n{{at: 2026-03-20T10:00, by: team_manager, do: supervise, case: X-1}}",
        """
        2026-03-12T10:00 opened supervision_review: team_manager by 2026-04-09T23:59
        2026-03-20T10:00 closed supervision_review: team_manager
        """,
    ),
    Trial(
        "each",
        f"{ALLOCATED}\n{{at: 2026-03-05T10:00, by: auditor, do: hold, case: X-1}}\n"
        "{at: 2026-03-06T10:00, by: practitioner, do: reflect, case: X-1}",
        """
        2026-03-05T10:00 opened reflection: auditor by 2026-03-12T23:59
        2026-03-05T10:00 opened reflection: practitioner by 2026-03-12T23:59
        2026-03-05T10:00 opened reflection: team_manager by 2026-03-12T23:59
        2026-03-06T10:00 closed reflection: practitioner
        """,
        "2026-03-06T10:00 closed reflection: auditor\n2026-03-06T10:00 closed reflection: team_manager",
    ),
    Trial(
        "actions",
        INADEQUATE.replace("[{what: A}]", "[{what: A, due: 2026-03-30}, {what: B, due: 2026-03-16}]"),
        # Five working days from Thu 12 March: 13, 16 to 19. A later day gives way, an earlier one stands.
        """
        2026-03-12T10:00 opened remedial_action: practitioner by 2026-03-19T23:59
        2026-03-12T10:00 opened remedial_action: practitioner by 2026-03-16T23:59
        """,
    ),
    Trial(
        "whole",
        f"{IMPROVE}\n{{at: 2026-03-16T10:00, by: practitioner, do: dispute, case: X-1}}\n"
        "{at: 2026-03-17T10:00, by: auditor, do: resolve, case: X-1, grade: inadequate}",
        """
        2026-03-12T10:00 opened sign_off: team_manager by 2026-04-12T23:59
        2026-03-17T10:00 closed sign_off: team_manager
        2026-03-17T10:00 opened sign_off: hos by 2026-06-12T23:59
        """,
    ),
    Trial(
        "gate",
        f"{ALLOCATED}\n"
        '{at: 2026-03-03T10:00, by: auditor, do: book, case: X-1, when: "2026-03-12T14:00"}\n'
        "{at: 2026-03-12T15:00, by: auditor, do: hold, case: X-1}\n"
        "{at: 2026-03-12T16:00, by: auditor, do: submit, case: X-1, grade: good}\n"
        "{at: 2026-03-13T10:00, by: qa_officer, do: waive, case: X-1, reason: On leave}\n"
        "{at: 2026-03-13T11:00, by: auditor, do: submit, case: X-1, grade: good}",
        """
        2026-03-03T10:00 opened self_assessment: practitioner by 2026-03-12T14:00
        2026-03-12T14:00 message self_assessment: practitioner auditor
        2026-03-12T16:00 refused complete_audit: auditor
        2026-03-13T10:00 closed self_assessment: practitioner
        2026-03-13T11:00 closed complete_audit: auditor
        """,
    ),
    Trial(
        "told",
        INADEQUATE.replace("2026-03-12T10:00", "2026-04-02T19:00"),
        # Noon on the next day is Good Friday's: hours never roll, and nobody waits for Tuesday.
        """
        2026-04-02T19:00 opened share_audit: service_manager by 2026-04-03T12:00
        2026-04-02T19:00 escalation share_audit: service_manager team_manager
        2026-04-02T19:00 closed share_audit: service_manager
        """,
        "2026-04-03T12:00 escalation share_audit: qa_officer",
    ),
    # What moderation finds opens it as well, with the line that the page adds.
    Trial(
        "told",
        f"{GOOD}\n{{at: 2026-03-16T10:00, by: qa_officer, do: moderate, case: X-1, grade: inadequate}}",
        "2026-03-16T10:00 opened share_audit: service_manager by 2026-03-17T12:00",
        more="duties.share_audit."
        + next(block.text for block in BLOCKS if block.text.startswith("or_opened"))
        + 'verbs.moderate = {label = "moderate", by = ["qa"]}',
    ),
    Trial(
        "oversight",
        f"{GOOD}\n{{at: 2026-03-13T10:00, by: auditor, do: record, case: X-1}}\n"
        "{at: 2026-03-16T10:00, by: team_manager, do: oversee, case: X-1}",
        # Day 6 of April is Easter Monday, so Thu 2 April is the day to aim for.
        """
        2026-03-12T10:00 opened oversee: team_manager by 2026-03-19T23:59
        2026-03-12T10:00 message share_audit: team_manager
        2026-03-13T10:00 refused record_on_file: auditor
        2026-03-16T10:00 opened record_on_file: auditor by 2026-04-06T23:59
        """,
        "2026-03-12T10:00 message oversee: team_manager",
    ),
    Trial(
        "family",
        f"{ALLOCATED}\n{{at: 2026-03-05T10:00, by: auditor, do: hold, case: X-1}}\n"
        "{at: 2026-03-09T10:00, by: auditor, do: feedback, case: X-1, child: obtained}",
        """
        2026-03-05T10:00 opened family_feedback: auditor by 2026-03-19T23:59
        2026-03-09T10:00 closed family_feedback: auditor
        """,
    ),
    Trial(
        "commission",
        f"{GOOD}\n{{at: 2026-03-13T10:00, by: hos, do: commission, case: X-1}}\n"
        "{at: 2026-03-16T10:00, by: qa_officer, do: arrange, case: X-1}",
        """
        2026-03-13T10:00 opened independent_audit: qa_officer by 2026-03-17T23:59
        2026-03-16T10:00 closed independent_audit: qa_officer
        """,
    ),
    Trial(
        "updates",
        f"{INADEQUATE}\n{{at: 2026-03-13T10:00, by: team_manager, do: update, case: X-1}}\n"
        "{at: 2026-03-16T10:00, by: team_manager, do: update, case: X-1}",
        """
        2026-03-12T10:00 opened urgent_update: team_manager by 2026-03-15T23:59
        2026-03-12T10:00 opened further_update: team_manager by 2026-03-19T23:59
        2026-03-13T10:00 closed urgent_update: team_manager
        2026-03-16T10:00 closed further_update: team_manager
        """,
        "2026-03-13T10:00 closed further_update: team_manager",
    ),
    Trial(
        "forum",
        GOOD,
        """
        2026-03-12T10:00 opened good_practice: team_manager by 2026-04-16T15:00
        2026-04-16T23:59 closed good_practice: team_manager
        """,
        "2026-04-17T09:00 overdue good_practice: team_manager",
    ),
    Trial(
        "notices",
        GOOD,
        """
        2026-03-12T10:00 message share_audit: practitioner team_manager
        2026-03-12T10:00 message share_audit: practitioner
        """,
        # Nobody is told what they have just done themselves.
        "2026-03-12T10:00 message share_audit: auditor",
        more='notices.own = {title = "T", text = "T", on = ["submitted"], to = ["auditor"], duty = "share_audit", '
        'place = "p"}',
    ),
    Trial(
        "moderation",
        f"{GOOD}\n{{at: 2026-04-02T10:00, by: psw, do: moderate, case: X-1, grade: inadequate}}",
        # Drawn on 1 April: 20 % of one audit, rounded up. Five working days: 2, 7 to 10 April.
        """
        2026-04-01T09:00 opened moderate: psw by 2026-04-10T23:59
        2026-04-02T10:00 message moderate: auditor
        2026-04-02T10:00 message share_audit: practitioner team_manager
        """,
    ),
    Trial("moderation", INADEQUATE, "2026-03-12T10:00 opened moderate: psw by 2026-03-19T23:59"),
    Trial(
        "hold",
        f"{GOOD}\n{{at: 2026-04-02T10:00, by: psw, do: moderate, case: X-1, grade: inadequate, "
        "actions: [{what: B}]}\n"
        "{at: 2026-04-07T10:00, by: psw, do: discuss, case: X-1}",
        """
        2026-04-02T10:00 opened discuss_moderation: psw by 2026-04-13T23:59
        2026-04-02T10:00 message discuss_moderation: psw auditor
        2026-04-07T10:00 message moderate: auditor team_manager
        2026-04-07T10:00 opened remedial_action: practitioner by 2026-05-06T23:59
        """,
        "2026-04-02T10:00 message moderate: auditor team_manager\n"
        "2026-04-02T10:00 opened remedial_action: practitioner by 2026-05-01T23:59",
    ),
    Trial(
        "hold",
        f"{GOOD}\n{{at: 2026-04-02T10:00, by: psw, do: moderate, case: X-1, grade: good, concern: true}}\n"
        "{at: 2026-04-02T11:00, by: qa_officer, do: release, case: X-1, reason: The child moves}\n"
        "{at: 2026-04-07T10:00, by: psw, do: discuss, case: X-1}",
        "2026-04-02T11:00 message moderate: auditor team_manager",
        "2026-04-07T10:00 message moderate: auditor team_manager",
    ),
    Trial(
        "reaudit",
        f"{INADEQUATE}\n{{at: 2026-06-01T10:00, by: hos, do: submit, case: X-1, grade: inadequate}}",
        # Ten weeks from Thu 12 March: Thu 21 May. Three months: Fri 12 June.
        """
        2026-03-12T10:00 opened reaudit: hos by 2026-06-12T23:59
        2026-05-21T09:00 opened complete_audit: hos by 2026-06-12T23:59
        2026-06-01T10:00 closed reaudit: hos
        """,
        "2026-06-01T10:00 opened reaudit: hos by 2026-09-01T23:59",
    ),
    Trial(
        "reaudit_list",
        INADEQUATE,
        # Not before Sun 12 April, so Mon 13; the next list is that of Fri 1 May, due by Fri 29 May.
        """
        2026-03-12T10:00 opened reaudit: qa_officer by 2026-05-29T23:59
        2026-05-01T09:00 opened complete_audit: auditor by 2026-05-29T23:59
        """,
    ),
    Trial(
        "reaudit_by_hand",
        f"{INADEQUATE}\n{{at: 2026-04-01T10:00, do: allocate, case: X-1, to: hos}}\n"
        "{at: 2026-04-10T10:00, by: hos, do: submit, case: X-1, grade: good}",
        """
        2026-03-12T10:00 opened reaudit: qa_officer by 2026-04-23T23:59
        2026-04-01T10:00 opened complete_audit: hos by 2026-04-23T23:59
        2026-04-10T10:00 closed reaudit: qa_officer
        """,
    ),
    Trial(
        "dispute",
        f"{GOOD}\n{{at: 2026-03-16T10:00, by: practitioner, do: dispute, case: X-1}}\n"
        "{at: 2026-03-25T10:00, by: hos, do: resolve, case: X-1}\n"
        "{at: 2026-03-27T10:00, by: practitioner, do: dispute, case: X-1}",
        # Three working days from Mon 16: Thu 19. Six: Tue 24. Ten from Thu 12: Thu 26, the last day for it.
        """
        2026-03-19T09:00 escalation dispute: qa_officer
        2026-03-24T09:00 escalation dispute: hos
        2026-03-25T10:00 closed dispute: auditor
        2026-03-27T10:00 refused dispute: practitioner
        """,
    ),
    Trial(
        "safety",
        f"{ALLOCATED}\n{{at: 2026-03-07T22:00, by: auditor, do: safety, case: X-1}}\n"
        + "\n".join(
            f"{{at: 2026-03-07T22:15, by: {role}, do: acknowledge, case: X-1}}"
            for role in ("team_manager", "service_manager", "hos")
        ),
        """
        2026-03-07T22:00 alert acknowledge_alert: team_manager service_manager hos
        2026-03-07T22:10 alert acknowledge_alert: team_manager service_manager hos
        """,
        "2026-03-07T22:20 alert acknowledge_alert: hos",
    ),
    Trial(
        "setting",
        INADEQUATE,
        "2026-03-12T10:00 opened urgent_update: team_manager by 2026-03-17T23:59",
        more='settings.update_days = {value = "working", decided_by = "HoS", decided_on = 2026-05-01}',
    ),
    Trial("setting", INADEQUATE, "2026-03-12T10:00 opened urgent_update: team_manager by 2026-03-15T23:59"),
)


def _told(line: Line) -> str:
    until = f" by {line.nominal}" if line.what == "opened" else ""
    return f"{line.at} {line.what} {line.duty}: {' '.join(line.to)}{until}".strip()


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
async def test_what_the_page_has_people_write_does_what_it_says(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "council.toml").write_text(_laid_over(_named(trial.name), trial.more), "utf-8")
    head = "framework: council.toml\nstart: 2026-02-01T09:00\nuntil: 2026-06-02T18:00\ncases: [{ref: X-1}]\nsteps:\n"
    file = tmp_path / "trial.yaml"
    file.write_text(head + "".join(f"  - {step}\n" for step in trial.steps.split("\n")), "utf-8")
    stage = await play(*read_script(file))
    try:
        told = {_told(line) for line in await timeline(stage)}
    finally:
        await stage.store.close()
    expected = {line.strip() for line in trial.expected.strip().split("\n")}
    absent = {line.strip() for line in trial.absent.split("\n") if line.strip()}
    assert expected <= told, "\n".join(sorted(told))
    assert not absent & told


# The reference


def _part(heading: str) -> str:
    """What stands under a heading, to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#+ |\Z)", _without_blocks(), re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def _without_blocks() -> str:
    return _BLOCK.sub("", PAGE)


def _rows(heading: str, header: str) -> list[list[str]]:
    """The rows of the table under a heading whose first column is called so."""
    rows: list[list[str]] = []
    inside = False
    for line in _part(heading).split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0].strip() == header:
            inside = True
        elif inside and not set(line) <= set("|- "):
            rows.append(cells)
    assert rows, heading
    return rows


def _coded(cell: str) -> str:
    found = re.match(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


def _first(heading: str, header: str) -> list[str]:
    return [_coded(row[0]) for row in _rows(heading, header)]


TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("`[about]`", About),
    ("`[defaults]`", Defaults),
    ("`[cycle]`", CycleRule),
    ("`[cycle.notices.KEY]`", CycleNotice),
    ("`[submission]`", SubmissionRule),
    ("`[sampling]`", SamplingRule),
    ("`[moderation]`", ModerationRule),
    ("`[limits.KIND]`", LimitRule),
    ("`[themes]`", ThemeRule),
    ("`[settings.KEY]`", Setting),
    ("`[[grades]]`", Grade),
    ("`[[old_scale]]`", OldGrade),
    ("`[[sections]]`", Section),
    ("`[roles.KEY]`", Role),
    ("`[duties.KEY]`", DutyRule),
    ("A variant", Variant),
    ("A rung of a ladder", Rung),
    ("`[notices.KEY]`", NoticeRule),
    ("`[verbs.KEY]`", VerbRule),
)


@pytest.mark.parametrize(("heading", "model"), TABLES, ids=[heading for heading, _ in TABLES])
def test_the_page_has_every_key_of_a_table_and_no_other(heading: str, model: type[BaseModel]) -> None:
    assert sorted(_first(heading, "key")) == sorted(model.model_fields)


@pytest.mark.parametrize(("heading", "model"), TABLES, ids=[heading for heading, _ in TABLES])
def test_a_star_marks_the_keys_that_an_entry_must_have(heading: str, model: type[BaseModel]) -> None:
    starred = {_coded(row[0]) for row in _rows(heading, "key") if "\\*" in row[0]}
    assert starred == {key for key, field in model.model_fields.items() if field.is_required()}


@pytest.mark.parametrize(("heading", "model"), TABLES, ids=[heading for heading, _ in TABLES])
def test_the_defaults_on_the_page_are_those_of_the_code(heading: str, model: type[BaseModel]) -> None:
    for row in _rows(heading, "key"):
        found = re.fullmatch(r"`([^`]+)`", row[-1])
        if len(row) < 3 or found is None or not re.match(r'["\[\dtf](?!defaults)', found[1]) or found[1] == '"Done"':
            continue
        default = model.model_fields[_coded(row[0])].default
        wanted = list(default) if isinstance(default, tuple) else default
        assert tomllib.loads(f"x = {found[1]}")["x"] == wanted, row


def test_the_page_has_every_table_of_a_file() -> None:
    headings = {heading.strip("`[]").split(".")[0] for heading, _ in TABLES}
    assert set(Framework.model_fields) <= headings


def test_the_page_has_the_small_tables_in_curly_brackets() -> None:
    rows = {(_coded(row[0]), _coded(row[1])) for row in _rows("Small tables in curly brackets", "where")}
    models: dict[str, type[BaseModel]] = {"or_opened": Opening, "issue": Issue, "repeat": Repeat}
    assert rows == {(name, key) for name, model in models.items() for key in model.model_fields}


def test_the_page_has_every_verb_with_its_event() -> None:
    assert {_coded(row[0]): _coded(row[1]) for row in _rows("Verbs and events", "verb")} == {
        verb: EVENTS[verb] for verb in VERBS
    }


def test_the_page_has_every_event_that_no_verb_records_under_its_own_name() -> None:
    by_verbs = {EVENTS[verb] for verb in VERBS}
    assert set(_first("Verbs and events", "event")) == KINDS_OF_EVENT - by_verbs
    assert set(SYSTEM) <= KINDS_OF_EVENT - by_verbs


@pytest.mark.parametrize(
    ("heading", "header", "words"),
    [
        ("Targets", "target", TARGETS),
        ("Conditions", "key", frozenset(Condition.model_fields)),
        ("Conditions", "fact", FACTS),
        ("Placeholders", "placeholder", frozenset(f"{{{name}}}" for name in PLACEHOLDERS)),
        ("Duty keys that all councils share", "key", REPORTED),
        ("Keys with a card of their own", "key", frozenset({*ASKS, "complete_audit"})),
        ("Part 3: Rehearsals", "key", frozenset(Script.model_fields)),
        ("Part 3: Rehearsals", "do", frozenset({"open_cycle", "allocate", "leave", "theme", "sign_off_theme"})),
    ],
)
def test_the_page_has_every_word_and_no_other(heading: str, header: str, words: frozenset[str]) -> None:
    assert set(_first(heading, header)) == set(words)


def test_the_page_has_every_field_of_a_rehearsal_and_of_its_timeline() -> None:
    said = _first("Part 3: Rehearsals", "field")
    assert set(said) == {*ScriptStep.model_fields, *Line(at="", what="", not_before="x").to_json()}
    for model in (ScriptAction, ScriptCase):
        for field in model.model_fields:
            assert f"`{field}`" in _part("Part 3: Rehearsals")


def test_the_fields_that_a_verb_takes_are_fields_of_a_step() -> None:
    for row in _rows("Verbs and events", "verb"):
        for field in re.findall(r"`([a-z_]+)(?:: [^`]+)?`", row[3]):
            assert field in ScriptStep.model_fields, row


def test_the_page_has_the_kinds_of_audit_and_the_plans() -> None:
    assert re.findall(r"`([a-z]+)`", _part("`[limits.KIND]`").strip().split("\n\n")[0]) == list(KINDS)
    plans = next(row for row in _rows("Conditions", "key") if row[0] == "`plan`")
    assert re.findall(r"`([A-Z]+)`", plans[1]) == list(PLANS)


def test_the_page_has_the_units_of_offsets() -> None:
    rows = _rows("Offsets", "unit")
    for row in rows:
        assert parse_offset(tomllib.loads(f"x = {_coded(row[2])}")["x"])
        assert _coded(row[2]).endswith(f'{_coded(row[0])}"')
    with pytest.raises(ValueError, match="units: ") as refused:
        parse_offset("1y")
    assert len(rows) == len(re.findall(r"[,:] (min|wd|h|d|w|m)\b", str(refused.value)))


def test_the_dates_on_the_page_can_be_read() -> None:
    read = 0
    for row in _rows("The date language", "form"):
        for words in re.findall(r"`([^`]+)`", row[1]):
            read += bool(parse_rule(words))
    assert read > 14
    for words in re.findall(r"`((?:within|on the|by) [a-z0-9 ]+ at \d\d:\d\d|within 1?[0-9] [a-z]+)`", PAGE):
        assert parse_rule(words)


def test_the_example_of_a_date_is_counted_as_the_page_says() -> None:
    calendar = WorkCalendar()
    start = calendar.moment(date(2026, 5, 11), time(9, 0))
    found = parse_rule("within 2 weeks").resolve(start, Cycle.parse("2026-05"), calendar)
    nominal, effective = (calendar.local(moment) for moment in (found.nominal, found.effective))
    assert f"Nominal: {day_words(nominal.date())[:-5]} at {nominal:%H:%M}" in PAGE
    assert f"Effective: {day_words(effective.date())[:-5]} at {effective:%H:%M}" in PAGE
    assert [nominal, effective] == [datetime(2026, 5, day, 23, 59, tzinfo=calendar.zone) for day in (25, 22)]


def test_the_tables_of_everyday_are_what_everyday_has() -> None:
    page = _part("What *everyday* brings")

    def ladder(rungs: list[dict[str, Any]]) -> str:
        said = (f"{one['at']} {', '.join(one['to'])}" + (f" ({one['what']})" if "what" in one else "") for one in rungs)
        return "; ".join(said) or "none"

    for key, duty in EVERYDAY["duties"].items():
        opened = [*duty["opened_by"], *(event for way in duty.get("or_opened", []) for event in way["opened_by"])]
        cells = (
            f"`{key}`",
            duty["title"],
            ", ".join(opened),
            ", ".join(duty.get("per_owner", [duty["owner"]])),
            duty["due"],
            (", ".join(duty["nudge"]) or "none") if "nudge" in duty else "the default",
            ladder(duty["ladder"]) if "ladder" in duty else "the default",
            ", ".join(duty["closed_by"]),
        )
        assert f"| {' | '.join(cells)} |" in page
    for key, notice in EVERYDAY["notices"].items():
        assert f"| `{key}` | {notice['title']} | {', '.join(notice['on'])} | {', '.join(notice['to'])} |" in page
    for key, verb in EVERYDAY["verbs"].items():
        after, needs = (", ".join(verb.get(term, [])) or "–" for term in ("after", "needs"))
        assert f"| `{key}` | {', '.join(verb['by'])} | {after} | {needs} |" in page
    for table, header in (("duties", "duty"), ("notices", "notice"), ("verbs", "verb")):
        assert _first("What *everyday* brings", header) == list(EVERYDAY[table])


def test_what_the_tables_of_everyday_leave_out_is_said_below_them() -> None:
    said = _part("What *everyday* brings")
    shown = {"title", "ask", "opened_by", "or_opened", "owner", "per_owner", "due", "nudge", "ladder", "closed_by"}
    for key, duty in EVERYDAY["duties"].items():
        if set(duty) - shown - {"place", "local"}:
            assert f"`{key}`" in said.split("What the tables don't show")[1], key


# What check finds: a mistake for every line of that table.

OWN = 'duties.own = {{title = "O", ask = "P", opened_by = ["submitted"], owner = "hos", due = "within 5 days", closed_by = ["overseen", "withdrawn"], place = "p"{more}}}\nverbs.oversee = {{label = "read it", by = ["hos"]}}'  # noqa: E501
FAULTS = {
    "there is no such key": 'duties.accept.titel = "x"',
    "the key is missing": 'roles.boss.reports_to = "hos"',
    "Text goes in quotes": "duties.accept.due = 3",
    "this is not valid TOML": None,
    "nobody is called": 'duties.accept.owner = "boss"',
    "there is no event": 'duties.accept.closed_by = ["accept"]',
    "there is no verb": 'verbs.read = {label = "read it", by = ["hos"]}',
    "there is no duty": 'verbs.accept.waits_for = ["nothing"]',
    "there is no grade": 'duties.dispute.when = {grade = ["poor"]}',
    "there is no setting": 'duties.dispute.when = {setting = {reading = "strict"}}',
    "is not one of the choices": 'settings.reading = {value = "x", choices = ["y"], about = "z"}',
    "departs from what the rules state": (
        'settings.reading = {value = "x", default = "y", choices = ["x", "y"], about = "z"}'
    ),
    "is not a date that frameworks can use": 'duties.accept.due = "soon"',
    "not every month has a day": 'duties.complete_audit.due = "by day 31 of the cycle"',
    "is not an offset": 'duties.accept.nudge = ["-3 wd"]',
    "a nudge comes before the due day": 'duties.accept.nudge = ["+3wd"]',
    "the ladder runs backwards": 'duties.accept.ladder = [{at = "+5wd", to = ["qa"]}, {at = "+2wd", to = ["hos"]}]',
    "nothing closes this duty": 'duties.accept.closed_by = ["reflected"]',
    "nothing opens this duty": 'duties.accept.opened_by = ["reflected"]',
    "answers only": 'duties.accept.closed_by = ["resolved"]',
    "names no action": "duties.accept.per_action = true",
    "nothing sends this notice": 'notices.extended.on = ["reflected"]',
    "waits for itself": 'verbs.accept.needs = ["accepted"]',
    "can only come after": 'verbs.accept.needs = ["held"]\nverbs.hold.needs = ["accepted"]',
    "this never holds": OWN.format(
        more=', when = {good_grade = true}, variants = [{when = {grade = ["inadequate"]}, owner = "qa_officer"}]'
    ),
    "no session need be booked": 'duties.accept.due = "at the session"',
    "would be missed": 'notices.extended.no_later_than = "by 12:00 the next day"',
    "what is kept back could never be let go": "moderation.hold = true",
    "no duty follows": 'moderation = {draw_at = "on the last day of the cycle", share = 10}',
    "nothing is known to put in the place of": 'notices.extended.text = "Dear {name}"',
    "no role has qa = true": "roles.qa_officer.qa = false",
    "report in a circle": 'roles.hos.reports_to = "team_manager"',
    "means the role": 'roles.hos.aliases = ["auditor"]',
    "a safety concern would alert nobody": 'about.leave_out = ["duties.acknowledge_alert"]',
    "This stands in everyday": 'about.leave_out = ["verbs.resolve"]',
}


def test_every_line_about_what_check_finds_has_its_mistake_here() -> None:
    assert [row[0] for row in _rows("What `check` finds", "it says")] == list(FAULTS)


@pytest.mark.parametrize("words", FAULTS)
def test_check_says_what_the_page_has_it_say(words: str) -> None:
    mistake = FAULTS[words]
    start = Block("toml", mistake or "", "into", "start")
    text = _laid_over(start) if mistake is not None else '[about]\nname = "x'
    with pytest.raises(FrameworkError) as refused:
        parse_framework(text, "my_council.toml")
    assert words in str(refused.value)


# Ways to the page, and within it


def test_readme_and_the_page_on_how_it_works_lead_here() -> None:
    assert "(docs/write-your-own-framework.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(write-your-own-framework.md)" in (ROOT / "docs" / "how-it-works.md").read_text("utf-8")


def test_links_on_the_page_lead_somewhere() -> None:
    text = _without_blocks()
    anchors = {
        re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (ROOT / "docs" / target).exists(), target
