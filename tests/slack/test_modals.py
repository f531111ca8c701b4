"""Forms in modals: opened in time, wrong answers beside their inputs, and nothing that was typed lost."""

from time import monotonic

import pytest

from storage import sqlite
from tests.handlers.conftest import CASE, NHS_NUMBER, OTHER_CASE
from tests.slack.council import Story
from tests.slack.story import (
    SENT,
    at_modal,
    at_once,
    busy,
    drafts,
    entries,
    fills,
    graded,
    modal,
    refusals,
    taken_and_told,
    talked_and_told,
    unread,
)
from tests.slack.trouble import refuses

__all__ = ["at_once"]

SUGGESTED = {
    "Alice": ["Does Tue 6 Jan 2026 at 14:00 suit you?"],
    "Carol": [f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"],
}
"""What everybody is told once Carol has suggested a time."""
COMPLETED = {
    "Carol": [f"You completed the audit: {CASE}"] * 2,
    "Alice": [f"The audit is complete: {CASE}"],
    "Dan": [f"Please read the audit of {CASE}"],
    "Judy": [f"Good practice: {CASE}"],
}
"""What everybody is told once Carol has sent a good grade. Two of her messages were about it, and both have changed."""
WITH_ACTION = COMPLETED | {"Alice": [f"An action for {CASE}", f"The audit is complete: {CASE}"]}
"""The same, where Alice is to put something right."""


async def opened(story: Story) -> None:
    """Carol has the first step of the grade form open."""
    await talked_and_told(story)
    await story.people["Carol"].presses("Send the audit")
    await modal(story, story.people["Carol"], "Step 1 of 3")


async def test_a_form_is_opened_with_the_press_itself(story: Story) -> None:
    await taken_and_told(story)
    began = monotonic()
    reply = await story.people["Carol"].presses("Suggest this time")
    await modal(story, story.people["Carol"], "Suggested time")
    assert reply.seconds < 0.5
    assert monotonic() - began < 2
    assert len(story.slack.sent("views.open")) == 1
    assert not story.slack.sent("views.update")
    assert await unread(story) == {}


async def test_what_the_last_step_finds_wrong_leads_back_to_the_step_where_it_stands(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol, "Did a parent or carer give feedback?", **{"Did a parent or carer give feedback?": "reason"})
    await carol.chooses("Did a parent or carer give feedback?", "reason")
    await carol.submits()
    await carol.submits()
    assert carol.modal is not None
    await carol.types("What is to be put right?", "See the child alone.")
    before = await entries(story)
    await carol.submits()
    words = carol.reads(carol.modal)
    assert "Step 1 of 3" in words
    assert "Please give the reason in a few words." in words
    assert SENT["Why this grade?"] in words
    assert await entries(story) == before
    await carol.types("If it wasn't appropriate to ask a parent or carer: why?", "They are not to be told.")
    await carol.submits()
    await carol.submits()
    assert "See the child alone." in carol.reads(carol.modal)
    await carol.submits()
    assert at_modal(carol) is None
    assert await unread(story) == WITH_ACTION
    assert await drafts(story, "Carol") == []


async def test_a_step_with_answers_missing_stays_open_with_a_word_beside_each(story: Story) -> None:
    """Slack's own clients ask for them before they send the step; others don't."""
    await opened(story)
    carol = story.people["Carol"]
    await carol.chooses("Overall grade", "good")
    await carol.submits(forced=True)
    form = await modal(story, carol, "Step 1 of 3")
    assert set(form.errors.values()) == {"Please answer this one."}
    assert {name.rpartition("/")[2] for name in form.errors} == {
        "rationale",
        "safety",
        "feedback_child",
        "feedback_parent_carer",
    }
    await fills(carol)
    await carol.submits()
    await modal(story, carol, "Step 2 of 3")
    assert await unread(story) == {}


async def test_what_stands_in_a_form_already_need_not_be_sent_again(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    await carol.submits()
    await carol.presses("Back")
    await modal(story, carol, "Step 1 of 3")
    carol.sparing = True
    for step in ("Step 2 of 3", "Step 3 of 3"):
        await carol.submits()
        await modal(story, carol, step)
    await carol.submits()
    assert at_modal(carol) is None
    assert await unread(story) == COMPLETED


async def test_a_form_that_is_closed_in_the_middle_opens_again_as_it_was(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    await carol.submits()
    await carol.chooses("Planning", "good")
    await carol.types("What is to be put right?", "See the child alone.")
    await carol.closes()
    assert at_modal(carol) is None

    async def kept() -> bool:
        return any(one.get("action_1_what") == "See the child alone." for one in await drafts(story, "Carol"))

    await story.eventually(kept)
    await carol.presses("Send the audit")
    first = await modal(story, carol, "Step 1 of 3")
    assert SENT["Why this grade?"] in carol.reads(first)
    await carol.submits()
    assert "See the child alone." in carol.reads(await modal(story, carol, "Step 2 of 3"))
    await carol.submits()
    await carol.submits()
    assert at_modal(carol) is None
    assert await unread(story) == WITH_ACTION
    assert "See the child alone" in carol.sees()[-1]


async def test_what_somebody_emptied_does_not_come_back(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    for text in ("Wed 3.15pm", ""):
        await carol.types("Suggested time", text)
        await story.settled()
    await carol.closes()
    await carol.presses("Suggest this time")
    assert "Wed 3.15pm" not in carol.reads(await modal(story, carol, "Suggested time"))
    assert await unread(story) == {}


async def test_what_was_typed_on_one_step_is_there_when_somebody_goes_back_and_on(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    await carol.submits()
    await carol.types("What is to be put right?", "See the child alone.")
    await carol.presses("Back")
    assert SENT["Why this grade?"] in carol.reads(await modal(story, carol, "Step 1 of 3"))
    await carol.types("Why this grade?", "Another reason.")
    await carol.submits()
    assert "See the child alone." in carol.reads(await modal(story, carol, "Step 2 of 3"))
    await carol.submits()
    await carol.submits()
    assert await unread(story) == WITH_ACTION


async def test_nobody_else_gets_what_somebody_has_typed(story: Story) -> None:
    await taken_and_told(story)
    carol, leo = story.people["Carol"], story.people["Leo"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "at my house")
    await carol.closes()
    await leo.presses("I'll take it")
    await story.shows("Leo", "When could you talk about")
    await leo.presses("Suggest this time")
    assert "at my house" not in leo.reads(await modal(story, leo, "Suggested time"))
    assert await unread(story) == {
        "Leo": [f"You took this audit: {OTHER_CASE}", f"The audit of {OTHER_CASE}"],
        "Mia": ["An audit of your work with this child"],
    }


# ---- a database that is busy


async def test_a_form_is_opened_in_time_though_the_database_is_busy(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    with busy(story):
        reply = await carol.presses("Suggest this time")
        assert reply.status == 200
        assert reply.seconds < 1
        await modal(story, carol, "One moment, please")
    form = await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "Tues 2pm")
    await carol.submits()
    assert carol.modal is not form
    assert await unread(story) == SUGGESTED


async def test_a_form_that_is_sent_while_the_database_is_busy_is_kept_once_it_is_free(story: Story) -> None:
    await talked_and_told(story)
    await graded(story)
    carol = story.people["Carol"]
    with busy(story):
        reply = await carol.submits()
        assert reply.status == 200
        assert reply.seconds < 3
        assert "Still being kept" in carol.reads(await modal(story, carol, "Still being kept"))
    await modal(story, carol, "You completed the audit")
    assert await unread(story) == COMPLETED
    assert await drafts(story, "Carol") == []


async def test_a_wrong_answer_that_is_found_late_comes_back_with_all_that_was_typed(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "next blue moon")
    with busy(story):
        await carol.submits()
        await modal(story, carol, "Still being kept")
    form = await modal(story, carol, "Suggested time")
    assert "next blue moon" in carol.reads(form)
    assert "Error: " in carol.reads(form)
    assert await unread(story) == {}


async def test_a_form_that_was_closed_before_its_outcome_is_heard_of_in_the_chat(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "next blue moon")
    with busy(story):
        await carol.submits()
        await modal(story, carol, "Still being kept")
        await carol.closes()
    await story.shows("Carol", "Your form was not taken yet")
    await carol.presses("Suggest this time")
    assert "next blue moon" in carol.reads(await modal(story, carol, "Suggested time"))
    assert await unread(story) == {}


async def test_a_step_is_left_while_the_database_is_busy_and_the_next_one_comes(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    with busy(story):
        reply = await carol.submits()
        assert reply.seconds < 3
        await modal(story, carol, "Still being kept")
    await modal(story, carol, "Step 2 of 3")
    await carol.presses("Back")
    assert SENT["Why this grade?"] in carol.reads(await modal(story, carol, "Step 1 of 3"))
    assert await unread(story) == {}


async def test_a_press_that_slack_can_open_nothing_for_says_so(story: Story) -> None:
    await taken_and_told(story)
    story.slack.trouble.add(refuses("expired_trigger_id"), "views.open")
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await story.slack.until(lambda: any("could not be opened" in carol.reads(one) for one in carol.ephemeral()))
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    assert await unread(story) == {}


# ---- what looks like personal data


async def test_what_looks_personal_is_asked_about_on_its_own_step_and_never_kept(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol, "Why this grade?", **{"Why this grade?": f"Her number is {NHS_NUMBER}."})
    await carol.types("Why this grade?", f"Her number is {NHS_NUMBER}.")
    await carol.submits()
    words = carol.reads(await modal(story, carol, "Step 1 of"))
    assert "This looks like an NHS number" in words
    assert NHS_NUMBER not in words
    assert not any(NHS_NUMBER in value for one in await drafts(story, "Carol") for value in one.values())
    await carol.types("Why this grade?", "The plan is clear.")
    await carol.submits()
    await modal(story, carol, "Step 2 of")
    await carol.submits()
    await carol.submits()
    assert await unread(story) == COMPLETED


async def test_what_only_looks_personal_is_sent_as_it_is_once_its_writer_says_so(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    await carol.types("Why this grade?", "Last seen on 12/03/2025.")
    await carol.submits()
    await modal(story, carol, "This looks like a date of birth")
    await carol.types("Why this grade?", "Last seen on 12/03/2025.")
    await carol.chooses("If it was no personal information", "yes")
    await carol.submits()
    await modal(story, carol, "Step 2 of")
    await carol.presses("Back")
    assert "Last seen on 12/03/2025." in carol.reads(await modal(story, carol, "Step 1 of"))
    for _ in range(3):
        await carol.submits()
    assert at_modal(carol) is None
    assert await unread(story) == COMPLETED
    assert "Last seen on 12/03/2025." in story.people["Dan"].sees()[-1]


async def test_a_form_that_is_closed_keeps_nothing_that_looks_personal(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await carol.types("Why this grade?", f"Her number is {NHS_NUMBER}.")
    await carol.closes()

    async def kept() -> bool:
        return bool(await drafts(story, "Carol"))

    await story.eventually(kept)
    assert await unread(story) == {}
    assert not any(NHS_NUMBER in value for one in await drafts(story, "Carol") for value in one.values())


# ---- forms that others have answered, and questions that a form leads to


async def test_a_form_that_somebody_else_answered_meanwhile_says_so(story: Story) -> None:
    await talked_and_told(story)
    await graded(story, **{"Overall grade": "inadequate"})
    carol, alice, dan = (story.people[name] for name in ("Carol", "Alice", "Dan"))
    await carol.types("What is to be put right?", "See the child alone.")
    await carol.submits()
    for name in ("Alice", "Dan"):
        message = await story.shows(name, f"An action for {CASE}")
        await story.people[name].presses("It is done", message)
        await modal(story, story.people[name], "What was done?")
    await alice.submits()
    await dan.types("What was done?", "Seen on Monday.")
    before = await entries(story)
    await dan.submits()
    assert "already" in dan.reads(await modal(story, dan, "Alice Avocet"))
    assert await entries(story) == before
    assert await unread(story) == {
        "Carol": [f"You completed the audit: {CASE}"] * 2,
        "Gil": [f"Please moderate the audit of {CASE}"],
        "Alice": [f"You reported this done: {CASE}", f"The audit is complete: {CASE}"],
        "Dan": [
            f"Alice Avocet reported this done: {CASE}",
            f"Please read the audit of {CASE}",
            f"Please sign off an action for {CASE}",
        ],
    }


async def test_two_readings_of_a_time_are_asked_back_in_the_modal(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    await carol.types("Suggested time", "Tues")
    await carol.submits()
    words = carol.reads(await modal(story, carol, "at what time?"))
    assert "Tue 6 Jan 2026 at 14:00" in words
    control = next(block for block in (carol.modal.blocks if carol.modal else []) if block["type"] == "input")
    await carol.chooses(control["element"]["action_id"], "Tue 6 Jan 2026 at 14:00")
    await carol.submits()
    assert at_modal(carol) is None
    assert await unread(story) == SUGGESTED


async def test_a_safety_concern_in_a_form_with_errors_alerts_at_once_and_says_so_above_it(story: Story) -> None:
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    await carol.chooses("Is there an immediate", "yes")
    await carol.types("If yes: what should they know?", "The child was left alone.")
    await carol.chooses("Did a parent or carer give feedback?", "reason")
    await carol.submits()
    await carol.submits()
    await carol.submits()
    words = carol.reads(await modal(story, carol, "Step 1 of 3"))
    assert "have been alerted now." in words
    await story.shows("Bob", "The child was left alone.")
    assert await unread(story) == {name: [f"⚠ Safety alert: {CASE}"] for name in ("Dan", "Erin", "Frank")}


async def test_a_form_works_in_a_workspace_where_a_value_is_changed_on_its_way(story: Story) -> None:
    """An option that was never offered comes back beside its input; nothing is recorded, and it is counted."""
    carol = story.people["Carol"]
    await carol.presses("I can't do this one")
    form = await modal(story, carol, "If you can't take it, why?")
    option = {"text": {"type": "plain_text", "text": "Because"}, "value": "whim"}
    form.typed["input/reason", "reason"] = option
    before = await entries(story)
    await carol.submits(forced=True)
    assert carol.modal is form
    assert list(form.errors) == ["input/reason"]
    assert form.errors["input/reason"] in carol.reads(form)
    assert await entries(story) == before
    assert (await refusals(story))["value"] == 1
    assert await unread(story) == {}


async def test_what_was_typed_is_there_again_though_the_client_died(story: Story) -> None:
    """Slack tells of each input while it is filled in, and of a client that dies it tells nothing."""
    await opened(story)
    carol = story.people["Carol"]
    await fills(carol)
    await carol.types("Why this grade?", "The plan is clear and was kept to.")
    carol.modals.clear()

    async def kept() -> bool:
        return any("was kept to" in one.get("rationale", "") for one in await drafts(story, "Carol"))

    await story.eventually(kept)
    await carol.presses("Send the audit")
    assert "The plan is clear and was kept to." in carol.reads(await modal(story, carol, "Step 1 of 3"))
    assert await unread(story) == {}


async def test_a_form_that_cannot_be_kept_at_all_stands_there_with_all_that_was_typed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talked_and_told(story)
    await graded(story)
    carol = story.people["Carol"]
    await carol.types("What is to be put right?", "See the child alone.")
    monkeypatch.setattr(sqlite, "PATIENCE", 0.2)
    with busy(story):
        await carol.submits()
        words = carol.reads(await modal(story, carol, "This could not be kept just now."))
    assert "See the child alone." in words
    monkeypatch.undo()
    await carol.submits()
    assert at_modal(carol) is None
    assert await unread(story) == WITH_ACTION


async def test_a_form_that_cannot_be_opened_at_all_says_so(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await story.kept(await story.shows("Carol", "When could you talk about"))
    monkeypatch.setattr(sqlite, "PATIENCE", 0.2)
    with busy(story):
        await carol.presses("Suggest this time")
        await modal(story, carol, "Something went wrong here")
    monkeypatch.undo()
    await carol.closes()
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    assert await unread(story) == {}
