"""The small Southampton service of the handlers' stories, with all of its people in a Teams of the test's own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from bot.program import Program
from bot.running import open_bot
from bot.settings import Settings, TeamsCloud, TeamsSettings, WebSettings
from scheduling.clock import MovedClock
from storage.contacts import Whereabouts, keep_contact
from storage.database import sqlite_url
from storage.store import Store
from storage.tables import ContactRow, OutboxRow, PostingRow
from tests.compiled import open_again
from tests.handlers.conftest import STAFF, START, Founded, founded
from tests.teams.chats import Message
from tests.teams.connector import APP_ID, LOOPBACK, TENANT_ID, Connector
from tests.teams.forms import Element, buttons_of
from tests.teams.people import Person
from tests.teams.tokens import Issuer
from tests.teams.trouble import Kind

__all__ = ["founded"]
ADDRESSES = {name.split()[0]: f"{name.split()[0].lower()}@example.org" for name, *_ in STAFF}


def says(card: Element) -> str:
    """Every text of a card, as it was sent."""
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(
                str(value[key]) for key in ("text", "title", "label", "value") if isinstance(value.get(key), str)
            )
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(card)
    return "\n".join(found)


def title_of(card: Element) -> str:
    """The heading of a card; its first line is its tone."""
    return next(str(one["text"]) for one in card["body"] if one.get("style") == "heading")


@dataclass
class Story:
    """The service at work behind Teams. Moments are local times such as `2026-01-26T15:00`."""

    teams: Connector
    program: Program
    clock: MovedClock
    ids: dict[str, int]
    people: dict[str, Person] = field(default_factory=dict)
    looked: dict[str, int] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.program.store

    def person(self, name: str) -> Person:
        return self.people[name]

    async def everyone_came(self, *but: str) -> None:
        """Everybody has opened auditloop in Teams, and gets now what was allocated to them."""
        async with self.store.begin() as tx:
            for name, person in self.people.items():
                if name in but:
                    continue
                person.installed = True
                where = Whereabouts(
                    TENANT_ID,
                    person.aad_object_id,
                    person.mri,
                    f"28:{APP_ID}",
                    person.chat.id,
                    self.teams.service_url,
                )
                contact = await keep_contact(tx, "teams", self.ids[name], where, self.clock.now())
                contact.welcomed_at = self.clock.now()
            await tx.session.execute(update(OutboxRow).values(state="queued", sent_at=None, attempts=0, digest=None))
        await self.program.beat()

    async def comes(self, name: str) -> None:
        person = self.people[name]
        before = len(person.chat.now())
        await person.installs()
        await self.teams.until(lambda: len(person.chat.now()) > before)

    async def until(self, local: str) -> None:
        """Let time pass, with every step that falls in between."""
        wanted = datetime.fromisoformat(local)
        await self.program.move_to(self.store.calendar.moment(wanted.date(), wanted.time()))

    async def answered(self, name: str, count: int = 1) -> list[Element]:
        """The newest cards in somebody's chat, once there are `count` more than were looked at before."""
        person = self.people[name]
        looked = self.looked.get(name, 0)
        await self.teams.until(lambda: len(person.chat.now()) >= looked + count)
        self.looked[name] = len(person.chat.now())
        return person.chat.cards()[looked:]

    def look(self) -> None:
        """What came so far is of no interest to the story."""
        self.looked = {name: len(person.chat.now()) for name, person in self.people.items()}

    async def shows(self, name: str, words: str) -> Element:
        """The newest card in somebody's chat with these words in it, as Teams keeps it; waited for."""
        person = self.people[name]

        def found() -> Element | None:
            return next((card for card in reversed(person.chat.cards()) if words in says(card)), None)

        await self.teams.until(lambda: found() is not None)
        card = found()
        assert card is not None
        return card

    async def asked(self, name: str, verb: str) -> Message:
        """The newest message in somebody's chat with a button of this verb; waited for, until auditloop has kept it."""
        person = self.people[name]

        def found() -> Message | None:
            there = [
                one
                for one in person.chat.now()
                if one.card and any(b.get("verb") == verb for b in buttons_of(one.card))
            ]
            return there[-1] if there else None

        await self.teams.until(lambda: found() is not None)
        message = found()
        assert message is not None
        await self.eventually(lambda: self._kept(message))
        return message

    async def _kept(self, message: Message) -> bool:
        """Whether it is known where a message stands; an answer that shows no duty is kept nowhere."""
        token = next((one["data"]["card_id"] for one in buttons_of(message.card or {}) if "data" in one), "")
        async with self.store.begin() as tx:
            found = select(PostingRow.id).where(PostingRow.token == token)
            return not token or await tx.session.scalar(found) is not None

    async def officer(self) -> str:
        """The first name of the QA officer at work today."""
        async with self.store.begin() as tx:
            found = tx.rules.officer(tx.calendar.day_of(self.clock.now()))
        assert found is not None
        return found.person.name.split()[0]

    async def rows(self, *wheres: Any) -> list[OutboxRow]:
        async with self.store.begin() as tx:
            return list(await tx.session.scalars(select(OutboxRow).where(*wheres).order_by(OutboxRow.id)))

    async def eventually(self, condition: Callable[[], Awaitable[object]]) -> None:
        """Wait until something is so in auditloop's own database. Raises AssertionError if it never is."""
        deadline = monotonic() + 30
        while not await condition():
            assert monotonic() < deadline, "waited in vain"
            # Looking into SQLite suspends nothing, so auditloop would never have its turn.
            await asyncio.sleep(0.005)

    async def contact(self, name: str) -> ContactRow | None:
        async with self.store.begin() as tx:
            found: ContactRow | None = await tx.session.scalar(
                select(ContactRow).where(ContactRow.person_id == self.ids[name])
            )
            return found

    def sends(self, name: str) -> int:
        """How many messages were sent to somebody."""
        return sum(call.conversation_id == self.people[name].chat.id for call in self.teams.sent(Kind.SEND))


Opens = Callable[..., AbstractAsyncContextManager[Story]]


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def opens(founded: Founded, tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Opens:
    """Opens the service with Teams in front of it; `teams` are options of the settings."""

    @asynccontextmanager
    async def opened(*, enforces_rates: bool = False, **options: Any) -> AsyncIterator[Story]:
        path = tmp_path / "service.sqlite3"
        shutil.copyfile(founded.path, path)
        store = Store(open_again(sqlite_url(path)), framework_named("southampton"), WorkCalendar())
        clock = MovedClock(WorkCalendar().moment(START.date(), START.time()))
        async with AsyncExitStack() as stack:
            teams = await stack.enter_async_context(Connector(issuer=issuer, enforces_rates=enforces_rates))
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(teams.ca_file))
            stack.push_async_callback(store.close)
            cloud = TeamsCloud(
                login_url=teams.login_url,
                keys_url=teams.keys_url,
                issuer=issuer.address,
                service_hosts=(LOOPBACK,),
            )
            values = {"app_id": APP_ID, "tenant_id": TENANT_ID, "secret": SecretStr(teams.login.secret)} | options
            settings = Settings(
                web=WebSettings(port=0), heartbeat_seconds=300, teams=TeamsSettings(cloud=cloud, **values)
            )
            running = await open_bot(stack, settings, store, clock, say=lambda _: None)
            teams.bot_url = f"{running.address}/api/messages"
            story = Story(teams, running.program, clock, dict(founded.people))
            for name, *_ in STAFF:
                first = name.split()[0]
                story.people[first] = teams.person(name, ADDRESSES[first], installed=False)
            yield story

    return opened


@pytest.fixture
async def story(opens: Opens) -> AsyncIterator[Story]:
    """Everybody has opened auditloop in Teams, and January's list has gone out; what came so far was looked at."""
    async with opens() as opened:
        await opened.everyone_came()
        opened.look()
        yield opened
