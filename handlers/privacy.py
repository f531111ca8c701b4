"""The check of free text: what looks like a child's personal data is questioned before it goes anywhere."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stdnum.gb import nhs

from cards.card import Card, Choice, ChoiceInput

TICK = "privacy_checked"
ASKS = "This looks like"
TAKEN_OUT = "[taken out]"
_DIGITS = re.compile(r"(?<![\d/])(\d{3})[ -]?(\d{3})[ -]?(\d{4})(?!\d)")
_POSTCODE = re.compile(r"\b(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2})\b", re.IGNORECASE)
_BORN = re.compile(
    r"\b(?:d\.?o\.?b\.?|date of birth|born(?: on)?|birthday)\b[\s:,is-]*"
    r"(?:\d{1,2}(?:st|nd|rd|th)?[\s./-]+(?:\d{1,2}|[a-z]{3,9})[\s./-]+\d{2,4}|\d{4}-\d{2}-\d{2})",
    re.IGNORECASE,
)
_FULL_DATE_OF_A_CHILD = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d{2}\b")
_PHONE = re.compile(r"(?<!\d)(?:\+44 ?\(?0?\)? ?|0)\d(?:[ -]?\d){8,9}(?!\d)")


def findings(text: str) -> tuple[str, ...]:
    """What in a text looks like personal data: an NHS number, a postcode, a date of birth, a phone number."""
    found: list[str] = []
    if any(nhs.is_valid("".join(match.groups())) for match in _DIGITS.finditer(text)):
        found.append("an NHS number")
    if _POSTCODE.search(text):
        found.append("a postcode")
    if _BORN.search(text) or _FULL_DATE_OF_A_CHILD.search(text):
        found.append("a date of birth")
    if _PHONE.search(text) and "an NHS number" not in found:
        found.append("a phone number")
    return tuple(found)


def questioned(values: Mapping[str, str], free_text: Iterable[str]) -> dict[str, str]:
    """For each free-text input with something personal in it, the question to its writer."""
    if values.get(TICK) == "yes":
        return {}
    errors: dict[str, str] = {}
    for name in free_text:
        found = findings(values.get(name, ""))
        if found:
            what = " and ".join(found)
            errors[name] = f"{ASKS} {what}, so it was taken out. Please check the text and send it again."
    return errors


def masked(text: str) -> str:
    """The text with what looks like personal data taken out, so that not even a form shown again keeps it."""
    for pattern in (_BORN, _FULL_DATE_OF_A_CHILD, _POSTCODE, _PHONE):
        text = pattern.sub(TAKEN_OUT, text)
    return _DIGITS.sub(lambda match: TAKEN_OUT if nhs.is_valid("".join(match.groups())) else match[0], text)


def without_personal_data(card: Card) -> Card:
    """A refusal that repeats what was typed, with what looks like personal data taken out of it."""
    return replace(card, title=masked(card.title), text=tuple(masked(line) for line in card.text))


def again(card: Card, values: Mapping[str, str], errors: Mapping[str, str], error: str = "") -> Card:
    """The form as it was filled in, each error beside its input.

    What the check of free text found is taken out of it, and there is a way to say that it isn't personal after all.
    """
    ticked = values.get(TICK) == "yes"
    asked = {name for name, words in errors.items() if words.startswith(ASKS)}
    kept = {name: masked(value) if name in asked else value for name, value in values.items()}
    if asked or ticked:
        tick = ChoiceInput(
            TICK,
            "If it was no personal information: write it again, and say so here",
            (Choice("yes", "I have checked; send it as it is"),),
            hint="Only where the check is mistaken.",
        )
        sending = tuple(replace(one, inputs=(*one.inputs, TICK)) if one.inputs else one for one in card.actions)
        card = replace(card, inputs=(*card.inputs, tick), actions=sending)
    return card.answered(kept, dict(errors), error)
