"""Answers that go back to where somebody acted, for their eyes alone or for everyone's there."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.program import Program
from bot.slack.client import SlackClient
from bot.slack.door import SlackDoor
from bot.slack.insisting import insist
from bot.slack.pictured import carried
from cards.blocks import BlockMessage, render_all
from cards.card import Card, Tone
from cards.limits import CardTooLarge
from scheduling.door import NotDelivered
from storage.postings import Place

MOST_PARTS = 4
"""Slack takes five answers to one interaction; one more is left for a later change."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Responding:
    program: Program
    client: SlackClient
    door: SlackDoor

    async def respond(
        self, url: str, card: Card, card_id: str, person_id: int, *, in_channel: bool = False, replace: bool = False
    ) -> bool:
        """Answer at a response_url, with a picture where the card has a chart; whether that worked.

        What would take too many messages goes to the person's own chat, and so do a card's files, and what can't be
        shown where it was asked.
        """
        if card.downloads:
            return await self._elsewhere(url, card, card_id, person_id)
        picture = await self.door.picture(card)
        try:
            messages = render_all(card, card_id=card_id, picture=picture)
        except CardTooLarge:
            return await self._elsewhere(url, card, card_id, person_id)
        if len(messages) > MOST_PARTS:
            return await self._elsewhere(url, card, card_id, person_id)
        if await self._sent(url, messages, in_channel=in_channel, replace=replace):
            return True
        return await self.privately(card, card_id, person_id) is not None

    async def privately(self, card: Card, card_id: str, person_id: int) -> Place | None:
        """Send a card to somebody's own chat; where it stands, or None where it couldn't be sent."""
        person = await self.program.person(person_id)
        if person is None:
            return None
        try:
            channel = await self.door.private_chat(person)
        except NotDelivered as fault:
            log.warning("somebody's own chat can't be opened: %s", fault.reason)
            return None
        return await self.door.reply(channel, card, person_id, token=card_id)

    async def _elsewhere(self, url: str, card: Card, card_id: str, person_id: int) -> bool:
        reached = await self.privately(card, card_id, person_id)
        said = NO_OWN_CHAT if reached is None else IN_YOUR_CHAT
        return await self._sent(url, render_all(said, card_id="")) or reached is not None

    async def _sent(
        self, url: str, messages: list[BlockMessage], *, in_channel: bool = False, replace: bool = False
    ) -> bool:
        for number, message in enumerate(messages):
            carry = _responding(self.client, url, message, in_channel=in_channel, replace=replace and number == 0)
            if await insist(carry) is None:
                return False
        return True


def _responding(
    client: SlackClient, url: str, message: BlockMessage, *, in_channel: bool, replace: bool
) -> Callable[[], Awaitable[bool]]:
    async def respond() -> bool:
        await carried(message, lambda one: client.respond(url, one, in_channel=in_channel, replace=replace))
        return True

    return respond


IN_YOUR_CHAT = Card(
    title="I have answered you in our own chat", text=("The answer is too long to be shown for you alone here.",)
)
NO_OWN_CHAT = Card(
    title="The answer is too long to be shown here",
    text=("I can't write to you in a chat of our own just now. Please try again in a minute.",),
    tone=Tone.REFUSED,
)
