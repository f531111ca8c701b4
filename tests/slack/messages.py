"""What chat.* and the response_url do with messages, and what Slack refuses of them."""

from dataclasses import dataclass, field
from typing import Any

from tests.slack.access import Refused, invalid
from tests.slack.limits import (
    MOST_TEXT,
    MOST_UPDATED_TEXT,
    MOST_WEIGHT,
    faults_of,
    faults_of_message,
    length,
    mentions_in,
    weight_of,
)
from tests.slack.workspace import RESPONSE_SECONDS, RESPONSES, Conversation, Json, Message, ResponseUrl, Workspace

_CONTENT = ("text", "blocks", "attachments", "metadata")


@dataclass
class Messages:
    """Deals with messages. What Slack would take, but no reader should get, goes into `faults`.

    `messages_tab` says whether the app's own page of messages is switched on in its settings.
    """

    workspace: Workspace
    faults: list[str]
    messages_tab: bool = True
    mentions_allowed: set[str] = field(default_factory=set)

    def post(self, told: Json) -> Json:
        place = self._place(told["channel"])
        self._check_may_post(place)
        body = self._content(told, "chat.postMessage")
        message = self.workspace.post(place, body, thread_ts=self._thread(place, told))
        if any(one.deleted for one in place.members) and place.kind == "im":
            self.faults.append(f"a message to {place.members[0].name}, whose account is deactivated, goes nowhere")
        answer: Json = {"channel": place.id, "ts": message.ts, "message": self.workspace.shown(message)}
        if length(str(told.get("text") or "")) > MOST_TEXT:
            answer["response_metadata"] = {"warnings": ["message_truncated"]}
        return answer

    def post_ephemeral(self, told: Json) -> Json:
        place = self._place(told["channel"])
        self._check_may_post(place)
        reader = self.workspace.account(told["user"])
        if reader not in place.members:
            raise Refused("user_not_in_channel")
        if length(str(told.get("text") or "")) > MOST_TEXT:
            raise Refused("msg_too_long")
        body = self._content(told, "chat.postEphemeral")
        message = self.workspace.post(place, body, thread_ts=self._thread(place, told), only_for=reader)
        return {"message_ts": message.ts}

    def update(self, told: Json) -> Json:
        place, message = self._own(told, "cant_update_message")
        if length(str(told.get("text") or "")) > MOST_UPDATED_TEXT:
            raise Refused("msg_too_long")
        body = self._content(told, "chat.update")
        if message.blocks and "blocks" not in told:
            self.faults.append("chat.update: a new text under the old blocks; nobody sees it")
        kept = dict(message.body or {})
        self.workspace.update(message, kept | body)
        return {"channel": place.id, "ts": message.ts, "text": message.text, "message": self.workspace.shown(message)}

    def delete(self, told: Json) -> Json:
        place, message = self._own(told, "cant_delete_message")
        self.workspace.delete(message)
        return {"channel": place.id, "ts": message.ts}

    def respond(self, url: ResponseUrl, told: Json) -> None:
        """A post to the response_url of an interaction."""
        if self.workspace.now() - url.made > RESPONSE_SECONDS:
            raise Refused("expired_url")
        if url.uses >= RESPONSES:
            raise Refused("used_url")
        original = url.message if url.message is not None and url.message.body is not None else None
        body = self._content(told, "response_url") if not told.get("delete_original") else {}
        url.uses += 1
        if original is not None and told.get("delete_original"):
            self.workspace.delete(original)
        elif original is not None and told.get("replace_original"):
            self.workspace.update(original, body)
        else:
            self.answer(url, body, told)

    def answer(self, url: ResponseUrl, body: Json, told: Json) -> Message:
        """A new message in answer to an interaction, for one person alone unless it says in_channel."""
        alone = told.get("response_type") != "in_channel"
        only_for = url.owner if alone else None
        return self.workspace.post(url.conversation, body, thread_ts=told.get("thread_ts"), only_for=only_for)

    def reply(self, url: ResponseUrl, told: Json) -> Message:
        """The answer in the acknowledgement of a slash command."""
        return self.answer(url, self._content(told, "the answer to a command"), told)

    def _place(self, channel: object) -> Conversation:
        """A conversation by its id, or the direct messages of a person by theirs."""
        if (account := self.workspace.account(channel)) is not None:
            return self.workspace.direct(account)
        place = self.workspace.conversations.get(str(channel))
        if place is None or (place.kind == "private" and not place.has_app):
            raise Refused("channel_not_found")
        return place

    def _check_may_post(self, place: Conversation) -> None:
        if place.archived:
            raise Refused("is_archived")
        if not place.has_app:
            raise Refused("not_in_channel")
        if place.kind == "im" and not self.messages_tab:
            raise Refused("messages_tab_disabled")

    def _own(self, told: Json, otherwise: str) -> tuple[Conversation, Message]:
        """A message of the app itself, which alone it may change."""
        place = self.workspace.conversations.get(str(told["channel"]))
        if place is None:
            raise Refused("channel_not_found")
        message = place.message(str(told["ts"]))
        if message is None or message.only_for is not None:
            raise Refused("message_not_found")
        if message.author is not None:
            raise Refused(otherwise)
        return place, message

    def _thread(self, place: Conversation, told: Json) -> str | None:
        ts = told.get("thread_ts")
        if ts is None:
            return None
        parent = place.message(str(ts))
        if parent is None:
            raise Refused("thread_not_found")
        if parent.thread_ts not in (None, parent.ts):
            self.faults.append("thread_ts is that of a reply; it should be that of the message which began the thread")
        return str(ts)

    def _content(self, told: Json, method: str) -> Json:
        """What a message is to say. Raises Refused where Slack doesn't take it."""
        body = {name: told[name] for name in _CONTENT if told.get(name) is not None}
        if not (str(body.get("text") or "").strip() or body.get("blocks") or body.get("attachments")):
            raise Refused("no_text")
        found = faults_of_message(body)
        self.faults.extend(f"{method}: {one}" for one in found)
        self.check_mentions(body, method)
        if refused := faults_of(body["blocks"]) if body.get("blocks") else []:
            raise invalid("invalid_blocks", refused)
        if any(one.startswith("/attachments") for one in found):
            raise invalid("invalid_attachments", found)
        self._check_files(body.get("blocks"))
        if method.startswith("chat.") and weight_of(body.get("blocks")) > MOST_WEIGHT:
            self.faults.append(f"{method}: all blocks together are too long ({weight_of(body['blocks'])})")
            raise Refused("msg_blocks_too_long")
        if isinstance(body.get("text"), str):
            body["text"] = body["text"][:MOST_TEXT]
        return body

    def check_mentions(self, payload: Any, method: str) -> None:
        """Note every mention that the test has not allowed."""
        for mention in mentions_in(payload):
            if mention not in self.mentions_allowed:
                self.faults.append(f"{method}: an unexpected mention, {mention}")

    def _check_files(self, blocks: Any) -> None:
        for block in blocks or []:
            file_id = (block.get("slack_file") or {}).get("id") if isinstance(block, dict) else None
            if file_id is not None and not ((held := self.workspace.files.get(file_id)) and held.data is not None):
                raise invalid("invalid_blocks", ["invalid slack file"])
