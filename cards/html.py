"""A card as accessible HTML: one article with, where there is something to answer, one form that needs no script.

The class names for a stylesheet are listed at the top of templates/card.html.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cards.card import Card, Choice, ChoiceInput, Download, Input, InputGroup, TextInput
from cards.presenting import (
    NOTHING_TO_CHOOSE,
    SIGNS,
    WHY_QUESTION,
    day_of,
    error_words,
    guidance,
    refuse_reserved,
    starts_closed,
    why_lines,
)


@dataclass(frozen=True)
class _Field:
    """An input with the id that ties its label, hint and error to it."""

    entry: Input
    id: str
    needed: bool

    @property
    def guidance(self) -> str:
        return guidance(self.entry)

    @property
    def described_by(self) -> str:
        ids = [f"{self.id}-hint"] if self.guidance else []
        return " ".join([*ids, f"{self.id}-error"] if self.entry.error else ids)

    @property
    def length(self) -> int:
        """The most characters taken, but never fewer than are there already."""
        return max(self.entry.length, len(self.entry.value)) if isinstance(self.entry, TextInput) else 0

    @property
    def values(self) -> frozenset[str]:
        choices = self.entry.choices if isinstance(self.entry, ChoiceInput) else ()
        return frozenset(choice.value for choice in choices)

    def chosen(self, choice: Choice) -> bool:
        return bool(choice.value) and choice.value == self.entry.value

    def day(self, text: str) -> str:
        return text if day_of(text) else ""


@dataclass(frozen=True)
class _Group:
    title: str
    fields: tuple[_Field, ...]
    folded: bool


@dataclass(frozen=True)
class _Link:
    label: str
    filename: str
    href: str


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cards", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        error_words=error_words,
        nothing_to_choose=NOTHING_TO_CHOOSE,
        why_lines=why_lines,
        why_question=WHY_QUESTION,
    )
    return environment


def _base_id(event_id: str) -> str:
    """An id that HTML and CSS take, one for each event."""
    safe = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", event_id)
    return f"card-{event_id if safe else sha256(event_id.encode()).hexdigest()[:16]}"


def _entries(card: Card, base: str) -> list[_Field | _Group]:
    numbers = iter(range(1, len(card.all_inputs()) + 1))
    only = card.actions[0] if len(card.actions) == 1 else None

    def field(entry: Input) -> _Field:
        sent = only is not None and (only.inputs is None or entry.name in only.inputs)
        return _Field(entry, f"{base}-input-{next(numbers)}", entry.required and sent)

    return [
        _Group(entry.title, tuple(field(one) for one in entry.inputs), starts_closed(entry))
        if isinstance(entry, InputGroup)
        else field(entry)
        for entry in card.inputs
    ]


def _link(download: Download) -> _Link:
    media_type = quote(download.media_type, safe="/;=+-._")
    href = f"data:{media_type};base64,{b64encode(download.content).decode('ascii')}"
    return _Link(download.label, download.filename, href)


def render(
    card: Card,
    *,
    action_url: str,
    event_id: str,
    hidden: Mapping[str, str] | None = None,
    heading_level: int = 3,
) -> Markup:
    """The card as one article, safe to put into a page.

    The form posts to `action_url` the inputs by their names, `event_id`, all of `hidden`, and `press`, which
    is the verb and the subject of the button with a bar between them. The form is marked `novalidate`: the
    server answers with the same card and its errors. The ids in the article are unique for each `event_id`.

    Raises ValueError if an input has the name of one of these fields, or the name of another input.
    """
    fields = {**(hidden or {}), "event_id": event_id}
    refuse_reserved(card, frozenset({*fields, "press"}))
    base = _base_id(event_id)
    template = _environment().get_template("card.html")
    article = template.make_module(
        {
            "card": card,
            "sign": SIGNS[card.tone],
            "base": base,
            "level": min(max(heading_level, 1), 6),
            "action_url": action_url,
            "hidden": fields,
            "entries": _entries(card, base),
            "links": [_link(download) for download in card.downloads],
        }
    )
    return article.__html__()
