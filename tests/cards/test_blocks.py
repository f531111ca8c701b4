import html
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from slack_sdk.models.blocks import Block

from cards.blocks import BlockMessage, answers, escape, render
from cards.card import (
    Action,
    Bars,
    Card,
    Choice,
    ChoiceInput,
    DateInput,
    Emphasis,
    Fact,
    InputGroup,
    Table,
    TextInput,
    Tone,
    Why,
)
from cards.limits import CardTooLarge, pieces, shortened, units

WORD_JOINER = "\u2060"


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the JSON, the outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from inside(inner)


def of_type(message: BlockMessage, *types: str) -> list[dict[str, Any]]:
    return [one for one in inside(message.blocks) if one.get("type") in types]


def words_of(message: BlockMessage) -> str:
    """What a person reads, with Slack's escapes and the invisible marks taken away again."""
    texts = [
        html.unescape(one["text"]) if one["type"] == "mrkdwn" else one["text"]
        for one in inside(message.blocks)
        if isinstance(one.get("text"), str)
    ]
    return squeezed(" ".join(texts))


def squeezed(text: str) -> str:
    return " ".join(text.replace(WORD_JOINER, "").replace("\u2217", "*").split())


def faults_of(message: BlockMessage) -> list[str]:
    """What Slack would refuse, or would show as nothing."""
    faults = [] if message.text.strip() else ["no text for the notification"]
    if not 1 <= len(message.blocks) <= 50:
        faults.append(f"{len(message.blocks)} blocks")
    identities = [block["block_id"] for block in message.blocks if "block_id" in block]
    if len(identities) != len(set(identities)) or any(len(one) > 255 for one in identities):
        faults.append("block ids")
    for model in Block.parse_all(message.blocks):
        model.validate_json()
    limits = {"section": 3000, "header": 150}
    for block in message.blocks:
        limit = limits.get(block["type"])
        if limit and "text" in block and units(block["text"]["text"]) > limit:
            faults.append(f"a {block['type']} that is too long")
        if len(block.get("fields", [])) > 10 or any(units(one["text"]) > 2000 for one in block.get("fields", [])):
            faults.append("fields")
        if len(block.get("elements", [])) > {"actions": 25, "context": 10}.get(block["type"], 999):
            faults.append(f"elements of {block['type']}")
        if block["type"] == "input":
            if units(block["label"]["text"]) > 2000 or units(block.get("hint", {"text": "-"})["text"]) > 2000:
                faults.append("a label or hint that is too long")
            faults += faults_of_element(block["element"])
    for one in inside(message.blocks):
        if one.get("type") == "button" and (units(one["text"]["text"]) > 75 or units(one["value"]) > 2000):
            faults.append("a button that is too long")
        if one.get("type") in {"plain_text", "mrkdwn"} and not one["text"].strip():
            faults.append("an empty text")
    if len([one for one in inside(message.blocks) if one.get("style") == "primary"]) > 1:
        faults.append("two primary buttons")
    return faults


def faults_of_element(element: dict[str, Any]) -> list[str]:
    faults = [] if 1 <= len(element["action_id"]) <= 255 else ["an action id"]
    groups = element.get("option_groups", [{"options": element.get("options", [])}])
    most = 10 if element["type"] == "radio_buttons" else 100
    if len(groups) > 100 or any(len(group["options"]) > most for group in groups):
        faults.append("too many options")
    options = [option for group in groups for option in group["options"]]
    for option in options:
        described = option.get("description", {"text": "-"})["text"]
        if units(option["text"]["text"]) > 75 or not 1 <= units(option["value"]) <= 150 or units(described) > 75:
            faults.append("an option that is too long or empty")
    if "initial_option" in element and element["initial_option"] not in options:
        faults.append("an initial option that is not offered")
    if element["type"] == "plain_text_input":
        length = element["max_length"]
        if not 1 <= length <= 3000 or units(element.get("initial_value", "")) > length:
            faults.append("a value longer than the input")
    return faults


@settings(max_examples=40)
@given(...)
def test_any_card_is_within_the_limits_of_slack(card: Card) -> None:
    one_primary = replace(
        card,
        actions=tuple(
            replace(action, emphasis=Emphasis.PLAIN) if number and action.emphasis is Emphasis.PRIMARY else action
            for number, action in enumerate(card.actions)
        ),
    )
    assert faults_of(render(one_primary, card_id="c1")) == []


@settings(max_examples=40)
@given(...)
def test_any_card_keeps_its_words(card: Card) -> None:
    message = render(card, card_id="c1")
    shown = words_of(message)
    words = [card.title, card.error, *card.text, *(fact.value for fact in card.facts)]
    words += [entry.label for entry in card.all_inputs()] + [entry.hint for entry in card.all_inputs()]
    words += [f"Error: {entry.error}" for entry in card.all_inputs() if entry.error]
    words += [entry.title for entry in card.inputs if isinstance(entry, InputGroup)]
    words += [action.label for action in card.actions]
    if card.why:
        words += [card.why.reason, card.why.place, *card.why.rules]
    for text in words:
        assert squeezed(text) in shown


@settings(max_examples=40)
@given(...)
def test_any_card_calls_nobody(card: Card) -> None:
    message = render(card, card_id="c1")
    texts = [one["text"] for one in inside(message.blocks) if isinstance(one.get("text"), str)]
    for text in [message.text, *texts]:
        assert "<!" not in text
        assert "<@" not in text
        assert "@here" not in text
    for one in inside(message.blocks):
        if one.get("type") == "mrkdwn":
            assert not set("<>") & set(one["text"])
            assert one["verbatim"] is True
        if one.get("type") == "plain_text":
            assert one["emoji"] is False


def test_slack_markup_in_a_text_is_escaped() -> None:
    assert escape("<!channel> & <http://example.org|here>") == (
        f"&lt;{WORD_JOINER}!channel&gt; &amp; &lt;http://example.org|here&gt;"
    )
    assert escape("@channel, priya@example.org") == f"@{WORD_JOINER}channel, priya@example.org"


def test_the_notification_says_what_the_card_is_about(full_card: Card) -> None:
    assert render(full_card, card_id="c1").text.startswith("Please answer: Audit of K7F-204.")
    assert render(Card("Overdue", tone=Tone.LATE), card_id="c1").text == "Overdue: Overdue."


def test_a_button_carries_verb_subject_and_card(full_card: Card) -> None:
    submit, later, decline = of_type(render(full_card, card_id="c1"), "button")
    assert json.loads(submit["value"]) == {"verb": "submit", "subject": "audit-7", "card_id": "c1"}
    assert (submit["style"], "style" in later, decline["style"]) == ("primary", False, "danger")
    assert len({one["action_id"] for one in (submit, later, decline)}) == 3


def test_an_error_stands_right_after_its_input(full_card: Card) -> None:
    blocks = render(full_card, card_id="c1").blocks
    place = next(number for number, one in enumerate(blocks) if one.get("element", {}).get("action_id") == "grade")
    assert blocks[place + 1]["text"]["text"] == "Error: Choose a grade."


def test_slack_gives_the_answers_back_by_the_names_of_the_inputs() -> None:
    state: dict[str, dict[str, dict[str, Any]]] = {
        "c1/a/1": {"a": {"type": "plain_text_input", "value": "typed"}},
        "c1/b/1": {"b": {"type": "plain_text_input", "value": None}},
        "c1/c/1": {"c": {"type": "datepicker", "selected_date": "2026-04-02"}},
        "c1/d/1": {"d": {"type": "radio_buttons", "selected_option": {"value": "good"}}},
        "c1/e/1": {"e": {"type": "static_select", "selected_option": None}},
    }
    assert answers(state) == {"a": "typed", "b": "", "c": "2026-04-02", "d": "good", "e": ""}


def test_a_choice_of_nothing_goes_to_slack_and_back() -> None:
    card = Card("x", inputs=(ChoiceInput("who", "Who", (Choice("", "Nobody"), Choice("p", "Priya"))),))
    (radios,) = of_type(render(card, card_id="c1"), "radio_buttons")
    assert answers({"b": {"who": {"selected_option": radios["options"][0]}}}) == {"who": ""}


def test_an_answer_sent_back_with_an_error_is_not_hidden_by_what_slack_remembers(full_card: Card) -> None:
    answered = full_card.answered({"rationale": "Because."}, {})
    before, after = (
        [one["block_id"] for one in of_type(render(card, card_id="c1"), "input")] for card in (full_card, answered)
    )
    changed = [old.split("/")[1] for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["rationale"]


def test_a_long_text_goes_on_in_the_next_block() -> None:
    paragraph = "A sentence of the text. " * 400
    message = render(Card("x", text=(paragraph,)), card_id="c1")
    assert faults_of(message) == []
    assert squeezed(paragraph) in words_of(message)


def test_a_text_too_long_for_a_message_says_that_it_was_shortened() -> None:
    message = render(Card("x", text=("word " * 60_000,), why=Why("Because.", "3.2")), card_id="c1")
    assert faults_of(message) == []
    assert "The text is shortened here" in words_of(message)
    assert "Because." in words_of(message)
    assert message.text.endswith("… (shortened here)")


def test_what_is_too_long_for_its_place_is_also_there_in_full() -> None:
    long = "a rather long piece of wording, " * 8 + "with an end"
    message = render(
        Card(
            long,
            facts=(Fact("Note", "fact " * 500), Fact(long * 8, "v")),
            inputs=(
                ChoiceInput("c", "Choose", (Choice("a", f"choice {long}", f"hint {long}"),)),
                TextInput("t", f"label {long * 8}", hint=f"advice {long * 8}"),
                InputGroup(f"group {long * 12}", ()),
            ),
            actions=(Action("go", f"button {long}"),),
        ),
        card_id="c1",
    )
    assert faults_of(message) == []
    shown = words_of(message)
    for text in (long, f"choice {long}", f"hint {long}", f"button {long}", "fact " * 500):
        assert squeezed(text) in shown
    for start in ("label", "advice", "group"):
        assert f"{start} {long}" in shown


def test_an_answer_longer_than_slack_takes_says_that_its_end_is_missing() -> None:
    message = render(Card("x", inputs=(TextInput("a", "A", "y" * 3500, length=5000),)), card_id="c1")
    assert faults_of(message) == []
    assert "its end is left out" in words_of(message)


def test_many_choices_become_a_drop_down_and_a_great_many_are_grouped() -> None:
    def kinds(count: int) -> dict[str, Any]:
        choices = tuple(Choice(str(number), f"Person {number}") for number in range(count))
        message = render(Card("x", inputs=(ChoiceInput("c", "Who", choices, value="7"),)), card_id="c1")
        assert faults_of(message) == []
        return dict(message.blocks[2]["element"])

    assert kinds(10)["type"] == "radio_buttons"
    assert kinds(11)["type"] == "static_select"
    assert len(kinds(250)["option_groups"]) == 3
    assert kinds(250)["initial_option"]["value"] == "7"


def test_a_choice_without_choices_says_so() -> None:
    message = render(Card("x", inputs=(ChoiceInput("c", "Who", ()),)), card_id="c1")
    assert "Who: There is nothing to choose from yet." in words_of(message)


def test_a_narrow_table_is_lined_up_and_a_wide_one_is_read_row_by_row(full_card: Card) -> None:
    narrow = of_type(render(full_card, card_id="c1"), "rich_text_preformatted")
    assert "Month     Grade\nFebruary  Good" in narrow[0]["elements"][0]["text"]
    wide = Table("Actions", ("Case", "What"), (("K7F-204", "Update the chronology " * 4),))
    message = render(Card("x", table=wide), card_id="c1")
    assert not of_type(message, "rich_text_preformatted")
    assert "Case: K7F-204; What: Update the chronology" in words_of(message)


@pytest.mark.parametrize("width", [1, 90])
def test_a_table_too_long_for_slack_says_how_much_is_missing(width: int) -> None:
    rows = tuple((f"K7F-{number}", "x" * width) for number in range(500))
    message = render(Card("x", table=Table("Overdue", ("Case", "Due"), rows)), card_id="c1")
    assert faults_of(message) == []
    shown = words_of(message).count("K7F-")
    assert 10 < shown < 500
    assert f"and {500 - shown} more rows" in words_of(message)


def test_a_table_or_chart_without_rows_says_so() -> None:
    card = Card("x", table=Table("Overdue", ("Case",), (), "Nothing is overdue."), bars=Bars("Grades", ()))
    shown = words_of(render(card, card_id="c1"))
    assert "Overdue: Nothing is overdue." in shown
    assert "Grades Nothing to show." in shown


def test_bars_are_numbers_in_words(full_card: Card) -> None:
    assert "• Good: 12 • Requires improvement: 5 • Inadequate: 0" in words_of(render(full_card, card_id="c1"))


def test_the_bounds_of_a_date_are_said_because_slack_cannot_hold_them() -> None:
    card = Card("x", inputs=(DateInput("d", "Day", "2026-04-07", earliest="2026-04-02", latest="2026-04-10"),))
    (block,) = of_type(render(card, card_id="c1"), "input")
    assert block["hint"]["text"] == "From Thu 2 Apr 2026 to Fri 10 Apr 2026."
    assert block["element"]["initial_date"] == "2026-04-07"


def test_thirty_buttons_are_spread_over_two_rows() -> None:
    message = render(Card("x", actions=tuple(Action("go", f"Go {n}", str(n)) for n in range(30))), card_id="c1")
    assert [len(block["elements"]) for block in of_type(message, "actions")] == [25, 5]


def test_a_form_too_large_for_a_message_is_refused_in_words() -> None:
    inputs = tuple(TextInput(f"a{number}", "A") for number in range(60))
    with pytest.raises(CardTooLarge, match="takes 62 blocks and a Slack message has at most 50"):
        render(Card("x", inputs=inputs), card_id="c1")


def test_a_subject_too_long_for_a_button_is_refused_in_words() -> None:
    with pytest.raises(CardTooLarge, match="Slack takes 2000"):
        render(Card("x", actions=(Action("go", "Go", "s" * 2000),)), card_id="c1")


def test_two_inputs_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="is taken or empty"):
        render(Card("x", inputs=(TextInput("a", "A"), TextInput("a", "B"))), card_id="c1")


@settings(max_examples=40)
@given(...)
def test_a_text_cut_into_pieces_loses_no_word(text: str) -> None:
    cut = pieces(text, 7)
    assert all(units(piece) <= 7 for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_a_cut_never_splits_an_emoji() -> None:
    assert shortened("ab🙂🙂", 5, "…") == "ab🙂…"
