"""What of a card may leave for a place that isn't as well kept as the one it was made for, such as a mailbox.

An e-mail is forwarded, previewed on locked phones and read by stand-ins. So it says that somebody is asked, about which
case and by when, and no more. This is a list of what may go, and everything else stays: grades, free text, what an
audit found, plans, how people did. What a card gains later stays too, until it is put on the list.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from cards.card import Card, Fact, Table, Tone, Why
from cards.presenting import SIGNS

_DAY = r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}"
_MOMENT = rf"{_DAY}(?: at \d\d:\d\d)?"
_DUE = re.compile(rf"{_MOMENT}(?: \(the last working day before {_DAY}\))?")
_WHEN = re.compile(rf"(?:(?:was )?due {_DUE.pattern}|done)")
_CASE = re.compile(r"Case(?: \(audited again\))?")
_TO_RING = frozenset({"Practitioner", "Auditor", "Raised"})
"""Facts of a safety alert that name whom to ring; the names of staff, and a time."""
_WAITING = ("Case", "When")
"""The columns of a list of reminders that may go."""
_CALENDAR = "text/calendar"


def discreet(card: Card, grades: Iterable[str]) -> Card:
    """The card with nothing on it but what may go; `grades` are the labels of the grades that none of it may name.

    It keeps the tone; the title and the reason, which are the framework's words, unless they name a grade; the case by
    its reference alone; whatever fact is a day or a moment; of a list of reminders the cases and their days; of a
    safety alert whom to ring; and invitations for the calendar.
    """
    named = [_pattern(grade) for grade in grades]

    def tells(text: str) -> bool:
        return any(pattern.search(text) for pattern in named)

    return Card(
        title=SIGNS[card.tone].words if tells(card.title) else card.title,
        tone=card.tone,
        facts=tuple(kept for fact in card.facts if (kept := _fact(fact, alert=card.tone is Tone.ALERT)) is not None),
        table=_waiting(card.table) if card.table is not None else None,
        why=_why(card.why, tells(card.why.reason), tells(card.why.place)) if card.why is not None else None,
        downloads=tuple(one for one in card.downloads if one.media_type.partition(";")[0] == _CALENDAR),
    )


def case_of(card: Card) -> str:
    """The reference of the case that a card is about; empty where it is about several, or none."""
    return next((_reference(fact) for fact in card.facts if _CASE.fullmatch(fact.label)), "")


def headline(card: Card) -> str:
    """What kind of message it is and the case: what may stand on a locked screen."""
    case, words = case_of(card), SIGNS[card.tone].words
    return f"{words}: {case}" if case else f"auditloop: {words}"


def _pattern(grade: str) -> re.Pattern[str]:
    words = r"[\s-]+".join(re.escape(word) for word in grade.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _fact(fact: Fact, *, alert: bool) -> Fact | None:
    if _CASE.fullmatch(fact.label):
        return replace(fact, value=_reference(fact))
    return fact if _DUE.fullmatch(fact.value) or (alert and fact.label in _TO_RING) else None


def _reference(fact: Fact) -> str:
    """The case without the child's plan, which stands behind it."""
    return fact.value.partition(", ")[0]


def _waiting(table: Table) -> Table | None:
    if not set(_WAITING) <= set(table.columns):
        return None
    case, when = (table.columns.index(column) for column in _WAITING)
    rows = tuple((row[case], row[when] if _WHEN.fullmatch(row[when]) else "") for row in table.rows)
    return Table(table.caption, _WAITING, rows, table.empty)


def _why(why: Why, reason_tells: bool, place_tells: bool) -> Why:
    return replace(why, reason="" if reason_tells else why.reason, place="" if place_tells else why.place)
