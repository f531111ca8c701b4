"""Slack on one loopback port: its Web API, its websockets, and the people who use it.

It runs in a thread of its own, so a bot that blocks its event loop is slow in a test, and isn't dead-locked.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.another_thread import AnotherThread
from tests.slack.access import LEAST_SCOPES, Refused, Token
from tests.slack.directory import Directory
from tests.slack.events import Events
from tests.slack.forms import words_of
from tests.slack.outward import Kind, Outward, Reply
from tests.slack.people import Member
from tests.slack.rates import Breach, Rates
from tests.slack.sockets import Sockets
from tests.slack.trouble import Call, Trouble, meet
from tests.slack.webapi import WebApi, arguments_of
from tests.slack.workspace import Account, Conversation, Json, Message, View, Workspace, digest

TEAM_ID, APP_ID = "T0COUNCIL1", "A0AUDITS01"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BOT_TOKEN = "xoxb-1111-2222-abcdef"
APP_TOKEN = "xapp-1-A0AUDITS01-3333-abcdef"
LOOPBACK = "127.0.0.1"


class Slack:
    """A Slack of the test's own. Use it as an async context manager, and `check` at the end of the test.

    `now` gives Unix seconds by the clock of the test; it dates messages, signatures and triggers, and measures rates.
    With `enforces_rates` a call too soon gets 429 and is kept in `breaches`. The app is told of things at `bot_url`, or
    on its websocket where it has one. `scopes` are those of the bot's token.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        enforces_rates: bool = False,
        scopes: frozenset[str] = LEAST_SCOPES,
    ) -> None:
        self.now = now
        self.faults: list[str] = []
        self.calls: list[Call] = []
        self.workspace = Workspace(TEAM_ID, APP_ID, now)
        self.rates = Rates(now)
        self.sockets = Sockets(APP_ID, self.faults)
        self.verification_token = "verify-me"
        self._thread = AnotherThread("Slack")
        self.out = Outward(SIGNING_SECRET, now, self.sockets, self._thread.there)
        self.events = Events(self.workspace, self.out, self.verification_token, self._told_event)
        self.api = WebApi(
            self.workspace,
            self.faults,
            Directory(self.workspace, "Example Council", "auditloop"),
            self.rates,
            enforces_rates,
            lambda: self.url,
            self._new_socket,
            {
                BOT_TOKEN: Token(BOT_TOKEN, scopes),
                APP_TOKEN: Token(APP_TOKEN, frozenset({"connections:write"})),
            },
        )
        self._broken: list[BaseException] = []
        self.trouble = Trouble(self._thread.loop)
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def api_url(self) -> str:
        """The base URL for a client."""
        return f"{self.url}/api/"

    @property
    def bot_url(self) -> str:
        return self.out.bot_url

    @bot_url.setter
    def bot_url(self, url: str) -> None:
        self.out.bot_url = url

    @property
    def token(self) -> Token:
        """The bot's token."""
        return self.api.tokens[BOT_TOKEN]

    @property
    def breaches(self) -> list[Breach]:
        return self.rates.breaches

    def member(self, name: str, email: str = "", *, restricted: bool = False, team_id: str = TEAM_ID) -> Member:
        """Somebody with an account; the e-mail is made from the name unless it is given."""
        address = email or f"{name.casefold().replace(' ', '.')}@example.gov.uk"
        found = Member(name, address, team_id, restricted, slack=self)
        self.workspace.accounts.append(found)
        return found

    def channel(
        self, name: str, members: list[Account], *, has_app: bool = True, private: bool = False
    ) -> Conversation:
        place = Conversation(
            f"C0{digest('channel ' + name)}", "private" if private else "channel", name, list(members), has_app
        )
        self.workspace.conversations[place.id] = place
        return place

    def sent(self, *methods: str) -> list[Call]:
        """The calls of these methods, or of all, in the order in which they came."""
        return [call for call in self.calls if not methods or call.method in methods]

    def unseen(self) -> list[Message | View]:
        """What the app has put before people since the test last looked, oldest first."""
        # Lists of their own, because the app may be adding to them from the other thread.
        places, views = list(self.workspace.conversations.values()), list(self.workspace.views.values())
        said = [one for place in places for one in list(place.messages) if not one.seen and one.author is None]
        return [*sorted(said, key=lambda one: one.ts), *(one for one in views if not one.seen)]

    def look(self) -> None:
        """What came so far is of no interest to the test."""
        for one in self.unseen():
            one.seen = True

    def expect_quiet(self) -> None:
        """Raises AssertionError if the app has said or shown anything that the test has not looked at."""
        assert not (left := self.unseen()), "Nobody expected this: " + "; ".join(map(_about, left))

    def forgives(self, words: str) -> list[str]:
        """Take away the faults that have these words, and hand them back. Raises AssertionError if there is none."""
        found = [fault for fault in self.faults if words in fault]
        assert found, f"no fault has {words!r} in it, of {self.faults}"
        self.faults[:] = [fault for fault in self.faults if words not in fault]
        return found

    def check(self) -> None:
        """What every test ends with: no faults of the app, and nothing that nobody looked at."""
        assert not self.faults, "Slack found fault with the app: " + "; ".join(self.faults)
        self.expect_quiet()

    async def until(self, condition: Callable[[], Any], *, seconds: float = 30) -> None:
        """Wait for something that happens at Slack's end. Raises AssertionError if it never does."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0.005)

    async def told(self, kind: Kind, payload: Json) -> Reply:
        """Tell the app of something; an answer other than 200 in time is a fault."""
        reply = await self.out.tell(kind, payload)
        if not reply.is_acknowledged:
            what = payload.get("event", payload).get("type") or payload.get("command")
            self.faults.append(f"{what} was not acknowledged: {reply.status} after {reply.seconds:.1f} s")
        return reply

    async def _told_event(self, payload: Json) -> Reply:
        return await self.told("events_api", payload)

    async def refreshes_sockets(self) -> None:
        """Have the app connect anew."""
        await self._thread.there(self.sockets.refresh())

    async def cuts_sockets(self) -> None:
        """Break the app's lines."""
        await self._thread.there(self.sockets.cut())

    async def __aenter__(self) -> Self:
        self._thread.start()
        self._runner, self._port = await self._thread.there(self._started())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.trouble.clear()
        await self._thread.there(self._stopped())
        self._thread.end()
        if self._broken and fault is None:
            raise self._broken[0]

    def _new_socket(self) -> str:
        return f"ws://{LOOPBACK}:{self._port}/link/?ticket={self.sockets.ticket()}&app_id={APP_ID}"

    async def _started(self) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._called)
        app.router.add_post("/upload/v1/{file}", self._uploaded)
        app.router.add_post("/actions/{rest:.*}", self._responded)
        app.router.add_get("/link/", self.sockets.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return runner, runner.addresses[0][1]

    async def _stopped(self) -> None:
        await self.sockets.cut()
        await self._runner.cleanup()
        await asyncio.sleep(0)

    async def _called(self, request: web.Request) -> web.StreamResponse:
        """A call of the Web API."""
        given = request.headers.get("Authorization", "")
        token = given.removeprefix("Bearer ") if given.startswith("Bearer ") else None
        call = self._noted(request.match_info["method"], token)
        try:
            call.arguments = await arguments_of(request, call.method)
        except Refused as refused:
            self.faults.append(f"{call.method}: {refused.code}")
            return web.json_response({"ok": False, "error": refused.code} | refused.beside)
        call.person = self.api.whose(call.arguments)

        async def works() -> web.Response:
            return self.api.answer(call)

        return await self._under_orders(call, request, works)

    async def _uploaded(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file."""
        call = self._noted("upload", None)
        data = await request.read()

        async def works() -> web.Response:
            taken = self.api.uploads.take(request.match_info["file"], data)
            return web.Response(text=f"OK - {len(data)}") if taken else web.Response(status=400, text="bad upload")

        return await self._under_orders(call, request, works)

    async def _responded(self, request: web.Request) -> web.StreamResponse:
        """A post to a response_url."""
        call = self._noted("response_url", None)
        try:
            call.arguments = await request.json()
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        url = self.workspace.response_urls.get(request.path)
        call.person = url.owner.name if url else None

        async def works() -> web.Response:
            if url is None:
                return web.json_response({"ok": False, "error": "invalid_url"}, status=404)
            try:
                self.api.messages.respond(url, call.arguments)
            except Refused as refused:
                if refused.code in ("used_url", "expired_url"):
                    return web.json_response({"ok": False, "error": refused.code}, status=404)
                return web.Response(status=400, text=refused.code)
            return web.Response(text="ok")

        return await self._under_orders(call, request, works)

    def _noted(self, method: str, token: str | None) -> Call:
        call = Call(len(self.calls), method, {}, token, self.now())
        self.calls.append(call)
        return call

    async def _under_orders(
        self, call: Call, request: web.Request, works: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        order = self.trouble.due(call)
        try:
            answer = await (works() if order is None else meet(order, request, works))
        except Exception as fault:
            # A fault of the fake itself must fail the test, not look like one of Slack's.
            self._broken.append(fault)
            raise
        call.status = answer.status
        return answer


def _about(one: Message | View) -> str:
    if isinstance(one, View):
        return f"{one.content['type']} for {one.owner.name} ({one.title or words_of(one.blocks)[:60]})"
    who = one.only_for.name if one.only_for else " and ".join(member.name for member in one.conversation.members)
    return f"{one.history[-1]} to {who}: {(words_of(one.blocks) or one.text)[:80]!r}"
