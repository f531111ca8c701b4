"""Our cards in Microsoft's own renderer: what it complains about, what it shows, and what its buttons send."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser, expect

from cards.adaptive import answers, render
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
    InputGroup,
    Table,
    TextInput,
    Tone,
    Why,
)
from tests.cards.checks import CHART, of_type
from tests.cards.conftest import HOSTILE
from tests.clients.microsoft import Renderer, renderer_in

pytestmark = [pytest.mark.browser, pytest.mark.clients, pytest.mark.asyncio(loop_scope="module")]

LINK = "https://auditloop.example.gov.uk/calendar/7"
INVITATION = Download("Add to your calendar", "audit-K7F-204.ics", "text/calendar", b"BEGIN:VCALENDAR", "audit/7")
GRADES = (Choice("good", "● Good"), Choice("inadequate", "▲ Inadequate", "The head of service is told at once."))
# How large a radio button is and how far from the next is the client's own affair.
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "rules": {"target-size": {"enabled": False}},
    "resultTypes": ["violations"],
}


def slot(number: int) -> InputGroup:
    """A remedial action of the grade form."""
    return InputGroup(
        f"Remedial action {number}",
        (
            TextInput(f"what_{number}", "What is to be put right?", length=500),
            DateInput(f"due_{number}", "By when?", earliest="2026-04-02"),
        ),
        folded=True,
    )


FORM = Card(
    "Your grade for K7F-204",
    tone=Tone.ASK,
    facts=(Fact("Case", "K7F-204, child protection plan"),),
    inputs=(
        ChoiceInput("grade", "Overall grade", GRADES, required=True),
        TextInput("rationale", "Why this grade?", required=True, long=True, hint="Two or three sentences."),
        ChoiceInput("section", "Planning", GRADES, compact=True),
        slot(1),
        slot(2),
    ),
    actions=(
        Action("submit", "Send the audit", "7", Emphasis.PRIMARY),
        Action("grade_sections", "Grade by heading", "7", inputs=()),
    ),
    why=Why("You were allocated this audit.", "QA framework, 9.3", ("SOU-01",)),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def renderer(browser: Browser) -> AsyncIterator[Renderer]:
    async with renderer_in(browser) as opened:
        yield opened


def drawn_cards(count: int) -> list[Card]:
    """Cards of every make, drawn without a test around each: the renderer reads them all in one go."""
    found: list[Card] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None)
    @given(card=st.from_type(Card))
    def draw(card: Card) -> None:
        found.append(card)

    draw()
    return found


async def test_the_renderer_has_nothing_against_any_card(renderer: Renderer) -> None:
    cards = [render(card, card_id=f"{number}", links=lambda _: LINK) for number, card in enumerate(drawn_cards(100))]
    assert len(cards) >= 100
    assert await renderer.faults_of(cards) == []


Spoil = Callable[[dict[str, Any]], Any]

SPOILED: dict[str, tuple[Spoil, str]] = {
    "an unknown element": (lambda card: card["body"].append({"type": "Badge", "text": "x"}), "UnknownElementType"),
    "an unknown button": (
        lambda card: card["actions"].append({"type": "Action.Call", "title": "Ring"}),
        "UnknownActionType",
    ),
    "a second chart that it doesn't draw": (
        lambda card: card["body"].append({"type": "Chart.Pie", "fallback": "drop"}),
        "UnknownElementType",
    ),
    "a wrong enum": (lambda card: card["body"][0].update(size="Huge"), "InvalidPropertyValue"),
    "a language that it doesn't know": (lambda card: card.update(lang="en-GB"), "InvalidPropertyValue"),
    "an id twice": (lambda card: of_type(card, "Input.Text")[0].update(id="grade"), "DuplicateId"),
    "a choice without a value": (
        lambda card: of_type(card, "Input.ChoiceSet")[0]["choices"][0].update(value=""),
        "PropertyCantBeNull",
    ),
    "no choices": (lambda card: of_type(card, "Input.ChoiceSet")[0].update(choices=[]), "CollectionCantBeEmpty"),
    "an answer insisted on without a word": (
        lambda card: of_type(card, "Input.ChoiceSet")[0].pop("errorMessage"),
        "RequiredInputsShouldHaveErrorMessage",
    ),
    "what a later version brought": (
        lambda card: of_type(card, "Input.Text")[0].update(labelPosition="inline"),
        "UnsupportedProperty",
    ),
    "a later version": (lambda card: card.update(version="1.9"), "UnsupportedCardVersion"),
    "an input that nobody sees": (
        lambda card: of_type(card, "Input.Text")[0].update(type="Input.Texts", fallback="drop"),
        "the input 'rationale' is not rendered",
    ),
    "an input without a label": (
        lambda card: of_type(card, "Input.Date")[0].update(label=None),
        "the input 'due_1' is read as",
    ),
    "seven buttons": (
        lambda card: card.update(actions=[{"type": "Action.Submit", "title": f"No. {one}"} for one in range(7)]),
        "the button 'No. 6' is not rendered",
    ),
    "nothing in it": (lambda card: card.update(body=[], actions=[]), "it is rendered blank"),
    "a card wider than a message": (
        lambda card: card["actions"][0].update(title="Send" * 40),
        "pixels wider than a message",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
async def test_the_renderer_sees_a_fault(renderer: Renderer, spoil: Spoil, said: str) -> None:
    card = render(replace(FORM, bars=Bars("Grades", (("Good", 2),))), card_id="c")
    assert await renderer.faults_of([card]) == []
    spoil(card)
    faults = await renderer.faults_of([card])
    assert any(said in fault for fault in faults), faults


async def test_every_word_is_shown_as_it_was_written(renderer: Renderer) -> None:
    written = tuple(f"{number} words {text}" for number, text in enumerate(HOSTILE))
    texts = (*HOSTILE, *written, "one\ntwo", "K7F_204 and *_both_*", "{{{DATE(2026-04-02T09:00:00Z)}}}")
    choices = (*(text for text in HOSTILE if "*bold*" not in text), "<http://example.org>", "![a](http://example.org)")
    which = ChoiceInput("choice", "Which?", tuple(Choice(f"{place}", text) for place, text in enumerate(choices)))
    card = Card(
        HOSTILE[0],
        text=texts,
        facts=tuple(Fact(f"A fact {text}", f"is {text}") for text in written),
        table=Table("Table of *all*", ("<b>What</b>", "_Who_"), tuple((f"Cell {text}", "x") for text in written[2:7])),
        inputs=(which, *(TextInput(f"input-{place}", f"Asks {text}") for place, text in enumerate(written))),
        actions=tuple(Action("press", text) for text in HOSTILE[:6]),
        error=HOSTILE[5],
        why=Why(HOSTILE[3], HOSTILE[4], ("DUD-04",)),
    )
    shown = await renderer.show(render(card, card_id="c"))
    asked = [*texts, "Error: {{DATE(2026-04-02T09:00:00Z)}} &lt;b&gt; \\", "Table of *all*", "<b>What</b>", "_Who_"]
    asked += [*choices, *(f"{before}{text}" for text in written for before in ("A fact ", "is ", "Asks "))]
    asked += [f"Cell {text}" for text in written[2:7]]
    words = "".join(shown["words"].split()).replace("\u2060", "")
    assert [text for text in asked if "".join(text.split()) not in words] == []
    made = renderer.page.locator("article").locator("script, img, a, b, em, strong, code, s, del, ul, ol, blockquote")
    assert await made.count() == 0, await made.first.evaluate("one => one.outerHTML")


async def test_a_missing_answer_is_named_beside_its_input_and_nothing_is_sent(renderer: Renderer) -> None:
    await renderer.show(render(FORM, card_id="c1"))
    await renderer.page.get_by_role("button", name="Send the audit").click()
    assert await renderer.page.get_by_text("Please answer this before you send.").count() == 2
    assert await renderer.sent() == []


async def test_what_is_folded_away_never_holds_a_form_back(renderer: Renderer) -> None:
    await renderer.show(render(FORM, card_id="c1"))
    inputs = await renderer.inputs()
    assert [name for name, one in inputs.items() if not one["visible"]] == ["what_1", "due_1", "what_2", "due_2"]
    await renderer.page.get_by_role("radio", name="Good").check()
    await renderer.page.get_by_label("Why this grade?").fill("The plan is clear.")
    await renderer.page.get_by_role("button", name="Send the audit").click()
    (sent,) = await renderer.sent()
    assert sent["type"] == "Action.Execute"
    assert (sent["data"]["card_id"], sent["data"]["subject"]) == ("c1", "7")
    given = {name: value for name, value in answers(sent["data"]).items() if value}
    assert given == {"grade": "good", "rationale": "The plan is clear."}


async def test_a_button_without_inputs_sends_none_and_waits_for_none(renderer: Renderer) -> None:
    await renderer.show(render(FORM, card_id="c1"))
    await renderer.page.get_by_role("button", name="Grade by heading").click()
    (sent,) = await renderer.sent()
    assert sent["data"] == {"card_id": "c1", "subject": "7"}


async def test_an_optional_choice_can_be_taken_back(renderer: Renderer) -> None:
    await renderer.show(render(replace(FORM, inputs=FORM.inputs[2:3]), card_id="c1"))
    planning = renderer.page.get_by_label("Planning")
    await planning.select_option(label="● Good")
    await renderer.page.get_by_role("button", name="Send the audit").click()
    await planning.select_option(label="No answer")
    await renderer.page.get_by_role("button", name="Send the audit").click()
    assert [answers(one["data"])["section"] for one in await renderer.sent()] == ["good", ""]


async def test_a_button_that_names_some_inputs_sends_them_all(renderer: Renderer) -> None:
    """Adaptive Cards know all or none; handlers take what is theirs."""
    card = Card(
        "A copy",
        inputs=(TextInput("text", "Your comment"), TextInput("dispute_text", "What do you see differently?")),
        actions=(Action("oversee", "I have read it", "7", inputs=("text",)),),
    )
    await renderer.show(render(card, card_id="c1"))
    await renderer.page.get_by_label("Your comment").fill("Seen.")
    await renderer.page.get_by_label("What do you see differently?").fill("The grade.")
    await renderer.page.get_by_role("button", name="I have read it").click()
    (sent,) = await renderer.sent()
    assert answers(sent["data"]) == {"text": "Seen.", "dispute_text": "The grade."}


async def test_a_folded_group_opens_at_a_press(renderer: Renderer) -> None:
    await renderer.show(render(FORM, card_id="c1"))
    await renderer.page.get_by_role("button", name="Show or hide: Remedial action 2").click()
    inputs = await renderer.inputs()
    assert [inputs[name]["visible"] for name in ("what_1", "what_2", "due_2")] == [False, True, True]
    await expect(renderer.page.get_by_text("Where it is written: QA framework, 9.3")).to_be_hidden()
    await renderer.page.get_by_role("button", name="Why am I being asked?").click()
    await expect(renderer.page.get_by_text("Where it is written: QA framework, 9.3")).to_be_visible()


async def test_a_form_that_comes_back_has_what_was_typed_and_its_errors_in_sight(renderer: Renderer) -> None:
    typed = {"grade": "inadequate", "rationale": "Clear.\nAnd short.", "section": "good", "due_2": "2026-04-09"}
    again = FORM.answered(typed, {"what_2": "Please say what is to be put right."}, "One answer needs another look.")
    await renderer.show(render(again, card_id="c1"))
    inputs = await renderer.inputs()
    assert {name: one["value"] for name, one in inputs.items() if one["value"]} == typed
    assert [name for name, one in inputs.items() if not one["visible"]] == ["what_1", "due_1"]
    await expect(renderer.page.get_by_text("Error: One answer needs another look.")).to_be_visible()
    error = renderer.page.get_by_text("Error: Please say what is to be put right.")
    await expect(error).to_be_visible()
    box, beside = (
        await renderer.page.get_by_label("What is to be put right?").nth(1).bounding_box(),
        await error.bounding_box(),
    )
    assert box is not None
    assert beside is not None
    assert 0 <= beside["y"] - (box["y"] + box["height"]) < 40, "right below its input"


async def test_a_day_out_of_bounds_is_held_back_with_the_bounds_in_words(renderer: Renderer) -> None:
    card = Card("x", inputs=(DateInput("due", "By when?", earliest="2026-04-02"),), actions=(Action("go", "Send"),))
    await renderer.show(render(card, card_id="c1"))
    await renderer.page.get_by_label("By when?").fill("2026-04-01")
    await renderer.page.get_by_role("button", name="Send").click()
    assert await renderer.sent() == []
    assert await renderer.page.get_by_text("Thu 2 Apr 2026 or later.").count() == 2, "the hint, and now the complaint"


async def test_a_file_is_fetched_by_a_button_in_the_text(renderer: Renderer) -> None:
    await renderer.show(render(Card("Your discussion", downloads=(INVITATION,)), card_id="c1", links=lambda _: LINK))
    await (
        renderer.page.get_by_role("link", name="Add to your calendar")
        .or_(renderer.page.get_by_role("button", name="Add to your calendar"))
        .click()
    )
    (sent,) = await renderer.sent()
    assert sent["type"] == "Action.OpenUrl"


async def test_a_client_without_charts_shows_the_same_numbers(renderer: Renderer) -> None:
    card = render(Card("How things stand", bars=Bars("Audits", (("Completed", 12), ("Moderated", 3)))), card_id="c1")
    assert of_type(card, CHART)
    shown = await renderer.show(card)
    assert "".join(shown["words"].split()).endswith("AuditsWhatHowmanyCompleted12Moderated3")
    assert await renderer.page.get_by_role("columnheader").all_inner_texts() == ["What", "How many"]


async def test_a_card_can_be_read_by_everyone(renderer: Renderer, full_card: Card) -> None:
    again = FORM.answered({"grade": "good"}, {"rationale": "Please say why."}, "One answer is missing.")
    seen = [FORM, again, *(replace(full_card, tone=tone) for tone in Tone)]
    for number, card in enumerate(seen):
        await renderer.show(render(card, card_id=f"{number}", links=lambda _: LINK))
        found = await Axe().run(renderer.page, options=RULES)
        assert found.response["violations"] == [], json.dumps(found.response["violations"], indent=1)
