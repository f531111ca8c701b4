"""Slack's own memory: who has an account, what stands in the conversations, which views are open, what may be used."""

import copy
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any, Literal

Json = dict[str, Any]

TRIGGER_SECONDS = 3
RESPONSES, RESPONSE_SECONDS = 5, 30 * 60
"""How often, and for how many seconds, the response_url of an interaction is good."""


def digest(text: str, size: int = 9) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:size].upper()


@dataclass(eq=False)
class Account:
    """Somebody as Slack knows them. `restricted` is a guest, `deleted` a deactivated account; `id` stays whatever
    else changes."""

    name: str
    email: str
    team_id: str
    restricted: bool = False
    deleted: bool = False
    modals: list["View"] = field(default_factory=list)
    home: "View | None" = None
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"U0{digest(self.team_id + self.email)}"

    @property
    def handle(self) -> str:
        return self.email.partition("@")[0]

    def profile(self, *, with_email: bool) -> Json:
        """The account as the directory gives it."""
        profile = {"real_name": self.name, "display_name": "", "real_name_normalized": self.name, "team": self.team_id}
        if with_email:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.handle,
            "deleted": self.deleted,
            "real_name": self.name,
            "tz": "Europe/London",
            "profile": profile,
            "is_admin": False,
            "is_bot": False,
            "is_app_user": False,
            "is_restricted": self.restricted,
            "is_ultra_restricted": False,
            "is_stranger": False,
            "updated": 1767225600,
        }


@dataclass(frozen=True)
class Version:
    """What a message was made at one moment; the body is None where it was deleted."""

    how: Literal["sent", "updated", "deleted"]
    body: Json | None
    at: float


@dataclass(eq=False)
class Message:
    """A message with all that it has been. `only_for` sees an ephemeral one; `seen` says that the test has looked."""

    ts: str
    conversation: "Conversation"
    author: Account | None
    thread_ts: str | None = None
    only_for: Account | None = None
    versions: list[Version] = field(default_factory=list)
    typed: dict[tuple[str, str], Any] = field(default_factory=dict)
    seen: bool = False

    @property
    def body(self) -> Json | None:
        """The text, blocks and attachments as they stand, None where it was deleted."""
        return self.versions[-1].body

    @property
    def blocks(self) -> list[Json]:
        found: list[Json] = (self.body or {}).get("blocks") or []
        return found

    @property
    def text(self) -> str:
        return str((self.body or {}).get("text") or "")

    @property
    def files(self) -> list[Json]:
        found: list[Json] = (self.body or {}).get("files") or []
        return found

    @property
    def history(self) -> list[str]:
        return [version.how for version in self.versions]


@dataclass(eq=False)
class Conversation:
    """A direct message with the app, or a channel. `has_app` says whether the app is in it."""

    id: str
    kind: Literal["im", "channel", "private"]
    name: str
    members: list[Account]
    has_app: bool = True
    archived: bool = False
    messages: list[Message] = field(default_factory=list)

    def now(self) -> list[Message]:
        """What stands there for everybody, oldest first."""
        return [one for one in self.messages if one.body is not None and one.only_for is None]

    def message(self, ts: str) -> Message | None:
        return next((one for one in self.messages if one.ts == ts and one.body is not None), None)

    def thread(self, message: Message) -> list[Message]:
        """The replies to a message, oldest first."""
        return [one for one in self.now() if one.thread_ts == message.ts and one is not message]


@dataclass(eq=False)
class View:
    """A modal or a Home tab. `typed` is what a person has put into it, `errors` what stands beside its inputs."""

    id: str
    owner: Account
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    typed: dict[tuple[str, str], Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    seen: bool = False

    @property
    def blocks(self) -> list[Json]:
        found: list[Json] = self.content["blocks"]
        return found

    @property
    def title(self) -> str:
        return str(self.content.get("title", {}).get("text", ""))

    @property
    def external_id(self) -> str:
        return str(self.content.get("external_id") or "")


@dataclass(eq=False)
class Trigger:
    """What opens a view: once, and within three seconds of the real clock and of the test's."""

    id: str
    owner: Account
    view: View | None
    made: float
    made_really: float
    used: bool = False


@dataclass(eq=False)
class ResponseUrl:
    """Where an interaction may be answered later. `message` is where it came from."""

    path: str
    owner: Account
    conversation: Conversation
    message: Message | None
    made: float
    uses: int = 0


@dataclass(eq=False)
class File:
    """A file on its way into Slack; `data` is None until it was sent."""

    id: str
    name: str
    size: int
    alt_text: str
    data: bytes | None = None
    shared: bool = False


@dataclass
class Workspace:
    """All of it. `now` gives Unix seconds, by the clock of the test."""

    team_id: str
    app_id: str
    now: Callable[[], float]
    accounts: list[Account] = field(default_factory=list)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _last_ts: int = 0

    @property
    def bot_id(self) -> str:
        return f"B0{digest(self.app_id)}"

    @property
    def bot_user_id(self) -> str:
        return f"U0{digest('bot ' + self.app_id)}"

    def number(self) -> int:
        return next(self._numbers)

    def new_ts(self) -> str:
        """The time of a message, which is its name: never the same twice, and growing."""
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def account(self, user_id: object) -> Account | None:
        return next((one for one in self.accounts if one.id == user_id and one.team_id == self.team_id), None)

    def direct(self, account: Account) -> Conversation:
        """The direct messages of one person with the app; the same each time."""
        dm_id = f"D0{digest('dm ' + account.id)}"
        return self.conversations.setdefault(dm_id, Conversation(dm_id, "im", "directmessage", [account]))

    def opened(self, account: Account) -> bool:
        return f"D0{digest('dm ' + account.id)}" in self.conversations

    def post(
        self,
        conversation: Conversation,
        body: Json,
        *,
        author: Account | None = None,
        thread_ts: str | None = None,
        only_for: Account | None = None,
    ) -> Message:
        message = Message(self.new_ts(), conversation, author, thread_ts, only_for, seen=author is not None)
        message.versions.append(Version("sent", self.kept(body), self.now()))
        conversation.messages.append(message)
        return message

    def update(self, message: Message, body: Json) -> None:
        message.versions.append(Version("updated", self.kept(body), self.now()))
        message.typed = still_there(message.typed, message.blocks)
        message.seen = False

    def delete(self, message: Message) -> None:
        message.versions.append(Version("deleted", None, self.now()))
        message.seen = False

    def open(self, owner: Account, content: Json, *, under: View | None = None) -> View:
        """Put a view on somebody's screen: a new stack of modals, one more on it, or the Home tab."""
        view_id = f"V0{digest(f'view {self.number()}')}"
        root = under.root_id if under else view_id
        view = View(view_id, owner, self.kept(content), self._new_hash(), root, under.id if under else None)
        self.views[view_id] = view
        if content["type"] == "home":
            owner.home = view
        else:
            if under is None:
                self.clear(owner)
            owner.modals.append(view)
        return view

    def change(self, view: View, content: Json) -> None:
        """What was typed stays where the block and the action keep their names."""
        view.content, view.hash, view.seen = self.kept(content), self._new_hash(), False
        view.typed = still_there(view.typed, view.blocks)
        view.errors = {}

    def close(self, view: View) -> None:
        """Take a modal away, with all that lies on it."""
        modals = view.owner.modals
        for gone in modals[modals.index(view) :] if view in modals else []:
            modals.remove(gone)
            del self.views[gone.id]

    def clear(self, owner: Account) -> None:
        if owner.modals:
            self.close(owner.modals[0])

    def trigger(self, owner: Account, view: View | None = None) -> Trigger:
        number = self.number()
        trigger_id = f"{int(self.now())}.{number}.{digest(f'trigger {number}', 32).lower()}"
        made = Trigger(trigger_id, owner, view, self.now(), monotonic())
        self.triggers[trigger_id] = made
        return made

    def response_url(self, owner: Account, conversation: Conversation, message: Message | None) -> ResponseUrl:
        number = self.number()
        path = f"/actions/{self.team_id}/{number}/{digest(f'response {number}', 24)}"
        made = ResponseUrl(path, owner, conversation, message, self.now())
        self.response_urls[path] = made
        return made

    def described(self, view: View) -> Json:
        """A view as answers and payloads give it, without its state."""
        shown: Json = {
            "id": view.id,
            "team_id": self.team_id,
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "title": None,
            "close": None,
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
            **copy.deepcopy(view.content),
            "hash": view.hash,
            "root_view_id": view.root_id,
            "previous_view_id": view.previous_id,
            "app_id": self.app_id,
            "app_installed_team_id": self.team_id,
            "bot_id": self.bot_id,
        }
        return shown

    def shown(self, message: Message) -> Json:
        """A message as answers and payloads give it."""
        about: Json = {"type": "message", "ts": message.ts, "team": self.team_id}
        if message.author is None:
            about |= {"user": self.bot_user_id, "bot_id": self.bot_id, "app_id": self.app_id}
        else:
            about |= {"user": message.author.id}
        if message.thread_ts:
            about["thread_ts"] = message.thread_ts
        if "updated" in message.history:
            about["edited"] = {"user": about["user"], "ts": message.ts}
        return about | copy.deepcopy(message.body or {})

    def kept(self, body: Json) -> Json:
        """As Slack keeps it: every block and interactive element has a name, plain text says whether it has emoji."""
        kept = copy.deepcopy(body)
        for lists in (kept, *(one for one in kept.get("attachments") or [] if isinstance(one, dict))):
            for block in lists.get("blocks") or []:
                block.setdefault("block_id", digest(f"block {self.number()}", 5))
        _name_all(kept, lambda: digest(f"action {self.number()}", 5))
        return kept

    def _new_hash(self) -> str:
        return f"{int(self.now())}.{digest(f'hash {self.number()}', 8).lower()}"


def still_there(typed: dict[tuple[str, str], Any], blocks: list[Json]) -> dict[tuple[str, str], Any]:
    """What was typed into inputs that these blocks still have."""
    names = {(block["block_id"], one["action_id"]) for block in blocks for one in elements_of(block)}
    return {name: value for name, value in typed.items() if name in names}


def elements_of(block: Json) -> list[Json]:
    """What a person can press, type into or choose from in one block."""
    found = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
    return [one for one in found if isinstance(one, dict) and "action_id" in one]


_INTERACTIVE = re.compile(r"button|workflow_button|overflow|checkboxes|radio_buttons|.*_select|.*picker|.*_input")


def _name_all(value: Any, new_name: Callable[[], str]) -> None:
    if isinstance(value, dict):
        kind = value.get("type")
        if kind == "plain_text":
            value.setdefault("emoji", True)
        elif isinstance(kind, str) and _INTERACTIVE.fullmatch(kind):
            value.setdefault("action_id", new_name())
        for inner in value.values():
            _name_all(inner, new_name)
    elif isinstance(value, list):
        for inner in value:
            _name_all(inner, new_name)
