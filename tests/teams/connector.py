"""Microsoft's end of Teams on one loopback port: the keys, the login, the Connector, and the people who use it.

It runs in a thread of its own, so a bot that blocks its event loop is slow in a test, and isn't dead-locked.
"""

import asyncio
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from tests.another_thread import AnotherThread
from tests.teams.chats import Chat, Chats
from tests.teams.conversations import Conversations
from tests.teams.login import Login, certificate_of, pem_of
from tests.teams.openid import OpenId
from tests.teams.people import Channel, Person
from tests.teams.rates import Breach, Rates, whole_seconds
from tests.teams.tokens import Expected, Issuer
from tests.teams.trouble import Call, Kind, Trouble, Way, error, meet

APP_ID = "5c7a6a5e-6f0c-4f5b-9a57-1d0f3c9b2a10"
TENANT_ID = "0f6d5a3c-8f0e-4a0b-9a3e-7c1f2e5d4b60"
LOOPBACK = "127.0.0.1"

_PREFIX = r"/{prefix:(?:[^/]+/)*}v3/conversations"
_ROUTES = (
    ("POST", "", Kind.CREATE),
    ("POST", "/{conversation}/activities", Kind.SEND),
    ("POST", "/{conversation}/activities/{activity}", Kind.REPLY),
    ("PUT", "/{conversation}/activities/{activity}", Kind.UPDATE),
    ("DELETE", "/{conversation}/activities/{activity}", Kind.DELETE),
    ("GET", "/{conversation}/members", Kind.MEMBERS),
    ("GET", "/{conversation}/members/{activity}", Kind.MEMBER),
    ("GET", "/{conversation}/pagedmembers", Kind.PAGED_MEMBERS),
)


@cache
def _server_identity() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return pem_of(key, certificate_of(key, LOOPBACK))


def _server_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """How the login shows who it is, and the file with the certificate that a client has to trust."""
    identity, trusted = folder / "identity.pem", folder / "trusted.pem"
    identity.write_text(_server_identity())
    trusted.write_text(_server_identity()[_server_identity().index("-----BEGIN CERTIFICATE") :])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    return context, trusted


class Connector:
    """A Teams of the test's own. Use it as an async context manager; closing lets go of all that hangs.

    Without `checks_bearer` it serves a bot that has no app id. With `enforces_rates` a call too soon gets 429 and is
    kept in `breaches`. Its `clock` (seconds that only grow) measures rates and the life of tokens.
    """

    def __init__(
        self,
        *,
        app_id: str = APP_ID,
        tenant_id: str = TENANT_ID,
        issuer: Issuer | None = None,
        enforces_rates: bool = False,
        checks_bearer: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app_id, self.tenant_id = app_id, tenant_id
        self.enforces_rates, self.checks_bearer, self.clock = enforces_rates, checks_bearer, clock
        self.issuer = issuer or Issuer()
        self.openid = OpenId(self.issuer)
        self.login = Login(app_id, tenant_id, clock)
        self.chats = Chats(clock)
        self.rates = Rates(clock)
        self.calls: list[Call] = []
        self.bot_url = ""
        self._conversations = Conversations(self.chats, tenant_id)
        self._faults: list[BaseException] = []
        self._thread = AnotherThread("Connector")
        self._connections: set[asyncio.Transport] = set()
        self._open = AsyncExitStack()
        self.trouble = Trouble(self._thread.loop)

    @property
    def service_url(self) -> str:
        """Where Teams tells the bot to send its answers."""
        return f"{self.url}/emea/{self.tenant_id}/"

    @property
    def keys_url(self) -> str:
        return f"{self.url}/openid/configuration"

    @property
    def expected(self) -> Expected:
        """What a good token says."""
        return Expected(self.app_id, self.service_url, self.tenant_id)

    @property
    def breaches(self) -> list[Breach]:
        return self.rates.breaches

    def person(self, name: str, email: str = "", *, installed: bool = True, tenant_id: str = "") -> Person:
        """Somebody with Teams; the e-mail is made from the name, and they have the app, unless told otherwise."""
        found = Person(
            name,
            email or f"{name.casefold().replace(' ', '.')}@example.gov.uk",
            tenant_id or self.tenant_id,
            installed,
            connector=self,
        )
        self.chats.accounts.append(found)
        if installed:
            self.chats.personal(found)
        return found

    def channel(self, name: str, members: list[Person]) -> Channel:
        """A channel of a team to which the bot was added."""
        found = Channel.named(name, members)
        self.chats.thread(found.id, list(members))
        return found

    def chat_of(self, person: Person) -> Chat:
        """The personal chat of somebody with the bot."""
        return self.chats.personal(person)

    def sent(self, *kinds: Kind) -> list[Call]:
        """The calls of these kinds, or of every kind, in the order in which they came."""
        return [call for call in self.calls if not kinds or call.kind in kinds]

    async def until(self, condition: Callable[[], Any], *, seconds: float = 30) -> None:
        """Wait for something that happens at Microsoft's end. Raises AssertionError if it never does."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0.005)

    async def __aenter__(self) -> Self:
        self._thread.start()
        folder = self._open.enter_context(tempfile.TemporaryDirectory())
        context, self.ca_file = _server_context(Path(folder))
        self._runner, port, secure_port = await self._thread.there(self._started(context))
        self.url = f"http://{LOOPBACK}:{port}"
        self.login_url = f"https://{LOOPBACK}:{secure_port}"
        self.client = await self._open.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()
        self.trouble.clear()
        await self._thread.there(self._stopped())
        self._thread.end()
        if self._faults and fault is None:
            raise self._faults[0]

    async def _started(self, context: ssl.SSLContext) -> tuple[web.AppRunner, int, int]:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_get("/openid/configuration", self._serves(Kind.CONFIGURATION, self.openid.configuration))
        app.router.add_get("/openid/keys", self._serves(Kind.KEYS, self.openid.key_set))
        well_known = "/{tenant}/v2.0/.well-known/openid-configuration"
        app.router.add_get(well_known, self._serves(Kind.DISCOVERY, self.login.discovery))
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._serves(Kind.TOKEN, self.login.token))
        for method, path, kind in _ROUTES:
            app.router.add_route(method, _PREFIX + path, self._connects(kind))
        app.router.add_route("*", "/{rest:.*}", self._serves(Kind.UNKNOWN, _nothing_here))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        await web.TCPSite(runner, LOOPBACK, 0, ssl_context=context).start()
        plain, secure = runner.addresses
        return runner, plain[1], secure[1]

    async def _stopped(self) -> None:
        # A TLS connection would wait for its client to say goodbye first.
        for connection in self._connections:
            connection.abort()
        await self._runner.cleanup()
        await asyncio.sleep(0)

    def _serves(
        self, kind: Kind, works: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The keys and the login, under the orders of the test."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = self._noted(kind, request)
            return await self._under_orders(call, request, lambda: works(request))

        return handle

    def _connects(self, kind: Kind) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A call of the Connector: who asks, how often, under the orders of the test."""

        async def handle(request: web.Request) -> web.StreamResponse:
            call = self._noted(kind, request)
            call.conversation_id = request.match_info.get("conversation")
            call.activity_id = request.match_info.get("activity")
            call.body = await _json(request)
            call.person = self._conversations.whose(call)
            if self.checks_bearer and not self.login.lets_in(call.authorization):
                call.status = 401
                return web.json_response({"message": "This request is not authorised."}, status=401)
            if self.enforces_rates and (wait := self.rates.ask(self._conversations.thread(call), kind)):
                call.status = 429
                return error(429, "Throttled", retry_after=str(whole_seconds(wait)))

            async def works() -> web.Response:
                return self._conversations.answer(call, dict(request.query))

            return await self._under_orders(call, request, works)

        return handle

    def _noted(self, kind: Kind, request: web.Request) -> Call:
        call = Call(len(self.calls), kind, request.method, request.path_qs, self.clock())
        call.authorization = request.headers.get("Authorization")
        if request.transport is not None:
            self._connections.add(request.transport)
        self.calls.append(call)
        return call

    async def _under_orders(
        self, call: Call, request: web.Request, works: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        order = self.trouble.due(call)
        try:
            answer = await (works() if order is None else meet(order, request, works))
        except Exception as fault:
            # A fault of the fake itself must fail the test, not look like one of Microsoft's.
            self._faults.append(fault)
            raise
        if order is None or order.mishap.way not in (Way.HANGS, Way.DROPS):
            call.status = answer.status
        return answer


async def _json(request: web.Request) -> Any:
    try:
        return await request.json() if request.can_read_body else None
    except ValueError:
        return await request.text()


async def _nothing_here(_request: web.Request) -> web.Response:
    return error(404, "NotFound")
