from typing import Any

import pytest

from cards.blocks import render
from cards.card import Action, Card, Choice, ChoiceInput, DateInput, Fact, Table, TextInput, Tone, Why
from tests.slack.limits import (
    MOST_WEIGHT,
    faults_of,
    faults_of_message,
    faults_of_view,
    length,
    mentions_in,
    weight_of,
)

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def section(text: str = "Hello", **more: Any) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def button(**more: Any) -> Block:
    return {"type": "button", "text": plain("Accept"), "action_id": "accept", "value": "1"} | more


def option(number: int, **more: Any) -> Block:
    return {"text": plain(f"Option {number}"), "value": str(number)} | more


def select(count: int = 2, **more: Any) -> Block:
    return {"type": "static_select", "action_id": "pick", "options": [option(one) for one in range(count)]} | more


def asking(element: Block, **more: Any) -> Block:
    return {"type": "input", "block_id": "q", "label": plain("Grade"), "element": element} | more


def typed(**more: Any) -> Block:
    return {"type": "plain_text_input", "action_id": "words"} | more


def modal(*blocks: Block, **more: Any) -> Block:
    return {"type": "modal", "title": plain("Grade"), "submit": plain("Send"), "blocks": list(blocks)} | more


def rich(*parts: Block) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def table(rows: int, columns: int) -> Block:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x" * 3000)],
        [section()] * 50,
        [section(fields=[plain("x" * 2000)] * 10)],
        [{"type": "header", "text": plain("x" * 150)}],
        [{"type": "context", "elements": [plain("x")] * 10}],
        [{"type": "actions", "elements": [button(action_id=f"a{one}") for one in range(25)]}],
        [section(accessory=select(100))],
        [asking(typed(max_length=3000, initial_value="x" * 3000), hint=plain("x" * 2000), optional=True)],
        [asking(select(initial_option=option(1)))],
        [{"type": "divider", "block_id": "x" * 255}],
        [rich({"type": "text", "text": "bold", "style": {"bold": True}})],
        [table(100, 20)],
        [{"type": "image", "alt_text": "A chart", "slack_file": {"id": "F1"}}],
        [{"type": "markdown", "text": "x" * 12_000}],
    ],
)
def test_what_is_just_within_the_limits_is_taken(blocks: list[Block]) -> None:
    assert faults_of(blocks) == []


@pytest.mark.parametrize(
    ("blocks", "where"),
    [
        ([section("x" * 3001)], "/blocks/0/text/text: 3001 characters"),
        ([section("😀" * 1501)], "/blocks/0/text/text: 3002 characters"),
        ([section("")], "/blocks/0/text/text: 0 characters"),
        ([section(" \n")], "nothing but space"),
        ([section()] * 51, "/blocks: 51 blocks"),
        ([{"type": "section"}], "neither text nor fields"),
        ([section(fields=[plain("x")] * 11)], "/blocks/0/fields: 11 items"),
        ([section(fields=[])], "/blocks/0/fields: no list"),
        ([section(fields=[plain("x" * 2001)])], "/blocks/0/fields/0/text"),
        ([section(colour="red")], "/blocks/0/colour: not known here"),
        ([section(accessory=typed())], "'plain_text_input' is not taken here"),
        ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "'mrkdwn' is not taken here"),
        ([{"type": "context", "elements": [plain("x")] * 11}], "11 items, at most 10"),
        ([{"type": "context", "elements": [button()]}], "/blocks/0/elements/0/type"),
        ([{"type": "actions", "elements": []}], "/blocks/0/elements: no list"),
        ([{"type": "actions", "elements": [button(action_id=f"a{one}") for one in range(26)]}], "26 items"),
        ([{"type": "actions", "elements": [button(), button()]}], "action_id 'accept' is there twice"),
        ([{"type": "actions", "elements": [typed()]}], "'plain_text_input' is not taken here"),
        ([section(accessory=button(text=plain("x" * 76)))], "/accessory/text/text: 76"),
        ([section(accessory=button(value="x" * 2001))], "/accessory/value: 2001"),
        ([section(accessory=button(style="loud"))], "/accessory/style"),
        ([section(accessory=button(action_id="x" * 256))], "/accessory/action_id: 256"),
        ([section(block_id="a"), section(block_id="a")], "/blocks/1/block_id: 'a' is there twice"),
        ([section(block_id="x" * 256)], "/blocks/0/block_id: 256"),
        ([section(accessory=select(101))], "/accessory/options: 101 items"),
        ([section(accessory=select(0))], "/accessory/options: no list"),
        ([section(accessory=select(options=[option(1, text=plain("x" * 76))]))], "/options/0/text/text: 76"),
        ([section(accessory=select(options=[option(1, value="x" * 151)]))], "/options/0/value: 151"),
        ([section(accessory=select(options=[option(1, description=plain("x" * 76))]))], "/description/text: 76"),
        ([section(accessory=select(options=[option(1), option(1)]))], "two options have one value"),
        ([section(accessory=select(initial_option=option(9)))], "none of the options"),
        ([section(accessory=select(initial_option=option(1, description=plain("x"))))], "none of the options"),
        ([section(accessory=select(option_groups=[]))], "one of options and option_groups"),
        ([section(accessory=select() | {"type": "overflow", "options": [option(n) for n in range(6)]})], "6 items"),
        ([asking(select() | {"type": "radio_buttons", "options": [option(n) for n in range(11)]})], "11 items"),
        ([asking(typed(max_length=3001))], "lengths from 0 to 3001"),
        ([asking(typed(max_length=3, initial_value="four"))], "longer than the input"),
        ([asking(typed(), label=plain("x" * 2001))], "/blocks/0/label/text: 2001"),
        ([asking(typed(), hint=plain(""))], "/blocks/0/hint/text: 0"),
        ([asking(typed(), hint=None)], "hint is null"),
        ([asking(button())], "'button' is not taken here"),
        ([asking({"type": "file_input", "action_id": "f"})], "'file_input' is not taken here"),
        ([asking({"type": "datepicker", "action_id": "d", "initial_date": "2 April 2026"})], "is none"),
        ([{"type": "image", "image_url": "https://example.com/a.png"}], "/blocks/0/alt_text: missing"),
        ([{"type": "image", "alt_text": "A chart"}], "one of image_url and slack_file"),
        ([rich({"type": "text", "text": ""})], "/elements/0/text: 0 characters"),
        ([rich({"type": "shout", "text": "x"})], "not known in rich text"),
        ([table(101, 1)], "101 items, at most 100"),
        ([table(1, 21)], "21 items, at most 20"),
        ([table(1, 1), table(1, 1)], "only one table"),
        ([{"type": "banner"}], "'banner' is no block"),
        ("no list", "/blocks: no list"),
    ],
)
def test_what_is_beyond_a_limit_is_found_in_its_place(blocks: Any, where: str) -> None:
    assert any(where in fault for fault in faults_of(blocks)), faults_of(blocks)


def test_a_modal_has_limits_of_its_own() -> None:
    assert faults_of_view(modal(*[section()] * 100)) == []
    assert faults_of_view(modal(asking({"type": "file_input", "action_id": "f"}))) == []
    for view, where in (
        (modal(*[section()] * 101), "101 blocks"),
        (modal(title=plain("x" * 25)), "/view/title/text: 25"),
        (modal(submit=plain("x" * 25)), "/view/submit/text: 25"),
        (modal(private_metadata="x" * 3001), "/view/private_metadata: 3001"),
        (modal(callback_id="x" * 256), "/view/callback_id: 256"),
        (modal(table(1, 1)), "not taken in a modal"),
        (modal(hint="x"), "/view/hint: not known here"),
        ({"type": "modal", "title": plain("x"), "blocks": [asking(typed())]}, "missing, and there are inputs"),
        ({"type": "home", "blocks": [], "submit": plain("x")}, "/view/submit: not known here"),
        ({"type": "page", "blocks": []}, "'page' is no type of view"),
        (None, "no object"),
    ):
        assert any(where in fault for fault in faults_of_view(view)), (where, faults_of_view(view))


def test_a_message_of_blocks_needs_a_text_for_its_notification() -> None:
    assert faults_of_message({"text": "Hello", "blocks": [section()]}) == []
    assert faults_of_message({"blocks": [section()]}) == ["/text: missing: notifications and screen readers need it"]
    assert "Slack cuts it" in faults_of_message({"text": "x" * 40_001})[0]
    assert faults_of_message({"text": "x", "attachments": [{"blocks": [section("")]}]}) == [
        "/attachments/0/blocks/0/text/text: 0 characters, from 1 to 3000 are taken"
    ]


def test_every_mention_that_calls_somebody_is_found_and_no_other() -> None:
    blocks = [
        section("<!channel> and <@U012AB3CD> and <!subteam^S1|@team>"),
        rich({"type": "broadcast", "range": "here"}),
    ]
    assert mentions_in({"text": "<!here>", "blocks": blocks}) == [
        "<!here>",
        "<!channel>",
        "<@U012AB3CD>",
        "<!subteam^S1|@team>",
        "rich text broadcast",
    ]
    quiet = [{"type": "section", "text": plain("<!channel>")}, section("&lt;!channel&gt; <https://example.com|here>")]
    assert mentions_in({"text": "a@b.example", "blocks": quiet}) == []


def test_the_blocks_of_a_message_are_weighed_together() -> None:
    assert weight_of([section("x" * 3000)] * 4) < MOST_WEIGHT < weight_of([section("x" * 3000)] * 5)
    assert length("é😀") == 3


def test_a_card_of_the_bot_passes() -> None:
    card = Card(
        title="An audit for you",
        tone=Tone.ASK,
        text=("Please accept it <!channel>.",),
        facts=(Fact("Case", "K7F-204"),),
        table=Table("Due", ("What", "When"), (("Accept", "Thu 2 Apr 2026"),)),
        inputs=(
            TextInput("reason", "Why not?", long=True),
            DateInput("day", "Which day?"),
            ChoiceInput("grade", "Grade", (Choice("good", "Good"), Choice("poor", "Poor")), value="good"),
        ),
        actions=(Action("accept", "Accept", "1"), Action("decline", "Decline", "1")),
        why=Why("Accept the audit", "DUD-1"),
    )
    message = render(card, card_id="c1")
    assert faults_of_message({"text": message.text, "blocks": message.blocks}) == []
    assert mentions_in({"text": message.text, "blocks": message.blocks}) == []
