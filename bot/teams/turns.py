"""What auditloop does about each thing that somebody does in Teams."""

import logging
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from bot.answering import Answering, Below, Posted, Pressed
from bot.beside import Beside
from bot.counts import Counts
from bot.program import Program
from bot.refusals import OWN_CHAT, not_now, stranger
from bot.teams.acquaintance import Acquaintance, RosterUnread
from bot.teams.activity import Incoming, Kind
from bot.teams.connection import Answer
from bot.teams.door import CARD, PLATFORM, TeamsDoor
from cards.card import Card, Tone
from handlers.commands import GROUP_WORDS, first_word
from handlers.interaction import Interaction, Reply
from scheduling.door import NotDelivered
from storage.postings import Place

STATUS_VIEW = "view/status"
"""The card id of an answer in a channel of which a QA officer sees more than the others."""
log = logging.getLogger(__name__)


@dataclass
class Turns:
    """Takes what is read of an activity, and answers it. What needn't be waited for is done beside the answer."""

    program: Program
    answering: Answering
    door: TeamsDoor
    acquaintance: Acquaintance
    counts: Counts
    beside: Beside = field(default_factory=Beside)

    async def take(self, incoming: Incoming) -> Answer:
        """Answer an activity whose sender is proved to be Teams."""
        if incoming.kind is Kind.OTHER:
            return Answer(200)
        if incoming.kind is Kind.REMOVED:
            return await self._removed(incoming)
        if incoming.kind is Kind.INSTALLED and (incoming.team or incoming.joined):
            self.beside.do(self._team(incoming))
            return Answer(200)
        try:
            person_id = await self.acquaintance.person(incoming)
        except RosterUnread as fault:
            log.warning("nobody could be matched: %s", fault)
            return self._say(incoming, not_now("Teams"))
        if person_id is None:
            self.counts.refuse("stranger")
            self.program.call()
            return self._say(incoming, stranger(self.program.store.framework.qa_label))
        return await self._known(incoming, person_id)

    async def _known(self, incoming: Incoming, person_id: int) -> Answer:
        if incoming.kind is Kind.TYPED:
            return await self._typed(incoming, person_id)
        if incoming.kind is Kind.REFRESHED:
            return await self._refreshed(incoming, person_id)
        if incoming.kind is Kind.PRESSED:
            return await self._pressed(incoming, person_id) if incoming.personal else self._say(incoming, OWN_CHAT)
        self.beside.do(self._welcome(incoming, person_id, came=True))
        return Answer(200)

    async def close(self) -> None:
        """Wait for what is still being done beside the answers."""
        await self.beside.close()

    # ---- coming and going

    async def _removed(self, incoming: Incoming) -> Answer:
        if not incoming.team:
            await self.acquaintance.forget(incoming)
        return Answer(200)

    async def _team(self, incoming: Incoming) -> None:
        try:
            if incoming.joined:
                await self.acquaintance.meet(incoming)
            else:
                known = await self.acquaintance.learn(incoming)
                log.info("auditloop came to a team; %s of its members are among the people", known)
        except RosterUnread as fault:
            log.warning("a team's roster can't be read: %s", fault)
        self.program.call()

    async def _welcome(self, incoming: Incoming, person_id: int, *, came: bool) -> None:
        card = await self.acquaintance.welcome(person_id, came=came)
        if card is not None:
            await self.door.reply(incoming.chat, card, person_id)
        if card is not None or came:
            self.program.call()

    # ---- words

    async def _typed(self, incoming: Incoming, person_id: int) -> Answer:
        if not incoming.personal:
            return await self._mentioned(incoming, person_id)
        await self._welcome(incoming, person_id, came=False)
        answered = await self.answering.say(self._interaction(incoming, person_id, "say", text=incoming.text))
        if answered.below is not None:
            self._follow(incoming, person_id, answered.below)
            self.program.call()
        return Answer(200)

    def _follow(self, incoming: Incoming, person_id: int, below: Below) -> None:
        """Send an answer as a message of its own."""

        async def sent() -> None:
            token = uuid4().hex if below.kept is not None else ""
            place = await self.door.reply(incoming.chat, below.card, person_id, token=token)
            if below.kept is not None:
                await self.answering.sent(below, place)
                self.program.call()

        self.beside.do(sent())

    async def _mentioned(self, incoming: Incoming, person_id: int) -> Answer:
        """In a channel nothing personal is said: what is for one person alone goes to their own chat."""
        word = first_word(incoming.text)
        if word in GROUP_WORDS:
            reply = await self._respond(incoming, person_id, "say", text=incoming.text, in_group=True)
            if reply.again:
                return Answer(200)
            options: dict[str, Any] = {}
            if word == "status" and not reply.refused and incoming.where.user_id:
                options = {"refresh_for": (incoming.where.user_id,), "token": STATUS_VIEW}
            self.beside.do(self.door.reply(incoming.chat, reply.card, person_id, **options))
            return Answer(200)
        reply = await self._respond(incoming, person_id, "say", text=incoming.text)
        if not reply.again:
            self.beside.do(self._privately(incoming, reply.card, person_id))
            self.program.call()
        return Answer(200)

    async def _privately(self, incoming: Incoming, card: Card, person_id: int) -> None:
        person = await self.program.person(person_id)
        said = _IN_YOUR_CHAT
        try:
            if person is None:
                return
            await self.door.reply(await self.door.private_chat(person), card, person_id)
        except NotDelivered:
            said = _NO_OWN_CHAT
        await self.door.reply(incoming.chat, said, person_id)

    # ---- buttons

    async def _pressed(self, incoming: Incoming, person_id: int) -> Answer:
        """Answer a press.

        1. The conversation answers. 2. What stands in the place of the pressed card is decided. 3. Beside the answer,
        the card is changed for good, for a client shows the old one again at its next start; and what the answer leads
        to is sent.
        """
        chat = incoming.chat
        place = Place(PLATFORM, chat.conversation_id, incoming.reply_to, chat.service_url, uuid4().hex)
        pressed = await self.answering.press(
            self._interaction(
                incoming, person_id, incoming.verb, subject=incoming.subject, values=dict(incoming.values)
            ),
            incoming.card_id,
            place if incoming.reply_to else None,
        )
        reply = pressed.reply
        message = self._message(pressed.in_place, person_id, pressed.token)
        if not reply.again:
            self._led_to(incoming, person_id, pressed, message)
        return self._shows(message, pressed.in_place, refused=reply.refused) if incoming.invoked else Answer(200)

    def _led_to(self, incoming: Incoming, person_id: int, pressed: Pressed, message: dict[str, Any] | None) -> None:
        """Do what follows from a press beside its answer; `message` is what stands in the pressed one's place."""
        refused = pressed.reply.refused
        if incoming.reply_to and message is not None and not (incoming.invoked and refused):
            self.beside.do(self._exchange(incoming, message, pressed.posted))
        if pressed.below is not None:
            self._follow(incoming, person_id, pressed.below)
        if refused:
            self.counts.refuse("press")
        else:
            self.program.call()

    async def _exchange(self, incoming: Incoming, message: dict[str, Any], posted: Posted | None) -> None:
        done = await self.door.exchange(incoming.chat, incoming.reply_to, message)
        if not done and posted is not None:
            await self.answering.unsettle(posted)

    async def _refreshed(self, incoming: Incoming, person_id: int) -> Answer:
        """What a card shows now, to whoever looks at it; only ever their own."""
        if incoming.card_id == STATUS_VIEW:
            reply = await self._respond(incoming, person_id, "say", text="status", in_group=False)
            return self._card(reply.card, person_id, STATUS_VIEW)
        card = await self.answering.shows(person_id, incoming.card_id)
        if card is None:
            self.counts.refuse("card")
            return _error(404, "NotFound", "This card is out of date. Write mine to see what waits for you.")
        return self._card(card, person_id, incoming.card_id, refresh_for=(incoming.where.user_id,))

    # ---- answers

    async def _respond(self, incoming: Incoming, person_id: int, verb: str, **options: Any) -> Reply:
        return await self.answering.reply(self._interaction(incoming, person_id, verb, **options))

    def _interaction(self, incoming: Incoming, person_id: int, verb: str, **options: Any) -> Interaction:
        return Interaction(person_id, verb, incoming.event_id, self.program.now(), **options)

    def _say(self, incoming: Incoming, card: Card) -> Answer:
        """A card for somebody who isn't known, or not just now."""
        if incoming.invoked:
            return self._card(card, 0, "")
        if incoming.kind in (Kind.TYPED, Kind.PRESSED, Kind.INSTALLED):
            self.beside.do(self.door.reply(incoming.chat, card, 0))
        return Answer(200)

    def _card(self, card: Card, person_id: int, token: str, *, refresh_for: tuple[str, ...] = ()) -> Answer:
        return self._shows(self._message(card, person_id, token, refresh_for), card, refused=False)

    def _message(
        self, card: Card, person_id: int, token: str, refresh_for: tuple[str, ...] = ()
    ) -> dict[str, Any] | None:
        """A message that shows a card; None where it is too large even in short."""
        try:
            return self.door.message(card, person_id, token, refresh_for=() if card.all_inputs() else refresh_for)
        except NotDelivered as fault:
            log.warning("an answer can't be shown: %s", fault.failure)
            return None

    def _shows(self, message: dict[str, Any] | None, card: Card, *, refused: bool) -> Answer:
        """The answer to an invoke: what the client shows in the place of the pressed card."""
        if message is None:
            return _error(413, "TooLarge", _too_large(card, refused=refused))
        return Answer(200, {"statusCode": 200, "type": CARD, "value": message["attachments"][0]["content"]})


def _too_large(card: Card, *, refused: bool) -> str:
    """What is said in the place of a card that is too large even in short; a form stays as it is under these words."""
    if not refused:
        return "This was done, but what there is to show of it is too large for Teams."
    errors = [f"{entry.label}: {entry.error}" for entry in card.all_inputs() if entry.error]
    return " ".join(
        ("Nothing was sent, and your texts are too long to come back together. Please shorten them.", *errors)
    )


def _error(status: int, code: str, message: str) -> Answer:
    value = {"code": code, "message": message}
    return Answer(200, {"statusCode": status, "type": "application/vnd.microsoft.error", "value": value})


_IN_YOUR_CHAT = Card(
    title="I have answered you in our own chat", text=("What is about one person or one case stays out of channels.",)
)
_NO_OWN_CHAT = Card(
    title="I can't write to you in a chat of our own",
    text=("Please add auditloop to your own apps in Teams first; what you asked for stays out of channels.",),
    tone=Tone.REFUSED,
)
