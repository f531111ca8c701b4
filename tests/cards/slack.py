"""All that Slack is sent of a card, and what must hold of it: Slack's limits, slack_sdk's own, and what a reader needs.

What Slack's types say is asked in tests/clients/slack.py, which needs Node.js.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from cards.blocks import MOST_WEIGHT, Picture, render, render_all
from cards.blocks.buttons import opens_form
from cards.blocks.forms import block_ids, form_steps, form_view, said_view
from cards.blocks.home import home_view
from cards.card import Card
from tests.clients.slack import Kind, faults_by_type
from tests.slack.limits import Json, faults_of_message, faults_of_view, mentions_in, weight_of

PICTURE = Picture("F012AB3CD", "Completed 12, moderated 3.")
CONTEXT = '{"card_id":"c1"}'
MOST_NOTIFICATION = 4000
MOST_PRIMARY = 1


@dataclass(frozen=True)
class Sent:
    """Something that Slack is sent: a message, a modal or a Home tab."""

    kind: Kind
    payload: Json

    @property
    def blocks(self) -> list[Json]:
        found: list[Json] = self.payload["blocks"]
        return found

    @property
    def called(self) -> str:
        return f"{self.kind} {self.payload.get('text') or self.payload.get('title', {}).get('text') or ''}"[:80]


def all_of(card: Card, card_id: str = "c1") -> list[Sent]:
    """The messages of a card, each step of the form of each action, its modal without a form, and a Home tab."""
    messages = [render(card, card_id=card_id), *render_all(card, card_id=card_id)]
    if card.bars is not None:
        messages += [
            render(card, card_id=card_id, picture=PICTURE),
            *render_all(card, card_id=card_id, picture=PICTURE),
        ]
    found = [Sent("Message", {"text": one.text, "blocks": one.blocks}) for one in messages]
    found += [Sent("Modal", view) for view in forms_of(card)]
    found.append(Sent("Modal", said_view(card)))
    found.append(Sent("Home", home_view([(card_id, card), ("", card)])))
    return found


def forms_of(card: Card) -> Iterator[Json]:
    """Every step of the form of each action that opens one."""
    for action in card.actions:
        if opens_form(card, action):
            for step in range(1, form_steps(card, action.verb, action.subject) + 1):
                yield form_view(card, action.verb, action.subject, context=CONTEXT, step=step)


def faults_of(sent: Iterable[Sent]) -> list[str]:
    """What Slack would refuse of it, and what a reader would miss."""
    return [f"{one.called}: {fault}" for one in sent for fault in _faults(one)]


def faults_by_slacks_types(sent: Iterable[Sent]) -> list[str]:
    """What Slack's own types have against it. For tests marked `clients`."""
    return [f"{one.called}: {fault}" for one in sent for fault in faults_by_type(one.kind, one.payload)]


def inside(value: Any) -> Iterator[Json]:
    """Every object of the JSON, the outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from inside(inner)


def of_type(payload: Any, *types: str) -> list[Json]:
    return [one for one in inside(payload) if one.get("type") in types]


def asked_in(card: Card) -> list[tuple[str, str]]:
    """The name and the block of each input in all the steps of all the forms of a card."""
    return [(one["element"]["action_id"], one["block_id"]) for view in forms_of(card) for one in of_type(view, "input")]


def blocks_by_name(card: Card) -> list[tuple[str, str]]:
    """The same, as they are told to whoever puts errors beside the inputs."""
    forms = [one for one in card.actions if opens_form(card, one)]
    return [pair for one in forms for pair in block_ids(card, one.verb, one.subject).items()]


def _faults(sent: Sent) -> Iterator[str]:
    yield from faults_of_message(sent.payload) if sent.kind == "Message" else faults_of_view(sent.payload)
    yield from (f"it calls {who}" for who in mentions_in(sent.payload))
    yield from (f"slack_sdk: {fault}" for block in sent.blocks if (fault := _refused(json.dumps(block))))
    if sent.kind != "Message":
        try:
            View(**(sent.payload | {"blocks": sent.blocks[:1]})).validate_json()
        except Exception as error:
            yield f"slack_sdk: {error}"
    yield from _faults_of_texts(sent)
    yield from _faults_of_form(sent)
    yield from _faults_of_kind(sent)


@lru_cache(maxsize=20_000)
def _refused(block: str) -> str:
    """What slack_sdk has against a block, given as JSON: many are in many messages."""
    try:
        for one in Block.parse_all([json.loads(block)]):
            one.validate_json()
    except Exception as error:
        return str(error) or type(error).__name__
    return ""


def _faults_of_texts(sent: Sent) -> Iterator[str]:
    for one in inside(sent.payload):
        text = str(one.get("text"))
        if one.get("type") == "mrkdwn" and (set("<>") & set(text) or one.get("verbatim") is not True):
            yield f"{text!r} may be read as more than text"
        if one.get("type") == "plain_text" and one.get("emoji") is not False:
            yield f"{text!r} may be read as emoji"
    for one in of_type(sent.payload, "image"):
        if not one["alt_text"].strip():
            yield "a picture has no words"


def _faults_of_form(sent: Sent) -> Iterator[str]:
    blocks = sent.blocks
    focused = [one for one in inside(blocks) if one.get("focus_on_load")]
    if len(focused) > 1:
        yield "the cursor starts in several inputs"
    pressed = [one["action_id"] for one in of_type(blocks, "button")]
    if len(set(pressed)) < len(pressed):
        yield "two buttons have one action_id"
    for one in of_type(blocks, "input"):
        if sent.kind != "Modal":
            yield "it has an input"
        if one.get("optional") and "(required)" in one["label"]["text"]:
            yield f"{one['label']['text']!r} is called required and optional"
        if not one["block_id"].startswith("input/"):
            yield f"{one['block_id']!r} is no block of an input"


def _faults_of_kind(sent: Sent) -> Iterator[str]:
    payload = sent.payload
    if sent.kind == "Message":
        if len(payload["text"].encode("utf-16-le", "surrogatepass")) // 2 > MOST_NOTIFICATION:
            yield "its text is too long for a change"
        if weight_of(sent.blocks) > MOST_WEIGHT:
            yield f"its blocks come to {weight_of(sent.blocks)}"
        if sum(one.get("style") == "primary" for one in of_type(sent.blocks, "button")) > MOST_PRIMARY:
            yield "it has two primary buttons"
    if sent.kind == "Modal" and "submit" in payload and not payload.get("notify_on_close"):
        yield "closing it goes unheard"
