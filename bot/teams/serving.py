"""The Teams door on a socket of this computer, with what is served beside it."""

import socket
from contextlib import AsyncExitStack
from datetime import timedelta

from aiohttp import web

from bot.calendar_links import CalendarLinks
from bot.counts import Counts
from bot.program import Program
from bot.teams.opening import Teams
from bot.web import Calendar, Watch, build_web


async def serve_teams(
    stack: AsyncExitStack, sock: socket.socket, teams: Teams, program: Program, links: CalendarLinks, beat: timedelta
) -> None:
    """Answer Teams, calendar links and whoever watches, until the stack is closed. `beat` is how often it beats."""
    counts = Counts()
    endpoint = teams.endpoint_for(program, counts)
    app = build_web(Watch(program, counts, beat), Calendar(program, links, counts), {"/api/messages": endpoint.post})
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(endpoint.turns.close)
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, sock).start()
