"""The way out to Teams: a card to a person, in the place of another card, or straight back to who has just spoken."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from audits.people import Person
from bot.calendar_links import CalendarLinks
from bot.rates import Rates, Throttled
from bot.teams.connection import Chat, Connection, NoSignIn, Refused, Unanswered
from bot.teams.rates import APP
from cards.adaptive import render
from cards.card import Card, Fact
from cards.discretion import headline
from cards.limits import CardTooLarge, shortened
from scheduling.clock import Clock
from scheduling.door import Failure, NotDelivered, Parcel
from storage.contacts import close_contact, contact_of
from storage.postings import Place
from storage.store import Store
from storage.tables import ContactRow

PLATFORM = "teams"
CARD = "application/vnd.microsoft.card.adaptive"
NOT_THERE = "they have not opened auditloop in Teams yet"
TRY_AGAIN = frozenset({408, 412, 425, 429, 500, 502, 503, 504})
OURS = frozenset({401, 407})
"""Errors about this app's own standing; nobody else is to blame, and mending it sends what waited."""
FROM_THEM = {
    "MessageWritesBlocked": "they have blocked auditloop in Teams",
    "BotNotInConversationRoster": "auditloop was taken out of their Teams",
    "ConversationBlockedByUser": "they have blocked auditloop in Teams",
    "BotDisabledByAdmin": "an administrator has turned auditloop off for them",
    "ConversationNotFound": "their chat with auditloop is gone",
    "UserNotFound": "Teams no longer knows them",
}
REPLY_TRIES = 3
LONGEST_QUEUE = 120.0
"""So many seconds an answer waits behind others for the pace that Teams allows: somebody looks at each of them."""
LONGEST_PART = 600
Carried = TypeVar("Carried")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TeamsDoor:
    """Carries cards to people in Teams. `links` makes the links to calendar files."""

    store: Store
    connection: Connection
    rates: Rates
    clock: Clock
    links: CalendarLinks

    async def deliver(self, to: Person, parcel: Parcel) -> Place:
        """Send a card to a person's own chat, which is opened where there is none yet. Raises NotDelivered."""
        contact = await self._contact(to)
        chat = await self._chat(to, contact)
        token = uuid4().hex
        message = self.message(parcel.card, to.id, token, refresh_for=_refreshed(parcel.card, contact))
        sent = await self._carried(to, chat, lambda: self.connection.send(chat, message))
        return Place(PLATFORM, chat.conversation_id, sent, chat.service_url, token)

    async def change(self, to: Person, place: Place, card: Card) -> None:
        """Show another card in the place of one that was delivered. Raises NotDelivered."""
        if not place.activity_id:
            raise NotDelivered(Failure.PERMANENT, "Teams gave no id for this message, so it can't be changed")
        contact = await self._contact(to)
        message = self.message(card, to.id, place.token, refresh_for=_refreshed(card, contact))
        chat = Chat(place.service_url, place.conversation_id)
        await self._carried(to, chat, lambda: self.connection.update(chat, place.activity_id, message), closes=False)

    async def reply(
        self, chat: Chat, card: Card, person_id: int, *, token: str = "", refresh_for: tuple[str, ...] = ()
    ) -> Place | None:
        """Send a card to a conversation in which somebody has just spoken; tried a few times, then left.

        Where it stands, or None where it couldn't be sent.
        """
        message = self.message(card, person_id, token, refresh_for=refresh_for)
        sent = await self._insist(chat, lambda: self.connection.send(chat, message))
        return Place(PLATFORM, chat.conversation_id, sent, chat.service_url, token) if sent else None

    async def exchange(self, chat: Chat, activity_id: str, message: dict[str, Any]) -> bool:
        """Show a message in the place of the one that was pressed; whether that worked."""

        async def changed() -> str:
            await self.connection.update(chat, activity_id, message)
            return activity_id

        return await self._insist(chat, changed) is not None

    def message(self, card: Card, person_id: int, token: str, *, refresh_for: tuple[str, ...] = ()) -> dict[str, Any]:
        """An activity that shows a card; its summary is what a locked phone shows of it. Raises NotDelivered."""
        return {
            "type": "message",
            "summary": shortened(headline(card), 150),
            "attachments": [{"contentType": CARD, "content": self.rendered(card, person_id, token, refresh_for)}],
        }

    def rendered(self, card: Card, person_id: int, token: str, refresh_for: tuple[str, ...] = ()) -> dict[str, Any]:
        """A card as Teams takes it, its long texts shortened with a word where it would be too large.

        Raises NotDelivered where even that is too large.
        """
        links = self.links.for_person(person_id, self.clock.now())
        try:
            return render(card, card_id=token, links=links, refresh_for=refresh_for)
        except CardTooLarge:
            try:
                return render(_in_short(card), card_id=token, links=links, refresh_for=refresh_for)
            except CardTooLarge as fault:
                raise NotDelivered(Failure.PERMANENT, f"the card is too large for Teams: {fault}") from fault

    async def private_chat(self, to: Person) -> Chat:
        """A person's own chat. Raises NotDelivered."""
        return await self._chat(to, await self._contact(to))

    async def _contact(self, to: Person) -> ContactRow:
        async with self.store.begin(people=False) as tx:
            contact = await contact_of(tx, PLATFORM, to.id)
        if contact is None:
            raise NotDelivered(Failure.PERMANENT, NOT_THERE)
        if contact.closed:
            raise NotDelivered(Failure.PERMANENT, contact.closed)
        return contact

    async def _chat(self, to: Person, contact: ContactRow) -> Chat:
        if contact.conversation_id:
            return Chat(contact.service_url, contact.conversation_id)
        chat = Chat(contact.service_url, f"{contact.tenant}/{contact.user_id}")
        opened = await self._carried(
            to,
            chat,
            lambda: self.connection.open_chat(contact.service_url, contact.tenant, contact.bot_id, contact.user_id),
        )
        async with self.store.begin(people=False) as tx:
            row = await tx.session.get_one(ContactRow, contact.id)
            row.conversation_id = opened
        return Chat(contact.service_url, opened)

    async def _carried(
        self, to: Person, chat: Chat, carry: Callable[[], Awaitable[Carried]], *, closes: bool = True
    ) -> Carried:
        """What `carry` gives, at the pace that Teams allows. Raises NotDelivered for whatever goes wrong."""
        try:
            await self.rates.admitted(APP, chat.conversation_id)
            return await carry()
        except Throttled as wait:
            raise NotDelivered(
                Failure.TEMPORARY, "Teams takes no more at the moment", timedelta(seconds=wait.seconds)
            ) from wait
        except NoSignIn as fault:
            log.error("auditloop can't sign in to Teams: %s", fault)
            raise NotDelivered(Failure.TEMPORARY, "auditloop can't sign in to Teams") from fault
        except Unanswered as fault:
            failure = Failure.UNKNOWN if fault.may_have_arrived else Failure.TEMPORARY
            raise NotDelivered(failure, str(fault)) from fault
        except Refused as fault:
            raise await self._refused(to, chat, fault, closes=closes) from fault

    async def _refused(self, to: Person, chat: Chat, fault: Refused, *, closes: bool) -> NotDelivered:
        if fault.retry_after is not None:
            self.rates.hold(chat.conversation_id, fault.retry_after.total_seconds())
        if fault.status in TRY_AGAIN or fault.status in OURS:
            return NotDelivered(Failure.TEMPORARY, str(fault), fault.retry_after)
        reason = FROM_THEM.get(fault.code)
        if reason is None and fault.status == 403:
            reason = "auditloop may not write to them in Teams"
        if reason is None:
            return NotDelivered(Failure.PERMANENT, str(fault))
        if closes:
            async with self.store.begin(people=False) as tx:
                await close_contact(tx, PLATFORM, to.id, reason)
        return NotDelivered(Failure.PERMANENT, reason)

    async def _insist(self, chat: Chat, carry: Callable[[], Awaitable[str]]) -> str | None:
        """What `carry` gives, tried a few times, at the pace that Teams allows; None where it can't be done."""
        for attempt in range(1, REPLY_TRIES + 1):
            try:
                await self.rates.admitted(APP, chat.conversation_id, patience=LONGEST_QUEUE)
                return await carry()
            except (Refused, Unanswered, NoSignIn, Throttled) as fault:
                again = isinstance(fault, Unanswered) and not fault.may_have_arrived
                again = again or (isinstance(fault, Refused) and fault.status in TRY_AGAIN)
                if not again or attempt == REPLY_TRIES:
                    log.warning("an answer could not be shown: %s", fault)
                    return None
                asked = fault.retry_after if isinstance(fault, Refused) else None
                await asyncio.sleep(min(asked.total_seconds() if asked else 2.0**attempt, 10))
        return None


def _refreshed(card: Card, contact: ContactRow) -> tuple[str, ...]:
    """Who has this card made anew when they look at it. Never a form, into which somebody may be typing."""
    return () if card.all_inputs() or not contact.user_id else (contact.user_id,)


def _in_short(card: Card) -> Card:
    """A card whose long texts are shortened, each with a word that there is more."""
    more = "… (shortened; the whole of it is in the audit)"
    return replace(
        card,
        text=tuple(shortened(one, LONGEST_PART, more) for one in card.text),
        facts=tuple(Fact(one.label, shortened(one.value, LONGEST_PART, more)) for one in card.facts),
    )
