"""The people who use Slack: what they do in its client, what the client shows them, and what it tells the app."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol

from tests.slack.access import Refused
from tests.slack.events import Events
from tests.slack.forms import CannotBeDone, Control, control, controls_of, missing_from, state_of, words_of
from tests.slack.outward import Kind, Reply
from tests.slack.webapi import WebApi
from tests.slack.workspace import Account, Conversation, Json, Message, ResponseUrl, View, Workspace


class App(Protocol):
    """What a person needs of the Slack they use."""

    workspace: Workspace
    api: WebApi
    faults: list[str]
    verification_token: str
    events: Events

    @property
    def url(self) -> str: ...

    async def told(self, kind: Kind, payload: Json) -> Reply: ...


@dataclass(eq=False)
class Member(Account):
    """Somebody at a client of Slack. Every act is told to the app as Slack tells it.

    `sparing`: their client says less than Slack's own: of a form only what was changed, and nothing of the Home tab.
    """

    slack: App = field(kw_only=True)
    sparing: bool = field(default=False, kw_only=True)

    @property
    def dm(self) -> Conversation:
        """Their direct messages with the app."""
        return self.slack.workspace.direct(self)

    @property
    def modal(self) -> View | None:
        """The modal on top, if one is open."""
        return self.modals[-1] if self.modals else None

    def messages(self) -> list[Message]:
        """What the app has said to this person alone, oldest first; what is ephemeral is left out."""
        return [one for one in self.dm.now() if one.author is None]

    def ephemeral(self) -> list[Message]:
        """What only this person sees, in any conversation, oldest first."""
        places = list(self.slack.workspace.conversations.values())
        found = [one for place in places for one in place.messages if one.only_for is self and one.body is not None]
        return sorted(found, key=lambda message: message.ts)

    def sees(self) -> list[str]:
        """The words of the app's messages to this person, oldest first, as they stand now. They count as seen."""
        return [self.reads(message) for message in self.messages()]

    def reads(self, what: Message | View) -> str:
        """The words of a message or a view, which counts as seen."""
        what.seen = True
        if isinstance(what, View):
            return "\n".join(filter(None, (what.title, words_of(what.blocks), *what.errors.values())))
        pictures = (f"{one['title']}: {one['alt_txt']}" for one in what.files)
        return "\n".join(filter(None, (words_of(what.blocks) or what.text, *pictures)))

    async def says(self, text: str, *, thread: Message | None = None) -> Reply:
        """Type a message to the app."""
        message = self.slack.workspace.post(
            self.dm, {"text": text}, author=self, thread_ts=thread.ts if thread else None
        )
        return await self.slack.events.tell(self._message_event(message, "message", "im"))

    async def mentions(self, text: str, channel: Conversation) -> Reply:
        """Write to the app in a channel, with its name before the text."""
        called = f"<@{self.slack.workspace.bot_user_id}> {escape(text, quote=False)}"
        message = self.slack.workspace.post(channel, {"text": called}, author=self)
        return await self.slack.events.tell(self._message_event(message, "app_mention", None))

    async def commands(self, line: str, *, channel: Conversation | None = None) -> Reply:
        """Use a slash command, such as `/qa status`; what the app answers at once is shown to this person."""
        place = channel or self.dm
        command, _, text = line.partition(" ")
        url = self.slack.workspace.response_url(self, place, None)
        reply = await self.slack.told(
            "slash_commands",
            {
                "token": self.slack.verification_token,
                "team_id": self.team_id,
                "team_domain": "example",
                "channel_id": place.id,
                "channel_name": place.name,
                "user_id": self.id,
                "user_name": self.handle,
                "command": command,
                "text": text,
                "api_app_id": self.slack.workspace.app_id,
                "is_enterprise_install": "false",
                "response_url": self.slack.url + url.path,
                "trigger_id": self.slack.workspace.trigger(self).id,
            },
        )
        if reply.is_acknowledged and reply.body:
            self._shows_answer(url, reply.body)
        return reply

    async def shortcut(self, callback_id: str) -> Reply:
        """Use a global shortcut of the app."""
        return await self._acts("shortcut", {"callback_id": callback_id}, None)

    async def opens_home(self, tab: str = "home") -> Reply:
        """Go to the app's own page."""
        event: Json = {"type": "app_home_opened", "user": self.id, "channel": self.dm.id, "tab": tab}
        if tab == "home" and self.home is not None:
            event["view"] = self._state_of(self.home)
        return await self.slack.events.tell(event | {"event_ts": self.slack.workspace.new_ts()})

    async def presses(self, wanted: str, on: Message | View | None = None, *, option: str = "") -> Reply:
        """Press a button, or choose an option of an overflow menu, by its words or its action_id.

        An open modal hides everything else. Otherwise it is the newest message that has it, or the Home tab. Raises
        CannotBeDone.
        """
        place, found = self._find(wanted, on, pressed=True)
        about: Json = {"selected_option": found.option(option)} if found.kind == "overflow" else {}
        if "value" in found.element:
            about["value"] = found.element["value"]
        return await self._dispatches(place, found, about | {"text": found.element.get("text")})

    async def types(self, wanted: str, text: str, on: Message | View | None = None) -> Reply | None:
        """Type into an input, by its label or its action_id. The app hears of it where the input says so."""
        place, found = self._find(wanted, on, pressed=False)
        place.typed[found.name] = found.filled(text) or None
        if not found.dispatches or found.block["type"] != "input":
            return None
        return await self._dispatches(place, found, {"value": text})

    async def chooses(self, wanted: str, choice: str, on: Message | View | None = None) -> Reply | None:
        """Choose an option by its words or its value, or a day such as 2026-03-04. One more time takes a tick away."""
        place, found = self._find(wanted, on, pressed=False)
        place.typed[found.name] = found.chosen(choice, place.typed)
        if not found.dispatches:
            return None
        return await self._dispatches(place, found, found.state(place.typed))

    async def submits(self, *, forced: bool = False) -> Reply:
        """Send the open modal off, and have done with it what the app answers.

        Raises CannotBeDone where the client would ask for what is missing, unless it is forced.
        """
        view = self._open_modal()
        if "submit" not in view.content:
            raise CannotBeDone(f"{view.title!r} has nothing to send it off with.")
        if not forced and (missing := missing_from(view.blocks, view.typed)):
            raise CannotBeDone(f"The client asks for {missing} first.")
        view.errors = {}
        about = {"view": self._state_of(view), "response_urls": []}
        reply = await self._acts("view_submission", about, view)
        if reply.is_acknowledged:
            self._goes_on(view, reply.body or {})
        return reply

    async def closes(self) -> Reply | None:
        """Close the modal on top. The app hears of it where it has asked to."""
        view = self._open_modal()
        cleared = bool(view.content.get("clear_on_close"))
        told = self._state_of(view)
        self.slack.workspace.clear(self) if cleared else self.slack.workspace.close(view)
        if not view.content.get("notify_on_close"):
            return None
        return await self._acts("view_closed", {"view": told, "is_cleared": cleared}, None, trigger=False)

    def _message_event(self, message: Message, kind: str, channel_type: str | None) -> Json:
        words = {"type": "rich_text_section", "elements": [{"type": "text", "text": message.text}]}
        event: Json = {
            "type": kind,
            "user": self.id,
            "text": escape(message.text, quote=False) if kind == "message" else message.text,
            "ts": message.ts,
            "client_msg_id": f"00000000-0000-0000-0000-{message.ts.replace('.', '')[-12:]}",
            "team": self.team_id,
            "blocks": [{"type": "rich_text", "block_id": "b1", "elements": [words]}],
            "channel": message.conversation.id,
            "event_ts": message.ts,
        }
        if channel_type:
            event["channel_type"] = channel_type
        return event | ({"thread_ts": message.thread_ts} if message.thread_ts else {})

    def _places(self) -> Iterator[Message | View]:
        """Where this person can act, the nearest first."""
        if self.modals:
            yield self.modals[-1]
            return
        here = [*self.messages(), *self.ephemeral()]
        yield from sorted(here, key=lambda message: message.ts, reverse=True)
        if self.home is not None:
            yield self.home

    def _find(self, wanted: str, on: Message | View | None, *, pressed: bool) -> tuple[Message | View, Control]:
        for place in self._places() if on is None else [on]:
            found = control(place.blocks, wanted, pressed=pressed)
            if found is not None:
                place.seen = True
                return place, found
        raise CannotBeDone(f"Nothing that {self.name} sees is called {wanted!r}.")

    def _open_modal(self) -> View:
        if self.modal is None:
            raise CannotBeDone(f"{self.name} has no modal open.")
        self.modal.seen = True
        return self.modal

    def _state_of(self, view: View) -> Json:
        untouched = dict.fromkeys(one.name for one in controls_of(view.blocks)) if self.sparing else {}
        return self.slack.workspace.described(view) | {"state": state_of(view.blocks, untouched | view.typed)}

    async def _dispatches(self, place: Message | View, found: Control, about: Json) -> Reply:
        """Tell the app of an act on one element."""
        workspace = self.slack.workspace
        block_id, action_id = found.name
        action = {"type": found.kind, "block_id": block_id, "action_id": action_id, "action_ts": workspace.new_ts()}
        payload: Json = {"actions": [action | {name: value for name, value in about.items() if value is not None}]}
        if self.sparing and place is self.home:
            return await self._acts("block_actions", payload | {"container": {"type": "message"}}, place)
        if isinstance(place, View):
            payload |= {"container": {"type": "view", "view_id": place.id}, "view": self._state_of(place)}
            return await self._acts("block_actions", payload, place)
        alone = place.only_for is not None
        url = workspace.response_url(self, place.conversation, place)
        payload |= {
            "container": {
                "type": "message",
                "message_ts": place.ts,
                "channel_id": place.conversation.id,
                "is_ephemeral": alone,
            },
            "channel": {"id": place.conversation.id, "name": place.conversation.name},
            "state": state_of(place.blocks, place.typed),
            "response_url": self.slack.url + url.path,
        }
        if not alone:
            payload["message"] = workspace.shown(place)
        if place.thread_ts:
            payload["container"]["thread_ts"] = place.thread_ts
        return await self._acts("block_actions", payload, None)

    async def _acts(self, kind: str, about: Json, view: View | None, *, trigger: bool = True) -> Reply:
        workspace = self.slack.workspace
        payload: Json = {
            "type": kind,
            "user": {"id": self.id, "username": self.handle, "name": self.handle, "team_id": self.team_id},
            "team": {"id": self.team_id, "domain": "example"},
            "api_app_id": workspace.app_id,
            "token": self.slack.verification_token,
            "enterprise": None,
            "is_enterprise_install": False,
        }
        if trigger:
            payload["trigger_id"] = workspace.trigger(self, view).id
        if kind == "shortcut":
            payload["action_ts"] = workspace.new_ts()
        return await self.slack.told("interactive", payload | about)

    def _shows_answer(self, url: ResponseUrl, body: Any) -> None:
        told = body if isinstance(body, dict) else {"text": str(body)}
        try:
            self.slack.api.messages.reply(url, told)
        except Refused as refused:
            self.slack.faults.append(f"the answer to a command is not taken: {refused.code}")

    def _goes_on(self, view: View, body: Any) -> None:
        """What becomes of a modal that was sent off, as the app's answer has it."""
        action = body.get("response_action") if isinstance(body, dict) else None
        if view.id not in self.slack.workspace.views:
            return
        try:
            if action is None:
                self.slack.workspace.close(view)
            elif action == "clear":
                self.slack.workspace.clear(self)
            elif action == "errors":
                self._shows_errors(view, body.get("errors"))
            elif action in ("update", "push"):
                content = self.slack.api.views.checked(
                    body.get("view"), f"response_action {action}", "modal", of=view if action == "update" else None
                )
                if action == "update":
                    self.slack.workspace.change(view, content)
                else:
                    self.slack.api.views.pushed(view, content)
            else:
                self.slack.faults.append(f"{action!r} is no response_action")
        except Refused as refused:
            self.slack.faults.append(f"response_action {action}: {refused.code}")

    def _shows_errors(self, view: View, errors: Any) -> None:
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or errors.keys() - inputs:
            self.slack.faults.append(f"response_action errors: no inputs in this view are called {errors!r}")
            return
        view.errors = {str(name): str(words) for name, words in errors.items()}
        view.seen = False
