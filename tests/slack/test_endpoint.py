"""What arrives at /slack/events: proved before it is read, and whatever isn't Slack's is refused, counted and changes
nothing."""

import json
from typing import Any
from urllib.parse import urlencode

from tests.slack.council import Opens, Story
from tests.slack.server import SIGNING_SECRET
from tests.slack.signing import FORM, JSON, event, interaction, signed
from tests.slack.story import at_once, entries, refusals, taken_and_told, unread

__all__ = ["at_once"]

TOLD = {"type": "event_callback"}


def stamp(story: Story) -> int:
    return int(story.clock.now().timestamp())


async def posted(story: Story, body: str | bytes, content_type: str = JSON, **headers: str) -> int:
    """The status of a rightly signed request, with headers of its own in the place of the right ones."""
    right = signed(SIGNING_SECRET, stamp(story), body) | {"Content-Type": content_type}
    status, _ = await story.slack.out.post(body, right | {name.replace("_", "-"): one for name, one in headers.items()})
    assert status is not None
    return status


def typed(story: Story, text: str, **otherwise: Any) -> str:
    """Carol's words as Slack tells of them."""
    carol = story.people["Carol"]
    told = {
        "type": "message",
        "channel_type": "im",
        "user": carol.id,
        "text": text,
        "channel": carol.dm.id,
        "ts": "1.0",
    }
    return event(story.slack.events.wrapped(told) | otherwise).body


async def test_the_address_is_proved_to_slack_with_its_own_challenge(story: Story) -> None:
    reply = await story.slack.events.url_verification("a challenge")
    assert reply.status == 200
    assert reply.body == {"challenge": "a challenge"}


UNSIGNED = (
    {"X_Slack_Signature": "v0=" + "0" * 64},
    {"X_Slack_Signature": ""},
    {"X_Slack_Signature": "v0=\xe9"},
    {"X_Slack_Request_Timestamp": ""},
    {"X_Slack_Request_Timestamp": "abc"},
    {"X_Slack_Request_Timestamp": "-1"},
    {"X_Slack_Request_Timestamp": "9" * 40},
)


async def test_a_request_without_slacks_signature_is_refused(story: Story) -> None:
    before = await entries(story)
    for number, headers in enumerate(UNSIGNED, start=1):
        assert await posted(story, typed(story, "Tues 2pm"), **headers) == 401, headers
        assert await entries(story) == before, headers
        assert (await refusals(story))["signature"] == number, headers


async def test_a_signature_of_another_time_is_refused_by_auditloops_own_clock(story: Story) -> None:
    body = typed(story, "Tues 2pm")
    for number, late in enumerate((-301, 301), start=1):
        headers = signed(SIGNING_SECRET, stamp(story) + late, body) | {"Content-Type": JSON}
        status, _ = await story.slack.out.post(body, headers)
        assert status == 401, late
        assert (await refusals(story))["signature"] == number, late


async def test_a_body_that_was_altered_after_it_was_signed_is_refused(story: Story) -> None:
    body = typed(story, "Tues 2pm")
    headers = signed(SIGNING_SECRET, stamp(story), body) | {"Content-Type": JSON}
    status, _ = await story.slack.out.post(body.replace("2pm", "3pm"), headers)
    assert status == 401


async def test_a_body_that_is_no_text_is_refused_though_it_was_signed(story: Story) -> None:
    assert await posted(story, b"\xff\xfe") == 401


async def test_a_request_that_is_sent_again_has_no_effect_a_second_time(story: Story) -> None:
    await taken_and_told(story)
    body = interaction(story.slack.out.replies[-1].payload).body
    before = await entries(story)
    assert await posted(story, body, FORM) == 200
    assert await posted(story, body, FORM) == 200
    assert (await refusals(story))["replay"] == 2
    assert await entries(story) == before
    assert await unread(story) == {}
    assert not any(story.people["Carol"].ephemeral())


FORMED_OTHERWISE = (
    (b"", JSON),
    (b"{", JSON),
    (b"[]", JSON),
    (b'"text"', JSON),
    (b"{}", "text/plain"),
    (b"payload=%7B", FORM),
    (b"payload=[]", FORM),
    (b"payload=%22x%22", FORM),
    (b"nothing", FORM),
    (b"a=b", FORM),
    (b"ssl_check=1&token=x", FORM),
    (b"[" * 20_000, JSON),
)


async def test_what_is_formed_as_slack_forms_nothing_is_refused(story: Story) -> None:
    for number, (body, content_type) in enumerate(FORMED_OTHERWISE, start=1):
        assert await posted(story, body, content_type) == 400, body[:30]
        assert (await refusals(story))["unreadable"] == number, body[:30]


async def test_a_request_of_more_than_slack_ever_sends_is_refused(story: Story) -> None:
    assert await posted(story, typed(story, "x" * 600_000)) == 413
    assert (await refusals(story))["size"] == 1


async def test_another_workspace_and_another_app_get_nothing(story: Story) -> None:
    before = await entries(story)
    assert await posted(story, typed(story, "Tues 2pm", team_id="T0ELSEWHERE")) == 403
    assert await posted(story, typed(story, "Tues 2pm", api_app_id="A0ELSEWHERE")) == 403
    assert await posted(story, typed(story, "Tues 2pm", api_app_id=None)) == 403
    found = await refusals(story)
    assert (found["workspace"], found["app"]) == (1, 2)
    assert await entries(story) == before


async def test_over_a_websocket_what_is_for_others_is_acknowledged_and_has_no_effect(opens: Opens) -> None:
    async with opens(over_sockets=True) as story:
        await story.slack.until(lambda: story.slack.sockets.open)
        told = json.loads(typed(story, "Tues 2pm", team_id="T0ELSEWHERE"))
        reply = await story.slack.out.tell("events_api", told)
        assert reply.status == 200
        assert (await refusals(story))["workspace"] == 1
        press: dict[str, Any] = {"type": "block_actions", "team": {"id": "T0ELSEWHERE"}, "user": {"id": "U1"}}
        assert (await story.slack.out.tell("interactive", press)).status == 200
        assert (await refusals(story))["workspace"] == 2
        unreadable = {"type": "block_actions", "team": {"id": story.slack.workspace.team_id}, "user": "U1"}
        whole = unreadable | {"api_app_id": story.slack.workspace.app_id}
        assert (await story.slack.out.tell("interactive", whole)).status == 200
        assert (await refusals(story))["unreadable"] == 1


async def test_what_nobody_knows_is_acknowledged_and_counted(story: Story) -> None:
    carol, workspace = story.people["Carol"], story.slack.workspace
    about = {
        "user": {"id": carol.id, "team_id": workspace.team_id},
        "team": {"id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "trigger_id": "1.2.3",
    }
    view = {"id": "V1", "type": "modal", "callback_id": "theirs", "blocks": [], "state": {"values": {}}}
    unknown: list[dict[str, Any]] = [
        {"type": "block_actions", "actions": [{"type": "button", "action_id": "delete-everything", "value": "{}"}]},
        {"type": "view_submission", "view": view},
        {"type": "view_closed", "view": view},
        {"type": "shortcut", "callback_id": "delete_everything"},
    ]
    for payload in unknown:
        reply = await story.slack.out.tell("interactive", about | payload)
        assert reply.status == 200
    reply = await story.slack.events.tell({"type": "reaction_added", "user": carol.id})
    assert reply.status == 200
    assert (await refusals(story))["unknown"] == 5
    assert await unread(story) == {}


NO_ACTS: tuple[dict[str, Any], ...] = (
    {"type": "block_actions"},
    {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": "press-1"},
    {"type": "block_actions", "actions": [{"action_id": "press-1", "value": "no json"}]},
    {"type": "block_actions", "actions": [{"action_id": "press-1", "value": "[]"}]},
    {"type": "block_actions", "actions": [{"action_id": "press-1", "value": "[" * 1900}]},
    {"type": "block_actions", "actions": [{"action_id": "press-1", "value": "x" * 2001}]},
    {"type": "view_submission", "view": {"id": "V1", "state": {"values": {"a": {"b": "c"}}}}},
    {
        "type": "view_submission",
        "view": {"id": "V1", "state": {"values": {"a": {f"{n}": {"value": "x"} for n in range(201)}}}},
    },
    {"type": "view_submission", "view": None},
    {"type": "view_closed", "view": None},
    {"type": "shortcut", "user": {"id": ""}},
)


async def test_a_payload_that_is_no_act_of_anybodys_is_refused(story: Story) -> None:
    carol, workspace = story.people["Carol"], story.slack.workspace
    about = {"user": {"id": carol.id}, "team": {"id": workspace.team_id}, "api_app_id": workspace.app_id}
    before = await entries(story)
    for number, payload in enumerate(NO_ACTS, start=1):
        body = urlencode({"payload": json.dumps(about | payload)})
        assert await posted(story, body, FORM) == 400, body[:100]
        assert (await refusals(story))["unreadable"] == number, body[:100]
        assert await entries(story) == before, body[:100]


async def test_a_modal_whose_own_words_were_altered_is_refused(story: Story) -> None:
    carol, workspace = story.people["Carol"], story.slack.workspace
    view = {"id": "V1", "type": "modal", "callback_id": "form", "blocks": [], "state": {"values": {}}}
    for metadata in ("", "[]", "{}", '{"verb": 1}', "x" * 2999):
        payload = {
            "type": "view_submission",
            "user": {"id": carol.id, "team_id": workspace.team_id},
            "team": {"id": workspace.team_id},
            "api_app_id": workspace.app_id,
            "trigger_id": f"1.2.{len(metadata)}",
            "view": view | {"private_metadata": metadata},
        }
        reply = await story.slack.out.tell("interactive", payload)
        assert reply.status == 200
        assert reply.body["response_action"] == "update"
    assert (await refusals(story))["unreadable"] == 5
    assert await unread(story) == {}
