"""The app in Bolt: what Slack tells over either transport is checked, read, acknowledged and handed on.

Nothing here waits for the store, but for the answer to a form, which has its own deadline (modals.py).
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.counts import Counts
from bot.slack.asking import SHORTCUTS
from bot.slack.client import SlackClient, Workspace
from bot.slack.incoming import Incoming, Json, Kind, NotReadable, app_of, read, workspace_of
from bot.slack.turns import Turns
from cards.blocks.forms import BACK, FORM

__all__ = ["AsyncApp", "build_app", "over_http"]

ANY = re.compile("")
ASKED = re.compile("input/")
"""What the blocks of a form's inputs begin with."""
EVENTS = ("message", "app_home_opened", "user_change", "team_join", "app_uninstalled", "tokens_revoked")
INCOMING = "incoming"
"""The place in Bolt's context of what was read."""
log = logging.getLogger(__name__)
# Bolt writes whole payloads into its log, which hold what people typed.
_bolt_log = logging.getLogger(f"{__name__}.bolt")
_bolt_log.setLevel(logging.CRITICAL)


def build_app(turns: Turns, workspace: Workspace, client: SlackClient) -> AsyncApp:
    """The app for both transports. Whoever gives it a request has proved that it comes from Slack."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=workspace.team_id,
            bot_id=workspace.bot_id,
            bot_user_id=workspace.bot_user_id,
        )

    app = AsyncApp(
        name="auditloop",
        client=client.for_bolt(),
        signing_secret="",
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        logger=_bolt_log,
    )
    app.use(_Gate(workspace, turns.counts).let_in)
    _listen(app, turns)
    return app


async def over_http(app: AsyncApp, request: web.Request, body: str) -> web.Response:
    """The app's answer to a request that is proved to be Slack's. Raises NotReadable."""
    try:
        asked = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers.items()))
        answer = await app.async_dispatch(asked)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        # Bolt looks into what came to find out whose it is. What goes wrong in a listener doesn't get here.
        log.info("Bolt can't read something from Slack: %s", type(fault).__name__)
        raise NotReadable("not formed as Slack forms it") from None
    return await to_aiohttp_response(answer)


class _Gate:
    """Lets in what is for this app in its own workspace, and reads it."""

    def __init__(self, workspace: Workspace, counts: Counts) -> None:
        self._workspace, self._counts = workspace, counts

    async def let_in(
        self, body: Json, context: AsyncBoltContext, req: AsyncBoltRequest, next_: Callable[[], Awaitable[Any]]
    ) -> BoltResponse | None:
        app_id = self._workspace.app_id
        if workspace_of(body) != self._workspace.team_id:
            return self._refuse(req, "workspace", 403)
        if app_id and app_of(body) != app_id:
            return self._refuse(req, "app", 403)
        try:
            incoming = read(body)
        except NotReadable as fault:
            log.info("something from Slack can't be read: %s", fault)
            return self._refuse(req, "unreadable", 400)
        if incoming.kind is Kind.HELD_BACK:
            # Bolt knows no listener for it.
            log.error("Slack holds events back for now: there were too many of them, or too many unanswered")
            return BoltResponse(status=200, body="")
        context[INCOMING] = incoming
        await next_()
        return None

    def _refuse(self, req: AsyncBoltRequest, reason: str, status: int) -> BoltResponse:
        self._counts.refuse(reason)
        # Over a websocket, what isn't acknowledged comes again.
        return BoltResponse(status=200 if req.mode == "socket_mode" else status, body="")


def _listen(app: AsyncApp, turns: Turns) -> None:
    """Who hears what; what nobody expects is acknowledged and counted, last."""

    async def hear(ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        turns.hear(context[INCOMING])

    async def sent(ack: AsyncAck, context: AsyncBoltContext) -> None:
        incoming: Incoming = context[INCOMING]
        answer = await turns.submitted(incoming)
        await (ack(answer) if answer else ack())

    async def unknown(ack: AsyncAck) -> None:
        turns.counts.refuse("unknown")
        await ack()

    for name in (re.compile(r"(press|form)-\d{1,4}$"), re.compile(f"{BACK}$")):
        app.action(name)(hear)
    app.action({"block_id": ASKED})(hear)
    app.view(FORM)(sent)
    app.view_closed(FORM)(hear)
    for callback_id in SHORTCUTS:
        app.shortcut(callback_id)(hear)
    app.command(ANY)(hear)
    for event in EVENTS:
        app.event(event)(hear)
    for matching in (app.action, app.view, app.view_closed, app.shortcut, app.event):
        matching(ANY)(unknown)
