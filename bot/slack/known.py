"""Who acts: one of the people of the service, or somebody to whom that is said and nothing else."""

import logging
from dataclasses import dataclass

from bot.counts import Counts
from bot.program import Program
from bot.slack.acquaintance import Acquaintance, NotNow
from bot.slack.incoming import Incoming
from cards.card import Card, Tone

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
            raise NotKnown(_NOT_NOW) from fault
        if person_id is None:
            self.counts.refuse("stranger")
            self.program.call()
            raise NotKnown(_stranger(self.program.store.framework.qa_label))
        return person_id


def _stranger(label: str) -> Card:
    return Card(
        title="Sorry, I don't know you yet",
        text=(
            f"auditloop answers the people of this service only. I have told the {label} that you wrote; if you "
            "belong here, they can add you.",
        ),
        tone=Tone.REFUSED,
    )


_NOT_NOW = Card(
    title="I can't tell who you are just now",
    text=("Slack didn't answer when I asked. Nothing was changed; please try again in a minute.",),
    tone=Tone.REFUSED,
)
