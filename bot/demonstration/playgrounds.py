"""The demonstration opened to Microsoft's Agents Playground, beside the desk."""

import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

from bot.calendar_links import KEY, CalendarLinks
from bot.counts import Counts
from bot.demonstration.both import DeskAndTeams, SharedProgram
from bot.demonstration.sittings import choose, how_to_sit_down, write_folders
from bot.doors import LastSeen
from bot.faults import UserFault
from bot.listening import listening_socket
from bot.program import Program
from bot.settings import TeamsSettings
from bot.teams.opening import open_teams
from bot.web import Calendar, Watch, build_web, serve_web
from storage.keys import own_key

LOOPBACK = "127.0.0.1"
TRIES = 20
BEAT = timedelta(days=365)
"""Its clock stands still, or moves by months: that is no sign of trouble."""


async def open_playgrounds(
    stack: AsyncExitStack, program: Program, port: int, folder: Path, say: Callable[[str], None]
) -> Program:
    """The program, which answers on loopback without tokens from now on, until the stack is closed.

    People's folders are written to `folder`, and `say` is told how to sit down as they. Where `port` is taken, the next
    free one is used. Raises UserFault where no port can be had.
    """
    store, clock = program.store, program.clock
    sock, address = _next_free(port)
    stack.callback(sock.close)
    links = CalendarLinks(await own_key(store, KEY), address)
    teams = await stack.enter_async_context(open_teams(TeamsSettings(anonymous=True), store, clock, links))
    shared = SharedProgram(store, clock, DeskAndTeams(store, teams.door), board=teams.door)
    counts = Counts()
    endpoint = teams.endpoint_for(shared, counts, LastSeen())
    stack.push_async_callback(endpoint.turns.close)
    watch, calendar = Watch(shared, counts, BEAT), Calendar(shared, links, counts)
    await serve_web(stack, sock, build_web(watch, calendar, {"/api/messages": endpoint.post}))
    sittings, others = await choose(shared)
    write_folders(folder, sittings, others)
    for line in how_to_sit_down(shared, folder, sittings, address):
        say(line)
    return shared


def _next_free(port: int) -> tuple[socket.socket, str]:
    for one in (*range(port, min(port + TRIES, 65536)), 0) if port else (0,):
        with suppress(UserFault):
            return listening_socket(LOOPBACK, one, "--teams-port")
    raise UserFault(f"No port of this computer can be had, from {port} on.")
