"""What is typed into forms that are open and not sent, kept as it comes, and never over what was sent."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.answering import Answering
from bot.drafting import Drafting
from bot.slack.incoming import Incoming, SeenView
from bot.slack.known import Known
from bot.slack.open_form import form_in, named
from bot.slack.origins import unpacked

MOST_LEFT = 1000
"""So many forms that were just left are remembered."""


@dataclass(frozen=True)
class Unsent:
    answering: Answering
    drafting: Drafting
    known: Known
    _filling: dict[str, Incoming] = field(default_factory=dict)
    _keeping: set[str] = field(default_factory=set)
    _left: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)
    """What was sent or gone back from, each view with its hash: what is told of it after that is older."""
    _writing: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def filled_in(self, incoming: Incoming) -> None:
        """Keep what stands in a form while it is filled in; of what comes in the meantime, only the newest."""
        if incoming.view is None:
            return
        view_id = incoming.view.id
        self._filling[view_id] = incoming
        if view_id in self._keeping:
            return
        self._keeping.add(view_id)
        try:
            while (newest := self._filling.pop(view_id, None)) is not None:
                await self._keep(newest)
        finally:
            self._keeping.discard(view_id)

    async def closed(self, incoming: Incoming) -> None:
        """Keep what was typed into a form that is closed, where Slack says it."""
        if any(incoming.values.values()):
            await self._keep(incoming)

    async def _keep(self, incoming: Incoming) -> None:
        view = incoming.view
        if view is None:
            return
        form, person_id = unpacked(view.metadata), await self.known.person(incoming)
        card = await self.answering.card(person_id, form.inputs_of)
        found = form_in(person_id, form, card) if card is not None else None
        if found is None:
            return
        values = named(incoming.values, found.names)
        async with self._writing.setdefault(view.id, asyncio.Lock()):
            if (view.id, view.hash) in self._left:
                return
            # Empty inputs are kept where they were emptied, not where nobody has begun.
            if any(values.values()) or await self.drafting.kept(person_id, form.name):
                await self.drafting.keep(person_id, form.name, values)

    def leave(self, view: SeenView) -> None:
        """From now on what somebody typed here before is no longer kept, however late it comes."""
        self._filling.pop(view.id, None)
        if view.hash:
            self._left[view.id, view.hash] = None
            if len(self._left) > MOST_LEFT:
                self._left.popitem(last=False)

    def stay(self, view: SeenView) -> None:
        """Somebody goes on in this very view."""
        self._left.pop((view.id, view.hash), None)

    async def written(self, view: SeenView) -> None:
        """Wait for what is just being kept of a view."""
        if (writing := self._writing.get(view.id)) is not None:
            async with writing:
                pass
