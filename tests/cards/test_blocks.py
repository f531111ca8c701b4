import html
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from cards.blocks import MOST_BLOCKS, MOST_WEIGHT, BlockMessage, Picture, escape, render, render_all
from cards.card import (
    Action,
    Bars,
    Card,
    Choice,
    ChoiceInput,
    Download,
    Emphasis,
    Fact,
    InputGroup,
    Table,
    TextInput,
    Tone,
    Why,
)
from cards.limits import CardTooLarge, pieces, shortened, units
from tests.cards.conftest import HOSTILE
from tests.cards.slack import Sent, all_of, faults_of, inside, of_type
from tests.slack.limits import weight_of

WORD_JOINER = "\u2060"
PICTURE = Picture("F012AB3CD", "Completed 12, moderated 3.")


def with_one_primary(card: Card) -> Card:
    """The card as the neutral model promises it: with at most one primary action."""
    first = next((one for one in card.actions if one.emphasis is Emphasis.PRIMARY), None)
    plain = (one if one is first else replace(one, emphasis=Emphasis.PLAIN) for one in card.actions)
    return replace(card, actions=tuple(plain))


def sent(messages: Iterable[BlockMessage]) -> list[Sent]:
    return [Sent("Message", {"text": one.text, "blocks": one.blocks}) for one in messages]


def words_of(*shown: Any) -> str:
    """What a person reads, with Slack's escapes and the invisible marks taken away again."""
    texts = [
        html.unescape(one["text"]) if one.get("type") == "mrkdwn" else one["text"]
        for one in inside([one.blocks if isinstance(one, BlockMessage) else one for one in shown])
        if isinstance(one.get("text"), str)
    ]
    return squeezed(" ".join(texts))


def mutable(value: Any) -> list[Any]:
    """The value and all that is in it, as far as somebody could change it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, dict | list) + [found for one in inner for found in mutable(one)]


def squeezed(text: str) -> str:
    kept = text.replace(WORD_JOINER, "").translate({0x2217: "*", 0x223C: "~", 0x2CB: "`", 0x2CD: "_"})
    return " ".join(kept.split())


@settings(max_examples=50)
@given(...)
def test_all_that_slack_is_sent_of_any_card_passes_every_check(card: Card) -> None:
    assert faults_of(all_of(with_one_primary(card))) == []


@settings(max_examples=30)
@given(...)
def test_anything_that_slack_is_sent_is_as_the_library_would_have_formed_it(card: Card) -> None:
    for one in all_of(with_one_primary(card)):
        formed = [block.to_dict() for block in Block.parse_all(one.blocks)]
        assert json.dumps(formed) == json.dumps(one.blocks)
        if one.kind != "Message":
            assert json.dumps(View(**one.payload).to_dict()) == json.dumps(one.payload)


@settings(max_examples=20)
@given(...)
def test_what_is_changed_in_one_message_or_form_shows_in_no_other(card: Card) -> None:
    first, second = ([found for one in all_of(card) for found in mutable(one.payload)] for _ in range(2))
    assert len({id(one) for one in (*first, *second)}) == len(first) + len(second)


def test_what_is_sent_again_is_made_without_forming_its_elements_anew(
    full_card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = all_of(full_card)

    def formed(*_: object) -> None:
        raise AssertionError("an element was formed anew")

    monkeypatch.setattr(JsonObject, "validate_json", formed)
    monkeypatch.setattr(JsonObject, "get_non_null_attributes", formed)
    assert all_of(full_card) == first
    assert "Hello" in words_of(render(replace(full_card, title="Hello"), card_id="c2"))


@settings(max_examples=40)
@given(...)
def test_any_card_keeps_its_words(card: Card) -> None:
    shown = words_of(render(card, card_id="c1"))
    words = [card.title, card.error, *card.text, *(fact.value for fact in card.facts)]
    words += [f"Error: {entry.label}: {entry.error}" for entry in card.all_inputs() if entry.error]
    words += [action.label for action in card.actions]
    if card.table:
        words += [cell for row in card.table.rows for cell in row]
    if card.why:
        words += [card.why.reason, card.why.place, *card.why.rules]
    for text in words:
        assert squeezed(text) in shown


@settings(max_examples=40)
@given(...)
def test_a_message_asks_nothing_by_itself(card: Card) -> None:
    message = render(card, card_id="c1")
    assert of_type(message.blocks, "input") == []
    kinds = [button["action_id"].partition("-")[0] for button in of_type(message.blocks, "button")]
    assert all(kind == "press" for kind in kinds) or card.all_inputs()


def test_slack_markup_in_a_text_is_escaped() -> None:
    assert escape("<!channel> & <http://example.org|here>") == (
        f"&lt;{WORD_JOINER}!channel&gt; &amp; &lt;http://example.org|here&gt;"
    )
    assert escape("@channel, priya@example.org") == f"@{WORD_JOINER}channel, priya@example.org"


@pytest.mark.parametrize("name", [*HOSTILE, "<@U012AB3CD>", "<!here>", "*Ann* _Archer_", "@everyone", "<#C1|x>", "`x`"])
def test_a_name_is_shown_as_it_was_written_and_calls_nobody(name: str) -> None:
    card = Card(
        name,
        text=(name,),
        tone=Tone.ASK,
        facts=(Fact(name, name),),
        table=Table(name, (name, "Due"), ((name, "Thu 2 Apr 2026"),)),
        bars=Bars(name, ((name, 1),)),
        inputs=(
            ChoiceInput("to", name, (Choice("1", name, name), Choice("2", name)), value="1", hint=name, error=name),
            InputGroup(name, (TextInput("why", name, name, name, name),)),
        ),
        actions=(Action("go", name, "1", Emphasis.PRIMARY),),
        why=Why(name, name, (name,)),
        error=name,
        downloads=(Download(name, name, "text/calendar", b""),),
    )
    found = all_of(card)
    assert faults_of(found) == []
    for one in found:
        assert words_of(one.blocks).count(squeezed(name)) >= 5
        assert "<!" not in one.payload.get("text", "")
        assert "<@" not in one.payload.get("text", "")
    marked = [text["text"] for one in found for text in of_type(one.blocks, "mrkdwn")]
    tables = [text.removeprefix("```").removesuffix("```") for text in marked if text.startswith("```")]
    labels = [text for text in marked if not text.startswith("```")]
    assert tables
    assert labels
    assert not any("`" in table or "<" in table for table in tables)
    assert all(label[0] == label[-1] == "*" and not set("*`~") & set(label[1:-1]) for label in labels)


def test_the_notification_says_what_the_card_is_about(full_card: Card) -> None:
    text = render(full_card, card_id="c1").text
    assert text.startswith("Please answer: Audit of K7F-204. Error: One answer is still missing.")
    assert render(Card("Overdue", tone=Tone.LATE), card_id="c1").text == "Overdue."
    assert render(Card("", tone=Tone.ALERT), card_id="c1").text == "Safety alert."


def test_whoever_hears_the_text_only_hears_the_table_and_the_numbers_too(full_card: Card) -> None:
    text = render(full_card, card_id="c1").text
    for words in ("Case: K7F-204.", "Month: February; Grade: Good.", "Requires improvement: 5", "(session.ics)"):
        assert words in text


def test_a_title_does_not_say_twice_what_kind_of_card_it_is() -> None:
    message = render(Card("Safety alert: K7F-204", tone=Tone.ALERT), card_id="c")
    assert [one["type"] for one in message.blocks] == ["header"]
    assert words_of(message) == "⚠ Safety alert: K7F-204"


def test_a_button_carries_verb_subject_and_card(full_card: Card) -> None:
    submit, later, decline = of_type(render(full_card, card_id="c1").blocks, "button")
    assert json.loads(submit["value"]) == {"verb": "submit", "subject": "audit-7", "card_id": "c1"}
    assert (submit["style"], "style" in later, decline["style"]) == ("primary", False, "danger")


def test_a_button_that_needs_answers_opens_a_form_and_any_other_acts_at_once(full_card: Card) -> None:
    buttons = of_type(render(full_card, card_id="c1").blocks, "button")
    assert [one["action_id"] for one in buttons] == ["form-1", "press-2", "form-3"]
    without = replace(full_card, inputs=())
    buttons = of_type(render(without, card_id="c1").blocks, "button")
    assert [one["action_id"] for one in buttons] == ["press-1", "press-2", "press-3"]


def test_an_action_that_only_takes_along_what_was_typed_acts_at_once_beside_the_form() -> None:
    asked = (TextInput("why", "Why this grade?"),)
    submit = Action("submit", "Send the audit", "7", Emphasis.PRIMARY)
    by_heading = Action("grade_sections", "Grade by heading", "7")
    both = of_type(render(Card("x", inputs=asked, actions=(submit, by_heading)), card_id="c").blocks, "button")
    alone = of_type(render(Card("x", inputs=asked, actions=(by_heading,)), card_id="c").blocks, "button")
    assert [one["action_id"] for one in (*both, *alone)] == ["form-1", "press-2", "form-1"]


def test_what_was_wrong_with_an_answer_is_said_where_there_is_no_input_to_stand_beside(full_card: Card) -> None:
    assert "Error: Overall grade: Choose a grade." in words_of(render(full_card, card_id="c1"))


def test_a_long_text_goes_on_in_the_next_block_and_is_not_folded_away() -> None:
    paragraph = "A sentence of the text. " * 400
    message = render(Card("x", text=(paragraph,)), card_id="c1")
    assert faults_of(sent([message])) == []
    assert squeezed(paragraph) in words_of(message)
    assert all(one["expand"] for one in of_type(message.blocks, "section"))


def test_a_text_too_long_for_a_message_says_that_it_was_shortened() -> None:
    card = Card("x", text=("word " * 60_000,), facts=(Fact("Case", "K7F-204"),), why=Why("Because.", "3.2"))
    message = render(card, card_id="c1")
    assert faults_of(sent([message])) == []
    assert weight_of(message.blocks) > 0.95 * MOST_WEIGHT
    for words in ("… The text is shortened here.", "K7F-204", "Because."):
        assert words in words_of(message)
    assert message.text.endswith("… (shortened here)")


def test_a_text_too_long_for_a_message_goes_on_in_the_next_and_nothing_is_lost() -> None:
    text = " ".join(f"word{number}" for number in range(9_000))
    card = Card(
        "The whole story", text=(text,), tone=Tone.ASK, actions=(Action("go", "Go"),), why=Why("Because.", "3.2")
    )
    messages = render_all(card, card_id="c1")
    assert faults_of(sent(messages)) == []
    count = len(messages)
    assert count > 5
    assert [[one["action_id"] for one in of_type(message.blocks, "button")] for message in messages] == [
        *[[]] * (count - 1),
        ["press-1"],
    ]
    for number, message in enumerate(messages, start=1):
        assert f"Part {number} of {count}" in words_of(message)
        assert f"Part {number} of {count}" in message.text
        assert "The whole story" in message.text
    said = words_of(*messages).split()
    assert [word for word in said if word.startswith("word")] == text.split()


def test_what_fits_into_one_message_is_one_message(full_card: Card) -> None:
    assert render_all(full_card, card_id="c1") == [render(full_card, card_id="c1")]


@pytest.mark.parametrize("width", [1, 90])
def test_a_long_table_goes_over_several_messages_with_its_headings_in_each(width: int) -> None:
    rows = tuple((f"K7F-{number:04}", "x" * width) for number in range(1200))
    card = Card("Overdue audits", table=Table("Overdue", ("Case", "Due"), rows), actions=(Action("go", "Go"),))
    messages = render_all(card, card_id="c1")
    assert faults_of(sent(messages)) == []
    assert len(messages) > 1
    seen = [word.removesuffix(";") for word in words_of(*messages).split() if word.startswith("K7F-")]
    assert seen == [row[0] for row in rows]
    for message in messages:
        assert "Case" in words_of(message)
        assert [one["type"] for one in message.blocks][-1] not in ("header", "context")


@pytest.mark.parametrize("width", [1, 90])
def test_a_table_too_long_for_one_message_says_how_much_is_missing(width: int) -> None:
    rows = tuple((f"K7F-{number}", "x" * width) for number in range(2000))
    message = render(Card("x", table=Table("Overdue", ("Case", "Due"), rows)), card_id="c1")
    assert faults_of(sent([message])) == []
    shown = words_of(message).count("K7F-")
    assert 50 < shown < 2000
    assert weight_of(message.blocks) > 0.95 * MOST_WEIGHT
    assert f"and {2000 - shown} more rows" in words_of(message)


def test_no_caption_stands_alone_at_the_foot_of_a_message() -> None:
    rows = tuple((f"K7F-{number}", "y" * 50) for number in range(100))
    for length in range(8_000, 11_000, 250):
        card = Card("x", text=("w" * length,), table=Table("Overdue audits", ("Case", "Due"), rows))
        for message in render_all(card, card_id="c"):
            assert "Overdue audits" not in words_of(message.blocks[-1])


def test_what_stands_last_is_left_out_in_words_where_facts_alone_are_too_long() -> None:
    facts = tuple(Fact(f"Fact {number}", "v" * 900) for number in range(30))
    card = Card("x", facts=facts, actions=(Action("go", "Go"),))
    message = render(card, card_id="c")
    assert faults_of(sent([message])) == []
    shown = words_of(message).count("Fact ")
    assert f"{30 - shown} more parts of this message are left out here." in words_of(message)
    assert len(of_type(message.blocks, "button")) == 1
    assert words_of(*render_all(card, card_id="c")).count("Fact ") == 30


def test_what_is_too_long_for_its_place_is_also_there_in_full() -> None:
    long = "a rather long piece of wording, " * 8 + "with an end"
    card = Card(
        long,
        facts=(Fact("Note", "fact " * 500), Fact(long * 2, "v")),
        actions=(Action("go", f"button {long}"),),
    )
    message = render(card, card_id="c1")
    assert faults_of(sent([message])) == []
    for text in (long, f"{long * 2}: v", f"button {long}", "fact " * 500):
        assert squeezed(text) in words_of(message)


def test_short_facts_stand_in_two_columns_and_an_empty_one_is_shown_as_empty() -> None:
    facts = (Fact("Case", "K7F-204"), Fact("Reason", " "), *(Fact(f"F{number}", "v") for number in range(4)))
    first, second = of_type(render(Card("x", facts=facts), card_id="c").blocks, "section")
    assert [one["text"] for one in first["fields"][:4]] == ["*Case*", "K7F-204", "*Reason*", "–"]
    assert (len(first["fields"]), len(second["fields"])) == (10, 2)


def test_a_narrow_table_is_lined_up_and_a_wide_one_is_read_row_by_row(full_card: Card) -> None:
    narrow = "```Month     Grade\nFebruary  Good\nJanuary   Requires improvement```"
    assert narrow in [one["text"] for one in of_type(render(full_card, card_id="c1").blocks, "mrkdwn")]
    wide = Table("Actions", ("Case", "What"), (("K7F-204", "Update the chronology " * 4),))
    message = render(Card("x", table=wide), card_id="c1")
    assert "```" not in json.dumps(message.blocks)
    assert "Case: K7F-204; What: Update the chronology" in words_of(message)


def test_no_cell_of_a_table_is_markup_or_ends_it() -> None:
    table = Table("Names", ("Who", "What"), (("<!channel> ``` <@U1>", "*a* & `b`"),))
    (shown,) = [one for one in of_type(render(Card("x", table=table), card_id="c").blocks, "section") if "text" in one][
        1:
    ]
    words = shown["text"]["text"]
    assert words.count("`") == 6
    assert "&lt;\u2060!channel&gt;" in words
    assert "&amp;" in words
    many = Table("Names", ("Who", "What"), (("<" * 20, "&" * 20),) * 200)
    assert faults_of(sent(render_all(Card("x", table=many), card_id="c"))) == []


def test_a_row_longer_than_a_block_is_whole_all_the_same() -> None:
    row = "An action in many words. " * 300
    messages = render_all(Card("x", table=Table("Actions", ("What",), ((row,), ("short",)))), card_id="c")
    assert faults_of(sent(messages)) == []
    assert squeezed(row) in words_of(*messages)


def test_rows_that_are_longer_or_shorter_than_the_headings_are_shown_whole() -> None:
    for cell in ("c", "c" * 80):
        table = Table("", ("A", "B"), (("a", "b", cell), ("a",), ("", "")))
        message = render(Card("x", table=table), card_id="c")
        assert faults_of(sent([message])) == []
        assert cell in words_of(message)


def test_a_table_or_chart_without_rows_says_so() -> None:
    card = Card("x", table=Table("Overdue", ("Case",), (), "Nothing is overdue."), bars=Bars("Grades", ()))
    shown = words_of(render(card, card_id="c1"))
    assert "Overdue: Nothing is overdue." in shown
    assert "*Grades* Nothing to show." in shown


def test_bars_are_numbers_in_words(full_card: Card) -> None:
    assert "• Good: 12 • Requires improvement: 5 • Inadequate: 0" in words_of(render(full_card, card_id="c1"))


def test_a_picture_stands_between_the_caption_and_the_numbers_and_says_the_same(full_card: Card) -> None:
    blocks = render(full_card, card_id="c1", picture=PICTURE).blocks
    place = next(number for number, one in enumerate(blocks) if one["type"] == "image")
    assert blocks[place] == {
        "type": "image",
        "slack_file": {"id": "F012AB3CD"},
        "alt_text": "Completed 12, moderated 3.",
    }
    assert words_of(blocks[place - 1]) == "*Grades this quarter*"
    assert words_of(blocks[place + 1]).startswith("• Good: 12")


def test_a_picture_always_has_words_and_never_too_many() -> None:
    card = Card("How things stand", bars=Bars("Audits", (("Completed", 12),)))
    for alt, said in (("", "Audits"), (" ", "Audits"), ("w" * 3000, "w… (shortened here)")):
        (image,) = of_type(render(card, card_id="c", picture=Picture("F1", alt)).blocks, "image")
        assert image["alt_text"].endswith(said)
        assert units(image["alt_text"]) <= 2000
    (image,) = of_type(render(replace(card, bars=None), card_id="c", picture=Picture("F1", "")).blocks, "image")
    assert image["alt_text"] == "How things stand"


def test_a_picture_is_in_one_of_several_messages() -> None:
    bars = Bars("Audits", (("Completed", 12),))
    messages = render_all(Card("x", text=("w " * 15_000,), bars=bars), card_id="c", picture=PICTURE)
    assert faults_of(sent(messages)) == []
    assert [len(of_type(one.blocks, "image")) for one in messages] == [*[0] * (len(messages) - 1), 1]


def test_nothing_empty_is_sent_of_an_empty_card() -> None:
    card = Card(
        " ",
        text=("", " "),
        facts=(Fact("", ""),),
        table=Table("", ("",), (("",),)),
        bars=Bars("", (("", 0),)),
        inputs=(ChoiceInput("a", "", (Choice("", ""),)), TextInput("b", " "), InputGroup("", ())),
        actions=(Action("go", "", "1"), Action("no", " ", "1", inputs=())),
        why=Why("", ""),
    )
    assert faults_of(all_of(card)) == []


def test_thirty_buttons_are_spread_over_two_rows() -> None:
    message = render(Card("x", actions=tuple(Action("go", f"Go {n}", str(n)) for n in range(30))), card_id="c1")
    rows = of_type(message.blocks, "actions")
    assert [len(block["elements"]) for block in rows] == [25, 5]
    assert len({one["action_id"] for one in of_type(rows, "button")}) == 30


def test_more_buttons_than_a_message_holds_are_refused_in_words() -> None:
    card = Card("x", actions=tuple(Action("go", f"Press this long one {n}" * 3, str(n)) for n in range(300)))
    with pytest.raises(CardTooLarge, match=f"more than the {MOST_BLOCKS} blocks and {MOST_WEIGHT} characters"):
        render(card, card_id="c1")


def test_a_subject_too_long_for_a_button_is_refused_in_words() -> None:
    with pytest.raises(CardTooLarge, match="Slack takes 2000"):
        render(Card("x", actions=(Action("go", "Go", "s" * 2000),)), card_id="c1")


def test_two_inputs_of_one_name_are_refused() -> None:
    card = Card("x", inputs=(TextInput("a", "A"), TextInput("a", "B")))
    for made in (render, render_all):
        with pytest.raises(ValueError, match="is taken or empty"):
            made(card, card_id="c1")


@settings(max_examples=40)
@given(...)
def test_a_text_cut_into_pieces_loses_no_word(text: str) -> None:
    cut = pieces(text, 7)
    assert all(units(piece) <= 7 for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_a_cut_never_splits_an_emoji() -> None:
    assert shortened("ab🙂🙂", 5, "…") == "ab🙂…"
