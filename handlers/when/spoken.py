"""The bot's plain answer to a date typed in chat."""

from datetime import date, datetime

from audits.calendar import WorkCalendar
from handlers.when.reading import Reading


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _moment(moment: datetime, calendar: WorkCalendar) -> str:
    local = calendar.local(moment)
    return f"{_day(local.date())} at {local:%H:%M}"


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def spoken(reading: Reading, by: datetime, calendar: WorkCalendar) -> str:
    """One or two sentences that repeat a clear time, ask for what is missing, or say what to do instead.

    `by` is aware: the last moment at which the session may start.
    """
    hours = f"{calendar.opens:%H:%M} and {calendar.closes:%H:%M}"
    until = _moment(by, calendar)
    if reading.refused:
        return {
            "past": f"That time has already gone by. Please choose a later one, up to {until}.",
            "weekend": f"That falls on a weekend. Please choose a day from Monday to Friday, up to {until}.",
            "bank_holiday": f"That is a bank holiday. Please choose another working day, up to {until}.",
            "outside_hours": f"Sessions start between {hours}. Please choose a time in those hours.",
            "after_due": f"That is after {until}, when this is due. Please choose an earlier time, "
            "or ask your QA officer for an extension.",
            "not_understood": "Sorry, I couldn't read a date and time in that. "
            "Please write it like “Tue 2pm” or “3 December at 10:30”.",
        }[reading.refused]
    if reading.needs == "day":
        return f"Which day would that be, please? For example “Tue 2pm”. Any working day up to {until} is fine."
    words = [_moment(one, calendar) if isinstance(one, datetime) else _day(one) for one in reading.candidates]
    if reading.needs == "time":
        if len(words) == 1:
            return f"What time on {words[0]}? Sessions start between {hours}."
        return f"Do you mean {_listed(words)}? Please reply with the day and a time between {hours}."
    return f"Do you mean {_listed(words)}?" if len(words) > 1 else f"{words[0]}."
