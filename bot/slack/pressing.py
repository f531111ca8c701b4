"""A press, wherever it was made, and what follows from it in the chat: the card that changes, and what comes below."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from uuid import uuid4

from bot.answering import Answering, Below, Posted, Pressed
from bot.counts import Counts
from bot.program import Program
from bot.slack.acquaintance import PLATFORM
from bot.slack.door import BETWEEN, SlackDoor
from bot.slack.origins import Origin
from bot.slack.responding import Responding
from cards.card import Card
from cards.stored import fingerprint
from handlers.interaction import Interaction
from scheduling.door import NotDelivered
from storage.postings import Place, place_of, thread_of
from storage.tables import PostingRow

NOT_LONG, LOOK_AGAIN = 3.0, 0.05
"""Seconds that a press may be ahead of what is kept of the message on which it was made, and between two looks."""
log = logging.getLogger(__name__)


def answer_id(event_id: str) -> str:
    """The card id of what an event was answered with."""
    return f"answer/{event_id}"


@dataclass(frozen=True)
class Press:
    """What somebody pressed: the button of a card, with what they gave in its form, and where that was."""

    event_id: str
    verb: str
    subject: str
    card_id: str
    origin: Origin
    values: Mapping[str, str]


@dataclass(frozen=True)
class Pressing:
    program: Program
    answering: Answering
    door: SlackDoor
    responding: Responding
    counts: Counts

    async def settled(self, person_id: int, card_id: str) -> None:
        """Wait until a message that has only just come to somebody is kept; not long, since it may be nobody's."""
        until = monotonic() + NOT_LONG
        # Another node may be the one that keeps it.
        while not await self.answering.is_kept(person_id, card_id) and monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN)

    async def press(self, person_id: int, press: Press) -> Pressed:
        """Let the conversation answer. Nothing changes in the chat before `follow`."""
        origin = press.origin
        await self.settled(person_id, press.card_id)
        interaction = Interaction(
            person_id,
            press.verb,
            press.event_id,
            self.program.now(),
            subject=press.subject,
            values=dict(press.values),
        )
        place = Place(PLATFORM, origin.channel, origin.ts, "", uuid4().hex, origin.thread) if origin.stands else None
        return await self.answering.press(interaction, press.card_id, place)

    async def follow(self, person_id: int, press: Press, pressed: Pressed) -> None:
        """Do what follows from a press: the pressed card changes, and what it led to comes below it."""
        reply = pressed.reply
        if reply.again:
            return
        if reply.refused:
            self.counts.refuse("press")
            await self._bring_up_to_date(person_id, press.origin, pressed)
            return
        self.program.call()
        if not reply.asks_again:
            await self._exchange(person_id, press, pressed)
        if pressed.below is not None:
            await self.below(person_id, press.event_id, pressed.below, _as_kept(press.origin, pressed.posted))

    async def below(self, person_id: int, event_id: str, below: Below, origin: Origin) -> None:
        """Send an answer as a message of its own, in the thread of its audit; one about a duty is kept up to date."""
        kept = below.kept
        token = uuid4().hex if kept is not None else answer_id(event_id)
        thread = origin.root
        if not thread and kept is not None and origin.is_own_chat:
            async with self.program.store.begin() as tx:
                thread = await thread_of(tx, PLATFORM, person_id, kept.about.audit_id, origin.channel) or ""
        if origin.is_own_chat:
            place = await self.door.reply(origin.channel, below.card, person_id, token=token, thread=thread)
        else:
            place = await self.responding.privately(below.card, token, person_id)
        if kept is not None:
            await self.answering.sent(below, place)
            self.program.call()

    async def _exchange(self, person_id: int, press: Press, pressed: Pressed) -> None:
        origin, card_id = press.origin, pressed.token or answer_id(press.event_id)
        if origin.stands:
            await self._show(person_id, origin, pressed.in_place, card_id, pressed.posted)
        elif origin.response_url:
            await self.responding.respond(origin.response_url, pressed.in_place, card_id, person_id, replace=True)

    async def _bring_up_to_date(self, person_id: int, origin: Origin, pressed: Pressed) -> None:
        """A refusal changes nothing, but often what was pressed shows something old."""
        posted = pressed.posted
        if origin.stands and posted is not None and fingerprint(posted.standing.card) != posted.row.shown:
            await self._show(person_id, origin, posted.standing.card, pressed.token, posted)

    async def _show(self, person_id: int, origin: Origin, card: Card, card_id: str, posted: Posted | None) -> None:
        if posted is not None and BETWEEN in posted.row.activity_id:
            done = await self._show_in_parts(posted.row, card)
        else:
            ts = (posted.row.activity_id if posted is not None else "") or origin.ts
            done = await self.door.exchange(origin.channel, ts, card, card_id, person_id, thread=origin.thread)
        if posted is not None:
            await (self.answering.settle(posted) if done else self.answering.unsettle(posted))

    async def _show_in_parts(self, row: PostingRow, card: Card) -> bool:
        """Show a card in the place of a message in several parts; whether that worked."""
        person = await self.program.person(row.person_id)
        try:
            if person is not None:
                await self.door.change(person, place_of(row), card, waited_for=True)
        except NotDelivered as fault:
            log.warning("an answer can't be shown: %s", fault)
            return False
        return person is not None


def _as_kept(origin: Origin, posted: Posted | None) -> Origin:
    """Where a press was made, in the thread in which its message was sent, whether or not Slack names it."""
    if posted is None or not origin.stands:
        return origin
    return replace(origin, thread=posted.row.thread or posted.row.activity_id.partition(BETWEEN)[0])
