"""The program behind the doors: a store, a clock and a door, wired together, and what the desk asks of them."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from audits.calendar import WorkCalendar
from audits.dates import Cycle, parse_rule
from audits.people import Person
from audits.planning import close_moment
from bot.desk.service import Desktop, Entry, Letter
from bot.inbox import desktops, inbox, letter
from bot.timeline import timeline
from bot.watching.figures import Figures
from cards.card import Card
from handlers.dispatch import answer, given_reply
from handlers.interaction import Interaction, Reply
from scheduling.clock import Clock, MovedClock
from scheduling.door import Board, Door, Parcel
from scheduling.retaining import Retaining
from scheduling.running import catch_up, run_until
from scheduling.ticker import next_moment
from storage.queries import latest_cycle
from storage.store import Store

QUIET = 0.02
MOST_PUT_OFF = 2.0
"""A beat that was asked for waits for so many seconds without a press, and is put off for at most so many."""
log = logging.getLogger(__name__)


class DeskDoor:
    """The desk shows what the outbox has sent, so a message has arrived as soon as it is marked sent."""

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        return None


@dataclass
class Program:
    """auditloop at work on one database. `board` is where messages can be changed after they were delivered.

    `after_tick` is called after each tick of a beat in which what is due was seen to; `retaining` erases what is past
    its time.
    """

    store: Store
    clock: Clock
    door: Door
    demonstration: bool = False
    board: Board | None = None
    at_once: int = 1
    figures: Figures = field(default_factory=Figures)
    after_tick: Callable[[], None] | None = None
    retaining: Retaining | None = None
    _beating: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _called: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def calendar(self) -> WorkCalendar:
        return self.store.calendar

    @property
    def title(self) -> str:
        return self.store.framework.about.title

    def now(self) -> datetime:
        return self.clock.now()

    async def beat(self) -> int:
        """One heartbeat: what is due is done, what may go is sent; then what is no longer kept goes.

        Where much is to be sent, that is several ticks, each with a round of messages.
        """
        async with self._beating:
            sent = await catch_up(
                self.store, self.door, self.clock, self.board, at_once=self.at_once, ticking=self._ticking
            )
            if self.retaining is not None:
                await self.retaining.take(self.store, self.now())
            return sent

    @contextmanager
    def _ticking(self) -> Iterator[None]:
        with self.figures.ticking():
            yield
        if self.after_tick is not None:
            self.after_tick()

    def call(self) -> None:
        """Ask for a heartbeat as soon as may be, without waiting for it."""
        self._called.set()

    async def keep_up(self, longest: float | None = None) -> None:
        """Beat whenever it is asked for, until cancelled; while people are being answered, a little later.

        Several calls before or during one beat lead to one more. With `longest`, it beats also where nothing else has
        for so many seconds: the heartbeat goes by the computer's clock, and stands still when that was set back.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await self._called.wait()
            if not self._called.is_set() and longest is not None and self.figures.tick_age < longest:
                continue
            await self.store.turns.quiet(QUIET, MOST_PUT_OFF)
            self._called.clear()
            try:
                await self.beat()
            except Exception:
                log.exception("a beat failed; the next one takes up what is due")

    async def person(self, person_id: int) -> Person | None:
        async with self.store.begin() as tx:
            return tx.directory.get(person_id)

    # ---- the desk

    async def answer(self, interaction: Interaction) -> Reply:
        """Answer an interaction at this moment, and send at once what it led to."""
        with self.figures.answering(interaction.verb):
            reply = await answer(self.store, replace(interaction, at=self.now()))
        await self.beat()
        return reply

    async def reply(self, person_id: int, event_id: str) -> Card | None:
        found = await given_reply(self.store, person_id, event_id)
        return found.card if found else None

    async def people(self) -> list[Desktop]:
        async with self.store.begin() as tx:
            return await desktops(tx)

    async def inbox(self, person_id: int, *, page: int = 1) -> tuple[list[Letter], int]:
        async with self.store.begin() as tx:
            return await inbox(tx, person_id, page, self.now())

    async def letter(self, person_id: int, message_id: int) -> Letter | None:
        async with self.store.begin() as tx:
            return await letter(tx, person_id, message_id, self.now())

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
        return await run_until(self.store, self.door, self.clock, moment, self.board)

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
