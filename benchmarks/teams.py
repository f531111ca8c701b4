"""A Teams for the benchmarks: the service to which a bot sends."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from aiohttp import web


@dataclass
class Teams:
    """Teams, which takes everything. `came` counts the messages that came to each chat."""

    url: str = ""
    came: Counter[str] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.came[request.path.split("/conversations/")[1].split("/")[0]] += 1
        return web.json_response({"id": str(next(self._numbers))}, status=201)


@asynccontextmanager
async def teams() -> AsyncIterator[Teams]:
    found = Teams()
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{rest:.*}", found.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield found
    finally:
        await runner.cleanup()
