"""What the commands print: a rehearsal's timeline, a date's reading, a framework."""

import asyncio
import json
from datetime import date, datetime
from pathlib import Path

from audits.calendar import WorkCalendar
from audits.dates import day_words
from audits.reading import check_framework
from bot.faults import UserFault


def print_rehearsal(file: Path, *, as_json: bool) -> None:
    """Play a rehearsal and print its timeline. Raises RehearsalError or FrameworkError."""
    from bot.rehearsal.playing import play
    from bot.rehearsal.script import read_script
    from bot.rehearsal.timeline import Line, timeline

    script, framework = read_script(file)

    async def work() -> list[Line]:
        stage = await play(script, framework)
        try:
            return await timeline(stage)
        finally:
            await stage.store.close()

    lines = asyncio.run(work())
    day = ""
    for line in lines:
        if as_json:
            print(json.dumps(line.to_json(), ensure_ascii=False))
            continue
        if line.at[:10] != day:
            day = line.at[:10]
            print(f"\n{day_words(date.fromisoformat(day))}")
        whom = ", ".join(framework.roles[role].label if role in framework.roles else role for role in line.to)
        print(f"  {line.at[11:]}  {line.what:<10} {line.case or '':<8} {whom}: {line.text}")
    if not lines and not as_json:
        print("Nothing happens in this rehearsal.")


def print_when(text: str, now: str, by: str, *, as_json: bool) -> None:
    """Print what a typed date is understood as."""
    from handlers.when.reading import read_when
    from handlers.when.spoken import spoken

    calendar = WorkCalendar()
    start, limit = _moment(now, calendar, "--now"), _moment(by, calendar, "--by")
    reading = read_when(text, start, limit, calendar)
    if as_json:
        print(json.dumps(reading.to_json(calendar)))
    else:
        print(spoken(reading, limit, calendar))


def _moment(text: str, calendar: WorkCalendar, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserFault(f"{option}: {text!r} is not a moment. Write it like 2026-11-23T09:00.") from error
    return calendar.moment(found.date(), found.time()) if found.tzinfo is None else found


def check_file(file: Path) -> None:
    """Read a framework file and say that it can be used, and what in it is worth a look.

    Raises FrameworkError naming every mistake, and UserFault for a file that isn't there or isn't text.
    """
    from scheduling.clock import SystemClock

    if not file.is_file():
        raise UserFault(f"There is no file {file}.")
    today = WorkCalendar().day_of(SystemClock().now())
    try:
        framework, notes = check_framework(file.read_text("utf-8"), file.name, today)
    except UnicodeDecodeError as error:
        raise UserFault(f"{file.name} is not a text file in UTF-8.") from error
    size = f"{len(framework.duties)} duties, {len(framework.roles)} roles"
    print(f"{file.name}: {framework.about.title} can be used: {size}.")
    for note in notes:
        print(note)
