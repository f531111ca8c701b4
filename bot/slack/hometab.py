"""App Home: a person's own page, made anew whenever they come to it or act on it."""

from dataclasses import dataclass

from bot.program import Program
from bot.refusals import stranger
from bot.slack.client import SlackClient
from bot.slack.incoming import Incoming
from bot.slack.insisting import insist
from bot.slack.known import Known, NotKnown
from cards.blocks.home import home_view
from cards.blocks.texts import Json
from handlers.home import home


@dataclass(frozen=True)
class HomeTab:
    program: Program
    client: SlackClient
    known: Known

    async def opened(self, incoming: Incoming) -> None:
        """Somebody came to the page; whoever isn't known is told so on it."""
        try:
            person_id = await self.known.person(incoming)
        except NotKnown as fault:
            await self._publish(incoming.user_id, home_view([("", fault.card)]))
            return
        await self.show(person_id, incoming.user_id)

    async def show(self, person_id: int, user_id: str) -> None:
        """Show a person what waits for them and what is theirs, as it is now."""
        async with self.program.store.begin(first=True) as tx:
            person = tx.directory.get(person_id)
            found = await home(tx, person, self.program.now()) if person is not None and person.active else None
        if found is None:
            # What stood there was for whoever is no longer among the people.
            card = stranger(self.program.store.framework.qa_label)
            await self._publish(user_id, home_view([("", card)]))
            return
        await self._publish(user_id, home_view(found.cards, left=found.left))

    async def _publish(self, user_id: str, view: Json) -> None:
        await insist(lambda: self._published(user_id, view), repeatable=True)

    async def _published(self, user_id: str, view: Json) -> bool:
        await self.client.publish(user_id, view)
        return True
