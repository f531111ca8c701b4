"""A day alone, as typed in an order such as "extend K7-204 until 10 April": any day, weekends included."""

import re
from datetime import date, datetime, time

_SHAPES = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?"
    r"|(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]* )?\d{1,2}(?:st|nd|rd|th)?(?: of)? [a-z]{3,9}\.?(?: \d{4})?"
    r"|today|tomorrow|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
)


def read_day(text: str, today: date) -> date | None:
    """The day that a text names, from `today` on where it names no year; None where it isn't a day."""
    import dateparser

    words = " ".join(text.lower().replace(",", " ").split())
    if not _SHAPES.fullmatch(words):
        return None
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words):
        try:
            return date.fromisoformat(words)
        except ValueError:
            return None
    found = dateparser.parse(
        words,
        languages=["en"],
        settings={
            "DATE_ORDER": "DMY",
            "PREFER_DATES_FROM": "future",
            "RELATIVE_BASE": datetime.combine(today, time(0, 0)),
            "STRICT_PARSING": False,
            "PREFER_MONTH_OF_YEAR": "current",
        },
    )
    return found.date() if found is not None else None
