"""A rehearsal file with a mistake in it: the error names the place, and what to write where that isn't plain."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audits.reading import FrameworkError
from bot.rehearsal import playing
from bot.rehearsal.playing import play
from bot.rehearsal.script import RehearsalError, read_script
from bot.rehearsal.timeline import timeline
from storage.database import open_database

HEAD = "framework: southampton\nstart: 2026-03-03T09:00\nuntil: 2026-03-31T18:00\n"
ALLOCATED = f"{HEAD}steps:\n  - {{at: 2026-03-03T09:00, do: allocate, case: S-1}}\n"


def _file(folder: Path, text: str) -> Path:
    path = folder / "spring.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(autouse=True)
async def _nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Closes the database of a rehearsal that breaks off half-way, which nobody else has in hand."""
    opened: list[AsyncEngine] = []

    def opening(url: str) -> AsyncEngine:
        opened.append(open_database(url))
        return opened[-1]

    monkeypatch.setattr(playing, "open_database", opening)
    yield
    for database in opened:
        await database.dispose()


async def _lines(folder: Path, text: str) -> list[dict[str, Any]]:
    stage = await play(*read_script(_file(folder, text)))
    try:
        return [line.to_json() for line in await timeline(stage)]
    finally:
        await stage.store.close()


async def _error(folder: Path, text: str) -> str:
    with pytest.raises((RehearsalError, FrameworkError)) as caught:
        await _lines(folder, text)
    return str(caught.value)


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match=r"^winter\.yaml can't be read"):
        read_script(tmp_path / "winter.yaml")


async def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "spring.yaml"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(RehearsalError, match=r"^spring\.yaml is not a text file"):
        read_script(path)


@pytest.mark.parametrize("text", ["framework: [southampton\nsteps: }", "framework:\tsouthampton\n\tstart: now"])
async def test_what_is_not_yaml_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    error = await _error(tmp_path, text)
    assert error.startswith("spring.yaml is not valid YAML")
    assert "line 1" in error


@pytest.mark.parametrize("text", ["", "- allocate\n- accept", "Once upon a time"])
async def test_a_file_that_is_no_rehearsal_says_how_one_begins(tmp_path: Path, text: str) -> None:
    assert await _error(tmp_path, text) == "spring.yaml: a rehearsal begins with framework, start, until and steps."


@pytest.mark.parametrize("key", ["framework", "start", "until"])
async def test_what_is_missing_at_the_top_is_named(tmp_path: Path, key: str) -> None:
    text = "".join(f"{line}\n" for line in HEAD.splitlines() if not line.startswith(key))
    assert (await _error(tmp_path, text)).startswith(f"spring.yaml: {key}: ")


async def test_a_framework_that_nobody_has_is_answered_with_those_there_are(tmp_path: Path) -> None:
    error = await _error(tmp_path, HEAD.replace("southampton", "atlantis"))
    assert "'atlantis'" in error
    assert "southampton" in error


async def test_a_framework_may_be_a_file_beside_the_rehearsal(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "audits" / "frameworks" / "southampton.toml"
    (tmp_path / "ours.toml").write_text(shipped.read_text("utf-8"), "utf-8")
    lines = await _lines(tmp_path, ALLOCATED.replace("framework: southampton", "framework: ours.toml"))
    assert lines[0]["at"] == "2026-03-03T09:00"


async def test_an_end_before_the_start_is_refused(tmp_path: Path) -> None:
    error = await _error(tmp_path, HEAD.replace("2026-03-31", "2026-02-28"))
    assert error == "spring.yaml: until lies before start."


async def test_a_step_before_the_start_is_named(tmp_path: Path) -> None:
    error = await _error(tmp_path, ALLOCATED + "  - {at: 2026-03-03T08:59, do: accept, case: S-1}")
    assert "step 2: 2026-03-03T08:59 lies before the start" in error


@pytest.mark.parametrize("offset", ["Z", "+00:00", "+01:00"])
async def test_a_time_with_an_offset_is_refused(tmp_path: Path, offset: str) -> None:
    error = await _error(tmp_path, ALLOCATED.replace("at: 2026-03-03T09:00", f"at: 2026-03-03T09:00:00{offset}"))
    assert error.startswith("spring.yaml: step 1, at: ")
    assert "without an offset: write 2026-03-30T15:00" in error


@pytest.mark.parametrize("at", ["2026-02-30T10:00", "tomorrow", "2026-03-03T25:00", "[]", "yes"])
async def test_a_time_that_is_none_is_named(tmp_path: Path, at: str) -> None:
    error = await _error(tmp_path, ALLOCATED + f"  - {{at: {at}, do: accept, case: S-1}}")
    assert error.startswith("spring.yaml: step 2, at: ")


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("{do: accept, case: S-1}", "step 2, at: "),
        ("{at: 2026-03-03T10:00, case: S-1}", "step 2, do: "),
        ("{at: 2026-03-03T10:00, do: submit, case: S-1, grad: good}", "step 2, grad: there is no such field"),
        ("{at: 2026-03-03T10:00, do: submit, case: S-1, action: first}", "step 2, action: "),
        ("{at: 2026-03-03T10:00, do: submit, case: S-1, safety: perhaps}", "step 2, safety: "),
        ("{at: 2026-03-03T10:00, do: submit, case: S-1, actions: [{owner: tm}]}", "step 2, actions, 0, what: "),
        ("accept", "step 2: "),
    ],
)
async def test_a_field_that_is_wrong_is_named_with_its_step(tmp_path: Path, step: str, place: str) -> None:
    assert (await _error(tmp_path, f"{ALLOCATED}  - {step}")).startswith(f"spring.yaml: {place}")


async def test_every_mistake_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    text = ALLOCATED + "  - {do: accept, case: S-1}\n  - {at: 2026-03-03T11:00, do: hold, case: S-1, were: there}"
    error = await _error(tmp_path, f"{text}\nstep: []")
    assert "step 2, at: " in error
    assert "step 3, were: there is no such field" in error
    assert "step: there is no such field" in error


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("cast: {wizard: Merlin}", ["cast", "'wizard'", "service_lead", "case_holder"]),
        ("unreachable: [Merlin]", ["unreachable", "'Merlin'", "service_lead"]),
        ("cases: [{plan: CP}]", ["cases", "ref"]),
        ("steps:\n  - {at: 2026-03-03T10:00, do: allocate, case: S-1, to: Merlin}", ["step 1", "'Merlin'"]),
        ("steps:\n  - {at: 2026-03-03T10:00, do: open_cycle, cycle: 2026-13}", ["step 1", "2026-13", "as in 2026-03"]),
        ("steps:\n  - {at: 2026-03-03T10:00, do: open_cycle, cycle: March}", ["step 1", "March", "as in 2026-03"]),
        ("steps:\n  - {at: 2026-03-03T10:00, do: leave, by: auditor}", ["step 1", "until: 2026-04-10"]),
        ("settings: {dance: {nudge: ['-1wd']}}", ["settings", "'dance'", "complete_audit"]),
        ("settings: {complete_audit: {nudge: ['3 days before']}}", ["settings", "complete_audit", "as in -10wd"]),
        ("settings: {complete_audit: {nudge: ['+3wd']}}", ["settings", "complete_audit", "-3wd"]),
        ("settings: {complete_audit: {owner: hos}}", ["settings", "complete_audit.owner", "nudge"]),
        ("settings: {further_update_from: whenever}", ["settings", "further_update_from", "escalation, first_update"]),
    ],
)
async def test_a_name_that_nothing_has_is_answered_with_the_right_ones(
    tmp_path: Path, rest: str, words: list[str]
) -> None:
    error = await _error(tmp_path, HEAD + rest)
    assert [word for word in words if word not in error] == [], error


async def test_what_the_framework_says_itself_is_no_setting(tmp_path: Path) -> None:
    error = await _error(tmp_path, HEAD + "settings: {complete_audit: {due: by day 20 of the cycle}}")
    assert "complete_audit.due is the framework's own text" in error


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("by: Merlin, do: accept, case: S-1", "nobody here is called 'Merlin'"),
        (
            "do: submit, case: S-1, grade: good, actions: [{what: Ring, owner: Merlin}]",
            "nobody here is called 'Merlin'",
        ),
        ("do: accept", "accept needs a case"),
        ("by: qa_unit, do: reassign, case: S-1", "reassign needs to"),
    ],
)
async def test_a_step_that_makes_no_sense_is_named(tmp_path: Path, step: str, words: str) -> None:
    error = await _error(tmp_path, f"{ALLOCATED}  - {{at: 2026-03-03T10:00, {step}}}")
    assert f"step 2: {words}" in error


async def test_a_role_that_is_vacant_cannot_act(tmp_path: Path) -> None:
    text = f"{ALLOCATED}  - {{at: 2026-03-03T10:00, by: service_lead, do: oversee, case: S-1}}"
    error = await _error(tmp_path, f"{text}\ncast: {{service_lead: null}}")
    assert "step 2: nobody holds the role service_lead in this cast" in error


async def test_a_verb_that_the_framework_lacks_is_refused_in_the_timeline(tmp_path: Path) -> None:
    lines = await _lines(tmp_path, f"{ALLOCATED}  - {{at: 2026-03-03T10:00, do: dance, case: S-1}}")
    refused = [line for line in lines if line["what"] == "refused"]
    assert [(line["at"], line["case"]) for line in refused] == [("2026-03-03T10:00", "S-1")]
    assert "has no step called dance. It has: accept, decline, book" in refused[0]["text"]


async def test_steps_are_played_in_order_of_time_whatever_their_order_in_the_file(tmp_path: Path) -> None:
    text = f"{HEAD}steps:\n  - {{at: 2026-03-04T10:00, by: auditor, do: accept, case: S-1}}\n"
    lines = await _lines(tmp_path, f"{text}  - {{at: 2026-03-03T10:00, do: allocate, case: S-1}}")
    assert not [line for line in lines if line["what"] == "refused"]
    assert [line["at"] for line in lines if (line["what"], line["duty"]) == ("closed", "accept")] == [
        "2026-03-04T10:00"
    ]


async def test_a_rehearsal_without_steps_has_an_empty_timeline(tmp_path: Path) -> None:
    assert await _lines(tmp_path, HEAD) == []


async def test_roles_are_known_by_key_label_alias_and_name_whatever_their_capitals(tmp_path: Path) -> None:
    names = ("manager", "Manager (Auditor)", "AUDITOR", "team manager", "priya", "PRIYA")
    text = f"{HEAD}cast: {{auditor: Priya}}\nsteps:\n"
    for number, name in enumerate(names):
        text += f"  - {{at: 2026-03-03T09:00, do: allocate, case: S-{number}}}\n"
        text += f'  - {{at: 2026-03-03T10:00, by: "{name}", do: accept, case: S-{number}}}\n'
    lines = await _lines(tmp_path, text)
    accepted = [line for line in lines if (line["what"], line["duty"]) == ("closed", "accept")]
    assert sorted(line["case"] for line in accepted) == [f"S-{number}" for number in range(len(names))]


async def test_each_of_several_owners_is_told_for_themselves(tmp_path: Path) -> None:
    """A duty that ends once its owner was told, asked of two people, ends for each of them."""
    council = (Path(__file__).parents[2] / "docs" / "examples" / "riverton.toml").read_text("utf-8")
    told = 'closed_by = ["told", "withdrawn"]'
    assert council.count(told) == 1
    two = council.replace(told, f'per_owner = ["practice_lead", "head_of_practice"]\n{told}')
    (tmp_path / "two.toml").write_text(two, "utf-8")
    text = (
        "framework: two.toml\nstart: 2026-03-16T09:00\nuntil: 2026-03-31T18:00\nsteps:\n"
        "  - {at: 2026-03-19T10:00, do: allocate, case: R-1}\n"
        "  - {at: 2026-03-20T10:00, by: peer, do: accept, case: R-1}\n"
        "  - {at: 2026-03-23T10:00, by: family_worker, do: self_assess, case: R-1}\n"
        "  - {at: 2026-03-26T19:30, by: peer, do: submit, case: R-1, grade: fragile}\n"
    )
    stage = await play(*read_script(_file(tmp_path, text)))
    try:
        lines = [line for line in await timeline(stage) if line.duty == "share_audit"]
    finally:
        await stage.store.close()
    assert [line.at for line in lines if line.what == "opened"] == ["2026-03-26T19:30"] * 2
    assert [line.at for line in lines if line.what == "closed"] == ["2026-03-26T19:30"] * 2
    assert {line.at for line in lines if line.what == "escalation"} == {"2026-03-26T19:30"}
