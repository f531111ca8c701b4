"""The check of free text: what looks like a child's personal data is questioned before it goes anywhere."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stdnum.gb import nhs

from cards.card import Card, Choice, ChoiceInput

TICK = "privacy_checked"
ASKS = "This looks like"
TAKEN_OUT = "[taken out]"
# What people put between the parts of a number: spaces of any kind, stops, hyphens and dashes, and what can't be seen.
_GAP = r"[\s._\-\u00ad\u200b-\u200d\u2010-\u2015\u2060]"
_DIGITS = re.compile(
    rf"(?<![\d/])(?:\d{{3}}{_GAP}{{0,3}}\d{{3}}{_GAP}{{0,3}}\d{{4}}|\d{{4}}{_GAP}{{1,3}}\d{{3}}{_GAP}{{1,3}}\d{{3}}"
    rf"|\d{{3}}{_GAP}{{1,3}}\d{{4}}{_GAP}{{1,3}}\d{{3}}|\d{{5}}{_GAP}{{1,3}}\d{{5}})(?!\d)"
)
_POSTCODE = re.compile(
    rf"\b(?:GIR{_GAP}{{0,3}}0AA|[A-Z]{{1,2}}\d[A-Z\d]?{_GAP}{{0,3}}\d[ABD-HJLNP-UW-Z]{{2}})\b", re.IGNORECASE
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:{_DAY}(?:[\s./,\-]|\bof\b)+(?:\d{{1,2}}|{_MONTH})(?:[\s./,\-]+\d{{2,4}})?"
    rf"|{_MONTH}\s+{_DAY}(?:,?\s+\d{{2,4}})?|\d{{4}}[./\-]\d{{1,2}}[./\-]\d{{1,2}}|\d{{8}}|\d{{6}})(?!\d)"
)
_BIRTH = r"\b(?:d\.?\s?o\.?\s?b|date of birth|birth\s?date|born|birthday)\b"
_BETWEEN = r"(?:[\s:;,.=()\-]|\b(?:is|was|on|the)\b)*"
_BORN = re.compile(rf"{_BIRTH}{_BETWEEN}{_DATE}|\b{_DATE}{_BETWEEN}(?:(?:her|his|their)\s)?{_BIRTH}", re.IGNORECASE)
_FULL_DATE_OF_A_CHILD = re.compile(r"\b\d{1,2}\s?[./\-]\s?\d{1,2}\s?[./\-]\s?(?:19|20)\d{2}\b")
_PHONE = re.compile(
    rf"(?<!\d)(?:(?:\+|00){_GAP}?44{_GAP}{{0,2}}(?:\(0\){_GAP}{{0,2}})?[1-9]|\(?0[1-9])"
    rf"(?:(?:{_GAP}|[()]){{0,2}}\d){{8,9}}(?!\d)"
)


def findings(text: str) -> tuple[str, ...]:
    """What in a text looks like personal data: an NHS number, a postcode, a date of birth, a phone number."""
    found: list[str] = []
    # Ten digits that are an NHS number aren't a phone number as well.
    rest = _DIGITS.sub(_without_nhs_number, text)
    if rest != text:
        found.append("an NHS number")
    if _POSTCODE.search(text):
        found.append("a postcode")
    if _BORN.search(text) or _FULL_DATE_OF_A_CHILD.search(text):
        found.append("a date of birth")
    if _PHONE.search(rest):
        found.append("a phone number")
    return tuple(found)


def _without_nhs_number(found: re.Match[str]) -> str:
    digits = "".join(str(int(one)) for one in found[0] if one.isdecimal())
    return TAKEN_OUT if nhs.is_valid(digits) else found[0]


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
    # What is taken out may have hidden something in what stood beside it; each turn leaves fewer digits.
    while findings(text):
        text = _DIGITS.sub(_without_nhs_number, text)
        for pattern in (_BORN, _FULL_DATE_OF_A_CHILD, _POSTCODE, _PHONE):
            text = pattern.sub(TAKEN_OUT, text)
    return text


def without_personal_data(card: Card) -> Card:
    """A refusal that repeats what was typed, with what looks like personal data taken out of it."""
    return replace(card, title=masked(card.title), text=tuple(masked(line) for line in card.text))


def again(card: Card, values: Mapping[str, str], errors: Mapping[str, str], error: str = "") -> Card:
    """The form as it was filled in, each error beside its input.

    What looks like personal data is taken out of it, also where no free text was asked for, and there is a way to say
    that it isn't personal after all.
    """
    ticked = values.get(TICK) == "yes"
    asked = {name for name, words in errors.items() if words.startswith(ASKS)}
    kept = {name: value if ticked else masked(value) for name, value in values.items()}
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
