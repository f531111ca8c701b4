"""The one module with Slack's web client: every call of the Web API, at Slack's pace, with every failure typed."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.request import getproxies

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.rates import PATIENCE, Rates, Throttled
from bot.settings import is_loopback
from bot.slack.failures import Refused, Unanswered
from bot.slack.rates import IN_CHANNEL, MESSAGES
from cards.blocks import BlockMessage
from cards.limits import shortened

TIMEOUT = ClientTimeout(total=20, connect=5)
AT_ONCE = 1.0
"""Seconds that opening a view may wait for its turn; Slack gives three from the press on."""
FOR_EVERYBODY = 90.0
"""Seconds that a page of the directory may wait for its turn."""
PAGE = 500
LONGEST_WAIT = 86_400
LONGEST_ALT = 1000
LONGEST_CHANGED = 4000
"""Characters that Slack takes as the text of a changed message, which stands in notifications only."""
OUT_OF_TIME = "ratelimited"
Answer = TypeVar("Answer")
# The library writes whole messages into its log, even where nobody reads it, unless its logger says otherwise.
_sdk_log = logging.getLogger(f"{__name__}.sdk")
_sdk_log.setLevel(logging.WARNING)


@dataclass(frozen=True)
class Workspace:
    """Where the bot's token belongs, and what it may do. `app_id` and `scopes` are empty where Slack didn't say."""

    team_id: str
    bot_user_id: str
    bot_id: str
    app_id: str
    name: str
    url: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Member:
    """Somebody with an account. `deleted`: it is deactivated; `guest`: it is not a full member's."""

    user_id: str
    team_id: str
    email: str
    name: str
    deleted: bool = False
    guest: bool = False
    bot: bool = False
    teams: frozenset[str] = frozenset()

    def is_in(self, team_id: str) -> bool:
        """Whether the account is of this workspace; on an Enterprise organisation it may be at home in another."""
        return self.team_id in ("", team_id) or team_id in self.teams


@dataclass(frozen=True)
class Spot:
    """Where a message stands, and the message below which it does. The timestamp is empty where Slack gave none."""

    channel: str
    ts: str
    thread: str = ""


@dataclass(frozen=True)
class View:
    """A view that is open; its hash changes with each change of it."""

    id: str
    hash: str


class SlackClient:
    """Slack's Web API with the bot's token. Every method raises Refused or Unanswered, and nothing else.

    A call that would have to wait too long for its turn is Refused as Slack refuses one that comes too soon.
    """

    def __init__(self, api_url: str, bot_token: str, rates: Rates) -> None:
        # Reading the settings of a proxy takes a thread each time, so it is only done where there are any.
        self._session = ClientSession(timeout=TIMEOUT, trust_env=bool(getproxies()))
        self._api_url = api_url
        self._web = self._made(bot_token)
        self._rates = rates
        self._workspace: Workspace | None = None

    def for_bolt(self) -> AsyncWebClient:
        """A client without a token, to which Bolt gives one."""
        return self._made(None)

    def _made(self, token: str | None) -> AsyncWebClient:
        web = AsyncWebClient(token, base_url=self._api_url, session=self._session, retry_handlers=[], logger=_sdk_log)
        # The session knows the proxy, and which hosts are reached without it; the client doesn't.
        web.proxy = None
        return web

    # ---- who is there

    async def auth(self) -> Workspace:
        """Whose the bot's token is. Slack is asked until it has answered once."""
        if self._workspace is None:
            self._workspace = await self._signed_in()
        return self._workspace

    async def _signed_in(self) -> Workspace:
        found, headers = await self._asked("auth.test", self._web.auth_test)
        said = str(headers.get("X-OAuth-Scopes", ""))
        bot_id = _word(found, "bot_id")
        return Workspace(
            team_id=_word(found, "team_id"),
            bot_user_id=_word(found, "user_id"),
            bot_id=bot_id,
            app_id=await self._app_of(bot_id),
            name=_word(found, "team", otherwise=""),
            url=_word(found, "url", otherwise=""),
            scopes=frozenset(scope for one in said.split(",") if (scope := one.strip())),
        )

    async def _app_of(self, bot_id: str) -> str:
        """The app of a bot; empty where Slack doesn't say."""
        try:
            found, _ = await self._asked("bots.info", lambda: self._web.bots_info(bot=bot_id))
        except (Refused, Unanswered):
            return ""
        return _word(found.get("bot"), "app_id", otherwise="")

    async def user(self, user_id: str) -> Member:
        found, _ = await self._asked("users.info", lambda: self._web.users_info(user=user_id))
        return member_of(found.get("user"))

    async def user_with_email(self, email: str) -> Member | None:
        """The active account with this address; None where there is none."""
        try:
            found, _ = await self._asked("users.lookupByEmail", lambda: self._web.users_lookupByEmail(email=email))
        except Refused as fault:
            if fault.code == "users_not_found":
                return None
            raise
        return member_of(found.get("user"))

    async def members(self) -> AsyncIterator[Member]:
        """Everybody with an account in the workspace, the deactivated too. May take minutes where there are many."""
        more: str | None = None
        while True:
            found, _ = await self._asked("users.list", _page(self._web, more), patience=FOR_EVERYBODY)
            for one in _listed(found, "members"):
                yield member_of(one)
            told = found.get("response_metadata")
            more = str(told.get("next_cursor") or "") if isinstance(told, Mapping) else ""
            if not more:
                return

    # ---- messages

    async def open_chat(self, user_id: str) -> str:
        """The channel of the direct messages with one person, opened if there are none yet."""
        found, _ = await self._asked("conversations.open", self._in_body("conversations.open", users=user_id))
        return _word(found.get("channel"), "id")

    async def post(self, channel: str, message: BlockMessage, *, thread: str = "", broadcast: bool = False) -> str:
        """Send a message, or a reply in a thread, which a `broadcast` shows in the channel as well; its timestamp,
        empty where Slack gave none."""
        return (await self.send(channel, message, thread=thread, broadcast=broadcast)).ts

    async def send(self, channel: str, message: BlockMessage, *, thread: str = "", broadcast: bool = False) -> Spot:
        """As `post`, to a channel or to the direct messages of a user; where the message stands."""
        found, _ = await self._asked(
            "chat.postMessage",
            lambda: self._web.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=message.blocks,
                thread_ts=thread or None,
                reply_broadcast=True if thread and broadcast else None,
                unfurl_links=False,
                unfurl_media=False,
            ),
            names=(MESSAGES, IN_CHANNEL + channel),
        )
        return Spot(_word(found, "channel", otherwise=channel), _word(found, "ts", otherwise=""), thread)

    async def update(self, channel: str, ts: str, message: BlockMessage, *, can_wait: bool = False) -> None:
        """Put another message in the place of one; what `can_wait` leaves room for the answers to presses."""
        await self._asked(
            "chat.update",
            lambda: self._web.chat_update(
                channel=channel, ts=ts, text=shortened(message.text, LONGEST_CHANGED), blocks=message.blocks
            ),
            share=0.7 if can_wait else 1.0,
        )

    async def delete(self, channel: str, ts: str) -> None:
        await self._asked("chat.delete", self._in_body("chat.delete", channel=channel, ts=ts))

    async def respond(
        self, response_url: str, message: BlockMessage | None, *, in_channel: bool = False, replace: bool = False
    ) -> None:
        """Answer an interaction where it came from; without a message, what it came from is taken away.

        Raises Refused for an address that isn't Slack's, or isn't good any more.
        """
        if not self._is_slacks(response_url):
            raise Refused("invalid_url")
        body: dict[str, Any] = {"delete_original": True}
        if message is not None:
            body = {"text": message.text, "blocks": message.blocks, "replace_original": replace}
            if not replace:
                body["response_type"] = "in_channel" if in_channel else "ephemeral"
        status, headers, _ = await self._posted(response_url, json=body)
        if status != 200:
            raise Refused("response_url", status, _retry_after(headers))

    # ---- views

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> View:
        """Open a modal, at once or not at all."""
        found, _ = await self._asked(
            "views.open", lambda: self._web.views_open(trigger_id=trigger_id, view=dict(view)), patience=AT_ONCE
        )
        return _view(found)

    async def update_view(self, view_id: str, view: Mapping[str, Any], *, hash: str = "") -> View:
        """Change a view; with a hash, only if it is still the one with this hash (else Refused, hash_conflict)."""
        found, _ = await self._asked(
            "views.update", lambda: self._web.views_update(view_id=view_id, view=dict(view), hash=hash or None)
        )
        return _view(found)

    async def publish(self, user_id: str, view: Mapping[str, Any]) -> None:
        """Show somebody a Home tab."""
        await self._asked("views.publish", lambda: self._web.views_publish(user_id=user_id, view=dict(view)))

    # ---- files

    async def upload(
        self, filename: str, content: bytes, *, title: str, channel: str = "", thread: str = "", alt: str = ""
    ) -> str:
        """Bring a file into Slack, and into a channel if one is named; its id. A picture needs its words in `alt`."""
        place, _ = await self._asked(
            "files.getUploadURLExternal",
            self._in_body(
                "files.getUploadURLExternal", filename=filename, length=str(len(content)), alt_txt=alt[:LONGEST_ALT]
            ),
        )
        file_id, address = _word(place, "file_id"), _word(place, "upload_url")
        status, headers, _ = await self._posted(address, data=content)
        if status != 200:
            raise Refused("upload", status, _retry_after(headers))
        await self._asked(
            "files.completeUploadExternal",
            self._in_body(
                "files.completeUploadExternal",
                files=json.dumps([{"id": file_id, "title": title}]),
                channel_id=channel,
                thread_ts=thread,
            ),
        )
        return file_id

    # ---- Socket Mode

    async def connections_url(self, app_token: str) -> str:
        """The address of a new websocket, good for one connection."""
        found, _ = await self._asked(
            "apps.connections.open", lambda: self._web.apps_connections_open(app_token=app_token)
        )
        return _word(found, "url")

    async def close(self) -> None:
        await self._session.close()

    # ---- carrying

    def _in_body(self, method: str, **values: str) -> Callable[[], Awaitable[Any]]:
        """Ask with the values in the body, where Slack's documentation has them; the library puts them in the query."""
        said = {name: value for name, value in values.items() if value}
        return lambda: self._web.api_call(method, data=said)

    async def _asked(
        self,
        method: str,
        ask: Callable[[], Awaitable[Any]],
        *,
        names: Sequence[str] = (),
        patience: float = PATIENCE,
        share: float = 1.0,
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """What Slack answers, and with which headers, when its turn has come.

        `names` are those under which the call counts, else its method's; the last is held where Slack asks to wait.
        """
        names = names or (method,)
        try:
            await self._rates.admitted(*names, patience=patience, share=share)
        except Throttled as wait:
            raise Refused(OUT_OF_TIME, 429, timedelta(seconds=wait.seconds)) from wait
        try:
            answer = await ask()
        except SlackApiError as fault:
            raise self._explained(fault, names[-1]) from fault
        except SlackClientError as fault:
            raise Unanswered(f"Slack couldn't be asked: {type(fault).__name__}", may_have_arrived=False) from fault
        except (ClientConnectorError, ConnectionTimeoutError) as fault:
            raise Unanswered("Slack can't be reached", may_have_arrived=False) from fault
        except (ClientError, TimeoutError) as fault:
            raise Unanswered(f"Slack didn't answer: {type(fault).__name__}", may_have_arrived=True) from fault
        except (AttributeError, ValueError) as fault:
            # What the library makes of an answer that is no JSON object, or no text at all.
            raise _unreadable() from fault
        return answer.data, answer.headers

    def _explained(self, fault: SlackApiError, name: str) -> Refused | Unanswered:
        """An error of Slack's as ours; where Slack asks to wait, nothing more goes under this name for so long."""
        response: Any = fault.response
        data = getattr(response, "data", None)
        data = data if isinstance(data, Mapping) else {}
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
        code = str(data.get("error") or "")[:64]
        if status == 200 and not code:
            return _unreadable()
        wait = _retry_after(response.headers)
        if wait is not None:
            self._rates.hold(name, wait.total_seconds())
        return Refused(code, status, wait, needed=str(data.get("needed") or "")[:64])

    async def _posted(self, address: str, **content: Any) -> tuple[int, Mapping[str, str], str]:
        """What comes back from an address beside the Web API, without a token."""
        try:
            async with self._session.post(address, allow_redirects=False, **content) as response:
                return response.status, response.headers, await response.text(errors="replace")
        except (ClientConnectorError, ConnectionTimeoutError) as fault:
            raise Unanswered("Slack can't be reached", may_have_arrived=False) from fault
        except (ClientError, TimeoutError, ValueError) as fault:
            raise Unanswered(f"Slack didn't answer: {type(fault).__name__}", may_have_arrived=True) from fault

    def _is_slacks(self, address: str) -> bool:
        """Whether an address is at Slack, so that what is said to one person goes nowhere else."""
        api = URL(self._api_url)
        try:
            url = URL(address)
            if url.user or url.password:
                return False
            if is_loopback(api.host or ""):
                return is_loopback(url.host or "")
            return url.origin() in (api.origin(), URL(f"https://hooks.{api.host}"))
        except ValueError:
            return False


def member_of(user: object) -> Member:
    """An account as Slack describes it. Raises Unanswered for something else."""
    if not isinstance(user, Mapping):
        raise _unreadable()
    profile = user.get("profile")
    profile = profile if isinstance(profile, Mapping) else {}
    return Member(
        user_id=_word(user, "id"),
        team_id=_word(user, "team_id", otherwise=""),
        email=_word(profile, "email", otherwise="").strip(),
        name=_word(profile, "real_name", otherwise="") or _word(user, "name", otherwise=""),
        deleted=bool(user.get("deleted")),
        guest=any(bool(user.get(kind)) for kind in ("is_restricted", "is_ultra_restricted", "is_stranger")),
        bot=bool(user.get("is_bot")) or user.get("id") == "USLACKBOT",
        teams=frozenset(one for one in _teams(user.get("enterprise_user")) if isinstance(one, str)),
    )


def _teams(enterprise_user: object) -> list[Any]:
    """The workspaces of an organisation in which somebody is a member."""
    teams = enterprise_user.get("teams") if isinstance(enterprise_user, Mapping) else None
    return teams if isinstance(teams, list) else []


def _page(web: AsyncWebClient, more: str | None) -> Callable[[], Awaitable[Any]]:
    return lambda: web.users_list(limit=PAGE, cursor=more)


def _view(found: Mapping[str, Any]) -> View:
    return View(_word(found.get("view"), "id"), _word(found.get("view"), "hash", otherwise=""))


def _listed(found: Mapping[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    if not isinstance(value, list):
        raise _unreadable()
    return value


def _word(found: object, name: str, *, otherwise: str | None = None) -> str:
    """A text of an answer. Raises Unanswered where it isn't there and nothing can stand for it."""
    value = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(value, str) and value:
        return value
    if otherwise is None:
        raise _unreadable()
    return otherwise


def _unreadable() -> Unanswered:
    return Unanswered("Slack's answer can't be read", may_have_arrived=True)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """What Slack asked to wait, in seconds; None where it asked for nothing readable."""
    said = str(headers.get("Retry-After", "")).strip()
    return timedelta(seconds=min(int(said), LONGEST_WAIT)) if said.isascii() and said.isdecimal() else None
