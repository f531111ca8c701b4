"""From nothing to a month's allocations: files are made up, imported as any others, and drawn from."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from audits.dates import Cycle, day_words
from audits.framework import Framework
from audits.planning import issue_moment
from bot.demonstration.people import Colleague, colleagues, write_people
from bot.demonstration.workbook import ROWS, write_case_list
from bot.opening import calendar_of
from bot.program import DeskDoor, Program
from cards.wording import counted
from scheduling.clock import MovedClock
from scheduling.running import run_until
from storage.allocations import draw_cycle
from storage.database import open_database, sqlite_url
from storage.imports import read_cases, read_people
from storage.imports.storing import existing_workers, store_cases, store_people
from storage.migrating import migrate
from storage.store import Store

PEOPLE = "people.csv"
CASES = "annex-a.xlsx"
DATABASE = "auditloop.sqlite3"
BEFORE_THE_LIST = timedelta(minutes=5)

Say = Callable[[str], None]


async def prepare(framework: Framework, folder: Path, today: date, seed: int, say: Say) -> Program:
    """A made-up service whose allocations of today's month have just gone out, in a database of its own in `folder`.

    The clock stands at the moment of the list, so it may be ahead of today or behind it. `say` is told each step.
    Same day and seed, same draw. Whoever calls this closes the program's store.
    """
    people = colleagues(framework)
    calendar = calendar_of(framework)
    cycle = Cycle.of(today)
    while not framework.has_cycle(cycle):
        cycle = cycle.plus(-1)
    list_moment = issue_moment(framework, cycle, calendar)
    clock = MovedClock(list_moment - BEFORE_THE_LIST)
    _write_files(framework, folder, people, calendar.day_of(clock.now()), seed, say)
    store = Store(open_database(sqlite_url(folder / DATABASE)), framework, calendar)
    try:
        await migrate(store.database)
        await _import_files(store, folder, clock, say)
        await _draw(store, cycle, seed, clock, say)
        door = DeskDoor()
        sent = await run_until(store, door, clock, list_moment)
        day = day_words(calendar.day_of(list_moment))
        say(f"The list of {day} has gone out: {counted(sent, 'message')}.")
    except BaseException:
        await store.close()
        raise
    return Program(store, clock, door, demonstration=True)


def _write_files(
    framework: Framework, folder: Path, people: tuple[Colleague, ...], day: date, seed: int, say: Say
) -> None:
    say(f"Writing {len(people)} made-up people and a made-up case list of {ROWS} cases …")
    write_people(folder / PEOPLE, people)
    holding = framework.case_roles[0]
    workers = [one for one in people if one.role == holding]
    write_case_list(folder / CASES, workers, day, seed)


async def _import_files(store: Store, folder: Path, clock: MovedClock, say: Say) -> None:
    roles = {key: role.label for key, role in store.framework.roles.items()}
    async with store.begin() as tx:
        people = await store_people(tx, read_people(folder / PEOPLE, roles=roles), clock.now())
    async with store.begin() as tx:
        found = read_cases(folder / CASES, workers=await existing_workers(tx))
        cases = await store_cases(tx, found, clock.now())
    closed = sum(found.left_out.values())
    say(f"Importing them: {people.added} people, {cases.added} open cases; {closed} closed ones left out.")
    say("Dates of birth stay in the file; none is stored.")
    for notice in (*people.notices, *cases.notices):
        say(f"Please note: {notice}")


async def _draw(store: Store, cycle: Cycle, seed: int, clock: MovedClock, say: Say) -> None:
    async with store.begin() as tx:
        _, drawn = await draw_cycle(tx, cycle, seed, clock.now())
    say(f"Drawing {cycle.words} at random (seed {seed}): {counted(len(drawn.drawn), 'audit')}.")
    for auditor, reason in drawn.unfilled:
        say(f"{auditor.name} has no audit. {reason}")
    for words in drawn.notes:
        say(words)
