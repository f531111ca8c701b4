"""Who is who: a person's Slack account, matched once by their e-mail address and then known by its id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audits.people import Person
from bot.doors import LastSeen
from bot.slack.client import Member, SlackClient, Workspace, member_of
from bot.slack.failures import Refused, Unanswered
from bot.slack.roster import Roster
from bot.welcome import Stranger, Welcomes, tell_of_stranger
from cards.card import Card
from scheduling.clock import Clock
from storage.contacts import (
    Whereabouts,
    close_contact,
    contact_at,
    contact_of,
    keep_contact,
    person_with_email,
    reopen_contact,
    replace_contact,
    revive,
)
from storage.store import Store, Transaction
from storage.tables import ContactRow

PLATFORM = "slack"
DEACTIVATED = "their Slack account is deactivated"
GUEST = "they are a guest in Slack, and auditloop writes to full members only"
UNKNOWN = "Slack no longer knows their account"
OF_ACCOUNTS = frozenset({DEACTIVATED, GUEST, UNKNOWN})
"""Reasons that end when the account is as it should be."""
SAME_ADDRESS = "another Slack account with their e-mail address was matched to somebody before"
KNOWN_FOR = timedelta(minutes=10)
"""So long somebody who speaks again isn't looked up again."""


class NotNow(Exception):
    """Slack didn't say who somebody is, so they can't be matched just now."""


class NoAccount(Exception):
    """A person can't be written to in Slack; the text says why."""


@dataclass(frozen=True)
class Missing:
    """People who can't be written to, by name."""

    without: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    deactivated: tuple[str, ...] = ()


@dataclass
class Acquaintance:
    """The people of the service, as Slack knows them. All moments are UTC."""

    store: Store
    client: SlackClient
    roster: Roster
    clock: Clock
    last_seen: LastSeen
    _welcomes: Welcomes = field(init=False)
    _seen: dict[tuple[str, str], tuple[int, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._welcomes = Welcomes(self.store, self.clock, PLATFORM)

    async def person(self, user_id: str, team_id: str) -> int | None:
        """Who is speaking; None for a stranger, a guest, a bot, a deactivated account or one of another workspace.

        The QA officer hears of strangers and guests. Raises NotNow.
        """
        now = self.clock.now()
        seen = self._seen.get((team_id, user_id))
        if seen is not None and seen[1] > now:
            self.last_seen.note(seen[0], PLATFORM)
            return seen[0]
        try:
            workspace = await self.client.auth()
            if not user_id or team_id != workspace.team_id:
                return None
            person_id = await self._known(user_id, workspace) or await self._introduced(user_id, workspace, now)
        except (Refused, Unanswered) as fault:
            raise NotNow(str(fault)) from fault
        if person_id is not None:
            self._seen[team_id, user_id] = (person_id, now + KNOWN_FOR)
            self.last_seen.note(person_id, PLATFORM)
        return person_id

    async def welcome(self, person_id: int, *, came: bool) -> Card | None:
        """The card for somebody's first visit; None for one who was welcomed before (see Welcomes)."""
        return await self._welcomes.card(person_id, came=came)

    async def spoke_in(self, person_id: int, channel: str) -> None:
        """Keep in which chat somebody has written, where theirs isn't known so far."""
        async with self.store.begin(people=False) as tx:
            row = await contact_of(tx, PLATFORM, person_id)
            if row is not None and channel and not row.conversation_id:
                (await tx.session.get_one(ContactRow, row.id)).conversation_id = channel

    async def changed(self, user: Mapping[str, Any]) -> None:
        """Take in what an event says of an account: it is new, deactivated, in use again, or has another address.

        Whoever was matched stays matched, whatever their address is now. Raises NotNow.
        """
        try:
            await self._take_in(member_of(user), await self.client.auth())
        except (Refused, Unanswered) as fault:
            raise NotNow(str(fault)) from fault

    async def _take_in(self, member: Member, workspace: Workspace) -> None:
        if not member.is_in(workspace.team_id):
            return
        self.roster.note(member)
        self._seen.pop((workspace.team_id, member.user_id), None)
        async with self.store.begin() as tx:
            row = await contact_at(tx, PLATFORM, workspace.team_id, member.user_id)
            if row is not None:
                await self._stands(tx, row, why_not(member))
                return
        if not why_not(member):
            gone = await self._gone(member)
            async with self.store.begin() as tx:
                if (person_id := await person_with_email(tx, member.email)) is not None:
                    await self._keep(tx, person_id, member, workspace, gone)

    async def reached(self, to: Person) -> ContactRow:
        """How a person is written to, looked up by their address where they aren't known so far.

        Raises NoAccount, or Refused or Unanswered where Slack doesn't say.
        """
        async with self.store.begin() as tx:
            contact = await contact_of(tx, PLATFORM, to.id)
        if contact is None:
            return await self._looked_up(to)
        if contact.closed and contact.closed not in OF_ACCOUNTS:
            raise NoAccount(contact.closed)
        try:
            member = await (self.roster.now if contact.closed else self.roster.member)(contact.user_id)
        except (Refused, Unanswered):
            if contact.closed:
                raise
            # That an account was deactivated is also told by an event.
            return contact
        reason = why_not(member) if member is not None else UNKNOWN
        if reason in (DEACTIVATED, UNKNOWN) and (follower := await self._follower(to, contact.user_id)) is not None:
            return follower
        if reason:
            async with self.store.begin() as tx:
                await close_contact(tx, PLATFORM, to.id, reason)
            raise NoAccount(reason)
        if contact.closed:
            # What failed before isn't queued again here, where it might fail for ever.
            async with self.store.begin() as tx:
                await reopen_contact(tx, PLATFORM, to.id)
            contact.closed = contact.conversation_id = ""
        return contact

    async def _looked_up(self, to: Person) -> ContactRow:
        member, workspace = await self.roster.with_email(to.email), await self.client.auth()
        if member is None:
            raise NoAccount("they have no account in Slack with their e-mail address")
        if reason := why_not(member):
            raise NoAccount(reason)
        async with self.store.begin() as tx:
            contact = await self._keep(tx, to.id, member, workspace)
        if contact is None:
            raise NoAccount(SAME_ADDRESS)
        return contact

    async def _follower(self, to: Person, gone: str) -> ContactRow | None:
        """The contact with somebody whose account is gone, at the new one with their address; None without one."""
        member, workspace = await self.roster.with_email(to.email), await self.client.auth()
        if member is None or why_not(member) or member.user_id == gone:
            return None
        async with self.store.begin() as tx:
            return await self._keep(tx, to.id, member, workspace, gone)

    async def missing(self) -> Missing:
        """Who of the people can't be written to, by what Slack's directory says now. Raises Refused or Unanswered."""
        members = await self.roster.everybody()
        async with self.store.begin() as tx:
            people = sorted((one for one in tx.directory.people.values() if one.active), key=lambda one: one.name)
            ids = {one.id: row.user_id for one in people if (row := await contact_of(tx, PLATFORM, one.id))}
        by_id = {one.user_id: one for one in members}
        by_email = {one.email.casefold(): one for one in sorted(members, key=lambda one: not one.deleted) if one.email}
        without, guests, deactivated = [], [], []
        for person in people:
            member = by_id.get(ids[person.id]) if person.id in ids else by_email.get(person.email.casefold())
            if member is None or member.bot:
                without.append(person.name)
            elif member.deleted:
                deactivated.append(person.name)
            elif member.guest:
                guests.append(person.name)
        return Missing(tuple(without), tuple(guests), tuple(deactivated))

    async def _known(self, user_id: str, workspace: Workspace) -> int | None:
        """Who has this account; None where it was never matched, or can't be spoken with."""
        async with self.store.begin() as tx:
            row = await contact_at(tx, PLATFORM, workspace.team_id, user_id)
        if row is None:
            return None
        if row.closed:
            member = await self.roster.now(user_id)
            if member is None or why_not(member):
                return None
            async with self.store.begin() as tx:
                await reopen_contact(tx, PLATFORM, row.person_id)
                await revive(tx, row.person_id, self.clock.now())
        return row.person_id

    async def _introduced(self, user_id: str, workspace: Workspace, now: datetime) -> int | None:
        member = await self.roster.now(user_id)
        if member is None or member.bot or member.deleted or not member.is_in(workspace.team_id):
            return None
        gone = await self._gone(member)
        async with self.store.begin() as tx:
            row = await contact_at(tx, PLATFORM, workspace.team_id, user_id)
            if row is not None and not row.closed:
                # Something that they did at the same time has matched them.
                return row.person_id
            if row is None and not member.guest:
                person_id = await person_with_email(tx, member.email)
                if person_id is not None and await self._keep(tx, person_id, member, workspace, gone):
                    return person_id
            stranger = Stranger(PLATFORM, "Slack", user_id, member.name, member.email)
            if member.guest:
                stranger = Stranger(PLATFORM, "Slack", user_id, member.name, member.email, "is a guest there")
            await tell_of_stranger(tx, stranger, now)
        return None

    async def _gone(self, member: Member) -> str:
        """The account with which the person with this address was matched, if Slack has it no longer; else empty."""
        async with self.store.begin() as tx:
            person_id = await person_with_email(tx, member.email)
            known = await contact_of(tx, PLATFORM, person_id) if person_id is not None else None
        if known is None or known.user_id == member.user_id:
            return ""
        before = await self.roster.now(known.user_id)
        return known.user_id if before is None or before.deleted else ""

    async def _keep(
        self, tx: Transaction, person_id: int, member: Member, workspace: Workspace, gone: str = ""
    ) -> ContactRow | None:
        """Keep whose account this is, and queue again what couldn't reach them; None where they have another one.

        One that is `gone` is no other: whoever was given a new account for it is known by the new one from then on.
        """
        where = Whereabouts(workspace.team_id, member.user_id, member.user_id, workspace.bot_user_id)
        now = self.clock.now()
        try:
            contact = await replace_contact(tx, PLATFORM, person_id, gone, where) if gone else None
            contact = contact or await keep_contact(tx, PLATFORM, person_id, where, now)
        except ValueError:
            return None
        if contact.person_id != person_id:
            return None
        await revive(tx, person_id, now)
        return contact

    async def _stands(self, tx: Transaction, row: ContactRow, reason: str) -> None:
        """Keep whether somebody who is known can be written to; an empty `reason` says that they can."""
        if reason:
            await close_contact(tx, PLATFORM, row.person_id, reason)
        elif row.closed in OF_ACCOUNTS:
            await reopen_contact(tx, PLATFORM, row.person_id)
            await revive(tx, row.person_id, self.clock.now())


def why_not(member: Member) -> str:
    """Why an account can't be written to; empty where it can."""
    if member.deleted:
        return DEACTIVATED
    return GUEST if member.guest else ""
