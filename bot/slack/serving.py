"""Slack answered: signed in, then listened to by a line of our own or by what it posts."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from bot.counts import Counts
from bot.faults import UserFault
from bot.program import Program
from bot.slack.failures import Refused, Unanswered
from bot.slack.inbound import Inbound, open_inbound
from bot.slack.opening import OpenedSlack
from bot.slack.sockets import Line

FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0
log = logging.getLogger(__name__)


@dataclass
class SlackService:
    """Answers Slack from the moment at which Slack says whose the token is.

    `address` is where it is posted to on this computer; `say` tells whoever started auditloop.
    """

    slack: OpenedSlack
    program: Program
    counts: Counts
    address: str
    say: Callable[[str], None]
    _inbound: Inbound | None = field(default=None, init=False)
    _line: Line | None = field(default=None, init=False)
    _beginning: list[asyncio.Task[None]] = field(default_factory=list, init=False)

    async def begin(self) -> None:
        """Sign in and listen; if Slack doesn't answer now, that is tried beside everything else until it does.

        Raises UserFault where the settings contradict what Slack says.
        """
        if not await self._begun():
            self._beginning.append(asyncio.get_running_loop().create_task(self._keep_trying()))

    async def post(self, request: web.Request) -> web.StreamResponse:
        """What Slack posts; 503 before auditloop is signed in, after which Slack sends an event again."""
        if self._inbound is None:
            return web.json_response({"error": {"code": "early", "message": "Not signed in to Slack."}}, status=503)
        return await self._inbound.post(request)

    def wrong(self) -> str:
        """What keeps Slack from being answered, in words; empty where nothing does."""
        if self._inbound is None:
            return "auditloop isn't signed in to Slack"
        if self._line is not None and not self._line.open:
            return "the line to Slack isn't open"
        return ""

    async def close(self) -> None:
        """Stop listening, and wait for what is still being done."""
        for task in self._beginning:
            task.cancel()
        await asyncio.gather(*self._beginning, return_exceptions=True)
        if self._line is not None:
            await self._line.close()
        if self._inbound is not None:
            await self._inbound.close()

    async def _begun(self) -> bool:
        try:
            slack = await self.slack.signed_in()
        except (Refused, Unanswered) as fault:
            self.say(f"Slack: no sign-in. {fault}. auditloop goes on trying; auditloop doctor says more.")
            return False
        self._inbound = open_inbound(slack, self.program, self.counts)
        if self.slack.settings.socket_mode:
            token = self.slack.settings.app_token.get_secret_value().strip()
            self._line = Line(self._inbound.bolt, slack.client, token)
            await self._connected(self._line)
        else:
            self.say(f"Slack is answered at {self.address}.")
        return True

    async def _connected(self, line: Line) -> None:
        """Open the line; where that takes long, it goes on beside everything else."""
        connecting = asyncio.get_running_loop().create_task(line.connect())
        self._beginning.append(connecting)
        done, _ = await asyncio.wait({connecting}, timeout=FIRST_WAIT)
        words = "Slack is listened to in Socket Mode." if done else "Slack: its line can't be opened so far."
        self.say(words)

    async def _keep_trying(self) -> None:
        wait = FIRST_WAIT
        while True:
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
            try:
                if await self._begun():
                    self.program.call()
                    return
            except UserFault as fault:
                self.say(f"Slack is not answered. {fault}")
                return
