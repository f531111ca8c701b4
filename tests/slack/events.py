"""What happens in a workspace without anybody pressing anything, as the Events API tells the app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.slack.outward import Outward, Reply
from tests.slack.workspace import Account, Conversation, Json, Message, Workspace, digest


@dataclass
class Events:
    """Each tells the app of one thing. `told` sends it and notes a fault where the app doesn't acknowledge it."""

    workspace: Workspace
    out: Outward
    verification_token: str
    told: Callable[[Json], Awaitable[Reply]]

    async def tell(self, event: Json) -> Reply:
        """Tell the app of any event."""
        return await self.told(self.wrapped(event))

    def wrapped(self, event: Json) -> Json:
        """An event as it is sent: with a name of its own, and for whom it is."""
        number, team_id = self.workspace.number(), self.workspace.team_id
        return {
            "token": self.verification_token,
            "team_id": team_id,
            "api_app_id": self.workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev0{digest(f'event {number}')}",
            "event_time": int(self.workspace.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team_id,
                    "user_id": self.workspace.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{number}",
        }

    async def again(self, reply: Reply, *, number: int = 1, reason: str = "http_timeout") -> Reply:
        """Tell the app of the same thing once more, as Slack does when it got no answer in time."""
        return await self.out.tell(reply.kind, reply.payload, retry=(number, reason))

    async def url_verification(self, challenge: str = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P") -> Reply:
        """Ask whether the app is there, as Slack does when its URL is entered."""
        payload = {"token": self.verification_token, "challenge": challenge, "type": "url_verification"}
        return await self.out.tell("events_api", payload)

    async def deactivated(self, account: Account) -> Reply:
        """Take away somebody's account."""
        account.deleted = True
        return await self.changed(account)

    async def changed(self, account: Account) -> Reply:
        """Something about somebody has changed."""
        return await self.tell(self._about("user_change", account))

    async def joined(self, account: Account) -> Reply:
        """Somebody is new in the workspace."""
        return await self.tell(self._about("team_join", account))

    async def invited(self, channel: Conversation, by: Account) -> Reply:
        """Somebody adds the app to a channel."""
        channel.has_app = True
        return await self.tell(
            {
                "type": "member_joined_channel",
                "user": self.workspace.bot_user_id,
                "channel": channel.id,
                "channel_type": "G" if channel.kind == "private" else "C",
                "team": self.workspace.team_id,
                "inviter": by.id,
                "event_ts": self.workspace.new_ts(),
            }
        )

    async def uninstalled(self) -> list[Reply]:
        """The app was taken out of the workspace; Slack tells it by two events. End its token first."""
        revoked: Json = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.workspace.bot_user_id]}}
        return [await self.tell(revoked), await self.tell({"type": "app_uninstalled"})]

    async def echoed(self, message: Message) -> Reply:
        """The app's own message, as it comes back to an app that listens to direct messages."""
        about = {"channel": message.conversation.id, "channel_type": "im", "event_ts": message.ts}
        return await self.tell(self.workspace.shown(message) | about)

    def _about(self, kind: str, account: Account) -> Json:
        return {
            "type": kind,
            "user": account.profile(with_email=True),
            "cache_ts": int(self.workspace.now()),
            "event_ts": self.workspace.new_ts(),
        }
