"""Where Slack stumbles, comes late or says less than usual: nothing is lost, and nobody is taken for somebody else."""

import copy
import json
from collections import Counter
from datetime import timedelta
from time import monotonic

import pytest

from bot.answering import Answering
from bot.slack import pictured
from bot.slack.pressing import Pressing
from cards.card import Card
from tests.handlers.conftest import CASE
from tests.slack import trouble as wrong
from tests.slack.access import LEAST_SCOPES
from tests.slack.council import Opens, Story, parcel
from tests.slack.outward import Kind, Reply
from tests.slack.story import at_once, busy, drafts, fills, modal, refusals, taken_and_told, talked_and_told, unread
from tests.slack.workspace import Json

__all__ = ["at_once"]


# ---- forms


async def test_what_is_told_late_of_a_step_does_not_take_the_place_of_what_was_sent(story: Story) -> None:
    await talked_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Send the audit")
    await modal(story, carol, "Step 1 of 3")
    await fills(carol)
    typed = await carol.types("Why this grade?", "Half a sente")
    assert typed is not None
    late = copy.deepcopy(typed.payload) | {"trigger_id": "1.2.3"}
    late["actions"][0]["action_ts"] = "1.5"
    await carol.types("Why this grade?", "Half a sentence, and the rest.")
    await story.settled()
    await carol.submits()
    await modal(story, carol, "Step 2 of 3")
    assert (await story.slack.out.tell("interactive", late)).status == 200
    await story.settled()
    assert [one["rationale"] for one in await drafts(story, "Carol")] == ["Half a sentence, and the rest."]
    await carol.closes()


async def test_what_is_told_late_of_a_form_that_was_taken_is_not_kept(story: Story) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    typed = await carol.types("Suggested time", "Tues 2pm")
    assert typed is not None
    late = copy.deepcopy(typed.payload) | {"trigger_id": "1.2.3"}
    late["actions"][0]["action_ts"] = "1.5"
    await carol.submits()
    await story.slack.out.tell("interactive", late)
    await unread(story)
    assert await drafts(story, "Carol") == []


@pytest.mark.parametrize(
    "mishap", [wrong.throttles(1), wrong.UNAVAILABLE, wrong.INTERNAL, wrong.refuses("rate_limited")]
)
async def test_a_form_that_is_on_its_way_comes_though_slack_stumbles_once(story: Story, mishap: wrong.Mishap) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    story.slack.trouble.add(mishap, "views.update")
    with busy(story):
        await carol.presses("Suggest this time")
        await modal(story, carol, "your form is on its way")
    await modal(story, carol, "Suggested time")
    assert await unread(story) == {}


# ---- answers


@pytest.mark.parametrize("mishap", [wrong.throttles(1), wrong.UNAVAILABLE])
async def test_a_command_and_a_home_tab_are_answered_though_slack_stumbles_once(
    story: Story, mishap: wrong.Mishap
) -> None:
    gil = story.people["Gil"]
    story.slack.trouble.add(mishap, "response_url")
    await gil.commands("/qa overdue")
    await story.slack.until(gil.ephemeral)
    story.slack.trouble.add(mishap, "views.publish")
    await gil.opens_home()
    await story.slack.until(lambda: gil.home)
    assert gil.home is not None
    assert gil.reads(gil.home)
    assert gil.reads(gil.ephemeral()[0])
    assert await unread(story) == {}


async def test_what_was_pressed_changes_though_the_program_ended_just_then(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what is kept of the press and what is shown of it, nothing more is done."""
    carol = story.people["Carol"]
    asked = await story.shows("Carol", "Can you take it?")

    async def ended(*_: object) -> None:
        return None

    with monkeypatch.context() as then:
        then.setattr(Pressing, "follow", ended)
        await carol.presses("I'll take it", asked)
        await story.settled()
    assert "Can you take it?" in carol.reads(asked)
    await story.later(timedelta(minutes=5))
    await story.program.beat()
    assert "You took this audit" in carol.reads(asked)
    await unread(story)


# ---- delivery


async def test_a_message_that_slack_calls_too_many_is_sent_later(story: Story) -> None:
    story.slack.trouble.add(wrong.refuses("rate_limited"), "chat.postMessage", person="Carol Crane")
    await story.set_back()
    await story.program.beat()
    assert "failed" not in await story.states("Carol")
    await story.later(timedelta(minutes=2))
    assert await story.states("Carol") == {"sent"}
    await unread(story)


@pytest.mark.parametrize("code", ["cannot_reply_to_message", "invalid_thread_ts", "restricted_action_thread_locked"])
async def test_a_thread_that_takes_no_replies_is_done_without(story: Story, code: str) -> None:
    await taken_and_told(story)
    order = story.slack.trouble.add(
        wrong.refuses(code), "chat.postMessage", when=lambda call: bool(call.arguments.get("thread_ts")), times=None
    )
    place = await story.door.deliver(await story.person("Carol"), parcel(Card(title="Hello"), audit_id=1))
    order.stop()
    assert place.thread == ""
    assert await unread(story) == {"Carol": ["Hello"]}


async def test_a_new_account_is_never_written_to_in_a_thread_of_the_old_one(story: Story) -> None:
    await taken_and_told(story)
    old = story.people["Carol"]
    new = story.slack.member("Carol C Crane", "new@example.org")
    old.deleted, new.email = True, old.email
    await story.slack.events.changed(old)
    await story.slack.events.joined(new)
    await story.settled()
    await story.door.deliver(await story.person("Carol"), parcel(Card(title="Hello"), audit_id=1))
    posted = [one for one in story.slack.sent("chat.postMessage") if one.person == new.name]
    assert posted
    assert not [one for one in posted if one.arguments.get("thread_ts")]
    new.sees()
    await unread(story)


async def test_without_the_scope_for_addresses_messages_wait_for_it(opens: Opens) -> None:
    async with opens(scopes=LEAST_SCOPES - {"users:read.email"}) as story:
        await story.everyone_told()
        for _ in range(3):
            await story.later(timedelta(minutes=2))
        assert Counter(row.state for row in await story.rows())["failed"] == 0
        story.slack.faults.clear()


async def test_an_alert_does_not_wait_for_a_large_directory(story: Story) -> None:
    for number in range(900):
        story.slack.member(f"Person {number}")
    people = [await story.person(name) for name in story.people]
    for person in people[:12]:
        await story.door.deliver(person, parcel(Card(title="Before")))
    await story.later(timedelta(hours=2))
    order = story.slack.trouble.add(wrong.slow(4), "users.list", times=None)
    start = monotonic()
    for person in people[:12]:
        await story.door.deliver(person, parcel(Card(title="After"), urgent=True))
    took = monotonic() - start
    order.stop()
    assert took < 4
    await unread(story)


# ---- who is speaking


def at_home_elsewhere(story: Story, name: str) -> None:
    """Somebody of an Enterprise organisation, who is a member here and at home in another of its workspaces."""
    person = story.people[name]
    profile = person.profile
    home = {"team_id": "T0HOME", "enterprise_user": {"id": person.id, "teams": ["T0HOME", person.team_id]}}
    person.__dict__["profile"] = lambda **about: profile(**about) | home


async def test_who_is_at_home_in_another_workspace_of_the_organisation_is_known(opens: Opens) -> None:
    async with opens() as story:
        at_home_elsewhere(story, "Leo")
        await story.people["Leo"].says("mine")
        await story.shows("Leo", "What waits for you")
        assert (await refusals(story)) == {}
        await unread(story)


async def test_the_workspace_of_a_press_counts_and_not_the_home_of_who_pressed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = story.people["Carol"]
    asked = await story.shows("Carol", "Can you take it?")
    real = story.slack.told

    async def told(kind: Kind, payload: Json) -> Reply:
        payload["user"]["team_id"] = "T0HOME"
        return await real(kind, payload)

    monkeypatch.setattr(story.slack, "told", told)
    await carol.presses("I'll take it", asked)
    await story.shows("Carol", "You took this audit")
    await unread(story)


async def test_who_has_left_sees_nothing_any_more_on_the_home_tab(story: Story) -> None:
    carol = story.people["Carol"]
    await carol.opens_home()
    await story.slack.until(lambda: carol.home)
    assert carol.home is not None
    assert CASE in carol.reads(carol.home)
    await story.leaves("Carol")
    await carol.opens_home()
    await story.settled()
    assert CASE not in carol.reads(carol.home)
    await unread(story)


# ---- what Slack sends besides


async def test_that_slack_holds_events_back_is_acknowledged(story: Story) -> None:
    workspace = story.slack.workspace
    held = {"type": "app_rate_limited", "team_id": workspace.team_id, "api_app_id": workspace.app_id}
    assert (await story.slack.out.tell("events_api", held | {"minute_rate_limited": 1518467820})).status == 200
    assert await refusals(story) == {}


@pytest.mark.parametrize("blocks", ["x", [None], [{"type": "input"}], [{"type": "input", "element": {}}]])
async def test_a_form_without_its_inputs_is_refused(story: Story, blocks: object) -> None:
    await taken_and_told(story)
    carol = story.people["Carol"]
    await carol.presses("Suggest this time")
    await modal(story, carol, "Suggested time")
    sent = json.loads(json.dumps((await carol.submits(forced=True)).payload))
    sent["view"]["blocks"] = blocks
    sent["trigger_id"] = "1.2.3"
    assert (await story.slack.out.tell("interactive", sent)).status == 400
    await carol.closes()
    await unread(story)


async def test_a_chart_that_slack_takes_in_a_moment_later_is_shown(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictured, "TAKES_IN", (0.0, 0.0))
    gil = story.people["Gil"]
    gone = wrong.refuses("not_found", status=404)
    for method, mishap in (("chat.postMessage", wrong.refuses("invalid_blocks")), ("response_url", gone)):
        with_picture = story.slack.trouble.add(
            mishap, method, when=lambda call: "slack_file" in json.dumps(call.arguments)
        )
        await (gil.says("status") if method == "chat.postMessage" else gil.commands("/qa status"))
        await story.settled()
        with_picture.stop()
    for messages in (gil.messages(), gil.ephemeral()):
        assert any(block["type"] == "image" for one in messages for block in one.blocks)
    assert len(gil.ephemeral()) == 1
    gil.reads(gil.ephemeral()[0])
    await unread(story)


async def test_what_cannot_be_answered_is_said_to_whoever_did_it(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    carol = story.people["Carol"]
    asked = await story.shows("Carol", "Can you take it?")
    await carol.says("help")
    await unread(story)

    async def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as then:
        for name in ("say", "press", "reply"):
            then.setattr(Answering, name, broken)
        await carol.says("mine")
        await carol.presses("I'll take it", asked)
        await carol.commands("/qa mine")
        await story.slack.until(lambda: len(carol.ephemeral()) == 2)
    assert await unread(story) == {"Carol": ["Something went wrong here"]}
    assert [carol.reads(one).partition("\n")[0] for one in carol.ephemeral()] == ["Something went wrong here"] * 2
