"""The calendar of the QA work that comes round: who has what, and on which days."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from audits.activities import Activity, ActivityDay, Occurrence, under_way
from audits.calendar import WorkCalendar
from audits.dates import day_words


@dataclass(frozen=True)
class _Entry:
    """A line of the calendar. `what` is opens, due, or on where both are the same day."""

    day: date
    what: str
    key: str
    activity: Activity
    occurrence: Occurrence


def print_calendar(
    framework_title: str,
    activities: Mapping[str, Activity],
    roles: Mapping[str, str],
    first: date,
    last: date,
    calendar: WorkCalendar,
    *,
    as_json: bool,
) -> None:
    """Print what opens and what is due from `first` to `last`, both included, day by day; or one JSON object a line.

    `roles` gives the label of each role key; a key without one is printed as it is.
    """
    entries = _entries(activities, first, last, calendar)
    if as_json:
        for entry in entries:
            print(json.dumps(_to_json(entry), ensure_ascii=False))
        return
    print(f"{framework_title}: what comes round, {day_words(first)} to {day_words(last)}")
    for day, group in groupby(entries, lambda entry: entry.day):
        print(f"\n{day_words(day)}")
        for entry in group:
            for line in _lines(entry, roles, calendar):
                print(line)
    if not entries:
        print("\nNothing comes round in these days.")
    if any(entry.activity.local for entry in entries):
        print("\nThe framework doesn't say what is marked local; it is the council's own choice.")


def _entries(activities: Mapping[str, Activity], first: date, last: date, calendar: WorkCalendar) -> list[_Entry]:
    found: list[_Entry] = []
    for key, activity in activities.items():
        for one in under_way(activity, first, last, calendar):
            days = (
                [(one.opens.effective, "on")]
                if one.on_one_day
                else [(one.opens.effective, "opens"), (one.due.effective, "due")]
            )
            found += [_Entry(day, what, key, activity, one) for day, what in days if first <= day <= last]
    return sorted(found, key=lambda entry: (entry.day, ("on", "due", "opens").index(entry.what)))


def _lines(entry: _Entry, roles: Mapping[str, str], calendar: WorkCalendar) -> Iterator[str]:
    activity, opens, due = entry.activity, entry.occurrence.opens, entry.occurrence.due
    columns = [f"{entry.what:<5}", f"{activity.title} ({entry.occurrence.period.words})", _people(activity.who, roles)]
    if entry.what == "opens":
        columns.append(f"due {day_words(due.effective)}{_clock(due)}")
    elif clocks := "–".join(f"{one.clock:%H:%M}" for one in (opens, due) if one.clock and entry.what == "on"):
        columns.append(clocks)
    columns.append(_source(activity))
    yield "  " + "  ".join(columns)
    if entry.what == "due":
        moved = [due]
    else:
        moved = [opens] if opens.nominal == due.nominal else [opens, due]
        amount = _amount(activity, roles)
        if amount:
            yield f"         {amount}"
    for day in moved:
        if day.nominal != day.effective:
            yield f"         {_why_moved(day, calendar)}"


def _people(keys: Iterable[str], roles: Mapping[str, str]) -> str:
    return ", ".join(roles.get(key, key) for key in keys)


def _clock(day: ActivityDay) -> str:
    return f" {day.clock:%H:%M}" if day.clock else ""


def _amount(activity: Activity, roles: Mapping[str, str]) -> str:
    """What an occurrence asks for, where it is more than one thing or has its turns."""
    parts = ", ".join(f"{part.how_many} {part.title}" for part in activity.parts)
    amount = parts or (f"{activity.total} in all" if activity.total > 1 else "")
    turn = f"one {roles.get(activity.about, activity.about)} each time, in turn" if activity.about else ""
    return "; ".join(words for words in (amount, turn) if words)


def _source(activity: Activity) -> str:
    rules = ", ".join(activity.rule) or "LOCAL"
    return f"[{rules}; local: {', '.join(activity.local)}]" if activity.local else f"[{rules}]"


def _why_moved(day: ActivityDay, calendar: WorkCalendar) -> str:
    holiday = calendar.bank_holiday(day.nominal)
    reason = f"is {holiday}" if holiday else "isn't a working day"
    return f"{day_words(day.nominal)} {reason}, so {day_words(day.effective)} stands for it."


def _to_json(entry: _Entry) -> dict[str, object]:
    activity, one = entry.activity, entry.occurrence
    return {
        "at": entry.day.isoformat(),
        "what": entry.what,
        "activity": entry.key,
        "title": activity.title,
        "who": list(activity.who),
        "about": activity.about,
        "how_many": activity.total,
        "parts": [part.model_dump() for part in activity.parts],
        "number": one.number,
        "period": {"first": one.period.first.isoformat(), "last": one.period.last.isoformat()},
        "opens": _day_to_json(one.opens),
        "due": _day_to_json(one.due),
        "rule": list(activity.rule),
        "place": activity.place,
        "local": list(activity.local),
        "asks": activity.asks,
    }


def _day_to_json(day: ActivityDay) -> dict[str, str | None]:
    clock = f"{day.clock:%H:%M}" if day.clock else None
    return {"nominal": day.nominal.isoformat(), "effective": day.effective.isoformat(), "clock": clock}
