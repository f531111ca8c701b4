"""Slack's Web API as auditloop calls it: every failure is typed, and nothing goes out too fast."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from time import monotonic

import pytest
from aiohttp import ClientTimeout, web

from bot.rates import Rates, Throttled
from bot.slack.client import Member, SlackClient, View
from bot.slack.failures import Refused, Unanswered
from bot.slack.rates import rates_of_slack
from cards.blocks import BlockMessage
from tests.slack import trouble as wrong
from tests.slack.access import LEAST_SCOPES
from tests.slack.people import Member as Person
from tests.slack.server import APP_ID, APP_TOKEN, BOT_TOKEN, TEAM_ID, Slack
from tests.slack.trouble import Mishap
from tests.slack.workspace import Message

HOME = {"type": "home", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "Yours"}}]}
MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Grade"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "One moment…"}}],
}


def saying(text: str) -> BlockMessage:
    return BlockMessage(text, [{"type": "section", "text": {"type": "plain_text", "text": text}}])


@asynccontextmanager
async def client_of(
    api_url: str, token: str = BOT_TOKEN, *, a_second: int = 50, time: Callable[[], float] = monotonic
) -> AsyncIterator[SlackClient]:
    client = SlackClient(api_url, token, Rates(rates_of_slack(a_second), time))
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def client(slack: Slack) -> AsyncIterator[SlackClient]:
    async with client_of(slack.api_url) as opened:
        yield opened


@pytest.fixture
def ann(slack: Slack) -> Person:
    return slack.member("Ann Archer")


async def test_slack_says_whose_the_token_is_and_what_it_may_do(slack: Slack, client: SlackClient) -> None:
    workspace = await client.auth()
    assert (workspace.team_id, workspace.app_id, workspace.name) == (TEAM_ID, APP_ID, "Example Council")
    assert (workspace.bot_user_id, workspace.bot_id) == (slack.workspace.bot_user_id, slack.workspace.bot_id)
    assert workspace.scopes == LEAST_SCOPES
    assert await client.auth() is workspace
    assert len(slack.sent("auth.test")) == 1


def taken_away(slack: Slack) -> None:
    """What is left to look at is one message that was taken away."""
    (gone,) = slack.unseen()
    assert isinstance(gone, Message)
    assert gone.history[-1] == "deleted"
    gone.seen = True


async def test_a_message_goes_out_is_changed_and_taken_away(slack: Slack, client: SlackClient, ann: Person) -> None:
    channel = await client.open_chat(ann.id)
    first = await client.post(channel, saying("An audit for you"))
    reply = await client.post(channel, saying("More of it"), thread=first, broadcast=True)
    await client.update(channel, first, saying("It was done"))
    assert ann.sees() == ["It was done", "More of it"]
    assert [one.ts for one in ann.dm.thread(ann.messages()[0])] == [reply]
    assert slack.sent("chat.postMessage")[1].arguments["reply_broadcast"] is True
    await client.delete(channel, reply)
    assert ann.sees() == ["It was done"]
    taken_away(slack)


async def test_a_message_to_a_users_id_says_in_which_channel_it_stands(client: SlackClient, ann: Person) -> None:
    spot = await client.send(ann.id, saying("Hello"))
    assert (spot.channel, spot.ts) == (ann.dm.id, ann.messages()[0].ts)
    assert ann.sees() == ["Hello"]


async def test_accounts_are_read_by_id_by_address_and_all_of_them(slack: Slack, client: SlackClient) -> None:
    ann = slack.member("Ann Archer")
    guest = slack.member("Guy Guest", restricted=True)
    gone = slack.member("Leo Left")
    gone.deleted = True
    assert await client.user(ann.id) == Member(ann.id, TEAM_ID, ann.email, "Ann Archer")
    assert (await client.user(guest.id)).guest
    assert await client.user_with_email("ANN.Archer@example.gov.uk") == await client.user(ann.id)
    assert await client.user_with_email(gone.email) is None
    everyone = [one async for one in client.members()]
    assert [(one.name, one.guest, one.deleted) for one in everyone] == [
        ("Ann Archer", False, False),
        ("Guy Guest", True, False),
        ("Leo Left", False, True),
    ]
    with pytest.raises(Refused, match="user_not_found"):
        await client.user("U0NOBODY")


async def test_a_large_directory_is_read_page_by_page(slack: Slack, client: SlackClient) -> None:
    for number in range(1200):
        slack.member(f"Person {number}")
    assert len({one.user_id async for one in client.members()}) == 1200
    assert len(slack.sent("users.list")) == 3


async def test_views_are_opened_updated_and_published(slack: Slack, client: SlackClient, ann: Person) -> None:
    opened = await client.open_view(slack.workspace.trigger(ann).id, MODAL)
    again = await client.update_view(opened.id, MODAL | {"callback_id": "form"}, hash=opened.hash)
    assert isinstance(again, View)
    assert (again.id, ann.modal and ann.modal.content["callback_id"]) == (opened.id, "form")
    with pytest.raises(Refused, match="hash_conflict"):
        await client.update_view(opened.id, MODAL, hash=opened.hash)
    await client.publish(ann.id, HOME)
    assert ann.home is not None
    assert ann.reads(ann.home) == "Yours"
    with pytest.raises(Refused, match="trigger"):
        await client.open_view("1.2.never", MODAL)
    assert ann.modal is not None
    assert ann.modal.title == "Grade"
    assert ann.reads(ann.modal)


async def test_a_file_comes_into_a_thread(client: SlackClient, slack: Slack, ann: Person) -> None:
    channel = await client.open_chat(ann.id)
    ts = await client.post(channel, saying("Your session"))
    content = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    file_id = await client.upload("session.ics", content, title="Add to your calendar", channel=channel, thread=ts)
    assert slack.workspace.files[file_id].data == content
    (shared,) = ann.dm.thread(ann.messages()[0])
    assert ann.reads(shared).startswith("Add to your calendar")
    assert ann.sees()


async def test_a_missing_scope_is_named(client: SlackClient, slack: Slack) -> None:
    slack.token.scopes = LEAST_SCOPES - {"files:write"}
    with pytest.raises(Refused) as fault:
        await client.upload("a.txt", b"a", title="A")
    assert (fault.value.code, fault.value.needed) == ("missing_scope", "files:write")


async def test_an_interaction_is_answered_where_it_came_from(slack: Slack, client: SlackClient, ann: Person) -> None:
    await client.post(await client.open_chat(ann.id), saying("Accept?"))
    url = slack.url + slack.workspace.response_url(ann, ann.dm, ann.messages()[0]).path
    await client.respond(url, saying("Only for you"))
    assert [ann.reads(one) for one in ann.ephemeral()] == ["Only for you"]
    await client.respond(url, saying("For all"), in_channel=True)
    await client.respond(url, saying("Accepted"), replace=True)
    assert ann.sees() == ["Accepted", "For all"]
    await client.respond(url, None)
    assert ann.sees() == ["For all"]
    await client.respond(url, saying("Once more"))
    with pytest.raises(Refused):
        await client.respond(url, saying("Too often"))
    assert [ann.reads(one) for one in ann.ephemeral()] == ["Only for you", "Once more"]
    taken_away(slack)


@pytest.mark.parametrize(
    "address", ["https://evil.example/actions/1", "https://hooks.slack.com.evil.example/x", "no address", ""]
)
async def test_an_answer_goes_to_slack_alone(address: str) -> None:
    async with client_of("https://slack.com/api/") as client:
        with pytest.raises(Refused, match="invalid_url"):
            await client.respond(address, saying("Secret"))


async def test_the_socket_is_asked_for_with_the_apps_token(client: SlackClient) -> None:
    assert (await client.connections_url(APP_TOKEN)).startswith("ws://127.0.0.1:")
    with pytest.raises(Refused, match="not_allowed_token_type"):
        await client.connections_url(BOT_TOKEN)


@pytest.mark.parametrize(
    "mishap",
    [wrong.DROPS, wrong.DROPS_AFTER_TAKING, wrong.GARBAGE, wrong.TEXT, wrong.EMPTY],
    ids=["dropped", "dropped after taking", "a page", "text", "nothing"],
)
async def test_whatever_is_no_answer_may_have_arrived_and_goes_once(
    slack: Slack, client: SlackClient, ann: Person, mishap: Mishap
) -> None:
    channel = await client.open_chat(ann.id)
    slack.trouble.add(mishap, "chat.postMessage", times=None)
    with pytest.raises(Unanswered) as fault:
        await client.post(channel, saying("Hello"))
    assert fault.value.may_have_arrived
    assert len(slack.sent("chat.postMessage")) == 1
    assert ann.sees() == (["Hello"] if mishap.takes else [])


@pytest.mark.parametrize("mishap", [wrong.HANGS, wrong.HANGS_AFTER_TAKING], ids=["before", "after"])
async def test_an_answer_that_takes_too_long_is_not_waited_for(
    slack: Slack, monkeypatch: pytest.MonkeyPatch, mishap: Mishap
) -> None:
    monkeypatch.setattr("bot.slack.client.TIMEOUT", ClientTimeout(total=0.5))
    ann = slack.member("Ann Archer")
    async with client_of(slack.api_url) as client:
        slack.trouble.add(wrong.slow(0.2), "conversations.open")
        channel = await client.open_chat(ann.id)
        slack.trouble.add(mishap, "chat.postMessage")
        with pytest.raises(Unanswered, match="TimeoutError") as fault:
            await client.post(channel, saying("Hello"))
    assert fault.value.may_have_arrived
    assert ann.sees() == (["Hello"] if mishap.takes else [])


async def test_who_cannot_be_reached_at_all_has_surely_got_nothing() -> None:
    async with client_of("http://127.0.0.1:1/api/") as client:
        with pytest.raises(Unanswered) as fault:
            await client.open_chat("U1")
    assert not fault.value.may_have_arrived


@pytest.mark.parametrize("mishap", [wrong.FAILS, wrong.BAD_GATEWAY, wrong.UNAVAILABLE], ids=lambda one: str(one.status))
async def test_an_error_of_http_keeps_its_status(
    slack: Slack, client: SlackClient, ann: Person, mishap: Mishap
) -> None:
    slack.trouble.add(mishap, "conversations.open")
    with pytest.raises(Refused) as fault:
        await client.open_chat(ann.id)
    assert (fault.value.status, fault.value.code) == (mishap.status, "")


@pytest.mark.parametrize(
    "says", [b"[1, 2]", b'"ok"', b"{broken", b"\xff\xfe", b'{"ok": true}', b'{"ok": true, "user": 5}']
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_answers_that_make_no_sense_are_only_unreadable(says: bytes, content_type: str) -> None:
    async def senseless(_: web.Request) -> web.Response:
        return web.Response(body=says, content_type=content_type)

    app = web.Application()
    app.router.add_route("*", "/api/{method}", senseless)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with client_of(f"http://127.0.0.1:{runner.addresses[0][1]}/api/") as client:
            with pytest.raises(Unanswered, match="can't be read"):
                await client.user("U1")
            with pytest.raises(Unanswered, match="can't be read"):
                await client.auth()
    finally:
        await runner.cleanup()


async def test_where_slack_asks_to_wait_that_channel_waits_and_the_others_go_on(
    slack: Slack, client: SlackClient, ann: Person
) -> None:
    bob = slack.member("Bob Brown")
    places = [await client.open_chat(one.id) for one in (ann, bob)]
    slack.trouble.add(wrong.throttles(30), "chat.postMessage", person=ann)
    with pytest.raises(Refused) as fault:
        await client.post(places[0], saying("Hello"))
    assert (fault.value.status, fault.value.retry_after) == (429, timedelta(seconds=30))
    with pytest.raises(Refused) as fault:
        await client.post(places[0], saying("Hello"))
    assert fault.value.retry_after is not None
    assert timedelta(seconds=29) < fault.value.retry_after <= timedelta(seconds=30)
    assert await client.post(places[1], saying("Hello"))
    assert len(slack.sent("chat.postMessage")) == 2
    assert bob.sees() == ["Hello"]


async def test_where_slack_asks_to_wait_that_method_waits(slack: Slack, client: SlackClient, ann: Person) -> None:
    slack.trouble.add(wrong.throttles(30), "users.info")
    for _ in range(2):
        with pytest.raises(Refused, match="ratelimited"):
            await client.user(ann.id)
    assert len(slack.sent("users.info")) == 1
    assert await client.user_with_email(ann.email)


async def test_a_channel_gets_one_message_a_second(slack: Slack, client: SlackClient, ann: Person) -> None:
    channel = await client.open_chat(ann.id)
    began = monotonic()
    await asyncio.gather(*(client.post(channel, saying(f"Part {number}")) for number in range(3)))
    assert monotonic() - began >= 2
    times = [call.at for call in slack.sent("chat.postMessage")]
    assert all(later - earlier > 0.9 for earlier, later in pairwise(times))
    assert sorted(ann.sees()) == ["Part 0", "Part 1", "Part 2"]


async def test_a_methods_budget_is_spread_and_what_can_wait_leaves_some_of_it() -> None:
    now = 0.0
    rates = Rates(rates_of_slack(4), lambda: now)

    async def goes(share: float = 1.0) -> bool:
        try:
            await rates.admitted("chat.update", patience=0, share=share)
        except Throttled:
            return False
        return True

    assert [await goes(0.7) for _ in range(8)] == [True] * 7 + [False]
    assert [await goes() for _ in range(5)] == [True] * 4 + [False]
    gone = 11
    while now < 60:
        now += 0.5
        gone += await goes()
    assert 40 < gone <= 50


async def test_a_minutes_forms_may_all_be_opened_at_once_since_a_trigger_is_good_for_seconds() -> None:
    rates = Rates(rates_of_slack(4), lambda: 0.0)
    for _ in range(90):
        await rates.admitted("views.open", patience=0)
    with pytest.raises(Throttled):
        await rates.admitted("views.open", patience=0)


async def test_nobody_waits_longer_than_it_is_worth() -> None:
    rates = Rates(rates_of_slack(4), lambda: 0.0)
    rates.hold("views.open", 3)
    with pytest.raises(Throttled) as fault:
        await rates.admitted("views.open", patience=1)
    assert fault.value.seconds == 3
