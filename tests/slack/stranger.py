"""A Slack that nobody here wrote (npm `emulate`, in tests/clients): strict in its own way, where our fake may err.

What it is strict in: scopes, membership, triggers (one use, three seconds), hashes of views, who wrote a message. What
it doesn't have, and our own fake does: interactions, commands, Socket Mode, limits of blocks, rates. What was seen of
0.12.2, from outside:

- A token that it doesn't know acts as its administrator.
- Everybody is a full member, and active; their ids are its own.
- Its answers have no X-OAuth-Scopes, so nobody can read there what a token may do; nor do they name a bot's app.
- Its events have neither the app's id nor the kind of channel, and are told to everybody who listens.
- A file's words (alt text) are read under another name than Slack's.
"""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.conftest import CLIENTS, NODE

BOT_TOKEN = "xoxb-of-a-stranger"
SIGNING_SECRET = "shared-with-a-stranger"
APP_ID = "A0STRANGE1"
TEAM_ID = "T000000001"
BOT_ID = "B0STRANGE1"
BOT_USER_ID = "U0STRANGE1"
PRIVATE = "qa-unit"
"""A private channel in which all people are, and the bot isn't."""

_PROGRAM = CLIENTS.parent / "slack-emulator.cjs"
_GUARD = CLIENTS.parent / "loopback.cjs"
_OWN_SCOPES = ["chat:write", "files:read", "groups:read", "im:history", "im:read", "im:write", "users:read"]
_TO_START, _TO_STOP = 60, 10


class Unexpected(Exception):
    """The emulator answered with an error; the text is its code."""


@dataclass(frozen=True)
class Stranger:
    """The emulator, open at `url`. Whoever isn't named in a call is the bot."""

    url: str
    session: ClientSession
    log: Path

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def call(self, method: str, *, by: str = "", **given: str) -> dict[str, Any]:
        """What a method answers, to the bot or to one of its people. Raises Unexpected."""
        headers = {"Authorization": f"Bearer {token_of(by) if by else BOT_TOKEN}"}
        async with self.session.post(f"{self.api_url}{method}", data=given, headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
        if not told["ok"]:
            raise Unexpected(told["error"])
        return told

    async def trigger(self, user_id: str, view_id: str = "") -> str:
        """A trigger as a press gives it: good once, and for three seconds."""
        told = await self.call("views.generateTriggerId", user_id=user_id, view_id=view_id)
        return str(told["trigger_id"])

    async def messages(self, channel: str, *, by: str, thread: str = "") -> list[dict[str, Any]]:
        """What one of its people sees in a channel, or in one of its threads, oldest first."""
        if thread:
            told = await self.call("conversations.replies", by=by, channel=channel, ts=thread)
        else:
            told = await self.call("conversations.history", by=by, channel=channel)
        return sorted(told["messages"], key=lambda one: str(one["ts"]))

    async def subscribe(self, url: str) -> None:
        """Have its events sent there."""
        await self._order("subscribe", url=url)

    async def deliveries(self) -> list[tuple[str, int]]:
        """Each event that it sent there, and the HTTP status of the answer."""
        return [(one["event"], one["status"]) for one in await self._order("deliveries")]

    async def forward(self, seconds: float) -> None:
        """Put its clock forward, or back where it is less than nothing."""
        await self._order("forward", seconds=seconds)

    async def views(self, title: str = "") -> list[dict[str, Any]]:
        """The views that were opened or published, as they are now; with a title, only those that have it."""
        found = list((await self._order("views")).values())
        return [view for view in found if not title or (view["title"] or {}).get("text") == title]

    def tried_elsewhere(self) -> list[str]:
        """What it tried to reach beyond this machine, and was refused."""
        return self.log.read_text("utf-8").splitlines() if self.log.exists() else []

    async def _order(self, order: str, **given: object) -> Any:
        async with self.session.post(f"{self.url}/-/{order}", json=given) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)


def token_of(name: str) -> str:
    return f"xoxp-{name}"


def token_without(scope: str) -> str:
    return f"xoxb-without-{scope}"


def address_of(name: str) -> str:
    return f"{name}@example.org"


@asynccontextmanager
async def stranger(folder: Path, people: Sequence[str], scopes: Collection[str]) -> AsyncIterator[Stranger]:
    """Opens an emulator with these people, whose addresses are at example.org, and a bot with these scopes.

    For each scope the bot has one more token, which lacks it.
    """
    assert NODE, "mark this test with @pytest.mark.clients"
    log = folder / "elsewhere.txt"
    with (folder / "errors.txt").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *[NODE, "--no-warnings", "--require", str(_GUARD), str(_PROGRAM), json.dumps(_seed(people, scopes))],
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LOOPBACK_LOG": str(log)},
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout
        async with asyncio.timeout(_TO_START):
            line = await process.stdout.readline()
        assert line, f"the emulator didn't start: {(folder / 'errors.txt').read_text('utf-8')}"
        async with ClientSession() as session:
            yield Stranger(json.loads(line)["url"], session, log)
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    """It ends when nobody can write to it any more."""
    assert process.stdin
    process.stdin.close()
    try:
        async with asyncio.timeout(_TO_STOP):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _seed(people: Sequence[str], scopes: Collection[str]) -> dict[str, Any]:
    bot = {"app_id": APP_ID, "bot_id": BOT_ID, "bot_user_id": BOT_USER_ID}
    tokens = {BOT_TOKEN: sorted(scopes)}
    tokens |= {token_without(scope): sorted({*scopes} - {scope}) for scope in scopes}
    return {
        "team": {"name": "Example Council", "domain": "example-council"},
        "strict_scopes": True,
        "signing_secret": SIGNING_SECRET,
        "users": [{"name": name, "real_name": name.title(), "email": address_of(name)} for name in people],
        "channels": [{"name": PRIVATE, "is_private": True}],
        "oauth_apps": [
            {
                **bot,
                "client_id": "1.1",
                "client_secret": "unused",
                "name": "auditloop",
                "bot_name": "auditloop",
                "redirect_uris": [],
                "scopes": sorted(scopes),
            }
        ],
        "tokens": [
            *(
                {**bot, "token": token, "type": "bot", "user_id": BOT_USER_ID, "scopes": allowed}
                for token, allowed in tokens.items()
            ),
            *({"token": token_of(name), "type": "user", "user_id": name, "scopes": _OWN_SCOPES} for name in people),
        ],
    }
