"""Acts of which is told less than Slack tells: without a trigger, a thread or a place to answer at."""

from collections.abc import Iterator
from contextlib import contextmanager

from handlers.interaction import Interaction
from tests.handlers.conftest import CASE
from tests.handlers.conftest import SENT as GRADED
from tests.slack import trouble as wrong
from tests.slack.council import Story
from tests.slack.outward import Kind, Reply
from tests.slack.story import at_modal, at_once, drafts, fills, modal, taken, taken_and_told, talked_and_told, unread
from tests.slack.workspace import Json

__all__ = ["at_once"]

LONG = {f"action_{number}_what": f"Action {number}. " + "Please see to it. " * 100 for number in range(1, 6)}
"""Actions as long as the form takes them."""


def cut(payload: object, names: tuple[str, ...]) -> None:
    """Take everything away that is called so, however deep it is."""
    if isinstance(payload, dict):
        for name in names:
            payload.pop(name, None)
        payload = list(payload.values())
    for value in payload if isinstance(payload, list) else ():
        cut(value, names)


@contextmanager
def without(story: Story, *names: str) -> Iterator[None]:
    """What is told in this block is told without these."""
    told = story.slack.told

    async def less(kind: Kind, payload: Json) -> Reply:
        cut(payload, names)
        return await told(kind, payload)

    vars(story.slack)["told"] = less
    try:
        yield
    finally:
        del vars(story.slack)["told"]


async def test_forms_without_a_trigger_are_each_one_of_their_own(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    for button, label, day in (
        ("Suggest this time", "Suggested time", "Tue 6 Jan"),
        ("Suggest another time", "Another time", "Wed 7 Jan"),
    ):
        await carol.presses(button)
        await modal(story, carol, label)
        await carol.types(label, f"{day} 2pm")
        with without(story, "trigger_id"):
            await carol.submits()
        await story.shows("Alice", f"Does {day} 2026 at 14:00 suit you?")
    told = await unread(story)
    assert told["Carol"] == [f"You suggested Wed 7 Jan 2026 at 14:00 for {CASE}"]


async def test_the_same_question_is_answered_each_time(story: Story) -> None:
    gil = story.people["Gil"]
    with without(story, "trigger_id"):
        for _ in range(2):
            await gil.commands("/qa overdue")
        await story.slack.until(lambda: len(gil.ephemeral()) == 2)
    assert {gil.reads(one).partition("\n")[0] for one in gil.ephemeral()} == {"Nothing is overdue"}
    assert await unread(story) == {}


async def test_what_a_press_led_to_stands_in_the_thread_of_its_audit(story: Story) -> None:
    await taken(story)
    carol = story.people["Carol"]
    root = next(one for one in carol.messages() if "You took this audit" in carol.reads(one))
    with without(story, "thread_ts", "message"):
        await carol.presses("We have already talked")
        form = await story.shows("Carol", "Your grade for")
    assert form.thread_ts == root.ts
    await unread(story)


async def test_an_answer_for_which_there_is_no_place_comes_in_the_own_chat(story: Story) -> None:
    gil = story.people["Gil"]
    story.slack.trouble.add(wrong.refuses("used_url", status=404), "response_url")
    await gil.commands("/qa overdue")
    await story.shows("Gil", "Nothing is overdue")
    assert gil.ephemeral() == []
    assert await unread(story) == {}


async def test_inputs_that_nobody_touched_keep_what_stood_in_them(story: Story) -> None:
    await talked_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Send the audit")
    await modal(story, carol, "Step 1 of 3")
    await fills(carol)
    await carol.submits()
    await modal(story, carol, "Step 2 of 3")
    await carol.types("What is to be put right?", "See the child alone.")
    await carol.closes()

    async def kept() -> bool:
        return any("action_1_what" in one for one in await drafts(story, "Carol"))

    await story.eventually(kept)
    carol.sparing = True
    await carol.presses("Send the audit")
    await modal(story, carol, "Step 1 of 3")
    await carol.submits()
    await modal(story, carol, "Step 2 of 3")
    carol.sparing = False
    await carol.submits()
    await modal(story, carol, "Step 3 of 3")
    carol.sparing = True
    await carol.submits()
    assert at_modal(carol) is None
    await story.shows("Alice", "See the child alone.")
    await unread(story)


async def test_a_long_message_changes_in_all_its_parts_once_it_is_answered(story: Story) -> None:
    await talked_and_told(story)
    async with story.store.begin() as tx:
        (audit,) = [one for one in await tx.audits([1, 2]) if one.case.ref == CASE]
    sent = Interaction(
        story.ids["Carol"], "submit", "sent", story.clock.now(), subject=f"{audit.id}", values=GRADED | LONG
    )
    assert not (await story.program.answer(sent)).refused
    await story.settled()
    dan = story.people["Dan"]
    assert len(dan.messages()) > 1
    assert "Action 5." in dan.sees()[-1]
    await dan.presses("I have read it and commented on the file")
    await modal(story, dan, "Please read the audit")
    await dan.submits()
    await story.settled()
    assert not [words for words in dan.sees() if f"Please read the audit of {CASE}" in words]
    assert f"You confirmed management oversight: {CASE}" in "\n".join(dan.sees())
    await unread(story)
