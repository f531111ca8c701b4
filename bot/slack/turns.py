"""What auditloop does about each thing that somebody does in Slack."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.answering import Answering, Pressed
from bot.beside import Beside
from bot.counts import Counts
from bot.drafting import Drafting
from bot.program import Program
from bot.refusals import OWN_CHAT
from bot.slack.acquaintance import PLATFORM, Acquaintance, NotNow
from bot.slack.asking import ON_ITS_WAY, Asking
from bot.slack.client import SlackClient
from bot.slack.door import SlackDoor
from bot.slack.hometab import HomeTab
from bot.slack.incoming import Incoming, Kind, NotReadable
from bot.slack.known import Known, NotKnown
from bot.slack.modals import Modals
from bot.slack.origins import origin_of
from bot.slack.pressing import Press, Pressing, answer_id
from bot.slack.responding import Responding
from bot.slack.unsent import Unsent
from bot.slack.windows import BROKEN, Windows
from cards.blocks.forms import said_view
from cards.blocks.texts import Json
from cards.card import Card
from handlers.interaction import Interaction
from storage.postings import audit_in_thread

log = logging.getLogger(__name__)


@dataclass
class Turns:
    """Takes what is read of what Slack tells. All but the answer to a form is done beside the acknowledgement."""

    program: Program
    answering: Answering
    door: SlackDoor
    client: SlackClient
    acquaintance: Acquaintance
    counts: Counts
    beside: Beside = field(default_factory=Beside)

    def __post_init__(self) -> None:
        self.known = Known(self.program, self.acquaintance, self.counts)
        self.responding = Responding(self.program, self.client, self.door)
        self.pressing = Pressing(self.program, self.answering, self.door, self.responding, self.counts)
        self.hometab = HomeTab(self.program, self.client, self.known)
        self.windows = Windows(self.client)
        drafting = Drafting(self.program.store, self.program.clock)
        self.unsent = Unsent(self.answering, drafting, self.known)
        self.modals = Modals(
            self.answering,
            drafting,
            self.unsent,
            self.known,
            self.pressing,
            self.responding,
            self.hometab,
            self.windows,
            self.counts,
            self.beside,
        )
        self.asking = Asking(self.program, self.answering, self.known, self.responding, self.modals, self.windows)
        self._takes: dict[Kind, Callable[[Incoming], Awaitable[None]]] = {
            Kind.PRESSED: self._pressed,
            Kind.OPENS: self.modals.open,
            Kind.FILLED: self.unsent.filled_in,
            Kind.BACK: self.modals.back,
            Kind.CLOSED: self.unsent.closed,
            Kind.COMMAND: self.asking.command,
            Kind.SHORTCUT: self.asking.shortcut,
            Kind.TYPED: self._typed,
            Kind.HOME: self.hometab.opened,
            Kind.CAME: self._came,
            Kind.CHANGED: self._changed,
            Kind.GONE: self._gone,
        }

    def hear(self, incoming: Incoming) -> None:
        """Do what is to be done about something that was acknowledged."""
        if incoming.kind in self._takes:
            self.beside.do(self._take(incoming))

    async def submitted(self, incoming: Incoming) -> Json:
        """The answer to a form that was sent, for its acknowledgement."""
        return await self.modals.submitted(incoming)

    async def close(self) -> None:
        """Wait for what is still being done."""
        await self.beside.close()

    async def _take(self, incoming: Incoming) -> None:
        try:
            await self._takes[incoming.kind](incoming)
        except NotKnown as fault:
            await self._not_known(incoming, fault.card)
        except NotReadable as fault:
            log.info("something from Slack can't be read: %s", fault)
            self.counts.refuse("unreadable")
        except Exception:
            log.exception("something that somebody did in Slack can't be answered")
            await self._not_known(incoming, BROKEN)

    async def _not_known(self, incoming: Incoming, card: Card) -> None:
        """Say to whoever acted why nothing comes of it."""
        if incoming.kind is Kind.TYPED:
            await self.door.reply(incoming.channel, card, 0)
        elif incoming.response_url:
            await self.responding.respond(incoming.response_url, card, "", 0)

    # ---- coming and going

    async def _came(self, incoming: Incoming) -> None:
        try:
            person_id = await self.known.person(incoming)
        except NotKnown:
            # Whoever only looks isn't spoken to.
            return
        await self.acquaintance.spoke_in(person_id, incoming.channel)
        await self._welcome(incoming, person_id)

    async def _welcome(self, incoming: Incoming, person_id: int) -> None:
        card = await self.acquaintance.welcome(person_id, came=False)
        if card is not None:
            await self.door.reply(incoming.channel, card, person_id)
            self.program.call()

    async def _changed(self, incoming: Incoming) -> None:
        try:
            await self.acquaintance.changed(incoming.account)
        except NotNow as fault:
            log.warning("a change of an account can't be taken in: %s", fault)
        self.program.call()

    async def _gone(self, _incoming: Incoming) -> None:
        log.error("auditloop was taken out of the Slack workspace, or its token was revoked; nobody can be reached")
        self.counts.refuse("taken out")

    # ---- words

    async def _typed(self, incoming: Incoming) -> None:
        person_id = await self.known.person(incoming)
        await self.acquaintance.spoke_in(person_id, incoming.channel)
        await self._welcome(incoming, person_id)
        about = await self._audit_of(incoming, person_id)
        said = Interaction(person_id, "say", incoming.event_id, self.program.now(), about, text=incoming.text)
        answered = await self.answering.say(said)
        if answered.below is not None:
            # An answer to words in a thread goes there; other words begin none.
            origin = origin_of(incoming)
            origin = origin if origin.thread else origin.without_message()
            await self.pressing.below(person_id, incoming.event_id, answered.below, origin)
            self.program.call()

    async def _audit_of(self, incoming: Incoming, person_id: int) -> str:
        """The audit in whose thread something was written; empty where it was in none."""
        if not incoming.thread:
            return ""
        async with self.program.store.begin(people=False) as tx:
            about = await audit_in_thread(tx, PLATFORM, person_id, incoming.thread)
        return "" if about is None else str(about)

    # ---- buttons that act at once

    async def _pressed(self, incoming: Incoming) -> None:
        origin = origin_of(incoming)
        if origin.home:
            await self.windows.open(incoming.trigger_id, self._pressed_at_home(incoming), words=ON_ITS_WAY)
            return
        person_id = await self.known.person(incoming)
        if origin.ts and not origin.is_own_chat:
            self.counts.refuse("press")
            await self.responding.respond(incoming.response_url, OWN_CHAT, "", person_id)
            return
        press, pressed = await self._press(incoming, person_id)
        await self.pressing.follow(person_id, press, pressed)
        if pressed.reply.refused and not pressed.reply.again:
            card_id = answer_id(incoming.event_id)
            await self.responding.respond(incoming.response_url, pressed.reply.card, card_id, person_id)

    async def _pressed_at_home(self, incoming: Incoming) -> Json:
        """Press, and say in a modal what came of it; the page itself is made anew."""
        try:
            person_id = await self.known.person(incoming)
        except NotKnown as fault:
            return said_view(fault.card)
        press, pressed = await self._press(incoming, person_id)
        self.beside.do(self._at_home_again(incoming, person_id, press, pressed))
        if pressed.reply.refused:
            return said_view(pressed.reply.card)
        # What the press led to stands on the page by then; here is what became of the card itself.
        return said_view(await self.answering.card(person_id, incoming.card_id) or pressed.reply.card)

    async def _at_home_again(self, incoming: Incoming, person_id: int, press: Press, pressed: Pressed) -> None:
        await self.pressing.follow(person_id, press, pressed)
        await self.hometab.show(person_id, incoming.user_id)

    async def _press(self, incoming: Incoming, person_id: int) -> tuple[Press, Pressed]:
        press = Press(incoming.event_id, incoming.verb, incoming.subject, incoming.card_id, origin_of(incoming), {})
        return press, await self.pressing.press(person_id, press)
