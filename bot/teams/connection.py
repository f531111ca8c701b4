"""What the Teams door asks of whatever speaks Microsoft's protocol: who is there, and what is carried to them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

Json = Mapping[str, Any]


class Unauthorised(Exception):
    """A request whose sender isn't proved to be Microsoft Teams, speaking to this bot in this tenant.

    `reason` is a word for the count of such requests; it never holds anything of the request.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NobodyProved(Exception):
    """Microsoft's signing keys can't be read at the moment, so nobody can be told apart; Teams asks again."""


class Refused(Exception):
    """Teams answered with an error. `status` is HTTP's, `code` Teams' own word, `retry_after` what it asked for."""

    def __init__(self, status: int, code: str, retry_after: timedelta | None = None) -> None:
        super().__init__(f"Teams answered {status} {code}".strip())
        self.status = status
        self.code = code
        self.retry_after = retry_after


class Unanswered(Exception):
    """Teams didn't answer. `may_have_arrived` is False where the request can't have left this machine."""

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class NoSignIn(Exception):
    """The app registration got no token from Microsoft; the text says what Microsoft said, without secrets."""


@dataclass(frozen=True)
class Chat:
    """A conversation in Teams, and the address of the service through which it is reached."""

    service_url: str
    conversation_id: str


@dataclass(frozen=True)
class Member:
    """Somebody in the roster of a conversation. An empty field is one that Teams didn't give."""

    user_id: str
    object_id: str
    name: str
    emails: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What goes back on the same request: HTTP's status, and the body where there is one."""

    status: int
    body: Json | None = field(default=None)


Turn = Callable[[Json], Awaitable[Answer]]


class Connection(Protocol):
    """Every method but `receive` raises Refused, Unanswered or NoSignIn."""

    async def receive(self, body: Json, authorization: str | None) -> None:
        """Prove that a request comes from Teams. Raises Unauthorised or NobodyProved."""
        ...

    async def turn(self, body: Json, turn: Turn) -> Answer:
        """Take a proved activity through the framework, and give back what `turn` answers."""
        ...

    async def send(self, chat: Chat, activity: Json) -> str:
        """Send an activity; its id, empty where Teams gave none."""
        ...

    async def update(self, chat: Chat, activity_id: str, activity: Json) -> None: ...

    async def open_chat(self, service_url: str, tenant: str, bot_id: str, user_id: str) -> str:
        """The chat with one person, opened if there is none yet; its conversation id."""
        ...

    async def member(self, chat: Chat, user_id: str) -> Member: ...

    def members(self, chat: Chat) -> AsyncIterator[Member]: ...

    async def sign_in(self) -> None:
        """Get a token, as sending would. Raises NoSignIn."""
        ...

    async def close(self) -> None: ...
