"""People and auditloop in Teams: coming, being asked, answering, and cards that change where they stand."""

import re

import aiohttp

from tests.handlers.conftest import CASE, NHS_NUMBER
from tests.teams.chats import MOST_BYTES, Message, card_in
from tests.teams.conftest import Opens, Story, says, title_of
from tests.teams.forms import Element, buttons_of
from tests.teams.trouble import HANGS, Kind

FILLED = {
    "grade": "good",
    "rationale": "The plan is clear and life is safer for the child.",
    "safety": "no",
    "neglect": "no",
    "feedback_child": "obtained",
    "feedback_parent_carer": "obtained",
}


def value_of(card: Element, name: str) -> object:
    """What stands in an input of a card."""
    return next(one for one in _inside(card) if one.get("id") == name).get("value")


def _inside(value: object) -> list[Element]:
    if isinstance(value, dict):
        return [value, *(one for inner in value.values() for one in _inside(inner))]
    if isinstance(value, list):
        return [one for inner in value for one in _inside(inner)]
    return []


async def booked(story: Story) -> None:
    """Carol has taken her audit, and she and Alice have agreed a time."""
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    await story.person("Carol").says("Tues 2pm")
    alice = story.person("Alice")
    await alice.presses(await story.asked("Alice", "agree"), "agree")


async def talked(story: Story) -> None:
    """Carol and Alice have talked, and Carol has the grade form."""
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    await story.person("Carol").presses(await story.asked("Carol", "hold"), "hold")


def titles(story: Story, name: str) -> list[str]:
    """The titles of what stands in somebody's chat, oldest first."""
    return [title_of(card) for card in story.person(name).chat.cards()]


def forms(message: Message) -> int:
    """How often a message was made a grade form."""
    cards = (card_in(version.activity) for version in message.versions)
    return sum(any(one.get("verb") == "submit" for one in buttons_of(card)) for card in cards if card is not None)


async def link_of(story: Story, name: str) -> str:
    """The newest link to a calendar file that somebody has; waited for."""

    def found() -> list[str]:
        cards = story.person(name).chat.cards()
        return [str(one["url"]) for card in cards for one in _inside(card) if one.get("type") == "Action.OpenUrl"]

    await story.teams.until(found)
    return found()[-1]


# ---- a month


async def test_a_months_card_arrives_is_answered_and_changes_in_place(story: Story) -> None:
    message = await story.asked("Carol", "accept")
    reply = await story.person("Carol").presses(message, "accept")
    assert reply.status == 200
    assert reply.card is not None
    assert "You took this audit" in title_of(reply.card)
    await story.teams.until(lambda: message.history == ["sent", "updated"])
    assert message.card is not None
    assert "You took this audit" in says(message.card)


async def test_two_people_book_their_session_and_both_get_it_for_the_calendar(story: Story) -> None:
    await booked(story)
    for name in ("Carol", "Alice"):
        link = await link_of(story, name)
        async with aiohttp.ClientSession() as browser, browser.get(link) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/calendar"
            assert answer.headers["Content-Disposition"] == f'attachment; filename="audit-{CASE}.ics"'
            text = await answer.text()
        assert "DTSTART:20260106T140000Z" in text
        assert f"SUMMARY:Collaborative audit: {CASE}" in text


async def test_answers_in_words_do_what_the_buttons_would_and_ask_which_where_that_is_not_clear(story: Story) -> None:
    carol, alice = story.person("Carol"), story.person("Alice")
    await carol.says("yes, I'll take it")
    await carol.says("we have talked")
    actions = {"action_1_what": "See the child alone.", "action_2_what": "Update the chronology."}
    await carol.presses(await story.asked("Carol", "submit"), "submit", **(FILLED | actions))
    await story.asked("Alice", "confirm")
    await alice.says("done")
    await story.teams.until(lambda: "Which one do you mean?" in titles(story, "Alice"))
    reply = await alice.presses(None, f"{CASE}: Update the chronology")
    assert reply.card is not None
    assert "You reported this done" in title_of(reply.card)
    await alice.says("done, seen on Monday")
    await story.teams.until(lambda: sum("You reported this done" in one for one in titles(story, "Alice")) >= 2)
    await story.asked("Bob", "sign_off")


async def test_a_link_to_a_calendar_file_that_was_altered_shows_nothing(story: Story) -> None:
    await booked(story)
    link = await link_of(story, "Carol")
    async with aiohttp.ClientSession() as browser:
        for altered in (link.replace("audit-1-", "audit-2-"), re.sub("-[0-9]+-", "-9-", link), link[:-8] + ".ics"):
            assert altered != link
            async with browser.get(altered) as answer:
                assert answer.status == 404, altered


async def test_what_others_do_changes_the_cards_of_everyone_concerned(story: Story) -> None:
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    await story.person("Carol").says("Tues 2pm")
    asked = await story.asked("Alice", "agree")
    other = await story.asked("Carol", "hold")
    await story.person("Alice").presses(asked, "agree")
    await story.teams.until(lambda: other.card is not None and "agreed the time" in says(other.card))
    await story.teams.until(
        lambda: asked.card is not None and "agree" not in {b.get("verb") for b in buttons_of(asked.card)}
    )


async def test_a_grade_form_with_a_missing_answer_comes_back_with_what_was_typed(story: Story) -> None:
    await talked(story)
    form = await story.asked("Carol", "submit")
    carol = story.person("Carol")
    reply = await carol.forged(
        "submit",
        {"subject": "1", "card_id": "", **{k: v for k, v in FILLED.items() if k != "feedback_child"}},
        reply_to=form.id,
    )
    assert reply.card is not None
    assert value_of(reply.card, "rationale") == FILLED["rationale"]
    assert value_of(reply.card, "grade") == "good"
    assert "Error: Please say whether the child or young person gave feedback, or why not." in says(reply.card)
    done = await carol.presses(form, "submit", **FILLED)
    assert done.card is not None
    assert "You completed the audit" in says(done.card)
    await story.teams.until(lambda: form.card is not None and "You completed the audit" in says(form.card))


async def test_after_the_discussion_one_form_stands_in_the_chat_and_none_once_it_is_sent(story: Story) -> None:
    await talked(story)
    await story.teams.until(
        lambda: (
            titles(story, "Carol")
            == [
                f"You took this audit: {CASE}",
                f"Complete the audit: {CASE}",
                f"You said that the discussion was held: {CASE}",
                f"Your grade for {CASE}",
            ]
        )
    )
    earlier, form = (story.person("Carol").chat.now()[place] for place in (1, 3))
    assert earlier.card is not None
    assert "You can answer this further down in our chat." in says(earlier.card)
    assert (forms(earlier), forms(form)) == (0, 1)
    await story.person("Carol").presses(form, "submit", **FILLED)
    done = f"You completed the audit: {CASE}"
    await story.teams.until(lambda: [titles(story, "Carol")[place] for place in (1, 3)] == [done, done])
    assert not _has(story, "Carol", "submit")


async def test_a_form_on_its_way_is_waited_for_and_stands_higher_up_if_it_never_comes(story: Story) -> None:
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    asked = await story.asked("Carol", "hold")
    await story.program.beat()
    order = story.teams.trouble.add(HANGS, person=story.person("Carol"), kind=Kind.SEND)
    await story.person("Carol").presses(asked, "hold")
    await story.teams.until(lambda: order.holding)
    await story.program.beat()
    earlier = story.person("Carol").chat.now()[1]
    assert forms(earlier) == 0
    order.release()
    await story.teams.until(lambda: forms(earlier) == 1)
    assert title_of(earlier.card or {}) == f"Your grade for {CASE}"


async def test_the_form_is_not_sent_again_once_its_headings_are_graded(story: Story) -> None:
    await talked(story)
    carol = story.person("Carol")
    form = await story.asked("Carol", "submit")
    await story.program.beat()
    await carol.presses(form, "grade_sections", rationale=FILLED["rationale"])
    await story.teams.until(lambda: value_of(form.card or {}, "rationale") == FILLED["rationale"])
    await story.shows("Carol", f"Grades by heading for {CASE}")
    apart = carol.chat.now()[-1]
    reply = await carol.presses(apart, "grade_sections", section_planning="good")
    assert reply.card is not None
    assert title_of(reply.card) == "Thank you. This is kept"
    assert "1 of 7 given" in says(reply.card)
    await story.teams.until(lambda: title_of(apart.card or {}) == "Thank you. This is kept")
    await story.program.beat()
    assert [one for one in titles(story, "Carol") if one.startswith("Your grade")] == [f"Your grade for {CASE}"]
    assert value_of(form.card or {}, "rationale") == FILLED["rationale"]


async def test_a_time_that_was_suggested_on_a_card_is_said_in_its_place_alone(story: Story) -> None:
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    asked = await story.asked("Carol", "book")
    reply = await story.person("Carol").presses(asked, "book", when="Tues 2pm")
    assert reply.card is not None
    suggested = f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"
    assert title_of(reply.card) == suggested
    assert "We have asked Alice Avocet, and tell you as soon as they answer." in says(reply.card)
    await story.asked("Alice", "agree")
    await story.teams.until(lambda: titles(story, "Carol")[-1] == suggested)
    await story.program.beat()
    assert titles(story, "Carol") == [f"You took this audit: {CASE}", f"The audit of {CASE}", suggested]

    await story.person("Alice").presses(await story.asked("Alice", "agree"), "book", when="Wed at 10")
    await story.teams.until(lambda: titles(story, "Alice")[-1] == "We have asked Carol Crane")
    await story.asked("Carol", "agree")
    await story.program.beat()
    assert titles(story, "Alice") == ["An audit of your work with this child", "We have asked Carol Crane"]


async def test_a_time_that_was_typed_is_answered_below_and_leaves_one_card_to_answer(story: Story) -> None:
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    await story.asked("Carol", "book")
    await story.person("Carol").says("Tues 2pm")
    suggested = f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"
    await story.teams.until(lambda: titles(story, "Carol")[2:] == [f"Book the discussion: {CASE}", suggested])
    await story.person("Carol").says("Wed at 10")
    again = f"You suggested Wed 7 Jan 2026 at 10:00 for {CASE}"
    below = f"Book the discussion: {CASE}"
    await story.teams.until(lambda: titles(story, "Carol")[2:] == [below, below, again])


async def test_a_form_is_not_exchanged_under_somebodys_hands(story: Story) -> None:
    await talked(story)
    shown = await story.asked("Carol", "submit")
    # Once the earlier message has given way to it, where the form stands is known, so that it could be exchanged.
    await story.teams.until(lambda: f"Complete the audit: {CASE}" in titles(story, "Carol"))
    before = list(shown.history)
    await story.person("Grace").says(f"extend {CASE} until 30 January because of sickness")
    await story.shows("Grace", "30 Jan 2026")
    await story.program.beat()
    assert shown.history == before


async def test_an_inadequate_reaches_the_moderator_and_then_the_head_of_service(story: Story) -> None:
    await talked(story)
    carol = story.person("Carol")
    action = {"action_1_what": "See the child alone this week."}
    await carol.presses(await story.asked("Carol", "submit"), "submit", **(FILLED | action | {"grade": "inadequate"}))
    panel = ("Grace", "Gil", "Heidi", "Ivan")
    await story.teams.until(lambda: any(_has(story, name, "moderate") for name in panel))
    moderator = next(name for name in panel if _has(story, name, "moderate"))
    await story.person(moderator).presses(None, "moderate", grade="inadequate", text="I agree.")
    await story.shows("Erin", "Inadequate")


def _has(story: Story, name: str, verb: str) -> bool:
    return any(one.get("verb") == verb for card in story.person(name).chat.cards() for one in buttons_of(card))


async def test_an_older_client_answers_with_its_fallback_and_the_card_changes_all_the_same(story: Story) -> None:
    message = await story.asked("Carol", "accept")
    reply = await story.person("Carol").submits(message, "accept")
    assert (reply.status, reply.body) == (200, None)
    await story.teams.until(lambda: message.card is not None and "You took this audit" in says(message.card))


async def test_an_older_client_gets_the_form_back_in_its_place(story: Story) -> None:
    await talked(story)
    form = await story.asked("Carol", "submit")
    value = {"verb": "submit", "subject": "1", "card_id": "", "rationale": "Much has changed.", "grade": "good"}
    carol = story.person("Carol")
    await carol.posts(carol.submitting(value, form.id))
    await story.teams.until(lambda: "Error: Please answer yes or no." in says(form.card or {}))
    assert form.card is not None
    assert value_of(form.card, "rationale") == "Much has changed."


async def test_a_refusal_stands_on_the_card_and_leaves_its_buttons(story: Story) -> None:
    await booked(story)
    await link_of(story, "Carol")
    message = story.person("Carol").chat.now()[-1]
    assert message.card is not None
    (other,) = buttons_of(message.card)
    reply = await story.person("Carol").forged("hold", other["data"], reply_to=message.id)
    assert reply.card is not None
    assert "Error: The discussion is still to come." in says(reply.card)
    assert [one["verb"] for one in buttons_of(reply.card)] == ["book"]
    assert message.history == ["sent"]


# ---- words


ANSWERS = (
    ("Grace", "status", "How things stand: January 2026"),
    ("Grace", "/status", "How things stand: January 2026"),
    ("Grace", "Overdue", "Nothing is overdue"),
    ("Grace", f"case {CASE.lower()}", f"Case {CASE}"),
    ("Carol", "help", "What you can write to auditloop"),
    ("Carol", "mine", "What waits for you"),
    ("Carol", "status", "That question is for the QA Unit"),
)


async def test_words_are_answered_as_everywhere(story: Story) -> None:
    for who, words, title in ANSWERS:
        await story.person(who).says(words)
        (card,) = await story.answered(who)
        assert title_of(card) == title


async def test_a_message_with_a_childs_number_goes_nowhere(story: Story) -> None:
    await story.person("Carol").says(f"The number is {NHS_NUMBER}")
    (card,) = await story.answered("Carol")
    assert title_of(card) == "This looks like an NHS number"
    assert NHS_NUMBER not in says(card)


async def test_a_status_shows_a_chart_and_the_same_numbers_in_a_table(story: Story) -> None:
    await story.person("Grace").says("status")
    (card,) = await story.answered("Grace")
    (chart,) = [one for one in card["body"] if one["type"].startswith("Chart.")]
    assert chart["fallback"] == "drop"
    assert any(one["type"] == "Table" for one in card["body"])


async def test_in_a_channel_nothing_is_said_about_anybody(story: Story) -> None:
    quality = story.teams.channel("Quality", list(story.people.values()))
    _, thread = await story.person("Carol").mentions("mine", channel=quality)
    await story.teams.until(thread.cards)
    assert title_of(thread.cards()[0]) == "I have answered you in our own chat"
    (own,) = await story.answered("Carol")
    assert title_of(own) == "What waits for you"
    assert CASE not in says(thread.cards()[0])


async def test_in_a_channel_small_numbers_are_not_said_but_the_officer_sees_them(story: Story) -> None:
    quality = story.teams.channel("Quality", list(story.people.values()))
    _, thread = await story.person("Grace").mentions("status", channel=quality)
    await story.teams.until(thread.cards)
    card = thread.cards()[0]
    assert "Audits in this cycle: fewer than 5. Steps overdue: 0." in says(card)
    assert not re.search(r"\b2 audits\b", says(card))
    assert card["refresh"]["userIds"] == [story.person("Grace").mri]
    seen = await story.person("Grace").refreshes(thread.now()[0])
    assert seen.card is not None
    assert "2 audits in this cycle" in says(seen.card)
    forged = await story.person("Carol").forged(
        "refresh", {"card_id": "view/status"}, reply_to=thread.now()[0].id, trigger="automatic"
    )
    assert forged.card is not None
    assert "That question is for" in says(forged.card)


async def test_somebody_without_a_chat_of_their_own_is_told_so_in_the_channel(opens: Opens) -> None:
    async with opens() as story:
        quality = story.teams.channel("Quality", list(story.people.values()))
        _, thread = await story.person("Carol").mentions("mine", channel=quality)
        await story.teams.until(thread.cards)
        assert title_of(thread.cards()[0]) == "I can't write to you in a chat of our own"


# ---- cards that are looked at again


async def test_a_card_without_a_form_is_made_anew_for_whom_it_is(story: Story) -> None:
    message = next(one for one in reversed(story.person("Carol").chat.now()) if one.card and one.card.get("refresh"))
    seen = await story.person("Carol").refreshes(message)
    assert seen.card is not None
    assert message.card is not None
    assert title_of(seen.card) == title_of(message.card)
    other = await story.person("Alice").forged(
        "refresh", dict(message.card["refresh"]["action"]["data"]), reply_to=message.id, trigger="automatic"
    )
    assert other.card is None
    assert other.error is not None
    assert "out of date" in other.error["message"]


# ---- sizes


async def test_every_card_that_was_sent_is_far_below_what_teams_takes(story: Story) -> None:
    await talked(story)
    await story.person("Carol").presses(await story.asked("Carol", "submit"), "submit", **FILLED)
    for call in story.teams.sent(Kind.SEND, Kind.UPDATE):
        assert len(str(call.body).encode("utf-16-le")) < MOST_BYTES / 2
