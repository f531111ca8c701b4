"""What Slack tells of people, conversations, the workspace and the app."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.slack.access import READS, Refused, Token, checked_scope
from tests.slack.workspace import Account, Conversation, Json, Workspace

LARGEST_PAGE, USUAL_PAGE = 1000, 100
_Item = TypeVar("_Item")


@dataclass
class Directory:
    """Deals with the calls that look something up, and with the opening of direct messages."""

    workspace: Workspace
    team_name: str
    bot_name: str

    def auth_test(self, url: str) -> Json:
        return {
            "url": url,
            "team": self.team_name,
            "user": self.bot_name,
            "team_id": self.workspace.team_id,
            "user_id": self.workspace.bot_user_id,
            "bot_id": self.workspace.bot_id,
            "is_enterprise_install": False,
        }

    def team(self) -> Json:
        team = {"id": self.workspace.team_id, "name": self.team_name, "domain": "example", "email_domain": ""}
        return {"team": team}

    def bot(self, told: Json) -> Json:
        if told.get("bot") != self.workspace.bot_id:
            raise Refused("bot_not_found")
        bot = {
            "id": self.workspace.bot_id,
            "deleted": False,
            "name": self.bot_name,
            "app_id": self.workspace.app_id,
            "user_id": self.workspace.bot_user_id,
        }
        return {"bot": bot}

    def user(self, told: Json, token: Token) -> Json:
        if told["user"] == self.workspace.bot_user_id:
            bot = Account(self.bot_name, "", self.workspace.team_id)
            return {"user": bot.profile(with_email=False) | {"id": self.workspace.bot_user_id, "is_bot": True}}
        found = self.workspace.account(told["user"])
        if found is None:
            raise Refused("user_not_found")
        return {"user": _profile(found, token)}

    def by_email(self, told: Json, token: Token) -> Json:
        wanted = str(told["email"]).casefold()
        here = (one for one in self.workspace.accounts if one.team_id == self.workspace.team_id and not one.deleted)
        found = next((one for one in here if one.email.casefold() == wanted), None)
        if found is None:
            raise Refused("users_not_found")
        return {"user": _profile(found, token)}

    def users(self, told: Json, token: Token) -> Json:
        here = [one for one in self.workspace.accounts if one.team_id == self.workspace.team_id]
        page, cursor = _paged(here, told)
        members = [_profile(one, token) for one in page]
        return {"members": members, "cache_ts": 1767225600, "response_metadata": {"next_cursor": cursor}}

    def conversation(self, told: Json, token: Token) -> Json:
        place = self._visible(told, token)
        return {"channel": self._described(place)}

    def members(self, told: Json, token: Token) -> Json:
        place = self._visible(told, token)
        page, cursor = _paged(place.members, told)
        ids = [one.id for one in page]
        if place.has_app and not cursor:
            ids.append(self.workspace.bot_user_id)
        return {"members": ids, "response_metadata": {"next_cursor": cursor}}

    def open(self, told: Json, token: Token) -> Json:
        """Open the direct messages of one person."""
        users = told.get("users")
        names = users.split(",") if isinstance(users, str) else users or []
        if told.get("channel") is not None:
            place = self.workspace.conversations.get(str(told["channel"]))
            if place is None or place.kind != "im":
                raise Refused("channel_not_found")
            account, was_open = place.members[0], True
        else:
            if not names:
                raise Refused("users_list_not_supplied")
            if len(names) > 1:
                checked_scope(token, "mpim:write")
                raise Refused("invalid_user_combination")
            found = self.workspace.account(names[0])
            if found is None:
                raise Refused("user_not_found")
            if found.deleted:
                raise Refused("user_disabled")
            account, was_open = found, self.workspace.opened(found)
        place = self.workspace.direct(account)
        told_all = told.get("return_im") in (True, "1", "true")
        answer: Json = {"channel": self._described(place) if told_all else {"id": place.id}}
        return answer | ({"no_op": True, "already_open": True} if was_open else {})

    def _visible(self, told: Json, token: Token) -> Conversation:
        place = self.workspace.conversations.get(str(told["channel"]))
        if place is None or (place.kind == "private" and not place.has_app):
            raise Refused("channel_not_found")
        checked_scope(token, READS[place.kind])
        return place

    def _described(self, place: Conversation) -> Json:
        direct = place.kind == "im"
        about: Json = {"id": place.id, "is_im": direct, "is_archived": place.archived, "is_org_shared": False}
        if direct:
            return about | {"user": place.members[0].id, "is_open": True}
        private = place.kind == "private"
        return about | {
            "name": place.name,
            "is_channel": not private,
            "is_group": private,
            "is_private": private,
            "is_member": place.has_app,
        }


def _profile(account: Account, token: Token) -> Json:
    return account.profile(with_email="users:read.email" in token.scopes)


def _paged(items: Sequence[_Item], told: Json) -> tuple[Sequence[_Item], str]:
    """One page, and the cursor of the next, empty where there is none. Raises Refused for a cursor made up."""
    try:
        size = min(max(int(told.get("limit") or USUAL_PAGE), 1), LARGEST_PAGE)
        start = int(base64.b64decode(str(told["cursor"])).decode()) if told.get("cursor") else 0
    except (binascii.Error, ValueError):
        raise Refused("invalid_cursor") from None
    end = start + size
    return items[start:end], base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
