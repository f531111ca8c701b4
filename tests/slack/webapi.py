"""Slack's Web API: who calls, with which arguments, how often, and what they get."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.slack.access import METHODS, Method, Refused, Token, checked_scope, invalid
from tests.slack.directory import Directory
from tests.slack.messages import Messages
from tests.slack.rates import Rates, whole_seconds
from tests.slack.trouble import Call
from tests.slack.uploads import Uploads
from tests.slack.views import Views
from tests.slack.workspace import Json, Workspace

_WRITTEN_AS_JSON = ("blocks", "attachments", "view", "files", "metadata")


async def arguments_of(request: web.Request, method: str) -> Json:
    """What a call says in its query and its body, as a form or, where the method takes it, as JSON. Raises Refused."""
    told: Json = dict(request.query)
    if request.can_read_body:
        if request.content_type == "application/json":
            try:
                body = await request.json()
            except ValueError:
                raise Refused("invalid_json") from None
            if not isinstance(body, dict):
                raise Refused("json_not_object")
            return told | body if method not in METHODS or METHODS[method].json else told
        if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            raise Refused("invalid_post_type")
        told |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    for name in _WRITTEN_AS_JSON:
        if name in told:
            try:
                told[name] = json.loads(told[name])
            except ValueError:
                raise _unreadable(name) from None
    return told


def _unreadable(name: str) -> Refused:
    return (
        Refused("invalid_blocks_format") if name == "blocks" else invalid("invalid_arguments", [f"{name} is no JSON"])
    )


@dataclass
class WebApi:
    """Deals with the calls of the app. `url` is where Slack is; `new_socket` gives the address of a websocket."""

    workspace: Workspace
    faults: list[str]
    directory: Directory
    rates: Rates
    enforces_rates: bool
    url: Callable[[], str]
    new_socket: Callable[[], str]
    tokens: dict[str, Token] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.messages = Messages(self.workspace, self.faults)
        self.views = Views(self.workspace, self.faults, self.messages)
        self.uploads = Uploads(self.workspace, self.faults, self.messages)
        directory = self.directory
        self._with_token: dict[str, Callable[[Json, Token], Json]] = {
            "conversations.info": directory.conversation,
            "conversations.members": directory.members,
            "conversations.open": directory.open,
            "users.info": directory.user,
            "users.list": directory.users,
            "users.lookupByEmail": directory.by_email,
        }
        self._without: dict[str, Callable[[Json], Json]] = {
            "apps.connections.open": lambda _: {"url": self.new_socket()},
            "auth.test": lambda _: directory.auth_test("https://example.slack.com/"),
            "bots.info": directory.bot,
            "chat.delete": self.messages.delete,
            "chat.postEphemeral": self.messages.post_ephemeral,
            "chat.postMessage": self.messages.post,
            "chat.update": self.messages.update,
            "files.completeUploadExternal": self.uploads.share,
            "files.getUploadURLExternal": lambda told: self.uploads.place(told, self.url()),
            "team.info": lambda _: directory.team(),
            "views.open": self.views.open,
            "views.publish": self.views.publish,
            "views.push": self.views.push,
            "views.update": self.views.update,
        }

    def answer(self, call: Call) -> web.Response:
        """Deal with one call. Every answer but a throttled one has status 200, as Slack has it."""
        token = self.tokens.get(call.token or "")
        headers = {"X-OAuth-Scopes": ",".join(sorted(token.scopes))} if token else {}
        try:
            method = METHODS.get(call.method)
            if method is None:
                self.faults.append(f"{call.method} is no method that this Slack has")
                raise Refused("unknown_method")
            headers["X-Accepted-OAuth-Scopes"] = method.scope or ""
            self._check_token(call.token, token, method)
            if wait := self._wait(call, method):
                headers["Retry-After"] = str(whole_seconds(wait))
                return _answered(call, {"ok": False, "error": "ratelimited"}, headers, status=429)
            self._check_needs(call.arguments, method)
            return _answered(call, {"ok": True} | self._dealt_with(call, token), headers)
        except Refused as refused:
            return _answered(call, {"ok": False, "error": refused.code} | refused.beside, headers)

    def whose(self, arguments: Mapping[str, Any]) -> str | None:
        """The name of the person whose direct messages or view a call concerns."""
        for name in ("user", "user_id", "channel", "channel_id", "users"):
            value = str(arguments.get(name))
            if account := self.workspace.account(value):
                return account.name
            place = self.workspace.conversations.get(value)
            if place is not None and place.kind == "im":
                return place.members[0].name
        if trigger := self.workspace.triggers.get(str(arguments.get("trigger_id"))):
            return trigger.owner.name
        view = self.workspace.views.get(str(arguments.get("view_id")))
        return view.owner.name if view else None

    def _check_token(self, given: str | None, token: Token | None, method: Method) -> None:
        if given is None:
            raise Refused("not_authed")
        if token is None:
            raise Refused("invalid_auth")
        if token.error:
            raise Refused(token.error)
        if token.is_for_app != method.app_token:
            raise Refused("not_allowed_token_type")
        if method.scope:
            checked_scope(token, method.scope)

    def _wait(self, call: Call, method: Method) -> float:
        if not self.enforces_rates:
            return 0
        if call.method == "chat.postMessage":
            channel = call.arguments.get("channel")
            account = self.workspace.account(channel)
            return self.rates.ask_channel(self.workspace.direct(account).id if account else str(channel))
        return self.rates.ask(call.method, method.tier)

    def _check_needs(self, told: Json, method: Method) -> None:
        for name in method.needs:
            if told.get(name) in (None, ""):
                if name == "channel":
                    raise Refused("channel_not_found")
                raise invalid("invalid_arguments", [f"missing required field: {name}"])

    def _dealt_with(self, call: Call, token: Token | None) -> Json:
        if (works := self._with_token.get(call.method)) is not None:
            assert token is not None
            return works(call.arguments, token)
        return self._without[call.method](call.arguments)


def _answered(call: Call, said: Json, headers: dict[str, str], *, status: int = 200) -> web.Response:
    call.status, call.answer = status, said
    return web.json_response(said, status=status, headers=headers)
