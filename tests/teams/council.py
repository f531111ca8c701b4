"""The small Southampton service of the handlers' stories, with four of its people at Agents Playgrounds.

Carol (auditor), Alice (practitioner), Erin (head of service) and Gil (QA officer) each sit at a Playground, which
stays open from story to story. Everybody else is in a Teams of the test's own, so that nobody is out of reach. The
service itself is new for each story: it is Mon 5 Jan 2026, 09:00, and January's list goes out.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession
from playwright.async_api import Browser
from sqlalchemy import update

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from bot.program import Program
from bot.running import open_bot
from bot.settings import Settings, TeamsSettings, WebSettings
from scheduling.clock import MovedClock
from storage.contacts import Whereabouts, keep_contact
from storage.database import sqlite_url
from storage.store import Store
from storage.tables import OutboxRow
from tests.compiled import open_again
from tests.handlers.conftest import START, Founded
from tests.teams.at_playground import Someone, seated
from tests.teams.conftest import ADDRESSES, title_of
from tests.teams.connector import Connector
from tests.teams.exchanges import Exchange
from tests.teams.forms import Element
from tests.teams.playground import BOT_ID, TENANT_ID, Persona, playground

CARD = "application/vnd.microsoft.card.adaptive"
AT_A_PLAYGROUND = {"Carol": "Carol Crane", "Alice": "Alice Avocet", "Erin": "Erin Egret", "Gil": "Gil Goldcrest"}
PERSONAS = {
    first: Persona(f"29:{first.lower()}", name, ADDRESSES[first], f"a0000000-0000-4000-8000-00000000000{number}")
    for number, (first, name) in enumerate(AT_A_PLAYGROUND.items(), start=1)
}
Seats = Mapping[str, Someone]
_CREATED = 201
_ROSTER = "getConversationMembers"


def cards_of(exchange: Exchange) -> list[Element]:
    """The cards that came to somebody with an exchange: a message, a change of one, or the answer to a press."""
    if exchange.from_bot:
        attached = exchange.body.get("attachments") or ()
        return [one["content"] for one in attached if one["contentType"] == CARD]
    answer = exchange.answer if isinstance(exchange.answer, dict) else {}
    return [answer["value"]] if answer.get("type") == CARD else []


@dataclass
class Council:
    """The service at work. `since` says how much had come to each of the four when this story began."""

    program: Program
    seats: Seats
    since: Mapping[str, int]

    def came(self, name: str) -> list[str]:
        """The titles of the messages that came to one of the four in this story, as they came; changes don't count."""
        seen = self.seats[name].exchanges.seen[self.since[name] :]
        return [title_of(card) for one in seen if one.from_bot and one.status == _CREATED for card in cards_of(one)]

    async def all_that_came(self) -> dict[str, list[str]]:
        """The titles of what came to each of the four, once all that was due has gone out."""
        await self.program.beat()
        await asyncio.gather(*map(_caught_up, self.seats.values()))
        return {name: self.came(name) for name in self.seats}


async def _caught_up(someone: Someone) -> None:
    """Wait until the page has told of all that went to and fro: it does so in order, so of a last request too."""
    since = len(someone.exchanges.seen)
    roster = f"{someone.playground.address}/_connector/v3/conversations/{someone.persona.personal_chat}/members"
    async with ClientSession() as session, session.get(roster) as answer:
        assert answer.status == 200
    await someone.exchanges.said(_ROSTER, since=since)


@asynccontextmanager
async def council_at_work(founded: Founded, folder: Path, port: int, seats: Seats) -> AsyncIterator[Council]:
    """Opens the service on this port of loopback; for the first visit of the four, `seats` are empty."""
    path = folder / "service.sqlite3"
    shutil.copyfile(founded.path, path)
    store = Store(open_again(sqlite_url(path)), framework_named("southampton"), WorkCalendar())
    clock = MovedClock(WorkCalendar().moment(START.date(), START.time()))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        for someone in seats.values():
            await _caught_up(someone)
            someone.earlier = 0
            someone.earlier = await someone.cards.count()
        since = {name: len(someone.exchanges.seen) for name, someone in seats.items()}
        elsewhere = await stack.enter_async_context(Connector(checks_bearer=False))
        if seats:
            await _keep_contacts(store, clock, founded.people, seats, elsewhere)
        settings = Settings(web=WebSettings(port=port), heartbeat_seconds=300, teams=TeamsSettings(anonymous=True))
        running = await open_bot(stack, settings, store, clock, say=lambda _: None)
        yield Council(running.program, seats, since)


async def _keep_contacts(
    store: Store, clock: MovedClock, people: Mapping[str, int], seats: Seats, elsewhere: Connector
) -> None:
    """Everybody has opened auditloop before, and is sent now what was allocated to them."""
    async with store.begin() as tx:
        for name, person_id in people.items():
            where = _at_the_playground(name, seats[name]) if name in seats else _elsewhere(name, elsewhere)
            contact = await keep_contact(tx, "teams", person_id, where, clock.now())
            contact.welcomed_at = clock.now()
        await tx.session.execute(update(OutboxRow).values(state="queued", sent_at=None, attempts=0, digest=None))


def _at_the_playground(name: str, someone: Someone) -> Whereabouts:
    persona = PERSONAS[name]
    came = next(one for one in someone.exchanges.seen if one.activity == "installationUpdate")
    ids = (TENANT_ID, persona.aad_object_id, persona.id, BOT_ID, persona.personal_chat)
    return Whereabouts(*ids, service_url=came.body["serviceUrl"])


def _elsewhere(name: str, elsewhere: Connector) -> Whereabouts:
    person = elsewhere.person(name, ADDRESSES[name])
    ids = (TENANT_ID, person.aad_object_id, person.mri, BOT_ID, person.chat.id)
    return Whereabouts(*ids, service_url=elsewhere.service_url)


@asynccontextmanager
async def everyone_seated(browser: Browser, port: int, folder: Path) -> AsyncIterator[Seats]:
    """The four at their Playgrounds, once the bot on this port has answered each of them."""
    endpoint = f"http://127.0.0.1:{port}/api/messages"
    async with AsyncExitStack() as stack:

        async def sits(name: str) -> Someone:
            others = [one for first, one in PERSONAS.items() if first != name]
            opening = playground(PERSONAS[name], endpoint, folder / name, others=others)
            return await stack.enter_async_context(seated(await stack.enter_async_context(opening), browser))

        yield dict(zip(PERSONAS, await asyncio.gather(*map(sits, PERSONAS)), strict=True))
