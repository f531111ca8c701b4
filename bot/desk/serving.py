"""The desk on a port of this computer, and never beyond it."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from bot.desk.application import DEMONSTRATION

LOOPBACK = "127.0.0.1"
TRIES = 20
NOT_TO_BE_HAD = frozenset({errno.EADDRINUSE, errno.EACCES})


class PortTakenError(Exception):
    """The wanted port is not to be had; the message says so in a plain sentence."""


@dataclass(frozen=True)
class Served:
    """A desk that is open. `note` says why the port is another one than was wanted, or is empty."""

    runner: web.AppRunner
    address: str
    note: str = ""

    async def close(self) -> None:
        await self.runner.cleanup()


def _ports(wanted: int, *, demonstration: bool) -> Iterator[int]:
    yield wanted
    if demonstration and wanted:
        yield from range(wanted + 1, min(wanted + TRIES, 65536))
        yield 0


async def serve(app: web.Application, port: int) -> Served:
    """Opens the desk on `port` of the loopback address; 0 takes any free port.

    A demonstration takes the next free port where this one is taken, and says so in `note`.
    Raises PortTakenError where no port can be had, and OSError where the network itself fails.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    for one in _ports(port, demonstration=app[DEMONSTRATION]):
        site = web.TCPSite(runner, LOOPBACK, one)
        try:
            await site.start()
        except OSError as fault:
            await site.stop()
            if fault.errno not in NOT_TO_BE_HAD:
                await runner.cleanup()
                raise
            continue
        got = runner.addresses[0][1]
        note = f"Port {port} is not free, so the desk is at port {got}." if port not in (0, got) else ""
        return Served(runner, f"http://{LOOPBACK}:{got}/", note)
    await runner.cleanup()
    raise PortTakenError(
        f"Port {port} is not free: another program uses it, or it needs special rights. "
        "Please close that program, or choose another port."
    )
