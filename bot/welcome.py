"""What somebody hears at their first visit, and what the QA officer hears of strangers, whatever the platform."""

from dataclasses import dataclass, field
from datetime import datetime

from audits.people import Person
from cards.card import Card, Table, Tone
from cards.wording import counted
from handlers.questions import waiting_for
from scheduling.clock import Clock
from storage.contacts import contact_of, first_welcome, revive
from storage.ledger import tell_officer
from storage.store import Store, Transaction


@dataclass
class Welcomes:
    """Welcomes people to one platform, each of them once."""

    store: Store
    clock: Clock
    platform: str
    _welcomed: set[int] = field(default_factory=set)

    async def card(self, person_id: int, *, came: bool) -> Card | None:
        """The card for somebody's first visit, with what waits for them; None for one who was welcomed before.

        What couldn't reach them so far, and is still theirs to do, is queued again, at their first visit and whenever
        they `came` back.
        """
        if person_id in self._welcomed and not came:
            return None
        now = self.clock.now()
        async with self.store.begin() as tx:
            contact = await contact_of(tx, self.platform, person_id)
            person = tx.directory.get(person_id)
            if contact is None or person is None or not person.active:
                return None
            first = await first_welcome(tx, contact.id, now)
            if first or came:
                await revive(tx, person_id, now)
            waiting = await waiting_for(tx, person, person, now) if first else []
        # Only now, since what was not committed has not happened.
        self._welcomed.add(person_id)
        return _greeting(person, len(waiting)) if first else None


def _greeting(person: Person, waiting: int) -> Card:
    first = person.name.split()[0]
    waits = "Nothing waits for you at the moment; I write to you when something does. Write help for everything I know."
    if waiting:
        steps = f"{counted(waiting, 'step')} {'waits' if waiting == 1 else 'wait'}"
        waits = f"{steps} for you at the moment. Write mine to see what does, or help for everything I know."
    return Card(
        title=f"Hello {first}, this is auditloop",
        text=(
            "I help with the audits of case files: I tell auditors which case they have, bring auditor and "
            "practitioner together, and make sure that what was agreed gets done. It is about learning.",
            "Please use the case reference only. Never write a child's name, address, date of birth or NHS number.",
            waits,
        ),
        tone=Tone.INFORM,
        table=Table(
            "What you can write",
            ("Write", "To"),
            (("mine", "see what waits for you"), ("Tues 2pm", "suggest a time"), ("help", "see everything I know")),
        ),
    )


@dataclass(frozen=True)
class Stranger:
    """Somebody who isn't answered. `service` is the platform's name in words; `why` says what they are."""

    platform: str
    service: str
    account: str
    name: str
    email: str = ""
    why: str = "isn't among the people of this service"


async def tell_of_stranger(tx: Transaction, stranger: Stranger, now: datetime) -> None:
    """The QA officer hears of somebody who wrote and was told nothing, once a day."""
    name = " ".join(stranger.name.split())[:80] or "Somebody without a name"
    address = f" ({stranger.email[:120]})" if stranger.email else ""
    words = (
        f"{name}{address} wrote to auditloop in {stranger.service} and {stranger.why}, so they were told nothing. "
        "If they belong here, add them with: auditloop import people FILE. The address must be the one that they "
        f"have in {stranger.service}."
    )
    key = f"stranger/{stranger.platform}/{stranger.account}/{tx.calendar.day_of(now)}"
    await tell_officer(tx, key, words, now, notice="stranger", each=False)
