"""Who is speaking: the id in the council's directory, matched once to a person by the e-mail address in the roster."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audits.messages import Message
from audits.people import Person
from bot.teams.activity import Incoming
from bot.teams.connection import Chat, Connection, Member, NoSignIn, Refused, Unanswered
from bot.teams.door import PLATFORM
from cards.card import Card, Table, Tone
from cards.wording import counted
from handlers.questions import waiting_for
from scheduling.clock import Clock
from storage.contacts import (
    Whereabouts,
    close_contact,
    contact_at,
    contact_of,
    first_welcome,
    keep_contact,
    person_with_email,
    revive,
)
from storage.ledger import post
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
    _welcomed: set[int] = field(default_factory=set)
    _seen: dict[tuple[str, str], tuple[int, Whereabouts, datetime]] = field(default_factory=dict)

    async def person(self, incoming: Incoming) -> int | None:
        """Who is speaking, or None for a stranger, of whom the QA officer then hears. Raises RosterUnread."""
        now, where = self.clock.now(), _own(incoming)
        if not where.object_id:
            return None
        seen = self._seen.get((where.tenant, where.object_id))
        if seen is not None and seen[1] == where and seen[2] > now:
            return seen[0]
        async with self.store.begin() as tx:
            row = await contact_at(tx, PLATFORM, where.tenant, where.object_id)
            person_id = row.person_id if row else None
            if person_id is not None:
                await keep_contact(tx, PLATFORM, person_id, where, now)
        if person_id is None:
            person_id = await self._introduced(incoming, where, now)
        if person_id is not None:
            self._seen[where.tenant, where.object_id] = (person_id, where, now + KNOWN_FOR)
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
        """The card for somebody's first visit, with what waits for them; None for one who was welcomed before.

        What couldn't reach them so far, and is still theirs to do, is queued again, at their first visit and whenever
        they `came` back.
        """
        if person_id in self._welcomed and not came:
            return None
        now = self.clock.now()
        async with self.store.begin() as tx:
            contact = await contact_of(tx, PLATFORM, person_id)
            person = tx.directory.get(person_id)
            if contact is None or person is None or not person.active:
                return None
            first = await first_welcome(tx, contact.id, now)
            if first or came:
                await revive(tx, person_id, now)
            self._welcomed.add(person_id)
            if not first:
                return None
            waiting = await waiting_for(tx, person, person, now)
            return _greeting(tx, person, len(waiting))

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
                await _tell_of_stranger(tx, member, where, now)
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


def _greeting(tx: Transaction, person: Person, waiting: int) -> Card:
    first = person.name.split()[0]
    waits = "Nothing waits for you at the moment; I write to you when something does. Write help for everything I know."
    if waiting:
        steps = f"{counted(waiting, 'step')} {'waits' if waiting == 1 else 'wait'}"
        waits = f"{steps} for you at the moment. Write mine to see what does, or help for everything I know."
    return Card(
        title=f"Hello {first}, this is auditloop",
        text=(
            "I help with the audits of case files: I tell auditors which case they have, bring auditor and "
            "practitioner together, and make sure that what was agreed gets done. It is about learning.",
            "Please use the case reference only. Never write a child's name, address, date of birth or NHS number.",
            waits,
        ),
        tone=Tone.INFORM,
        table=Table(
            "What you can write",
            ("Write", "To"),
            (("mine", "see what waits for you"), ("Tues 2pm", "suggest a time"), ("help", "see everything I know")),
        ),
    )


async def _tell_of_stranger(tx: Transaction, member: Member, where: Whereabouts, now: datetime) -> None:
    """The QA officer hears of somebody who isn't among the people, once a day."""
    day = tx.calendar.day_of(now)
    officer = tx.rules.officer(day)
    if officer is None:
        return
    name = " ".join(member.name.split())[:80] or "Somebody without a name"
    address = f" ({member.emails[0][:120]})" if member.emails else ""
    message = Message(
        key=f"stranger/{PLATFORM}/{where.object_id}/{day}",
        what="message",
        to_id=officer.person.id,
        to_role=officer.role,
        duty="",
        at=now,
        notice="stranger",
        text=(
            f"{name}{address} wrote to auditloop in Teams and isn't among the people of this service, so they were "
            "told nothing. If they belong here, add them with: auditloop import people FILE. The address must be the "
            "one that they have in Teams."
        ),
    )
    await post(tx, [message])
