from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given, settings
from playwright.sync_api import sync_playwright

from cards.card import Action, Bars, Card, Choice, ChoiceInput, DateInput, InputGroup, Table, TextInput, Tone
from cards.html import render

VOID = {"input", "br", "rect"}
CONTROLS = {"input", "select", "textarea"}
TAGS = CONTROLS | {
    "a", "article", "br", "button", "caption", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "form", "h3", "label", "legend", "li", "option", "p", "rect", "span", "summary", "svg", "table", "tbody", "td",
    "th", "thead", "tr", "ul",
}  # fmt: skip


class Page(HTMLParser):
    """The page as a browser would take it apart; a tag that is not closed where it was opened is an error."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]

    def named(self, name: str) -> dict[str, str | None]:
        return next(attributes for attributes in self.all(*CONTROLS) if attributes.get("name") == name)

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]


def page_of(card: Card, event_id: str = "e1") -> Page:
    return Page(render(card, action_url="/desk/answer", event_id=event_id, hidden={"token": "t"}))


def squeezed(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=40)
@given(...)
def test_any_card_keeps_its_words_and_nothing_else_becomes_a_tag(card: Card) -> None:
    page = page_of(card)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    words = [card.title, card.error, *card.text, *(fact.value for fact in card.facts)]
    words += [entry.label for entry in card.all_inputs()] + [entry.hint for entry in card.all_inputs()]
    words += [f"Error: {entry.error}" for entry in card.all_inputs() if entry.error]
    words += [action.label for action in card.actions]
    if card.why:
        words += [card.why.reason, card.why.place, *card.why.rules]
    for text in words:
        assert squeezed(text) in page.text


@settings(max_examples=40)
@given(...)
def test_any_card_ties_labels_hints_and_errors_to_their_inputs(card: Card) -> None:
    page = page_of(card)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    visible = [control for control in page.all(*CONTROLS) if control.get("type") != "hidden"]
    labelled = [label["for"] for label in page.all("label")]
    assert sorted(str(control["id"]) for control in visible) == sorted(map(str, labelled))
    for _, attributes in page.tags:
        for reference in ("aria-describedby", "aria-labelledby"):
            assert set((attributes.get(reference) or "").split()) <= set(ids)
    invalid = [attributes for _, attributes in page.tags if "aria-invalid" in attributes]
    assert len(invalid) == sum(bool(entry.error) for entry in card.all_inputs())
    assert all("-error" in str(attributes["aria-describedby"]) for attributes in invalid)


@settings(max_examples=40)
@given(...)
def test_any_answer_comes_back_in_its_input(card: Card) -> None:
    page = page_of(card)
    for entry in card.all_inputs():
        if isinstance(entry, TextInput) and not entry.long:
            assert page.named(entry.name)["value"] == entry.value


def test_two_cards_on_a_page_share_no_id(full_card: Card) -> None:
    first, second = page_of(full_card, "e1"), page_of(full_card, 'e 2 " <odd>')
    assert not set(first.ids()) & set(second.ids())
    assert not any(" " in one for one in second.ids())


def test_the_form_posts_the_event_the_hidden_fields_and_the_button(full_card: Card) -> None:
    page = page_of(full_card)
    (form,) = page.all("form")
    assert (form["method"], form["action"]) == ("post", "/desk/answer")
    assert (page.named("event_id")["value"], page.named("token")["value"]) == ("e1", "t")
    assert [button["value"] for button in page.all("button")] == ["submit|audit-7", "later|audit-7", "decline|audit-7"]


def test_a_decline_is_never_blocked_by_an_empty_answer(full_card: Card) -> None:
    page = page_of(full_card)
    assert "novalidate" in page.all("form")[0]
    assert not any("required" in control for control in page.all(*CONTROLS))
    assert "Rationale (required)" in page.text


def test_the_only_button_may_mark_its_inputs_as_required() -> None:
    card = Card("x", inputs=(TextInput("a", "A", required=True), TextInput("b", "B")), actions=(Action("go", "Go"),))
    page = page_of(card)
    assert "required" in page.named("a")
    assert "required" not in page.named("b")


@pytest.mark.parametrize(
    ("tone", "words"),
    [
        (Tone.ASK, "Please answer"),
        (Tone.INFORM, "For your information"),
        (Tone.DONE, "Done"),
        (Tone.LATE, "Overdue"),
        (Tone.ALERT, "Safety alert"),
        (Tone.REFUSED, "Not possible"),
    ],
)
def test_the_tone_is_said_in_words(tone: Tone, words: str) -> None:
    page = page_of(Card("x", tone=tone))
    assert words in page.text
    assert page.all("article")[0]["class"] == f"card card--{tone.value}"


@pytest.mark.parametrize(
    ("group_input", "closed"),
    [
        (TextInput("a", "A"), True),
        (TextInput("a", "A", value="typed"), False),
        (TextInput("a", "A", error="Please say what."), False),
    ],
)
def test_a_folded_group_opens_for_a_value_or_an_error(group_input: TextInput, closed: bool) -> None:
    page = page_of(Card("x", inputs=(InputGroup("Action 1", (group_input,), folded=True),)))
    assert bool(page.all("details")) is closed
    assert bool(page.all("fieldset")) is not closed


def test_choices_are_radio_buttons_in_a_fieldset_or_a_drop_down() -> None:
    choices = (Choice("a", "Apple"), Choice("b", "Berry", "sweet"))
    page = page_of(Card("x", inputs=(ChoiceInput("listed", "Fruit", choices, value="b"),)))
    checked = [control for control in page.all("input") if control.get("type") == "radio" and "checked" in control]
    assert [control["value"] for control in checked] == ["b"]
    assert page.all("legend")
    page = page_of(Card("x", inputs=(ChoiceInput("folded", "Fruit", choices, value="b", compact=True),)))
    assert [option["value"] for option in page.all("option") if "selected" in option] == ["b"]


def test_a_choice_that_is_no_longer_offered_leaves_nothing_chosen() -> None:
    card = Card("x", inputs=(ChoiceInput("a", "Who", (Choice("p", "Priya"),), value="gone", compact=True),))
    assert [option["value"] for option in page_of(card).all("option") if "selected" in option] == [""]


def test_a_date_has_its_bounds_for_the_browser_and_in_words() -> None:
    page = page_of(Card("x", inputs=(DateInput("d", "Day", "2026-04-07", earliest="2026-04-02", latest="2026-04-10"),)))
    control = page.named("d")
    assert (control["value"], control["min"], control["max"]) == ("2026-04-07", "2026-04-02", "2026-04-10")
    assert "From Thu 2 Apr 2026 to Fri 10 Apr 2026." in page.text


def test_what_was_typed_for_a_date_is_not_lost_without_a_word() -> None:
    page = page_of(Card("x", inputs=(DateInput("d", "Day", "next Tuesday"),)))
    assert "You gave “next Tuesday”." in page.text


def test_a_long_answer_keeps_its_first_empty_line() -> None:
    source = render(Card("x", inputs=(TextInput("a", "A", "\nb", long=True),)), action_url="/", event_id="e")
    assert ">\n\nb</textarea>" in source


def test_an_answer_longer_than_the_limit_is_not_cut_by_the_browser() -> None:
    assert page_of(Card("x", inputs=(TextInput("a", "A", "abcdef", length=3),))).named("a")["maxlength"] == "6"


def test_a_table_can_be_scrolled_with_the_keyboard(full_card: Card) -> None:
    page = page_of(full_card)
    region = next(one for one in page.all("div") if one.get("role") == "region")
    assert (region["tabindex"], region["aria-label"]) == ("0", "Earlier audits")
    assert [cell["scope"] for cell in page.all("th")][:2] == ["col", "col"]


def test_a_table_or_chart_without_rows_says_so() -> None:
    page = page_of(Card("x", table=Table("Overdue", ("Case",), (), "Nothing is overdue."), bars=Bars("Grades", ())))
    assert "Overdue: Nothing is overdue." in page.text
    assert "Grades: nothing to show." in page.text
    assert not page.all("table")


def test_bars_that_are_all_nought_are_drawn_without_a_length() -> None:
    page = page_of(Card("x", bars=Bars("Grades", (("Good", 0),))))
    assert page.all("rect")[0]["width"] == "0"


def test_a_file_is_a_link_with_the_file_in_it(full_card: Card) -> None:
    (link,) = page_of(full_card).all("a")
    kind, _, content = str(link["href"]).partition(",")
    assert (kind, link["download"]) == ("data:text/calendar;base64", "session.ics")
    assert b64decode(content) == full_card.downloads[0].content


def test_the_error_of_the_card_is_announced_at_the_top(full_card: Card) -> None:
    page = page_of(full_card)
    assert "alert" in [attributes.get("role") for _, attributes in page.tags][:6]
    assert "Error: One answer is still missing." in page.text


def test_a_card_with_nothing_to_answer_has_no_form() -> None:
    assert not page_of(Card("Done", tone=Tone.DONE)).all("form", "input", "button")


@pytest.mark.parametrize("name", ["press", "event_id", "token", ""])
def test_an_input_may_not_pose_as_a_field_of_the_form(name: str) -> None:
    with pytest.raises(ValueError, match="is taken or empty"):
        page_of(Card("x", inputs=(TextInput(name, "A"),)))


@pytest.fixture(scope="module")
def faults_of(chromium: str) -> Callable[[str], list[str]]:
    """What axe finds wrong, by WCAG 2.2 AA, with a page in a real browser."""

    def look(body: str) -> list[str]:
        page_source = f"<!doctype html><html lang=en-GB><title>Desk</title><body><main><h1>Desk</h1>{body}</main>"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_content(page_source)
            levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
            found = Axe().run(page, options={"runOnly": levels}).response["violations"]
            browser.close()
        return [f"{fault['id']}: {[node['html'] for node in fault['nodes']]}" for fault in found]

    return look


@pytest.mark.browser
def test_axe_finds_no_fault_with_the_cards(full_card: Card, faults_of: Callable[[str], list[str]]) -> None:
    done = replace(full_card, tone=Tone.DONE, error="", inputs=(), actions=(), table=None)
    cards = [
        render(card, action_url="/", event_id=f"e{number}", heading_level=2)
        for number, card in enumerate((full_card, done))
    ]
    assert faults_of("".join(cards)) == []
