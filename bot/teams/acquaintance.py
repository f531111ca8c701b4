"""Who is speaking: the id in the council's directory, matched once to a person by the e-mail address in the roster."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.doors import LastSeen
from bot.teams.activity import Incoming
from bot.teams.connection import Chat, Connection, Member, NoSignIn, Refused, Unanswered
from bot.teams.door import PLATFORM
from bot.welcome import Stranger, Welcomes, tell_of_stranger
from cards.card import Card
from scheduling.clock import Clock
from storage.contacts import (
    Whereabouts,
    close_contact,
    contact_at,
    keep_contact,
    keep_whereabouts,
    person_with_email,
    revive,
)
from storage.store import Store, Transaction

KNOWN_FOR = timedelta(minutes=10)
"""So long somebody who says the same of themselves again isn't looked up again."""
log = logging.getLogger(__name__)


class RosterUnread(Exception):
    """Teams didn't say who somebody is, so they can't be matched just now."""


@dataclass
class Acquaintance:
    """The people of the service, as Teams knows them. All moments are UTC."""

    store: Store
    connection: Connection
    clock: Clock
    last_seen: LastSeen
    _welcomes: Welcomes = field(init=False)
    _seen: dict[tuple[str, str], tuple[int, Whereabouts, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._welcomes = Welcomes(self.store, self.clock, PLATFORM)

    async def person(self, incoming: Incoming) -> int | None:
        """Who is speaking, or None for a stranger, of whom the QA officer then hears. Raises RosterUnread."""
        now, where = self.clock.now(), _own(incoming)
        if not where.object_id:
            return None
        seen = self._seen.get((where.tenant, where.object_id))
        if seen is not None and seen[1] == where and seen[2] > now:
            self.last_seen.note(seen[0], PLATFORM)
            return seen[0]
        async with self.store.begin() as tx:
            row = await contact_at(tx, PLATFORM, where.tenant, where.object_id)
            person_id = row.person_id if row else None
            if row is not None:
                await keep_whereabouts(tx, row, where)
        if person_id is None:
            person_id = await self._introduced(incoming, where, now)
        if person_id is not None:
            self._seen[where.tenant, where.object_id] = (person_id, where, now + KNOWN_FOR)
            self.last_seen.note(person_id, PLATFORM)
        return person_id

    async def learn(self, incoming: Incoming) -> int:
        """Match everyone in the roster of a team that took auditloop in, so that they can be written to first; how
        many are known now. Raises RosterUnread."""
        known = 0
        try:
            async for member in self.connection.members(incoming.chat):
                known += await self._met(incoming, member)
        except (Refused, Unanswered, NoSignIn) as fault:
            raise RosterUnread(str(fault)) from fault
        return known

    async def meet(self, incoming: Incoming) -> None:
        """Match those who have just joined a team in which auditloop is. Raises RosterUnread."""
        for user_id in incoming.joined:
            await self._met(incoming, await self._member(incoming.chat, user_id))

    async def forget(self, incoming: Incoming) -> None:
        """Somebody took auditloop out of their Teams."""
        where = incoming.where
        self._seen.pop((where.tenant, where.object_id), None)
        async with self.store.begin() as tx:
            row = await contact_at(tx, PLATFORM, where.tenant, where.object_id)
            if row is not None:
                await close_contact(tx, PLATFORM, row.person_id, "they have taken auditloop out of their Teams")

    async def welcome(self, person_id: int, *, came: bool) -> Card | None:
        """The card for somebody's first visit; None for one who was welcomed before (see Welcomes)."""
        return await self._welcomes.card(person_id, came=came)

    async def _introduced(self, incoming: Incoming, where: Whereabouts, now: datetime) -> int | None:
        member = await self._member(incoming.chat, where.user_id)
        if member.object_id and member.object_id.lower() != where.object_id:
            log.warning("the roster names somebody else than who is speaking")
            return None
        async with self.store.begin() as tx:
            person_id = await _matching(tx, member)
            if person_id is not None:
                try:
                    await keep_contact(tx, PLATFORM, person_id, where, now)
                except ValueError:
                    person_id = None
            if person_id is None:
                email = member.emails[0] if member.emails else ""
                stranger = Stranger(PLATFORM, "Teams", where.object_id, member.name, email)
                await tell_of_stranger(tx, stranger, now)
        return person_id

    async def _met(self, incoming: Incoming, member: Member) -> bool:
        """Keep a member of a roster who is one of the people; their own chat is opened once there is a message."""
        object_id = member.object_id.lower()
        async with self.store.begin() as tx:
            person_id = await _matching(tx, member) if object_id else None
            if person_id is None or await contact_at(tx, PLATFORM, incoming.where.tenant, object_id) is not None:
                return person_id is not None
            where = Whereabouts(
                incoming.where.tenant,
                object_id,
                member.user_id,
                incoming.where.bot_id,
                service_url=incoming.where.service_url,
            )
            try:
                await keep_contact(tx, PLATFORM, person_id, where, self.clock.now())
            except ValueError:
                return False
            await revive(tx, person_id, self.clock.now())
            return True

    async def _member(self, chat: Chat, user_id: str) -> Member:
        try:
            return await self.connection.member(chat, user_id)
        except (Refused, Unanswered, NoSignIn) as fault:
            raise RosterUnread(str(fault)) from fault


def _own(incoming: Incoming) -> Whereabouts:
    """Where a person is reached: a channel or group chat is not their own conversation."""
    where = incoming.where
    if incoming.personal:
        return where
    return Whereabouts(where.tenant, where.object_id, where.user_id, where.bot_id, service_url=where.service_url)


async def _matching(tx: Transaction, member: Member) -> int | None:
    for email in member.emails:
        person_id = await person_with_email(tx, email)
        if person_id is not None:
            return person_id
    return None
