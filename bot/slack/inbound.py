"""All that comes in from Slack, put together: over HTTP or a websocket, to what is done about it."""

from dataclasses import dataclass, replace

from aiohttp import web

from bot.answering import Answering
from bot.counts import Counts
from bot.program import Program
from bot.slack.endpoint import Endpoint
from bot.slack.listeners import AsyncApp, build_app
from bot.slack.opening import Slack
from bot.slack.turns import Turns


@dataclass(frozen=True)
class Inbound:
    """The way in. `bolt` is the app for Socket Mode."""

    bolt: AsyncApp
    endpoint: Endpoint
    turns: Turns

    async def post(self, request: web.Request) -> web.Response:
        """Answer what Slack posts to /slack/events."""
        return await self.endpoint.post(request)

    async def close(self) -> None:
        """Wait for what is being done beside the answers."""
        await self.turns.close()


def open_inbound(slack: Slack, program: Program, counts: Counts) -> Inbound:
    """The way in to a program, for the workspace that Slack has named."""
    answering = Answering(program.store, program.clock, program.figures, in_the_answer=False)
    turns = Turns(program, answering, slack.door, slack.client, slack.acquaintance, counts)
    workspace = replace(slack.workspace, app_id=slack.workspace.app_id or slack.settings.app_id)
    bolt = build_app(turns, workspace, slack.client)
    secret = slack.settings.signing_secret.get_secret_value()
    return Inbound(bolt, Endpoint(bolt, secret, program.clock, counts), turns)
