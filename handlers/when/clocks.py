"""Times of day and ranges of them, made from what the grammar matched."""

import re
from dataclasses import replace
from typing import Literal

from handlers.when.mentions import Clock, Dated, Item, Mark, NoSuch, Pair, Part, clock_minutes

_LONGEST_SLOT = 3 * 60
"""Minutes; a longer range is a span in which somebody is free, not the time of a session."""


def _half(text: str | None, *, leading_zero: bool = False) -> Literal["am", "pm", "24"] | None:
    if text == "am":
        return "am"
    if text == "pm":
        return "pm"
    return "24" if leading_zero or text else None


def _clock(hours: str, minutes: str | None, half: str | None) -> Clock | NoSuch:
    hour, minute = int(hours), int(minutes or 0)
    if hour > 23 or minute > 59 or (half == "am" and hour > 12):
        return NoSuch("clock")
    if half == "pm" and hour > 12:
        half = "24"
    return Clock(hour, minute, _half(half, leading_zero=len(hours) == 2 and hours[0] == "0" and not half) or None)


def one_clock(match: re.Match[str]) -> list[Item]:
    half = match["half"]
    return [_clock(match["h"], match["min"], half if half in ("am", "pm") else "24" if half else None)]


def joined_clock(match: re.Match[str]) -> list[Item]:
    half = match["half"]
    digits = match["h"]
    if len(digits) == 4 and not half:
        half = "24"
    return [_clock(digits[:-2], digits[-2:], half if half in ("am", "pm") else "24" if half else None)]


def zoned(_: re.Match[str]) -> list[Item]:
    # A time of another zone is not a local time, and nobody types one in chat: better to ask than to shift it.
    return [NoSuch("clock")]


def _split_time(text: str) -> tuple[str, str | None]:
    if ":" in text or "." in text:
        hour, _, minute = text.replace(".", ":").partition(":")
        return hour, minute
    return (text[:-2], text[-2:]) if len(text) > 2 else (text, None)


def _joined(text: str) -> str | None:
    """ "24" for four figures ("1430"), which leave no doubt about the half of the day."""
    return "24" if len(text) == 4 and text.isdigit() else None


def _start_of(start: Clock, end: Clock, *, start_said: str | None) -> Clock:
    """The start of a range, with the half of the day that its end tells ("10-11am", "11-1pm", "8-9pm")."""
    if start_said or start.half or end.half not in ("am", "pm") or start.hour > 12:
        return start
    same = replace(start, half=end.half)
    if clock_minutes(same) < clock_minutes(end):
        return same
    other = replace(start, half="am" if end.half == "pm" else "pm")
    return other if clock_minutes(other) < clock_minutes(end) else start


def clock_range(match: re.Match[str]) -> list[Item]:
    first, last = _split_time(match["start"]), _split_time(match["end"])
    start = _clock(first[0], first[1], match["half1"] or _joined(match["start"]))
    end = _clock(last[0], last[1], match["half2"] or _joined(match["end"]))
    if isinstance(start, NoSuch) or isinstance(end, NoSuch):
        both_days = match["start"].isdigit() and match["end"].isdigit() and match["way"] == "-"
        if both_days and int(match["start"]) <= 31 and int(match["end"]) <= 12:
            return [Dated(int(match["start"]), int(match["end"]))]
        return [NoSuch("clock")]
    start = _start_of(start, end, start_said=match["half1"])
    spans = clock_minutes(end) - clock_minutes(start)
    minutes_to = match["way"] == "to" and not match["lead"] and match["start"] in ("5", "10") and not match["half1"]
    items: list[Item]
    if minutes_to and last[1] is None and int(last[0]) <= 12:
        hour = int(last[0])
        # "10 to 11" is a range or ten minutes before eleven; "5 to 4" can only be the second.
        before = _clock(str(12 if hour == 1 else hour - 1), str(60 - int(match["start"])), match["half2"])
        items = [start, Mark("or"), before] if 0 < spans <= 120 else [before]
    else:
        items = [Part("vague")] if spans > _LONGEST_SLOT else [start]
    whole = match["start"].isdigit() and match["end"].isdigit() and match["way"] == "-"
    if whole and not match["half1"] and not match["half2"] and int(match["end"]) <= 12 and len(match["start"]) <= 2:
        return [Pair(int(match["start"]), int(match["end"]), tuple(items))]
    return items


def dotted(match: re.Match[str]) -> list[Item]:
    hour, minute = int(match["h"]), int(match["min"])
    if len(match["min"]) == 1 or hour > 23:
        return [Dated(hour, minute)]
    clock = _clock(match["h"], match["min"], None)
    return [Pair(hour, minute, (clock,), dotted=True)] if 1 <= minute <= 12 and 1 <= hour <= 31 else [clock]
