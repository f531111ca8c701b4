import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft6Validator

from cards.adaptive import MOST_BYTES, literal, render
from cards.card import Action, Card, Choice, ChoiceInput, DateInput, Fact, InputGroup, Table, TextInput, Why
from cards.limits import CardTooLarge

DEFINITIONS = json.loads(files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text("utf-8"))["definitions"]

# Where the schema offers all kinds of elements, the name of the kind decides; each is then checked by its own
# definition. The schema as it is tries every kind at every depth, and says only that none of them fits.
SHALLOW = {
    name: {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": re.findall(r"#/definitions/([\w.]+)", json.dumps(definition))}},
    }
    if name.startswith("ImplementationsOf.")
    else definition
    for name, definition in DEFINITIONS.items()
}


def faults_of(card: dict[str, Any]) -> list[str]:
    """Where the card breaks the published schema 1.5; `msteams` is an extension of Teams and not in it."""
    checked = {key: value for key, value in card.items() if key != "msteams"}
    return [
        f"{one['type']}{error.json_path[1:]}: {error.message}"
        for one in inside(checked)
        if one.get("type") in SHALLOW
        for error in Draft6Validator({"definitions": SHALLOW, "$ref": f"#/definitions/{one['type']}"}).iter_errors(one)
    ]


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the JSON, the outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from inside(inner)


def of_type(card: dict[str, Any], *types: str) -> list[dict[str, Any]]:
    return [one for one in inside(card) if one.get("type") in types]


def words_of(card: dict[str, Any]) -> str:
    """What a person reads, with the escapes of Markdown taken away again."""
    keys = ("text", "title", "value", "label")
    texts = [str(one[key]) for one in inside(card) for key in keys if isinstance(one.get(key), str)]
    return squeezed(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", " ".join(texts)))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def plain_words_of(card: dict[str, Any]) -> str:
    """The same without undoing escapes, for what Teams doesn't read as Markdown."""
    return squeezed(" ".join(str(one.get(key, "")) for one in inside(card) for key in ("title", "label")))


@settings(max_examples=40)
@given(...)
def test_any_card_is_a_valid_adaptive_card(card: Card) -> None:
    rendered = render(card, card_id="c1")
    assert faults_of(rendered) == []
    assert len(json.dumps(rendered, ensure_ascii=False).encode("utf-16-le")) <= MOST_BYTES


def test_the_check_by_the_schema_sees_what_is_wrong(full_card: Card) -> None:
    rendered = render(full_card, card_id="c1")
    assert faults_of(rendered) == []
    rendered["body"][0]["wrapped"] = True
    rendered["body"][1]["size"] = "Huge"
    rendered["actions"][0]["fallback"]["associatedInputs"] = "some"
    assert len(faults_of(rendered)) == 3


@settings(max_examples=40)
@given(...)
def test_any_card_keeps_its_words(card: Card) -> None:
    rendered = render(card, card_id="c1")
    shown, plain = words_of(rendered), plain_words_of(rendered)
    words = [card.title, card.error, *card.text, *(fact.value for fact in card.facts)]
    words += [entry.hint for entry in card.all_inputs()]
    words += [f"Error: {entry.error}" for entry in card.all_inputs() if entry.error]
    if card.why:
        words += [card.why.reason, card.why.place, *card.why.rules]
    for text in words:
        assert squeezed(text) in shown
    for text in [entry.label for entry in card.all_inputs()] + [action.label for action in card.actions]:
        assert squeezed(text) in plain


@settings(max_examples=40)
@given(...)
def test_any_card_wraps_its_text_and_names_its_inputs_once(card: Card) -> None:
    rendered = render(card, card_id="c1")
    assert all(block["wrap"] for block in of_type(rendered, "TextBlock"))
    names = [entry["id"] for entry in inside(rendered) if str(entry.get("type")).startswith("Input.")]
    assert names == [entry.name for entry in card.all_inputs()]
    identities = [one["id"] for one in inside(rendered) if "id" in one]
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*x*", r"\*x\*"),
        ("[a](http://example.org)", r"\[a\](http://example.org)"),
        ("_it_", r"\_it\_"),
        ("K7F_204", "K7F_204"),
        ("- dash", r"\- dash"),
        ("12. twelfth", r"12\. twelfth"),
        ("# head", r"\# head"),
        ("`code` ~st~", r"\`code\` \~st\~"),
        ("back\\slash", r"back\\slash"),
        ("&lt;", r"\&lt;"),
        ("this & that", "this & that"),
        ("{{DATE(2026-04-02T09:00:00Z)}}", r"\{{DATE(2026-04-02T09:00:00Z)}}"),
        ("one\ntwo", "one\n\ntwo"),
        ("    indented", "indented"),
        ("D-1, 2026-04-02", "D-1, 2026-04-02"),
    ],
)
def test_text_is_shown_as_it_was_written(text: str, shown: str) -> None:
    assert literal(text) == shown


def test_a_button_sends_verb_subject_and_card_both_ways(full_card: Card) -> None:
    submit, later, decline = render(full_card, card_id="c1")["actions"]
    assert (submit["type"], submit["verb"], submit["style"]) == ("Action.Execute", "submit", "positive")
    assert submit["data"] == {"subject": "audit-7", "card_id": "c1"}
    assert submit["fallback"]["type"] == "Action.Submit"
    assert submit["fallback"]["data"] == {"subject": "audit-7", "card_id": "c1", "verb": "submit"}
    assert (later["associatedInputs"], later["fallback"]["associatedInputs"]) == ("none", "none")
    assert (decline["associatedInputs"], decline["style"]) == ("auto", "destructive")


def test_an_error_stands_right_beside_its_input(full_card: Card) -> None:
    body = render(full_card, card_id="c1")["body"]
    place = next(number for number, one in enumerate(body) if one.get("id") == "grade")
    assert body[place + 1]["text"] == "Error: Choose a grade."
    assert body[place + 1]["color"] == "Attention"


def test_a_second_sending_button_lifts_what_teams_would_insist_on() -> None:
    asked = (TextInput("a", "A", required=True),)
    alone = Card("x", inputs=asked, actions=(Action("go", "Go"), Action("no", "No", inputs=())))
    (only,) = of_type(render(alone, card_id="c"), "Input.Text")
    assert only["isRequired"] is True
    assert only["errorMessage"]
    both = replace(alone, actions=(Action("go", "Go"), Action("draft", "Save a draft")))
    (one,) = of_type(render(both, card_id="c"), "Input.Text")
    assert "isRequired" not in one
    assert one["label"] == "A (required)"


def test_teams_never_insists_on_what_it_has_folded_away() -> None:
    group = InputGroup("More", (TextInput("a", "A", required=True),), folded=True)
    rendered = render(Card("x", inputs=(group,), actions=(Action("go", "Go"),)), card_id="c")
    assert "isRequired" not in of_type(rendered, "Input.Text")[0]


def test_a_folded_group_opens_at_the_press_of_a_button(full_card: Card) -> None:
    rendered = render(full_card, card_id="c1")
    toggles = of_type(rendered, "Action.ToggleVisibility")
    assert [one["title"] for one in toggles] == ["Show or hide: Remedial action 1", "Why am I being asked?"]
    for toggle in toggles:
        (target,) = toggle["targetElements"]
        hidden = next(one for one in inside(rendered) if one.get("id") == target)
        assert hidden["isVisible"] is False


def test_dates_and_choices_carry_only_values_that_teams_can_show() -> None:
    card = Card(
        "x",
        inputs=(
            DateInput("d", "Day", "next Tuesday", earliest="2026-04-02"),
            ChoiceInput("c", "Who", (Choice("p", "Priya", "team manager"),), value="gone"),
        ),
    )
    rendered = render(card, card_id="c")
    (day,) = of_type(rendered, "Input.Date")
    (who,) = of_type(rendered, "Input.ChoiceSet")
    assert ("value" in day, day["min"], "value" in who) == (False, "2026-04-02", False)
    assert who["choices"] == [{"title": "Priya – team manager", "value": "p"}]
    assert "You gave “next Tuesday”." in words_of(rendered)


def test_lengths_are_whole_numbers() -> None:
    assert '"maxLength": 2000,' in json.dumps(render(Card("x", inputs=(TextInput("a", "A"),)), card_id="c"))


def test_a_table_can_be_read_where_tables_are_unknown(full_card: Card) -> None:
    table = of_type(render(full_card, card_id="c1"), "Table")[0]
    assert "Month: February; Grade: Good" in words_of(table["fallback"])


def test_a_table_too_long_for_teams_says_how_much_is_missing() -> None:
    rows = tuple((f"K7F-{number}", "Thu 2 Apr 2026") for number in range(400))
    rendered = render(Card("Overdue", table=Table("Overdue", ("Case", "Due"), rows)), card_id="c")
    shown = len(of_type(rendered, "TableRow")) - 1
    assert 10 < shown < 400
    assert f"and {400 - shown} more rows" in words_of(rendered)
    assert len(json.dumps(rendered, ensure_ascii=False).encode("utf-16-le")) <= MOST_BYTES


def test_a_card_that_cannot_be_made_to_fit_is_refused_in_words() -> None:
    with pytest.raises(CardTooLarge, match=r"takes \d+\.\d KB and at most 24 KB"):
        render(Card("x", text=("word " * 4000,)), card_id="c")


def test_a_seventh_button_is_refused_in_words() -> None:
    with pytest.raises(CardTooLarge, match="7 buttons and Teams shows 6"):
        render(Card("x", actions=tuple(Action("go", f"Go {number}") for number in range(7))), card_id="c")


@pytest.mark.parametrize("name", ["verb", "subject", "card_id"])
def test_an_input_may_not_pose_as_the_data_of_a_button(name: str) -> None:
    with pytest.raises(ValueError, match="is taken or empty"):
        render(Card("x", inputs=(TextInput(name, "A"),)), card_id="c")


def test_names_in_facts_and_reasons_make_no_link_and_no_emphasis() -> None:
    card = Card("*a*", facts=(Fact("_b_", "[c](http://example.org)"),), why=Why("**d**", "`e`"))
    rendered = render(card, card_id="c")
    (facts,) = of_type(rendered, "FactSet")
    assert facts["facts"] == [{"title": r"\_b\_", "value": r"\[c\](http://example.org)"}]
    assert [one["text"] for one in of_type(rendered, "TextBlock")][1] == r"\*a\*"
    assert r"\*\*d\*\*" in json.dumps(rendered).replace("\\\\", "\\")
