"""A small app in Bolt, to see that the fake Slack and Slack's own library understand each other."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack.server import APP_TOKEN, BOT_TOKEN, LOOPBACK, SIGNING_SECRET, Slack

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


OFFER: list[Json] = [
    {"type": "section", "text": plain("An audit for you")},
    {"type": "input", "block_id": "why", "optional": True, "label": plain("Reason"),
     "element": {"type": "plain_text_input", "action_id": "words", "max_length": 20}},
    {"type": "actions", "elements": [
        {"type": "button", "action_id": "accept", "text": plain("Accept"), "value": "7"},
        {"type": "button", "action_id": "grade", "text": plain("Grade it"), "value": "7"},
    ]},
]  # fmt: skip

FORM: Json = {
    "type": "modal",
    "callback_id": "grade",
    "private_metadata": "7",
    "title": plain("Grade"),
    "submit": plain("Send"),
    "notify_on_close": True,
    "blocks": [
        {"type": "input", "block_id": "grade", "label": plain("Grade"),
         "element": {"type": "static_select", "action_id": "pick", "options": [
             {"text": plain("Good"), "value": "good"}, {"text": plain("Poor"), "value": "poor"}]}},
        {"type": "input", "block_id": "due", "optional": True, "label": plain("Due"),
         "element": {"type": "datepicker", "action_id": "day", "initial_date": "2026-04-02"}},
        {"type": "input", "block_id": "note", "optional": True, "label": plain("Note"),
         "element": {"type": "plain_text_input", "action_id": "words"}},
    ],
}  # fmt: skip


@dataclass
class SmallApp:
    """The app, and what it was told."""

    bolt: AsyncApp
    client: AsyncWebClient
    heard: list[tuple[str, Json]] = field(default_factory=list)

    def note(self, kind: str, body: Json) -> None:
        self.heard.append((kind, body))

    def last(self, kind: str) -> Json:
        return next(body for name, body in reversed(self.heard) if name == kind)


@asynccontextmanager
async def client_of(slack: Slack, token: str | None = BOT_TOKEN) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield AsyncWebClient(token, base_url=slack.api_url, session=session, retry_handlers=[])


@asynccontextmanager
async def small_app(
    slack: Slack, *, over_sockets: bool, answers: Callable[[Json], Json | None] = lambda _: None
) -> AsyncIterator[SmallApp]:
    """The app at work. `answers` is what it says to a form that was sent off, for its ack."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(client_of(slack, None))
        posting = await stack.enter_async_context(client_of(slack))
        me = await posting.auth_test()

        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None,
                team_id=me["team_id"],
                bot_token=BOT_TOKEN,
                bot_id=me["bot_id"],
                bot_user_id=me["user_id"],
            )

        bolt = AsyncApp(
            name="small",
            client=client,
            signing_secret=SIGNING_SECRET,
            authorize=authorize,
            process_before_response=True,
        )
        app = SmallApp(bolt, posting)
        _listen(app, answers)
        if over_sockets:
            handler: Any = AsyncSocketModeHandler(bolt, APP_TOKEN)
            stack.push_async_callback(handler.close_async)
            await handler.connect_async()
            await slack.until(lambda: slack.sockets.open)
        else:
            await _serves(stack, slack, bolt)
        yield app


async def _serves(stack: AsyncExitStack, slack: Slack, bolt: AsyncApp) -> None:
    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    door = web.Application()
    door.router.add_post("/slack/events", events)
    runner = web.AppRunner(door, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, LOOPBACK, 0).start()
    slack.bot_url = f"http://{LOOPBACK}:{runner.addresses[0][1]}/slack/events"


def _listen(app: SmallApp, answers: Callable[[Json], Json | None]) -> None:
    async def accept(ack: Any, body: Json, respond: Any) -> None:
        app.note("accept", body)
        await ack()
        await respond(text="Accepted", blocks=[{"type": "section", "text": plain("Accepted")}], replace_original=True)

    async def grade(ack: Any, body: Json) -> None:
        app.note("grade", body)
        await ack()
        await app.client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def submitted(ack: Any, body: Json) -> None:
        app.note("submitted", body)
        answer = answers(body)
        await (ack() if answer is None else ack(answer))

    async def closed(ack: Any, body: Json) -> None:
        app.note("closed", body)
        await ack()

    async def shortcut(ack: Any, body: Json) -> None:
        app.note("shortcut", body)
        await ack()
        await app.client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def command(ack: Any, body: Json) -> None:
        app.note("command", body)
        share = body["text"].endswith("share")
        await ack({"response_type": "in_channel" if share else "ephemeral", "text": f"You said {body['text']}"})

    async def event(event: Json, body: Json) -> None:
        app.note(event["type"], body)
        if event["type"] == "message":
            await app.client.chat_postMessage(channel=event["channel"], text=f"I read {event['text']}")
        if event["type"] == "app_home_opened":
            home = {"type": "home", "blocks": [{"type": "section", "text": plain("Your audits")}]}
            await app.client.views_publish(user_id=event["user"], view=home)

    app.bolt.action("accept")(accept)
    app.bolt.action("grade")(grade)
    app.bolt.view("grade")(submitted)
    app.bolt.view_closed("grade")(closed)
    app.bolt.shortcut("my_audits")(shortcut)
    app.bolt.command("/qa")(command)
    for name in ("message", "app_home_opened", "user_change", "team_join", "app_mention", "member_joined_channel"):
        app.bolt.event(name)(event)
    for name in ("app_uninstalled", "tokens_revoked"):
        app.bolt.event(name)(event)
