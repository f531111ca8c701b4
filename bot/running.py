"""The commands that stay up: the demonstration, and the bot itself."""

import asyncio
import os
import signal
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from aiohttp.typedefs import Handler

from audits.framework import Framework
from bot.calendar_links import KEY, CalendarLinks
from bot.counts import Counts
from bot.desk.application import build_app
from bot.desk.serving import PortTakenError, serve
from bot.doors import Doors, LastSeen, PlatformDoor
from bot.faults import UserFault
from bot.listening import listening_socket
from bot.opening import chosen_framework, open_store
from bot.program import DeskDoor, Program
from bot.settings import Settings, WatchSettings
from bot.watching.access import access_of
from bot.watching.doors import TimedDoor, TimedPlatform
from bot.watching.figures import Figures
from bot.watching.metrics import Metrics
from bot.watching.sign_of_life import SignOfLife, calling
from bot.web import Calendar, Watch, build_watch, build_web, serve_web
from handlers.when.days import be_ready
from scheduling.clock import Clock, SystemClock
from scheduling.door import Door
from scheduling.heartbeat import start_heartbeat
from scheduling.retaining import Retaining
from storage.keys import own_key
from storage.store import Store

AT_ONCE = 8
"""So many people are written to at the same time; each send waits for its platform about a fifth of a second."""


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
    """The bot at work. `address` is where the platforms' requests come in on this computer, empty without any.

    `watched_at` is the address of its own for whoever watches, empty where it has none.
    """

    program: Program
    address: str = ""
    watched_at: str = ""


async def open_bot(
    stack: AsyncExitStack, settings: Settings, store: Store, clock: Clock, *, say: Callable[[str], None]
) -> Running:
    """The program with its heartbeat and the doors of these settings, all closed with the stack."""
    figures = Figures()
    if settings.teams is not None or settings.slack is not None:
        running, watch = await _open_platforms(stack, settings, store, clock, figures, say)
    else:
        door = TimedDoor(DeskDoor(), "desk", figures)
        retaining = Retaining(settings.retention.keeping)
        running = Running(Program(store, clock, door, figures=figures, retaining=retaining))
        watch = _watch(settings, running.program, Counts())
    if settings.watch.port is not None:
        running = replace(running, watched_at=await _open_watch(stack, settings.watch, watch, say))
    program = running.program
    if settings.watch.ping_url.get_secret_value():
        await _give_signs_of_life(stack, settings.watch, program)
    heartbeat = start_heartbeat(program.beat, settings.heartbeat_seconds)
    stack.callback(heartbeat.shutdown, wait=False)
    called = asyncio.get_running_loop().create_task(program.keep_up(longest=2.0 * settings.heartbeat_seconds))
    stack.push_async_callback(_ended, called)
    program.call()
    return running


def _watch(settings: Settings, program: Program, counts: Counts, others: tuple[Callable[[], str], ...] = ()) -> Watch:
    """What whoever watches can ask of a program."""
    metrics = Metrics(program, counts, access_of(settings), settings.heartbeat_seconds)
    return Watch(program, counts, timedelta(seconds=settings.heartbeat_seconds), others, metrics.page)


async def _open_watch(stack: AsyncExitStack, settings: WatchSettings, watch: Watch, say: Callable[[str], None]) -> str:
    """Answer whoever watches at an address of its own; that address."""
    sock, address = listening_socket(settings.host, settings.port or 0, "watch.port")
    stack.callback(sock.close)
    await serve_web(stack, sock, build_watch(watch))
    say(f"Whoever watches is answered at {address}/readyz and {address}/metrics.")
    return address


async def _give_signs_of_life(stack: AsyncExitStack, settings: WatchSettings, program: Program) -> None:
    """Call the address of a dead man's switch after good beats, until the stack is closed."""
    url = settings.ping_url.get_secret_value()
    session = await stack.enter_async_context(calling(url))
    sign = SignOfLife(session, url, settings.ping_every_seconds)
    stack.push_async_callback(sign.close)
    program.after_tick = sign.give


async def _open_platforms(
    stack: AsyncExitStack,
    settings: Settings,
    store: Store,
    clock: Clock,
    figures: Figures,
    say: Callable[[str], None],
) -> tuple[Running, Watch]:
    """Teams, Slack or both, in one web application, with what is served to whoever watches over auditloop."""
    if settings.teams is not None:
        _need_teams()
    if settings.slack is not None:
        _need_slack()
    await asyncio.to_thread(be_ready)
    sock, address = listening_socket(settings.web.host, settings.web.port, "web.port")
    stack.callback(sock.close)
    links = CalendarLinks(await own_key(store, KEY), settings.web.public_url.rstrip("/") or address)
    counts, last_seen = Counts(), LastSeen()
    doors: dict[str, PlatformDoor] = {}
    teams = slack = None
    if settings.teams is not None:
        from bot.teams.opening import open_teams

        teams = await stack.enter_async_context(open_teams(settings.teams, store, clock, links))
        doors["teams"] = TimedPlatform(teams.door, "teams", figures)
    if settings.slack is not None:
        from bot.slack.opening import open_slack

        reachable = links if settings.web.public_url else None
        slack = await stack.enter_async_context(open_slack(settings.slack, store, clock, last_seen, reachable))
        doors["slack"] = TimedPlatform(slack.door, "slack", figures)
    board = Doors(store, doors, last_seen)
    door = _with_email(settings, board, store.framework, clock, figures)
    retaining = Retaining(settings.retention.keeping)
    program = Program(store, clock, door, board=board, at_once=AT_ONCE, figures=figures, retaining=retaining)
    posts: dict[str, Handler] = {}
    others: tuple[Callable[[], str], ...] = ()
    service = None
    if teams is not None:
        endpoint = teams.endpoint_for(program, counts, last_seen)
        stack.push_async_callback(endpoint.turns.close)
        posts["/api/messages"] = endpoint.post
        say(f"Microsoft Teams is answered at {address}/api/messages.")
    if slack is not None:
        from bot.slack.serving import SlackService

        service = SlackService(slack, program, counts, f"{address}/slack/events", say)
        stack.push_async_callback(service.close)
        others = (service.wrong,)
        if not slack.settings.socket_mode:
            posts["/slack/events"] = service.post
    watch = _watch(settings, program, counts, others)
    # With an address of their own, the figures are nowhere else.
    here = watch if settings.watch.port is None else replace(watch, metrics=None)
    await serve_web(stack, sock, build_web(here, Calendar(program, links, counts), posts))
    if service is not None:
        await service.begin()
    return Running(program, address), watch


def _need_teams() -> None:
    if find_spec("botbuilder") is None:
        raise UserFault("The libraries for Microsoft Teams are not installed. Run: make platforms")


def _need_slack() -> None:
    if find_spec("slack_bolt") is None:
        raise UserFault("The libraries for Slack are not installed. Run: make platforms")


def _with_email(settings: Settings, door: Door, framework: Framework, clock: Clock, figures: Figures) -> Door:
    """The door, with an e-mail to whom it can't reach, where a mail server is configured."""
    if settings.email is None:
        return door
    from bot.email.fallback import EmailFallback
    from bot.email.postman import Postman

    ways = ["add auditloop in Microsoft Teams"] if settings.teams is not None else []
    if settings.slack is not None:
        ways.append("open auditloop in Slack")
    guidance = f"Please {' or '.join(ways)} and answer there, or ask the {framework.qa_label}."
    grades = [grade.label for grade in framework.grades]
    postman = Postman(settings.email, clock, guidance=guidance, grades=grades)
    return EmailFallback(door, TimedDoor(postman, "email", figures))


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
