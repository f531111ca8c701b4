"""Who is away, and until when: noted, and ended again."""

from datetime import date, datetime, timedelta

from audits.dates import day_words
from audits.people import Person
from audits.state import Event
from cards.card import Card, Tone
from cards.wording import counted
from handlers.press import refusal
from handlers.when.day import read_day
from handlers.when.reading import read_when
from storage.ledger import note
from storage.queries import duties_of
from storage.store import Transaction
from storage.tables import PersonRow

FAR = timedelta(days=330)
"""A day further off than that, without its year, is more likely one that has just gone by."""


def last_day(tx: Transaction, text: str, at: datetime) -> date:
    """The last day away that a text names. Raises Refused where it is no day, could be several,
    or has gone by."""
    today = tx.calendar.day_of(at)
    known = read_day(text, today)
    days = [known] if known is not None else _days_spoken(tx, text, at)
    if not days:
        raise refusal(f"“{text}” is not a day that I know", "Write it like 17 April or 2026-04-17.")
    if len(days) > 1:
        could_be = " or ".join(map(day_words, days))
        raise refusal(f"“{text}” could be {could_be}", "Write it like 17 April or 2026-04-17.")
    (until,) = days
    if until < today:
        raise refusal(f"{day_words(until)} has gone by", "Please name the last day away.")
    if until - today > FAR and str(until.year) not in text:
        raise refusal(f"{day_words(until)} is a long way off", "If you mean that day, please write the year with it.")
    return until


def _days_spoken(tx: Transaction, text: str, at: datetime) -> list[date]:
    """The working days that words such as "the 14th" or "next Friday" may mean; none where they name a time as well."""
    reading = read_when(text, at, at + FAR, tx.calendar)
    days = [one for one in reading.candidates if not isinstance(one, datetime)]
    return days if reading.needs == "time" and len(days) == len(reading.candidates) else []


async def take(tx: Transaction, person: Person, away: Person, until: date, at: datetime) -> Card:
    """Note that `away` is not there until the end of that day, as `person` says; who stands in."""
    await _note(tx, person, away, tx.calendar.day_of(at), until, at)
    duties = await duties_of(tx, away.id)
    cover = tx.directory.get(away.cover_id) or tx.directory.manager_of(away)
    stands_in = (
        f"{cover.name} stands in meanwhile." if cover else "Nobody is named as cover; please reassign what can't wait."
    )
    own = away.id == person.id
    waiting = (
        f"{counted(len(duties), 'step')} waiting for you. Write mine to see them."
        if own
        else f"{counted(len(duties), 'step')} waiting for them. Write who {away.name} to see them."
    )
    return Card(
        title=f"{away.name} is away until {day_words(until)}",
        text=(
            stands_in,
            *((waiting,) if duties else ()),
            *(("If you are back sooner, or this is wrong, write: I am back.",) if own else ()),
        ),
        tone=Tone.DONE,
    )


async def end(tx: Transaction, person: Person, at: datetime) -> Card:
    """Note that somebody is back. Raises Refused where they weren't away."""
    today = tx.calendar.day_of(at)
    if person.leave_until is None or person.leave_until < today:
        raise refusal("You aren't noted as away", "What waits for you comes to you. Write mine to see it.")
    await _note(tx, person, person, None, None, at)
    return Card(
        title="Welcome back",
        text=("You are no longer noted as away; what is new comes to you again. Write mine to see what waits.",),
        tone=Tone.DONE,
    )


async def _note(
    tx: Transaction, person: Person, away: Person, since: date | None, until: date | None, at: datetime
) -> None:
    row = await tx.session.get_one(PersonRow, away.id)
    row.leave_from, row.leave_until = since, until
    await tx.people_changed()
    await note(tx, Event("leave", at, person.id, {"person": away.id, "until": until}))
