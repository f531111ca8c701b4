"""What a phrase may mention: days, times of day, loose stretches of time, and the words that join or part them."""

from dataclasses import dataclass
from typing import Literal

Which = Literal["plain", "this", "coming", "next", "after_next", "last"]


@dataclass(frozen=True)
class Weekday:
    """A day of the week (0 is Monday), so many weeks on; `week` counts calendar weeks from the present one."""

    index: int
    which: Which = "plain"
    weeks: int = 0
    loose: bool = False
    week: "Stretch | None" = None


@dataclass(frozen=True)
class Dated:
    """A day of the month; `months` counts from the present month where no month is named."""

    day: int
    month: int | None = None
    year: int | None = None
    months: int | None = None


@dataclass(frozen=True)
class Relative:
    """A day counted from today, in words that the date library reads; or so many working days on."""

    words: str
    weeks: int = 0
    working_days: int | None = None


@dataclass(frozen=True)
class Holiday:
    """A bank holiday by its name; an empty name is the next one."""

    name: str


@dataclass(frozen=True)
class OfMonth:
    """The first, second ... or last (-1) such weekday of a month."""

    nth: int
    index: int
    month: int | None = None
    months: int | None = None


@dataclass(frozen=True)
class SameDay:
    """One day named in several ways ("Monday 7th December"), which should agree."""

    ways: "tuple[Day, ...]"


@dataclass(frozen=True)
class NoSuch:
    """A day or a time that doesn't exist ("32nd", "25:00")."""

    what: Literal["day", "clock"]


Day = Weekday | Dated | Relative | Holiday | OfMonth | SameDay | NoSuch


@dataclass(frozen=True)
class Stretch:
    """A time too loose to book: a week, a month, a weekend, "before Friday". Offsets count from the present one."""

    kind: Literal["week", "month", "year", "weekend", "loose"]
    offset: int = 0
    month: int | None = None
    year: int | None = None
    of: "Day | None" = None


@dataclass(frozen=True)
class Clock:
    """A time of day as typed; `half` is None where only the hour's plain number was given."""

    hour: int
    minute: int = 0
    half: Literal["am", "pm", "24"] | None = None
    weak: bool = False


@dataclass(frozen=True)
class Part:
    """A part of the day without an hour."""

    name: Literal["morning", "afternoon", "evening", "night", "vague", "any"]


@dataclass(frozen=True)
class Soon:
    """A moment so many minutes from now."""

    minutes: int


@dataclass(frozen=True)
class Number:
    """A bare number: an hour, a day of the month or neither, as its neighbours tell."""

    value: int
    digits: int


@dataclass(frozen=True)
class Pair:
    """Two numbers that are hours ("7.12", "10-11"), or a day and month where the time is told elsewhere."""

    first: int
    second: int
    clock: "tuple[Item, ...]"
    dotted: bool = False


MarkKind = (
    Literal["or", "comma", "stop", "but", "if", "because", "no", "no_behind", "refusal", "yes"]
    | Literal["at", "bound", "bound_behind", "unit", "week_of", "anytime", "word"]
)


@dataclass(frozen=True)
class Mark:
    """A word that joins, parts or rules out."""

    kind: MarkKind


Mention = Day | Stretch | Clock | Part | Soon
Item = Mention | Number | Pair | Mark


def clock_minutes(clock: Clock) -> int:
    """Minutes after midnight: a bare 1 to 7 is the afternoon, a bare 8 to 12 is before or at noon."""
    hour = clock.hour
    if clock.half in ("am", "pm"):
        hour = hour % 12 + (12 if clock.half == "pm" else 0)
    elif clock.half is None and 1 <= hour <= 7:
        hour += 12
    return hour * 60 + clock.minute
