"""Dates and names as people read them."""

from collections.abc import Sequence
from datetime import datetime

from audits.calendar import END_OF_DAY, WorkCalendar
from audits.dates import day_words


def moment_words(moment: datetime, calendar: WorkCalendar) -> str:
    """`Thu 2 Apr 2026 at 14:00`, local time."""
    local = calendar.local(moment)
    return f"{day_words(local.date())} at {local:%H:%M}"


def due_words(effective: datetime, nominal: datetime, calendar: WorkCalendar) -> str:
    """The due day; where the rule's own day isn't a working day, both are named."""
    working, written = calendar.local(effective), calendar.local(nominal)
    at = "" if working.time() == END_OF_DAY else f" at {working:%H:%M}"
    words = f"{day_words(working.date())}{at}"
    if working.date() != written.date():
        words += f" (the last working day before {day_words(written.date())})"
    return words


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def have(names: Sequence[str]) -> str:
    """`Dan has`, `Dan and Erin have`; `Nobody has` where there is no name."""
    return f"{listed(names) or 'Nobody'} {'has' if len(names) < 2 else 'have'}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 audit`, `3 audits`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
