"""The Slack door, put together from the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.calendar_links import CalendarLinks
from bot.doors import LastSeen
from bot.faults import UserFault
from bot.rates import Rates
from bot.settings import SlackSettings
from bot.slack.acquaintance import Acquaintance
from bot.slack.client import SlackClient, Workspace
from bot.slack.door import SlackDoor
from bot.slack.files import Files
from bot.slack.rates import rates_of_slack
from bot.slack.roster import Roster
from scheduling.clock import Clock
from storage.store import Store


@dataclass(frozen=True)
class Slack:
    """The Slack door, signed in: what is needed to answer what comes from this workspace."""

    settings: SlackSettings
    workspace: Workspace
    client: SlackClient
    door: SlackDoor
    acquaintance: Acquaintance


@dataclass(frozen=True)
class OpenedSlack:
    """The way out to Slack, which works, or waits, whether or not Slack answers at the moment."""

    settings: SlackSettings
    client: SlackClient
    door: SlackDoor
    acquaintance: Acquaintance

    async def signed_in(self) -> Slack:
        """The same with its workspace.

        Raises Refused or Unanswered where Slack doesn't name it, and UserFault where the settings name another one.
        """
        workspace = await self.client.auth()
        told = (("team_id", workspace.team_id), ("app_id", workspace.app_id))
        for name, found in told:
            wanted = getattr(self.settings, name)
            if wanted and found and wanted != found:
                raise UserFault(
                    f"slack.{name} is {wanted}, but slack.bot_token belongs to {found}. Put in the token of the right "
                    f"app and workspace, or take slack.{name} out."
                )
        return Slack(self.settings, workspace, self.client, self.door, self.acquaintance)


@asynccontextmanager
async def open_slack(
    settings: SlackSettings, store: Store, clock: Clock, last_seen: LastSeen, links: CalendarLinks | None = None
) -> AsyncIterator[OpenedSlack]:
    """The door to Slack, closed at the end. `links` makes links to files that Slack doesn't take, where any can be
    followed."""
    rates = Rates(rates_of_slack(settings.sends_a_second), asyncio.get_running_loop().time)
    client = SlackClient(settings.api_url, settings.bot_token.get_secret_value().strip(), rates)
    roster = Roster(client, clock)
    acquaintance = Acquaintance(store, client, roster, clock, last_seen)
    try:
        door = SlackDoor(store, client, acquaintance, Files(client, clock, links))
        yield OpenedSlack(settings, client, door, acquaintance)
    finally:
        await roster.close()
        await client.close()
