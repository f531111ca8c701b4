"""What a person gets: an audit's messages in one thread, long cards in parts, files, charts, and changes in place."""

import json
import re
from functools import partial

import aiohttp
import pytest

from bot.doors import Doors
from bot.slack import pictured
from cards.card import Action, Bars, Card, Download, Table
from scheduling.door import Failure, NotDelivered
from tests.handlers.conftest import CASE, OTHER_CASE
from tests.slack import trouble as wrong
from tests.slack.access import LEAST_SCOPES
from tests.slack.council import Opens, Story, parcel, reading
from tests.slack.people import Member
from tests.slack.story import at_once, booked, unread
from tests.slack.workspace import Message

__all__ = ["at_once"]

INVITATION = Download(
    "Add the session to your calendar", "session.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
)


def long_card(rows: int, *, title: str = "The month") -> Card:
    table = Table("Audits", ("Case", "What it waits for"), tuple((f"X{n:04}", "w" * 400) for n in range(rows)))
    return Card(title=title, table=table, actions=(Action("accept", "Accept", "1"),))


def buttons(message: Message) -> list[str]:
    return [one["text"]["text"] for block in message.blocks if block["type"] == "actions" for one in block["elements"]]


def shared(person: Member) -> list[Message]:
    return [one for one in person.messages() if one.files]


def deleted(story: Story, message: Message) -> None:
    """Somebody at Slack's end takes a message away."""
    story.slack.workspace.delete(message)
    message.seen = True


def reminded(case: str, times: int) -> list[str]:
    """What an auditor who says nothing is told: twice to answer the allocation, and so many times to do the audit."""
    return [*[f"Your audit for January 2026: {case}"] * 2, *[f"The audit of {case}"] * times]


BOTH_WAIT = "2 steps waiting for help"
"""What the officer, and later the head of service, is told of two auditors who say nothing."""


# ---- threads


async def test_what_follows_about_an_audit_stands_in_its_thread_and_in_the_chat(story: Story) -> None:
    carol = story.people["Carol"]
    first, second = carol.messages()
    assert (first.thread_ts, second.thread_ts) == (None, first.ts)
    assert [one.ts for one in carol.dm.thread(first)] == [second.ts]
    calls = [one for one in story.slack.sent("chat.postMessage") if one.person == carol.name]
    assert [one.arguments.get("reply_broadcast") for one in calls] == [None, True]
    await story.until("2026-01-26T10:00")
    assert {one.thread_ts for one in carol.messages()[2:]} == {first.ts}
    assert await unread(story) == {
        "Carol": reminded(CASE, 3),
        "Leo": reminded(OTHER_CASE, 3),
        "Gil": [BOTH_WAIT],
    }


async def test_each_audit_has_a_thread_of_its_own_and_a_joined_reminder_none(story: Story) -> None:
    door, carol = story.door, await story.person("Carol")
    await door.deliver(carol, parcel(Card("Another audit"), audit_id=2))
    await door.deliver(carol, parcel(Card("Two audits at once")))
    other, joined = story.people["Carol"].messages()[2:]
    assert (other.thread_ts, joined.thread_ts) == (None, None)
    assert await unread(story) == {"Carol": ["Another audit", "Two audits at once"]}


async def test_a_thread_whose_beginning_was_deleted_is_done_without(story: Story) -> None:
    carol = story.people["Carol"]
    deleted(story, carol.messages()[0])
    place = await story.door.deliver(await story.person("Carol"), parcel(Card("More of it"), audit_id=1))
    message = await story.shows("Carol", "More of it")
    assert (message.ts, message.thread_ts) == (place.activity_id, None)


# ---- long cards


async def test_a_long_card_comes_in_parts_with_its_buttons_last_and_nothing_left_out(story: Story) -> None:
    carol = story.people["Carol"]
    place = await story.door.deliver(await story.person("Carol"), parcel(long_card(60)))
    parts = carol.messages()[2:]
    assert len(parts) > 1
    assert place.activity_id == ",".join(one.ts for one in parts)
    assert [bool(buttons(one)) for one in parts] == [False] * (len(parts) - 1) + [True]
    text = "\n".join(map(carol.reads, parts))
    assert all(f"X{number:04}" in text for number in range(60))


async def test_parts_that_are_no_longer_wanted_go_when_the_card_changes(story: Story) -> None:
    person, carol = await story.person("Carol"), story.people["Carol"]
    place = await story.door.deliver(person, parcel(long_card(60)))
    first, *others = carol.messages()[2:]
    await story.door.change(person, place, Card("It was done"))
    assert [carol.reads(one) for one in others] == ["", ""]
    assert [one.history[-1] for one in others] == ["deleted", "deleted"]
    assert carol.reads(first).splitlines()[0] == "It was done"
    await story.door.change(person, place, Card("It was done, and more was said"))
    assert carol.messages()[2:] == [first]
    assert await unread(story) == {"Carol": ["It was done, and more was said"]}


async def test_a_card_that_has_grown_since_says_that_there_is_more(story: Story) -> None:
    person = await story.person("Carol")
    place = await story.door.deliver(person, parcel(long_card(2)))
    await story.door.change(person, place, long_card(60))
    (message,) = story.people["Carol"].messages()[2:]
    assert message.history == ["sent", "updated"]
    assert buttons(message) == ["Accept"]
    assert "more" in story.people["Carol"].reads(message)


async def test_a_long_card_of_which_only_a_part_arrived_is_in_doubt(story: Story) -> None:
    story.slack.trouble.add(wrong.refuses("restricted_action"), "chat.postMessage", skips=1, times=None)
    with pytest.raises(NotDelivered, match="only a part of a long message") as fault:
        await story.door.deliver(await story.person("Carol"), parcel(long_card(60)))
    assert fault.value.failure is Failure.UNKNOWN
    (part,) = story.people["Carol"].messages()[2:]
    assert "Part 1 of 3" in story.people["Carol"].reads(part)


# ---- files and charts


async def test_a_file_comes_into_the_thread_of_its_card(story: Story) -> None:
    card = Card("Your session", downloads=(INVITATION,))
    place = await story.door.deliver(await story.person("Carol"), parcel(card))
    (file,) = shared(story.people["Carol"])
    assert file.thread_ts == place.activity_id
    assert story.slack.workspace.files[file.files[0]["id"]].data == INVITATION.content
    assert await unread(story) == {"Carol": ["Your session", "Add the session to your calendar: "]}


async def test_a_file_that_cannot_come_is_said_to_be_missing_and_the_card_stands(opens: Opens) -> None:
    async with opens(scopes=LEAST_SCOPES - {"files:write"}) as story:
        card = Card("Your session", downloads=(INVITATION,))
        place = await story.door.deliver(await story.person("Carol"), parcel(card))
        lost = await story.shows("Carol", "A file could not be added")
        assert "Add the session to your calendar" in reading(lost)
        assert lost.thread_ts == place.activity_id
        assert not shared(story.people["Carol"])
        assert await unread(story) == {"Carol": ["Your session"]}


async def test_where_files_cannot_be_sent_the_calendar_file_is_a_link_that_opens_it(opens: Opens) -> None:
    public = "https://auditloop.example.gov.uk"
    async with opens(scopes=LEAST_SCOPES - {"files:write"}, public_url=public) as story:
        await story.everyone_told()
        await booked(story)
        said = await story.shows("Alice", "Your file comes as a link")
        (url,) = re.findall(r"<(https://[^|>]+)[|]Add to your calendar>", json.dumps(said.blocks))
        assert url.startswith(f"{public}/calendar/audit-")
        async with aiohttp.ClientSession() as world, world.get(url.replace(public, story.address)) as answer:
            assert answer.status == 200
            assert "BEGIN:VEVENT" in await answer.text()
        await unread(story)


async def test_a_file_that_slack_does_not_take_just_now_comes_all_the_same(story: Story) -> None:
    story.slack.trouble.add(wrong.UNAVAILABLE, "upload", times=1)
    card = Card("Your session", downloads=(INVITATION,))
    await story.door.reply(story.people["Carol"].dm.id, card, story.ids["Carol"])
    assert len(shared(story.people["Carol"])) == 1
    assert await unread(story) == {"Carol": ["Your session", "Add the session to your calendar: "]}


BARS = Bars("Audits by grade", (("Good", 3), ("Requires improvement", 2)))


async def test_a_chart_comes_as_a_picture_with_its_words(story: Story) -> None:
    await story.door.deliver(await story.person("Grace"), parcel(Card("The month", bars=BARS)))
    (message,) = story.people["Grace"].messages()
    assert story.people["Grace"].reads(message).startswith("The month")
    (image,) = (block for block in message.blocks if block["type"] == "image")
    file = story.slack.workspace.files[image["slack_file"]["id"]]
    assert (file.data or b"").startswith(b"\x89PNG")
    assert "Good 3" in image["alt_text"]
    assert not file.shared or file.alt_text


async def test_a_chart_that_slack_does_not_take_in_is_left_out_and_its_numbers_stand(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictured, "TAKES_IN", (0.0, 0.0))
    story.slack.trouble.add(wrong.refuses("invalid_blocks"), "chat.postMessage", times=2)
    await story.door.deliver(await story.person("Grace"), parcel(Card("The month", bars=BARS)))
    (message,) = story.people["Grace"].messages()
    assert "image" not in {block["type"] for block in message.blocks}
    assert "Requires improvement" in story.people["Grace"].reads(message)


async def test_without_leave_to_send_files_a_chart_goes_in_words(opens: Opens) -> None:
    async with opens(scopes=LEAST_SCOPES - {"files:write"}) as story:
        await story.door.deliver(await story.person("Grace"), parcel(Card("The month", bars=BARS)))
        assert "Requires improvement" in reading(await story.shows("Grace", "The month"))


# ---- changes in place


async def test_what_others_do_changes_the_messages_of_everyone_concerned(story: Story) -> None:
    """Carol and Alice find a time: what each had changes in place, and both get the file for their calendar."""
    carol, alice = story.people["Carol"], story.people["Alice"]
    await carol.presses("I'll take it")
    taken = await story.shows("Carol", f"You took this audit: {CASE}")
    assert taken.history == ["sent", "updated"]
    await story.kept(await story.shows("Carol", f"When could you talk about {CASE}?"))
    await carol.says("Tues 2pm")
    waits = await story.shows("Carol", "You suggested Tue 6 Jan 2026 at 14:00")
    await story.kept(waits)
    asked = await story.shows("Alice", "Does Tue 6 Jan 2026 at 14:00 suit you?")
    await story.kept(asked)
    await alice.presses("Yes, that suits me", asked)
    await story.slack.until(lambda: "agreed the time" in reading(waits))
    await story.slack.until(lambda: asked.history == ["sent", "updated"])
    assert "Yes, that suits me" not in buttons(asked)
    for person in (carol, alice):
        await story.slack.until(partial(shared, person))
        (file,) = shared(person)
        assert b"SUMMARY:Collaborative audit" in (story.slack.workspace.files[file.files[0]["id"]].data or b"")
        assert file.thread_ts == person.messages()[0].ts
    agreed, talk = f"Alice Avocet agreed the time: {CASE}", "Your discussion is on Tue 6 Jan 2026 at 14:00"
    assert await unread(story) == {
        "Alice": [
            "An audit of your work with this child",
            f"You agreed the time: {CASE}",
            talk,
            "Add to your calendar: ",
        ],
        "Carol": [
            f"The audit of {CASE}",
            agreed,
            "Hello Carol, this is auditloop",
            agreed,
            talk,
            "Add to your calendar: ",
        ],
    }


async def test_a_card_that_cannot_be_changed_just_now_is_changed_later(story: Story) -> None:
    person, carol = await story.person("Carol"), story.people["Carol"]
    place = await story.door.deliver(person, parcel(Card("Please answer")))
    story.slack.trouble.add(wrong.UNAVAILABLE, "chat.update", times=1)
    with pytest.raises(NotDelivered) as fault:
        await story.door.change(person, place, Card("It was done"))
    assert fault.value.failure is Failure.TEMPORARY
    await story.door.change(person, place, Card("It was done"))
    assert carol.messages()[-1].history == ["sent", "updated"]
    assert await unread(story) == {"Carol": ["It was done"]}


async def test_a_message_that_is_gone_is_not_tried_for_ever_and_nobody_is_blamed(story: Story) -> None:
    person, carol = await story.person("Carol"), story.people["Carol"]
    place = await story.door.deliver(person, parcel(Card("Please answer")))
    deleted(story, carol.messages()[-1])
    with pytest.raises(NotDelivered, match="message_not_found") as fault:
        await story.door.change(person, place, Card("It was done"))
    assert fault.value.failure is Failure.PERMANENT
    contact = await story.contact("Carol")
    assert contact is not None
    assert contact.closed == ""


async def test_a_message_of_a_platform_that_is_gone_from_the_settings_stays_as_it_is(story: Story) -> None:
    person, board = await story.person("Carol"), story.program.board
    place = await story.door.deliver(person, parcel(Card("Please answer")))
    assert isinstance(board, Doors)
    without = Doors(board.store, {}, board.last_seen)
    with pytest.raises(NotDelivered, match="no way to slack") as fault:
        await without.change(person, place, Card("It was done"))
    assert fault.value.failure is Failure.PERMANENT
    assert await unread(story) == {"Carol": ["Please answer"]}


# ---- answers


async def test_an_answer_below_tells_where_it_stands_and_one_that_cannot_be_sent_stands_nowhere(story: Story) -> None:
    carol = story.people["Carol"]
    place = await story.door.reply(carol.dm.id, Card("Done"), story.ids["Carol"], token="t1")
    assert place is not None
    assert (place.conversation_id, place.activity_id, place.token) == (carol.dm.id, carol.messages()[-1].ts, "t1")
    story.slack.trouble.add(wrong.refuses("channel_not_found"), "chat.postMessage", times=None)
    assert await story.door.reply(carol.dm.id, Card("Lost"), story.ids["Carol"]) is None
    assert await unread(story) == {"Carol": ["Done"]}


async def test_an_answer_takes_the_pressed_messages_place_and_brings_its_file(story: Story) -> None:
    carol = story.people["Carol"]
    first, second = carol.messages()
    card = Card("It suits you both", downloads=(INVITATION,))
    assert await story.door.exchange(carol.dm.id, second.ts, card, "t1", story.ids["Carol"], thread=first.ts)
    assert [one.thread_ts for one in shared(carol)] == [first.ts]
    assert not await story.door.exchange(carol.dm.id, "1.000001", card, "t1", story.ids["Carol"])
    assert second.history == ["sent", "updated"]
    assert await unread(story) == {"Carol": ["It suits you both", "Add the session to your calendar: "]}


async def test_an_answer_is_tried_again_where_that_may_help(story: Story) -> None:
    order = story.slack.trouble.add(wrong.throttles(1), "chat.update", times=1)
    (message, _) = story.people["Carol"].messages()
    assert await story.door.exchange(story.people["Carol"].dm.id, message.ts, Card("Done"), "t1", story.ids["Carol"])
    assert order.met == 1
    assert message.history == ["sent", "updated"]
    assert await unread(story) == {"Carol": ["Done"]}


async def test_the_own_chat_of_somebody_is_found_before_they_ever_wrote(story: Story) -> None:
    grace = story.people["Grace"]
    assert await story.door.private_chat(await story.person("Grace")) == grace.dm.id
    assert len(story.slack.sent("conversations.open")) == 1
    assert await story.door.private_chat(await story.person("Grace")) == grace.dm.id
    assert len(story.slack.sent("conversations.open")) == 1


async def test_every_message_of_a_month_in_which_nobody_does_anything_is_taken_by_slack(story: Story) -> None:
    await story.until("2026-02-02T10:00")
    assert {row.state for row in await story.rows()} <= {"sent", "superseded"}
    assert await unread(story) == {
        "Carol": reminded(CASE, 5),
        "Leo": reminded(OTHER_CASE, 5),
        "Gil": [BOTH_WAIT],
        "Dan": ["Audits in your service area, January 2026", "2 reminders for you"],
        "Erin": [BOTH_WAIT],
    }
