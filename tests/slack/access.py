"""Which token may call which method: kinds of token, scopes, and how much a method may be called."""

from dataclasses import dataclass

from bot.slack.scopes import NEEDED

LEAST_SCOPES = frozenset(NEEDED)


@dataclass(eq=False)
class Token:
    """A token that Slack has given out. `error` is what it is told where it no longer works, such as token_revoked."""

    value: str
    scopes: frozenset[str]
    error: str | None = None

    @property
    def is_for_app(self) -> bool:
        return self.value.startswith("xapp-")


@dataclass(frozen=True)
class Method:
    """What a method asks of its caller. `tier` is None where Slack names none; a method without json takes no body."""

    tier: int | None
    scope: str | None = None
    json: bool = True
    app_token: bool = False
    needs: tuple[str, ...] = ()


METHODS = {
    "auth.test": Method(None),
    "apps.connections.open": Method(1, "connections:write", app_token=True),
    "bots.info": Method(3, "users:read", json=False),
    "chat.delete": Method(3, "chat:write", needs=("channel", "ts")),
    "chat.postEphemeral": Method(4, "chat:write", needs=("channel", "user")),
    "chat.postMessage": Method(None, "chat:write", needs=("channel",)),
    "chat.update": Method(3, "chat:write", needs=("channel", "ts")),
    "conversations.info": Method(3, json=False, needs=("channel",)),
    "conversations.members": Method(4, json=False, needs=("channel",)),
    "conversations.open": Method(3, "im:write"),
    "files.completeUploadExternal": Method(4, "files:write", needs=("files",)),
    "files.getUploadURLExternal": Method(4, "files:write", json=False, needs=("filename", "length")),
    "team.info": Method(3, "team:read", json=False),
    "users.info": Method(4, "users:read", json=False, needs=("user",)),
    "users.list": Method(2, "users:read", json=False),
    "users.lookupByEmail": Method(3, "users:read.email", json=False, needs=("email",)),
    "views.open": Method(4, needs=("view",)),
    "views.publish": Method(4, needs=("user_id", "view")),
    "views.push": Method(4, needs=("view",)),
    "views.update": Method(4, needs=("view",)),
}

READS = {"im": "im:read", "channel": "channels:read", "private": "groups:read"}
"""The scope that shows a conversation, by its kind."""


class Refused(Exception):
    """A call that Slack refuses, with the code of its answer and what stands beside it."""

    def __init__(self, code: str, **beside: object) -> None:
        super().__init__(code)
        self.code, self.beside = code, beside


def invalid(code: str, faults: list[str]) -> Refused:
    """A refusal of a payload, with its faults as Slack lists them."""
    return Refused(code, errors=faults, response_metadata={"messages": [f"[ERROR] {fault}" for fault in faults]})


def checked_scope(token: Token, scope: str) -> None:
    """Raises Refused where the token was not given this scope."""
    if scope not in token.scopes:
        raise Refused("missing_scope", needed=scope, provided=",".join(sorted(token.scopes)))
