"""The commands that stay up: the demonstration, and the bot itself."""

import asyncio
import os
import signal
import tempfile
import webbrowser
from pathlib import Path

from bot.desk.application import build_app
from bot.desk.serving import PortTakenError, serve
from bot.faults import UserFault
from bot.opening import chosen_framework, open_store
from bot.program import DeskDoor, Program
from bot.settings import Settings
from scheduling.clock import SystemClock
from scheduling.heartbeat import start_heartbeat


def run_demo(framework: str, port: int, *, open_browser: bool) -> None:
    """A made-up service in a temporary folder, and the desk on loopback until it is stopped."""
    from bot.demonstration.prepare import prepare

    async def work(folder: Path) -> None:
        today = SystemClock().now().date()
        program = await prepare(chosen_framework(framework), folder, today, seed=2026, say=_say)
        try:
            await _desk(program, port, open_browser=open_browser)
        finally:
            await program.store.close()

    with tempfile.TemporaryDirectory(prefix="auditloop-demo-") as folder:
        asyncio.run(work(Path(folder)))


def run_serve(settings: Settings) -> None:
    """The bot on its own database, with the heartbeat and the desk on loopback until it is stopped."""

    async def work() -> None:
        async with open_store(settings) as store:
            program = Program(store, SystemClock(), DeskDoor())
            heartbeat = start_heartbeat(program.beat, settings.heartbeat_seconds)
            try:
                await program.beat()
                await _desk(program, settings.port, open_browser=False)
            finally:
                heartbeat.shutdown(wait=False)

    asyncio.run(work())


def _say(line: str) -> None:
    print(line, flush=True)


async def _desk(program: Program, port: int, *, open_browser: bool) -> None:
    try:
        served = await serve(build_app(program), port)
    except PortTakenError as fault:
        raise UserFault(str(fault)) from fault
    if served.note:
        _say(served.note)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    _say(f"The desk is open at {served.address} (only on this computer). Stop it with Ctrl+C.")
    if open_browser and (os.environ.get("DISPLAY") or os.name != "posix" or os.uname().sysname == "Darwin"):
        await asyncio.to_thread(webbrowser.open, served.address)
    try:
        await stopped.wait()
    finally:
        await served.close()
    _say("Stopped.")
