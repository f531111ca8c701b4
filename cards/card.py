"""The neutral card: what a person is shown and may answer, before any platform's own form of it.

A renderer must keep the promises of DESIGN.md: every input has its label, every error stands beside
its input, no meaning rests on colour alone, and `why` is on every card that asks for something.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal


class Emphasis(StrEnum):
    """How much an action stands out. A card has at most one primary action."""

    PRIMARY = "primary"
    PLAIN = "plain"
    DANGER = "danger"


class Tone(StrEnum):
    """What kind of card this is; shown in words and by a mark, never by colour alone."""

    ASK = "ask"
    INFORM = "inform"
    DONE = "done"
    LATE = "late"
    ALERT = "alert"
    REFUSED = "refused"


@dataclass(frozen=True)
class Fact:
    """A line of the card: a label and its value."""

    label: str
    value: str


@dataclass(frozen=True)
class Table:
    """Rows under column headings; `caption` says what the table shows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "Nothing to show."


@dataclass(frozen=True)
class Bars:
    """A bar chart: one non-negative number a label. Renderers give the same numbers in words as well."""

    caption: str
    bars: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True)
class TextInput:
    """A free-text answer. `long` asks for a paragraph; `length` is the most characters taken."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    error: str = ""
    required: bool = False
    long: bool = False
    length: int = 2000
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class ChoiceInput:
    """One of several choices; `compact` asks for a drop-down rather than a list of buttons."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    value: str = ""
    hint: str = ""
    error: str = ""
    required: bool = False
    compact: bool = False
    kind: Literal["choice"] = "choice"


@dataclass(frozen=True)
class DateInput:
    """A day, as ISO text (2026-04-02); `earliest` and `latest` bound it."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    error: str = ""
    required: bool = False
    earliest: str = ""
    latest: str = ""
    kind: Literal["date"] = "date"


Input = TextInput | ChoiceInput | DateInput


@dataclass(frozen=True)
class InputGroup:
    """Inputs that belong together under a heading (a section of a form, one remedial action)."""

    title: str
    inputs: tuple[Input, ...]
    folded: bool = False
    """Whether the group may start closed; a renderer opens it if an input in it has a value or an error."""
    kind: Literal["group"] = "group"


@dataclass(frozen=True)
class Action:
    """A button. `verb` and `subject` go to the handler; they are a request, never a permission.

    `inputs` names the inputs that it sends; None sends them all, () none.
    """

    verb: str
    label: str
    subject: str = ""
    emphasis: Emphasis = Emphasis.PLAIN
    inputs: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Why:
    """Why the person is being asked: the reason in words, and where it is written (or "local setting")."""

    reason: str
    place: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Download:
    """A small file that goes with the card, such as a calendar invitation.

    `ref` says what it is of, by its kind and audit ("moderation/12"), so that a door can give a link to it; a file
    that can't be made anew has none.
    """

    label: str
    filename: str
    media_type: str
    content: bytes
    ref: str = ""


@dataclass(frozen=True)
class Card:
    """What one person sees about one thing. `error` is about the card as a whole; an input has its own."""

    title: str
    text: tuple[str, ...] = ()
    tone: Tone = Tone.INFORM
    facts: tuple[Fact, ...] = ()
    table: Table | None = None
    bars: Bars | None = None
    inputs: tuple[Input | InputGroup, ...] = ()
    actions: tuple[Action, ...] = ()
    why: Why | None = None
    error: str = ""
    downloads: tuple[Download, ...] = field(default=())

    def all_inputs(self) -> tuple[Input, ...]:
        """Every input of the card in order, those in groups included."""
        found: list[Input] = []
        for entry in self.inputs:
            found.extend(entry.inputs if isinstance(entry, InputGroup) else (entry,))
        return tuple(found)

    def answered(self, values: dict[str, str], errors: dict[str, str], error: str = "") -> "Card":
        """The card with what was typed kept and each error beside its input."""

        def mend(entry: Input) -> Input:
            value = values.get(entry.name, entry.value)
            return replace(entry, value=value, error=errors.get(entry.name, ""))

        inputs: list[Input | InputGroup] = [
            replace(entry, inputs=tuple(mend(one) for one in entry.inputs))
            if isinstance(entry, InputGroup)
            else mend(entry)
            for entry in self.inputs
        ]
        return replace(self, inputs=tuple(inputs), error=error)

    def plain(self) -> str:
        """The card as one line of plain text, for timelines, notifications and screen readers."""
        parts = [self.title, *self.text, *(f"{fact.label}: {fact.value}" for fact in self.facts)]
        return " ".join(part if part.endswith((".", "?", "!", ":")) else f"{part}." for part in parts if part)
