"""Slack served over HTTP and in Socket Mode, by itself and beside Teams, and by the program as it is started."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from sqlalchemy import update

from bot.doors import Doors
from bot.faults import UserFault
from bot.settings import TeamsCloud, TeamsSettings
from cards.card import Card
from scheduling.door import Failure, NotDelivered
from storage.contacts import Whereabouts, keep_contact
from storage.tables import OutboxRow
from tests.handlers.conftest import CASE, Founded
from tests.slack import trouble as wrong
from tests.slack.council import ADDRESSES, Opens, Story, parcel
from tests.slack.january import KNOWN_WORDS, LISTED, hello, reached_instead
from tests.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Slack
from tests.slack.story import at_once, modal, unread
from tests.teams.conftest import says
from tests.teams.connector import APP_ID, LOOPBACK, TENANT_ID, Connector
from tests.teams.people import Person
from tests.teams.tokens import Issuer
from tests.teams.trouble import BLOCKED, UNAVAILABLE, Kind

__all__ = ["at_once"]

ROOT = Path(__file__).parents[2]


async def get(address: str, path: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(address + path) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else {}


async def posts(address: str, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.post(address + path, data="x") as answer:
        return answer.status


# ---- one platform


async def test_over_http_slack_is_answered_at_its_path_alone(opens: Opens) -> None:
    async with opens() as story:
        assert story.said == [f"Slack is answered at {story.address}/slack/events."]
        assert (await get(story.address, "/healthz"))[0] == 200
        await story.program.beat()
        assert await get(story.address, "/readyz") == (200, {"ready": True, "wrong": []})
        assert await posts(story.address, "/slack/events") == 401
        assert await posts(story.address, "/api/messages") == 404


async def test_in_socket_mode_nothing_is_posted_and_whoever_watches_is_answered(opens: Opens) -> None:
    async with opens(over_sockets=True) as story:
        assert story.said == ["Slack is listened to in Socket Mode."]
        await story.program.beat()
        assert await get(story.address, "/readyz") == (200, {"ready": True, "wrong": []})
        assert await posts(story.address, "/slack/events") == 404
        await story.people["Carol"].says("help")
        assert await unread(story) == {"Carol": [hello("Carol"), KNOWN_WORDS]}


async def test_the_line_is_opened_anew_whenever_slack_asks_or_it_breaks(opens: Opens) -> None:
    async with opens(over_sockets=True) as story:
        slack = story.slack
        for ever, ends, name in ((2, slack.refreshes_sockets, "Carol"), (3, slack.cuts_sockets, "Alice")):
            await ends()
            await slack.until(lambda ever=ever: slack.sockets.ever == ever and len(slack.sockets.open) == 1)  # type: ignore[misc]
            await story.people[name].says("help")
            assert await unread(story) == {name: [hello(name), KNOWN_WORDS]}


async def test_a_line_that_slack_does_not_give_just_now_is_asked_for_again(opens: Opens) -> None:
    def troubled(slack: Slack) -> None:
        slack.trouble.add(wrong.throttles(1), "apps.connections.open", times=1)

    async with opens(over_sockets=True, begun=troubled) as story:
        await story.slack.until(lambda: story.slack.sockets.open)
        assert len(story.slack.sent("apps.connections.open")) == 2


async def test_a_slack_that_does_not_answer_at_the_start_is_answered_once_it_does(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.serving.FIRST_WAIT", 0.05)
    orders: list[wrong.Order] = []

    def down(slack: Slack) -> None:
        orders.append(slack.trouble.add(wrong.UNAVAILABLE, times=None))

    async with opens(begun=down) as story:
        assert any("Slack: no sign-in. Slack answered status 503." in line for line in story.said)
        status, found = await get(story.address, "/readyz")
        assert (status, "auditloop isn't signed in to Slack" in str(found)) == (503, True)
        assert await posts(story.address, "/slack/events") == 503
        await story.everyone_told()
        assert await story.states("Carol") == {"queued"}
        orders[0].stop()

        async def answered() -> bool:
            return await posts(story.address, "/slack/events") == 401

        await story.eventually(answered)
        await story.people["Carol"].says("help")
        assert await unread(story) == {"Carol": [hello("Carol"), KNOWN_WORDS]}


async def test_a_token_of_another_workspace_is_not_served(opens: Opens) -> None:
    with pytest.raises(UserFault, match=r"slack.team_id is T0OTHER, but slack.bot_token belongs to T0COUNCIL1"):
        async with opens(team_id="T0OTHER"):
            pass


# ---- Teams and Slack side by side


class Both:
    """The service behind both platforms; everybody has Teams and Slack."""

    def __init__(self, story: Story, teams: Connector) -> None:
        self.story, self.teams = story, teams
        self.in_teams: dict[str, Person] = {}

    async def has_opened_teams(self, *names: str) -> None:
        async with self.story.store.begin() as tx:
            for name in names:
                person = self.in_teams[name]
                person.installed = True
                where = Whereabouts(
                    TENANT_ID, person.aad_object_id, person.mri, f"28:{APP_ID}", person.chat.id, self.teams.service_url
                )
                contact = await keep_contact(tx, "teams", self.story.ids[name], where, self.story.clock.now())
                contact.welcomed_at = self.story.clock.now()

    async def told_again(self) -> None:
        """Everything goes out once more."""
        async with self.story.store.begin() as tx:
            await tx.session.execute(update(OutboxRow).values(state="queued", sent_at=None, attempts=0, digest=None))
        await self.story.program.beat()

    def counts(self, name: str) -> tuple[int, int]:
        """How many messages somebody has in Teams and in Slack."""
        return len(self.in_teams[name].chat.now()), len(self.story.people[name].messages())


@asynccontextmanager
async def both_open(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Both]:
    issuer = Issuer()
    async with Connector(issuer=issuer) as teams:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(teams.ca_file))
        cloud = TeamsCloud(
            login_url=teams.login_url, keys_url=teams.keys_url, issuer=issuer.address, service_hosts=(LOOPBACK,)
        )
        terms = TeamsSettings(
            app_id=APP_ID, tenant_id=TENANT_ID, secret=SecretStr(teams.login.secret), cloud=cloud, sends_a_second=50
        )
        async with opens(teams=terms) as story:
            teams.bot_url = f"{story.address}/api/messages"
            both = Both(story, teams)
            for name, member in story.people.items():
                both.in_teams[name] = teams.person(member.name, ADDRESSES[name], installed=False)
            yield both


async def test_both_are_answered_on_one_port(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    async with both_open(opens, monkeypatch) as both:
        address = both.story.address
        assert both.story.said == [
            f"Microsoft Teams is answered at {address}/api/messages.",
            f"Slack is answered at {address}/slack/events.",
        ]
        assert await posts(address, "/api/messages") == 400
        assert await posts(address, "/slack/events") == 401
        await both.story.people["Alice"].says("help")
        assert await unread(both.story) == {"Alice": [hello("Alice"), KNOWN_WORDS]}
        alice = both.in_teams["Alice"]
        await alice.installs()
        await both.teams.until(lambda: any("Hello Alice" in says(card) for card in alice.chat.cards()))


async def test_somebody_is_written_to_where_they_can_be_reached(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """Carol has opened auditloop in Teams, Leo hasn't; Slack finds him by his address."""
    async with both_open(opens, monkeypatch) as both:
        await both.has_opened_teams("Carol")
        await both.story.everyone_told()
        assert both.counts("Carol") == (2, 0)
        assert both.counts("Leo") == (0, 2)
        assert await unread(both.story) == {"Leo": LISTED["Leo"]}
        assert {row.state for row in await both.story.rows()} == {"sent"}


async def test_somebody_is_written_to_where_they_were_seen_last(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    async with both_open(opens, monkeypatch) as both:
        story = both.story
        await both.has_opened_teams("Carol")
        await story.people["Carol"].says("help")
        assert await unread(story) == {"Carol": [hello("Carol"), KNOWN_WORDS]}
        await both.told_again()
        assert both.counts("Carol") == (0, 4)
        assert await unread(story) == LISTED
        await both.in_teams["Carol"].says("help")
        await both.teams.until(lambda: len(both.in_teams["Carol"].chat.now()) == 1)
        await both.told_again()
        assert both.counts("Carol") == (3, 4)
        assert await unread(story) == {"Leo": LISTED["Leo"]}
        # After a new start nobody has been seen so far; people go on getting messages where they got the last ones.
        board = story.program.board
        assert isinstance(board, Doors)
        board.last_seen._platforms.clear()
        await both.told_again()
        assert both.counts("Carol") == (5, 4)
        assert await unread(story) == {"Leo": LISTED["Leo"]}


async def test_whom_one_platform_refuses_for_good_the_other_one_reaches(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both_open(opens, monkeypatch) as both:
        await both.has_opened_teams("Carol")
        both.teams.trouble.add(BLOCKED, person=both.in_teams["Carol"], kind=Kind.SEND, times=None)
        await both.story.everyone_told()
        assert both.counts("Carol") == (0, 2)
        assert await both.story.states("Carol") == {"sent"}
        assert await unread(both.story) == LISTED


async def test_whom_neither_reaches_is_said_for_both(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    async with both_open(opens, monkeypatch) as both:
        both.story.slack.workspace.accounts.remove(both.story.people["Carol"])
        await both.story.everyone_told()
        told = await reached_instead(both.story, "Carol")
        assert "they have not opened auditloop in Teams yet and they have no account in Slack" in told


async def test_what_may_pass_is_waited_for_but_not_by_what_is_urgent(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both_open(opens, monkeypatch) as both:
        story = both.story
        await both.has_opened_teams("Carol")
        board, carol = story.program.board, await story.person("Carol")
        assert isinstance(board, Doors)
        await both.in_teams["Carol"].says("help")
        await both.teams.until(both.in_teams["Carol"].chat.now)
        both.teams.trouble.add(UNAVAILABLE, kind=Kind.SEND, times=None)
        with pytest.raises(NotDelivered) as fault:
            await board.deliver(carol, parcel(Card("A reminder")))
        assert fault.value.failure is Failure.TEMPORARY
        place = await board.deliver(carol, parcel(Card("A safety alert"), urgent=True))
        assert place.platform == "slack"
        assert await unread(story) == {"Carol": ["A safety alert"]}


async def test_what_is_answered_on_one_platform_changes_on_the_other(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both_open(opens, monkeypatch) as both:
        story = both.story
        await both.has_opened_teams("Carol")
        await story.everyone_told()
        message = next(one for one in both.in_teams["Carol"].chat.now() if "Can you take it?" in says(one.card or {}))
        carol = story.people["Carol"]
        await carol.opens_home()
        await story.slack.until(lambda: carol.home is not None)
        await carol.presses("I'll take it")
        await modal(story, carol, "You took this audit")
        await both.teams.until(lambda: "You took this audit" in says(message.card or {}))
        assert await unread(story) == {
            "Alice": ["An audit of your work with this child"],
            "Carol": [f"When could you talk about {CASE}?"],
            "Leo": LISTED["Leo"],
        }
        home = carol.home
        assert home is not None
        assert "Next: Book the discussion" in carol.reads(home)


# ---- the program as it is started


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`auditloop serve` in a folder; the process, and the line in which it says how Slack reaches it."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bot.commands import run; run()",
        "serve",
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield process, line.decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("over_sockets", [False, True], ids=["http", "sockets"])
async def test_the_program_answers_somebody_and_stops_when_it_is_told_to(
    founded: Founded, tmp_path: Path, over_sockets: bool
) -> None:
    shutil.copyfile(founded.path, tmp_path / "auditloop.sqlite3")
    async with Slack(now=time.time) as slack:
        # By the real clock much of January is overdue; none of it is for Mia, and nobody else has an account.
        mia = slack.member("Mia Merlin", ADDRESSES["Mia"])
        how = f'app_token = "{APP_TOKEN}"' if over_sockets else f'signing_secret = "{SIGNING_SECRET}"'
        (tmp_path / "auditloop.toml").write_text(
            f'[web]\nport = 0\n[slack]\nbot_token = "{BOT_TOKEN}"\napi_url = "{slack.api_url}"\n{how}\n', "utf-8"
        )
        async with started(tmp_path) as (process, line):
            if over_sockets:
                # The program says so as well while its line is only on its way.
                await slack.until(lambda: slack.sockets.open, seconds=20)
            else:
                slack.bot_url = line.split()[-1].rstrip(".")
            reply = await mia.says("help")
            assert reply.is_acknowledged
            await slack.until(lambda: len(mia.messages()) == 2, seconds=20)
            process.send_signal(signal.SIGTERM)
            out, err = await asyncio.wait_for(process.communicate(), 20)
            assert process.returncode == 0
            assert out.decode().endswith("Stopped.\n")
            assert "Traceback" not in err.decode()
        assert [text.partition("\n")[0] for text in mia.sees()] == [hello("Mia"), KNOWN_WORDS]
        slack.check()
