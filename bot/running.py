"""The commands that stay up: the demonstration, and the bot itself."""

import asyncio
import os
import signal
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from audits.framework import Framework
from bot.calendar_links import KEY, CalendarLinks
from bot.desk.application import build_app
from bot.desk.serving import PortTakenError, serve
from bot.faults import UserFault
from bot.listening import listening_socket
from bot.opening import chosen_framework, open_store
from bot.program import DeskDoor, Program
from bot.settings import Settings, TeamsSettings
from scheduling.clock import Clock, SystemClock
from scheduling.door import Door
from scheduling.heartbeat import start_heartbeat
from storage.keys import own_key
from storage.store import Store


def run_demo(
    framework: str, port: int, *, open_browser: bool, playgrounds: tuple[int, Path | None] | None = None
) -> None:
    """A made-up service in a temporary folder, and the desk on loopback until it is stopped.

    With `playgrounds`, some of its people can be played in Microsoft's Agents Playground as well: the port that is
    wanted for it (0: any), and where their folders go (None: with all else that is made up).
    """
    from bot.demonstration.prepare import prepare

    if playgrounds is not None:
        _need_teams()

    async def work(folder: Path) -> None:
        today = SystemClock().now().date()
        program = await prepare(chosen_framework(framework), folder, today, seed=2026, say=_say)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(program.store.close)
            if playgrounds is not None:
                wanted, people = playgrounds
                program = await _open_playgrounds(stack, program, wanted, people or folder / "playgrounds")
            await _open_desk(stack, program, port, open_browser=open_browser)
            await _until_stopped()

    with tempfile.TemporaryDirectory(prefix="auditloop-demo-") as folder:
        asyncio.run(work(Path(folder)))
    _say("Stopped.")


async def _open_playgrounds(stack: AsyncExitStack, program: Program, port: int, folder: Path) -> Program:
    from bot.demonstration.playgrounds import open_playgrounds

    shared = await open_playgrounds(stack, program, port, folder, _say)
    called = asyncio.get_running_loop().create_task(shared.keep_up())
    stack.push_async_callback(_ended, called)
    return shared


def run_serve(settings: Settings) -> None:
    """The bot on its own database, with the heartbeat, the platforms that are configured, and the desk."""

    async def work() -> None:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(settings))
            running = await open_bot(stack, settings, store, SystemClock(), say=_say)
            if settings.desk_open:
                await _open_desk(stack, running.program, settings.port, open_browser=False)
            else:
                _say("Stop it with Ctrl+C.")
            await _until_stopped()

    asyncio.run(work())
    _say("Stopped.")


@dataclass(frozen=True)
class Running:
    """The bot at work. `address` is where the platforms' requests come in on this computer, empty without any."""

    program: Program
    address: str = ""


async def open_bot(
    stack: AsyncExitStack, settings: Settings, store: Store, clock: Clock, *, say: Callable[[str], None]
) -> Running:
    """The program with its heartbeat and the doors of these settings, all closed with the stack."""
    running = Running(Program(store, clock, DeskDoor()))
    if settings.teams is not None:
        running = await _open_teams(stack, settings, settings.teams, store, clock)
        say(f"Microsoft Teams is answered at {running.address}/api/messages.")
    program = running.program
    heartbeat = start_heartbeat(program.beat, settings.heartbeat_seconds)
    stack.callback(heartbeat.shutdown, wait=False)
    called = asyncio.get_running_loop().create_task(program.keep_up())
    stack.push_async_callback(_ended, called)
    program.call()
    return running


async def _open_teams(
    stack: AsyncExitStack, settings: Settings, terms: TeamsSettings, store: Store, clock: Clock
) -> Running:
    _need_teams()
    from bot.teams.opening import AT_ONCE, open_teams
    from bot.teams.serving import serve_teams

    sock, address = listening_socket(settings.web.host, settings.web.port)
    stack.callback(sock.close)
    links = CalendarLinks(await own_key(store, KEY), settings.web.public_url.rstrip("/") or address)
    teams = await stack.enter_async_context(open_teams(terms, store, clock, links))
    door = _with_email(settings, teams.door, store.framework, clock)
    program = Program(store, clock, door, board=teams.door, at_once=AT_ONCE)
    await serve_teams(stack, sock, teams, program, links, timedelta(seconds=settings.heartbeat_seconds))
    return Running(program, address)


def _need_teams() -> None:
    if find_spec("botbuilder") is None:
        raise UserFault("The libraries for Microsoft Teams are not installed. Run: make platforms")


def _with_email(settings: Settings, door: Door, framework: Framework, clock: Clock) -> Door:
    """The door, with an e-mail to whom it can't reach, where a mail server is configured."""
    if settings.email is None:
        return door
    from bot.email.fallback import EmailFallback
    from bot.email.postman import Postman

    guidance = f"Please add auditloop in Microsoft Teams and answer there, or ask the {framework.qa_label}."
    grades = [grade.label for grade in framework.grades]
    return EmailFallback(door, Postman(settings.email, clock, guidance=guidance, grades=grades))


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _say(line: str) -> None:
    print(line, flush=True)


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    await stopped.wait()


async def _open_desk(stack: AsyncExitStack, program: Program, port: int, *, open_browser: bool) -> None:
    try:
        served = await serve(build_app(program), port)
    except PortTakenError as fault:
        raise UserFault(str(fault)) from fault
    stack.push_async_callback(served.close)
    if served.note:
        _say(served.note)
    _say(f"The desk is open at {served.address} (only on this computer). Stop it with Ctrl+C.")
    if open_browser and (os.environ.get("DISPLAY") or os.name != "posix" or os.uname().sysname == "Darwin"):
        await asyncio.to_thread(webbrowser.open, served.address)
