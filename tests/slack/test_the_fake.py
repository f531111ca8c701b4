import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.slack import trouble
from tests.slack.bolt import FORM, OFFER, Json, SmallApp, client_of, plain, small_app
from tests.slack.forms import CannotBeDone
from tests.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, TEAM_ID, Slack
from tests.slack.signing import interaction, signed


@pytest.fixture
async def client(slack: Slack) -> AsyncIterator[AsyncWebClient]:
    async with client_of(slack) as opened:
        yield opened


@pytest.fixture(params=["over HTTP", "over Socket Mode"])
async def app(slack: Slack, request: pytest.FixtureRequest) -> AsyncIterator[SmallApp]:
    async with small_app(slack, over_sockets=request.param == "over Socket Mode") as opened:
        yield opened


@dataclass
class Moving:
    """A clock that a test moves, in Unix seconds."""

    seconds: float = 1_775_120_400

    def __call__(self) -> float:
        return self.seconds


async def refused(call: Any) -> Json:
    """The answer of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    answer: Json = caught.value.response.data
    return answer


async def error(call: Any) -> str:
    return str((await refused(call))["error"])


async def test_a_message_to_a_person_stands_in_their_direct_messages(slack: Slack, client: AsyncWebClient) -> None:
    ann = slack.member("Ann Archer")
    found = await client.users_lookupByEmail(email="ANN.archer@example.gov.uk")
    opened = await client.conversations_open(users=[found["user"]["id"]])
    sent = await client.chat_postMessage(channel=opened["channel"]["id"], text="Hello", blocks=OFFER)
    assert "An audit for you" in ann.sees()[0]
    assert sent["message"]["blocks"][0]["block_id"]
    await client.chat_postMessage(channel=ann.id, text="Two &amp; three", thread_ts=sent["ts"])
    await client.chat_update(channel=sent["channel"], ts=sent["ts"], text="Done", blocks=[])
    assert ann.sees() == ["Done", "Two &amp; three"]
    assert [one.text for one in ann.dm.thread(ann.messages()[0])] == ["Two &amp; three"]
    assert ann.messages()[0].history == ["sent", "updated"]
    await client.chat_delete(channel=sent["channel"], ts=sent["ts"])
    assert len(ann.sees()) == 1
    slack.look()


async def test_a_person_is_found_in_the_directory_page_by_page(slack: Slack, client: AsyncWebClient) -> None:
    for number in range(5):
        slack.member(f"Person {number}")
    slack.member("Stranger", team_id="T0OTHER")
    names = []
    async for page in await client.users_list(limit=2):
        names += [one["real_name"] for one in page["members"]]
    assert names == [f"Person {number}" for number in range(5)]
    assert (await client.users_info(user=slack.workspace.accounts[0].id))["user"]["profile"]["email"]
    assert await error(client.users_list(cursor="made up")) == "invalid_cursor"
    assert await error(client.users_info(user="U0NOBODY")) == "user_not_found"
    assert await error(client.users_info(user=slack.workspace.accounts[-1].id)) == "user_not_found"
    assert await error(client.users_lookupByEmail(email="no.one@example.gov.uk")) == "users_not_found"


async def test_the_app_learns_who_and_where_it_is(slack: Slack, client: AsyncWebClient) -> None:
    me = await client.auth_test()
    assert me["team_id"] == TEAM_ID
    assert (
        me.headers["x-oauth-scopes"]
        == "chat:write,commands,files:write,im:history,im:write,users:read,users:read.email"
    )
    assert (await client.bots_info(bot=me["bot_id"]))["bot"]["user_id"] == me["user_id"]
    assert (await client.users_info(user=me["user_id"]))["user"]["is_bot"]


async def test_a_call_without_its_scope_is_refused_and_says_which(slack: Slack, client: AsyncWebClient) -> None:
    answer = await refused(client.team_info())
    assert (answer["error"], answer["needed"]) == ("missing_scope", "team:read")
    assert "chat:write" in answer["provided"]
    channel = slack.channel("quality", [])
    assert (await refused(client.conversations_info(channel=channel.id)))["needed"] == "channels:read"
    slack.token.scopes |= {"channels:read", "team:read"}
    assert (await client.conversations_info(channel=channel.id))["channel"]["name"] == "quality"
    assert (await client.conversations_members(channel=channel.id))["members"] == [slack.workspace.bot_user_id]
    assert (await client.team_info())["team"]["id"] == TEAM_ID


async def test_a_token_is_good_for_what_it_was_given_for_and_while_it_lasts(slack: Slack) -> None:
    async with client_of(slack, "xoxb-made-up") as client:
        assert await error(client.auth_test()) == "invalid_auth"
    async with client_of(slack, None) as client:
        assert await error(client.auth_test()) == "not_authed"
    async with client_of(slack) as client:
        assert await error(client.apps_connections_open(app_token=BOT_TOKEN)) == "not_allowed_token_type"
        assert (await client.apps_connections_open(app_token=APP_TOKEN))["url"].startswith("ws://127.0.0.1:")
        slack.token.error = "token_revoked"
        assert await error(client.auth_test()) == "token_revoked"


async def test_what_cannot_be_posted_is_refused_with_slacks_own_word(slack: Slack, client: AsyncWebClient) -> None:
    ann, bo = slack.member("Ann"), slack.member("Bo")
    place = slack.channel("quality", [ann])
    closed = slack.channel("closed", [ann], has_app=False)
    secret = slack.channel("secret", [ann], has_app=False, private=True)
    post = client.chat_postMessage
    assert await error(post(channel="C0NOWHERE", text="x")) == "channel_not_found"
    assert await error(post(channel=secret.id, text="x")) == "channel_not_found"
    assert await error(post(channel=closed.id, text="x")) == "not_in_channel"
    assert await error(client.api_call("chat.postMessage", json={"channel": place.id, "text": " "})) == "no_text"
    assert await error(post(channel=place.id, text="x", thread_ts="1.1")) == "thread_not_found"
    assert await error(client.chat_postEphemeral(channel=place.id, user=bo.id, text="x")) == "user_not_in_channel"
    assert await error(client.chat_update(channel=place.id, ts="1.1", text="x")) == "message_not_found"
    place.archived = True
    assert await error(post(channel=place.id, text="x")) == "is_archived"
    slack.api.messages.messages_tab = False
    assert await error(post(channel=ann.id, text="x")) == "messages_tab_disabled"
    assert await error(client.conversations_open(users="U0NOBODY")) == "user_not_found"
    assert await error(client.conversations_open(users=[ann.id, bo.id])) == "missing_scope"
    ann.deleted = True
    assert await error(client.conversations_open(users=ann.id)) == "user_disabled"


async def test_only_the_apps_own_messages_may_be_changed(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    await ann.says("hello")
    theirs = ann.dm.messages[0]
    client = app.client
    assert await error(client.chat_update(channel=ann.dm.id, ts=theirs.ts, text="x")) == "cant_update_message"
    assert await error(client.chat_delete(channel=ann.dm.id, ts=theirs.ts)) == "cant_delete_message"
    assert ann.sees() == ["I read hello"]


async def test_a_long_text_is_cut_in_a_post_and_refused_in_an_update(slack: Slack, client: AsyncWebClient) -> None:
    ann = slack.member("Ann")
    sent = await client.chat_postMessage(channel=ann.id, text="x" * 40_001)
    assert sent["response_metadata"]["warnings"] == ["message_truncated"]
    assert len(ann.sees()[0]) == 40_000
    slack.forgives("Slack cuts it after 40000")
    assert await error(client.chat_update(channel=sent["channel"], ts=sent["ts"], text="x" * 4001)) == "msg_too_long"


async def test_faulty_blocks_are_refused_and_fail_the_test(slack: Slack, client: AsyncWebClient) -> None:
    ann = slack.member("Ann")
    faulty = [{"type": "section", "text": plain("x" * 3001)}]
    answer = await refused(client.chat_postMessage(channel=ann.id, text="x", blocks=faulty))
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"][0].startswith("[ERROR] /blocks/0/text/text")
    with pytest.raises(AssertionError, match="Slack found fault with the app"):
        slack.check()
    slack.forgives("3001 characters")
    heavy = [{"type": "section", "text": plain("x" * 3000)}] * 5
    assert await error(client.chat_postMessage(channel=ann.id, text="x", blocks=heavy)) == "msg_blocks_too_long"
    slack.forgives("too long")
    assert ann.sees() == []


async def test_what_slack_takes_but_readers_should_not_get_fails_the_test(slack: Slack, client: AsyncWebClient) -> None:
    ann = slack.member("Ann")
    await client.chat_postMessage(channel=ann.id, text="All of you, <!channel>")
    slack.forgives("an unexpected mention, <!channel>")
    slack.api.messages.mentions_allowed.add(f"<@{ann.id}>")
    sent = await client.chat_postMessage(channel=ann.id, text=f"<@{ann.id}>", blocks=OFFER)
    await client.chat_update(channel=sent["channel"], ts=sent["ts"], text="Done")
    slack.forgives("nobody sees it")
    await client.api_call("chat.postMessage", json={"channel": ann.id, "blocks": OFFER})
    slack.forgives("notifications and screen readers need it")
    ann.deleted = True
    await client.chat_postMessage(channel=ann.id, text="Are you there?")
    slack.forgives("whose account is deactivated")
    assert await error(client.api_call("chat.shout")) == "unknown_method"
    slack.forgives("no method that this Slack has")
    slack.look()


async def test_a_message_that_nobody_looked_at_fails_the_test(slack: Slack, client: AsyncWebClient) -> None:
    ann = slack.member("Ann")
    sent = await client.chat_postMessage(channel=ann.id, text="Surprise")
    with pytest.raises(AssertionError, match="Nobody expected this: sent to Ann: 'Surprise'"):
        slack.check()
    ann.sees()
    slack.expect_quiet()
    await client.chat_update(channel=sent["channel"], ts=sent["ts"], text="Another surprise")
    with pytest.raises(AssertionError, match="updated to Ann"):
        slack.check()
    slack.look()


async def test_trouble_comes_when_it_is_ordered_and_as_often(slack: Slack, client: AsyncWebClient) -> None:
    ann, bo = slack.member("Ann"), slack.member("Bo")

    async def post(to: Any = ann) -> Any:
        return await client.chat_postMessage(channel=to.id, text="Hello")

    slack.trouble.add(trouble.refuses("channel_not_found"), "chat.postMessage", times=2, person=ann)
    await post(bo)
    assert [await error(post()) for _ in range(2)] == ["channel_not_found"] * 2
    slack.trouble.add(trouble.throttles(7), "chat.postMessage")
    with pytest.raises(SlackApiError) as caught:
        await post()
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    for mishap, kind in (
        (trouble.FAILS, SlackApiError),
        (trouble.GARBAGE, SlackApiError),
        (trouble.EMPTY, SlackApiError),
        (trouble.TEXT, AttributeError),
        (trouble.DROPS, aiohttp.ServerDisconnectedError),
        (trouble.DROPS_AFTER_TAKING, aiohttp.ServerDisconnectedError),
    ):
        slack.trouble.add(mishap, "chat.postMessage")
        with pytest.raises(kind):
            await post()
    assert len(ann.sees()) == 4  # those that had their effect before it went wrong
    slack.trouble.add(trouble.slow(0.1))
    began = monotonic()
    await post()
    assert monotonic() - began >= 0.1
    order = slack.trouble.add(trouble.HANGS, "chat.postMessage")
    hanging = asyncio.ensure_future(post())
    await slack.until(lambda: order.holding)
    order.release()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await hanging
    assert [call.method for call in slack.sent()] == ["chat.postMessage"] * 12
    slack.look()


async def test_rates_are_kept_by_the_clock_of_the_test() -> None:
    clock = Moving()
    async with Slack(now=clock, enforces_rates=True) as slack, client_of(slack) as client:
        ann, bo = slack.member("Ann"), slack.member("Bo")
        for _ in range(4):
            await client.chat_postMessage(channel=ann.id, text="Hello")
        assert await error(client.chat_postMessage(channel=ann.dm.id, text="Hello")) == "ratelimited"
        await client.chat_postMessage(channel=bo.id, text="Hello")
        clock.seconds += 1
        await client.chat_postMessage(channel=ann.id, text="Hello")
        assert await error(client.chat_postMessage(channel=ann.id, text="Hello")) == "ratelimited"
        for _ in range(20):
            await client.users_list()
        with pytest.raises(SlackApiError) as caught:
            await client.users_list()
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "60")
        assert [breach.method for breach in slack.breaches] == ["chat.postMessage"] * 2 + ["users.list"]
        assert len(ann.sees()) == 5


async def test_a_button_is_pressed_in_the_newest_message_and_the_message_changes(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    for _ in range(2):
        await app.client.chat_postMessage(channel=ann.id, text="An audit for you", blocks=OFFER)
    await ann.types("Reason", "Gladly")
    with pytest.raises(CannotBeDone, match="takes 20 characters"):
        await ann.types("Reason", "x" * 21)
    reply = await ann.presses("Accept")
    assert (reply.status, reply.body) == (200, "")
    assert reply.seconds < 3
    assert ann.sees()[1] == "Accepted"
    assert "An audit for you" in ann.sees()[0]
    body = app.last("accept")
    assert body["actions"][0]["value"] == "7"
    assert body["state"]["values"]["why"]["words"] == {"type": "plain_text_input", "value": "Gladly"}
    assert body["message"]["ts"] == body["container"]["message_ts"] == ann.messages()[1].ts
    assert (body["user"]["id"], body["team"]["id"], body["channel"]["id"]) == (ann.id, TEAM_ID, ann.dm.id)
    with pytest.raises(CannotBeDone, match="is called 'Decline'"):
        await ann.presses("Decline")


async def test_a_form_is_filled_in_and_sent_off(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    await app.client.chat_postMessage(channel=ann.id, text="An audit for you", blocks=OFFER)
    await ann.presses("Grade it")
    with pytest.raises(CannotBeDone, match=r"asks for \['Grade'\] first"):
        await ann.submits()
    with pytest.raises(CannotBeDone, match="none of"):
        await ann.chooses("Grade", "Excellent")
    await ann.chooses("Grade", "Good")
    await ann.types("Note", "<!channel> & more")
    reply = await ann.submits()
    assert reply.is_acknowledged
    assert not ann.modals
    view = app.last("submitted")["view"]
    assert view["private_metadata"] == "7"
    assert view["hash"]
    assert view["state"]["values"] == {
        "grade": {"pick": {"type": "static_select", "selected_option": FORM["blocks"][0]["element"]["options"][0]
                           | {"text": plain("Good") | {"emoji": True}}}},
        "due": {"day": {"type": "datepicker", "selected_date": "2026-04-02"}},
        "note": {"words": {"type": "plain_text_input", "value": "<!channel> & more"}},
    }  # fmt: skip


@pytest.mark.parametrize("over_sockets", [False, True])
async def test_a_form_stays_changes_or_goes_as_the_app_answers(slack: Slack, over_sockets: bool) -> None:
    told: list[Json | None] = []
    async with small_app(slack, over_sockets=over_sockets, answers=lambda _: told.pop()):
        ann = slack.member("Ann")
        await ann.shortcut("my_audits")
        await ann.chooses("Grade", "Good")
        await ann.types("Note", "All is well")
        (first,) = ann.modals
        told.append({"response_action": "errors", "errors": {"note": "Too short"}})
        await ann.submits()
        assert ann.modal is first
        assert first.errors == {"note": "Too short"}
        assert "Too short" in ann.reads(first)
        told.append({"response_action": "push", "view": FORM | {"title": plain("Step 2")}})
        await ann.submits()
        second = ann.modals[1]
        assert ann.reads(second).startswith("Step 2")
        told.append({"response_action": "update", "view": FORM | {"title": plain("Step 3")}})
        await ann.chooses("Grade", "Poor")
        await ann.submits()
        assert ann.modal is second
        assert ann.reads(second).startswith("Step 3")
        assert second.typed  # what has the same names stays typed
        await ann.closes()
        assert ann.modal is first
        told.append({"response_action": "clear"})
        await ann.submits()
        assert not ann.modals
        await ann.shortcut("my_audits")
        await ann.chooses("Grade", "Good")
        told.append({"response_action": "errors", "errors": {"elsewhere": "Too short"}})
        await ann.submits()
        slack.forgives("no inputs in this view")


async def test_the_app_hears_of_a_form_that_is_closed(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    await ann.shortcut("my_audits")
    await ann.closes()
    assert ann.modal is None
    assert app.last("closed")["is_cleared"] is False
    with pytest.raises(CannotBeDone, match="no modal open"):
        await ann.submits()


async def test_a_trigger_opens_one_view_and_only_for_three_seconds() -> None:
    clock = Moving()
    async with Slack(now=clock) as slack, client_of(slack) as client:
        ann = slack.member("Ann")
        trigger = slack.workspace.trigger(ann).id
        faulty = await refused(client.views_open(trigger_id=trigger, view=FORM | {"title": plain("x" * 25)}))
        assert faulty["error"] == "invalid_arguments"
        slack.forgives("/view/title/text")
        opened = (await client.views_open(trigger_id=trigger, view=FORM))["view"]
        assert await error(client.views_open(trigger_id=trigger, view=FORM)) == "exchanged_trigger_id"
        assert await error(client.views_open(trigger_id="1.2.3", view=FORM)) == "invalid_trigger_id"
        late = slack.workspace.trigger(ann).id
        clock.seconds += 3.1
        assert await error(client.views_open(trigger_id=late, view=FORM)) == "expired_trigger_id"
        for _ in range(2):
            pushing = slack.workspace.trigger(ann, ann.modal).id
            await client.views_push(trigger_id=pushing, view=FORM)
        pushing = slack.workspace.trigger(ann, ann.modal).id
        assert await error(client.views_push(trigger_id=pushing, view=FORM)) == "push_limit_reached"
        changed = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=FORM)
        assert changed["view"]["hash"] != opened["hash"]
        stale = client.views_update(view_id=opened["id"], hash=opened["hash"], view=FORM)
        assert await error(stale) == "hash_conflict"
        assert await error(client.views_update(view_id="V0GONE", view=FORM)) == "not_found"
        named = FORM | {"external_id": "only"}
        await client.views_update(view_id=opened["id"], view=named)
        again = slack.workspace.trigger(ann).id
        assert await error(client.views_open(trigger_id=again, view=named)) == "duplicate_external_id"


async def test_the_home_tab_is_published_and_seen(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    await ann.opens_home()
    assert ann.home is not None
    assert ann.reads(ann.home) == "Your audits"
    first = ann.home.hash
    await ann.opens_home()
    assert app.last("app_home_opened")["event"]["view"]["id"] == ann.home.id
    ann.reads(ann.home)
    home = {"type": "home", "blocks": []}
    assert await error(app.client.views_publish(user_id=ann.id, view=home, hash=first)) == "hash_conflict"
    slack.api.views.home_tab = False
    assert await error(app.client.views_publish(user_id=ann.id, view=home)) == "not_enabled"


async def test_a_command_is_answered_to_the_asker_alone_unless_it_is_shared(slack: Slack, app: SmallApp) -> None:
    ann, bo = slack.member("Ann"), slack.member("Bo")
    place = slack.channel("quality", [ann, bo])
    await ann.commands("/qa status", channel=place)
    assert [ann.reads(one) for one in ann.ephemeral()] == ["You said status"]
    assert place.now() == []
    await ann.commands("/qa status share", channel=place)
    assert [ann.reads(one) for one in place.now()] == ["You said status share"]
    body = app.last("command")
    assert (body["command"], body["user_id"], body["channel_id"]) == ("/qa", ann.id, place.id)


async def test_a_response_url_is_good_five_times_and_for_half_an_hour() -> None:
    clock = Moving()
    async with Slack(now=clock) as slack, client_of(slack) as client:
        ann = slack.member("Ann")
        sent = await client.chat_postEphemeral(channel=ann.id, user=ann.id, text="Only you")
        only = ann.dm.message(sent["message_ts"])
        url = slack.workspace.response_url(ann, ann.dm, only)
        webhook = AsyncWebhookClient(slack.url + url.path, session=client.session)
        assert (await webhook.send(text="Changed", replace_original=True)).body == "ok"
        assert [ann.reads(one) for one in ann.ephemeral()] == ["Changed"]
        await webhook.send(text="For all", response_type="in_channel")
        assert ann.sees() == ["For all"]
        faulty = await webhook.send(text="x", blocks=[{"type": "section"}])
        assert (faulty.status_code, faulty.body) == (400, "invalid_blocks")
        slack.forgives("neither text nor fields")
        await webhook.send(delete_original=True)
        assert ann.ephemeral() == []
        for _ in range(2):
            await webhook.send(text="More")
        assert (await webhook.send(text="More")).status_code == 404
        late = slack.workspace.response_url(ann, ann.dm, None)
        clock.seconds += 1801
        answer = await AsyncWebhookClient(slack.url + late.path, session=client.session).send(text="More")
        assert "expired_url" in answer.body


async def test_a_picture_is_shared_with_words_for_those_who_cannot_see_it(slack: Slack, client: AsyncWebClient) -> None:
    ann = slack.member("Ann")
    slack.token.scopes -= {"files:write"}
    assert await error(client.files_getUploadURLExternal(filename="a.png", length=3)) == "missing_scope"
    slack.token.scopes |= {"files:write"}
    await client.files_upload_v2(
        channel=ann.dm.id, content=b"PNG", filename="a.png", title="Grades", alt_txt="Four are good"
    )
    assert ann.sees() == ["Grades: Four are good"]
    assert [one.data for one in slack.workspace.files.values()] == [b"PNG"]
    place = await client.files_getUploadURLExternal(filename="b.png", length=3)
    slack.forgives("b.png has no alt text")
    unsent = client.files_completeUploadExternal(files=[{"id": place["file_id"], "title": "x"}])
    assert await error(unsent) == "file_not_found"


async def test_the_app_hears_what_happens_in_the_workspace(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    place = slack.channel("quality", [ann], has_app=False)
    assert (await slack.events.deactivated(ann)).is_acknowledged
    assert app.last("user_change")["event"]["user"]["deleted"] is True
    await slack.events.joined(slack.member("Bo"))
    await slack.events.invited(place, ann)
    await ann.mentions("status", place)
    assert app.last("app_mention")["event"]["text"].endswith("> status")
    assert app.last("member_joined_channel")["event"]["channel"] == place.id
    await slack.events.uninstalled()
    assert {kind for kind, _ in app.heard} >= {"team_join", "tokens_revoked", "app_uninstalled"}


async def test_an_event_told_again_says_so_and_the_apps_own_message_is_not_heard(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    reply = await ann.says("done & dusted")
    assert app.last("message")["event"]["text"] == "done &amp; dusted"
    again = await slack.events.again(reply)
    assert again.payload["event_id"] == app.last("message")["event_id"]
    assert ann.sees() == ["I read done &amp; dusted"] * 2
    count = len(app.heard)
    await slack.events.echoed(ann.messages()[0])
    assert len(app.heard) == count


async def test_what_the_app_does_not_acknowledge_fails_the_test(slack: Slack, app: SmallApp) -> None:
    ann = slack.member("Ann")
    slack.out.patience = 0.2
    odd = [{"type": "actions", "elements": [{"type": "button", "action_id": "odd", "text": plain("Odd")}]}]
    await app.client.chat_postMessage(channel=ann.id, text="Odd", blocks=odd)
    reply = await ann.presses("Odd")
    # Over Socket Mode Bolt says nothing at all, and Slack waits as long as it does.
    assert reply.status == (None if slack.sockets.open else 404)
    slack.forgives("block_actions was not acknowledged")


async def test_a_url_is_verified_and_a_wrong_signature_is_not_heard(slack: Slack) -> None:
    async with small_app(slack, over_sockets=False) as app:
        reply = await slack.events.url_verification("challenged")
        assert reply.body == {"challenge": "challenged"}
        written = interaction({"type": "block_actions", "team": {"id": TEAM_ID}, "user": {"id": "U1"}, "actions": []})
        form = {"Content-Type": written.content_type}
        now = int(slack.now())
        for headers in (
            signed("another secret", now, written.body),
            signed(SIGNING_SECRET, now - 301, written.body),
            signed(SIGNING_SECRET, now, written.body + "&"),
            {},
        ):
            status, _ = await slack.out.post(written.body, headers | form)
            assert status == 401
        assert app.heard == []


async def test_the_app_comes_back_on_a_new_websocket_when_asked_to_and_when_cut_off(slack: Slack) -> None:
    async with small_app(slack, over_sockets=True):
        ann = slack.member("Ann")
        await slack.refreshes_sockets()
        await slack.until(lambda: slack.sockets.ever == 2 and len(slack.sockets.open) == 1)
        await ann.says("one")
        await slack.cuts_sockets()
        await slack.until(lambda: slack.sockets.ever == 3 and len(slack.sockets.open) == 1)
        await ann.says("two")
        assert ann.sees() == ["I read one", "I read two"]
        assert [call.method for call in slack.sent("apps.connections.open")] == ["apps.connections.open"] * 3


async def test_a_websocket_needs_a_ticket_and_each_is_good_once(slack: Slack, client: AsyncWebClient) -> None:
    url = str((await client.apps_connections_open(app_token=APP_TOKEN))["url"])
    assert client.session is not None
    async with client.session.ws_connect(url) as line:
        assert (await line.receive_json())["type"] == "hello"
    for again in (url, url.partition("?")[0]):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.session.ws_connect(again)


async def test_arguments_are_read_from_a_form_as_well(slack: Slack) -> None:
    ann = slack.member("Ann")
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def call(method: str, **how: Any) -> Json:
            async with session.post(slack.api_url + method, **how) as answer:
                said: Json = await answer.json()
                return said

        form = {"channel": ann.id, "text": "Hello", "blocks": '[{"type": "divider"}]'}
        assert (await call("chat.postMessage", data=form))["ok"]
        assert (await call("chat.postMessage", data=form | {"blocks": "["}))["error"] == "invalid_blocks_format"
        slack.forgives("invalid_blocks_format")
        # A method that only reads takes no JSON: what it says is passed over.
        assert (await call("users.info", json={"user": ann.id}))["error"] == "invalid_arguments"
        assert (await call("users.info", params={"user": ann.id}))["ok"]
    slack.look()
