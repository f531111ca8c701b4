"""What Slack's directory says of accounts, kept for an hour, since a message to a deactivated one vanishes."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.slack.client import Member, SlackClient
from bot.slack.failures import Refused
from scheduling.clock import Clock

FRESH = timedelta(hours=1)
FEW = 10
"""So many accounts are looked up one by one within an hour; for more, the whole directory is read at once."""
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

    async def member(self, user_id: str) -> Member | None:
        """An account by its id; None where there is none."""
        known = self._known(user_id)
        if known is None and await self._read_for_many():
            known = self._known(user_id)
        return known or await self.now(user_id)

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
        await self._read_for_many()
        wanted = email.casefold()
        active = (one for one, at in self._by_id.values() if self._fresh(at) and not (one.deleted or one.bot))
        found = next((one for one in active if one.email.casefold() == wanted), None)
        if found is None and not self._fresh(self._read_at):
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

    async def _read_for_many(self) -> bool:
        """Read the whole directory if many have been looked up lately; whether it was read within the hour."""
        self._looked_up = [at for at in self._looked_up if self._fresh(at)]
        if len(self._looked_up) >= FEW and not self._fresh(self._read_at):
            async with self._reading:
                # Somebody else may have read it while this one waited.
                if not self._fresh(self._read_at):
                    await self._read()
        return self._fresh(self._read_at)

    async def _read(self) -> None:
        now = self.clock.now()
        found = {member.user_id: (member, now) async for member in self.client.members()}
        self._by_id, self._read_at, self._looked_up = found, now, []

    def _fresh(self, at: datetime | None) -> bool:
        return at is not None and self.clock.now() - at < FRESH
