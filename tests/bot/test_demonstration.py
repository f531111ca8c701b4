"""The demonstration's own service: made up, imported and drawn in the ordinary way."""

from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from audits.framework import Framework, Role
from audits.frameworks import framework_named, shipped
from bot.demonstration.people import ASSESSMENT, Colleague, colleagues, write_people
from bot.demonstration.prepare import CASES, DATABASE, prepare
from bot.demonstration.workbook import write_case_list
from bot.program import Program
from storage.imports import read_cases, read_people
from storage.tables import AuditRow, CaseRow, CycleRow
from tests.bot.conftest import SOUTHAMPTON, TODAY, program_after

EVERY_FRAMEWORK = [pytest.param(framework_named(name), id=name) for name in shipped()]


def within(folder: Path, name: str) -> Path:
    inner = folder / name
    inner.mkdir()
    return inner


async def prepared(folder: Path, *, framework: Framework = SOUTHAMPTON, seed: int = 7) -> tuple[Program, list[str]]:
    said: list[str] = []
    return await prepare(framework, folder, TODAY, seed, said.append), said


async def drawn(program: Program) -> list[tuple[int | None, str]]:
    async with program.store.begin() as tx:
        rows = await tx.session.execute(
            select(AuditRow.auditor_id, CaseRow.ref).join(CaseRow, CaseRow.id == AuditRow.case_id).order_by(AuditRow.id)
        )
        return [(auditor, ref) for auditor, ref in rows]


def bytes_of(folder: Path) -> bytes:
    """The database and whatever SQLite keeps beside it."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{DATABASE}*")))


def born(case_list: Path) -> list[date]:
    book = load_workbook(case_list, read_only=True)
    rows = book["List 6"].iter_rows(min_row=2, values_only=True)
    at = next(rows).index("Date of Birth")
    found = [birth.date() for row in rows if isinstance(birth := row[at], datetime)]
    book.close()
    return found


def manager_of(people: tuple[Colleague, ...], person: Colleague) -> Colleague | None:
    return next((one for one in people if one.email == person.manager_email), None)


@pytest.mark.parametrize("framework", EVERY_FRAMEWORK)
async def test_every_auditor_has_a_card_or_the_reason_why_not(tmp_path: Path, framework: Framework) -> None:
    program, said = await prepared(tmp_path, framework=framework)
    async with program.store.begin() as tx:
        auditors = [one for role in framework.auditor_roles for one in tx.directory.holders(role)]
        unfilled = {
            entry["auditor"] for cycle in await tx.session.scalars(select(CycleRow)) for entry in cycle.unfilled
        }
    assert auditors
    with_a_case = dict(await drawn(program))
    for auditor in auditors:
        letters, _ = await program.inbox(auditor.id)
        if auditor.id in unfilled:
            assert any(line.startswith(f"{auditor.name} has no audit.") for line in said)
        else:
            assert any(with_a_case[auditor.id] in letter.card.title for letter in letters)
    assert with_a_case
    await program.store.close()


async def test_the_list_of_this_month_has_just_gone_out(tmp_path: Path) -> None:
    program, said = await prepared(tmp_path)
    assert program.demonstration
    assert program.calendar.local(program.now()).isoformat() == "2026-03-03T09:00:00+00:00"
    assert len(await program.people()) == 29
    assert "Importing them: 29 people, 271 open cases; 29 closed ones left out." in said
    assert "Drawing March 2026 at random (seed 7): 6 audits." in said
    assert not any(line.startswith("Please note") for line in said)
    await program.store.close()


async def test_no_date_of_birth_gets_into_the_database(tmp_path: Path) -> None:
    program, _ = await prepared(tmp_path)
    await program.store.close()
    stored = bytes_of(tmp_path)
    days = born(tmp_path / CASES)
    assert len(days) > 250
    assert b"Larkspur" in stored
    for day in days:
        for written in (day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%Y%m%d}"):
            assert written.encode() not in stored


async def test_the_same_seed_gives_the_same_draw_and_another_seed_another(tmp_path: Path) -> None:
    draws = []
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        program, _ = await prepared(within(tmp_path, name), seed=seed)
        draws.append(await drawn(program))
        await program.store.close()
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


async def test_nobody_audits_a_case_held_in_their_own_line_or_in_another_area(
    month_gone_out: tuple[Path, datetime], tmp_path: Path
) -> None:
    program = program_after(month_gone_out, tmp_path)
    pairs = await drawn(program)
    async with program.store.begin() as tx:
        for auditor_id, ref in pairs:
            case = await tx.session.scalar(select(CaseRow).where(CaseRow.ref == ref))
            assert case is not None
            auditor, holder = tx.directory.get(auditor_id), tx.directory.get(case.holder_id)
            assert auditor is not None
            assert holder is not None
            assert auditor not in tx.directory.line_of(holder)
            assert auditor.service_area == case.service_area
    await program.store.close()


@pytest.mark.parametrize("framework", EVERY_FRAMEWORK)
def test_every_role_of_a_framework_has_a_holder_with_a_manager_above(tmp_path: Path, framework: Framework) -> None:
    people = colleagues(framework)
    assert {one.role for one in people} == {key for key, role in framework.roles.items() if not role.one_of}
    assert len({one.email for one in people}) == len(people)
    for person in people:
        above = manager_of(people, person)
        assert (above is None) == (framework.roles[person.role].reports_to is None)
    write_people(tmp_path / "people.csv", people)
    roles = {key: role.label for key, role in framework.roles.items()}
    assert len(read_people(tmp_path / "people.csv", roles=roles).rows) == len(people)


def test_the_line_runs_from_a_practitioner_up_to_the_director() -> None:
    people = colleagues(SOUTHAMPTON)
    person: Colleague | None = next(one for one in people if one.role == "case_holder")
    line = []
    while person is not None:
        line.append(person.role)
        person = manager_of(people, person)
    assert line == ["case_holder", "practice_manager", "service_lead", "hos", "deputy_director", "edcs"]


def test_another_councils_auditor_inside_the_team_is_in_each_team_under_its_own_manager() -> None:
    roles = {
        "worker": Role(label="Worker", reports_to="tm", cases=True),
        "ap": Role(label="Advanced Practitioner", reports_to="tm", audits=True),
        "tm": Role(label="Team Manager", reports_to="hos", audits=True),
        "hos": Role(label="Head of Service", reports_to="director"),
        "director": Role(label="Director", council=True),
        "sqa": Role(label="Quality Assurance Officer", reports_to="director", council=True, qa=True),
    }
    framework = SOUTHAMPTON.model_copy(update={"roles": roles})
    people = colleagues(framework)
    assert sum(one.role == "worker" for one in people) == 3 * 4
    advanced = [one for one in people if one.role == "ap"]
    assert len({one.place.team for one in advanced}) == 4
    for one in advanced:
        above = manager_of(people, one)
        assert above is not None
        assert (above.role, above.place) == ("tm", one.place)


def test_a_service_with_more_people_than_names_still_has_no_namesakes() -> None:
    roles = {f"role_{number}": Role(label=f"Role {number}", council=True) for number in range(200)}
    people = colleagues(SOUTHAMPTON.model_copy(update={"roles": {**SOUTHAMPTON.roles, **roles}}))
    assert len({one.name for one in people}) == len(people) == 229


def test_the_case_list_is_untidy_and_importable(tmp_path: Path) -> None:
    workers = [one for one in colleagues(SOUTHAMPTON) if one.role == "case_holder"]
    write_case_list(tmp_path / "list.xlsx", workers, TODAY, seed=1)
    book = load_workbook(tmp_path / "list.xlsx", read_only=True)
    cells = [cell for row in book["List 6"].values for cell in row]
    book.close()
    assert any(isinstance(cell, str) and "\N{NO-BREAK SPACE}" in cell for cell in cells)
    assert "#N/A" in cells
    assert any(isinstance(cell, float) and not cell.is_integer() for cell in cells)

    found = read_cases(tmp_path / "list.xlsx", workers={one.name: one.email for one in workers})
    assert found.notices == []
    assert sum(found.left_out.values()) == 29
    assert {case.worker_email for case in found.rows} == {one.email for one in workers}
    assert {case.plan for case in found.rows} == {"LAC", "CP", "CIN", "assessment"}
    teams = {one.place.team for one in workers if one.place.area == ASSESSMENT}
    assert {case.team for case in found.rows if case.plan == "assessment"} <= teams
