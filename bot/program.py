"""The program behind the doors: a store, a clock and a door, wired together. Serves the desk."""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from sqlalchemy import func, select

from audits.calendar import WorkCalendar
from audits.dates import Cycle, parse_rule
from audits.people import Person
from audits.planning import close_moment
from bot.desk.service import Desktop, Entry, Letter
from bot.timeline import timeline
from cards.card import Card, Download, Tone
from cards.invitation import invitation, moderation_invitation
from cards.scene import Scene
from cards.stored import fingerprint
from handlers.dispatch import answer, given_reply
from handlers.interaction import Interaction, Reply
from scheduling.clock import Clock, MovedClock
from scheduling.composing import bundle_card, duty_card, message_card, posted_card
from scheduling.door import Board, Door, Parcel
from scheduling.running import catch_up, run_until
from scheduling.ticker import next_moment
from storage.outbox import claim_about, mark_sent, mark_waiting
from storage.postings import Place, keep_answer, posting_named, put_off_posting, settle_posting
from storage.queries import latest_cycle
from storage.store import Store, Transaction
from storage.tables import DutyRow, OutboxRow, PostingRow

PAGE = 20
ASKING = frozenset({Tone.ASK, Tone.LATE, Tone.ALERT})
log = logging.getLogger(__name__)


class DeskDoor:
    """The desk shows what the outbox has sent, so a message has arrived as soon as it is marked sent."""

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        return None


@dataclass(frozen=True)
class Posted:
    """A person's own message in a chat, and the card that it should show now."""

    row: PostingRow
    card: Card


@dataclass(frozen=True)
class AnswerAbout:
    """An answer that shows a duty: the fingerprint of what it showed, and the messages that went with it."""

    person_id: int
    audit_id: int
    duty_ref: str
    shown: str
    messages: tuple[OutboxRow, ...]


@dataclass(frozen=True)
class Answered:
    """A reply, what the pressed message should show now, and the duty that the reply shows, if there are such."""

    reply: Reply
    posted: Posted | None
    about: AnswerAbout | None


async def _posted(tx: Transaction, person_id: int, token: str, now: datetime) -> Posted | None:
    row = await posting_named(tx, token, person_id)
    card = await posted_card(tx, row, now) if row else None
    return Posted(row, card) if row is not None and card is not None else None


async def _about(tx: Transaction, person_id: int, duty_ref: str, now: datetime) -> AnswerAbout | None:
    """What an answer shows of a duty, with the messages about it that needn't be sent any more."""
    person = tx.directory.get(person_id)
    # A duty's reference begins with its audit's number (audits/engine.py).
    audit_id = int(duty_ref.partition("/")[0])
    card = await duty_card(tx, audit_id, duty_ref, person, now) if person is not None else None
    if card is None:
        return None
    messages = await claim_about(tx, person_id, duty_ref, now)
    return AnswerAbout(person_id, audit_id, duty_ref, fingerprint(card), tuple(messages))


async def _keep_answer(tx: Transaction, about: AnswerAbout, place: Place, now: datetime) -> None:
    await mark_sent(tx, about.messages, now, None)
    await keep_answer(tx, about.person_id, place, about.audit_id, about.duty_ref, about.shown, now)


@dataclass
class Program:
    """auditloop at work on one database. `board` is where messages can be changed after they were delivered."""

    store: Store
    clock: Clock
    door: Door
    demonstration: bool = False
    board: Board | None = None
    at_once: int = 1
    beaten_at: datetime | None = field(default=None, init=False)
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
        """One heartbeat: what is due is done, what may go is sent."""
        async with self._beating:
            sent = await catch_up(self.store, self.door, self.clock, self.board, at_once=self.at_once)
            self.beaten_at = self.now()
            return sent

    def call(self) -> None:
        """Ask for a heartbeat as soon as may be, without waiting for it."""
        self._called.set()

    async def keep_up(self) -> None:
        """Beat whenever it is asked for, until cancelled. Several calls during one beat lead to one more."""
        while True:
            await self._called.wait()
            self._called.clear()
            try:
                await self.beat()
            except Exception:
                log.exception("a beat failed; the next one takes up what is due")

    async def respond(
        self, interaction: Interaction, token: str = "", place: Place | None = None, *, in_chat: bool = False
    ) -> Answered:
        """Answer an interaction at this moment. What it led to is sent by the next heartbeat.

        With it comes what the person's own message with this `token` should show now. Where the answer stays `in_chat`
        and shows a duty, it takes along what waits for this person about it, so that they aren't asked twice; where no
        message has the token, it is kept at `place`.
        """
        found: list[Posted | AnswerAbout | None] = [None, None]

        async def after(tx: Transaction, reply: Reply) -> None:
            posted = await _posted(tx, interaction.person_id, token, self.now()) if token else None
            about = None
            if in_chat and reply.duty and not reply.refused and not reply.again:
                about = await _about(tx, interaction.person_id, reply.duty, self.now())
            if posted is not None and not (reply.refused or reply.again or reply.asks_again):
                # The answer itself stands in the place of this message; it needn't be changed once more.
                await settle_posting(tx, posted.row, fingerprint(posted.card))
            if about is not None and posted is None and place is not None:
                await _keep_answer(tx, about, place, self.now())
            found[:] = [posted, about]

        reply = await answer(self.store, replace(interaction, at=self.now()), after=after)
        posted, about = found
        return Answered(
            reply,
            posted if isinstance(posted, Posted) else None,
            about if isinstance(about, AnswerAbout) else None,
        )

    async def answer(self, interaction: Interaction) -> Reply:
        """Answer an interaction at this moment, and send at once what it led to."""
        answered = await self.respond(interaction)
        await self.beat()
        return answered.reply

    async def posted(self, person_id: int, token: str) -> Posted | None:
        """What a person's own message in a chat should show now; None for a token that isn't theirs."""
        async with self.store.begin(first=True) as tx:
            return await _posted(tx, person_id, token, self.now())

    async def keep_answer(self, about: AnswerAbout, place: Place | None) -> None:
        """Keep where an answer stands, so that it is changed when its duty is done; None where it couldn't be sent."""
        now = self.now()
        async with self.store.begin() as tx:
            if place is None:
                await mark_waiting(tx, about.messages, now, "the answer could not be sent", unknown=True)
            else:
                await _keep_answer(tx, about, place, now)

    async def told(self, about: AnswerAbout) -> None:
        """Say that an answer which stands in a message of its own told what waited about its duty."""
        if about.messages:
            async with self.store.begin() as tx:
                await mark_sent(tx, about.messages, self.now(), None)

    async def unsettle(self, posted: Posted) -> None:
        """Say that a message doesn't show what it should after all."""
        async with self.store.begin() as tx:
            await put_off_posting(tx, posted.row, self.now())

    async def calendar_file(self, person_id: int, ref: str) -> Download | None:
        """The invitation that `ref` names (see Download), as one person gets it; None where there is none any more."""
        kind, _, number = ref.partition("/")
        make = {"audit": invitation, "moderation": moderation_invitation}.get(kind)
        async with self.store.begin() as tx:
            person = tx.directory.get(person_id)
            audit = await tx.audit(int(number)) if number.isdecimal() else None
            if make is None or person is None or not person.active or audit is None or audit.withdrawn:
                return None
            return make(Scene(tx.rules, audit, person, self.now()))

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
