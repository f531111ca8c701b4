"""The check of free text: what looks like a child's personal data is questioned before it goes anywhere."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stdnum.gb import nhs

from cards.card import Card, Choice, ChoiceInput

TICK = "privacy_checked"
ASKS = "This looks like"
_DIGITS = re.compile(r"(?<![\d/])(\d{3})[ -]?(\d{3})[ -]?(\d{4})(?!\d)")
_POSTCODE = re.compile(r"\b(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2})\b", re.IGNORECASE)
_BORN = re.compile(
    r"\b(?:d\.?o\.?b\.?|date of birth|born(?: on)?|birthday)\b[\s:,is-]*"
    r"(?:\d{1,2}(?:st|nd|rd|th)?[\s./-]+(?:\d{1,2}|[a-z]{3,9})[\s./-]+\d{2,4}|\d{4}-\d{2}-\d{2})",
    re.IGNORECASE,
)
_FULL_DATE_OF_A_CHILD = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d{2}\b")
_PHONE = re.compile(r"(?<!\d)(?:\+44 ?\(?0?\)? ?|0)(?:\d[ -]?){9,10}(?!\d)")


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
            errors[name] = f"{ASKS} {' and '.join(found)}. Please take it out and write the case reference instead."
    return errors


def again(card: Card, values: Mapping[str, str], errors: Mapping[str, str], error: str = "") -> Card:
    """The form as it was filled in, each error beside its input; where the check of free text asked something, with a
    way to say that what it found isn't personal after all."""
    if any(words.startswith(ASKS) for words in errors.values()):
        tick = ChoiceInput(
            TICK,
            "Nothing here is about a named or traceable person",
            (Choice("yes", "I have checked; send it as it is"),),
            hint="Only where the check is mistaken.",
        )
        card = replace(card, inputs=(*card.inputs, tick))
    return card.answered(dict(values), dict(errors), error)
