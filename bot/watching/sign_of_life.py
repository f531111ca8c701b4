"""A dead man's switch: an address of somebody else's that is called after good ticks, and raises the alarm by itself
once that stops."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from urllib.request import getproxies

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar
from yarl import URL

from bot.settings import is_loopback

PATIENCE = 5.0
"""Seconds for a whole call."""
log = logging.getLogger(__name__)


class SignOfLife:
    """Calls the address, but not more often than `every` seconds, and never while a call is still going on.

    A tick neither waits for a call nor hears of one that fails; the log does, once until it works again.
    """

    def __init__(
        self, session: ClientSession, url: str, every: float, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._session = session
        self._url = url
        self._every = every
        self._elapsed = elapsed
        self._called: float | None = None
        self._failing = False
        self._call: asyncio.Task[None] | None = None

    def give(self) -> None:
        """Say that a tick went well."""
        now = self._elapsed()
        if self._call is not None or (self._called is not None and now - self._called < self._every):
            return
        self._called = now
        self._call = asyncio.get_running_loop().create_task(self._calls())

    async def close(self) -> None:
        """Wait for the call that is going on, if there is one; it ends within five seconds."""
        if self._call is not None:
            await asyncio.gather(self._call, return_exceptions=True)

    async def _calls(self) -> None:
        try:
            wrong = await call(self._session, self._url)
        finally:
            self._call = None
        # The address itself is a secret: whoever knows it can pretend that all is well.
        if wrong and not self._failing:
            log.warning("watch.ping_url on %s can't be called: %s", URL(self._url).host, wrong)
        elif self._failing and not wrong:
            log.warning("watch.ping_url on %s can be called again", URL(self._url).host)
        self._failing = bool(wrong)


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[ClientSession]:
    """A session for calls of this address: through the proxy of the environment, if there is one, unless it is here."""
    through_proxy = bool(getproxies()) and not is_loopback(URL(url).host or "")
    async with ClientSession(
        timeout=ClientTimeout(total=PATIENCE),
        trust_env=through_proxy,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": "auditloop"},
    ) as session:
        yield session


async def call(session: ClientSession, url: str) -> str:
    """Call the address once; what went wrong, in words without the address, or nothing. No other one is followed."""
    try:
        async with session.get(url, allow_redirects=False) as answer:
            if 200 <= answer.status < 300:
                return ""
            return f"it answered with status {answer.status}"
    except TimeoutError:
        return f"it didn't answer within {PATIENCE:.0f} seconds"
    except (ClientError, OSError, ValueError) as fault:
        return f"it can't be reached ({type(fault).__name__})"
