"""The Connector's calls about conversations: what each does in Teams, and what Teams refuses."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.teams.chats import CARD, MOST_BYTES, Account, Activity, Chat, Chats
from tests.teams.trouble import Call, Kind, error

LEAST_PAGE, USUAL_PAGE, MOST_PAGE = 50, 200, 500
"""How many members Teams puts on a page of the roster, whatever is asked."""


class Refused(Exception):
    """A call that Teams refuses, with the status and the code of its answer."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def size_of(activity: Any) -> int:
    """What an activity weighs in Teams: bytes of its JSON in UTF-16."""
    return len(json.dumps(activity, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le"))


def checked(activity: Any) -> Activity:
    """An activity that Teams would take. Raises Refused."""
    if not isinstance(activity, dict):
        raise Refused(400, "BadSyntax", "The body is no JSON object.")
    if size_of(activity) > MOST_BYTES:
        raise Refused(413, "MessageSizeTooBig", f"{size_of(activity)} bytes; at most {MOST_BYTES} are taken.")
    if activity.get("type") not in ("message", "typing"):
        raise Refused(400, "BadArgument", f"Unknown activity type {activity.get('type')!r}.")
    attached = activity.get("attachments") or []
    if not isinstance(attached, list) or not all(isinstance(one, dict) and one.get("contentType") for one in attached):
        raise Refused(400, "BadSyntax", "Attachments need a content type each.")
    for content in (one.get("content") for one in attached if one["contentType"] == CARD):
        if not isinstance(content, dict) or content.get("type") != "AdaptiveCard" or "version" not in content:
            raise Refused(400, "BadArgument", "This is no Adaptive Card.")
    if activity["type"] == "message" and not attached and not activity.get("text"):
        raise Refused(400, "BadArgument", "A message needs text or an attachment.")
    return activity


@dataclass
class Conversations:
    """Deals with the calls of a bot that has been let in."""

    chats: Chats
    tenant_id: str

    def answer(self, call: Call, query: dict[str, str]) -> web.Response:
        """Deal with one call."""
        try:
            status = 201 if call.kind in (Kind.CREATE, Kind.SEND, Kind.REPLY) else 200
            return web.json_response(self._dealt_with(call, query), status=status)
        except Refused as refused:
            return error(refused.status, refused.code, refused.message)

    def whose(self, call: Call) -> str | None:
        """The name of the person whose personal chat a call concerns."""
        if call.kind is Kind.CREATE:
            account = self._first_member(call.body)
            return account.name if account else None
        chat = self.chats.chats.get(call.conversation_id or "")
        return chat.members[0].name if chat and chat.kind == "personal" else None

    def thread(self, call: Call) -> str | None:
        """The thread by which Teams counts the rate of a call."""
        if call.kind is Kind.CREATE:
            account = self._first_member(call.body)
            return self.chats.personal_id(account) if account else None
        return call.conversation_id.partition(";")[0] if call.conversation_id else None

    def _dealt_with(self, call: Call, query: dict[str, str]) -> Any:
        if call.kind is Kind.CREATE:
            return self._created(call.body)
        chat = self.chats.chats.get(call.conversation_id or "")
        if chat is None:
            raise Refused(404, "ConversationNotFound")
        self._check_app_is_there(chat)
        if call.kind is Kind.MEMBERS:
            return [account.member() for account in chat.members]
        if call.kind is Kind.MEMBER:
            return self._member(chat, call.activity_id or "")
        if call.kind is Kind.PAGED_MEMBERS:
            return self._page(chat, query)
        if chat.members and chat.kind == "personal" and chat.members[0].blocked:
            raise Refused(403, "MessageWritesBlocked")
        if call.kind in (Kind.SEND, Kind.REPLY):
            return self._sent(chat, checked(call.body), call.activity_id)
        message = chat.message(call.activity_id or "")
        if message is None or message.activity is None:
            raise Refused(404, "ActivityNotFoundInConversation")
        if call.kind is Kind.DELETE:
            self.chats.delete(message)
            return {}
        self.chats.update(message, checked(call.body))
        return {"id": message.id}

    def _first_member(self, body: Any) -> Account | None:
        members = body.get("members") if isinstance(body, dict) else None
        first = members[0] if isinstance(members, list) and members else None
        return self.chats.known(str(first.get("id"))) if isinstance(first, dict) else None

    def _created(self, body: Any) -> dict[str, str]:
        members = body.get("members") if isinstance(body, dict) else None
        if not isinstance(members, list) or len(members) != 1 or body.get("isGroup"):
            raise Refused(400, "BadSyntax", "A bot can begin a chat with exactly one person.")
        told = ((body.get("channelData") or {}).get("tenant") or {}).get("id") or body.get("tenantId")
        if told != self.tenant_id:
            raise Refused(400, "BadArgument", f"Unknown tenant {told!r}.")
        account = self._first_member(body)
        if account is None:
            raise Refused(400, "BadSyntax", "Nobody here has this id.")
        if not account.installed:
            raise Refused(403, "BadArgument", f"{account.name} has not installed the app for themselves.")
        chat = self.chats.personal(account)
        if body.get("activity") is None:
            return {"id": chat.id}
        sent = self._sent(chat, checked(body["activity"]), None)
        return {"id": chat.id, "activityId": sent["id"]}

    def _check_app_is_there(self, chat: Chat) -> None:
        if chat.kind == "personal" and not (chat.members[0].installed or chat.members[0].still_answers):
            raise Refused(403, "BotNotInConversationRoster")

    def _sent(self, chat: Chat, activity: Activity, reply_to: str | None) -> dict[str, str]:
        if activity["type"] == "typing":
            chat.typing += 1
            return {"id": self.chats.new_id()}
        return {"id": self.chats.post(chat, activity, reply_to).id}

    def _member(self, chat: Chat, member_id: str) -> dict[str, str]:
        for account in chat.members:
            if member_id in (account.mri, account.aad_object_id, account.email):
                return account.member()
        raise Refused(404, "MemberNotFoundInConversation")

    def _page(self, chat: Chat, query: dict[str, str]) -> dict[str, Any]:
        size = min(max(int(query.get("pageSize", USUAL_PAGE)), LEAST_PAGE), MOST_PAGE)
        try:
            start = int(base64.urlsafe_b64decode(query["continuationToken"])) if "continuationToken" in query else 0
        except (binascii.Error, ValueError):
            raise Refused(400, "BadArgument", "This continuation token was not given here.") from None
        found: dict[str, Any] = {"members": [account.member() for account in chat.members[start : start + size]]}
        if start + size < len(chat.members):
            found["continuationToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return found
