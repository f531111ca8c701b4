"""What nobody should send: each gets a clear answer or a refusal, is counted, and changes nothing."""

import asyncio
from typing import Any

import aiohttp
from sqlalchemy import func, select

from storage.ledger import verify
from storage.tables import LedgerRow
from tests.handlers.conftest import CASE
from tests.teams.conftest import Story, says, title_of
from tests.teams.forms import buttons_of

AT_ONCE = 50
PRESSES = 1000


async def entries(story: Story) -> int:
    async with story.store.begin() as tx:
        return await tx.session.scalar(select(func.count(LedgerRow.id))) or 0


async def refusals(story: Story) -> int:
    address = story.teams.bot_url.removesuffix("/api/messages")
    async with aiohttp.ClientSession() as watch, watch.get(f"{address}/healthz") as answer:
        return sum((await answer.json())["refused"].values())


NOT_OFFERED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("delete_everything", {"subject": "1"}, "I don't know that button"),
    ("", {"subject": "1"}, "I don't know that button"),
    ("say", {"subject": "1"}, "That was empty"),
    ("accept", {"subject": "999"}, "I can't find that audit"),
    ("accept", {"subject": "1 OR 1=1"}, "I can't find that audit"),
    ("accept", {"subject": ["1"]}, "I can't find that audit"),
    ("accept", {}, "I can't find that audit"),
    ("accept", {"subject": "2"}, "Sorry, you can't accept the allocation here"),
    ("moderate", {"subject": "1", "grade": "good"}, "You audited this case yourself"),
    ("accept", {"subject": "1", "which": "2"}, "Sorry, you can't accept the allocation here"),
    ("accept", {"subject": "1", "reason": "x" * 3000}, "That is too long"),
)


async def test_a_press_that_no_card_offers_changes_nothing(story: Story) -> None:
    before = await entries(story)
    for number, (verb, data, title) in enumerate(NOT_OFFERED, start=1):
        reply = await story.person("Carol").forged(verb, data)
        assert reply.status == 200, (verb, data)
        assert reply.card is not None, (verb, data)
        assert title in title_of(reply.card), (verb, data)
        assert await entries(story) == before, (verb, data)
        assert await refusals(story) == number, (verb, data)


async def test_values_that_the_form_never_offered_come_back_with_an_error(story: Story) -> None:
    await story.person("Carol").presses(await story.asked("Carol", "accept"), "accept")
    await story.person("Carol").presses(await story.asked("Carol", "hold"), "hold")
    before = await entries(story)
    value = {"subject": "1", "grade": "splendid", "rationale": "Fine.", "safety": "perhaps", "neglect": {"a": 1}}
    value |= {"action_1_what": "See the child.", "action_1_owner": f"{story.ids['Leo']}"}
    reply = await story.person("Carol").forged("submit", value)
    assert reply.card is not None
    assert "has no grade “splendid”" in says(reply.card)
    assert "Please answer yes or no." in says(reply.card)
    assert "Please choose a person from the list." in says(reply.card)
    assert await entries(story) == before


async def test_a_card_from_last_month_says_what_became_of_it(story: Story) -> None:
    message = await story.asked("Carol", "accept")
    button = next(one for one in buttons_of(message.card or {}) if one["verb"] == "accept")
    await story.person("Carol").presses(message, "accept")
    await story.until("2026-02-10T09:00")
    before = await entries(story)
    reply = await story.person("Carol").forged("accept", button["data"], reply_to=message.id)
    assert reply.card is not None
    assert "This is already done" in says(reply.card)
    assert await entries(story) == before


async def test_somebody_elses_card_gets_nothing(story: Story) -> None:
    message = await story.asked("Carol", "accept")
    data = dict(buttons_of(message.card or {})[0]["data"])
    before = await entries(story)
    reply = await story.person("Mia").forged("accept", data, reply_to=message.id)
    assert reply.card is not None
    assert title_of(reply.card) == "Sorry, you can't accept the allocation here"
    assert message.history == ["sent"]
    assert await entries(story) == before


async def test_a_press_in_a_channel_is_not_answered_there(story: Story) -> None:
    carol = story.person("Carol")
    message = await story.asked("Carol", "accept")
    channel = story.teams.channel("Quality", list(story.people.values()))
    activity = carol.pressing({"type": "Action.Execute", "verb": "accept"}, {"subject": "1"}, message.id)
    activity["conversation"] = carol.mentioning("", channel)["conversation"]
    reply = await carol.posts(activity)
    assert reply.card is not None
    assert title_of(reply.card) == "Please answer in our own chat"
    assert message.history == ["sent"]


async def test_hundreds_of_presses_of_one_button_take_effect_once(story: Story) -> None:
    carol = story.person("Carol")
    message = await story.asked("Carol", "accept")
    data = dict(next(one for one in buttons_of(message.card or {}) if one["verb"] == "accept")["data"])
    before = await entries(story)
    for _ in range(PRESSES // AT_ONCE):
        presses = [carol.forged("accept", data, reply_to=message.id) for _ in range(AT_ONCE)]
        replies = await asyncio.gather(*presses)
        assert {reply.status for reply in replies} == {200}
    async with story.store.begin() as tx:
        accepted = await tx.session.scalar(select(func.count(LedgerRow.id)).where(LedgerRow.kind == "accepted"))
        assert (await verify(tx))[1] == []
    assert accepted == 1
    assert await entries(story) == before + 1
    assert await refusals(story) == PRESSES - 1


async def test_the_same_press_told_twice_by_teams_takes_effect_once_and_answers_alike(story: Story) -> None:
    carol = story.person("Carol")
    message = await story.asked("Carol", "accept")
    data = dict(next(one for one in buttons_of(message.card or {}) if one["verb"] == "accept")["data"])
    activity = carol.pressing({"type": "Action.Execute", "verb": "accept"}, data, message.id)
    first, second = await carol.posts(activity), await carol.posts(activity)
    assert first.card is not None
    assert second.card is not None
    assert title_of(first.card) == title_of(second.card)
    await story.program.beat()
    assert sum("When could you talk" in says(card) for card in carol.chat.cards()) == 1


async def test_the_same_words_told_twice_by_teams_are_answered_once(story: Story) -> None:
    carol = story.person("Carol")
    activity = carol.saying("mine")
    await carol.posts(activity)
    await carol.posts(activity)
    await carol.says("help")
    cards = await story.answered("Carol", 2)
    assert [title_of(card) for card in cards] == ["What waits for you", "What you can write to auditloop"]


async def test_a_message_of_a_hundred_kilobytes_is_answered_in_a_sentence(story: Story) -> None:
    await story.person("Carol").says("x" * 100_000)
    (card,) = await story.answered("Carol")
    assert title_of(card) == "That is a long message"


MARKUP = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "**bold** [link](https://example.org) <at>Everyone</at>": r"\*\*bold\*\* \[link\](https://example.org)",
    "{{DATE(2026-01-05T09:00:00Z, SHORT)}}": r"{\{DATE(2026-01-05T09:00:00Z, SHORT)}}",
    "'; DROP TABLE people; --": "'; DROP TABLE people; --",
}
"""What is typed, and how it is shown: the client reads Markdown and no HTML, and a backslash takes a meaning away."""


async def test_markup_in_words_is_shown_as_it_is_and_never_read_as_markup(story: Story) -> None:
    for words, shown in MARKUP.items():
        await story.person("Grace").says(f"case {words}")
        (card,) = await story.answered("Grace")
        assert title_of(card) == f"There is no case “{shown}”"


async def test_words_without_a_meaning_are_not_said_again(story: Story) -> None:
    for words in ("<script>alert(1)</script>", "\x00\u202e\ud7ff", "{{DATE(2026)}}"):
        await story.person("Grace").says(words)
        (card,) = await story.answered("Grace")
        assert title_of(card) == "Sorry, I didn't understand that"
        assert words not in str(card)


OF_ANOTHER_FORM: tuple[tuple[dict[str, Any], int], ...] = (
    ({"conversation": None}, 400),
    ({"conversation": {"id": ""}}, 400),
    ({"from": {"id": 7}}, 400),
    ({"text": {"a": 1}}, 400),
    ({"value": "submit", "text": 3}, 400),
    ({"type": None}, 400),
    ({"id": "x" * 5000}, 400),
    # The framework, which reads the token together with the activity, can't make anything of these.
    ({"from": "me"}, 401),
    ({"recipient": []}, 401),
)


async def test_an_activity_of_another_form_is_refused(story: Story) -> None:
    carol = story.person("Carol")
    before = await entries(story)
    for number, (changes, status) in enumerate(OF_ANOTHER_FORM, start=1):
        assert (await carol.posts(carol.saying("mine") | changes)).status == status, changes
        assert await entries(story) == before, changes
        assert await refusals(story) == number, changes


async def test_a_press_with_thousands_of_inputs_gets_400(story: Story) -> None:
    reply = await story.person("Carol").forged("submit", {f"input_{number}": "x" for number in range(5000)})
    assert reply.status == 400


async def test_what_auditloop_has_no_use_for_is_taken_in_silence(story: Story) -> None:
    carol = story.person("Carol")
    for kind in ("typing", "messageReaction", "endOfConversation", "somethingNew", "event"):
        assert (await carol.posts(carol.activity(kind))).status == 200, kind
        await carol.says("help")
        assert len(await story.answered("Carol")) == 1, kind


async def test_an_invoke_of_another_kind_is_answered_without_an_effect(story: Story) -> None:
    carol = story.person("Carol")
    before = await entries(story)
    for name in ("task/fetch", "composeExtension/query", "signin/verifyState", None):
        reply = await carol.posts(carol.activity("invoke", name=name, value={"x": CASE}))
        assert reply.status == 200
    assert await entries(story) == before
