"""App Home: a person's own audits, actions and what is next; for an officer the month; made anew after each answer."""

from tests.handlers.conftest import CASE, OTHER_CASE
from tests.slack.council import Story
from tests.slack.people import Member
from tests.slack.story import at_once, busy, entries, modal, refusals, taken_and_told, talked_and_told, unread
from tests.slack.trouble import refuses

__all__ = ["at_once"]


async def home(story: Story, person: Member, words: str) -> str:
    """What somebody's own page says, once it says this."""
    await story.slack.until(lambda: person.home is not None and words in person.reads(person.home))
    assert person.home is not None
    return person.reads(person.home)


async def test_everyone_sees_what_is_theirs_and_nothing_of_others(story: Story) -> None:
    carol = story.people["Carol"]
    reply = await carol.opens_home()
    assert reply.status == 200
    words = await home(story, carol, CASE)
    assert "Can you take it?" in words
    assert OTHER_CASE not in words
    assert "How things stand" not in words
    assert await unread(story) == {}


async def test_an_officer_sees_the_month(story: Story) -> None:
    gil = story.people["Gil"]
    await gil.opens_home()
    assert "Audits of January 2026" in await home(story, gil, "How things stand")
    assert await unread(story) == {}


async def test_a_press_there_is_answered_in_a_modal_and_the_page_is_made_anew(story: Story) -> None:
    carol = story.people["Carol"]
    asked = await story.shows("Carol", "Can you take it?")
    await carol.opens_home()
    await home(story, carol, "Can you take it?")
    assert carol.home is not None
    await carol.presses("I'll take it", carol.home)
    await modal(story, carol, "You took this audit")
    await carol.closes()
    await home(story, carol, "When could you talk about")
    await story.slack.until(lambda: "You took this audit" in carol.reads(asked))
    assert await unread(story) == {
        "Alice": ["An audit of your work with this child"],
        "Carol": [f"The audit of {CASE}", f"When could you talk about {CASE}?"],
    }


async def test_a_form_there_is_sent_and_its_outcome_said(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.opens_home()
    await home(story, carol, "When could you talk about")
    assert carol.home is not None
    await carol.presses("Suggest this time", carol.home)
    await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "Tues 2pm")
    await carol.submits()
    await modal(story, carol, "You suggested Tue 6 Jan 2026 at 14:00")
    await home(story, carol, "You suggested Tue 6 Jan 2026 at 14:00")
    assert await unread(story) == {
        "Alice": ["Does Tue 6 Jan 2026 at 14:00 suit you?"],
        "Carol": [f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"],
    }


async def test_a_press_there_counts_though_the_client_says_nothing_of_the_page(story: Story) -> None:
    carol = story.people["Carol"]
    carol.sparing = True
    await carol.opens_home()
    await home(story, carol, "Can you take it?")
    assert carol.home is not None
    await carol.presses("I'll take it", carol.home)
    await modal(story, carol, "You took this audit")
    await carol.closes()
    await home(story, carol, "When could you talk about")
    await carol.presses("Suggest this time", carol.home)
    await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "Tues 2pm")
    await carol.submits()
    await modal(story, carol, "You suggested Tue 6 Jan 2026 at 14:00")
    await home(story, carol, "You suggested Tue 6 Jan 2026 at 14:00")
    assert (await unread(story))["Alice"] == [
        "An audit of your work with this child",
        "Does Tue 6 Jan 2026 at 14:00 suit you?",
    ]


async def test_the_grade_form_can_be_filled_in_from_there(story: Story) -> None:
    await talked_and_told(story)
    carol = story.people["Carol"]
    await carol.opens_home()
    await home(story, carol, "Your grade for")
    assert carol.home is not None
    await carol.presses("Send the audit", carol.home)
    await modal(story, carol, "Step 1 of 3")
    assert await unread(story) == {}


async def test_a_form_that_cannot_be_opened_from_there_is_heard_of_in_the_chat(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.opens_home()
    await home(story, carol, "When could you talk about")
    story.slack.trouble.add(refuses("expired_trigger_id"), "views.open")
    assert carol.home is not None
    await carol.presses("Suggest this time", carol.home)
    await story.shows("Carol", "The form could not be opened")
    assert await unread(story) == {}


async def test_a_press_there_is_acknowledged_though_the_database_is_busy(story: Story) -> None:
    carol = story.people["Carol"]
    await carol.opens_home()
    await home(story, carol, "Can you take it?")
    with busy(story):
        assert carol.home is not None
        reply = await carol.presses("I'll take it", carol.home)
        assert reply.status == 200
        assert reply.seconds < 1
        await modal(story, carol, "One moment, please")
    await modal(story, carol, "You took this audit")
    await home(story, carol, "When could you talk about")
    assert await unread(story) == {
        "Alice": ["An audit of your work with this child"],
        "Carol": [f"You took this audit: {CASE}", f"The audit of {CASE}", f"When could you talk about {CASE}?"],
    }


async def test_a_press_on_an_old_page_is_told_what_became_of_it(story: Story) -> None:
    carol = story.people["Carol"]
    await carol.opens_home()
    await home(story, carol, "Can you take it?")
    await taken_and_told(story)
    before = await entries(story)
    assert carol.home is not None
    await carol.presses("I'll take it", carol.home)
    await modal(story, carol, "This is already done")
    assert await entries(story) == before
    await home(story, carol, "When could you talk about")
    assert await unread(story) == {}


async def test_a_stranger_is_told_so_on_their_page_and_sees_nothing(story: Story) -> None:
    zoe = story.slack.member("Zoe Zander", "zoe@example.com")
    await zoe.opens_home()
    words = await home(story, zoe, "Sorry, I don't know you yet")
    assert CASE not in words
    assert (await refusals(story))["stranger"] == 1
    await story.shows(await story.officer(), "Zoe Zander")
    assert await unread(story) == {}


async def test_whoever_opens_the_chat_for_the_first_time_is_welcomed_once(story: Story) -> None:
    mia = story.people["Mia"]
    await mia.opens_home("messages")
    await story.shows("Mia", "Hello Mia, this is auditloop")
    await mia.opens_home("messages")
    await mia.opens_home()
    await home(story, mia, "for you")
    assert await unread(story) == {}
