"""An account that is gone and followed by a new one with the same address: whoever it was is known by the new one."""

from bot.slack.acquaintance import DEACTIVATED
from tests.handlers.conftest import CASE
from tests.slack import trouble as wrong
from tests.slack.council import Story, reading
from tests.slack.january import ALLOCATED, LISTED, REMINDED, reached_instead
from tests.slack.people import Member
from tests.slack.story import at_once, unread

__all__ = ["at_once"]
AMONG = "isn't among the people of this service"


def _followed(story: Story) -> Member:
    """Carol's account is deactivated, and she is given another one."""
    old = story.people["Carol"]
    old.deleted = True
    new = story.slack.member("Carol C Crane", "new@example.org")
    new.email = old.email
    return new


async def test_who_is_given_a_new_account_is_written_to_there(story: Story) -> None:
    new, old = _followed(story), story.people["Carol"]
    before = len(old.messages())
    await story.slack.events.changed(old)
    await story.until(REMINDED)
    assert await unread(story) == {"Leo": [ALLOCATED["Leo"]]}
    assert [text.partition("\n")[0] for text in new.sees()] == [ALLOCATED["Carol"]]
    assert len(old.messages()) == before


async def test_who_speaks_from_a_new_account_is_known(story: Story) -> None:
    new = _followed(story)
    await new.says("mine")
    await story.slack.until(new.messages)
    await story.settled()
    assert CASE in "".join(new.sees())
    contact = await story.contact("Carol")
    assert contact is not None
    assert (contact.object_id, contact.closed) == (new.id, "")


async def test_a_new_account_gets_what_the_old_one_did_not_once_slack_tells_of_it(story: Story) -> None:
    old = story.people["Carol"]
    old.deleted = True
    await story.slack.events.changed(old)
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.closed == DEACTIVATED
    await story.everyone_told()
    await reached_instead(story, "Carol")
    new = _followed(story)
    await story.slack.events.joined(new)
    await story.settled()
    assert [text.partition("\n")[0] for text in new.sees()] == LISTED["Carol"]
    assert await unread(story) == {}


async def test_while_slack_does_not_say_whether_the_old_account_is_gone_nothing_changes(story: Story) -> None:
    new, old = _followed(story), story.people["Carol"]
    story.slack.trouble.add(wrong.UNAVAILABLE, "users.info", person="Carol Crane", times=None)
    await new.says("mine")
    await story.slack.until(new.messages)
    assert CASE not in "".join(new.sees())
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.object_id == old.id
    assert not [row for row in await story.rows() if AMONG in row.text]


async def test_who_takes_the_address_of_somebody_still_there_is_a_stranger(story: Story) -> None:
    other = story.slack.member("Chris Crow", "chris@example.org")
    other.email = story.people["Carol"].email
    await story.slack.events.changed(other)
    await other.says("mine")
    await story.slack.until(other.messages)
    assert CASE not in "".join(other.sees())
    assert AMONG in reading(await story.shows(await story.officer(), AMONG))
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.object_id == story.people["Carol"].id
