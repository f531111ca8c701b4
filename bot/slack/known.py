"""Who acts: one of the people of the service, or somebody to whom that is said and nothing else."""

import logging
from dataclasses import dataclass

from bot.counts import Counts
from bot.program import Program
from bot.refusals import not_now, stranger
from bot.slack.acquaintance import Acquaintance, NotNow
from bot.slack.incoming import Incoming
from cards.card import Card

log = logging.getLogger(__name__)


class NotKnown(Exception):
    """Nobody of the service acts, or it can't be told who does. `card` is what they are told."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.title)
        self.card = card


@dataclass(frozen=True)
class Known:
    program: Program
    acquaintance: Acquaintance
    counts: Counts

    async def person(self, incoming: Incoming) -> int:
        """The person who acts. Raises NotKnown."""
        try:
            person_id = await self.acquaintance.person(incoming.user_id, incoming.team_id)
        except NotNow as fault:
            log.warning("nobody could be matched: %s", fault)
            raise NotKnown(not_now("Slack")) from fault
        if person_id is None:
            self.counts.refuse("stranger")
            self.program.call()
            raise NotKnown(stranger(self.program.store.framework.qa_label))
        return person_id
