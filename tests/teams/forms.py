"""A card as a client of Teams reads it: its buttons, its inputs, and what a press of a button sends."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

Element = dict[str, Any]

ANSWERING = frozenset({"Action.Execute", "Action.Submit"})
INPUTS = frozenset({"Input.Text", "Input.Number", "Input.Date", "Input.Time", "Input.Toggle", "Input.ChoiceSet"})
_WITHIN = ("body", "items", "columns", "rows", "cells", "inlines", "actions", "card", "inlineAction", "selectAction")


class CannotBeDone(AssertionError):
    """What a test asks of a client that the card doesn't allow, such as a button that isn't there."""


def _elements(element: Element) -> Iterator[Element]:
    """An element and all within it, in reading order; what stands only in a fallback is left out."""
    yield element
    for name in _WITHIN:
        inner = element.get(name)
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                yield from _elements(one)


def inputs_of(card: Element) -> dict[str, Element]:
    """The card's inputs by their ids."""
    return {one["id"]: one for one in _elements(card) if one.get("type") in INPUTS}


def buttons_of(card: Element) -> list[Element]:
    """The card's buttons that send something to the bot."""
    return [one for one in _elements(card) if one.get("type") in ANSWERING]


def button(card: Element, wanted: str) -> Element:
    """The button with this verb or this label. Raises CannotBeDone if there is none, or more than one."""
    found = [one for one in buttons_of(card) if wanted in (one.get("verb"), one.get("title"))]
    if len(found) != 1:
        there = ", ".join(f"{one.get('verb')} ({one.get('title')})" for one in buttons_of(card)) or "none"
        raise CannotBeDone(f"{len(found)} buttons are called {wanted!r}. The card's buttons: {there}.")
    if found[0].get("isEnabled") is False:
        raise CannotBeDone(f"The button {wanted!r} is switched off.")
    return found[0]


def pressed(card: Element, action: Element, typed: Mapping[str, str]) -> dict[str, Any]:
    """The data that a press sends: the button's own, and over it each input that isn't empty.

    Raises CannotBeDone where a client would not let it happen: an input that isn't there, a choice that isn't
    offered, a text too long, an answer that is insisted on and missing.
    """
    fields = inputs_of(card) if action.get("associatedInputs") != "none" else {}
    if strangers := sorted(set(typed) - set(fields)):
        raise CannotBeDone(
            f"The button takes no input {', '.join(strangers)}. It takes: {', '.join(fields) or 'none'}."
        )
    data = dict(action.get("data") or {})
    for name, field in fields.items():
        if value := _value(field, typed.get(name)):
            data[name] = value
        elif field.get("isRequired"):
            raise CannotBeDone(f"{name} is insisted on: {field.get('errorMessage')}")
    return data


def _value(field: Element, typed: str | None) -> str:
    """What an input holds, as a client sends it."""
    kind, name = field["type"], field["id"]
    if kind == "Input.Toggle":
        on, off = field.get("valueOn", "true"), field.get("valueOff", "false")
        value = typed if typed is not None else field.get("value", off)
        if value not in (on, off):
            raise CannotBeDone(f"{name} is {on} or {off}.")
        # A client takes a required toggle that is off for one that isn't answered.
        return "" if field.get("isRequired") and value == off else str(value)
    value = str(field.get("value", "")) if typed is None else typed
    if kind == "Input.ChoiceSet":
        return _chosen(field, value)
    if value and kind in ("Input.Date", "Input.Number"):
        _check_between(field, value)
    if kind == "Input.Text":
        longest, pattern = field.get("maxLength"), field.get("regex")
        if longest and len(value.encode("utf-16-le")) // 2 > longest:
            raise CannotBeDone(f"{name} takes {longest} characters.")
        if value and pattern and not re.search(pattern, value):
            raise CannotBeDone(f"{name} must look like {pattern}.")
    return value


def _chosen(field: Element, value: str) -> str:
    """The values chosen, each given by its value or its title."""
    offered = {choice["value"]: choice["value"] for choice in field.get("choices") or []}
    by_title = {choice["title"]: choice["value"] for choice in field.get("choices") or []}
    if field.get("isMultiSelect"):
        return ",".join(_one(field, part, by_title | offered) for part in value.split(",") if part)
    return _one(field, value, by_title | offered) if value else ""


def _one(field: Element, value: str, offered: Mapping[str, str]) -> str:
    if value not in offered:
        raise CannotBeDone(f"{field['id']} doesn't offer {value!r}. It offers: {', '.join(offered)}.")
    return offered[value]


def _check_between(field: Element, value: str) -> None:
    read = date.fromisoformat if field["type"] == "Input.Date" else float
    try:
        known = read(value)
    except ValueError:
        raise CannotBeDone(f"{field['id']} can't hold {value!r}.") from None
    least, most = (read(str(field[name])) if field.get(name) is not None else known for name in ("min", "max"))
    if not least <= known <= most:  # type: ignore[operator]
        raise CannotBeDone(f"{field['id']} takes {field.get('min')} to {field.get('max')}.")
