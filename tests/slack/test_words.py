"""What people type to auditloop in their chat: answered in the right place, and strangers are told nothing."""

import json

from sqlalchemy import select

from storage.allocations import ensure_cycle, plan_allocation
from storage.records import case_of
from storage.tables import CaseRow
from tests.handlers.conftest import CASE, FREE_CASE, JANUARY
from tests.slack.council import Story
from tests.slack.story import at_once, booked, entries, refusals, taken_and_told, unread
from tests.slack.trouble import FAILS

__all__ = ["at_once"]

HELLO = "Hello Carol, this is auditloop"
AGREED = f"Alice Avocet agreed the time: {CASE}"
FILE = "Add to your calendar: "


async def test_words_in_a_chat_mean_what_they_mean_everywhere(story: Story) -> None:
    await taken_and_told(story)
    carol, alice = story.people["Carol"], story.people["Alice"]
    await carol.says("Tues 2pm")
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    await alice.says("yes")
    talk = "Your discussion is on Tue 6 Jan 2026 at 14:00"
    await story.shows("Alice", talk)
    assert await unread(story) == {
        "Alice": [f"You agreed the time: {CASE}", "Hello Alice, this is auditloop", FILE],
        "Carol": [f"The audit of {CASE}", AGREED, HELLO, AGREED, talk, FILE],
    }
    await carol.says("mine")
    await story.shows("Carol", "What waits for you")
    await carol.says("help")
    await story.shows("Carol", "What you can write to auditloop")
    assert await unread(story) == {}


async def test_words_that_mean_nothing_get_what_waits_and_a_hint(story: Story) -> None:
    await story.people["Carol"].says("hlep")
    found = await story.shows("Carol", "Sorry, I didn't understand that")
    assert "Do you mean help?" in story.people["Carol"].reads(found)
    assert await unread(story) == {"Carol": [HELLO]}


async def test_an_answer_to_words_in_a_thread_goes_there(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    root = next(one for one in carol.messages() if "You took this audit" in carol.reads(one))
    await carol.says("mine", thread=root)
    found = await story.shows("Carol", "What waits for you")
    assert found.thread_ts == root.ts
    assert await unread(story) == {"Carol": [HELLO]}


async def test_an_answer_about_an_audit_goes_into_its_thread(story: Story) -> None:
    await booked(story)
    assert await unread(story) == {
        "Alice": ["An audit of your work with this child", f"You agreed the time: {CASE}", FILE],
        "Carol": [f"The audit of {CASE}", AGREED, HELLO, AGREED, FILE],
    }
    carol = story.people["Carol"]
    root = next(one for one in carol.messages() if "You took this audit" in carol.reads(one))
    about = [one for one in carol.messages() if CASE in carol.reads(one) and one is not root]
    assert about
    assert {one.thread_ts for one in about} == {root.ts}


async def test_done_and_a_no_with_its_reason_are_answers(story: Story) -> None:
    carol = story.people["Carol"]
    await carol.says("can't, on leave until Monday")
    handed_back = await story.shows("Carol", f"Thank you for saying so: {CASE}")
    assert "Carol Crane is away until Mon 12 Jan 2026." in carol.reads(handed_back)
    officer = await story.officer()
    await story.shows(officer, f"Please find another auditor for {CASE}")
    told = await unread(story)
    assert told.pop("Carol")[-1] == HELLO
    assert told == {}


async def test_words_in_the_thread_of_an_audit_are_about_that_audit(story: Story) -> None:
    async with story.store.begin() as tx:
        case = case_of((await tx.session.scalars(select(CaseRow).where(CaseRow.ref == FREE_CASE))).one())
        cycle = await ensure_cycle(tx, JANUARY)
        await plan_allocation(tx, cycle, case, story.ids["Carol"], story.clock.now())
    await story.program.beat()
    carol = story.people["Carol"]
    first = await story.shows("Carol", f"Your audit for January 2026: {FREE_CASE}")
    await carol.says("yes")
    assert FREE_CASE in carol.reads(await story.shows("Carol", "Which one do you mean?"))
    await carol.says("yes", thread=first)
    below = await story.shows("Carol", f"When could you talk about {FREE_CASE}?")
    assert below.thread_ts == first.ts
    await story.shows("Carol", f"You took this audit: {FREE_CASE}")
    assert all("You took this audit" not in text for text in carol.sees() if CASE in text)
    told = await unread(story)
    assert told.pop("Carol", [f"The audit of {FREE_CASE}"]) == [f"The audit of {FREE_CASE}"]
    assert told == {"Alice": ["An audit of your work with this child"]}


async def test_a_day_typed_without_a_time_is_asked_back_and_answered_in_a_modal(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.says("Tues")
    await story.shows("Carol", "at what time?")
    await carol.presses("Choose the time")
    await story.slack.until(lambda: carol.modal is not None)
    assert carol.modal is not None
    control = next(block for block in carol.modal.blocks if block["type"] == "input")
    await carol.chooses(control["element"]["action_id"], "Tue 6 Jan 2026 at 14:00")
    await carol.submits()
    await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    suggested = f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"
    assert await unread(story) == {"Carol": [f"Book the discussion: {CASE}", HELLO, suggested]}


async def test_a_stranger_is_told_nothing_and_the_officer_hears_of_them_once(story: Story) -> None:
    zoe, before = story.slack.member("Zoe Zander", "zoe@example.com"), await entries(story)
    for _ in range(2):
        await zoe.says(f"case {CASE}")
    await story.slack.until(lambda: len(zoe.messages()) == 2)
    assert all("Sorry, I don't know you yet" in text and CASE not in text for text in zoe.sees())
    assert (await refusals(story))["stranger"] == 2
    await story.shows(await story.officer(), "Zoe Zander")
    assert await entries(story) == before
    assert await unread(story) == {}


async def test_a_guest_is_told_nothing(story: Story) -> None:
    guest = story.slack.member("Alice Avocet", "alice@elsewhere.org", restricted=True)
    await guest.says("mine")
    await story.slack.until(guest.messages)
    assert all(CASE not in text for text in guest.sees())
    await story.shows(await story.officer(), "is a guest there, so they were told nothing")
    assert await unread(story) == {}


async def test_whoever_is_deactivated_is_known_no_more(story: Story) -> None:
    carol = story.people["Carol"]
    await story.slack.events.deactivated(carol)
    before = await entries(story)
    payload = {"type": "message", "channel_type": "im", "user": carol.id, "text": "mine", "channel": carol.dm.id}
    carol.deleted = True
    await story.slack.events.tell(payload | {"ts": story.slack.workspace.new_ts()})
    assert await unread(story) == {"Carol": ["Sorry, I don't know you yet"]}
    assert (await refusals(story))["stranger"] == 1
    assert await entries(story) == before
    story.slack.forgives("account is deactivated")


async def test_while_slack_does_not_say_who_somebody_is_they_are_asked_to_try_again(story: Story) -> None:
    new = story.slack.member("New Nightingale", "new@example.org")
    order = story.slack.trouble.add(FAILS, "users.info", "users.lookupByEmail", "users.list", times=None)
    await new.says("mine")
    await story.slack.until(new.messages)
    assert "I can't tell who you are just now" in new.sees()[0]
    order.stop()
    assert await unread(story) == {}


async def test_an_app_that_was_taken_out_is_noted(story: Story) -> None:
    assert [one.status for one in await story.slack.events.uninstalled()] == [200, 200]

    async def counted() -> bool:
        return (await refusals(story)).get("taken out", 0) == 2

    await story.eventually(counted)
    assert await unread(story) == {}


async def test_a_press_is_never_read_out_of_the_words_of_a_message(story: Story) -> None:
    """What a person types is words, whatever it looks like."""
    before = await entries(story)
    value = json.dumps({"verb": "accept", "subject": "1", "card_id": ""})
    await story.people["Carol"].says(value)
    await story.shows("Carol", "Sorry, I didn't understand that")
    assert await entries(story) == before
    assert await unread(story) == {"Carol": [HELLO]}
