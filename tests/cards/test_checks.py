"""The checks of cards see what is wrong: each card here is spoiled in one place, and the fault is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cards.adaptive import MOST_BYTES, render
from cards.card import Card, Download
from tests.cards.checks import CHART, faults_of, of_type, size_of

Spoil = Callable[[dict[str, Any]], Any]


@pytest.fixture
def rendered(full_card: Card) -> dict[str, Any]:
    """The card with one of everything, a file with a link and a refresh included."""
    card = replace(full_card, downloads=(Download("Add to your calendar", "a.ics", "text/calendar", b"", "audit/7"),))
    return render(card, card_id="c1", links=lambda _: "https://auditloop.example.gov.uk/a", refresh_for=("29:priya",))


def first(card: dict[str, Any], kind: str, place: int = 0) -> dict[str, Any]:
    return of_type(card, kind)[place]


def sets(kind: str, place: int = 0, **values: Any) -> Spoil:
    """Gives an element of this type these values."""
    return lambda card: first(card, kind, place).update(values)


def drops(kind: str, *keys: str, place: int = 0) -> Spoil:
    """Takes these keys from an element of this type."""
    return lambda card: [first(card, kind, place).pop(key) for key in keys]


def test_a_sound_card_has_no_faults(rendered: dict[str, Any]) -> None:
    assert faults_of([rendered]) == []


SPOILED: dict[str, tuple[Spoil, str]] = {
    "no card at all": (lambda card: card.update(type="AdaptiveCards"), "it is no Adaptive Card of version 1.5"),
    "a version that Teams doesn't show": (lambda card: card.update(version="1.6"), "of version 1.5"),
    "nothing for a client that shows no cards": (lambda card: card.pop("fallbackText"), "it has no fallbackText"),
    "nothing to be spoken": (lambda card: card.update(speak=" "), "it has no speak"),
    "no language": (lambda card: card.pop("lang"), "it has no lang"),
    "no heading": (
        lambda card: [block.pop("style", None) for block in of_type(card, "TextBlock")],
        "it has no heading",
    ),
    "too long": (sets("TextBlock", text="word " * 4000), f"and {MOST_BYTES} may be sent"),
    "an unknown element": (lambda card: card["body"].append({"type": "Badge", "text": "New"}), "no element 'Badge'"),
    "an element in a wrong place": (
        lambda card: card["body"].append({"type": "TableRow", "cells": []}),
        "'TableRow' is not one of",
    ),
    "an unknown key": (sets("TextBlock", wrapped=True), "'wrapped' was unexpected"),
    "a wrong enum": (sets("TextBlock", size="Huge"), "TextBlock.size: 'Huge'"),
    "a wrong enum in a choice set": (sets("Input.ChoiceSet", style="radio"), "Input.ChoiceSet.style: 'radio'"),
    "a wrong enum in a fallback": (
        lambda card: card["actions"][0]["fallback"].update(associatedInputs="some"),
        "Action.Submit.associatedInputs: 'some'",
    ),
    "a wrong type": (sets("Input.Text", maxLength="200"), "maxLength: '200' is not of type 'number'"),
    "an empty text": (sets("TextBlock", 3, text="  "), "has an empty text"),
    "an empty title of a button": (sets("Action.Execute", 1, title=""), "has an empty title"),
    "an empty title of a link": (drops("Action.OpenUrl", "title"), "has an empty title"),
    "an empty title of a choice": (
        lambda card: first(card, "Input.ChoiceSet")["choices"][0].update(title=" "),
        "has an empty title",
    ),
    "an empty value of a fact": (lambda card: first(card, "FactSet")["facts"][0].update(value=""), "an empty value"),
    "a text that is cut off": (drops("TextBlock", "wrap"), "doesn't wrap"),
    "choices that are cut off": (sets("Input.ChoiceSet", wrap=False), "doesn't wrap"),
    "an id twice": (sets("Input.Text", id="grade"), "the id 'grade' is there twice"),
    "no label": (drops("Input.Date", "label"), "Input.Date 'due_1' has no label"),
    "an empty label": (sets("Input.Text", label=" "), "has no label"),
    "an input without a name": (drops("Input.Text", "id"), "has no name of its own"),
    "an input that poses as a button": (sets("Input.Text", id="verb"), "has no name of its own"),
    "an answer insisted on without a word": (
        sets("Input.Text", isRequired=True),
        "is required and has no errorMessage",
    ),
    "an answer insisted on and hidden": (
        sets("Input.Text", 1, isRequired=True, errorMessage="Please answer."),
        "Input.Text 'what_1' is required and hidden",
    ),
    "no choices": (sets("Input.ChoiceSet", choices=[]), "has no choices"),
    "a choice without a value": (
        lambda card: first(card, "Input.ChoiceSet")["choices"][0].pop("value"),
        "a choice without a value",
    ),
    "a choice with an empty value": (
        lambda card: first(card, "Input.ChoiceSet")["choices"][0].update(value=""),
        "a choice without a value",
    ),
    "two choices with one value": (
        lambda card: first(card, "Input.ChoiceSet")["choices"][1].update(value="good"),
        "has one value twice",
    ),
    "a value that isn't offered": (sets("Input.ChoiceSet", value="superb"), "has a value that it doesn't offer"),
    "no length": (drops("Input.Text", "maxLength"), "has no maxLength"),
    "a length that is no whole number": (sets("Input.Text", maxLength=200.5), "has no maxLength"),
    "a text longer than it may be": (sets("Input.Text", value="😀" * 1500), "has a longer text than it takes"),
    "a day in British order": (sets("Input.Date", value="02/04/2026"), "has a value that is no day"),
    "a bound that is no day": (sets("Input.Date", min="2026-02-30"), "has a min that is no day"),
    "bounds without a word": (drops("Input.Date", "errorMessage"), "has bounds and no errorMessage"),
    "seven buttons": (
        lambda card: card["actions"].extend(card["actions"][:1] * 4),
        "there are more than 6 actions",
    ),
    "seven buttons in the body": (
        lambda card: first(card, "ActionSet").update(actions=first(card, "ActionSet")["actions"] * 7),
        "there are more than 6 actions",
    ),
    "four primary buttons": (
        lambda card: card["actions"].extend(card["actions"][:1] * 3),
        "there are more than 3 primary actions",
    ),
    "a button without a fallback": (drops("Action.Execute", "fallback", place=1), "has no fallback"),
    "a button whose fallback is a word": (sets("Action.Execute", 1, fallback="drop"), "has no fallback"),
    "a fallback that says something else": (
        lambda card: card["actions"][0]["fallback"].update(title="Delete the audit"),
        "has a fallback that does something else",
    ),
    "a fallback that sends something else": (
        lambda card: card["actions"][0]["fallback"]["data"].pop("verb"),
        "has a fallback that does something else",
    ),
    "a button without a verb": (lambda card: card["actions"][0].pop("verb"), "has no verb"),
    "a button that is of no card": (lambda card: card["actions"][0]["data"].pop("card_id"), "which card it is of"),
    "a button that unfolds nothing": (
        sets("Action.ToggleVisibility", targetElements=["card:group:99"]),
        "shows and hides nothing",
    ),
    "a button that unfolds none": (sets("Action.ToggleVisibility", targetElements=[]), "shows and hides nothing"),
    "a link that runs something": (sets("Action.OpenUrl", url="javascript:alert(1)"), "opens 'javascript:alert(1)'"),
    "a link that anyone can read on the way": (sets("Action.OpenUrl", url="http://example.org"), "opens 'http://"),
    "sixty-one to be refreshed for": (
        lambda card: card["refresh"].update(userIds=[f"29:{number}" for number in range(61)]),
        "it is refreshed for more than 60 people",
    ),
    "a refresh that is of no card": (lambda card: card["refresh"]["action"].pop("data"), "which card it is of"),
    "a colour that means something": (sets("TextBlock", 3, color="Attention"), "has a colour and no word for it"),
    "a picture without words": (
        lambda card: card["body"].append({"type": "Image", "url": "https://example.org/x.png"}),
        "Image has no altText",
    ),
    "a chart that can't be left out": (drops(CHART, "fallback"), f"{CHART} has no fallback"),
    "a chart with a wrong colour": (sets(CHART, color="crimson"), f"{CHART} color: Input should be 'good'"),
    "a chart with an unknown key": (sets(CHART, colour="good"), f"{CHART} has an unknown property 'colour'"),
    "a bar with an unknown key": (
        lambda card: first(card, CHART)["data"][0].update(label="Good"),
        f"{CHART} has an unknown property 'label'",
    ),
    "a chart without a title": (drops(CHART, "title"), f"{CHART} '' has an empty title"),
    "a chart whose bars differ by colour": (
        lambda card: first(card, CHART)["data"][0].update(color="good"),
        f"{CHART} tells its bars apart by colour",
    ),
    "a chart that says more than its table": (
        lambda card: first(card, CHART)["data"].append({"x": "Outstanding", "y": 3}),
        f"{CHART} shows what the table after it doesn't",
    ),
    "a chart without its table": (
        lambda card: card["body"].remove(of_type(card, "Table")[-1]),
        f"{CHART} shows what the table after it doesn't",
    ),
    "another kind of chart": (
        lambda card: card["body"].append({"type": "Chart.Pie", "title": "Grades", "fallback": "drop"}),
        "there is no element 'Chart.Pie'",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
def test_a_fault_is_seen_and_named(rendered: dict[str, Any], spoil: Spoil, said: str) -> None:
    spoil(rendered)
    faults = faults_of([rendered])
    assert any(said in fault for fault in faults), faults


def test_a_fault_is_named_with_the_card_that_has_it(rendered: dict[str, Any]) -> None:
    other = render(Card("Another"), card_id="c2")
    other["lang"] = ""
    assert faults_of([rendered, other]) == ["For your information: Another: it has no lang"]


def test_the_size_of_a_card_is_counted_in_utf_16() -> None:
    assert size_of({"text": "–😀"}) == len('{"text": "') * 2 + 2 + 4 + len('"}') * 2
