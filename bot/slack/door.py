"""The way out to Slack: a card to a person, in the place of another card, or straight back to who has just spoken."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from audits.people import Person
from bot.slack.acquaintance import DEACTIVATED, PLATFORM, UNKNOWN, Acquaintance, NoAccount
from bot.slack.client import SlackClient, Spot
from bot.slack.failures import Refused, Unanswered
from bot.slack.files import Files
from bot.slack.insisting import AGAIN, IN_DOUBT, TRY_AGAIN, insist
from bot.slack.pictured import carried
from cards.blocks import BlockMessage, Picture, render, render_all
from cards.card import Card
from cards.limits import CardTooLarge
from cards.pictures import alt, picture
from scheduling.door import Failure, NotDelivered, Parcel
from storage.contacts import close_contact
from storage.postings import Place, thread_of
from storage.store import Store
from storage.tables import ContactRow

OURS = frozenset(
    {"access_denied", "account_inactive", "ekm_access_denied", "invalid_auth", "messages_tab_disabled"}
    | {"missing_scope", "no_permission", "not_allowed_token_type", "not_authed", "org_login_required"}
    | {"team_access_not_granted", "token_expired", "token_revoked", "two_factor_setup_required"}
)
"""Errors about this app's own standing; nobody else is to blame, and mending it sends what waited."""
FROM_THEM = {
    "user_disabled": DEACTIVATED,
    "user_not_found": UNKNOWN,
    "user_not_visible": UNKNOWN,
    "cannot_dm_bot": "their account is a bot's",
    "channel_not_found": "their chat with auditloop in Slack is gone",
    "is_archived": "their chat with auditloop in Slack is archived",
    "is_inactive": "their chat with auditloop in Slack is closed",
    "not_in_channel": "auditloop was taken out of their chat in Slack",
    "restricted_action": "auditloop may not write to them in Slack",
}
NO_CHAT = frozenset({"channel_not_found", "is_inactive"})
NO_THREAD = frozenset(
    {"cannot_reply_to_message", "invalid_thread_ts", "message_not_found", "restricted_action_non_threadable_channel"}
    | {"restricted_action_thread_locked", "thread_not_found"}
)
"""What Slack says of a thread that is gone or takes no replies; the message itself can still be sent."""
BETWEEN = ","
"""Between the timestamps of the parts of one message."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlackDoor:
    """Carries cards to people in Slack. What is too long for one message goes in several, which have one place."""

    store: Store
    client: SlackClient
    acquaintance: Acquaintance
    files: Files

    async def deliver(self, to: Person, parcel: Parcel) -> Place:
        """Send a card to a person's own chat, an audit's in the thread of its first message. Raises NotDelivered."""
        contact = await self._reached(to)
        token = uuid4().hex
        messages = _messages(parcel.card, token, await self.picture(parcel.card))
        thread = await self._thread(to, contact.conversation_id, parcel.audit_id)
        first = await self._sent(to, contact, messages[0], thread)
        spots = [first]
        for message in messages[1:]:
            spot = await insist(_sending(self.client, first.channel, message, thread))
            if spot is None:
                raise NotDelivered(Failure.UNKNOWN, "only a part of a long message could be sent to Slack")
            spots.append(spot)
        await self.files.add(first.channel, thread or first.ts, parcel.card, to.id)
        return _place(spots, token)

    async def change(self, to: Person, place: Place, card: Card, *, waited_for: bool = False) -> None:
        """Show another card in the place of one that was delivered; `waited_for`, as an answer. Raises NotDelivered."""
        stamps = [ts for ts in place.activity_id.split(BETWEEN) if ts]
        if not stamps:
            raise NotDelivered(Failure.PERMANENT, "Slack gave no id for this message, so it can't be changed")
        messages = _messages(card, place.token, None)
        if len(messages) > len(stamps):
            messages = [_message(card, place.token, None)]
        channel = place.conversation_id
        try:
            for ts, message in zip(stamps, messages, strict=False):
                await self.client.update(channel, ts, message, can_wait=not waited_for)
            for ts in stamps[len(messages) :]:
                await self._take_away(channel, ts)
        except (Refused, Unanswered) as fault:
            raise await self._failed(to, fault, closes=False) from fault

    async def reply(
        self, channel: str, card: Card, person_id: int, *, token: str = "", thread: str = ""
    ) -> Place | None:
        """Send a card to a channel in which somebody has just spoken; tried a few times, then left.

        What goes into a thread is shown in the channel as well. Where it stands, or None where it couldn't be sent.
        """
        try:
            messages = _messages(card, token, await self.picture(card))
        except NotDelivered as fault:
            log.warning("an answer for person %s can't be shown: %s", person_id, fault.failure)
            return None
        spots: list[Spot] = []
        for message in messages:
            spot = await insist(_sending(self.client, channel, message, thread))
            if spot is None:
                return None
            spots.append(spot)
        await self.files.add(channel, thread or spots[0].ts, card, person_id)
        return _place(spots, token)

    async def exchange(
        self, channel: str, ts: str, card: Card, card_id: str, person_id: int, *, thread: str = ""
    ) -> bool:
        """Show a card in the place of the one that was pressed; whether that worked.

        `thread` is the first message of the thread in which the pressed one is a reply.
        """
        try:
            message = _message(card, card_id, await self.picture(card))
        except NotDelivered as fault:
            log.warning("an answer can't be shown: %s", fault.failure)
            return False
        changed = await insist(_changing(self.client, channel, ts, message), repeatable=True)
        if changed:
            await self.files.add(channel, thread or ts, card, person_id)
        return bool(changed)

    async def private_chat(self, to: Person) -> str:
        """The channel of a person's own chat. Raises NotDelivered."""
        contact = await self._reached(to)
        if contact.conversation_id:
            return contact.conversation_id
        try:
            return await self._opened(contact)
        except (Refused, Unanswered) as fault:
            if isinstance(fault, Refused) and fault.code == "unknown_method":
                # A message to somebody's own id goes to their chat as well.
                return contact.user_id
            raise await self._failed(to, fault, closes=True) from fault

    async def picture(self, card: Card) -> Picture | None:
        """A card's chart, brought into Slack; None where it has none or it couldn't be, since its numbers stand in
        words as well."""
        if card.bars is None:
            return None
        words = alt(card.bars)
        try:
            drawn = await asyncio.to_thread(picture, card.bars)
            file_id = await self.client.upload("chart.png", drawn, title=card.bars.caption, alt=words)
        except (ImportError, Refused, Unanswered) as fault:
            log.warning("a chart goes in words only: %s", fault)
            return None
        return Picture(file_id, words)

    # ---- one person

    async def _reached(self, to: Person) -> ContactRow:
        try:
            return await self.acquaintance.reached(to)
        except NoAccount as fault:
            raise NotDelivered(Failure.PERMANENT, str(fault)) from fault
        except Unanswered as fault:
            # Nothing was sent so far, whatever became of the question.
            raise NotDelivered(Failure.TEMPORARY, str(fault)) from fault
        except Refused as fault:
            failed = await self._failed(to, fault, closes=False)
            raise NotDelivered(Failure.TEMPORARY, failed.reason, failed.retry_after) from fault

    async def _thread(self, to: Person, chat: str, audit_id: int | None) -> str:
        """The first message in a chat about an audit, below which the next ones go; empty where this is the first."""
        if audit_id is None or not chat:
            return ""
        async with self.store.begin(people=False) as tx:
            first = await thread_of(tx, PLATFORM, to.id, audit_id, chat)
        return (first or "").partition(BETWEEN)[0]

    async def _sent(self, to: Person, contact: ContactRow, message: BlockMessage, thread: str) -> Spot:
        """Send a message to a person; where it stands.

        A chat that is gone is opened anew, and a thread that is gone is done without. Raises NotDelivered.
        """
        known = contact.conversation_id
        try:
            try:
                spot = await _post(self.client, known or contact.user_id, message, thread)
            except Refused as fault:
                if fault.code not in NO_CHAT:
                    raise
                spot = await _post(self.client, await self._opened(contact), message, "")
        except (Refused, Unanswered) as fault:
            raise await self._failed(to, fault, closes=True) from fault
        if spot.channel not in (known, contact.user_id):
            await self._keep_chat(contact, spot.channel)
        return spot

    async def _opened(self, contact: ContactRow) -> str:
        channel = await self.client.open_chat(contact.user_id)
        await self._keep_chat(contact, channel)
        return channel

    async def _keep_chat(self, contact: ContactRow, channel: str) -> None:
        async with self.store.begin(people=False) as tx:
            row = await tx.session.get_one(ContactRow, contact.id)
            row.conversation_id = channel

    async def _failed(self, to: Person, fault: Refused | Unanswered, *, closes: bool) -> NotDelivered:
        """What a failure means for delivery; one that is a person's own is kept if it `closes` the way to them."""
        if isinstance(fault, Unanswered):
            return NotDelivered(Failure.UNKNOWN if fault.may_have_arrived else Failure.TEMPORARY, str(fault))
        if fault.code in OURS:
            log.error("Slack doesn't let auditloop do its work: %s", fault)
        if fault.code in OURS | AGAIN or fault.status in TRY_AGAIN:
            return NotDelivered(Failure.TEMPORARY, str(fault), fault.retry_after)
        if fault.code in IN_DOUBT:
            return NotDelivered(Failure.UNKNOWN, str(fault), fault.retry_after)
        reason = FROM_THEM.get(fault.code)
        if reason is None:
            return NotDelivered(Failure.PERMANENT, str(fault))
        if closes:
            async with self.store.begin(people=False) as tx:
                await close_contact(tx, PLATFORM, to.id, reason)
        return NotDelivered(Failure.PERMANENT, reason)

    # ---- carrying

    async def _take_away(self, channel: str, ts: str) -> None:
        """Take a part away that is no longer wanted; it may be gone already."""
        try:
            await self.client.delete(channel, ts)
        except Refused as fault:
            if fault.code != "message_not_found":
                raise


def _messages(card: Card, token: str, shown: Picture | None) -> list[BlockMessage]:
    """A card as Slack takes it, in one message or more. Raises NotDelivered."""
    try:
        return render_all(card, card_id=token, picture=shown)
    except CardTooLarge as fault:
        raise NotDelivered(Failure.PERMANENT, f"the card is too large for Slack: {fault}") from fault


def _message(card: Card, token: str, shown: Picture | None) -> BlockMessage:
    """A card in one message, with a word for what doesn't fit. Raises NotDelivered."""
    try:
        return render(card, card_id=token, picture=shown)
    except CardTooLarge as fault:
        raise NotDelivered(Failure.PERMANENT, f"the card is too large for Slack: {fault}") from fault


def _place(spots: Sequence[Spot], token: str) -> Place:
    stamps = BETWEEN.join(spot.ts for spot in spots if spot.ts)
    return Place(PLATFORM, spots[0].channel, stamps, "", token, spots[0].thread)


async def _post(client: SlackClient, channel: str, message: BlockMessage, thread: str) -> Spot:
    """Send a message; without its thread where that is gone, without its picture where Slack hasn't taken it in yet."""
    try:
        return await carried(message, lambda one: client.send(channel, one, thread=thread, broadcast=True))
    except Refused as fault:
        if fault.code in NO_THREAD and thread:
            return await _post(client, channel, message, "")
        raise


async def _change(client: SlackClient, channel: str, ts: str, message: BlockMessage) -> bool:
    await carried(message, lambda one: client.update(channel, ts, one))
    return True


def _sending(client: SlackClient, channel: str, message: BlockMessage, thread: str) -> Callable[[], Awaitable[Spot]]:
    return lambda: _post(client, channel, message, thread)


def _changing(client: SlackClient, channel: str, ts: str, message: BlockMessage) -> Callable[[], Awaitable[bool]]:
    return lambda: _change(client, channel, ts, message)
