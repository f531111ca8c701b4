"""The demonstration opened to Microsoft's Agents Playground: the desk and Teams side by side, for five people."""

import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from audits.frameworks import framework_named, shipped
from audits.people import Person
from bot.demonstration.playgrounds import open_playgrounds
from bot.demonstration.prepare import prepare
from bot.demonstration.sittings import SETTINGS, Sitting, choose
from bot.program import Program
from storage.tables import OutboxRow
from tests.bot.conftest import TODAY, program_after
from tests.teams.conftest import title_of
from tests.teams.connector import Connector
from tests.teams.people import Person as Client

START = re.compile(
    r"cd (?P<folder>\S+) && npx @microsoft/m365agentsplayground@0\.2\.28 start --app-endpoint (?P<url>\S+)"
)


@dataclass
class Demonstration:
    """The demonstration at work. `said` is what it told on the terminal."""

    program: Program
    teams: Connector
    said: list[str]
    sittings: list[Sitting]

    def client(self, sitting: Sitting) -> Client:
        """Somebody's client of Teams, which they have not opened yet."""
        return self.teams.person(sitting.person.name, sitting.person.email, installed=False)

    async def states(self) -> list[str]:
        """What became of every message that there was so far."""
        async with self.program.store.begin() as tx:
            return list(await tx.session.scalars(select(OutboxRow.state)))

    async def on_the_desk(self, person: Person) -> list[str]:
        letters, _ = await self.program.inbox(person.id)
        return [one.card.title for one in letters]


@pytest.fixture
async def demonstration(month_gone_out: tuple[Path, datetime], tmp_path: Path) -> AsyncIterator[Demonstration]:
    async with AsyncExitStack() as stack:
        teams = await stack.enter_async_context(Connector(checks_bearer=False))
        program = program_after(month_gone_out, tmp_path)
        stack.push_async_callback(program.store.close)
        said: list[str] = []
        program = await open_playgrounds(stack, program, 0, tmp_path / "playgrounds", said.append)
        sittings, _ = await choose(program)
        found = next(filter(None, map(START.search, said)))
        teams.bot_url = found["url"]
        yield Demonstration(program, teams, said, sittings)


async def until(demonstration: Demonstration, client: Client, *titles: str) -> None:
    """Wait until these cards, in whatever order, stand in somebody's chat, and no others."""

    def shown() -> list[str]:
        return sorted(map(title_of, client.chat.cards()))

    await demonstration.teams.until(lambda: len(shown()) >= len(titles))
    assert shown() == sorted(titles)


def parts(demonstration: Demonstration) -> dict[str, Sitting]:
    return {sitting.part.partition(" ")[0]: sitting for sitting in demonstration.sittings}


async def test_what_waits_on_the_desk_is_brought_to_somebody_at_their_first_visit_only(
    demonstration: Demonstration,
) -> None:
    auditor = parts(demonstration)["audits"]
    waiting = await demonstration.on_the_desk(auditor.person)
    assert len(waiting) == 2
    client = demonstration.client(auditor)
    await client.installs()
    greeting = f"Hello {auditor.person.name.split()[0]}, this is auditloop"
    await demonstration.program.beat()
    await until(demonstration, client, greeting, *waiting)
    assert sorted(await demonstration.on_the_desk(auditor.person)) == sorted(waiting)
    await client.installs()
    await demonstration.program.beat()
    await until(demonstration, client, greeting, *waiting)


async def test_what_follows_goes_to_teams_and_to_the_desk_and_to_others_on_the_desk_alone(
    demonstration: Demonstration,
) -> None:
    auditor, practitioner = parts(demonstration)["audits"], parts(demonstration)["the"]
    client = demonstration.client(auditor)
    await client.installs()
    await demonstration.program.beat()
    asked = next(one for one in client.chat.now() if one.card and title_of(one.card).startswith("Your audit for"))
    await client.presses(asked, "accept")
    await demonstration.program.beat()
    await demonstration.teams.until(lambda: title_of(asked.card or {}).startswith("You took this audit"))
    booking = next(title for title in map(title_of, client.chat.cards()) if title.startswith("When could you talk"))
    assert booking in await demonstration.on_the_desk(auditor.person)
    assert any(title.startswith("You took this audit") for title in await demonstration.on_the_desk(auditor.person))
    assert await demonstration.on_the_desk(practitioner.person) == ["An audit of your work with this child"]
    other = demonstration.client(practitioner)
    assert other.chat.cards() == []


async def test_a_playground_that_was_closed_leaves_everything_on_the_desk(demonstration: Demonstration) -> None:
    auditor = parts(demonstration)["audits"]
    client = demonstration.client(auditor)
    await client.installs()
    await demonstration.program.beat()
    client.blocks()
    before = await demonstration.states()
    await demonstration.program.move_to(await demonstration.program.month_end())
    after = await demonstration.states()
    assert len(after) > len(before)
    assert set(after) <= {"sent", "superseded"}


@pytest.mark.parametrize("name", shipped())
async def test_every_framework_has_five_people_with_a_part_in_one_audit(tmp_path: Path, name: str) -> None:
    program = await prepare(framework_named(name), tmp_path, TODAY, 7, lambda _: None)
    try:
        sittings, others = await choose(program)
    finally:
        await program.store.close()
    assert len({one.person.id for one in sittings}) == 5
    assert [one.part.split()[0] for one in sittings[:4]] == ["audits", "the", "hears", "moderates"]
    assert sittings[4].part == "asks how things stand"
    assert others


async def test_each_of_the_five_has_a_folder_in_which_they_are_the_one_who_sits_there(
    demonstration: Demonstration,
) -> None:
    found = [match for match in map(START.search, demonstration.said) if match]
    assert len(found) == 5
    for sitting, match in zip(demonstration.sittings, found, strict=True):
        settings: dict[str, Any] = yaml.safe_load((Path(match["folder"]) / SETTINGS).read_text("utf-8"))
        assert settings["currentUser"]["email"] == sitting.person.email
        users = settings["users"]
        assert len(users) == 5
        ids = {one["id"] for one in (settings["currentUser"], *users)}
        assert len(ids) == 6
        assert {one.person.email for one in demonstration.sittings if one is not sitting} <= {
            one["email"] for one in users
        }
    assert any("listens on every network of this computer" in line for line in demonstration.said)
    assert any("loopback.cjs" in line for line in demonstration.said)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield int(one.getsockname()[1])


async def test_where_the_port_is_taken_the_next_free_one_is_used(
    month_gone_out: tuple[Path, datetime], tmp_path: Path
) -> None:
    said: list[str] = []
    async with AsyncExitStack() as stack:
        port = stack.enter_context(taken_port())
        program = program_after(month_gone_out, tmp_path)
        stack.push_async_callback(program.store.close)
        await open_playgrounds(stack, program, port, tmp_path / "playgrounds", said.append)
    addresses = {match["url"] for match in map(START.search, said) if match}
    assert len(addresses) == 1
    assert f":{port}/" not in addresses.pop()
