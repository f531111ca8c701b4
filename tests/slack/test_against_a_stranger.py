"""Our client of Slack's Web API against one that nobody here wrote."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from sqlalchemy import update

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from bot.rates import Rates
from bot.running import open_bot
from bot.settings import Settings
from bot.slack.client import Member, SlackClient
from bot.slack.failures import Refused
from bot.slack.package_rules import PATH
from bot.slack.scopes import NEEDED
from cards.blocks import BlockMessage
from scheduling.clock import MovedClock
from storage.database import sqlite_url
from storage.store import Store
from storage.tables import OutboxRow
from tests.compiled import open_again
from tests.handlers.conftest import START, Founded, founded
from tests.slack.signing import interaction, signed
from tests.slack.stranger import (
    APP_ID,
    BOT_ID,
    BOT_TOKEN,
    BOT_USER_ID,
    PRIVATE,
    SIGNING_SECRET,
    TEAM_ID,
    Stranger,
    Unexpected,
    address_of,
    stranger,
    token_without,
)

__all__ = ["founded"]
START_AT = WorkCalendar().moment(START.date(), START.time())
pytestmark = [pytest.mark.clients, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Office:
    """Somebody else's Slack, our client, and three people in it."""

    slack: Stranger
    client: SlackClient
    ann: Member
    ben: Member
    cat: Member


@asynccontextmanager
async def client_of(slack: Stranger, token: str = BOT_TOKEN) -> AsyncIterator[SlackClient]:
    client = SlackClient(slack.api_url, token, Rates(lambda _: (), time.monotonic))
    try:
        yield client
    finally:
        await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    people = ("ann", "ben", "cat")
    async with stranger(tmp_path_factory.mktemp("stranger"), people, NEEDED) as slack, client_of(slack) as client:
        members = [await client.user_with_email(address_of(name)) for name in people]
        yield Office(slack, client, *[member for member in members if member])
        assert slack.tried_elsewhere() == []


def message(words: str) -> BlockMessage:
    return BlockMessage(words, [{"type": "section", "text": {"type": "plain_text", "text": words}}])


def modal(title: str, metadata: str = "") -> dict[str, Any]:
    asked = {"type": "plain_text_input", "action_id": "why"}
    return {
        "type": "modal",
        "callback_id": "form",
        "private_metadata": metadata,
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {"type": "input", "block_id": "b1", "label": {"type": "plain_text", "text": "Why?"}, "element": asked}
        ],
    }


async def test_the_token_says_whose_it_is(office: Office) -> None:
    found = await office.client.auth()
    assert (found.team_id, found.bot_user_id, found.bot_id) == (TEAM_ID, BOT_USER_ID, BOT_ID)
    assert (found.name, found.url) == ("Example Council", "https://example-council.slack.com/")


async def test_people_are_found_by_their_address_and_by_their_id(office: Office) -> None:
    assert await office.client.user(office.ann.user_id) == office.ann
    assert (office.ann.email, office.ann.name, office.ann.team_id) == (address_of("ann"), "Ann", TEAM_ID)
    assert not any((office.ann.deleted, office.ann.guest, office.ann.bot))
    assert await office.client.user_with_email("nobody@example.org") is None
    with pytest.raises(Refused, match="user_not_found"):
        await office.client.user("U0NOBODY00")


async def test_everybody_is_listed_and_the_bot_is_told_from_the_people(office: Office) -> None:
    everybody = {member.user_id: member async for member in office.client.members()}
    assert {office.ann, office.ben, office.cat} <= set(everybody.values())
    assert everybody[BOT_USER_ID].bot


async def test_a_message_reaches_one_person_and_changes_where_it_stands(office: Office) -> None:
    channel = await office.client.open_chat(office.ann.user_id)
    assert await office.client.open_chat(office.ann.user_id) == channel
    ts = await office.client.post(channel, message("An audit for you & <others>"))
    await office.client.update(channel, ts, message("You took it"))
    (shown,) = await office.slack.messages(channel, by="ann")
    assert (shown["ts"], shown["user"], shown["text"]) == (ts, BOT_USER_ID, "You took it")
    assert shown["blocks"] == message("You took it").blocks
    with pytest.raises(Unexpected):
        await office.slack.messages(channel, by="ben")


async def test_the_story_of_an_audit_keeps_together_in_its_thread(office: Office) -> None:
    channel = await office.client.open_chat(office.ben.user_id)
    root = await office.client.post(channel, message("Your audit"))
    await office.client.post(channel, message("It is due tomorrow"), thread=root, broadcast=True)
    await office.client.upload("discussion.ics", b"BEGIN:VCALENDAR", title="Discussion", channel=channel, thread=root)
    first, reply, file = await office.slack.messages(channel, by="ben", thread=root)
    assert (first["ts"], first["reply_count"]) == (root, 2)
    assert (reply["thread_ts"], reply["reply_broadcast"], reply["text"]) == (root, True, "It is due tomorrow")
    assert (file["thread_ts"], [one["name"] for one in file["files"]]) == (root, ["discussion.ics"])
    assert file["files"][0]["size"] == len(b"BEGIN:VCALENDAR")


async def test_a_picture_is_brought_in_without_being_shown_to_anybody(office: Office) -> None:
    channel = await office.client.open_chat(office.cat.user_id)
    before = await office.slack.messages(channel, by="cat")
    file = await office.client.upload("chart.png", b"\x89PNG", title="Grades", alt="Good: 3 of 5")
    assert await office.slack.messages(channel, by="cat") == before
    with pytest.raises(Unexpected):
        await office.slack.call("files.info", by="cat", file=file)


async def test_what_somebody_else_wrote_cannot_be_changed(office: Office) -> None:
    channel = await office.client.open_chat(office.ann.user_id)
    told = await office.slack.call("chat.postMessage", by="ann", channel=channel, text="done")
    with pytest.raises(Refused, match="cant_update_message"):
        await office.client.update(channel, told["ts"], message("not done"))
    with pytest.raises(Refused, match="message_not_found"):
        await office.client.update(channel, "1.000001", message("nothing"))


async def test_a_place_where_the_bot_is_no_member_is_closed_to_it(office: Office) -> None:
    with pytest.raises(Refused, match="not_in_channel"):
        await office.client.post(PRIVATE, message("Numbers"))
    with pytest.raises(Refused, match="channel_not_found"):
        await office.client.post("C0NOWHERE0", message("Numbers"))
    with pytest.raises(Refused, match="user_not_found"):
        await office.client.open_chat("U0NOBODY00")


async def test_a_trigger_opens_one_form_and_only_at_once(office: Office) -> None:
    trigger = await office.slack.trigger(office.ann.user_id)
    view = await office.client.open_view(trigger, modal("Why?"))
    assert view.id
    assert view.hash
    with pytest.raises(Refused, match="exchanged_trigger_id"):
        await office.client.open_view(trigger, modal("Again?"))
    late = await office.slack.trigger(office.ann.user_id)
    await office.slack.forward(3)
    with pytest.raises(Refused, match="expired_trigger_id"):
        await office.client.open_view(late, modal("Late?"))
    with pytest.raises(Refused, match="invalid_trigger_id"):
        await office.client.open_view("made.up", modal("Mine?"))


async def test_a_form_that_changed_in_between_is_not_written_over(office: Office) -> None:
    opened = await office.client.open_view(await office.slack.trigger(office.ben.user_id), modal("One moment"))
    form = await office.client.update_view(opened.id, modal("The form"), hash=opened.hash)
    assert form.id == opened.id
    assert form.hash != opened.hash
    with pytest.raises(Refused, match="hash_conflict"):
        await office.client.update_view(opened.id, modal("Too late"), hash=opened.hash)
    await office.client.update_view(opened.id, modal("Done"))
    with pytest.raises(Refused, match="not_found"):
        await office.client.update_view("V0NOTHING0", modal("Nothing"))


async def test_everybody_has_a_home_of_their_own(office: Office) -> None:
    home = {"type": "home", "blocks": message("What waits for you").blocks}
    await office.client.publish(office.ann.user_id, home)
    await office.client.publish(office.ann.user_id, home | {"blocks": message("Nothing waits").blocks})
    with pytest.raises(Refused, match="user_not_found"):
        await office.client.publish("U0NOBODY00", home)


Call = Callable[[SlackClient, Office], Awaitable[object]]
CALLS: dict[str, Call] = {
    "chat:write": lambda client, office: client.post(office.cat.user_id, message("x")),
    "files:write": lambda client, office: client.upload("a.ics", b"x", title="a"),
    "im:write": lambda client, office: client.open_chat(office.cat.user_id),
    "users:read": lambda client, office: client.user(office.cat.user_id),
    "users:read.email": lambda client, office: client.user_with_email(office.cat.email),
}


@pytest.mark.parametrize("scope", CALLS)
async def test_without_a_scope_slack_names_it_and_with_all_of_them_nothing_is_missing(
    scope: str, office: Office
) -> None:
    async with client_of(office.slack, token_without(scope)) as client:
        with pytest.raises(Refused) as refused:
            await CALLS[scope](client, office)
    assert (refused.value.code, refused.value.needed) == ("missing_scope", scope)
    await CALLS[scope](office.client, office)


async def test_only_the_scopes_that_no_call_needs_are_left() -> None:
    """Slack asks for these where it sends something: what people write, and commands with shortcuts."""
    assert set(NEEDED) - set(CALLS) == {"im:history", "commands"}


# A story: January's list goes out, Carol hands her audit back, and Gil is asked to find somebody else


@dataclass(frozen=True)
class Council:
    """The small service of the handlers' stories at work, in a Slack that nobody here wrote."""

    slack: Stranger
    session: ClientSession
    address: str
    ids: Mapping[str, str]
    moments: Iterator[int] = field(default_factory=lambda: count(int(START_AT.timestamp())))
    """When each act is, in Unix seconds: no two at once."""

    async def chat(self, name: str) -> list[dict[str, Any]]:
        """What somebody reads in their own chat with auditloop, oldest first."""
        opened = await self.slack.call("conversations.open", by=name, users=BOT_USER_ID)
        return [
            {**one, "channel": opened["channel"]["id"]}
            for one in await self.slack.messages(opened["channel"]["id"], by=name)
        ]

    async def has(self, name: str, words: str) -> dict[str, Any]:
        """The one message in somebody's chat that has these words, when it is there."""

        async def look() -> list[dict[str, Any]]:
            return [one for one in await self.chat(name) if words in one["text"]]

        (found,) = await until(look)
        return found

    async def presses(self, name: str, label: str, message: dict[str, Any], trigger: str = "") -> str:
        """Press a button of a message; the trigger that Slack gives with it, which may be one that was used."""
        trigger = trigger or await self.slack.trigger(self.ids[name])
        (button,) = [
            element
            for block in message["blocks"]
            for element in block.get("elements", ())
            if element.get("type") == "button" and element["text"]["text"] == label
        ]
        action = {key: button[key] for key in ("type", "action_id", "value")} | {"block_id": "b", "action_ts": "1.1"}
        container = {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]}
        await self.acts(
            "block_actions",
            name,
            {"trigger_id": trigger, "actions": [action], "container": container, "message": message},
        )
        return trigger

    async def acts(self, kind: str, name: str, about: dict[str, Any]) -> Any:
        """Tell auditloop of an act, as Slack does; what it answers."""
        person, team = {"id": self.ids[name], "team_id": TEAM_ID}, {"id": TEAM_ID, "domain": "example-council"}
        sent = interaction({"type": kind, "user": person, "team": team, "api_app_id": APP_ID, **about})
        headers = signed(SIGNING_SECRET, next(self.moments), sent.body) | {"Content-Type": sent.content_type}
        async with self.session.post(f"{self.address}{PATH}", data=sent.body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            text = await answer.text()
            return json.loads(text) if text else None

    async def refused(self) -> dict[str, int]:
        """What auditloop has refused so far, by the reason."""
        async with self.session.get(f"{self.address}/healthz") as answer:
            counted: dict[str, int] = (await answer.json())["refused"]
            return counted


async def until(look: Callable[[], Awaitable[list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """What is to be seen, as soon as anything is. Raises AssertionError if it never is."""
    deadline = time.monotonic() + 20
    while not (found := await look()):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def council(founded: Founded, tmp_path: Path) -> AsyncIterator[Council]:
    """It is Mon 5 Jan 2026, 09:00, and what January's list has for everybody is on its way."""
    path = tmp_path / "service.sqlite3"
    shutil.copyfile(founded.path, path)
    names = [name.lower() for name in founded.people]
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(stranger(tmp_path, names, NEEDED))
        await slack.forward(START_AT.timestamp() - time.time())
        store = Store(open_again(sqlite_url(path)), framework_named("southampton"), WorkCalendar())
        stack.push_async_callback(store.close)
        async with store.begin() as tx:
            await tx.session.execute(update(OutboxRow).values(state="queued", sent_at=None, attempts=0, digest=None))
        settings = Settings.model_validate(
            {
                "web": {"port": 0},
                "heartbeat_seconds": 300,
                "slack": {"bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET, "api_url": slack.api_url},
            }
        )
        running = await open_bot(stack, settings, store, MovedClock(START_AT), say=lambda _: None)
        session = await stack.enter_async_context(ClientSession())
        ids = {
            name: (await slack.call("users.lookupByEmail", email=address_of(name)))["user"]["id"]
            for name in ("carol", "gil", "alice")
        }
        yield Council(slack, session, running.address, ids)
        assert slack.tried_elsewhere() == []


async def test_an_audit_is_handed_back_in_a_form_and_somebody_else_is_asked(council: Council) -> None:
    asked = await council.has("carol", "Your audit for January 2026")
    trigger = await council.presses("carol", "I can't do this one", asked)
    (form,) = await until(council.slack.views)
    reasons = [block for block in form["blocks"] if block["type"] == "input"]
    assert [block["element"]["action_id"] for block in reasons] == ["reason"]
    # Slack gives every press a trigger of its own; one that comes again has been used up.
    await council.presses("carol", "I can't do this one", asked, trigger)

    offered = {one["text"]["text"]: one for one in reasons[0]["element"]["options"]}
    chosen = next(one for words, one in offered.items() if words.startswith("I don't have the capacity"))
    value = {"type": reasons[0]["element"]["type"], "selected_option": chosen}
    state = {"values": {reasons[0]["block_id"]: {"reason": value}}}
    answer = await council.acts("view_submission", "carol", {"view": {**form, "state": state}, "response_urls": []})
    assert answer is None or answer["response_action"] in ("clear", "update")

    async def changed() -> list[dict[str, Any]]:
        return [one for one in await council.chat("carol") if one["ts"] == asked["ts"] and "edited" in one]

    (shown,) = await until(changed)
    assert not any(block["type"] == "actions" for block in shown["blocks"])
    wanted = await council.has("gil", "Please find another auditor for K7F-204")
    assert "capacity" in json.dumps(wanted["blocks"])
    assert len(await council.slack.views()) == 1
    assert await council.refused() == {}


async def test_an_audit_is_taken_and_its_message_changes_where_it_stands(council: Council) -> None:
    asked = await council.has("carol", "Your audit for January 2026")
    await council.presses("carol", "I'll take it", asked)

    async def changed() -> list[dict[str, Any]]:
        return [one for one in await council.chat("carol") if one["ts"] == asked["ts"] and "edited" in one]

    (shown,) = await until(changed)
    assert "I'll take it" not in json.dumps(shown["blocks"])
    with pytest.raises(Unexpected):
        await council.slack.messages(asked["channel"], by="alice")


async def test_what_somebody_else_signs_is_proved_to_be_slacks(council: Council) -> None:
    asked = await council.has("carol", "Your audit for January 2026")
    await council.slack.subscribe(f"{council.address}{PATH}")
    await council.slack.call("chat.postMessage", by="carol", channel=asked["channel"], text="help")
    deliveries = await council.slack.deliveries()
    assert ("message", 200) in deliveries
    assert {status for _, status in deliveries} == {200}
    assert await council.refused() == {}
