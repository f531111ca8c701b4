"""Whose turn it is to write, where only one can: people who wait for an answer come before what can wait."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

MOST_IN_A_ROW = 10
"""So many come first before one of the others has its turn, so that messages go out however much is pressed."""


class Turns:
    """One turn at a time, in the order of asking among those who come `first`, and among the others."""

    def __init__(self) -> None:
        self._taken = False
        self._holder: asyncio.Task[Any] | None = None
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0
        self._first_at = 0.0

    async def quiet(self, seconds: float, most: float) -> None:
        """Wait until nobody has come first for so many seconds, but not longer than `most`."""
        now = asyncio.get_running_loop().time()
        wait = min(self._first_at + seconds - now, most)
        if wait > 0:
            await asyncio.sleep(wait)
            await self.quiet(seconds, most - wait)

    def come_first(self) -> None:
        """Note that somebody waits for an answer, for who asks whether it is quiet."""
        self._first_at = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def turn(self, *, first: bool = False) -> AsyncIterator[None]:
        if first:
            self.come_first()
        me = asyncio.current_task()
        if self._taken and self._holder is me:
            raise RuntimeError("a transaction inside another one of the same store would wait for it for ever")
        if self._taken:
            waiting = self._first if first else self._others
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._pass_on()
                raise
        self._taken, self._holder = True, me
        try:
            yield
        finally:
            self._holder = None
            self._pass_on()

    def _pass_on(self) -> None:
        """Give the turn to who is next; it stays taken in between, so that nobody slips in."""
        while (waiting := self._next()) is not None:
            place = waiting.popleft()
            if not place.done():
                self._in_a_row = self._in_a_row + 1 if waiting is self._first else 0
                place.set_result(None)
                return
        self._taken = False

    def _next(self) -> deque[asyncio.Future[None]] | None:
        if self._first and not (self._others and self._in_a_row >= MOST_IN_A_ROW):
            return self._first
        return self._others or None
