"""The small Southampton service of the handlers' stories, with all of its people in a Slack of the test's own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import select, update

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from audits.people import Person
from bot.doors import Doors
from bot.program import Program
from bot.running import open_bot
from bot.settings import Settings, SlackSettings, TeamsSettings, WebSettings
from bot.slack.door import SlackDoor
from bot.watching.doors import TimedPlatform
from cards.card import Card
from scheduling.clock import MovedClock
from scheduling.door import Parcel
from storage.database import sqlite_url
from storage.store import Store
from storage.tables import ContactRow, OutboxRow, PersonRow, PostingRow
from tests.compiled import open_again
from tests.handlers.conftest import STAFF, START, Founded
from tests.slack.access import LEAST_SCOPES
from tests.slack.forms import words_of
from tests.slack.people import Member
from tests.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Slack
from tests.slack.workspace import Message

ADDRESSES = {name.split()[0]: f"{name.split()[0].lower()}@example.org" for name, *_ in STAFF}
_numbers = count(1)


@dataclass
class Story:
    """The service at work behind Slack. Moments are local times such as `2026-01-26T15:00`."""

    slack: Slack
    program: Program
    clock: MovedClock
    ids: dict[str, int]
    address: str
    said: list[str]
    people: dict[str, Member] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.program.store

    @property
    def door(self) -> SlackDoor:
        board = self.program.board
        assert isinstance(board, Doors)
        timed = board.doors["slack"]
        assert isinstance(timed, TimedPlatform)
        assert isinstance(timed.door, SlackDoor)
        return timed.door

    async def person(self, name: str) -> Person:
        found = await self.program.person(self.ids[name])
        assert found is not None
        return found

    def whole_name(self, name: str) -> str:
        return self.people[name].name

    async def everyone_told(self) -> None:
        """Everybody gets now what was allocated to them. Nobody has ever written to auditloop."""
        await self.set_back()
        await self.program.beat()

    async def set_back(self) -> None:
        """What was allocated has still to be told to everybody, with the next beat."""
        async with self.store.begin() as tx:
            await tx.session.execute(update(OutboxRow).values(state="queued", sent_at=None, attempts=0, digest=None))

    async def until(self, local: str) -> None:
        """Let time pass, with every step that falls in between."""
        wanted = datetime.fromisoformat(local)
        await self.program.move_to(self.store.calendar.moment(wanted.date(), wanted.time()))

    async def later(self, by: timedelta) -> None:
        await self.program.move_to(self.clock.now() + by)

    async def shows(self, name: str, words: str) -> Message:
        """The newest message in somebody's chat with these words in it, as it stands; waited for."""
        person = self.people[name]

        def found() -> Message | None:
            return next((one for one in reversed(person.messages()) if words in reading(one)), None)

        await self.slack.until(lambda: found() is not None)
        message = found()
        assert message is not None
        message.seen = True
        return message

    async def kept(self, message: Message) -> None:
        """Wait until auditloop has kept where a message stands."""

        async def known() -> bool:
            async with self.store.begin() as tx:
                found = select(PostingRow.id).where(PostingRow.activity_id.contains(message.ts))
                return await tx.session.scalar(found) is not None

        await self.eventually(known)

    async def officer(self) -> str:
        """The first name of the QA officer at work today."""
        async with self.store.begin() as tx:
            found = tx.rules.officer(tx.calendar.day_of(self.clock.now()))
        assert found is not None
        return found.person.name.split()[0]

    async def rows(self, *wheres: Any) -> list[OutboxRow]:
        async with self.store.begin() as tx:
            return list(await tx.session.scalars(select(OutboxRow).where(*wheres).order_by(OutboxRow.id)))

    async def states(self, name: str) -> set[str]:
        """The states of the messages to somebody."""
        return {row.state for row in await self.rows() if row.to_id == self.ids[name]}

    async def contact(self, name: str, platform: str = "slack") -> ContactRow | None:
        async with self.store.begin() as tx:
            found: ContactRow | None = await tx.session.scalar(
                select(ContactRow).where(ContactRow.person_id == self.ids[name], ContactRow.platform == platform)
            )
            return found

    async def eventually(self, condition: Callable[[], Awaitable[object]]) -> None:
        """Wait until something is so in auditloop's own database. Raises AssertionError if it never is."""
        deadline = monotonic() + 30
        while not await condition():
            assert monotonic() < deadline, "waited in vain"
            # Looking into SQLite suspends nothing, so auditloop would never have its turn.
            await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """Wait until auditloop has done all that the acts so far lead to, and has sent what is due now."""
        calls = -1
        while calls != len(self.slack.calls):
            calls = len(self.slack.calls)
            while beside := [
                one for one in asyncio.all_tasks() if getattr(one.get_coro(), "__name__", "") == "_logged"
            ]:
                await asyncio.wait(beside)
            await self.program.beat()

    async def leaves(self, name: str) -> None:
        """Somebody leaves the service."""
        await self._staff(name, active=False)

    async def readdressed(self, name: str, email: str) -> None:
        """Somebody has another address in the service's own list."""
        await self._staff(name, email=email)

    async def _staff(self, name: str, **values: Any) -> None:
        async with self.store.begin() as tx:
            await tx.session.execute(update(PersonRow).where(PersonRow.id == self.ids[name]).values(**values))
            await tx.people_changed()


Opens = Callable[..., AbstractAsyncContextManager[Story]]


def reading(message: Message) -> str:
    """The words of a message as it stands, without counting it as looked at."""
    pictures = (f"{one['title']}: {one['alt_txt']}" for one in message.files)
    return "\n".join(filter(None, (words_of(message.blocks) or message.text, *pictures)))


def parcel(card: Card, *, audit_id: int | None = None, urgent: bool = False) -> Parcel:
    return Parcel((f"test/{next(_numbers)}",), card, urgent=urgent, repeat=False, audit_id=audit_id)


@asynccontextmanager
async def opened(
    founded: Founded,
    folder: Path,
    *,
    over_sockets: bool = False,
    scopes: frozenset[str] = LEAST_SCOPES,
    teams: TeamsSettings | None = None,
    public_url: str = "",
    begun: Callable[[Slack], None] = lambda _: None,
    **options: Any,
) -> AsyncIterator[Story]:
    """The service with Slack in front of it, and Teams too if its settings are given.

    `begun` is called before auditloop starts; `options` are of the settings of Slack. At the end, when all that
    was done has led to what it leads to, Slack has found no fault with auditloop, and the test has looked at all that
    it showed.
    """
    path = folder / "service.sqlite3"
    shutil.copyfile(founded.path, path)
    store = Store(open_again(sqlite_url(path)), framework_named("southampton"), WorkCalendar())
    clock = MovedClock(WorkCalendar().moment(START.date(), START.time()))
    said: list[str] = []
    async with Slack(now=lambda: clock.now().timestamp(), scopes=scopes) as slack:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(store.close)
            people = {name.split()[0]: slack.member(name, ADDRESSES[name.split()[0]]) for name, *_ in STAFF}
            begun(slack)
            secret = {"app_token": APP_TOKEN} if over_sockets else {"signing_secret": SIGNING_SECRET}
            values = {"bot_token": BOT_TOKEN, "api_url": slack.api_url, "sends_a_second": 50} | secret | options
            settings = Settings(
                web=WebSettings(port=0, public_url=public_url),
                heartbeat_seconds=300,
                teams=teams,
                slack=SlackSettings.model_validate(values),
            )
            running = await open_bot(stack, settings, store, clock, say=said.append)
            slack.bot_url = f"{running.address}/slack/events"
            story = Story(slack, running.program, clock, dict(founded.people), running.address, said, people)
            yield story
            await story.settled()
        slack.check()
