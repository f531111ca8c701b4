"""What nobody should send from a Slack client: each gets a refusal, is counted, and changes nothing."""

import copy
import json
from pathlib import Path
from typing import Any

from sqlalchemy import update

from storage.ledger import verify
from storage.tables import PersonRow
from tests.handlers.conftest import CASE, NHS_NUMBER, OTHER_CASE, kept
from tests.slack.council import Story
from tests.slack.forms import control
from tests.slack.outward import Reply
from tests.slack.people import Member
from tests.slack.story import at_once, entries, modal, refusals, taken_and_told, unread

__all__ = ["at_once"]

HELLO = "Hello Carol, this is auditloop"
SUGGESTED = f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"


async def forged(story: Story, person: Member, button: str, **changes: str) -> Reply:
    """A press on a button of somebody's message, whose value was altered, rightly signed all the same."""
    message = next(one for one in reversed(person.messages()) if button in person.reads(one))
    before = len(story.slack.out.replies)
    found = control(message.blocks, button, pressed=True)
    assert found is not None
    genuine = found.element["value"]
    found.element["value"] = json.dumps(json.loads(genuine) | changes)
    try:
        reply = await person.presses(button, message)
    finally:
        found.element["value"] = genuine
    assert len(story.slack.out.replies) == before + 1
    return reply


async def told(story: Story, person: Member, number: int = 1) -> str:
    """What somebody is told for their eyes alone, once they are for the n-th time."""
    await story.slack.until(lambda: len(person.ephemeral()) >= number)
    return person.reads(person.ephemeral()[number - 1])


NOT_OFFERED = (
    ({"verb": "delete_everything"}, "I don't know that button"),
    ({"verb": ""}, "I don't know that button"),
    ({"verb": "say"}, "That was empty"),
    ({"subject": "999"}, "I can't find that audit"),
    ({"subject": "1 OR 1=1"}, "I can't find that audit"),
    ({"subject": ""}, "I can't find that audit"),
    ({"subject": "2"}, "Sorry, you can't accept the allocation here"),
    ({"verb": "moderate"}, "You audited this case yourself"),
)


async def test_a_press_that_no_card_offers_changes_nothing(story: Story) -> None:
    before, carol = await entries(story), story.people["Carol"]
    for number, (changes, words) in enumerate(NOT_OFFERED, start=1):
        reply = await forged(story, carol, "I'll take it", **changes)
        assert reply.status == 200, changes
        assert words in await told(story, carol, number), changes
        assert await entries(story) == before, changes
        assert (await refusals(story))["press"] == number, changes
    assert len(carol.ephemeral()) == len(NOT_OFFERED)
    assert await unread(story) == {}


async def test_somebody_elses_button_gets_nothing(story: Story) -> None:
    """Mia presses Carol's button, with Carol's audit and Carol's card in it."""
    carol, mia = story.people["Carol"], story.people["Mia"]
    asked = await story.shows("Carol", "Can you take it?")
    before = await entries(story)
    payload = copy.deepcopy((await carol.presses("I'll take it", asked)).payload)
    await story.shows("Carol", "You took this audit")
    assert await unread(story) == {
        "Alice": ["An audit of your work with this child"],
        "Carol": [f"The audit of {CASE}", f"When could you talk about {CASE}?"],
    }
    taken_by_carol = await entries(story)
    assert taken_by_carol > before
    payload["user"] = {"id": mia.id, "team_id": mia.team_id}
    payload["trigger_id"] = "1.2.3"
    payload["response_url"] = story.slack.url + story.slack.workspace.response_url(mia, carol.dm, None).path
    payload["actions"][0]["value"] = payload["actions"][0]["value"].replace("accept", "hold")
    assert (await story.slack.out.tell("interactive", payload)).status == 200
    words = await told(story, mia)
    assert "Sorry, you can't say that the discussion was held here" in words
    assert CASE not in words
    assert (await refusals(story))["press"] == 1
    assert await entries(story) == taken_by_carol
    assert await unread(story) == {}


NOT_ONES_OWN = (
    "f" * 32,
    "",
    "duty/2/1",
    "duty/1/99",
    "duty/x",
    "duty/" + "9" * 30,
    "answer/slack:1",
    "answer/",
    "../1",
)


async def test_a_form_of_a_card_that_is_not_ones_own_is_not_opened(story: Story) -> None:
    carol = story.people["Carol"]
    for number, card_id in enumerate(NOT_ONES_OWN, start=1):
        await forged(story, carol, "I can't do this one", card_id=card_id)
        words = carol.reads(await modal(story, carol, "This card is out of date"))
        assert OTHER_CASE not in words, card_id
        assert (await refusals(story))["card"] == number, card_id
        await carol.closes()
    assert await unread(story) == {}


async def test_leos_card_does_not_open_for_carol(story: Story) -> None:
    carol, leo = story.people["Carol"], story.people["Leo"]
    theirs = control((await story.shows("Leo", "Can you take it?")).blocks, "I can't do this one", pressed=True)
    assert theirs is not None
    assert leo.modal is None
    before = await entries(story)
    await forged(story, carol, "I can't do this one", **json.loads(theirs.element["value"]))
    assert OTHER_CASE not in carol.reads(await modal(story, carol, "This card is out of date"))
    assert await entries(story) == before
    assert await unread(story) == {}


async def test_a_form_of_another_audit_than_the_cards_is_not_opened(story: Story) -> None:
    carol = story.people["Carol"]
    await forged(story, carol, "I can't do this one", subject="2")
    words = carol.reads(await modal(story, carol, "Your audit for January 2026"))
    assert carol.modal is not None
    assert "submit" not in carol.modal.content
    assert OTHER_CASE not in words
    assert await unread(story) == {}


async def test_a_form_that_was_sent_for_another_audit_changes_nothing(story: Story) -> None:
    carol = story.people["Carol"]
    await carol.presses("I can't do this one")
    form = await modal(story, carol, "If you can't take it, why?")
    form.content["private_metadata"] = form.content["private_metadata"].replace('"subject":"1"', '"subject":"2"')
    await carol.chooses("If you can't take it, why?", "leave")
    before = await entries(story)
    await carol.submits()
    assert "Sorry, you can't" in carol.reads(await modal(story, carol, "Sorry, you can't"))
    assert await entries(story) == before
    assert await unread(story) == {}


async def test_an_input_that_the_form_does_not_have_goes_nowhere(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    form = await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "Tues 2pm")
    view = copy.deepcopy(carol._state_of(form))
    view["state"]["values"]["input/which"] = {"which": {"type": "plain_text_input", "value": "2"}}
    reply = await carol._acts("view_submission", {"view": view}, form)
    assert reply.status == 200
    assert (await refusals(story))["value"] == 1
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    assert await unread(story) == {"Carol": [SUGGESTED]}


async def test_forty_thousand_characters_are_not_read(story: Story) -> None:
    carol, before = story.people["Carol"], await entries(story)
    reply = await carol.says("Tues 2pm " * 4444)
    assert reply.status == 200
    await story.shows("Carol", "That is a long message")
    reply = await carol.commands("/qa " + "x" * 40_000)
    assert reply.status == 200
    assert "That is a long message" in await told(story, carol)
    await carol.presses("I can't do this one")
    await modal(story, carol, "If you can't take it, why?")
    assert await entries(story) == before
    assert await unread(story) == {"Carol": [HELLO]}


async def test_a_form_with_forty_thousand_characters_comes_back_with_a_word_about_it(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    form = await modal(story, carol, "Suggested time")
    form.typed["input/when", "when"] = "x" * 40_000
    before = await entries(story)
    await carol.submits(forced=True)
    assert list(form.errors) == ["input/when"]
    assert "Please use at most 300 characters" in carol.reads(form)
    assert (await refusals(story))["value"] == 1
    assert await entries(story) == before
    assert await unread(story) == {}


async def test_a_press_in_a_channel_is_not_answered_there(story: Story) -> None:
    carol = story.people["Carol"]
    channel = story.slack.channel("quality", [carol, story.people["Leo"]])
    asked = await story.shows("Carol", "Can you take it?")
    before = await entries(story)
    payload: dict[str, Any] = copy.deepcopy((await forged(story, carol, "I'll take it", subject="999")).payload)
    await told(story, carol)
    payload["container"] |= {"channel_id": channel.id}
    payload["trigger_id"] = "1.2.3"
    payload["actions"][0]["value"] = payload["actions"][0]["value"].replace("999", "1")
    url = story.slack.workspace.response_url(carol, channel, None)
    payload["response_url"] = story.slack.url + url.path
    assert (await story.slack.out.tell("interactive", payload)).status == 200
    await story.slack.until(
        lambda: any("Please answer in our own chat" in carol.reads(one) for one in carol.ephemeral())
    )
    assert await entries(story) == before
    assert asked.history == ["sent"]
    assert all(one.only_for for one in channel.messages)
    assert await unread(story) == {}


async def test_nobody_is_called_by_what_somebody_is_called(story: Story) -> None:
    """Names, reasons and words with Slack's markup in them are shown as they were written."""
    name = "Carol <!channel> *Crane* <@U0123456789> & Co"
    async with story.store.begin() as tx:
        await tx.session.execute(update(PersonRow).where(PersonRow.id == story.ids["Carol"]).values(name=name))
        await tx.people_changed()
    await taken_and_told(story)
    alice, gil = story.people["Alice"], story.people["Gil"]
    await story.people["Carol"].says("Tues 2pm")
    found = await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    assert f"{name} would like to talk" in alice.reads(found).replace("\u2060", "")
    await gil.commands("/qa who Carol <!channel>")
    assert (await told(story, gil)).replace("\u2060", "").startswith(name)
    await alice.opens_home()
    await story.slack.until(lambda: alice.home)
    assert alice.home is not None
    assert f"{name} would like to talk" in alice.reads(alice.home).replace("\u2060", "")
    assert await unread(story) == {"Carol": [f"Book the discussion: {CASE}", HELLO, SUGGESTED]}


async def test_marks_of_slacks_in_what_is_typed_are_read_as_their_words(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    typed = {
        "type": "message",
        "channel_type": "im",
        "channel": carol.dm.id,
        "user": carol.id,
        "text": "<!date^1767708000^{date}|Tues> <https://example.org|2pm>",
        "ts": story.slack.workspace.new_ts(),
    }
    await story.slack.events.tell(typed)
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    assert await unread(story) == {"Carol": [f"Book the discussion: {CASE}", HELLO, SUGGESTED]}


async def test_a_childs_number_typed_in_a_chat_or_a_command_is_not_kept(story: Story) -> None:
    carol = story.people["Carol"]
    await carol.says(f"Her number is {NHS_NUMBER}")
    await story.shows("Carol", "This looks like an NHS number")
    await carol.commands(f"/qa who {NHS_NUMBER}")
    await told(story, carol)
    database = story.store.database.url.database
    assert database
    assert not kept(Path(database).parent, NHS_NUMBER)
    assert await unread(story) == {"Carol": [HELLO]}


async def test_the_ledger_holds_after_all_of_this(story: Story) -> None:
    carol = story.people["Carol"]
    await forged(story, carol, "I'll take it", subject="2")
    await told(story, carol)
    await taken_and_told(story)
    async with story.store.begin() as tx:
        count, broken = await verify(tx)
    assert count
    assert not broken
    assert CASE in "\n".join(carol.sees())
