"""What Slack tells, read into what auditloop needs of it: bounded, and never trusted."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from bot.characters import whole_characters
from bot.slack import shapes
from cards.blocks.forms import answers

Json = Mapping[str, Any]
MOST_VALUES = 200
LONGEST_TEXT = 5_000
"""More than anything takes; what is longer is refused by its length alone."""
_WORDS_OF_THEIRS = (None, "thread_broadcast", "file_share")
"""Kinds of messages that somebody has just written; others tell of a change, or of what Slack itself says."""
_ACTS, _OPENS = re.compile(r"press-\d{1,4}"), re.compile(r"form-\d{1,4}")
_LINK = re.compile(r"<(?:https?:|mailto:|tel:)[^|>]*\|([^>]*)>")
_REFERENCE = re.compile(r"<[@#!][^|>]*(?:\|([^>]*))?>")
_ANGLED = re.compile(r"<((?:https?:|mailto:|tel:)[^>]*)>")


class NotReadable(ValueError):
    """Something that isn't formed as Slack forms it."""


class Kind(StrEnum):
    PRESSED = "pressed"
    """A button that acts at once."""
    OPENS = "opens"
    """A button that opens a form."""
    FILLED = "filled"
    """An input of a form that is open was typed into or chosen from."""
    BACK = "back"
    SUBMITTED = "submitted"
    CLOSED = "closed"
    COMMAND = "command"
    SHORTCUT = "shortcut"
    TYPED = "typed"
    HOME = "home"
    CAME = "came"
    """Somebody opened their chat with auditloop."""
    CHANGED = "changed"
    """Something about somebody's account has changed."""
    HELD_BACK = "held back"
    """Slack tells of no more events for now: there were too many in an hour, or too few were acknowledged."""
    GONE = "gone"
    """The app was taken out of the workspace."""
    OTHER = "other"


Part = TypeVar("Part", bound=shapes.Part)


@dataclass(frozen=True)
class SeenView:
    """A modal or a Home tab as somebody had it before them when they acted; `content` is all that Slack says of it."""

    id: str
    hash: str
    is_home: bool
    metadata: str
    content: Json


@dataclass(frozen=True)
class Incoming:
    """What somebody did in Slack. `event_id` is the same for the same act, however often it comes.

    `team_id` is the workspace of whoever acts. `thread` is the message that began the thread, empty outside of one.
    `only_theirs` says that nobody else sees the message on which they acted; such a message has no place. `values` are
    what stands in the inputs of a view, by their names. `account` is somebody's account as Slack describes it.
    """

    kind: Kind
    event_id: str
    user_id: str
    team_id: str
    channel: str = ""
    ts: str = ""
    thread: str = ""
    only_theirs: bool = False
    verb: str = ""
    subject: str = ""
    card_id: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""
    command: str = ""
    callback_id: str = ""
    trigger_id: str = ""
    response_url: str = ""
    view: SeenView | None = None
    account: Json = field(default_factory=lambda: MappingProxyType({}))


def workspace_of(body: Json) -> str:
    """The id of the workspace that a payload names; empty where it names none."""
    team = body.get("team")
    found = body.get("team_id") or (team.get("id") if isinstance(team, Mapping) else "")
    return found if isinstance(found, str) else ""


def app_of(body: Json) -> str:
    """The id of the app for which a payload is; empty where it names none."""
    found = body.get("api_app_id")
    return found if isinstance(found, str) else ""


def read(body: Json) -> Incoming:
    """What a payload says. Raises NotReadable."""
    try:
        body = whole_characters(body)
    except RecursionError:
        raise NotReadable("nested too deeply") from None
    if "command" in body:
        return _command(_formed(shapes.Command, body))
    if body.get("type") == "event_callback":
        return _event(_formed(shapes.Told, body))
    if body.get("type") == "app_rate_limited":
        # The one event without anything in it.
        return Incoming(Kind.HELD_BACK, "", "", workspace_of(body))
    return _interaction(_formed(shapes.Interaction, body), body)


def _formed(part: type[Part], body: Json) -> Part:
    try:
        return part.model_validate(dict(body))
    except ValidationError as fault:
        places = sorted({".".join(map(str, one["loc"])) for one in fault.errors(include_input=False)})
        raise NotReadable(f"not formed as Slack forms it: {', '.join(places)[:200]}") from None


def _event_id(*parts: str) -> str:
    """Short and of one form, since the ids that Slack gives are of many."""
    return "slack:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _mark(named: str) -> str:
    """What tells one act from the next: without a name for it, each is one of its own, however alike they are."""
    return named or uuid4().hex


# ---- presses, forms and shortcuts

_OF_A_VIEW = ("view_submission", "view_closed")


def _interaction(told: shapes.Interaction, body: Json) -> Incoming:
    team_id = (told.team.id if told.team else "") or told.user.team_id
    incoming = Incoming(
        Kind.OTHER,
        _event_id(told.type, told.user.id, _mark(told.trigger_id)),
        told.user.id,
        team_id,
        trigger_id=told.trigger_id,
        response_url=told.response_url,
        callback_id=told.callback_id,
        view=_view(told.view, body),
    )
    if not told.user.id:
        raise NotReadable("nobody did it")
    if told.type in _OF_A_VIEW and told.view is None:
        # Bolt looks into it whatever it is, and would answer 500.
        raise NotReadable("a form without its view")
    if told.type == "block_actions":
        return _pressed(incoming, told)
    if told.type == "shortcut":
        return replace(incoming, kind=Kind.SHORTCUT)
    if told.type in _OF_A_VIEW and told.view is not None:
        kind = Kind.SUBMITTED if told.type == "view_submission" else Kind.CLOSED
        return replace(incoming, kind=kind, values=_values(told.view))
    return incoming


def _pressed(incoming: Incoming, told: shapes.Interaction) -> Incoming:
    if not told.actions:
        raise NotReadable("nothing was pressed")
    action, container = told.actions[0], told.container
    mark = _mark(told.trigger_id or (container.message_ts if action.action_ts else ""))
    incoming = replace(
        incoming,
        event_id=_event_id(told.type, told.user.id, mark, action.action_id, action.action_ts),
        channel=container.channel_id or told.channel.id,
        ts=container.message_ts or told.message.ts,
        thread=container.thread_ts or told.message.thread_ts,
        only_theirs=container.is_ephemeral,
        values=_values(told.view) if told.view is not None else MappingProxyType({}),
    )
    if action.action_id == "back":
        return replace(incoming, kind=Kind.BACK)
    if action.type != "button" and told.view is not None:
        return replace(incoming, kind=Kind.FILLED)
    acts, opens = _ACTS.fullmatch(action.action_id), _OPENS.fullmatch(action.action_id)
    if not acts and not opens:
        return incoming
    verb, subject, card_id = _button(action.value or "")
    return replace(incoming, kind=Kind.PRESSED if acts else Kind.OPENS, verb=verb, subject=subject, card_id=card_id)


def _button(value: str) -> tuple[str, str, str]:
    """Verb, subject and card id out of a button's value. Raises NotReadable."""
    try:
        kept = json.loads(value)
        kept = whole_characters(kept) if isinstance(kept, dict) else None
    except (ValueError, RecursionError):
        kept = None
    if kept is None:
        raise NotReadable("a button's value")
    return _short(kept.get("verb"), 64), _short(kept.get("subject"), 60), _short(kept.get("card_id"), 200)


def _short(value: object, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""


def _view(view: shapes.View | None, body: Json) -> SeenView | None:
    if view is None:
        return None
    return SeenView(view.id, view.hash, view.type == "home", view.private_metadata, body["view"])


def _values(view: shapes.View) -> Mapping[str, str]:
    state = view.state.values if view.state is not None else {}
    if sum(map(len, state.values())) > MOST_VALUES:
        raise NotReadable("view.state: too many inputs")
    try:
        given = answers(state)
    except (AttributeError, TypeError):
        raise NotReadable("view.state") from None
    return {name: _text(value) for name, value in given.items()}


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\0", "")[:LONGEST_TEXT]


# ---- commands


def _command(told: shapes.Command) -> Incoming:
    return Incoming(
        Kind.COMMAND,
        _event_id("command", told.user_id, _mark(told.trigger_id), told.command, told.text),
        told.user_id,
        told.team_id,
        channel=told.channel_id,
        text=_plain(told.text),
        command=told.command,
        trigger_id=told.trigger_id,
        response_url=told.response_url,
    )


# ---- events


def _event(told: shapes.Told) -> Incoming:
    event = told.event
    user_id = event.user if isinstance(event.user, str) else str(event.user.get("id", ""))
    incoming = Incoming(
        Kind.OTHER,
        _event_id("event", told.event_id),
        user_id[:64],
        _workspace(event) or told.team_id,
        channel=event.channel[:64] if isinstance(event.channel, str) else "",
    )
    if event.type in ("app_uninstalled", "tokens_revoked"):
        return replace(incoming, kind=Kind.GONE)
    if event.type in ("user_change", "team_join") and isinstance(event.user, dict):
        return replace(incoming, kind=Kind.CHANGED, account=event.user)
    if not user_id:
        return incoming
    if event.type == "app_home_opened":
        return replace(incoming, kind=Kind.HOME if event.tab == "home" else Kind.CAME)
    own_chat = event.channel_type == "im" or (not event.channel_type and incoming.channel.startswith("D"))
    if event.type == "message" and own_chat and event.bot_id is None and event.subtype in _WORDS_OF_THEIRS:
        return replace(incoming, kind=Kind.TYPED, ts=event.ts, thread=event.thread_ts, text=_plain(event.text or ""))
    return incoming


def _workspace(event: shapes.Event) -> str:
    """The workspace of whoever acts, where it is said: some say the organisation's id, which is none."""
    return next((one for one in (event.user_team, event.team) if one and one.startswith("T")), "")


def _plain(text: str) -> str:
    """What was typed, without Slack's own marks for links, people and channels."""
    text = _LINK.sub(r"\1", text[: 8 * LONGEST_TEXT])
    text = _REFERENCE.sub(lambda found: found[1] or " ", text)
    return _text(html.unescape(_ANGLED.sub(r"\1", text)).strip())
