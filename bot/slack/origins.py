"""Where somebody acted, and what a form that is open is about: what a modal carries with it until it is sent."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.slack.incoming import Incoming, Kind, NotReadable


@dataclass(frozen=True)
class Origin:
    """The message or the Home tab on which somebody acted; all empty for a command or a shortcut.

    `ts` is empty where the message is nowhere that it can be changed but at `response_url`.
    """

    channel: str = ""
    ts: str = ""
    thread: str = ""
    response_url: str = ""
    home: bool = False

    @property
    def root(self) -> str:
        """The message that began the thread to which an answer belongs."""
        return self.thread or self.ts

    @property
    def stands(self) -> bool:
        """Whether it is a message in somebody's own chat, which can be changed where it stands."""
        return bool(self.ts) and self.is_own_chat

    def without_message(self) -> "Origin":
        """The same place, and no message in it."""
        return replace(self, ts="")

    @property
    def is_own_chat(self) -> bool:
        """Whether only one person reads there. Ids of direct messages begin with D; a user's own stands for theirs."""
        return self.channel.startswith(("D", "U", "W"))


def origin_of(incoming: Incoming) -> Origin:
    # A press that names neither a channel nor a view can only be of a Home tab: some clients don't send the tab along.
    nowhere = incoming.kind in (Kind.PRESSED, Kind.OPENS) and not incoming.channel and incoming.view is None
    home = nowhere or (incoming.view is not None and incoming.view.is_home)
    ts = "" if incoming.only_theirs else incoming.ts
    return Origin(incoming.channel, ts, incoming.thread, incoming.response_url, home)


@dataclass(frozen=True)
class Form:
    """A form that is open in a modal: the button whose form it is, and where that was.

    `card_id` is that of the pressed card, and `shown` that of the card whose inputs the form has, where it is another.
    `step` counts from 1. `tick` names the input after which the form has its question of privacy, if it has it.
    """

    verb: str
    subject: str
    card_id: str
    origin: Origin
    step: int = 1
    shown: str = ""
    tick: str = ""

    @property
    def name(self) -> str:
        """What its draft is kept under."""
        return f"{self.verb}/{self.subject}"

    @property
    def inputs_of(self) -> str:
        """The id of the card whose inputs the form has."""
        return self.shown or self.card_id

    def at(self, step: int) -> "Form":
        return replace(self, step=step)

    def packed(self) -> str:
        """The form as a modal carries it with it."""
        return json.dumps(asdict(self), separators=(",", ":"))


def unpacked(metadata: str) -> Form:
    """The form that a modal carries with it. Raises NotReadable."""
    try:
        kept: Any = json.loads(metadata)
        form = Form(**(kept | {"origin": Origin(**kept["origin"])}))
    except (ValueError, RecursionError, KeyError, TypeError):
        raise NotReadable("a view's private_metadata") from None
    texts = (form.verb, form.subject, form.card_id, form.shown, form.tick, *list(asdict(form.origin).values())[:4])
    if not all(isinstance(one, str) for one in texts) or not isinstance(form.step, int):
        raise NotReadable("a view's private_metadata")
    return form
