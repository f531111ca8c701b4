"""`/api/messages`: what Teams posts is proved, read and answered; everything else is refused and counted."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.counts import Counts
from bot.teams.activity import NotReadable, read
from bot.teams.connection import Answer, Connection, Json, NobodyProved, Unauthorised
from bot.teams.turns import Turns
from bot.watching.access import from_here

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """Where Teams posts. `anonymous` lets in a client without tokens, from this computer only."""

    connection: Connection
    turns: Turns
    counts: Counts
    anonymous: bool

    async def post(self, request: web.Request) -> web.Response:
        """Answer one activity.

        1. It is JSON of an ordinary size. 2. It is proved to come from Teams, else 401. 3. It is read, else 400. 4. It
        is answered; an invoke on the same request.
        """
        if self.anonymous and not from_here(request):
            return self._refuse("anonymous", 401, "Without an app registration only this computer is answered.")
        body = await self._json(request)
        if body is None:
            return self._refuse("unreadable", 400, "This is not an activity in JSON.")
        try:
            await self.connection.receive(body, request.headers.get("Authorization"))
        except Unauthorised as fault:
            return self._refuse(fault.reason, 401, "This request is not proved to come from Microsoft Teams.")
        except NobodyProved:
            return self._refuse("keys", 503, "Microsoft's signing keys can't be read just now.")
        try:
            incoming = read(body)
        except NotReadable as fault:
            log.info("an activity can't be read: %s", fault)
            return self._refuse("unreadable", 400, "This activity is not formed as Teams forms them.")

        async def turn(_body: Json) -> Answer:
            return await self.turns.take(incoming)

        answer = await self.connection.turn(body, turn)
        if answer.body is None:
            return web.Response(status=answer.status)
        return web.json_response(answer.body, status=answer.status)

    async def _json(self, request: web.Request) -> dict[str, Any] | None:
        if request.content_type != "application/json":
            return None
        try:
            body = json.loads(await request.text())
        except (ValueError, LookupError, RecursionError, web.RequestPayloadError):
            return None
        return body if isinstance(body, dict) else None

    def _refuse(self, reason: str, status: int, words: str) -> web.Response:
        self.counts.refuse(reason)
        return web.json_response({"error": {"code": reason, "message": words}}, status=status)
