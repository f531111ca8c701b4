"""Modals that are opened in time: a trigger is good for three seconds, whatever the database does."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from bot.slack.client import SlackClient
from bot.slack.failures import Refused, Unanswered
from bot.slack.insisting import insist
from cards.blocks.forms import said_view, waiting_view
from cards.blocks.texts import Json
from cards.card import Card, Tone

IN_TIME = 0.7
"""So many seconds a view may take before something else is opened in its place; the trigger was on its way before."""
ONE_MOMENT = "One moment, please: your form is on its way."
log = logging.getLogger(__name__)

BROKEN = Card(
    title="Something went wrong here",
    text=("Nothing was changed, as far as I can tell. Please try again in a minute.",),
    tone=Tone.REFUSED,
)


@dataclass(frozen=True)
class Windows:
    client: SlackClient

    async def open(self, trigger_id: str, making: Coroutine[Any, Any, Json], *, words: str = ONE_MOMENT) -> bool:
        """Open what is being made, or in its place at first a word that it is on its way; whether anything opened.

        What is being made is made to its end even where nothing can be opened.
        """
        task = asyncio.get_running_loop().create_task(_made(making))
        await asyncio.wait({task}, timeout=IN_TIME)
        first = task.result() if task.done() else waiting_view(words, "")
        try:
            opened = await self.client.open_view(trigger_id, first)
        except (Refused, Unanswered) as fault:
            log.warning("a modal can't be opened: %s", fault)
            await task
            return False
        view = await task
        if view is not first:
            await self.change(opened.id, view)
        return True

    async def change(self, view_id: str, view: Mapping[str, Any], *, hash: str = "") -> bool:
        """Change a modal; whether that worked. It doesn't where it was closed, or changed since this hash."""
        return await insist(lambda: self.client.update_view(view_id, view, hash=hash), repeatable=not hash) is not None


async def _made(making: Coroutine[Any, Any, Json]) -> Json:
    try:
        return await making
    except Exception:
        log.exception("a modal can't be made")
        return said_view(BROKEN)
