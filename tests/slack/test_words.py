"""What people type to auditloop in their chat: answered in the right place, and strangers are told nothing."""

import json

from tests.handlers.conftest import CASE
from tests.slack.council import Story
from tests.slack.story import at_once, booked, entries, refusals, taken
from tests.slack.trouble import FAILS

__all__ = ["at_once"]


async def test_words_in_a_chat_mean_what_they_mean_everywhere(story: Story) -> None:
    await taken(story)
    carol, alice = story.people["Carol"], story.people["Alice"]
    await carol.says("Tues 2pm")
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    await alice.says("yes")
    await story.shows("Alice", "Your discussion is on Tue 6 Jan 2026 at 14:00")
    await carol.says("mine")
    await story.shows("Carol", "What waits for you")
    await carol.says("help")
    await story.shows("Carol", "Write")


async def test_words_that_mean_nothing_get_what_waits_and_a_hint(story: Story) -> None:
    await story.people["Carol"].says("hlep")
    found = await story.shows("Carol", "Sorry, I didn't understand that")
    assert "Do you mean help?" in story.people["Carol"].reads(found)


async def test_an_answer_to_words_in_a_thread_goes_there(story: Story) -> None:
    await taken(story)
    carol = story.people["Carol"]
    root = next(one for one in carol.messages() if "You took this audit" in carol.reads(one))
    await carol.says("mine", thread=root)
    found = await story.shows("Carol", "What waits for you")
    assert found.thread_ts == root.ts


async def test_an_answer_about_an_audit_goes_into_its_thread(story: Story) -> None:
    await booked(story)
    carol = story.people["Carol"]
    root = next(one for one in carol.messages() if "You took this audit" in carol.reads(one))
    about = [one for one in carol.messages() if CASE in carol.reads(one) and one is not root]
    assert about
    assert {one.thread_ts for one in about} == {root.ts}


async def test_a_time_typed_for_two_discussions_is_asked_back_and_answered_in_a_modal(story: Story) -> None:
    await taken(story)
    carol = story.people["Carol"]
    await carol.says("Tues")
    await story.shows("Carol", "at what time?")
    await carol.presses("This one")
    await story.slack.until(lambda: carol.modal is not None)
    assert carol.modal is not None
    control = next(block for block in carol.modal.blocks if block["type"] == "input")
    await carol.chooses(control["element"]["action_id"], "Tue 6 Jan 2026 at 14:00")
    await carol.submits()
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")


async def test_a_stranger_is_told_nothing_and_the_officer_hears_of_them_once(story: Story) -> None:
    zoe, before = story.slack.member("Zoe Zander", "zoe@example.com"), await entries(story)
    for _ in range(2):
        await zoe.says(f"case {CASE}")
    await story.slack.until(lambda: len(zoe.messages()) == 2)
    assert all("Sorry, I don't know you yet" in text and CASE not in text for text in zoe.sees())
    assert (await refusals(story))["stranger"] == 2
    await story.shows(await story.officer(), "Zoe Zander")
    assert await entries(story) == before


async def test_a_guest_is_told_nothing(story: Story) -> None:
    guest = story.slack.member("Alice Avocet", "alice@elsewhere.org", restricted=True)
    await guest.says("mine")
    await story.slack.until(guest.messages)
    assert all(CASE not in text for text in guest.sees())


async def test_whoever_is_deactivated_is_known_no_more(story: Story) -> None:
    carol = story.people["Carol"]
    await story.slack.events.deactivated(carol)
    before = await entries(story)
    payload = {"type": "message", "channel_type": "im", "user": carol.id, "text": "mine", "channel": carol.dm.id}
    count = len(carol.messages())
    carol.deleted = True
    await story.slack.events.tell(payload | {"ts": story.slack.workspace.new_ts()})

    async def counted() -> bool:
        return (await refusals(story)).get("stranger", 0) == 1

    await story.eventually(counted)
    assert all("Can you take it?" not in text for text in carol.sees()[count:])
    assert await entries(story) == before
    story.slack.faults[:] = [one for one in story.slack.faults if "deactivated" not in one]


async def test_while_slack_does_not_say_who_somebody_is_they_are_asked_to_try_again(story: Story) -> None:
    new = story.slack.member("New Nightingale", "new@example.org")
    order = story.slack.trouble.add(FAILS, "users.info", "users.lookupByEmail", "users.list", times=None)
    await new.says("mine")
    await story.slack.until(new.messages)
    assert "I can't tell who you are just now" in new.sees()[0]
    order.stop()


async def test_an_app_that_was_taken_out_is_noted(story: Story) -> None:
    assert [one.status for one in await story.slack.events.uninstalled()] == [200, 200]

    async def counted() -> bool:
        return (await refusals(story)).get("taken out", 0) == 2

    await story.eventually(counted)


async def test_a_press_is_never_read_out_of_the_words_of_a_message(story: Story) -> None:
    """What a person types is words, whatever it looks like."""
    before = await entries(story)
    value = json.dumps({"verb": "accept", "subject": "1", "card_id": ""})
    await story.people["Carol"].says(value)
    await story.shows("Carol", "Sorry, I didn't understand that")
    assert await entries(story) == before
