"""The Teams door, put together from the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.answering import Answering
from bot.calendar_links import CalendarLinks
from bot.counts import Counts
from bot.doors import LastSeen
from bot.program import Program
from bot.rates import Rates
from bot.settings import TeamsSettings
from bot.teams.acquaintance import Acquaintance
from bot.teams.door import TeamsDoor
from bot.teams.endpoint import Endpoint
from bot.teams.framework import BotFramework
from bot.teams.rates import rates_of_teams
from bot.teams.turns import Turns
from scheduling.clock import Clock
from storage.store import Store


@dataclass(frozen=True)
class Teams:
    """The Teams door, open. `endpoint_for` joins it to the program behind it."""

    connection: BotFramework
    door: TeamsDoor
    settings: TeamsSettings

    def endpoint_for(self, program: Program, counts: Counts, last_seen: LastSeen) -> Endpoint:
        acquaintance = Acquaintance(program.store, self.connection, program.clock, last_seen)
        turns = Turns(
            program, Answering(program.store, program.clock, program.figures), self.door, acquaintance, counts
        )
        return Endpoint(self.connection, turns, counts, self.settings.anonymous)


@asynccontextmanager
async def open_teams(settings: TeamsSettings, store: Store, clock: Clock, links: CalendarLinks) -> AsyncIterator[Teams]:
    """The door to Teams, closed at the end."""
    connection = BotFramework(settings, clock)
    rates = Rates(rates_of_teams(settings.sends_a_second), asyncio.get_running_loop().time)
    try:
        yield Teams(connection, TeamsDoor(store, connection, rates, clock, links), settings)
    finally:
        await connection.close()
