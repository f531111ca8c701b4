"""The made-up service of the crash tests: its people, its cases, and two months drawn, in a migrated database."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.framework import Framework
from audits.planning import issue_moment
from bot.demonstration.people import TEAMS_OF, colleagues
from storage.allocations import draw_cycle
from storage.migrating import migrate
from storage.store import Store
from storage.tables import CaseRow, PersonRow

AREA = next(iter(TEAMS_OF))
"""Only this service area and what is above it: a small service is played through faster, and is killed in as often."""
CASES_EACH = 3
NIGHT = time(0, 50)

# What a row of the outbox was, one after the other, written down by the database itself: auditloop knows nothing of it.
SEEN_STATES = "seen_states"
_BOOKKEEPING = {
    "sqlite": (
        f"CREATE TABLE {SEEN_STATES} (key VARCHAR(255), state VARCHAR(16))",
        f"""CREATE TRIGGER seeing_states AFTER UPDATE OF state ON outbox WHEN old.state <> new.state
            BEGIN INSERT INTO {SEEN_STATES} VALUES (new.key, new.state); END""",
    ),
    "postgresql": (
        f"CREATE TABLE {SEEN_STATES} (key VARCHAR(255), state VARCHAR(16))",
        f"""CREATE FUNCTION see_state() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO {SEEN_STATES} VALUES (new.key, new.state); RETURN NULL; END $$""",
        """CREATE TRIGGER seeing_states AFTER UPDATE OF state ON outbox FOR EACH ROW
            WHEN (old.state IS DISTINCT FROM new.state) EXECUTE FUNCTION see_state()""",
    ),
}


@dataclass(frozen=True)
class Month:
    """The month that is played: its cycle, when the story begins and ends (UTC), and the night of the clock change."""

    cycle: Cycle
    begins: datetime
    ends: datetime
    night: datetime | None


def month(framework: Framework, calendar: WorkCalendar, name: str) -> Month:
    """A month from the noon before its list goes out until the cycle after it is well under way."""
    cycle = Cycle.parse(name)
    issued = calendar.day_of(issue_moment(framework, cycle, calendar))
    begins = calendar.moment(issued - timedelta(days=1), time(12, 0))
    ends = calendar.moment(calendar.shift(cycle.plus(1).first, 8), time(12, 0))
    return Month(cycle, begins, ends, _night_of_change(calendar, begins, ends))


def _night_of_change(calendar: WorkCalendar, begins: datetime, ends: datetime) -> datetime | None:
    """Ten minutes before the hour in which the clocks of this month are changed; None in a month without."""
    day = calendar.day_of(begins)
    while day < calendar.day_of(ends):
        night = calendar.moment(day, NIGHT)
        if calendar.local(night).utcoffset() != calendar.local(night + timedelta(hours=6)).utcoffset():
            return night
        day += timedelta(days=1)
    return None


async def prepare(store: Store, played: Month, seed: int) -> None:
    """Fill an empty database: tables, people, cases, and the draws of the month and of the one after it."""
    await migrate(store.database)
    async with store.database.begin() as connection:
        await _keep_books(connection)
    people = [one for one in colleagues(store.framework) if one.place.area in ("", AREA)]
    async with store.begin() as tx:
        ids: dict[str, int] = {}
        rows: dict[str, PersonRow] = {}
        for one in people:
            row = PersonRow(
                name=one.name,
                email=one.email,
                role=one.role,
                team=one.place.team,
                service_area=one.place.area,
            )
            rows[one.email] = row
            tx.session.add(row)
            await tx.session.flush()
            ids[one.email] = row.id
        for one in people:
            rows[one.email].manager_id = ids.get(one.manager_email)
        holders = [one for one in people if one.role in store.framework.case_roles]
        for number in range(CASES_EACH * len(holders)):
            one = holders[number % len(holders)]
            tx.session.add(
                CaseRow(
                    ref=f"C-{number + 1}",
                    plan=("CIN", "CP", "LAC")[number % 3],
                    team=one.place.team,
                    service_area=one.place.area,
                    holder_id=ids[one.email],
                )
            )
        await tx.people_changed()
    for cycle in (played.cycle, played.cycle.plus(1)):
        async with store.begin() as tx:
            await draw_cycle(tx, cycle, seed, played.begins)


async def _keep_books(connection: AsyncConnection) -> None:
    for statement in _BOOKKEEPING[connection.dialect.name]:
        await connection.execute(text(statement))
