"""Messages that must arrive, and what becomes of them where Slack doesn't take them."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.slack.acquaintance import DEACTIVATED
from storage.tables import ContactRow
from tests.slack import trouble as wrong
from tests.slack.council import Opens, Story, reading
from tests.slack.january import (
    ALLOCATED,
    LISTED,
    OVERDUE,
    REMINDED,
    hello,
    in_any_order,
    reached_instead,
    reminded_instead,
)
from tests.slack.server import Slack
from tests.slack.story import at_once, unread
from tests.slack.trouble import Mishap

__all__ = ["at_once"]

HALF_AN_HOUR = timedelta(minutes=30)
REPEATED = "You may have had this message before."


@pytest.mark.parametrize(
    ("mishap", "reason"),
    [
        (wrong.refuses("user_disabled"), "their Slack account is deactivated"),
        (wrong.refuses("is_archived"), "their chat with auditloop in Slack is archived"),
        (wrong.refuses("not_in_channel"), "auditloop was taken out of their chat in Slack"),
        (wrong.refuses("restricted_action"), "auditloop may not write to them in Slack"),
        (wrong.refuses("something_new"), "Slack answered something_new"),
    ],
    ids=lambda one: getattr(one, "code", ""),
)
async def test_whom_slack_refuses_for_good_is_reached_through_others(opens: Opens, mishap: Mishap, reason: str) -> None:
    async with opens() as story:
        order = story.slack.trouble.add(mishap, "chat.postMessage", person="Carol Crane", times=None)
        await story.everyone_told()
        assert await story.states("Carol") == {"failed"}
        told = await reached_instead(story, "Carol")
        assert f"A message for Carol Crane did not arrive: {reason}. The message went to Dan Dunlin instead." in told
        order.stop()
        await story.people["Carol"].says("mine")
        for answer in (hello("Carol"), "What waits for you"):
            await story.shows("Carol", answer)
        assert await unread(story) == {"Carol": LISTED["Carol"]}


async def test_a_chat_that_is_gone_is_opened_anew_and_gets_the_message(opens: Opens) -> None:
    async with opens() as story:
        await story.everyone_told()
        assert await unread(story) == LISTED
        async with story.store.begin() as tx:
            await tx.session.execute(update(ContactRow).values(conversation_id="D0LONGGONE"))
        await story.until(REMINDED)
        assert await unread(story) == {name: [title] for name, title in ALLOCATED.items()}
        contact = await story.contact("Carol")
        assert contact is not None
        assert contact.conversation_id == story.people["Carol"].dm.id


async def test_a_chat_that_cannot_be_had_at_all_is_said_to_be_gone(opens: Opens) -> None:
    async with opens() as story:
        story.slack.trouble.add(
            wrong.refuses("channel_not_found"), "chat.postMessage", person="Carol Crane", times=None
        )
        await story.everyone_told()
        contact = await story.contact("Carol")
        assert contact is not None
        assert contact.closed == "their chat with auditloop in Slack is gone"
        assert f"did not arrive: {contact.closed}." in await reached_instead(story, "Carol")


MAY_PASS = (
    wrong.FAILS,
    wrong.BAD_GATEWAY,
    wrong.UNAVAILABLE,
    wrong.throttles(1),
    wrong.throttles(None),
    wrong.refuses("service_unavailable"),
    wrong.refuses("request_timeout"),
)


async def test_what_may_pass_is_tried_again_and_arrives_once(opens: Opens) -> None:
    async with opens() as story:
        for mishap in MAY_PASS:
            story.slack.trouble.add(mishap, "chat.postMessage", person="Carol Crane", times=1)
        await story.everyone_told()
        assert await story.states("Carol") == {"queued"}
        await story.later(4 * HALF_AN_HOUR)
        assert await story.states("Carol") == {"sent"}
        calls = story.slack.sent("chat.postMessage")
        assert len([call for call in calls if call.person == "Carol Crane"]) == len(MAY_PASS) + len(LISTED["Carol"])
        assert in_any_order(await unread(story)) == in_any_order(LISTED)
        assert not any(REPEATED in text for text in story.people["Carol"].sees())


async def test_slack_is_given_the_time_that_it_asks_for(opens: Opens) -> None:
    async with opens() as story:
        story.slack.trouble.add(wrong.throttles(600), "chat.postMessage", person="Carol Crane", times=1)
        begun = story.clock.now()
        await story.everyone_told()
        waits = [row.not_before - begun for row in await story.rows() if row.to_id == story.ids["Carol"]]
        assert all(timedelta(seconds=590) <= wait <= timedelta(seconds=601) for wait in waits), waits
        assert await unread(story) == {"Leo": LISTED["Leo"]}


@pytest.mark.parametrize(
    "mishaps",
    [(wrong.DROPS_AFTER_TAKING, wrong.GARBAGE), (wrong.TEXT, wrong.EMPTY)],
    ids=["dropped and garbage", "text and empty"],
)
async def test_what_may_have_arrived_comes_again_and_says_so(opens: Opens, mishaps: tuple[Mishap, Mishap]) -> None:
    async with opens() as story:
        for mishap in mishaps:
            story.slack.trouble.add(mishap, "chat.postMessage", person="Carol Crane", times=1)
        await story.everyone_told()
        assert "unknown" in await story.states("Carol")
        await story.later(HALF_AN_HOUR)
        assert await story.states("Carol") == {"sent"}
        assert await unread(story) == LISTED | {"Carol": [ALLOCATED["Carol"]] * 2 + LISTED["Carol"]}
        assert [REPEATED in text for text in story.people["Carol"].sees()] == [False, True, True, False]


async def test_an_error_inside_slack_leaves_it_open_whether_a_message_arrived(opens: Opens) -> None:
    async with opens() as story:
        story.slack.trouble.add(wrong.INTERNAL, "chat.postMessage", person="Carol Crane", times=1)
        await story.everyone_told()
        assert "unknown" in await story.states("Carol")
        assert await unread(story) == {"Leo": LISTED["Leo"]}


async def test_while_auditloop_may_not_write_everything_waits_and_nobody_is_blamed(opens: Opens) -> None:
    async with opens() as story:
        await story.set_back()
        for code in ("invalid_auth", "token_revoked", "account_inactive", "missing_scope"):
            order = story.slack.trouble.add(wrong.refuses(code), "chat.postMessage", times=None)
            await story.later(HALF_AN_HOUR)
            rows = [row for row in await story.rows() if row.attempts]
            assert rows
            assert {(row.state, row.error) for row in rows} == {("queued", f"Slack answered {code}")}
            order.stop()
        await story.later(HALF_AN_HOUR)
        assert {row.state for row in await story.rows()} == {"sent"}
        assert in_any_order(await unread(story)) == in_any_order(LISTED)


async def test_who_was_deactivated_is_not_written_to_although_slack_would_say_yes(story: Story) -> None:
    carol = story.people["Carol"]
    await story.slack.events.deactivated(carol)
    await story.eventually(lambda: _closed(story, "Carol", DEACTIVATED))
    await reminded_instead(story)
    assert DEACTIVATED in reading(await story.shows(await story.officer(), "A message for Carol Crane did not arrive"))
    carol.deleted = False
    await story.slack.events.changed(carol)
    assert await unread(story) == {"Carol": [ALLOCATED["Carol"]]}


async def test_who_was_deactivated_without_a_word_is_not_written_to_either(story: Story) -> None:
    """The event was lost while auditloop was down."""
    carol = story.people["Carol"]
    carol.deleted = True
    await reminded_instead(story)
    assert await _closed(story, "Carol", DEACTIVATED)
    carol.deleted = False
    await story.until(OVERDUE)
    assert await unread(story) == {name: [title] for name, title in ALLOCATED.items()}


async def _closed(story: Story, name: str, reason: str) -> bool:
    contact = await story.contact(name)
    return contact is not None and contact.closed == reason


@pytest.mark.parametrize("name", ["Leo", "Carol"])
async def test_who_has_no_account_or_a_guests_is_reached_through_others(opens: Opens, name: str) -> None:
    def without(slack: Slack) -> None:
        accounts = slack.workspace.accounts
        found = next(one for one in accounts if one.name.startswith(name))
        if name == "Leo":
            accounts.remove(found)
        else:
            found.restricted = True

    async with opens(begun=without) as story:
        await story.everyone_told()
        assert await story.states(name) == {"failed"}
        told = await reached_instead(story, name)
        assert ("no account in Slack" if name == "Leo" else "a guest in Slack") in told


async def test_while_the_directory_cannot_be_read_messages_wait(opens: Opens) -> None:
    async with opens() as story:
        order = story.slack.trouble.add(wrong.UNAVAILABLE, "users.lookupByEmail", "users.list", times=None)
        await story.everyone_told()
        assert await story.states("Carol") == {"queued"}
        order.stop()
        await story.later(HALF_AN_HOUR)
        assert await story.states("Carol") == {"sent"}
        assert in_any_order(await unread(story)) == in_any_order(LISTED)
