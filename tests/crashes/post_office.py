"""Where messages arrive: a small server on loopback, in a process of its own that outlives every node."""

import asyncio
import json
import multiprocessing
import random
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

HOST = "127.0.0.1"
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Arrival:
    """A message as it arrived. `marked` is what delivery said of it, `says_so` whether the card itself does."""

    number: int
    to: int
    keys: tuple[str, ...]
    marked: bool
    says_so: bool
    urgent: bool
    at: str
    title: str


@dataclass(frozen=True)
class Post:
    """All that arrived, in order, and the fingerprint of what stands now in the place of each message."""

    arrivals: tuple[Arrival, ...]
    shown: dict[int, str] = field(repr=False)


class PostOffice:
    """The server as its own process; `pace` is the longest time for which it keeps an answer back, in seconds."""

    def __init__(self, seed: int) -> None:
        here, there = FORK.Pipe()
        self._process = FORK.Process(target=_serve, args=(there, seed), daemon=True)
        self._process.start()
        self.port: int = here.recv()

    def set_pace(self, seconds: float) -> None:
        self._ask("/pace", {"seconds": seconds})

    def emptied(self) -> Post:
        """What has arrived since it was last emptied."""
        found = self._ask("/emptied", {})
        arrivals = tuple(Arrival(**{**one, "keys": tuple(one["keys"])}) for one in found["arrivals"])
        return Post(arrivals, {int(number): shown for number, shown in found["shown"].items()})

    def close(self) -> None:
        self._process.kill()
        self._process.join()

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        request = Request(f"http://{HOST}:{self.port}{path}", json.dumps(body).encode())
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


def _serve(connection: Connection, seed: int) -> None:
    # Ends with the process that started it.
    with suppress(KeyboardInterrupt):
        asyncio.run(_Counter(seed).serve(connection))


class _Counter:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.pace = 0.0
        self.arrivals: list[dict[str, Any]] = []
        self.shown: dict[int, str] = {}

    async def serve(self, connection: Connection) -> None:
        app = web.Application()
        for path, answer in (
            ("/messages", self.message),
            ("/changes", self.change),
            ("/pace", self.set_pace),
            ("/emptied", self.emptied),
        ):
            app.router.add_post(path, answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0, backlog=512).start()
        connection.send(runner.addresses[0][1])
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(connection.fileno(), ended.set)
        await ended.wait()

    async def message(self, request: web.Request) -> web.Response:
        """Kept before it is answered: whoever dies while waiting for the answer has sent it all the same."""
        body = await request.json()
        number = len(self.arrivals) + 1
        self.shown[number] = body.pop("shown")
        self.arrivals.append({"number": number, **body})
        await self._take_time()
        return web.json_response({"number": number})

    async def change(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.shown[body["number"]] = body["shown"]
        await self._take_time()
        return web.json_response({})

    async def set_pace(self, request: web.Request) -> web.Response:
        self.pace = (await request.json())["seconds"]
        return web.json_response({})

    async def emptied(self, _request: web.Request) -> web.Response:
        found = {"arrivals": self.arrivals, "shown": self.shown}
        self.arrivals, self.shown = [], {}
        return web.json_response(found)

    async def _take_time(self) -> None:
        if self.pace:
            await asyncio.sleep(self.chance.uniform(0, self.pace))
