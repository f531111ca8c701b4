"""The program behind the doors: a store, a clock and a door, wired together. Serves the desk."""

from dataclasses import dataclass, replace
from datetime import datetime, time

from sqlalchemy import func, select

from audits.calendar import WorkCalendar
from audits.dates import Cycle, parse_rule
from audits.people import Person
from audits.planning import close_moment
from bot.desk.service import Desktop, Entry, Letter
from bot.timeline import timeline
from cards.card import Card, Tone
from handlers.dispatch import answer, given_reply
from handlers.interaction import Interaction, Reply
from scheduling.clock import Clock, MovedClock
from scheduling.composing import bundle_card, message_card
from scheduling.door import Door, Parcel
from scheduling.running import catch_up, run_until
from scheduling.ticker import next_moment
from storage.queries import latest_cycle
from storage.store import Store, Transaction
from storage.tables import DutyRow, OutboxRow

PAGE = 20
ASKING = frozenset({Tone.ASK, Tone.LATE, Tone.ALERT})


class DeskDoor:
    """The desk shows what the outbox has sent, so a message has arrived as soon as it is marked sent."""

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        return None


@dataclass
class Program:
    """auditloop at work on one database."""

    store: Store
    clock: Clock
    door: Door
    demonstration: bool = False

    @property
    def calendar(self) -> WorkCalendar:
        return self.store.calendar

    @property
    def title(self) -> str:
        return self.store.framework.about.title

    def now(self) -> datetime:
        return self.clock.now()

    async def beat(self) -> int:
        """One heartbeat: what is due is done, what may go is sent."""
        return await catch_up(self.store, self.door, self.clock)

    async def answer(self, interaction: Interaction) -> Reply:
        """Answer an interaction at this moment, and send at once what it led to."""
        reply = await answer(self.store, replace(interaction, at=self.now()))
        await self.beat()
        return reply

    async def reply(self, person_id: int, event_id: str) -> Card | None:
        found = await given_reply(self.store, person_id, event_id)
        return found.card if found else None

    # ---- the desk

    async def people(self) -> list[Desktop]:
        async with self.store.begin() as tx:
            rows = await tx.session.execute(
                select(OutboxRow.to_id, func.count(func.distinct(OutboxRow.duty_ref)))
                .join(DutyRow, DutyRow.ref == OutboxRow.duty_ref)
                .where(OutboxRow.state == "sent", DutyRow.closed_at.is_(None))
                .group_by(OutboxRow.to_id)
            )
            waiting = {row[0]: row[1] for row in rows}
            sent = await tx.session.execute(
                select(OutboxRow.to_id, func.count(OutboxRow.id))
                .where(OutboxRow.state == "sent")
                .group_by(OutboxRow.to_id)
            )
            received = {row[0]: row[1] for row in sent}
            roles = tx.framework.roles
            return [
                Desktop(
                    person,
                    roles[person.role].label if person.role in roles else person.role,
                    waiting.get(person.id, 0),
                    received.get(person.id, 0),
                    person.role in tx.framework.qa_roles,
                )
                for person in sorted(tx.directory.people.values(), key=lambda one: one.name)
                if person.active
            ]

    async def person(self, person_id: int) -> Person | None:
        async with self.store.begin() as tx:
            return tx.directory.get(person_id)

    async def inbox(self, person_id: int, *, page: int = 1) -> tuple[list[Letter], int]:
        async with self.store.begin() as tx:
            person = tx.directory.get(person_id)
            if person is None:
                return [], 0
            ids = select(func.max(OutboxRow.id)).where(OutboxRow.to_id == person_id, OutboxRow.state == "sent")
            # A duty's card is the same however often it was reminded of, so it is shown once, where it came last.
            ids = ids.group_by(func.coalesce(OutboxRow.digest, OutboxRow.duty_ref, OutboxRow.key))
            count = await tx.session.scalar(select(func.count()).select_from(ids.subquery())) or 0
            rows = list(
                await tx.session.scalars(
                    select(OutboxRow)
                    .where(OutboxRow.id.in_(ids))
                    .order_by(OutboxRow.sent_at.desc(), OutboxRow.id.desc())
                    .offset((page - 1) * PAGE)
                    .limit(PAGE)
                )
            )
            letters = [await self._letter(tx, row, person) for row in rows]
            return letters, max(1, -(-count // PAGE))

    async def letter(self, person_id: int, message_id: int) -> Letter | None:
        async with self.store.begin() as tx:
            person = tx.directory.get(person_id)
            row = await tx.session.get(OutboxRow, message_id)
            if person is None or row is None or row.to_id != person_id or row.state != "sent":
                return None
            return await self._letter(tx, row, person)

    async def _letter(self, tx: Transaction, row: OutboxRow, person: Person) -> Letter:
        if row.digest is not None:
            joined = await tx.session.scalars(
                select(OutboxRow).where(OutboxRow.digest == row.digest).order_by(OutboxRow.id)
            )
            card = await bundle_card(tx, list(joined), person, self.now())
        else:
            card = await message_card(tx, row, person, self.now())
        return Letter(
            row.id, row.sent_at or row.decided_at, row.what, card, waiting=bool(card.actions) and card.tone in ASKING
        )

    async def timeline(self, *, person_id: int | None = None, page: int = 1) -> tuple[list[Entry], int]:
        async with self.store.begin() as tx:
            return await timeline(tx, person_id, page)

    # ---- a demonstration's clock

    async def next_moment(self) -> datetime | None:
        coming = await next_moment(self.store, self.now())
        return coming if coming is not None and coming > self.now() else None

    async def move_to(self, moment: datetime) -> int:
        """Move a demonstration's clock. Raises TypeError with a clock that isn't ours to move."""
        if not isinstance(self.clock, MovedClock):
            raise TypeError("only a demonstration's clock can be moved")
        return await run_until(self.store, self.door, self.clock, moment)

    async def month_end(self) -> datetime:
        async with self.store.begin() as tx:
            row = await latest_cycle(tx, self.now())
        cycle = Cycle.parse(row.month) if row else Cycle.of(self.calendar.day_of(self.now()))
        while (end := self._end_of(cycle)) <= self.now():
            cycle = cycle.plus(1)
        return end

    def _end_of(self, cycle: Cycle) -> datetime:
        """When a cycle's process has ended and the last of its lists has gone out."""
        terms, start = self.store.framework.cycle, self.calendar.moment(cycle.first, time(0, 0))
        lists = [parse_rule(one.at).resolve(start, cycle, self.calendar).effective for one in terms.notices.values()]
        return max([close_moment(self.store.framework, cycle, self.calendar).nominal, *lists])
