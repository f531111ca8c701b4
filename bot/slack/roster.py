"""What Slack's directory says of accounts, kept for an hour, since a message to a deactivated one vanishes."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.slack.client import Member, SlackClient
from bot.slack.failures import Refused, Unanswered
from scheduling.clock import Clock

FRESH = timedelta(hours=1)
FEW = 10
"""So many accounts are looked up one by one within an hour; for more, the whole directory is read at once."""
log = logging.getLogger(__name__)
GONE = frozenset({"user_not_found", "users_not_found", "user_not_visible"})


@dataclass
class Roster:
    """The accounts of the workspace. Every method raises Refused or Unanswered where Slack doesn't say."""

    client: SlackClient
    clock: Clock
    _by_id: dict[str, tuple[Member, datetime]] = field(default_factory=dict)
    _looked_up: list[datetime] = field(default_factory=list)
    _read_at: datetime | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _beside: asyncio.Task[None] | None = None

    async def member(self, user_id: str) -> Member | None:
        """An account by its id; None where there is none."""
        known = self._known(user_id)
        if known is None:
            self._read_for_many()
            known = await self.now(user_id)
        return known

    async def now(self, user_id: str) -> Member | None:
        """An account as it is at this moment; None where there is none."""
        self._looked_up.append(self.clock.now())
        try:
            member = await self.client.user(user_id)
        except Refused as fault:
            if fault.code in GONE:
                self._by_id.pop(user_id, None)
                return None
            raise
        self.note(member)
        return member

    async def with_email(self, email: str) -> Member | None:
        """The active account with this address; None where there is none."""
        self._read_for_many()
        if self._beside is not None:
            # Slack lets fewer people be looked up by their address than by their id.
            await asyncio.wait({self._beside})
        wanted = email.casefold()
        active = (one for one, at in self._by_id.values() if self._fresh(at) and not (one.deleted or one.bot))
        found = next((one for one in active if one.email.casefold() == wanted), None)
        # A directory without a single address tells of nobody's: the token may not read them, and Slack says so here.
        told = any(one.email for one, _ in self._by_id.values())
        if found is None and not (told and self._fresh(self._read_at)):
            self._looked_up.append(self.clock.now())
            found = await self.client.user_with_email(email)
            if found is not None:
                self.note(found)
        return found

    async def everybody(self) -> list[Member]:
        """Every account, read now."""
        async with self._reading:
            await self._read()
            return [member for member, _ in self._by_id.values()]

    def note(self, member: Member) -> None:
        """Slack has just said this of an account."""
        self._by_id[member.user_id] = (member, self.clock.now())

    def _known(self, user_id: str) -> Member | None:
        member, at = self._by_id.get(user_id, (None, None))
        return member if self._fresh(at) else None

    async def close(self) -> None:
        """Leave the directory unread, if it is just being read."""
        if self._beside is not None:
            self._beside.cancel()
            await asyncio.gather(self._beside, return_exceptions=True)

    def _read_for_many(self) -> None:
        """Begin to read the whole directory if many have been looked up lately.

        It takes minutes where it is long, and no message to somebody who is known waits for it.
        """
        self._looked_up = [at for at in self._looked_up if self._fresh(at)]
        idle = self._beside is None or self._beside.done()
        if idle and len(self._looked_up) >= FEW and not self._fresh(self._read_at):
            self._beside = asyncio.get_running_loop().create_task(self._read_beside())

    async def _read_beside(self) -> None:
        try:
            await self.everybody()
        except (Refused, Unanswered) as fault:
            # Not again before as many have been looked up once more.
            self._looked_up = []
            log.warning("Slack's directory can't be read: %s", fault)

    async def _read(self) -> None:
        now = self.clock.now()
        found = {member.user_id: (member, now) async for member in self.client.members()}
        self._by_id, self._read_at, self._looked_up = found, now, []

    def _fresh(self, at: datetime | None) -> bool:
        return at is not None and self.clock.now() - at < FRESH
