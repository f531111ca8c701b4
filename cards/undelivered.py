"""What could not be brought to people, for the QA officer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audits.calendar import WorkCalendar
from cards.card import Card, Table, Tone
from cards.wording import counted, moment_words


@dataclass(frozen=True)
class Missed:
    """A message that didn't reach its person, or not in time. `arrived` is when it did after all."""

    what: str
    name: str
    case: str
    since: datetime
    arrived: datetime | None = None
    lost: bool = False


def arrived_words(moment: datetime, calendar: WorkCalendar) -> str:
    return f"It arrived on {moment_words(moment, calendar)}."


def undelivered(missed: Sequence[Missed], calendar: WorkCalendar) -> Card:
    """Several of them as one, each with how it stands."""
    rows = tuple(
        (one.name, one.what, one.case, moment_words(one.since, calendar), _state(one, calendar)) for one in missed
    )
    return Card(
        title=f"{counted(len(rows), 'message')} could not be delivered in time",
        text=(
            "Their managers have heard of those that have not arrived. Please ring whoever must know at once.",
            "auditloop goes on trying, unless it says otherwise here.",
        ),
        tone=Tone.LATE,
        table=Table("What did not arrive", ("For", "What", "Case", "Since", "How it stands"), rows),
    )


def _state(one: Missed, calendar: WorkCalendar) -> str:
    if one.arrived is not None:
        return f"arrived on {moment_words(one.arrived, calendar)}"
    return "given up; it went to somebody else" if one.lost else "has not arrived"
