"""Blocks as a client of Slack reads them: their words, their buttons, their inputs, and what an answer is made of."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.slack.limits import length
from tests.slack.workspace import Json, elements_of

_TEXTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
_HOLDS = {
    **dict.fromkeys(_TEXTS, ("value", "initial_value")),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
"""Where the state of an element has its value, and where the element has the one that it begins with."""

_PRESSED = frozenset({"button", "overflow", "workflow_button"})
_MANY = frozenset({"selected_options", "selected_users"})

Typed = dict[tuple[str, str], Any]


class CannotBeDone(AssertionError):
    """What a test asks of a client that the blocks don't allow, such as a button that isn't there."""


@dataclass(frozen=True)
class Control:
    """An element that a person can act on, with the block in which it stands."""

    block: Json
    element: Json

    @property
    def name(self) -> tuple[str, str]:
        return self.block["block_id"], self.element["action_id"]

    @property
    def kind(self) -> str:
        return str(self.element["type"])

    @property
    def is_pressed(self) -> bool:
        return self.kind in _PRESSED

    @property
    def dispatches(self) -> bool:
        """Whether the app hears of it at once, and not only with the whole form."""
        return self.block["type"] != "input" or bool(self.block.get("dispatch_action"))

    @property
    def labels(self) -> list[str]:
        """What a person may call it by: its words, its label, the words beside it, and its action_id."""
        element, block = self.element, self.block
        places = (element.get("text"), block.get("label"), element.get("placeholder"), block.get("text"))
        words = [text_of(one) for one in places if isinstance(one, dict)]
        return [*words, *(str(element[key]) for key in ("accessibility_label", "action_id") if key in element)]

    @property
    def options(self) -> list[Json]:
        groups = self.element.get("option_groups") or [self.element]
        return [option for group in groups for option in group.get("options") or []]

    def value(self, typed: Typed) -> Any:
        """What stands in it now, as its state gives it."""
        held, begins = _HOLDS[self.kind]
        empty: Any = [] if held in _MANY else None
        return typed.get(self.name, self.element.get(begins, empty))

    def state(self, typed: Typed) -> Json:
        return {"type": self.kind, _HOLDS[self.kind][0]: self.value(typed)}

    def filled(self, text: str) -> str:
        """The text as it can be typed. Raises CannotBeDone."""
        if self.kind not in _TEXTS:
            raise CannotBeDone(f"{self.labels[0]!r} is no input for text.")
        most = self.element.get("max_length", 3000)
        if length(text) > most:
            raise CannotBeDone(f"{self.labels[0]!r} takes {most} characters.")
        return text

    def chosen(self, wanted: str, typed: Typed) -> Any:
        """What its state holds once somebody has chosen this. Raises CannotBeDone."""
        held = _HOLDS.get(self.kind, ("", ""))[0]
        if self.kind in ("datepicker", "timepicker", "users_select", "conversations_select", "channels_select"):
            return wanted
        if self.kind == "datetimepicker":
            return int(wanted)
        if held not in ("selected_option", "selected_options"):
            raise CannotBeDone(f"{self.labels[0]!r} offers nothing to choose.")
        option = self.option(wanted)
        if held == "selected_option":
            return option
        before = list(self.value(typed))
        return [one for one in before if one != option] if option in before else [*before, option]

    def option(self, wanted: str) -> Json:
        """The option with these words or this value. Raises CannotBeDone."""
        for option in self.options:
            if wanted in (text_of(option["text"]), option["value"]):
                return option
        offered = [text_of(option["text"]) for option in self.options]
        raise CannotBeDone(f"{wanted!r} is none of {offered}.")


def controls_of(blocks: list[Json]) -> Iterator[Control]:
    for block in blocks:
        for element in elements_of(block):
            yield Control(block, element)


def control(blocks: list[Json], wanted: str, *, pressed: bool) -> Control | None:
    """The control that is called so; among several, the one with exactly these words before one that begins so."""
    there = [one for one in controls_of(blocks) if one.is_pressed is pressed]
    for fits in (str.__eq__, str.startswith):
        for one in there:
            if any(fits(label, wanted) for label in one.labels):
                return one
    return None


def state_of(blocks: list[Json], typed: Typed) -> Json:
    """`state.values` as a payload has it: everything that can hold a value, by block and action."""
    values: dict[str, Json] = {}
    for one in controls_of(blocks):
        if one.kind in _HOLDS:
            values.setdefault(one.name[0], {})[one.name[1]] = one.state(typed)
    return {"values": values}


def missing_from(blocks: list[Json], typed: Typed) -> list[str]:
    """The labels of inputs that must be filled in and aren't, or are too short."""
    return [
        one.labels[0]
        for one in controls_of(blocks)
        if one.block["type"] == "input"
        and not one.block.get("optional")
        and (not (value := one.value(typed)) or len(str(value)) < one.element.get("min_length", 0))
    ]


def text_of(text: Json) -> str:
    """The words of a text object, as they are shown."""
    words = str(text.get("text", ""))
    return html.unescape(words) if text.get("type") == "mrkdwn" else words


def words_of(blocks: list[Json]) -> str:
    """All that a person reads in these blocks, from top to bottom, a line each."""
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _lines(inner)
    elif isinstance(value, dict):
        if value.get("type") in ("rich_text_section", "rich_text_preformatted", "rich_text_quote"):
            yield "".join(str(one.get("text") or one.get("url") or "") for one in value["elements"])
        elif isinstance(value.get("text"), str):
            yield text_of(value)
        elif value.get("type") == "image":
            yield str(value["alt_text"])
        else:
            for name in ("label", "title", "text", "fields", "accessory", "element", "hint", "elements", "rows"):
                yield from _lines(value.get(name))
            for name in ("placeholder", "options"):
                yield from _lines(value.get(name))
            if "initial_value" in value:
                yield str(value["initial_value"])
