"""A demonstration that people see on the desk and in Microsoft's Agents Playground at the same time."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, update

from audits.people import Person
from bot.program import Program
from scheduling.door import Door, NotDelivered, Parcel
from storage.postings import Place
from storage.store import Store, Transaction
from storage.tables import ContactRow, DutyRow, OutboxRow


@dataclass(frozen=True)
class DeskAndTeams:
    """Everything is on the desk; who sits at a Playground gets it there as well."""

    store: Store
    teams: Door

    async def deliver(self, to: Person, parcel: Parcel) -> Place | None:
        async with self.store.begin() as tx:
            if to.id not in await _here(tx):
                return None
        try:
            return await self.teams.deliver(to, parcel)
        except NotDelivered:
            # Their Playground was closed.
            return None


@dataclass
class SharedProgram(Program):
    """What somebody was sent before they sat down at a Playground is brought to them there, if it is still open."""

    demonstration: bool = True
    _seated: set[int] = field(default_factory=set, init=False)

    async def beat(self) -> int:
        """One heartbeat, before which those who have just sat down are given what is on the desk for them."""
        async with self.store.begin() as tx:
            here = await _here(tx)
            for person_id in here - self._seated:
                await _bring(tx, person_id, self.now())
        self._seated = here
        return await super().beat()


async def _here(tx: Transaction) -> set[int]:
    """Who sits at a Playground, by id."""
    found = select(ContactRow.person_id).where(ContactRow.conversation_id != "", ContactRow.closed == "")
    return set(await tx.session.scalars(found))


async def _bring(tx: Transaction, person_id: int, now: datetime) -> None:
    """Send once more the newest message of each open duty that somebody has on the desk alone."""
    open_duties = select(DutyRow.ref).where(DutyRow.closed_at.is_(None))
    newest = (
        select(func.max(OutboxRow.id))
        .where(OutboxRow.to_id == person_id, OutboxRow.state == "sent", OutboxRow.posting_id.is_(None))
        .where(OutboxRow.duty_ref.in_(open_duties))
        .group_by(OutboxRow.duty_ref)
    )
    await tx.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(newest.scalar_subquery()))
        .values(state="queued", not_before=now, attempts=0, sent_at=None, digest=None)
        .execution_options(synchronize_session=False)
    )
