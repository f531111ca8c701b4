"""What must hold of every Adaptive Card, whoever made it: the published schema, and what schema and client let pass.

Microsoft's own renderer is asked in tests/clients/microsoft.py.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft6Validator
from microsoft_teams.cards import HorizontalBarChart
from pydantic import BaseModel, ValidationError

from cards.adaptive import MOST_ACTIONS, MOST_BYTES
from cards.presenting import SIGNS

Json = Mapping[str, Any]

CHART = "Chart.HorizontalBar"
"""The one element of Teams' own that is on our cards. It isn't in the published schema, and clients may drop it."""
MOST_PRIMARY = 3
MOST_REFRESHED = 60
SENT_BY_BUTTONS = frozenset({"verb", "subject", "card_id"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def faults_of(cards: Iterable[Json]) -> list[str]:
    """What is wrong with these cards, each fault with the card and the element that has it."""
    return [
        f"{card.get('fallbackText') or 'A card without fallbackText'}: {fault}"
        for card in cards
        for fault in (*_faults_by_schema(card), *(fault for check in CHECKS for fault in check(card)))
    ]


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the JSON, the outermost first; what a button sends is data and not looked into."""
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key != "data" or not str(value.get("type")).startswith("Action."):
                yield from inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from inside(inner)


def of_type(card: Json, *types: str) -> list[dict[str, Any]]:
    """The elements of these types; a type may be the start of one, as in `Input.`."""
    found = (one for one in inside(card) if isinstance(one.get("type"), str))
    return [
        one
        for one in found
        if any(one["type"] == kind or (kind[-1] == "." and one["type"].startswith(kind)) for kind in types)
    ]


def size_of(card: Json) -> int:
    """The bytes of the card as Teams counts them."""
    return len(json.dumps(card, ensure_ascii=False).encode("utf-16-le"))


# By the published schema


@cache
def _definitions() -> dict[str, Any]:
    """The schema 1.5, made shallow.

    Where it offers all kinds of elements, the name of the kind decides; each is then checked by its own definition.
    The schema as it is tries every kind at every depth, and says only that none of them fits.
    """
    schema = json.loads(files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text("utf-8"))
    return {
        name: {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": re.findall(r"#/definitions/([\w.]+)", json.dumps(definition))}},
        }
        if name.startswith("ImplementationsOf.")
        else definition
        for name, definition in schema["definitions"].items()
    }


@cache
def _validator(kind: str) -> Draft6Validator:
    return Draft6Validator({"definitions": _definitions(), "$ref": f"#/definitions/{kind}"})


@lru_cache(maxsize=20_000)
def _faults_of_element(element: str) -> tuple[str, ...]:
    """The faults of one element, given as JSON: most of them are on many cards."""
    one = json.loads(element)
    found = _validator(one["type"]).iter_errors(one)
    return tuple(f"{one['type']}{error.json_path[1:]}: {error.message}" for error in found)


def _faults_by_schema(card: Json) -> Iterator[str]:
    """`msteams` and the charts are extensions of Teams; the schema knows nothing of them."""
    known = _without_charts({key: value for key, value in card.items() if key != "msteams"})
    for one in inside(known):
        if one.get("type") in _definitions():
            yield from _faults_of_element(json.dumps(_shallow(one)))


def _shallow(value: Any, *, itself: bool = True) -> Any:
    """The element with no more than their types of the elements and actions inside it: each is looked at on its own."""
    if isinstance(value, list):
        return [_shallow(inner, itself=False) for inner in value]
    if not isinstance(value, dict):
        return value
    if not itself and value.get("type") in _kinds():
        return {"type": value["type"]}
    return {key: inner if key == "data" else _shallow(inner, itself=False) for key, inner in value.items()}


@cache
def _kinds() -> frozenset[str]:
    """The types that may stand where the schema offers all kinds."""
    offers = (one for name, one in _definitions().items() if name.startswith("ImplementationsOf."))
    return frozenset(kind for one in offers for kind in one["properties"]["type"]["enum"])


def _without_charts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_charts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [
            _without_charts(inner) for inner in value if not (isinstance(inner, dict) and inner.get("type") == CHART)
        ]
    return value


# What schema and client let pass

Check = Callable[[Json], Iterator[str]]
CHECKS: list[Check] = []


def _check(check: Check) -> Check:
    CHECKS.append(check)
    return check


@_check
def _is_whole(card: Json) -> Iterator[str]:
    if card.get("type") != "AdaptiveCard" or card.get("version") != "1.5":
        yield "it is no Adaptive Card of version 1.5"
    for key in ("fallbackText", "speak", "lang"):
        if not str(card.get(key) or "").strip():
            yield f"it has no {key}"
    if not any(block.get("style") == "heading" for block in of_type(card, "TextBlock")):
        yield "it has no heading"


@_check
def _fits(card: Json) -> Iterator[str]:
    if size_of(card) > MOST_BYTES:
        yield f"it takes {size_of(card)} bytes, and {MOST_BYTES} may be sent"


@_check
def _has_known_kinds(card: Json) -> Iterator[str]:
    for one in inside(card):
        kind = one.get("type")
        if kind is not None and kind not in (*_definitions(), CHART):
            yield f"there is no element {kind!r}"


@_check
def _says_something_everywhere(card: Json) -> Iterator[str]:
    facts = [fact for one in of_type(card, "FactSet") for fact in one.get("facts", ())]
    choices = [choice for one in of_type(card, "Input.ChoiceSet") for choice in one.get("choices", ())]
    buttons = [one for one in of_type(card, "Action.") if one is not _refresh(card)]
    said = [(one, "text") for one in of_type(card, "TextBlock")]
    said += [(one, "title") for one in (*facts, *choices, *buttons, *of_type(card, CHART))]
    said += [(one, "value") for one in facts]
    for one, key in said:
        if not str(one.get(key) or "").strip():
            yield f"{one.get('type') or one} {_name(one)} has an empty {key}"


@_check
def _wraps(card: Json) -> Iterator[str]:
    for one in of_type(card, "TextBlock", "Input.ChoiceSet"):
        if one.get("wrap") is not True and (one["type"] == "TextBlock" or one.get("style") == "expanded"):
            yield f"{one['type']} {_name(one)} doesn't wrap"


@_check
def _has_each_id_once(card: Json) -> Iterator[str]:
    seen: set[str] = set()
    for one in inside(card):
        name = one.get("id")
        if name is not None and name in seen:
            yield f"the id {name!r} is there twice"
        if name is not None:
            seen.add(name)


@_check
def _asks_clearly(card: Json) -> Iterator[str]:
    for one in of_type(card, "Input."):
        if not str(one.get("label") or "").strip():
            yield f"{one['type']} {_name(one)} has no label"
        if not one.get("id") or one["id"] in SENT_BY_BUTTONS:
            yield f"{one['type']} {_name(one)} has no name of its own"
        if one.get("isRequired") and not str(one.get("errorMessage") or "").strip():
            yield f"{one['type']} {_name(one)} is required and has no errorMessage"
    for hidden in inside(card):
        if hidden.get("isVisible") is False:
            for one in of_type(hidden, "Input."):
                if one.get("isRequired"):
                    yield f"{one['type']} {_name(one)} is required and hidden"


@_check
def _offers_choices(card: Json) -> Iterator[str]:
    for one in of_type(card, "Input.ChoiceSet"):
        values = [choice.get("value") for choice in one.get("choices", ())]
        if not values:
            yield f"Input.ChoiceSet {_name(one)} has no choices"
        if not all(values):
            yield f"Input.ChoiceSet {_name(one)} has a choice without a value"
        if len(set(values)) < len(values):
            yield f"Input.ChoiceSet {_name(one)} has one value twice"
        if "value" in one and one["value"] not in values:
            yield f"Input.ChoiceSet {_name(one)} has a value that it doesn't offer"


@_check
def _takes_what_it_shows(card: Json) -> Iterator[str]:
    for one in of_type(card, "Input.Text"):
        most = one.get("maxLength")
        if not isinstance(most, int) or most < 1:
            yield f"Input.Text {_name(one)} has no maxLength"
        elif len(str(one.get("value", "")).encode("utf-16-le", "surrogatepass")) // 2 > most:
            yield f"Input.Text {_name(one)} has a longer text than it takes"
    for one in of_type(card, "Input.Date"):
        for key in ("value", "min", "max"):
            if key in one and not _is_day(one[key]):
                yield f"Input.Date {_name(one)} has a {key} that is no day"
        if ("min" in one or "max" in one) and not str(one.get("errorMessage") or "").strip():
            yield f"Input.Date {_name(one)} has bounds and no errorMessage"


@_check
def _has_few_buttons(card: Json) -> Iterator[str]:
    for holder in (card, *of_type(card, "ActionSet")):
        if len(holder.get("actions") or ()) > MOST_ACTIONS:
            yield f"there are more than {MOST_ACTIONS} actions"
    if sum(one.get("style") == "positive" for one in card.get("actions") or ()) > MOST_PRIMARY:
        yield f"there are more than {MOST_PRIMARY} primary actions"


@_check
def _sends_both_ways(card: Json) -> Iterator[str]:
    for one in of_type(card, "Action.Execute"):
        data, other = one.get("data") or {}, one.get("fallback")
        if not one.get("verb"):
            yield f"Action.Execute {_name(one)} has no verb"
        if not data.get("card_id") or "subject" not in data:
            yield f"Action.Execute {_name(one)} doesn't say which card it is of"
        if one is _refresh(card):
            continue
        if not isinstance(other, dict) or other.get("type") != "Action.Submit":
            yield f"Action.Execute {_name(one)} has no fallback"
        elif other.get("data") != {**data, "verb": one.get("verb")} or any(
            other.get(key) != one.get(key) for key in ("title", "associatedInputs", "style")
        ):
            yield f"Action.Execute {_name(one)} has a fallback that does something else"


@_check
def _unfolds_what_is_there(card: Json) -> Iterator[str]:
    known = {one.get("id") for one in inside(card)} - {None}
    for one in of_type(card, "Action.ToggleVisibility"):
        targets = [
            target.get("elementId") if isinstance(target, dict) else target
            for target in one.get("targetElements") or ()
        ]
        if not targets or not set(targets) <= known:
            yield f"Action.ToggleVisibility {_name(one)} shows and hides nothing"


@_check
def _opens_safe_addresses(card: Json) -> Iterator[str]:
    for one in of_type(card, "Action.OpenUrl"):
        url = urlsplit(str(one.get("url")))
        if not url.hostname or not (url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)):
            yield f"Action.OpenUrl {_name(one)} opens {one.get('url')!r}"


@_check
def _refreshes_for_few(card: Json) -> Iterator[str]:
    if len((card.get("refresh") or {}).get("userIds") or ()) > MOST_REFRESHED:
        yield f"it is refreshed for more than {MOST_REFRESHED} people"


@_check
def _says_in_words_what_colours_mean(card: Json) -> Iterator[str]:
    for one in of_type(card, "TextBlock"):
        said = str(one.get("text"))
        if one.get("color") and not said.startswith(("Error: ", *map(str, SIGNS.values()))):
            yield f"TextBlock {said!r} has a colour and no word for it"
    for one in of_type(card, "Image"):
        if not str(one.get("altText") or "").strip():
            yield "Image has no altText"


@_check
def _has_each_chart_in_numbers(card: Json) -> Iterator[str]:
    for holder in inside(card):
        for items in (value for value in holder.values() if isinstance(value, list)):
            for place, one in enumerate(items):
                if isinstance(one, dict) and one.get("type") == CHART:
                    yield from _faults_of_chart(one, items[place + 1] if place + 1 < len(items) else {})


def _faults_of_chart(chart: Json, table: Json) -> Iterator[str]:
    if chart.get("fallback") != "drop":
        yield f"{CHART} has no fallback"
    try:
        read = HorizontalBarChart.model_validate(chart)
    except ValidationError as error:
        yield from (f"{CHART} {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return
    yield from (f"{CHART} has an unknown property {name!r}" for name in _unknown(read))
    if len({one.color for one in read.data or ()}) > 1:
        yield f"{CHART} tells its bars apart by colour"
    # A chart's labels are no Markdown, so nothing in them is escaped.
    drawn = [(" ".join(str(one.x).split()), f"{one.y:g}") for one in read.data or () if one.y is not None]
    rows = [
        [_words(" ".join(block["text"] for block in of_type(cell, "TextBlock"))) for cell in row.get("cells", ())]
        for row in table.get("rows", ())
    ]
    if not drawn or table.get("type") != "Table" or [tuple(row) for row in rows[1:]] != drawn:
        yield f"{CHART} shows what the table after it doesn't"


def _words(text: str) -> str:
    """The text without the escapes of Markdown, and its white space evened out."""
    return " ".join(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).split())


def _unknown(model: BaseModel) -> Iterator[str]:
    yield from model.model_extra or ()
    for value in dict(model).values():
        for inner in value if isinstance(value, list) else (value,):
            if isinstance(inner, BaseModel):
                yield from _unknown(inner)


def _refresh(card: Json) -> Any:
    return (card.get("refresh") or {}).get("action")


def _name(one: Json) -> str:
    return repr(one.get("id") or one.get("title") or one.get("text") or "")


def _is_day(text: Any) -> bool:
    try:
        return bool(date.fromisoformat(str(text)).isoformat() == text)
    except ValueError:
        return False
