"""What auditloop serves to the platforms and to whoever watches over it, beside the desk."""

import logging
import socket
import traceback
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.calendar_links import PATH, CalendarLinks, calendar_file
from bot.counts import Counts
from bot.program import Program

LATE_BEATS = 8
MOST_BYTES = 512 * 1024
"""Teams sends up to 100 KB of text in UTF-16, and much beside it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """Whether the program is alive, and whether it does its work. `beat` is how often it should beat.

    `others` say what else is wrong, each in words, or nothing.
    """

    program: Program
    counts: Counts
    beat: timedelta
    others: tuple[Callable[[], str], ...] = ()

    async def alive(self, _request: web.Request) -> web.Response:
        """That the process answers, and how much it has refused since it started."""
        return web.json_response({"alive": True, "refused": dict(self.counts.refused)})

    async def ready(self, _request: web.Request) -> web.Response:
        """Whether the database answers and the last beat isn't long past; 503 if not, with the reason."""
        wrong: list[str] = []
        try:
            async with self.program.store.database.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (OSError, SQLAlchemyError):
            wrong.append("the database doesn't answer")
        beaten = self.program.beaten_at
        if beaten is None or self.program.now() - beaten > self.beat * LATE_BEATS:
            wrong.append("the last heartbeat is too long ago")
        wrong.extend(words for other in self.others if (words := other()))
        return web.json_response({"ready": not wrong, "wrong": wrong}, status=503 if wrong else 200)


@dataclass(frozen=True)
class Calendar:
    """Calendar files by their signed links."""

    program: Program
    links: CalendarLinks
    counts: Counts

    async def get(self, request: web.Request) -> web.Response:
        now = self.program.now()
        found = self.links.read(request.match_info["name"], now)
        if found is None:
            self.counts.refuse("calendar")
            return web.Response(status=404, text="This link is not one of auditloop's, or it is too old.")
        file = await calendar_file(self.program.store, *found, now)
        if file is None:
            return web.Response(status=410, text="This session is no longer planned. Please ask auditloop.")
        disposition = f'attachment; filename="{file.filename}"'
        return web.Response(
            body=file.content, content_type=file.media_type, headers={"Content-Disposition": disposition}
        )


def build_web(watch: Watch, calendar: Calendar, posts: Mapping[str, Handler]) -> web.Application:
    """The web application; `posts` are the addresses to which the platforms that are configured post."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[_in_plain_words])
    app.router.add_get("/healthz", watch.alive)
    app.router.add_get("/readyz", watch.ready)
    app.router.add_get("/about", _about)
    app.router.add_get(PATH + "/{name:[a-z0-9-]{1,120}[.]ics}", calendar.get)
    for path, handler in posts.items():
        app.router.add_post(path, handler)
    app.on_response_prepare.append(_headers)
    return app


async def serve_web(stack: AsyncExitStack, sock: socket.socket, app: web.Application) -> None:
    """Serve the application on a socket that listens, until the stack is closed."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, sock).start()


async def _about(_request: web.Request) -> web.Response:
    """What auditloop is, for whoever follows the addresses in its app package."""
    page = files("manifest").joinpath("teams", "about.html").read_bytes()
    return web.Response(body=page, content_type="text/html", charset="utf-8")


@web.middleware
async def _in_plain_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception as fault:
        # The message of a fault may repeat what a person typed; where it happened doesn't.
        places = "".join(traceback.format_tb(fault.__traceback__))
        log.error("%s at %s %s\n%s", type(fault).__name__, request.method, request.path, places)
        return web.json_response({"error": {"code": "broken", "message": "Something went wrong here."}}, status=500)


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "auditloop"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
