import gc
import json
import re
import weakref
from dataclasses import replace
from typing import Any

import microsoft_teams.cards
import pytest
from hypothesis import given, settings
from pydantic import BaseModel

from cards.adaptive import MOST_BYTES, answers, literal, render
from cards.adaptive.buttons import MOST_REFRESHED
from cards.card import (
    Action,
    Bars,
    Card,
    Choice,
    ChoiceInput,
    DateInput,
    Download,
    Emphasis,
    Fact,
    Input,
    InputGroup,
    Table,
    TextInput,
    Tone,
    Why,
)
from cards.limits import CardTooLarge
from cards.moulds import Mould, Written
from tests.cards.checks import CHART, faults_of, inside, of_type, size_of

INVITATION = Download("Add to your calendar", "audit-K7F-204.ics", "text/calendar", b"BEGIN:VCALENDAR", "audit/7")
LINK = "https://auditloop.example.gov.uk/calendar/7"


def words_of(card: dict[str, Any]) -> str:
    """What a person reads, with the escapes of Markdown taken away again."""
    keys = ("text", "title", "value", "label")
    texts = [str(one[key]) for one in inside(card) for key in keys if isinstance(one.get(key), str)]
    return squeezed(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", " ".join(texts)))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def plain_words_of(card: dict[str, Any]) -> str:
    """The same without undoing escapes, for what Teams doesn't read as Markdown."""
    texts = " ".join(str(one.get(key, "")) for one in inside(card) for key in ("title", "label"))
    return squeezed(texts).replace("\u2060", "")


ELEMENTS: dict[str, type[BaseModel]] = {
    one.model_fields["type"].default: one
    for one in vars(microsoft_teams.cards).values()
    if isinstance(one, type) and issubclass(one, BaseModel) and "type" in one.model_fields
}
"""Every element that the library of Microsoft knows, by what its JSON calls it."""


def mutable(value: Any) -> list[Any]:
    """The value and all that is in it, as far as somebody could change it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, dict | list) + [found for one in inner for found in mutable(one)]


def with_one_primary(card: Card) -> Card:
    """The card as the neutral model promises it: with at most one primary action."""
    first = next((one for one in card.actions if one.emphasis is Emphasis.PRIMARY), None)
    plain = (one if one is first else replace(one, emphasis=Emphasis.PLAIN) for one in card.actions)
    return replace(card, actions=tuple(plain))


@settings(max_examples=60)
@given(...)
def test_any_card_passes_every_check(card: Card) -> None:
    people = tuple(f"29:person-{number}" for number in range(5))
    whole = with_one_primary(card)
    rendered = [
        render(whole, card_id="c1"),
        render(whole, card_id="c1", links=lambda _: LINK, refresh_for=people),
    ]
    assert faults_of(rendered) == []


@settings(max_examples=40)
@given(...)
def test_any_element_is_as_the_library_would_have_formed_it(card: Card) -> None:
    rendered = render(card, card_id="c1", links=lambda _: LINK, refresh_for=("29:priya",))
    for element in inside(rendered):
        if "type" in element:
            read = ELEMENTS[element["type"]].model_validate(element)
            assert not read.model_extra
            assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == element


@settings(max_examples=20)
@given(...)
def test_what_is_changed_on_a_card_shows_on_no_other(card: Card) -> None:
    first, second = (
        mutable(render(card, card_id="c1", links=lambda _: LINK, refresh_for=("29:priya",))) for _ in range(2)
    )
    assert len({id(one) for one in (*first, *second)}) == len(first) + len(second)


def test_a_form_that_comes_again_is_rendered_without_forming_its_elements_anew(
    full_card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = render(full_card, card_id="c1")

    def formed(*_: object, **__: object) -> None:
        raise AssertionError("an element was formed anew")

    monkeypatch.setattr(BaseModel, "__init__", formed)
    monkeypatch.setattr(BaseModel, "model_dump", formed)
    assert render(full_card, card_id="c1") == first
    assert "Hello" in words_of(render(replace(full_card, title="Hello"), card_id="c2"))


def test_a_question_into_which_nothing_was_typed_is_written_once_for_all_cards(
    full_card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    fills = 0
    fill = Mould.filled

    def counted(self: Mould, **parts: object) -> Written:
        nonlocal fills
        fills += 1
        return fill(self, **parts)

    def fills_for(inputs: tuple[Input, ...]) -> int:
        before = fills
        render(replace(full_card, inputs=inputs, error=""), card_id="c")
        return fills - before

    monkeypatch.setattr(Mould, "filled", counted)
    asked = (TextInput("a", "A", hint="Two sentences."), ChoiceInput("b", "B", (Choice("x", "X"),), value="x"))
    fills_for(asked)
    assert fills_for(asked) == fills_for(()) > 0
    assert fills_for((replace(asked[0], value="typed"),)) > fills_for(())


def test_what_somebody_typed_is_not_kept_when_their_card_is_gone() -> None:
    class Typed(str):
        """A text of which one can see whether anybody still holds it."""

    typed = [Typed("He said so."), Typed("next Tuesday")]
    watched = [weakref.ref(one) for one in typed]
    inputs = (TextInput("why", "Why?", value=typed[0]), DateInput("when", "When?", value=typed[1]))
    assert "He said so." in words_of(render(Card("x", inputs=inputs), card_id="c"))
    del typed, inputs
    gc.collect()
    assert [one() for one in watched] == [None, None]


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
        assert squeezed(text) in plain or squeezed(text) in shown


@settings(max_examples=40)
@given(...)
def test_any_card_asks_for_each_input_that_can_be_answered_once(card: Card) -> None:
    names = [one["id"] for one in of_type(render(card, card_id="c1"), "Input.")]
    assert names == [entry.name for entry in card.all_inputs() if entry.kind != "choice" or entry.choices]


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
        ("`code`", r"\`code\`"),
        ("~st~", r"\~st\~"),
        ("a]", r"a\]"),
        ("back\\slash", r"back\\slash"),
        ("&lt;", r"\&lt;"),
        ("this & that", "this & that"),
        ("{{DATE(2026-04-02T09:00:00Z)}}", r"{\{DATE(2026-04-02T09:00:00Z)}}"),
        ("{{{TIME(", r"{\{\{TIME("),
        ("<http://example.org> <a@b.org>", r"\<http://example.org> \<a@b.org>"),
        ("a < b, <b>", "a < b, <b>"),
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
    assert "Remedial action 1" not in [one["text"] for one in of_type(rendered, "TextBlock")], "the button names it"
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
    assert '"maxLength": 2000}' in json.dumps(render(Card("x", inputs=(TextInput("a", "A"),)), card_id="c"))


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


def test_a_file_with_a_link_is_a_button_and_one_without_is_a_sentence() -> None:
    card = Card("Your discussion", downloads=(INVITATION, replace(INVITATION, label="Minutes", ref="")))
    rendered = render(card, card_id="c", links=lambda file: LINK if file.ref else None)
    (opens,) = of_type(rendered, "Action.OpenUrl")
    assert (opens["title"], opens["url"]) == ("Add to your calendar", LINK)
    assert "actions" not in rendered, "it stands in the body, beside what it is about"
    assert "A file goes with this message: Minutes (audit-K7F-204.ics)." in words_of(rendered)
    assert "A file goes with this message: Add to your calendar" not in words_of(rendered)


@pytest.mark.parametrize("url", ["http://127.0.0.1:3978/calendar/7", "http://localhost/x", "http://[::1]:3978/x"])
def test_a_link_to_this_computer_needs_no_https(url: str) -> None:
    rendered = render(Card("x", downloads=(INVITATION,)), card_id="c", links=lambda _: url)
    assert of_type(rendered, "Action.OpenUrl")[0]["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "javascript:alert(1)",
        "https:///x",
        "ftp://127.0.0.1/x",
        "//example.org",
        "calendar/7",
        "",
    ],
)
def test_a_link_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="begins with https://"):
        render(Card("x", downloads=(INVITATION,)), card_id="c", links=lambda _: url)


def test_a_card_is_refreshed_for_those_who_see_something_else_on_it() -> None:
    rendered = render(Card("x"), card_id="c1", refresh_for=("29:priya", "29:marek"))
    refresh = rendered["refresh"]
    assert refresh["userIds"] == ["29:priya", "29:marek"]
    assert (refresh["action"]["type"], refresh["action"]["verb"]) == ("Action.Execute", "refresh")
    assert refresh["action"]["data"] == {"subject": "", "card_id": "c1"}
    assert "refresh" not in render(Card("x"), card_id="c1")


def test_teams_refreshes_for_no_more_than_sixty() -> None:
    people = tuple(f"29:{number}" for number in range(MOST_REFRESHED + 1))
    assert len(render(Card("x"), card_id="c", refresh_for=people[:MOST_REFRESHED])["refresh"]["userIds"]) == 60
    with pytest.raises(ValueError, match="at most 60 people, not 61"):
        render(Card("x"), card_id="c", refresh_for=people)


def test_a_chart_is_drawn_and_its_numbers_stand_below_it() -> None:
    bars = Bars("Audits by where they stand", (("Completed", 12), ("Discussion *held*", 0)))
    body = render(Card("x", bars=bars), card_id="c")["body"]
    caption, chart, table = body[-3:]
    assert caption["text"] == "Audits by where they stand"
    assert (chart["type"], chart["title"], chart["fallback"]) == (CHART, "Audits by where they stand", "drop")
    assert chart["data"] == [{"x": "Completed", "y": 12}, {"x": "Discussion *held*", "y": 0}]
    assert "color" in chart, "one colour for all"
    assert words_of({"rows": table["rows"]}) == "What How many Completed 12 Discussion *held* 0"


@pytest.mark.parametrize("bars", [(), (("Completed", 0), ("Moderated", 0))])
def test_nothing_is_drawn_where_there_is_nothing_to_draw(bars: tuple[tuple[str, int], ...]) -> None:
    rendered = render(Card("x", bars=Bars("Audits", bars)), card_id="c")
    assert not of_type(rendered, CHART)
    assert "Audits" in words_of(rendered)


def test_a_chart_goes_before_anything_that_is_said() -> None:
    bars = Bars("Audits", tuple((f"The team called {number}", number) for number in range(1, 31)))
    rendered = render(Card("x", bars=bars), card_id="c")
    assert of_type(rendered, CHART)
    longer = replace(bars, bars=tuple((f"The team called {number}", number) for number in range(1, 37)))
    rendered = render(Card("x", bars=longer), card_id="c")
    assert not of_type(rendered, CHART)
    assert "The team called 36 36" in words_of(rendered)


def test_what_was_written_is_kept_and_empty_folded_groups_make_room_for_it() -> None:
    def group(number: int, *, required: bool = False) -> InputGroup:
        what = TextInput(f"what_{number}", "What is to be put right?", required=required, length=500)
        return InputGroup(f"Remedial action {number}", (what,), folded=True)

    slots = (*(group(number) for number in range(1, 4)), group(4, required=True))
    form = Card("Your grade", inputs=(TextInput("why", "Why this grade?", length=12_000), *slots))
    written = "A sentence of some length. " * 390
    rendered = render(form.answered({"why": written, "what_2": "See the baby."}, {"why": "Shorter."}), card_id="c")
    assert [one["id"] for one in of_type(rendered, "Input.Text")] == ["why", "what_1", "what_2", "what_4"]
    assert of_type(rendered, "Input.Text")[0]["value"] == written
    assert "This card has no room for Remedial action 3." in words_of(rendered)
    assert "no room" not in words_of(render(form, card_id="c"))


def test_what_nobody_can_choose_is_said_instead_of_offered() -> None:
    asked = ChoiceInput("to", "Reassign to", (), required=True)
    rendered = render(Card("x", inputs=(asked,), actions=(Action("reassign", "Reassign"),)), card_id="c")
    assert not of_type(rendered, "Input.")
    assert "Reassign to (required) There is nothing to choose from yet." in words_of(rendered)


def test_no_choice_is_empty_on_the_way_out_and_none_is_lost_on_the_way_back() -> None:
    unchanged = ChoiceInput("grade", "The grade", (Choice("", "Unchanged"), Choice("good", "Good")), compact=True)
    optional = ChoiceInput("section", "Planning", (Choice("good", "Good"),), compact=True)
    first, second = of_type(render(Card("x", inputs=(unchanged, optional)), card_id="c"), "Input.ChoiceSet")
    assert [choice["title"] for choice in first["choices"]] == ["Unchanged", "Good"]
    assert [choice["title"] for choice in second["choices"]] == ["Good", "No answer"]
    unchosen = first["value"]
    assert unchosen == first["choices"][0]["value"] == second["choices"][1]["value"] != ""
    sent = {"grade": unchosen, "section": "good", "card_id": "c", "subject": "7", "verb": "resolve", "msteams": {}}
    assert answers(sent) == {"grade": "", "section": "good"}


def test_a_day_out_of_bounds_is_refused_with_the_bounds_in_words() -> None:
    rendered = render(Card("x", inputs=(DateInput("due", "By when?", earliest="2026-04-02"),)), card_id="c")
    assert of_type(rendered, "Input.Date")[0]["errorMessage"] == "Thu 2 Apr 2026 or later."


def test_a_title_does_not_say_twice_what_kind_of_card_it_is() -> None:
    rendered = render(Card("Safety alert: K7F-204", tone=Tone.ALERT), card_id="c")
    assert [one["text"] for one in of_type(rendered, "TextBlock")] == ["⚠ Safety alert: K7F-204"]
    assert (rendered["fallbackText"], rendered["speak"]) == ("Safety alert: K7F-204", "Safety alert: K7F-204")


def test_what_is_spoken_has_no_markup_in_it() -> None:
    assert (
        render(Card("<break/> Case & *notes*"), card_id="c")["speak"] == "For your information: break/ Case and *notes*"
    )


def test_an_empty_cell_and_an_empty_fact_are_shown_as_empty() -> None:
    card = Card("x", facts=(Fact("Reason", ""),), table=Table("Waiting", ("What", "When"), (("Accept", " "),)))
    rendered = render(card, card_id="c")
    assert of_type(rendered, "FactSet")[0]["facts"] == [{"title": "Reason", "value": "–"}]
    assert words_of(of_type(rendered, "Table")[0]["rows"][1]) == "Accept –"


def test_no_card_is_longer_than_what_teams_takes(full_card: Card) -> None:
    rows = tuple((f"K7F-{number}", "Thu 2 Apr 2026") for number in range(400))
    people = tuple(f"29:1-{number:066}" for number in range(MOST_REFRESHED))
    card = replace(full_card, table=Table("Overdue", ("Case", "Due"), rows))
    rendered = render(card, card_id="c", refresh_for=people, links=lambda _: LINK)
    assert MOST_BYTES * 0.95 < size_of(rendered) <= MOST_BYTES
    assert len(rendered["refresh"]["userIds"]) == MOST_REFRESHED


def test_names_in_facts_and_reasons_make_no_link_and_no_emphasis() -> None:
    card = Card("*a*", facts=(Fact("_b_", "[c](http://example.org)"),), why=Why("**d**", "`e`"))
    rendered = render(card, card_id="c")
    (facts,) = of_type(rendered, "FactSet")
    assert facts["facts"] == [{"title": r"\_b\_", "value": r"\[c\](http://example.org)"}]
    assert [one["text"] for one in of_type(rendered, "TextBlock")][1] == r"\*a\*"
    assert r"\*\*d\*\*" in json.dumps(rendered).replace("\\\\", "\\")


def test_a_long_form_says_beside_its_buttons_too_what_is_wrong() -> None:
    wrong = TextInput("b", "Why this grade?", error="Please say why.")
    others = tuple(TextInput(name, f"Question {name}") for name in "acd")
    error = "One answer needs another look."
    rendered = render(Card("Your grade", inputs=(*others, wrong), error=error), card_id="c1")
    assert words_of(rendered["body"][-1]) == "Error: Please look again at: Why this grade?"
    short = render(Card("Your grade", inputs=(wrong,), error=error), card_id="c1")
    assert "look again at" not in words_of(short)
