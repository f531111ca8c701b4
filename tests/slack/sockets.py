"""Socket Mode: the websockets of the app, and the envelopes that go to and fro on them."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from tests.slack.workspace import Json

MOST_SOCKETS = 10


@dataclass(eq=False)
class Socket:
    """One websocket. `said` is all that the app sent on it."""

    ticket: str
    line: web.WebSocketResponse
    said: list[Any] = field(default_factory=list)


@dataclass
class Sockets:
    """All the websockets of an app. Everything here runs on the loop of the server."""

    app_id: str
    faults: list[str]
    open: list[Socket] = field(default_factory=list)
    ever: int = 0
    _tickets: set[str] = field(default_factory=set)
    _waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)

    def ticket(self) -> str:
        """A ticket that lets one websocket in, once."""
        made = str(uuid4())
        self._tickets.add(made)
        return made

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or len(self.open) >= MOST_SOCKETS:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        socket = Socket(ticket, web.WebSocketResponse())
        await socket.line.prepare(request)
        self.open.append(socket)
        self.ever += 1
        try:
            await socket.line.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self.open),
                    "connection_info": {"app_id": self.app_id},
                    "debug_info": {"host": "applink-test", "approximate_connection_time": 18060},
                }
            )
            async for frame in socket.line:
                if frame.type is WSMsgType.TEXT:
                    self._heard(socket, frame.json())
        finally:
            if socket in self.open:
                self.open.remove(socket)
        return socket.line

    async def send(self, kind: str, payload: Json, *, takes_answer: bool, retry: tuple[int, str] | None) -> Json:
        """Send an envelope on the newest websocket, and wait for its acknowledgement."""
        envelope: Json = {
            "envelope_id": str(uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": takes_answer,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0] if retry else 0, "retry_reason": retry[1] if retry else ""}
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        try:
            await self.open[-1].line.send_json(envelope)
            return await waiting
        finally:
            del self._waiting[envelope["envelope_id"]]

    async def refresh(self) -> None:
        """Ask the app to connect anew, as Slack does every few hours."""
        for socket in list(self.open):
            await socket.line.send_json(
                {"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "applink-test"}}
            )

    async def cut(self) -> None:
        """Break every line without a word."""
        for socket in list(self.open):
            with contextlib.suppress(ConnectionError):
                await socket.line.close()

    def _heard(self, socket: Socket, said: Any) -> None:
        socket.said.append(said)
        waiting = self._waiting.get(said.get("envelope_id", "") if isinstance(said, dict) else "")
        if waiting is None:
            self.faults.append(f"Socket Mode: an acknowledgement of nothing that is waited for: {said}")
        elif not waiting.done():
            waiting.set_result(said)
