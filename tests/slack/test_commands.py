"""`/qa` and the shortcuts: the words that work everywhere, answered to the asker alone unless they are to be shared."""

import pytest
from sqlalchemy import update

from storage.allocations import ensure_cycle, issue, plan_allocation
from storage.records import case_of
from storage.tables import CaseRow, OutboxRow
from tests.handlers.conftest import AREA, CASE, JANUARY, OTHER_CASE
from tests.slack.council import Story
from tests.slack.people import Member
from tests.slack.story import at_modal, at_once, busy, entries, modal, refusals, taken_and_told, unread
from tests.slack.trouble import refuses
from tests.slack.workspace import Message

__all__ = ["at_once"]


async def answered(story: Story, person: Member, line: str, **options: object) -> list[str]:
    """What somebody reads in answer to a command, which nobody else sees."""
    before = len(person.ephemeral())
    reply = await person.commands(line, **options)  # type: ignore[arg-type]
    assert reply.status == 200
    assert not reply.body
    await story.slack.until(lambda: len(person.ephemeral()) > before)
    return [person.reads(one) for one in person.ephemeral()[before:]]


LEADS_TO = {
    "reassign": {
        "Carol": [f"Gil Goldcrest passed this on to someone else: {CASE}", f"Someone else has this audit now: {CASE}"],
        "Leo": [f"Your audit for January 2026: {CASE}"],
    },
    "extend": {"Carol": [f"The audit of {CASE}"] * 2},
}
"""What others are told because of a command; of every other command nobody is told anything."""


QUESTIONS = {
    "status": "How things stand: January 2026",
    "overdue": "overdue",
    f"case {CASE}": CASE,
    "cycle 2026-01": "January 2026",
    "who Carol Crane": "Carol Crane",
    "help": "Write",
    "": "Write",
    "mine": "for you",
    f"safety {CASE}": f"Raise a safety concern about {CASE}",
}


async def test_every_question_is_answered_to_the_officer_who_asks(story: Story) -> None:
    for line, words in QUESTIONS.items():
        (found,) = await answered(story, story.people["Gil"], f"/qa {line}".strip())
        assert words in found, line
    assert await unread(story) == {}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"reassign {CASE} to Leo Linnet because of leave", "Leo Linnet"),
        (f"extend {CASE} until 10 February because of sickness", "10 Feb 2026"),
        ("leave Carol Crane until 17 January", "Carol Crane is away until Sat 17 Jan 2026"),
    ],
)
async def test_every_order_is_answered_to_the_officer_who_gives_it(story: Story, line: str, words: str) -> None:
    (found,) = await answered(story, story.people["Gil"], f"/qa {line}")
    assert words in found
    assert await unread(story) == LEADS_TO.get(line.partition(" ")[0], {})


NEAREST = {
    "statsu": "Do you mean status?",
    "overdoo": "Do you mean overdue?",
    f"case {CASE}X": f"Do you mean {CASE}",
    "who Carol Crone": "Do you mean Carol Crane",
    "cycle Smarch": "is not a month",
    "sing": "didn't understand",
}


async def test_wrong_words_get_the_nearest_right_ones(story: Story) -> None:
    before = await entries(story)
    for line, words in NEAREST.items():
        (found,) = await answered(story, story.people["Gil"], f"/qa {line}")
        assert words in found, line
    assert await entries(story) == before
    assert await unread(story) == {}


async def test_what_is_for_officers_is_not_told_to_others(story: Story) -> None:
    for word in ("status", "overdue", f"case {OTHER_CASE}", "cycle 2026-01", "who Leo Linnet"):
        (found,) = await answered(story, story.people["Carol"], f"/qa {word}")
        assert "That question is for the QA" in found
    assert await unread(story) == {}


async def test_a_chart_comes_as_a_picture_whose_numbers_stand_in_words_as_well(story: Story) -> None:
    gil = story.people["Gil"]
    (found,) = await answered(story, gil, "/qa status")
    assert "Bar chart. Audits of January 2026" in found
    assert "Waiting for the auditor's answer: 2" in found
    (message,) = gil.ephemeral()
    picture = next(block for block in message.blocks if block["type"] == "image")
    assert picture["slack_file"]["id"] in story.slack.workspace.files


async def test_a_chart_that_cannot_be_brought_in_is_told_in_words_only(story: Story) -> None:
    story.slack.trouble.add(refuses("missing_scope"), "files.getUploadURLExternal", times=None)
    gil = story.people["Gil"]
    (found,) = await answered(story, gil, "/qa status")
    assert "Waiting for the auditor's answer: 2" in found
    assert all(block["type"] != "image" for message in gil.ephemeral() for block in message.blocks)


def in_channel(place_messages: list[Message]) -> list[Message]:
    return [one for one in place_messages if one.author is None and one.only_for is None]


async def test_a_group_is_told_what_is_shared_and_only_without_small_numbers(story: Story) -> None:
    gil, carol = story.people["Gil"], story.people["Carol"]
    channel = story.slack.channel("quality", [gil, carol])
    reply = await gil.commands("/qa status share", channel=channel)
    assert not reply.body
    await story.slack.until(lambda: in_channel(channel.messages))
    (message,) = in_channel(channel.messages)
    assert "January 2026" in carol.reads(message)
    assert "fewer than 5" in carol.reads(message)
    assert not gil.ephemeral()
    assert await unread(story) == {}


async def test_what_is_about_one_person_is_never_shared(story: Story) -> None:
    gil = story.people["Gil"]
    channel = story.slack.channel("quality", [gil, story.people["Carol"]])
    for word in (f"case {CASE}", "overdue", "who Carol Crane", "mine"):
        (found,) = await answered(story, gil, f"/qa {word} share", channel=channel)
        assert "I answer that in our own chat" in found, word
        assert not in_channel(channel.messages), word
    assert await unread(story) == {}
    assert not in_channel(channel.messages)


async def test_what_is_refused_in_a_channel_is_not_to_be_written_into_it(story: Story) -> None:
    gil = story.people["Gil"]
    channel = story.slack.channel("quality", [gil])
    (found,) = await answered(story, gil, "/qa case", channel=channel)
    assert "Write it like this: case K7F-204." in found
    assert "Here, put /qa before it, so that only you see it and the answer." in found
    (found,) = await answered(story, gil, "/qa case")
    assert "put /qa before it" not in found


async def test_somebody_else_may_not_share_what_is_for_officers(story: Story) -> None:
    carol = story.people["Carol"]
    channel = story.slack.channel("quality", [carol])
    (found,) = await answered(story, carol, "/qa status share", channel=channel)
    assert "That question is for the QA" in found
    assert not in_channel(channel.messages)
    assert await unread(story) == {}


async def test_a_form_in_an_answer_is_opened_and_the_answer_changes_into_what_was_done(story: Story) -> None:
    gil = story.people["Gil"]
    await answered(story, gil, f"/qa safety {CASE}")
    await gil.presses("Alert the managers now")
    await modal(story, gil, "What should they know?")
    await gil.types("What should they know?", "The child was left alone.")
    await gil.submits()
    assert at_modal(gil) is None
    await story.slack.until(lambda: any("have been alerted" in gil.reads(one) for one in gil.ephemeral()[-1:]))
    await story.shows("Bob", "The child was left alone.")
    assert await unread(story) == {name: [f"⚠ Safety alert: {CASE}"] for name in ("Dan", "Erin", "Frank")}


async def test_a_command_is_acknowledged_though_the_database_is_busy_and_answered_afterwards(story: Story) -> None:
    gil = story.people["Gil"]
    with busy(story):
        reply = await gil.commands("/qa status")
        assert reply.status == 200
        assert reply.seconds < 1
    await story.slack.until(gil.ephemeral)
    assert "How things stand" in gil.reads(gil.ephemeral()[0])


async def test_a_stranger_is_told_nothing_and_the_officer_hears_of_them(story: Story) -> None:
    zoe = story.slack.member("Zoe Zander", "zoe@example.com")
    (found,) = await answered(story, zoe, "/qa status")
    assert "Sorry, I don't know you yet" in found
    assert (await refusals(story))["stranger"] == 1
    await story.shows(await story.officer(), "Zoe Zander")
    await zoe.shortcut("my_audits")
    assert "Sorry, I don't know you yet" in zoe.reads(await modal(story, zoe, "Sorry"))
    assert await unread(story) == {}


async def test_somebodys_own_audits_are_a_shortcut_away(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    reply = await carol.shortcut("my_audits")
    assert reply.seconds < 1
    words = carol.reads(await modal(story, carol, "What waits for you"))
    assert CASE in words
    assert OTHER_CASE not in words
    assert await unread(story) == {}


async def test_a_shortcut_opens_in_time_though_the_database_is_busy(story: Story) -> None:
    carol = story.people["Carol"]
    with busy(story):
        await carol.shortcut("my_audits")
        await modal(story, carol, "One moment, please")
    await modal(story, carol, "What waits for you")
    assert await unread(story) == {}


async def many(story: Story, count: int) -> list[str]:
    """So many more audits of January, by their cases."""
    refs = [f"LONG-{number:04}" for number in range(count)]
    async with story.store.begin() as tx:
        cycle = await ensure_cycle(tx, JANUARY)
        for ref in refs:
            row = CaseRow(ref=ref, plan="CP", team="Red", service_area=AREA, holder_id=story.ids["Alice"], on_list=True)
            tx.session.add(row)
            await tx.session.flush()
            planned = await plan_allocation(tx, cycle, case_of(row), story.ids["Leo"], story.clock.now())
            audit = await tx.audit(planned.id)
            assert audit is not None
            await issue(tx, audit, story.clock.now())
        # Nobody needs to be told of them in this story.
        await tx.execute(update(OutboxRow).where(OutboxRow.state == "queued").values(state="superseded"))
    return refs


async def test_a_long_answer_comes_in_parts_and_none_of_it_is_left_out(story: Story) -> None:
    refs, gil = await many(story, 120), story.people["Gil"]
    await gil.commands("/qa cycle 2026-01")
    await story.slack.until(lambda: any("Part 2 of 2" in gil.reads(one) for one in gil.ephemeral()))
    said = "\n".join(gil.reads(one) for one in gil.ephemeral())
    assert [ref for ref in refs if ref not in said] == []


async def test_a_very_long_answer_goes_to_the_askers_own_chat(story: Story) -> None:
    refs, gil = await many(story, 420), story.people["Gil"]
    (found,) = await answered(story, gil, "/qa cycle 2026-01", channel=story.slack.channel("quality", [gil]))
    assert "I have answered you in our own chat" in found
    said = "\n".join(gil.sees())
    assert [ref for ref in refs if ref not in said] == []
