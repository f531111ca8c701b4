"""The people who use Teams: what they do in its client, and the requests by which Teams tells the bot."""

import asyncio
import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from html import escape
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import aiohttp

from tests.teams.chats import CARD, Account, Activity, Chat, Chats, Message
from tests.teams.forms import CannotBeDone, Element, button, buttons_of, pressed
from tests.teams.tokens import Expected, Issuer

BOT_NAME = "auditloop"
_LONDON = ZoneInfo("Europe/London")


class Token(Enum):
    """The token that Teams would send with a request."""

    GOOD = "good"


Authorization = str | Token | None
"""A header as it is, the one of a good token, or none."""


class Reply(NamedTuple):
    """How the bot answered a request; the body is JSON where it could be read as such, and else the text."""

    status: int
    body: Any

    @property
    def card(self) -> Element | None:
        """The card that the client shows in the place of the one that was pressed."""
        found: Element | None = self._value(CARD)
        return found

    @property
    def message(self) -> str | None:
        """The line that the client shows for a moment."""
        found: str | None = self._value("application/vnd.microsoft.activity.message")
        return found

    @property
    def error(self) -> dict[str, Any] | None:
        """The error of an answer to a press, with its code and its message."""
        found: dict[str, Any] | None = self._value("application/vnd.microsoft.error")
        return found

    def _value(self, kind: str) -> Any:
        return self.body.get("value") if isinstance(self.body, dict) and self.body.get("type") == kind else None


class Teams(Protocol):
    """What a person needs of the Teams they use."""

    app_id: str
    bot_url: str
    chats: Chats
    client: aiohttp.ClientSession
    issuer: Issuer

    @property
    def service_url(self) -> str: ...

    @property
    def expected(self) -> Expected: ...


@dataclass(frozen=True)
class Channel:
    """A channel of a team; each time that somebody begins there, a thread of its own begins."""

    name: str
    id: str
    team_id: str
    members: tuple[Account, ...]

    @classmethod
    def named(cls, name: str, members: list["Person"]) -> "Channel":
        digest = hashlib.sha256(name.encode()).hexdigest()
        return cls(name, f"19:{digest[:32]}@thread.tacv2", f"19:{digest[32:]}@thread.tacv2", tuple(members))


@dataclass(eq=False)
class Person(Account):
    """Somebody at a client of Teams. Each act is posted to the bot with a good token, or with the one given."""

    connector: Teams = field(kw_only=True)

    @property
    def chat(self) -> Chat:
        """Their chat with the bot."""
        return self.connector.chats.personal(self)

    def sees(self) -> list[Element]:
        """The cards as this client shows them, oldest first: as Teams keeps them, or as the bot's answer made them."""
        shown = ((message.views.get(self.mri), message.card) for message in self.chat.now())
        return [seen for view, card in shown if (seen := view or card) is not None]

    async def says(self, text: str, *, authorization: Authorization = Token.GOOD) -> Reply:
        """Type a message into the chat."""
        return await self.posts(self.saying(text), authorization)

    async def presses(
        self,
        on: Message | None,
        wanted: str,
        /,
        *,
        authorization: Authorization = Token.GOOD,
        **typed: str,
    ) -> Reply:
        """Press a button, by its verb or label, with what was typed into inputs; the client shows the card it gets.

        Without a message it is the newest that has this button. Raises CannotBeDone.
        """
        message, card = self._card(on, wanted)
        action = button(card, wanted)
        if action["type"] != "Action.Execute":
            raise CannotBeDone(f"{wanted!r} is an {action['type']}.")
        return await self._invokes(message, action, pressed(card, action, typed), "manual", authorization)

    async def submits(
        self,
        on: Message | None,
        wanted: str,
        /,
        *,
        authorization: Authorization = Token.GOOD,
        **typed: str,
    ) -> Reply:
        """Press a button at a client that knows no Action.Execute: its fallback goes as a message with a value."""
        message, card = self._card(on, wanted)
        action = button(card, wanted)
        fallback = action if action["type"] == "Action.Submit" else action.get("fallback")
        if not isinstance(fallback, dict) or fallback.get("type") != "Action.Submit":
            raise CannotBeDone(f"{wanted!r} has no Action.Submit to fall back on.")
        return await self.posts(self.submitting(pressed(card, fallback, typed), message.id), authorization)

    async def refreshes(self, on: Message, *, authorization: Authorization = Token.GOOD) -> Reply:
        """Come upon a card that refreshes itself for this person. Raises CannotBeDone if it doesn't."""
        refresh = (self._shown(on) or {}).get("refresh") or {}
        if self.mri not in (refresh.get("userIds") or []):
            raise CannotBeDone(f"The card doesn't refresh itself for {self.name}.")
        action = refresh["action"]
        return await self._invokes(on, action, dict(action.get("data") or {}), "automatic", authorization)

    async def installs(self, *, at_once: bool = False, authorization: Authorization = Token.GOOD) -> list[Reply]:
        """Add the app. Teams sends two events, one after the other, or both at the same moment."""
        self.installed, self.still_answers = True, False
        both = [{"id": self._bot["id"]}, {"id": self.mri, "aadObjectId": self.aad_object_id}]
        events = [
            self._event("conversationUpdate", membersAdded=both),
            self._event("installationUpdate", action="add"),
        ]
        if at_once:
            return list(await asyncio.gather(*(self.posts(event, authorization) for event in events)))
        return [await self.posts(event, authorization) for event in events]

    async def uninstalls(
        self, *, still_answers: bool = False, authorization: Authorization = Token.GOOD
    ) -> list[Reply]:
        """Remove the app. With `still_answers`, Teams takes the bot's messages all the same, as it sometimes does."""
        self.installed, self.still_answers = False, still_answers
        events = [
            self._event("conversationUpdate", membersRemoved=[{"id": self._bot["id"]}]),
            self._event("installationUpdate", action="remove"),
        ]
        return [await self.posts(event, authorization) for event in events]

    def blocks(self) -> None:
        """Block the bot; Teams tells it nothing."""
        self.blocked = True

    async def mentions(
        self, text: str, *, channel: Channel, authorization: Authorization = Token.GOOD
    ) -> tuple[Reply, Chat]:
        """Begin a thread in a channel with the bot's name before the text; the thread is handed back too."""
        activity = self.mentioning(text, channel)
        thread = self.connector.chats.thread(activity["conversation"]["id"], list(channel.members))
        return await self.posts(activity, authorization), thread

    async def forged(
        self,
        verb: str,
        data: dict[str, Any],
        *,
        reply_to: str = "",
        trigger: str = "manual",
        authorization: Authorization = Token.GOOD,
    ) -> Reply:
        """Send a press that no card ever offered."""
        action = {"type": "Action.Execute", "verb": verb, "data": data}
        return await self.posts(self.pressing(action, data, reply_to, trigger), authorization)

    async def posts(self, activity: Any, authorization: Authorization = Token.GOOD) -> Reply:
        """Send a request to the bot as it is."""
        teams = self.connector
        header = teams.issuer.header(teams.expected) if authorization is Token.GOOD else authorization
        headers = {} if header is None else {"Authorization": str(header)}
        async with teams.client.post(teams.bot_url, json=activity, headers=headers) as answer:
            try:
                return Reply(answer.status, await answer.json(content_type=None))
            except ValueError:
                return Reply(answer.status, await answer.text())

    def saying(self, text: str) -> Activity:
        """The request of a typed message."""
        html = {"contentType": "text/html", "content": f"<p>{escape(text)}</p>"}
        return self.activity("message", text=text, textFormat="plain", attachments=[html])

    def submitting(self, value: dict[str, Any], reply_to: str) -> Activity:
        """The request of an Action.Submit."""
        return self.activity("message", value=value, replyToId=reply_to)

    def pressing(self, action: Element, data: dict[str, Any], reply_to: str, trigger: str = "manual") -> Activity:
        """The request of an Action.Execute."""
        told = {name: action[name] for name in ("type", "id", "title", "verb") if name in action}
        value = {"action": told | {"data": data}, "trigger": trigger}
        return self.activity("invoke", name="adaptiveCard/action", value=value, replyToId=reply_to)

    def mentioning(self, text: str, channel: Channel) -> Activity:
        """The request of a message to the bot in a channel."""
        number, at = self.connector.chats.new_id(), f"<at>{BOT_NAME}</at>"
        activity = self.activity("message", text=f"{at} {text}\n", textFormat="plain")
        activity["conversation"] = {
            "isGroup": True,
            "conversationType": "channel",
            "tenantId": self.tenant_id,
            "id": f"{channel.id};messageid={number}",
        }
        activity["channelData"] |= {
            "teamsChannelId": channel.id,
            "teamsTeamId": channel.team_id,
            "channel": {"id": channel.id},
            "team": {"id": channel.team_id},
        }
        activity["entities"].insert(0, {"type": "mention", "mentioned": self._bot, "text": at})
        return activity | {"id": number}

    def activity(self, kind: str, **told: Any) -> Activity:
        """What every request of this person's client says, and what is told over it."""
        now = datetime.now(UTC)
        said: Activity = {
            "type": kind,
            "id": f"f:{self.connector.chats.new_id()}" if kind == "invoke" else self.connector.chats.new_id(),
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "localTimestamp": now.astimezone(_LONDON).isoformat(timespec="milliseconds"),
            "localTimezone": "Europe/London",
            "channelId": "msteams",
            "serviceUrl": self.connector.service_url,
            "from": {"id": self.mri, "name": self.name, "aadObjectId": self.aad_object_id},
            "conversation": {"conversationType": "personal", "tenantId": self.tenant_id, "id": self.chat.id},
            "recipient": self._bot,
            "entities": [
                {
                    "type": "clientInfo",
                    "locale": "en-GB",
                    "country": "GB",
                    "platform": "Windows",
                    "timezone": "Europe/London",
                }
            ],
            "channelData": {"tenant": {"id": self.tenant_id}},
            "locale": "en-GB",
        }
        if "replyToId" in told:
            legacy = base64.urlsafe_b64encode(str(told["replyToId"]).encode()).decode()
            said["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{legacy}"}}
        return said | told

    @property
    def _bot(self) -> dict[str, str]:
        return {"id": f"28:{self.connector.app_id}", "name": BOT_NAME}

    def _event(self, kind: str, **told: Any) -> Activity:
        """An event of the app itself; Teams gives no name with it."""
        event = self.activity(kind, **told)
        del event["from"]["name"], event["localTimestamp"], event["localTimezone"]
        return event | {"id": f"f:{event['id']}"}

    async def _invokes(
        self, message: Message, action: Element, data: dict[str, Any], trigger: str, authorization: Authorization
    ) -> Reply:
        reply = await self.posts(self.pressing(action, data, message.id, trigger), authorization)
        if reply.status == 200 and reply.card is not None:
            message.views[self.mri] = reply.card
        return reply

    def _shown(self, message: Message) -> Element | None:
        return message.views.get(self.mri) or message.card

    def _card(self, on: Message | None, wanted: str) -> tuple[Message, Element]:
        """The message to press on, and the card that this person sees there."""
        if on is not None:
            card = self._shown(on)
            if card is None:
                raise CannotBeDone("There is no card on this message.")
            return on, card
        for message in reversed(self.chat.now()):
            card = self._shown(message)
            if card and any(wanted in (one.get("verb"), one.get("title")) for one in buttons_of(card)):
                return message, card
        raise CannotBeDone(f"No card that {self.name} sees has a button called {wanted!r}.")
