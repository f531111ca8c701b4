"""All that Slack is sent of a card, against Slack's own types."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cards.card import Card
from tests.cards.slack import Sent, all_of, faults_by_slacks_types, of_type
from tests.clients.schemas import schema_of
from tests.clients.slack import faults_by_type

pytestmark = pytest.mark.clients


def drawn_cards(count: int) -> list[Card]:
    """Cards of every make."""
    found: list[Card] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None)
    @given(card=st.from_type(Card))
    def draw(card: Card) -> None:
        found.append(card)

    draw()
    return found


def test_slacks_types_have_nothing_against_what_is_sent_of_any_card(full_card: Card) -> None:
    cards = [full_card, *drawn_cards(60)]
    assert len(cards) > 60
    assert faults_by_slacks_types(one for card in cards for one in all_of(card)) == []


Spoil = Callable[[dict[str, Any]], Any]

SPOILED: dict[str, tuple[Spoil, str]] = {
    "an unknown key": (lambda view: of_type(view, "section")[0].update(colour="red"), "'colour' was unexpected"),
    "a key of another element": (
        lambda view: of_type(view, "plain_text_input")[0].update(options=[]),
        "'options' was unexpected",
    ),
    "a text of the wrong kind": (
        lambda view: of_type(view, "input")[0]["label"].update(type="mrkdwn"),
        "/label/type: 'plain_text' was expected",
    ),
    "no text object": (lambda view: of_type(view, "input")[0].update(label="Grade"), "/label: 'Grade' is not of type"),
    "an unknown block": (lambda view: view["blocks"].append({"type": "banner"}), "'banner' is no block"),
    "an unknown element": (
        lambda view: of_type(view, "input")[0]["element"].update(type="slider"),
        "/element/type: ",
    ),
    "a style that there isn't": (lambda view: of_type(view, "button")[0].update(style="loud"), "/style: 'loud'"),
    "no element": (lambda view: of_type(view, "input")[0].pop("element"), "'element' is a required property"),
    "no title": (lambda view: view.pop("title"), "'title' is a required property"),
    "something else than a modal": (lambda view: view.update(type="home"), "/type: 'modal' was expected"),
    "a key that a view doesn't have": (lambda view: view.update(text="x"), "'text' was unexpected"),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
def test_slacks_types_see_a_fault(full_card: Card, spoil: Spoil, said: str) -> None:
    sent = [one for one in all_of(full_card) if one.kind == "Modal" and "submit" in one.payload]
    view = sent[0].payload
    view["blocks"].append(next(one for one in all_of(full_card) if of_type(one.payload, "actions")).blocks[-2])
    assert faults_by_type("Modal", view) == []
    spoil(view)
    faults = faults_by_type("Modal", view)
    assert any(said in fault for fault in faults), faults


def test_a_message_without_its_text_is_no_message(full_card: Card) -> None:
    message = next(one for one in all_of(replace(full_card, bars=None)) if one.kind == "Message")
    assert faults_by_slacks_types([message]) == []
    without = Sent("Message", {"blocks": message.blocks})
    assert any("'text' is a required property" in fault for fault in faults_by_slacks_types([without]))


def test_a_schema_can_be_made_of_any_type() -> None:
    schema = schema_of("export interface Pair { one: string; two?: number }", "Pair")
    assert schema["definitions"]["Pair"]["required"] == ["one"]
