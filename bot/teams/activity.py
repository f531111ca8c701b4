"""What Teams sends, read into what auditloop needs of it: bounded, and never trusted."""

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.characters import whole_characters
from bot.teams.connection import Chat, Json
from cards.adaptive import answers
from storage.contacts import Whereabouts

MOST_VALUES = 200
_TAG = re.compile(r"<at[^>]*>.*?</at>", re.IGNORECASE | re.DOTALL)


class NotReadable(ValueError):
    """An activity that isn't formed as Teams forms them."""


class Kind(StrEnum):
    INSTALLED = "installed"
    REMOVED = "removed"
    TYPED = "typed"
    PRESSED = "pressed"
    REFRESHED = "refreshed"
    OTHER = "other"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Account(_Part):
    id: str = Field(default="", max_length=255)
    object_id: str = Field(default="", alias="aadObjectId", max_length=64)
    name: str = Field(default="", max_length=1000)


class _Conversation(_Part):
    id: str = Field(max_length=512, min_length=1)
    kind: str = Field(default="personal", alias="conversationType")


class _Tenant(_Part):
    id: str = Field(default="", max_length=64)


class _Team(_Part):
    id: str = ""


class _ChannelData(_Part):
    tenant: _Tenant = _Tenant()
    team: _Team | None = None


class _Activity(_Part):
    type: str
    id: str = Field(default="", max_length=512)
    name: str | None = None
    action: str | None = None
    service_url: str = Field(alias="serviceUrl", max_length=512)
    sender: _Account = Field(default=_Account(), alias="from")
    recipient: _Account = _Account()
    conversation: _Conversation
    channel_data: _ChannelData | None = Field(default=None, alias="channelData")
    members_added: list[_Account] = Field(default_factory=list, alias="membersAdded")
    members_removed: list[_Account] = Field(default_factory=list, alias="membersRemoved")
    text: str | None = None
    text_format: str | None = Field(default=None, alias="textFormat")
    reply_to: str | None = Field(default=None, alias="replyToId", max_length=512)
    value: Any = None


@dataclass(frozen=True)
class Incoming:
    """What somebody did in Teams. `event_id` is the same for the same activity, however often it comes.

    `invoked` says that the answer goes back on the same request (Action.Execute); an answer to the fallback
    (Action.Submit) changes the card afterwards. `personal` is False in a channel or a group chat. `team` is set where
    the app came to a team. `joined` are those whom a conversation took in.
    """

    kind: Kind
    event_id: str
    where: Whereabouts
    name: str
    personal: bool
    text: str = ""
    verb: str = ""
    subject: str = ""
    card_id: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    invoked: bool = False
    reply_to: str = ""
    team: bool = False
    joined: tuple[str, ...] = ()

    @property
    def chat(self) -> Chat:
        return Chat(self.where.service_url, self.where.conversation_id)


def read(body: Json) -> Incoming:
    """What an activity means. Raises NotReadable."""
    try:
        activity = _Activity.model_validate(dict(whole_characters(body)))
    except RecursionError:
        raise NotReadable("nested too deeply") from None
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise NotReadable(f"{place or 'activity'}: {first['type']}") from None
    data = activity.channel_data or _ChannelData()
    personal = activity.conversation.kind == "personal"
    where = Whereabouts(
        tenant=data.tenant.id.lower(),
        object_id=activity.sender.object_id.lower(),
        user_id=activity.sender.id,
        bot_id=activity.recipient.id,
        conversation_id=activity.conversation.id,
        service_url=activity.service_url,
    )
    incoming = Incoming(Kind.OTHER, _event_id(activity), where, activity.sender.name.strip()[:80], personal)
    if activity.type == "invoke":
        return _invoked(incoming, activity)
    if activity.type == "message":
        return _message(incoming, activity)
    if activity.type in ("installationUpdate", "conversationUpdate"):
        return _came_or_went(incoming, activity, data)
    return incoming


def _event_id(activity: _Activity) -> str:
    """Short and of one form; ids of activities are long, and only unique within their conversation."""
    parts = (activity.service_url, activity.conversation.id, activity.sender.id, activity.type, activity.id)
    return "teams:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _invoked(incoming: Incoming, activity: _Activity) -> Incoming:
    value = activity.value if isinstance(activity.value, dict) else {}
    action = value.get("action")
    if activity.name != "adaptiveCard/action" or not isinstance(action, dict):
        return incoming
    data, verb = action.get("data"), action.get("verb")
    data = data if isinstance(data, dict) else {}
    return _pressed(incoming, activity, verb if isinstance(verb, str) else "", data, invoked=True)


def _message(incoming: Incoming, activity: _Activity) -> Incoming:
    if isinstance(activity.value, dict) and isinstance(activity.value.get("verb"), str):
        return _pressed(incoming, activity, activity.value["verb"], activity.value, invoked=False)
    return replace(incoming, kind=Kind.TYPED, text=_plain(activity))


def _pressed(incoming: Incoming, activity: _Activity, verb: str, data: Mapping[str, Any], *, invoked: bool) -> Incoming:
    if len(data) > MOST_VALUES:
        raise NotReadable("value: too many inputs")
    subject, card_id = data.get("subject"), data.get("card_id")
    values = {name: text.replace("\r\n", "\n").replace("\0", "") for name, text in answers(data).items()}
    return replace(
        incoming,
        kind=Kind.REFRESHED if verb == "refresh" else Kind.PRESSED,
        verb=verb[:64],
        subject=subject if isinstance(subject, str) else "",
        card_id=card_id[:64] if isinstance(card_id, str) else "",
        values=values,
        invoked=invoked,
        reply_to=activity.reply_to or "",
    )


def _came_or_went(incoming: Incoming, activity: _Activity, data: _ChannelData) -> Incoming:
    bot, team = activity.recipient.id, data.team is not None or not incoming.personal
    if activity.type == "installationUpdate":
        gone = (activity.action or "").startswith("remove")
        return replace(incoming, kind=Kind.REMOVED if gone else Kind.INSTALLED, team=team)
    if any(one.id == bot for one in activity.members_removed):
        return replace(incoming, kind=Kind.REMOVED, team=team)
    if activity.members_added:
        joined = tuple(one.id for one in activity.members_added if one.id and one.id != bot)
        came = any(one.id == bot for one in activity.members_added)
        return replace(incoming, kind=Kind.INSTALLED, team=team, joined=() if came else joined)
    return incoming


def _plain(activity: _Activity) -> str:
    """What was typed, without the mention of the bot."""
    text = _TAG.sub(" ", activity.text or "")
    if activity.text_format == "xml":
        text = re.sub(r"<[^>]+>", " ", text)
    return html.unescape(text).strip()
