"""Teams' own memory: who has the app, and what stands in their chats."""

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

CARD = "application/vnd.microsoft.card.adaptive"
MOST_BYTES = 100 * 1024
"""The most that a message may take, counted in UTF-16."""

Activity = dict[str, Any]


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def card_in(activity: Activity | None) -> dict[str, Any] | None:
    """The Adaptive Card attached to an activity, the first if there are several."""
    attached = (activity or {}).get("attachments") or []
    return next((one["content"] for one in attached if one.get("contentType") == CARD), None)


@dataclass(frozen=True)
class Version:
    """What a message was made at one moment; the activity is None where it was deleted."""

    how: Literal["sent", "updated", "deleted"]
    activity: Activity | None
    at: float


@dataclass(eq=False)
class Message:
    """A message of the bot, with all that it has been. `views` are cards that only one client shows in its place."""

    id: str
    reply_to: str | None
    versions: list[Version] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def activity(self) -> Activity | None:
        """The activity as it stands, None where it was deleted."""
        return self.versions[-1].activity

    @property
    def card(self) -> dict[str, Any] | None:
        return card_in(self.activity)

    @property
    def text(self) -> str:
        return str((self.activity or {}).get("text") or "")

    @property
    def history(self) -> list[str]:
        return [version.how for version in self.versions]


@dataclass(eq=False)
class Chat:
    """A conversation: personal, or a thread of a channel. `typing` counts how often the bot showed that it types."""

    id: str
    members: list["Account"]
    kind: Literal["personal", "channel"] = "personal"
    messages: list[Message] = field(default_factory=list)
    typing: int = 0

    @property
    def thread(self) -> str:
        """The conversation by which Teams counts its rates."""
        return self.id.partition(";")[0]

    def now(self) -> list[Message]:
        """What the chat shows, oldest first; what was deleted is gone."""
        return [message for message in self.messages if message.activity is not None]

    def cards(self) -> list[dict[str, Any]]:
        """The cards that the chat shows, oldest first, as they are kept by Teams."""
        return [message.card for message in self.now() if message.card is not None]

    def texts(self) -> list[str]:
        return [message.text for message in self.now() if message.text]

    def message(self, activity_id: str) -> Message | None:
        return next((message for message in self.messages if message.id == activity_id), None)


@dataclass(eq=False)
class Account:
    """Somebody as Teams knows them. `installed` says whether they have the app, `blocked` whether they muted it.

    `still_answers`: as Teams sometimes does, it takes messages although the app was removed.
    """

    name: str
    email: str
    tenant_id: str
    installed: bool = False
    blocked: bool = False
    still_answers: bool = False

    @property
    def aad_object_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.email))

    @property
    def mri(self) -> str:
        return f"29:1{_digest(self.email)}"

    def member(self) -> dict[str, str]:
        """The account as the roster of a conversation gives it."""
        given, _, surname = self.name.partition(" ")
        return {
            "id": self.mri,
            "name": self.name,
            "objectId": self.aad_object_id,
            "aadObjectId": self.aad_object_id,
            "givenName": given,
            "surname": surname,
            "email": self.email,
            "userPrincipalName": self.email,
            "tenantId": self.tenant_id,
            "userRole": "user",
        }


@dataclass
class Chats:
    """Every account and chat that the test's Teams has."""

    clock: Callable[[], float]
    accounts: list[Account] = field(default_factory=list)
    chats: dict[str, Chat] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1767225600000))

    def new_id(self) -> str:
        """The id of an activity: a number that grows, as Teams gives them."""
        return str(next(self._numbers))

    def known(self, member_id: str) -> Account | None:
        """Who has this MRI or Entra object id."""
        return next((one for one in self.accounts if member_id in (one.mri, one.aad_object_id)), None)

    def personal_id(self, account: Account) -> str:
        return f"a:1{_digest('chat ' + account.email)}"

    def personal(self, account: Account) -> Chat:
        """The chat of one person with the bot; the same each time."""
        chat_id = self.personal_id(account)
        return self.chats.setdefault(chat_id, Chat(chat_id, [account]))

    def thread(self, chat_id: str, members: list[Account]) -> Chat:
        """A thread of a channel."""
        return self.chats.setdefault(chat_id, Chat(chat_id, members, "channel"))

    def post(self, chat: Chat, activity: Activity, reply_to: str | None = None) -> Message:
        message = Message(self.new_id(), reply_to)
        message.versions.append(Version("sent", self._kept(activity, message.id, reply_to), self.clock()))
        chat.messages.append(message)
        return message

    def update(self, message: Message, activity: Activity) -> None:
        kept = self._kept(activity, message.id, message.reply_to)
        message.versions.append(Version("updated", kept, self.clock()))
        message.views.clear()

    def delete(self, message: Message) -> None:
        message.versions.append(Version("deleted", None, self.clock()))
        message.views.clear()

    def _kept(self, activity: Activity, activity_id: str, reply_to: str | None) -> Activity:
        return activity | {"id": activity_id} | ({"replyToId": reply_to} if reply_to else {})
