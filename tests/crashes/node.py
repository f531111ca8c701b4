"""One node of auditloop as a process: it answers presses and beats as its parent tells it, until it is killed."""

import asyncio
import json
import logging
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from audits.calendar import WorkCalendar
from audits.framework import Framework
from audits.people import Person
from cards.card import Card
from cards.deck import repeated
from cards.stored import fingerprint
from handlers.dispatch import answer
from handlers.interaction import Interaction
from scheduling.door import Parcel
from scheduling.running import catch_up
from scheduling.ticker import next_moment
from storage.postings import Place
from storage.store import Store
from tests.crashes.full_disk import Disk
from tests.crashes.places import CLAIMED, READ, WRITTEN, Places, Sighting, Where, die
from tests.crashes.post_office import HOST
from tests.crashes.story_clock import StoryClock

AT_ONCE = 3
(SAYS_SO,) = repeated(Card(title="")).text
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Press:
    """What somebody does at a moment of the story. `about` is the audit that it is about; 0 for none."""

    event_id: str
    person_id: int
    verb: str
    subject: str = ""
    values: dict[str, str] = field(default_factory=dict)
    text: str = ""
    about: int = 0


@dataclass(frozen=True)
class Order:
    """What the parent asks of a node: a press, or (None) a beat.

    At the n-th time at a place it shall die, or, where `steps_to` is given, the clock shall be set to that.
    """

    number: int
    press: Press | None
    place: tuple[str, int] | None = None
    steps_to: datetime | None = None


@dataclass(frozen=True)
class Done:
    """What became of an order. `again`: the press had been answered before; `fault`: it could not be done."""

    number: int
    seconds: float
    planned: datetime | None = None
    reply: str = ""
    again: bool = False
    fault: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What every node of a story has in common."""

    database: AsyncEngine
    framework: Framework
    calendar: WorkCalendar
    clock: StoryClock
    port: int
    board: bool = True
    """Whether messages are changed where they stand once what they ask has been done."""
    disk: Disk | None = None


class Node:
    """auditloop's own handlers, ticker and delivery on a store of its own, with a door over HTTP."""

    def __init__(self, around: Surroundings, places: Places) -> None:
        self.places = places
        self.clock = around.clock
        self.store = Store(around.database, around.framework, around.calendar)
        self.door = _Door(around.port, around.clock, places)
        self.board = self.door if around.board else None

    async def do(self, order: Order) -> Done:
        """Do what is ordered; a fault is kept as its words, since a platform hears no more of it either."""
        if order.place is not None:
            moment = order.steps_to
            self.places.arm(*order.place, die if moment is None else partial(self.clock.set, moment))
        begun = time.perf_counter()
        try:
            done = await (self._beat(order) if order.press is None else self._press(order, order.press))
        except Exception as fault:
            log.exception("%s failed", "a beat" if order.press is None else order.press.verb)
            done = Done(order.number, 0, fault=f"{type(fault).__name__}: {fault}")
        if order.place is not None:
            self.places.disarm()
        self.places.at(Where.IDLE)
        return Done(**{**done.__dict__, "seconds": time.perf_counter() - begun})

    async def _press(self, order: Order, press: Press) -> Done:
        self.places.at(Where.HANDLER)
        reply = await answer(
            self.store,
            Interaction(
                press.person_id,
                press.verb,
                press.event_id,
                self.clock.now(),
                press.subject,
                press.values,
                press.text,
            ),
        )
        return Done(order.number, 0, reply=fingerprint(reply.card), again=reply.again)

    async def _beat(self, order: Order) -> Done:
        self.places.at(Where.TICK)
        await catch_up(self.store, self.door, self.clock, self.board, at_once=AT_ONCE)
        return Done(order.number, 0, planned=await next_moment(self.store, self.clock.now()))


class _Door:
    """A door over HTTP to the post office, whose messages can be changed where they stand."""

    def __init__(self, port: int, clock: StoryClock, places: Places) -> None:
        self._port = port
        self._clock = clock
        self._places = places

    async def deliver(self, to: Person, parcel: Parcel) -> Place:
        shown = fingerprint(parcel.card)
        body = {
            "to": to.id,
            "keys": parcel.keys,
            "marked": parcel.repeat,
            "says_so": SAYS_SO in parcel.card.text,
            "urgent": parcel.urgent,
            "at": self._clock.now().isoformat(),
            "title": parcel.card.title,
            "shown": shown,
        }
        self._places.at(Where.CLAIMED)
        self._places.reach(CLAIMED)
        number = (await self._post("/messages", body))["number"]
        return Place("post", f"chat-{to.id}", str(number), "", uuid4().hex)

    async def change(self, to: Person, place: Place, card: Card) -> None:
        await self._post("/changes", {"number": int(place.activity_id), "shown": fingerprint(card)})

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            writer.write(head.encode() + content)
            await writer.drain()
            self._places.at(Where.SENDING)
            self._places.reach(WRITTEN)
            status, _, rest = (await reader.read()).partition(b"\r\n")
            self._places.at(Where.UNMARKED)
            self._places.reach(READ)
        finally:
            writer.close()
        if b" 200 " not in status:
            raise ConnectionError(f"the post office said {status.decode()!r}")
        return json.loads(rest.partition(b"\r\n\r\n")[2])


def live(around: Surroundings, connection: Connection, sighting: Sighting) -> None:
    """The life of a forked node: it does what comes through the connection until it is killed or the parent is gone."""
    # The pool's connections are the parent's; what the engine has compiled is kept.
    around.database.sync_engine.dispose(close=False)
    places = Places(sighting)
    places.watch(around.database.sync_engine)
    if around.disk is not None:
        around.disk.limit(around.database.sync_engine)
    asyncio.run(_live(Node(around, places), connection))


async def _live(node: Node, connection: Connection) -> None:
    loop, working = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def work(order: Order) -> None:
        connection.send(await node.do(order))

    def read() -> None:
        try:
            while connection.poll():
                task = loop.create_task(work(connection.recv()))
                working.add(task)
                task.add_done_callback(working.discard)
        except EOFError:
            os._exit(0)

    loop.add_reader(connection.fileno(), read)
    await asyncio.Event().wait()
