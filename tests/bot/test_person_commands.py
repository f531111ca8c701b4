"""The commands for a person's own rights, as they are typed."""

import asyncio
import json
import os
import resource
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.commands import app
from bot.faults import UserFault
from bot.opening import open_store
from bot.persons import _written
from bot.settings import Settings, SettingsError, read_settings
from storage.ledger import verify
from storage.retention import Keeping
from storage.tables import LedgerRow, PersonRow

PEOPLE = """Name,Email,Role,Team,Manager,Service area
Alice Ash,alice@example.org,Practitioner,North,bob@example.org,Safeguarding
Alison Ash,alison@example.org,Practitioner,North,bob@example.org,Safeguarding
Bob Birch,bob@example.org,Practice Manager,North,,Safeguarding
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three people in its database."""
    for name in [name for name in os.environ if name.startswith("AUDITLOOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    assert types("import", "people", "people.csv").exit_code == 0
    return tmp_path


def types(*words: str, answers: str = "") -> Result:
    return CliRunner().invoke(app, words, input=answers)


def refused(*words: str, answers: str = "") -> str:
    """What is said where a command is refused."""
    done = types(*words, answers=answers)
    assert isinstance(done.exception, UserFault), done.output
    return str(done.exception)


def in_database() -> tuple[list[PersonRow], list[LedgerRow], bool]:
    """The people, the ledger, and whether its chains hold."""

    async def work() -> tuple[list[PersonRow], list[LedgerRow], bool]:
        from sqlalchemy import select

        async with open_store(Settings()) as store, store.begin() as tx:
            people = list(await tx.session.scalars(select(PersonRow).order_by(PersonRow.id)))
            entries = list(await tx.session.scalars(select(LedgerRow).order_by(LedgerRow.id)))
            return people, entries, not (await verify(tx))[1]

    return asyncio.run(work())


def test_a_name_that_fits_several_or_nobody_is_asked_back(folder: Path) -> None:
    said = refused("person", "export", "Ash")
    assert "“Ash” fits several people. Please write the e-mail address:" in said
    assert "Alice Ash <alice@example.org>, Practitioner" in said
    assert "Alison Ash <alison@example.org>" in said
    assert "Bob" not in said
    assert refused("person", "erase", "Alise Ash") == (
        "Nobody here is called “Alise Ash”. Do you mean Alice Ash or Alison Ash?"
    )
    assert not list(folder.glob("auditloop-person-*"))


def test_an_export_is_two_files_for_this_account_alone(folder: Path) -> None:
    done = types("person", "export", "alice@example.org")
    assert done.exit_code == 0, done.output
    (data,), (text,) = folder.glob("auditloop-person-*.json"), folder.glob("auditloop-person-*.txt")
    assert stat.S_IMODE(data.stat().st_mode) == stat.S_IMODE(text.stat().st_mode) == 0o600
    assert data.name in done.output
    assert text.name in done.output
    found = json.loads(data.read_text("utf-8"))
    assert found["person"]["email"] == "alice@example.org"
    assert found["person"]["manager"] == "somebody else (Practice Manager)"
    words = text.read_text("utf-8")
    assert words.startswith("What auditloop keeps about Alice Ash\n")
    assert "email: alice@example.org" in words
    assert "What you typed and didn't send" in words
    assert "Bob" not in words + data.read_text("utf-8")
    _, entries, holds = in_database()
    assert [(row.kind, row.values.get("person")) for row in entries] == [
        ("people_imported", None),
        ("person_exported", 1),
    ]
    assert holds


def test_an_export_that_cannot_be_written_is_not_recorded(folder: Path) -> None:
    assert "can't be written" in refused("person", "export", "alice@example.org", "--folder", "not-here")
    assert [row.kind for row in in_database()[1]] == ["people_imported"]


def test_nothing_is_left_of_an_export_that_the_disk_has_no_room_for(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserFault, match="can't be written"):
            _written(tmp_path / "export.json", "x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_somebody_is_erased_only_after_they_left_and_after_a_yes(folder: Path) -> None:
    said = refused("person", "erase", "alice@example.org", "--yes")
    assert said.splitlines()[0] == "What is kept about Alice Ash can't be erased now. Nothing was changed."
    assert "- They work here. Once they have left, say so first: auditloop person left NAME" in said

    assert "Alice Ash has left" in types("person", "left", "alice@example.org").output
    assert "has left already" in refused("person", "left", "alice@example.org")
    preview = types("person", "erase", "Alice Ash", "--dry-run")
    assert "This was a preview; nothing was written." in preview.output
    assert "Nothing was erased." in types("person", "erase", "Alice Ash", answers="n\n").output
    people, entries, _ = in_database()
    assert people[0].name == "Alice Ash"
    assert [row.kind for row in entries] == ["people_imported", "person_left"]

    done = types("person", "erase", "Alice Ash", answers="y\n")
    assert done.exit_code == 0, done.output
    assert "Their name becomes “Someone who has left (1)”" in done.output
    people, entries, holds = in_database()
    assert (people[0].name, people[0].email) == ("Someone who has left (1)", "left-1@erased.invalid")
    assert [row.kind for row in entries][-1] == "person_erased"
    assert "Alice" not in json.dumps([row.values for row in entries])
    assert holds
    assert "Nobody here is called" in refused("person", "export", "Alice Ash")
    assert "That was done on" in refused("person", "erase", "left-1@erased.invalid")


def test_how_long_things_are_kept_is_a_setting_with_off(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}).retention.keeping == Keeping(None, None)
    file = tmp_path / "auditloop.toml"
    file.write_text('[retention]\nmonths = 24\nalert_months = "off"\n', encoding="utf-8")
    assert read_settings(tmp_path, {}).retention.keeping == Keeping(24, None)
    assert read_settings(tmp_path, {"AUDITLOOP_RETENTION_MONTHS": "off"}).retention.keeping == Keeping(None, None)
    for wrong in ("0", "-3", "true", '"never"', "1.5"):
        file.write_text(f"[retention]\nmonths = {wrong}\n", encoding="utf-8")
        with pytest.raises(SettingsError, match=r"auditloop\.toml, retention\.months: "):
            read_settings(tmp_path, {})
