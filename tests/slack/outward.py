"""How Slack reaches the app: by signed requests, or on its websockets, with three seconds for the answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

import aiohttp

from tests.slack.signing import Written, command, event, interaction, signed
from tests.slack.sockets import Sockets
from tests.slack.workspace import Json

PATIENCE = 3
"""Seconds that Slack waits for an acknowledgement."""

Kind = Literal["events_api", "interactive", "slash_commands"]
_WRITES: dict[Kind, Callable[[Json], Written]] = {
    "events_api": event,
    "interactive": interaction,
    "slash_commands": command,
}
_TAKE_ANSWERS = ("view_submission", "block_suggestion")


@dataclass(eq=False)
class Reply:
    """How the app answered. `status` is None where it didn't within three seconds; `body` is JSON or else the text."""

    kind: Kind
    payload: Json
    status: int | None
    body: Any
    seconds: float

    @property
    def is_acknowledged(self) -> bool:
        return self.status == 200


@dataclass
class Outward:
    """Sends what happens in Slack to the app. `there` runs something on the loop of the server.

    `patience` is how many seconds the app has for its answer; a test may have less of it.
    """

    secret: str
    now: Callable[[], float]
    sockets: Sockets
    there: Callable[[Awaitable[Any]], Awaitable[Any]]
    bot_url: str = ""
    patience: float = PATIENCE
    replies: list[Reply] = field(default_factory=list)

    async def tell(self, kind: Kind, payload: Json, *, retry: tuple[int, str] | None = None) -> Reply:
        """Tell the app of something, on its websocket if it has one. Raises AssertionError if it can't be reached."""
        began = monotonic()
        if self.sockets.open:
            status, body = await self._on_socket(kind, payload, retry)
        else:
            assert self.bot_url, "The app has neither a URL nor an open websocket."
            written = _WRITES[kind](payload)
            headers = signed(self.secret, int(self.now()), written.body) | {"Content-Type": written.content_type}
            if retry is not None:
                headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
            status, body = await self.post(written.body, headers)
        reply = Reply(kind, payload, status, body, monotonic() - began)
        self.replies.append(reply)
        return reply

    async def post(self, body: str | bytes, headers: dict[str, str]) -> tuple[int | None, Any]:
        """Post a request as it is; the status of the answer is None where there was none in time."""
        timeout = aiohttp.ClientTimeout(total=self.patience)
        raw = body.encode() if isinstance(body, str) else body
        async with aiohttp.ClientSession(timeout=timeout) as client:
            try:
                async with client.post(self.bot_url, data=raw, headers=headers) as answer:
                    return answer.status, _read(await answer.text())
            except (TimeoutError, aiohttp.ClientError):
                return None, None

    async def _on_socket(self, kind: Kind, payload: Json, retry: tuple[int, str] | None) -> tuple[int | None, Any]:
        takes_answer = kind == "slash_commands" or payload.get("type") in _TAKE_ANSWERS
        sent = self.sockets.send(kind, payload, takes_answer=takes_answer, retry=retry)
        try:
            said = await self.there(asyncio.wait_for(sent, self.patience))
        except TimeoutError:
            return None, None
        return 200, (said.get("payload") or "") if takes_answer else ""


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
