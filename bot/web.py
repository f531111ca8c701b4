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
from sqlalchemy.exc import SQLAlchemyError

from bot.calendar_links import PATH, CalendarLinks, calendar_file
from bot.counts import Counts
from bot.program import Program
from bot.watching.backlog import try_to_write
from cards.wording import counted

LATE_BEATS = 8
"""So many beats may be left out before somebody should look."""
MOST_BYTES = 512 * 1024
"""Teams sends up to 100 KB of text in UTF-16, and much beside it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """Whether the program is alive, and whether it does its work. `beat` is how often it should beat.

    `others` say what else is wrong, each in words, or nothing. `metrics` answers with the figures, where they are read.
    """

    program: Program
    counts: Counts
    beat: timedelta
    others: tuple[Callable[[], str], ...] = ()
    metrics: Handler | None = None

    def add_to(self, app: web.Application) -> None:
        """Answer at the addresses of whoever watches."""
        app.router.add_get("/healthz", self.alive)
        app.router.add_get("/readyz", self.ready)
        if self.metrics is not None:
            app.router.add_get("/metrics", self.metrics)

    async def alive(self, _request: web.Request) -> web.Response:
        """That the process answers, and how much it has refused since it started."""
        return web.json_response({"alive": True, "refused": dict(self.counts.refused)})

    async def ready(self, _request: web.Request) -> web.Response:
        """Whether the database can be written to and the last beat isn't long past; 503 if not, with the reason.

        The age of the last beat is measured without the computer's clock, which may be set to another time.
        """
        said = (await self._database(), self._late(), *(other() for other in self.others))
        wrong = [words for words in said if words]
        return web.json_response({"ready": not wrong, "wrong": wrong}, status=503 if wrong else 200)

    async def _database(self) -> str:
        try:
            await try_to_write(self.program.store)
        except TimeoutError:
            return "the database doesn't answer, or something else keeps it locked"
        except OSError:
            return "the database can't be reached"
        except SQLAlchemyError:
            return "the database can't be written to"
        return ""

    def _late(self) -> str:
        figures = self.program.figures
        if figures.tick_age <= (self.beat * LATE_BEATS).total_seconds():
            return "" if figures.ticked else "auditloop has only just started and is looking at what is due"
        ago = _long(figures.tick_age)
        late = f"what is due was last seen to {ago} ago" if figures.ticked else f"nothing was seen to in {ago}"
        return f"{late}; that should happen every {_long(self.beat.total_seconds())}"


def _long(seconds: float) -> str:
    """A length of time in one unit."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return counted(int(seconds // size), unit)
    return counted(int(seconds), "second")


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
            return web.Response(
                status=410,
                text="There is no session for you here any more. Write mine to auditloop to see what waits for you.",
            )
        disposition = f'attachment; filename="{file.filename}"'
        return web.Response(
            body=file.content, content_type=file.media_type, headers={"Content-Disposition": disposition}
        )


def build_web(watch: Watch, calendar: Calendar, posts: Mapping[str, Handler]) -> web.Application:
    """The web application; `posts` are the addresses to which the platforms that are configured post."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[_in_plain_words])
    watch.add_to(app)
    app.router.add_get("/about", _about)
    app.router.add_get(PATH + "/{name:[a-z0-9-]{1,120}[.]ics}", calendar.get)
    for path, handler in posts.items():
        app.router.add_post(path, handler)
    app.on_response_prepare.append(_headers)
    return app


def build_watch(watch: Watch) -> web.Application:
    """A web application for whoever watches alone."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[_in_plain_words])
    watch.add_to(app)
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
        # The message of a fault may repeat what a person typed; where it happened doesn't. Of the address its form
        # alone: the link to a calendar file is good for whoever has it.
        places = "".join(traceback.format_tb(fault.__traceback__))
        resource = request.match_info.route.resource
        asked = resource.canonical if resource is not None else "another address"
        log.error("%s at %s %s\n%s", type(fault).__name__, request.method, asked, places)
        return web.json_response({"error": {"code": "broken", "message": "Something went wrong here."}}, status=500)


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "auditloop"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
