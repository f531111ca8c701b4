"""The checks of what Slack is sent see what is wrong: each payload here is spoiled in one place."""

from collections.abc import Callable
from typing import Any

import pytest

from cards.blocks.forms import form_view
from cards.card import Card
from tests.cards.slack import CONTEXT, Sent, all_of, faults_of, of_type

Spoil = Callable[[dict[str, Any]], Any]


def message_of(card: Card) -> dict[str, Any]:
    return next(one.payload for one in all_of(card) if one.kind == "Message" and of_type(one.payload, "image"))


def form_of(card: Card) -> dict[str, Any]:
    return form_view(card, "submit", "audit-7", context=CONTEXT)


def of_first(kind: str, **values: Any) -> Spoil:
    return lambda payload: of_type(payload, kind)[0].update(values)


MESSAGES: dict[str, tuple[Spoil, str]] = {
    "no text": (lambda one: one.update(text=" "), "notifications and screen readers need it"),
    "too long a text": (lambda one: one.update(text="w" * 4001), "its text is too long for a change"),
    "a call in its text": (lambda one: one.update(text="<!channel> look"), "it calls <!channel>"),
    "too much in all": (
        lambda one: one["blocks"].extend({"type": "divider"} for _ in range(80)),
        "its blocks come to",
    ),
    "markup": (of_first("mrkdwn", text="<https://example.org|here>"), "may be read as more than text"),
    "links made by Slack": (of_first("mrkdwn", verbatim=False), "may be read as more than text"),
    "emoji": (of_first("plain_text", emoji=True), "may be read as emoji"),
    "a picture without words": (of_first("image", alt_text=" "), "a picture has no words"),
    "two primary buttons": (
        lambda one: [button.update(style="primary") for button in of_type(one, "button")],
        "it has two primary buttons",
    ),
    "two buttons of one name": (
        lambda one: [button.update(action_id="press-1") for button in of_type(one, "button")],
        "two buttons have one action_id",
    ),
    "a title over the limit of the library": (
        lambda one: of_type(one, "header")[0]["text"].update(text="w" * 151),
        "slack_sdk: ",
    ),
}

FORMS: dict[str, tuple[Spoil, str]] = {
    "called both": (of_first("input", optional=True), "is called required and optional"),
    "a block of another name": (of_first("input", block_id="grade"), "is no block of an input"),
    "two cursors": (
        lambda one: [block["element"].update(focus_on_load=True) for block in of_type(one, "input")],
        "the cursor starts in several inputs",
    ),
    "closed in silence": (lambda one: one.update(notify_on_close=False), "closing it goes unheard"),
}


def test_what_is_sound_has_no_faults(full_card: Card) -> None:
    assert faults_of(all_of(full_card)) == []


@pytest.mark.parametrize(("spoil", "said"), MESSAGES.values(), ids=MESSAGES)
def test_a_fault_of_a_message_is_named(full_card: Card, spoil: Spoil, said: str) -> None:
    message = message_of(full_card)
    spoil(message)
    assert any(said in fault for fault in faults_of([Sent("Message", message)]))


@pytest.mark.parametrize(("spoil", "said"), FORMS.values(), ids=FORMS)
def test_a_fault_of_a_form_is_named(full_card: Card, spoil: Spoil, said: str) -> None:
    view = form_of(full_card)
    spoil(view)
    assert any(said in fault for fault in faults_of([Sent("Modal", view)]))


def test_an_input_in_a_message_is_named(full_card: Card) -> None:
    message = message_of(full_card)
    message["blocks"].append(of_type(form_of(full_card), "input")[0])
    assert any("it has an input" in fault for fault in faults_of([Sent("Message", message)]))
