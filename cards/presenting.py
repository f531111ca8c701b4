"""What every renderer says and decides alike: the words for a tone, marks on labels, hints, and what starts closed."""

from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from audits.dates import day_words
from cards.card import Card, DateInput, Download, Input, InputGroup, Tone, Why

WHY_QUESTION = "Why am I being asked?"
ANSWER_NEEDED = "Please answer this before you send."
NOTHING_TO_CHOOSE = "There is nothing to choose from yet."


@dataclass(frozen=True)
class Sign:
    """A tone in words, with a mark of its own, so that no colour is needed to tell it."""

    mark: str
    words: str

    def __str__(self) -> str:
        return f"{self.mark} {self.words}"


SIGNS = MappingProxyType(
    {
        Tone.ASK: Sign("➜", "Please answer"),
        Tone.INFORM: Sign("✉", "For your information"),
        Tone.DONE: Sign("✓", "Done"),
        Tone.LATE: Sign("◷", "Overdue"),
        Tone.ALERT: Sign("⚠", "Safety alert"),
        Tone.REFUSED: Sign("✕", "Not possible"),
    }
)


def label_of(entry: Input) -> str:
    """The label with "(required)" in words, where it is."""
    return f"{entry.label} (required)" if entry.required else entry.label


def error_words(error: str) -> str:
    return f"Error: {error}"


def day_of(text: str) -> date | None:
    """The day that this text names in the form 2026-04-02, or None if it names none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def guidance(entry: Input) -> str:
    """The hint, and for a date the bounds in words and whatever was typed that is not a date."""
    if not isinstance(entry, DateInput):
        return entry.hint
    earliest, latest = day_of(entry.earliest), day_of(entry.latest)
    bounds = ""
    if earliest and latest:
        bounds = f"From {day_words(earliest)} to {day_words(latest)}."
    elif earliest:
        bounds = f"{day_words(earliest)} or later."
    elif latest:
        bounds = f"{day_words(latest)} or earlier."
    typed = f"You gave “{entry.value}”. Please choose a day." if entry.value and not day_of(entry.value) else ""
    return " ".join(part for part in (entry.hint, bounds, typed) if part)


def why_lines(why: Why) -> tuple[str, ...]:
    """The reason, the place where it is written, and the rules by their ids."""
    rules = f"{'Rule' if len(why.rules) == 1 else 'Rules'}: {', '.join(why.rules)}" if why.rules else ""
    return tuple(line for line in (why.reason, f"Where it is written: {why.place}" if why.place else "", rules) if line)


def download_words(download: Download) -> str:
    return f"A file goes with this message: {download.label} ({download.filename})."


def more_rows(count: int) -> str:
    return f"and {count} more {'row' if count == 1 else 'rows'}"


def starts_closed(group: InputGroup) -> bool:
    """Whether the group may start closed: it asks to, and nothing in it has a value or an error to be seen."""
    written = [entry for entry in group.inputs if entry.kind != "choice"] or group.inputs
    return group.folded and not any(entry.value for entry in written) and not any(one.error for one in group.inputs)


def insists(card: Card, entry: Input) -> bool:
    """Whether a client may hold the card back until this is answered.

    Only where one action sends answers, and sends this one: a decline or a draft is never blocked by a form.
    """
    senders = [action for action in card.actions if action.inputs != ()]
    return entry.required and len(senders) == 1 and (senders[0].inputs is None or entry.name in senders[0].inputs)


def refuse_reserved(card: Card, reserved: frozenset[str]) -> None:
    """Raises ValueError if an input is named like a field of the platform's own, or like another input."""
    seen: set[str] = set()
    for entry in card.all_inputs():
        if entry.name in reserved or entry.name in seen or not entry.name:
            raise ValueError(f"The input name {entry.name!r} is taken or empty; give it a name of its own.")
        seen.add(entry.name)
