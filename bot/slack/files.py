"""A card's files: put into its thread, or a link in their place where Slack doesn't take them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.calendar_links import CalendarLinks
from bot.slack.client import SlackClient, Spot
from bot.slack.insisting import insist
from cards.blocks import BlockMessage, render, with_link
from cards.card import Card, Download, Tone
from scheduling.clock import Clock


@dataclass(frozen=True)
class Files:
    """`links` makes the links; None where the world can't reach auditloop to follow one."""

    client: SlackClient
    clock: Clock
    links: CalendarLinks | None

    async def add(self, channel: str, thread: str, card: Card, person_id: int) -> None:
        """Put a card's files into its thread; for one that can't be, its link stands there, or a word that it is
        missing."""
        for download in card.downloads:
            if await insist(self._uploading(channel, thread, download)) is None:
                await insist(self._sending(channel, thread, self._instead_of(download, person_id)))

    def _instead_of(self, download: Download, person_id: int) -> BlockMessage:
        url = self.links.for_person(person_id, self.clock.now())(download) if self.links is not None else None
        text = f"{download.label}: Slack didn't take this file."
        if url is None:
            lost = Card("A file could not be added", (f"{text} Everything else above holds.",), Tone.REFUSED)
            return render(lost, card_id="")
        instead = Card("Your file comes as a link", (f"{text} It opens here instead:",))
        return with_link(render(instead, card_id=""), download.label, url)

    def _uploading(self, channel: str, thread: str, download: Download) -> Callable[[], Awaitable[str]]:
        name, content, title = download.filename, download.content, download.label
        return lambda: self.client.upload(name, content, title=title, channel=channel, thread=thread)

    def _sending(self, channel: str, thread: str, message: BlockMessage) -> Callable[[], Awaitable[Spot]]:
        return lambda: self.client.send(channel, message, thread=thread, broadcast=True)
