"""A month in Slack, over HTTP and over a websocket alike: asked, answered, changed in place, and nobody told twice."""

from collections.abc import AsyncIterator

import pytest

from tests.handlers.conftest import CASE, OTHER_CASE
from tests.slack.council import Opens, Story
from tests.slack.story import asked, at_modal, at_once, booked, entries, graded, modal, taken, talked, unread

__all__ = ["at_once"]


@pytest.fixture(params=[False, True], ids=["http", "sockets"])
async def month(opens: Opens, request: pytest.FixtureRequest) -> AsyncIterator[Story]:
    """January's list has gone out. The story ends by failing on any message that nobody looked at."""
    async with opens(over_sockets=request.param) as story:
        await story.slack.until(lambda: story.slack.sockets.open or not request.param)
        await story.everyone_told()
        story.slack.look()
        yield story
        await story.settled()
        story.slack.check()


async def test_a_months_card_arrives_is_taken_and_changes_in_place(month: Story) -> None:
    asked = await month.shows("Carol", "Can you take it?")
    reply = await month.people["Carol"].presses("I'll take it", asked)
    assert reply.status == 200
    assert reply.seconds < 1
    await month.slack.until(lambda: asked.history == ["sent", "updated"])
    assert f"You took this audit: {CASE}" in month.people["Carol"].reads(asked)
    book = await month.shows("Carol", f"When could you talk about {CASE}?")
    assert book.thread_ts == asked.ts
    assert await unread(month) == {
        "Alice": ["An audit of your work with this child"],
        "Carol": [f"The audit of {CASE}"],
    }


async def test_an_audit_is_handed_back_with_its_reason_in_a_modal(month: Story) -> None:
    carol = month.people["Carol"]
    asked = await month.shows("Carol", "Can you take it?")
    await carol.presses("I can't do this one", asked)
    await modal(month, carol, "If you can't take it, why?")
    await carol.chooses("If you can't take it, why?", "I am on leave this month")
    await carol.submits()
    assert at_modal(carol) is None
    await month.slack.until(lambda: asked.history == ["sent", "updated"])
    assert f"Thank you for saying so: {CASE}" in carol.reads(asked)
    gil = await month.officer()
    await month.shows(gil, f"Please find another auditor for {CASE}")
    assert "I am on leave this month" in "\n".join(month.people[gil].sees())
    assert await unread(month) == {"Carol": [f"Someone else has this audit now: {CASE}"]}


async def test_a_time_is_suggested_in_a_few_words_and_agreed_with_one_press(month: Story) -> None:
    await booked(month)
    for name in ("Carol", "Alice"):
        await month.shows(name, f"audit-{CASE}.ics")
    asked = await month.shows("Alice", "You agreed the time")
    assert asked.history[-1] == "updated"
    agreed = f"Alice Avocet agreed the time: {CASE}"
    assert await unread(month) == {
        "Alice": ["An audit of your work with this child", "Add to your calendar: "],
        "Carol": [f"The audit of {CASE}", agreed, "Hello Carol, this is auditloop", agreed, "Add to your calendar: "],
    }


async def test_a_time_is_suggested_in_a_modal_and_what_is_no_time_stays_with_its_error(month: Story) -> None:
    await taken(month)
    carol = month.people["Carol"]
    await carol.presses("Suggest this time")
    form = await modal(month, carol, "Suggested time")
    await carol.types("Suggested time", "next blue moon")
    await carol.submits()
    assert carol.modal is form
    assert list(form.errors) == ["input/when"]
    await carol.types("Suggested time", "Tues 2pm")
    await carol.submits()
    assert at_modal(carol) is None
    await month.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    await month.shows("Carol", f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}")
    assert await unread(month) == {
        "Alice": ["An audit of your work with this child"],
        "Carol": [f"The audit of {CASE}"],
    }


async def test_the_grade_form_goes_in_steps_and_what_it_leads_to_reaches_everyone(month: Story) -> None:
    await talked(month)
    form = await month.shows("Carol", "Your grade for")
    await graded(month)
    carol = month.people["Carol"]
    await carol.types("What is to be put right?", "See the child alone this week.")
    await carol.submits()
    assert at_modal(carol) is None
    await month.slack.until(lambda: "You completed the audit" in carol.reads(form))
    await month.settled()
    month.slack.look()
    await month.until("2026-01-06T10:00")
    await month.shows("Alice", "See the child alone this week.")
    assert await unread(month) == {}


async def test_a_safety_concern_reaches_the_managers_and_each_says_that_they_have_it(month: Story) -> None:
    carol = month.people["Carol"]
    await carol.shortcut("safety_concern")
    await modal(month, carol, "Raise a safety concern")
    await carol.chooses("About which case?", f"{CASE}: you audit it")
    await carol.types("What should they know?", "The child was left alone.")
    await carol.submits()
    assert "have been alerted" in carol.reads(await modal(month, carol, "have been alerted"))
    alert = await month.shows("Bob", "The child was left alone.")
    assert alert.thread_ts is None
    others = ("Frank", "Erin", "Dan")
    for name in others:
        await month.shows(name, "The child was left alone.")
    month.slack.look()
    await month.people["Bob"].presses("I have this", alert)
    await month.slack.until(lambda: "You have the alert" in month.people["Bob"].reads(alert))
    before = len(month.people["Bob"].messages())
    await month.until("2026-01-05T09:20")
    assert len(month.people["Bob"].messages()) == before
    title = f"⚠ Safety alert: {CASE}"
    # The others' first alert now says that Bob has it, and they are asked once more.
    assert await unread(month) == {"Kim": [title]} | {name: [title, title] for name in others}


async def test_an_inadequate_is_moderated_and_its_action_confirmed_and_signed_off(month: Story) -> None:
    await talked(month)
    await graded(month, **{"Overall grade": "inadequate"})
    carol, alice, gil = (month.people[name] for name in ("Carol", "Alice", "Gil"))
    await carol.types("What is to be put right?", "See the child alone this week.")
    await carol.submits()
    await month.shows("Carol", "Next, Gil Goldcrest checks the grade")

    moderate = await month.shows("Gil", f"Please moderate the audit of {CASE}")
    await gil.presses("Confirm this grade", moderate)
    await modal(month, gil, "Please moderate the audit")
    await gil.types("Why?", "I agree.")
    await gil.submits()
    assert at_modal(gil) is None
    await month.slack.until(lambda: moderate.history[-1] == "updated")
    assert "Confirm this grade" not in gil.reads(moderate)

    confirm = await month.shows("Alice", f"An action for {CASE}")
    await alice.presses("It is done", confirm)
    await modal(month, alice, "What was done?")
    await alice.types("What was done?", "Seen on Monday.")
    await alice.submits()
    await month.slack.until(lambda: "It is done" not in alice.reads(confirm))

    name = await asked(month, "Sign it off")
    waiting = await month.shows(name, f"Please sign off an action for {CASE}")
    await month.people[name].presses("Sign it off", waiting)
    await month.slack.until(lambda: waiting.history[-1] == "updated")
    assert "Sign it off" not in month.people[name].reads(waiting)
    assert await unread(month) == {
        "Erin": [f"Urgent review of {CASE}: first update"],
        "Dan": [
            f"An action for {CASE}",
            f"Please read the audit of {CASE}",
            f"Urgent review of {CASE}: first update",
            f"Urgent review of {CASE}: further update",
        ],
        "Alice": ["An audit of your work with this child", f"The audit is complete: {CASE}"],
        "Carol": [
            f"You completed the audit: {CASE}",
            f"You said that the discussion was held: {CASE}",
            "The audit has been moderated",
        ],
        "Gil": [f"{CASE} will be audited again"],
    }


async def test_what_is_late_goes_to_somebody_who_says_that_they_have_it(month: Story) -> None:
    before = await entries(month)
    await month.until("2026-01-23T09:30")
    reminder = await month.shows("Carol", "Your answer was due on Thu 8 Jan 2026")
    assert reminder.thread_ts == next(one.ts for one in month.people["Carol"].messages() if one.thread_ts is None)
    late = await month.shows("Gil", "2 steps waiting for help")
    assert all(ref in month.people["Gil"].reads(late) for ref in (CASE, OTHER_CASE))
    await month.people["Gil"].presses(f"I have this: {CASE}", late)
    await month.slack.until(lambda: late.history[-1] == "updated")
    assert f"(with Carol Crane; taken up by Gil Goldcrest); Case: {CASE}" in month.people["Gil"].reads(late)
    assert f"I have this: {OTHER_CASE}" in month.people["Gil"].reads(late)
    assert await entries(month) > before
    assert await unread(month) == {
        "Carol": [f"Your audit for January 2026: {CASE}", f"The audit of {CASE}", f"The audit of {CASE}"],
        "Leo": [*[f"Your audit for January 2026: {OTHER_CASE}"] * 2, *[f"The audit of {OTHER_CASE}"] * 2],
        "Gil": [f"Thank you. You have this: {CASE}"],
    }
