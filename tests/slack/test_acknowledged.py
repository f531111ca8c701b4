"""Three seconds: whatever the database does, every act is acknowledged at once and takes effect once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from storage.tables import LedgerRow
from tests.handlers.conftest import CASE
from tests.slack.council import Opens, Story
from tests.slack.forms import control
from tests.slack.story import at_once, busy, entries, taken_and_told, unread

__all__ = ["at_once"]

TAKEN = {
    "Alice": ["An audit of your work with this child"],
    "Carol": [f"The audit of {CASE}", f"When could you talk about {CASE}?"],
}
"""What follows when Carol takes her audit, beside the answer on the card itself."""


@pytest.fixture
async def over_a_websocket(opens: Opens) -> AsyncIterator[Story]:
    """January's list has gone out to everybody, over a websocket; what came so far was looked at."""
    async with opens(over_sockets=True) as begun:
        await begun.slack.until(lambda: begun.slack.sockets.open)
        await begun.everyone_told()
        begun.slack.look()
        yield begun


async def events(story: Story, kind: str) -> int:
    async with story.store.begin() as tx:
        return len(list(await tx.session.scalars(select(LedgerRow).where(LedgerRow.kind == kind))))


async def test_everything_is_acknowledged_at_once_while_the_database_is_busy(story: Story) -> None:
    carol, leo, gil = (story.people[name] for name in ("Carol", "Leo", "Gil"))
    with busy(story):
        replies = [
            await carol.presses("I'll take it"),
            await leo.says("Tues 2pm"),
            await gil.commands("/qa status"),
            await gil.opens_home(),
            await story.slack.events.changed(leo),
        ]
        assert [reply.status for reply in replies] == [200] * 5
        assert max(reply.seconds for reply in replies) < 1
        assert not gil.ephemeral()
    await story.shows("Carol", "You took this audit")
    await story.shows("Leo", "Sorry, I didn't understand that")
    await story.slack.until(lambda: gil.ephemeral() and gil.home)
    assert gil.home is not None
    for words in (*map(gil.reads, gil.ephemeral()), gil.reads(gil.home)):
        assert words.startswith("How things stand: January 2026")
    assert await unread(story) == TAKEN | {"Leo": ["Hello Leo, this is auditloop"]}


async def test_over_a_websocket_too(over_a_websocket: Story) -> None:
    story = over_a_websocket
    with busy(story):
        reply = await story.people["Carol"].presses("I'll take it")
        assert reply.status == 200
        assert reply.seconds < 1
    await story.shows("Carol", "You took this audit")
    assert await unread(story) == TAKEN


async def test_a_second_press_finds_the_work_done_and_says_when(story: Story) -> None:
    carol = story.people["Carol"]
    asked = await story.shows("Carol", "Can you take it?")
    await asyncio.gather(carol.presses("I'll take it", asked), carol.presses("I'll take it", asked))
    await story.slack.until(carol.ephemeral)
    words = carol.reads(carol.ephemeral()[0])
    assert "This is already done" in words
    assert "Mon 5 Jan 2026 at 09:00" in words
    await story.shows("Carol", "You took this audit")
    assert await unread(story) == TAKEN
    assert await events(story, "accepted") == 1


async def test_an_event_that_slack_sends_again_is_answered_once(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    reply = await carol.says("Tues 2pm")
    await story.shows("Carol", f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}")
    assert await unread(story) == {
        "Alice": ["Does Tue 6 Jan 2026 at 14:00 suit you?"],
        "Carol": [f"Book the discussion: {CASE}", "Hello Carol, this is auditloop"],
    }
    before = await entries(story)
    for number in (1, 2, 3):
        again = await story.slack.events.again(reply, number=number)
        assert again.status == 200
    assert await unread(story) == {}
    assert await entries(story) == before


async def test_an_event_that_is_signed_anew_is_still_the_same_event(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    reply = await carol.says("Tues 2pm")
    await story.shows("Carol", f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}")
    await story.until("2026-01-05T09:05")
    assert await unread(story) == {
        "Alice": ["Does Tue 6 Jan 2026 at 14:00 suit you?"],
        "Carol": [f"Book the discussion: {CASE}", "Hello Carol, this is auditloop"],
    }
    assert (await story.slack.events.again(reply)).status == 200
    assert await unread(story) == {}
    assert await events(story, "proposed") == 1


async def test_an_act_that_comes_twice_on_a_websocket_takes_effect_once(over_a_websocket: Story) -> None:
    story = over_a_websocket
    reply = await story.people["Carol"].presses("I'll take it")
    await story.shows("Carol", "You took this audit")
    assert await unread(story) == TAKEN
    assert (await story.slack.out.tell(reply.kind, reply.payload)).status == 200
    assert await unread(story) == {}
    assert not story.people["Carol"].ephemeral()
    assert await events(story, "accepted") == 1


async def test_a_press_just_as_the_message_arrives_changes_that_message(story: Story) -> None:
    """The press is there before auditloop has kept where its message stands."""
    await taken_and_told(story)
    carol = story.people["Carol"]
    book = await story.shows("Carol", "When could you talk about")
    await carol.presses("We have already talked", book)
    await story.shows("Carol", "Your grade for")
    await story.slack.until(lambda: "You said that the discussion was held" in carol.reads(book))
    assert await unread(story) == {"Carol": [f"Complete the audit: {CASE}"]}
    assert sum("Send the audit" in text for text in carol.sees()) == 1


async def test_what_slack_says_with_nulls_or_leaves_out_is_read_all_the_same(story: Story) -> None:
    carol, workspace = story.people["Carol"], story.slack.workspace
    asked = await story.shows("Carol", "Can you take it?")
    found = control(asked.blocks, "I'll take it", pressed=True)
    assert found is not None
    payload = {
        "type": "block_actions",
        "user": {"id": carol.id, "team_id": None},
        "team": {"id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "trigger_id": workspace.trigger(carol).id,
        "response_url": None,
        "view": None,
        "channel": {"id": carol.dm.id},
        "message": {"ts": asked.ts, "thread_ts": None},
        "actions": [{"type": "button", "action_id": "press-1", "value": found.element["value"]}],
    }
    assert (await story.slack.out.tell("interactive", payload)).status == 200
    await story.slack.until(lambda: "You took this audit" in carol.reads(asked))
    words = {"type": "message", "user": carol.id, "text": "help", "channel": carol.dm.id, "ts": workspace.new_ts()}
    assert (await story.slack.events.tell(words | {"subtype": None, "thread_ts": None})).status == 200
    await story.shows("Carol", "What you can write to auditloop")
    assert await unread(story) == TAKEN | {"Carol": [*TAKEN["Carol"], "Hello Carol, this is auditloop"]}


async def test_auditloops_own_words_are_not_answered(story: Story) -> None:
    carol = story.people["Carol"]
    message = await story.shows("Carol", "Can you take it?")
    assert (await story.slack.events.echoed(message)).status == 200
    edited = {
        "type": "message",
        "subtype": "message_changed",
        "channel": carol.dm.id,
        "channel_type": "im",
        "message": {"user": carol.id, "text": "Tues 2pm", "ts": message.ts},
        "ts": message.ts,
    }
    assert (await story.slack.events.tell(edited)).status == 200
    assert await unread(story) == {}
