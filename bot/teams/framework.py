"""The one module that imports botbuilder: it proves who speaks, and carries what is said to Microsoft Teams.

Microsoft ended its support on 31 December 2025. Whatever takes its place has to fulfil `bot.teams.connection`.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.request import getproxies

import jwt
from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession, ClientTimeout
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import (
    Activity,
    Attachment,
    ChannelAccount,
    ConversationParameters,
)
from botframework.connector import AsyncBfPipeline
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import AuthenticateRequestResult, ConnectorFactory
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor
from msrest.exceptions import DeserializationError, HttpOperationError
from msrest.pipeline import AsyncHTTPPolicy, Response
from msrest.pipeline.aiohttp import AsyncHTTPSender
from msrest.universal_http.async_abc import AsyncClientResponse
from yarl import URL

from bot.settings import TeamsSettings, is_loopback
from bot.teams.connection import (
    Answer,
    Chat,
    Json,
    Member,
    NobodyProved,
    NoSignIn,
    Refused,
    Turn,
    Unanswered,
    Unauthorised,
)
from scheduling.clock import Clock

CHANNEL = "msteams"
TIMEOUT = ClientTimeout(total=20, connect=5)
KEYS_KEPT = timedelta(hours=24)
KEYS_ASKED_AGAIN = timedelta(minutes=5)
TOKEN_MARGIN = 300
PAGE = 200
log = logging.getLogger(__name__)


class BotFramework:
    """The Bot Framework, for one app registration in one tenant."""

    def __init__(self, settings: TeamsSettings, clock: Clock) -> None:
        self._settings = settings
        # Reading the settings of a proxy takes a thread each time, so it is only done where there are any.
        self._session = ClientSession(timeout=TIMEOUT, trust_env=bool(getproxies()))
        self._token = _Token(settings)
        self._clients: dict[str, ConnectorClient] = {}
        cloud = settings.cloud
        JwtTokenExtractor.metadataCache[cloud.keys_url] = _Keys(cloud.keys_url, self._session, clock)
        self._authentication = _Authentication(self._configuration(), self)
        self._adapter = CloudAdapter(self._authentication)

    def _configuration(self) -> SimpleNamespace:
        settings, cloud = self._settings, self._settings.cloud
        return SimpleNamespace(
            APP_TYPE="MultiTenant",
            APP_ID=settings.app_id,
            APP_PASSWORD="",
            TO_CHANNEL_FROM_BOT_LOGIN_URL=cloud.login_url,
            TO_CHANNEL_FROM_BOT_OAUTH_SCOPE=cloud.scope,
            TO_BOT_FROM_CHANNEL_TOKEN_ISSUER=cloud.issuer,
            TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL=cloud.keys_url,
            TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL=cloud.keys_url,
            OAUTH_URL=cloud.login_url,
            CALLER_ID="",
        )

    # ---- what comes in

    async def receive(self, body: Json, authorization: str | None) -> None:
        """Prove that a request comes from Teams.

        1. It says that it is from Teams, with a service that Microsoft runs. 2. Its token is signed by the Bot
        Framework for this app, and names that service. 3. It is from this council's tenant. Raises Unauthorised or
        NobodyProved.
        """
        service_url = body.get("serviceUrl")
        if body.get("channelId") != CHANNEL:
            raise Unauthorised("channel")
        if not isinstance(service_url, str) or not self.serves(service_url):
            raise Unauthorised("service")
        if not self._settings.anonymous:
            await self._prove(body, service_url, authorization or "")
            if _tenant(body) != self._settings.tenant_id.lower():
                raise Unauthorised("tenant")

    async def _prove(self, body: Json, service_url: str, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token:
            raise Unauthorised("token")
        try:
            # Tokens of other issuers take ways through the framework on which the service isn't checked.
            if jwt.decode(token, options={"verify_signature": False}).get("iss") != self._settings.cloud.issuer:
                raise Unauthorised("token")
            proved = await self._authentication.authenticate_request(Activity.deserialize(dict(body)), authorization)
            claims = proved.claims_identity.claims
        except (Unauthorised, NobodyProved):
            raise
        except Exception as fault:
            # The framework refuses bad tokens with all kinds of exceptions.
            log.info("a token was refused: %s", type(fault).__name__)
            raise Unauthorised("token") from fault
        named = claims.get("aud") == self._settings.app_id and claims.get("serviceurl") == service_url
        if not named or "exp" not in claims:
            raise Unauthorised("token")

    def serves(self, service_url: str) -> bool:
        """Whether an address is a service of Teams to which a token may be sent."""
        try:
            url = URL(service_url)
            host = url.host or ""
        except ValueError:
            return False
        if url.user or url.password or url.fragment:
            return False
        if self._settings.anonymous:
            return url.scheme in ("http", "https") and is_loopback(host)
        named = any(host == one or host.endswith(f".{one}") for one in self._settings.cloud.service_hosts)
        return named and (url.scheme == "https" or (url.scheme == "http" and is_loopback(host)))

    async def turn(self, body: Json, turn: Turn) -> Answer:
        """Take a proved activity through the framework's pipeline, and give back what `turn` answers."""
        given = Answer(200)

        async def logic(context: TurnContext) -> None:
            nonlocal given
            given = await turn(body)
            if context.activity.type == "invoke":
                # Its body would be copied deeply, and is handed back beside the framework anyway.
                await context.send_activity(
                    Activity(type="invokeResponse", value=InvokeResponse(status=given.status, body={}))
                )

        proved = AuthenticateRequestResult()
        proved.claims_identity = self._adapter.create_claims_identity(self._settings.app_id)
        proved.audience = self._settings.cloud.scope
        proved.connector_factory = self._authentication.create_connector_factory(proved.claims_identity)
        await self._adapter.process_activity(proved, Activity.deserialize(dict(body)), logic)
        return given

    # ---- what goes out

    async def send(self, chat: Chat, activity: Json) -> str:
        client = self.client(chat.service_url)
        sent = await _asked(
            lambda: client.conversations.send_to_conversation(chat.conversation_id, _activity(activity))
        )
        return str(sent.id) if sent is not None and sent.id else ""

    async def update(self, chat: Chat, activity_id: str, activity: Json) -> None:
        client, changed = self.client(chat.service_url), _activity(activity)
        changed.id = activity_id
        await _asked(lambda: client.conversations.update_activity(chat.conversation_id, activity_id, changed))

    async def open_chat(self, service_url: str, tenant: str, bot_id: str, user_id: str) -> str:
        client = self.client(service_url)
        wanted = ConversationParameters(
            is_group=False,
            bot=ChannelAccount(id=bot_id),
            members=[ChannelAccount(id=user_id)],
            tenant_id=tenant,
            channel_data={"tenant": {"id": tenant}},
        )
        opened = await _asked(lambda: client.conversations.create_conversation(wanted))
        return str(opened.id)

    async def member(self, chat: Chat, user_id: str) -> Member:
        client = self.client(chat.service_url)
        found = await _asked(lambda: client.conversations.get_conversation_member(chat.conversation_id, user_id))
        return _member(found)

    async def members(self, chat: Chat) -> AsyncIterator[Member]:
        client = self.client(chat.service_url)
        more: str | None = ""
        while more is not None:
            ask = partial(client.conversations.get_conversation_paged_members, chat.conversation_id, page_size=PAGE)
            page = await _asked(partial(ask, continuation_token=more or None))
            for one in page.members or ():
                yield _member(one)
            more = page.continuation_token or None

    async def sign_in(self) -> None:
        await self._token.get()

    async def close(self) -> None:
        await self._session.close()

    def client(self, service_url: str) -> ConnectorClient:
        """The client of a service. One is kept for each: making one costs more than a whole turn.

        Raises Unanswered for an address to which no token may be sent.
        """
        if not self.serves(service_url):
            raise Unanswered("the kept address isn't one of Teams", may_have_arrived=False)
        client = self._clients.get(service_url)
        if client is None:
            bearer = None if self._settings.anonymous else self._token
            client = ConnectorClient(
                _Bearer(bearer), base_url=service_url, pipeline_type=AsyncBfPipeline, sender=_Sender(self._session)
            )
            # The client has made a second pipeline meanwhile, and has put our signature into that one.
            client.config.pipeline = AsyncBfPipeline(client.config)
            # A card is JSON already; walking through it once more costs more than sending it.
            client._serialize.serialize_type["object"] = _as_it_is
            self._clients[service_url] = client
        return client


class _Authentication(ConfigurationBotFrameworkAuthentication):  # type: ignore[misc]
    """The framework's own, with clients that are kept from turn to turn, and no sign-in of users."""

    def __init__(self, configuration: object, framework: BotFramework) -> None:
        super().__init__(configuration)
        self._factory = _Kept(framework)

    def create_connector_factory(self, _claims_identity: object) -> ConnectorFactory:
        return self._factory

    async def create_user_token_client(self, _claims_identity: object) -> None:
        return None


class _Kept(ConnectorFactory):  # type: ignore[misc]
    def __init__(self, framework: BotFramework) -> None:
        self._framework = framework

    async def create(self, service_url: str, _audience: str) -> ConnectorClient:
        return self._framework.client(service_url)


class _Keys:
    """The keys with which the Bot Framework signs, read without holding up anything else.

    Kept for a day; an unknown key is a reason to read them again, but not at every forged token.
    """

    def __init__(self, url: str, session: ClientSession, clock: Clock) -> None:
        self._url, self._session, self._clock = url, session, clock
        self._keys: dict[str, SimpleNamespace] = {}
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def get(self, key_id: str) -> SimpleNamespace:
        """The key and its endorsements. Raises PermissionError for a key that isn't one of Teams."""
        async with self._reading:
            age = self._clock.now() - self._read_at if self._read_at is not None else None
            if age is None or age > KEYS_KEPT or (key_id not in self._keys and age > KEYS_ASKED_AGAIN):
                await self._read(had_some=age is not None)
        found = self._keys.get(key_id)
        if found is None or CHANNEL not in found.endorsements:
            raise PermissionError("the token is not signed for Teams")
        return found

    async def _read(self, *, had_some: bool) -> None:
        try:
            document = await self._json(self._url)
            keys = (await self._json(document["jwks_uri"]))["keys"]
            found = {
                key["kid"]: SimpleNamespace(
                    public_key=jwt.PyJWK(key, algorithm="RS256").key, endorsements=key.get("endorsements") or []
                )
                for key in keys
                if key.get("kty") == "RSA" and key.get("kid")
            }
        except (ClientError, TimeoutError, KeyError, TypeError, ValueError, jwt.PyJWTError) as fault:
            log.warning("Microsoft's signing keys can't be read: %s", type(fault).__name__)
            if not had_some:
                raise NobodyProved from fault
            return
        self._keys, self._read_at = found, self._clock.now()

    async def _json(self, url: str) -> Any:
        async with self._session.get(url) as response:
            response.raise_for_status()
            return await response.json(content_type=None)


class _Token:
    """The app's own token, got from Microsoft in a thread of its own and kept until it is nearly over."""

    def __init__(self, settings: TeamsSettings) -> None:
        self._settings = settings
        self._app: Any = None
        self._token = ""
        self._until = 0.0
        self._getting = asyncio.Lock()

    async def get(self) -> str:
        async with self._getting:
            if monotonic() >= self._until:
                got = await asyncio.to_thread(self._ask)
                self._token = str(got["access_token"])
                self._until = monotonic() + max(int(got.get("expires_in", 0)) - TOKEN_MARGIN, 0)
            return self._token

    def forget(self) -> None:
        """The token was refused, so another one is asked for."""
        self._until = 0.0
        if self._app is not None:
            self._app.remove_tokens_for_client()

    def _ask(self) -> dict[str, Any]:
        from msal import ConfidentialClientApplication

        settings, cloud = self._settings, self._settings.cloud
        try:
            if self._app is None:
                self._app = ConfidentialClientApplication(
                    settings.app_id,
                    client_credential=_credential(settings),
                    authority=f"{cloud.login_url.rstrip('/')}/{settings.tenant_id}",
                    # The address is the administrator's own setting; nobody else is asked whether it is right.
                    instance_discovery=False,
                    timeout=10,
                )
            got: dict[str, Any] = self._app.acquire_token_for_client(scopes=[f"{cloud.scope}/.default"])
        except (OSError, ValueError) as fault:
            raise NoSignIn(f"{cloud.login_url} gave no token: {type(fault).__name__}") from fault
        if "access_token" not in got:
            said = str(got.get("error_description") or got.get("error") or "no reason was given")
            raise NoSignIn(said.splitlines()[0])
        return got


def _credential(settings: TeamsSettings) -> Any:
    """The secret, or the key and the certificate from one PEM file. Raises ValueError where one of them is missing."""
    if settings.certificate is None:
        return settings.secret.get_secret_value()
    text = Path(settings.certificate).read_text("ascii")
    if "PRIVATE KEY-----" not in text or "BEGIN CERTIFICATE-----" not in text:
        raise ValueError("the certificate file needs both the private key and the certificate")
    return {"private_key": text, "public_certificate": text[text.index("-----BEGIN CERTIFICATE-----") :]}


class _Bearer(AsyncHTTPPolicy):  # type: ignore[misc]
    """Signs what goes out, and asks for another token once where Teams doesn't take this one."""

    def __init__(self, token: _Token | None) -> None:
        super().__init__()
        self._token = token

    async def send(self, request: Any, **kwargs: Any) -> Any:
        if self._token is None:
            return await self.next.send(request, **kwargs)
        request.http_request.headers["Authorization"] = f"Bearer {await self._token.get()}"
        response = await self.next.send(request, **kwargs)
        if response.http_response.status_code == 401:
            self._token.forget()
            request.http_request.headers["Authorization"] = f"Bearer {await self._token.get()}"
            response = await self.next.send(request, **kwargs)
        return response


class _Sender(AsyncHTTPSender):  # type: ignore[misc]
    """Carries requests by aiohttp, with a time-out, in place of the framework's threads."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def __aexit__(self, *_details: object) -> None:
        return None

    def build_context(self) -> None:
        return None

    async def send(self, request: Any, **_config: Any) -> Response:
        wanted = request.http_request
        async with self._session.request(
            wanted.method, wanted.url, data=wanted.data, headers=dict(wanted.headers), allow_redirects=False
        ) as response:
            body = await response.read()
            return Response(request, _Received(wanted, response, body))


class _Received(AsyncClientResponse):  # type: ignore[misc]
    def __init__(self, request: Any, response: ClientResponse, body: bytes) -> None:
        # The framework's exceptions hand on what is inside.
        super().__init__(request, self)
        self.status_code, self.headers, self.reason = response.status, response.headers, response.reason
        self._body = body

    def body(self) -> bytes:
        return self._body


async def _asked(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The answer to a request. Raises Refused or Unanswered, whatever the framework raised."""
    try:
        return await ask()
    except HttpOperationError as fault:
        response = fault.response
        raise Refused(response.status_code, _code(response), _retry_after(response)) from fault
    except ClientConnectorError as fault:
        raise Unanswered("Teams can't be reached", may_have_arrived=False) from fault
    except DeserializationError as fault:
        raise Unanswered("Teams' answer can't be read", may_have_arrived=True) from fault
    except (ClientError, TimeoutError) as fault:
        raise Unanswered(f"Teams didn't answer: {type(fault).__name__}", may_have_arrived=True) from fault


def _code(response: _Received) -> str:
    """Teams' own word for an error; what can't be read is left out."""
    try:
        error = json.loads(response.body())["error"]
        return str(error["code"])[:64]
    except (KeyError, TypeError, ValueError):
        return ""


def _retry_after(response: _Received) -> timedelta | None:
    """What Teams asked to wait, in seconds or as a date; None where it asked for nothing readable."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return timedelta(seconds=min(int(said), 86_400))
    try:
        until = parsedate_to_datetime(said)
        here = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, TypeError, ValueError):
        return None
    until, here = (one if one.tzinfo else one.replace(tzinfo=UTC) for one in (until, here))
    return max(until - here, timedelta(0))


def _as_it_is(content: Any, **_options: Any) -> Any:
    return content


def _activity(activity: Json) -> Activity:
    attachments = [
        Attachment(content_type=one["contentType"], content=one["content"]) for one in activity.get("attachments", ())
    ]
    return Activity(
        type=activity.get("type", "message"),
        text=activity.get("text"),
        text_format=activity.get("textFormat"),
        summary=activity.get("summary"),
        attachments=attachments or None,
        channel_data=activity.get("channelData"),
    )


def _member(found: Any) -> Member:
    extra = found.additional_properties or {}
    object_id = found.aad_object_id or extra.get("objectId") or extra.get("aadObjectId") or ""
    emails = tuple(str(extra[key]) for key in ("email", "userPrincipalName") if extra.get(key))
    return Member(str(found.id or ""), str(object_id), str(found.name or ""), emails)


def _tenant(body: Json) -> str:
    """The tenant of an activity as Teams gives it; empty where it gives none, or two that differ."""
    data, conversation = body.get("channelData"), body.get("conversation")
    tenant = data.get("tenant") if isinstance(data, dict) else None
    found = str(tenant.get("id") or "").lower() if isinstance(tenant, dict) else ""
    said = str(conversation.get("tenantId") or "").lower() if isinstance(conversation, dict) else ""
    return found if said in ("", found) else ""
