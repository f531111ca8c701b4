"""Trouble that a test has ordered of a fake platform: who meets it, and how often."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from aiohttp import web

Call = TypeVar("Call")
Mishap = TypeVar("Mishap")


@dataclass(eq=False)
class Order(Generic[Call, Mishap]):
    """A mishap that a test has ordered. `met` counts the calls that met it, `holding` those that it keeps waiting."""

    mishap: Mishap
    matches: Callable[[Call], bool]
    skips: int
    left: int | None
    loop: asyncio.AbstractEventLoop
    met: int = 0
    holding: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let go of every call that hangs, now and from now on; its connection is closed without an answer."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.released.set)

    def stop(self) -> None:
        """Nobody meets it from now on."""
        self.left = 0

    async def hold(self) -> None:
        """Keep a call waiting until it is let go."""
        self.holding += 1
        try:
            await self.released.wait()
        finally:
            self.holding -= 1


@dataclass
class Orders(Generic[Call, Mishap]):
    """The orders of a test, asked in turn for every call; the first that matches is met."""

    loop: asyncio.AbstractEventLoop
    orders: list[Order[Call, Mishap]] = field(default_factory=list)

    def order(
        self, mishap: Mishap, matches: Callable[[Call], bool], *, times: int | None, skips: int
    ) -> Order[Call, Mishap]:
        """Order a mishap for the calls that match.

        It spares the first `skips` of them, and is then met `times` times, or always where that is None.
        """
        order = Order(mishap, matches, skips, times, self.loop)
        self.orders.append(order)
        return order

    def clear(self) -> None:
        """Everything works again; what hangs is let go."""
        for order in self.orders:
            order.stop()
            order.release()

    def due(self, call: Call) -> Order[Call, Mishap] | None:
        """The order that this call meets, counted as met; none where everything works."""
        for order in self.orders:
            if order.left == 0 or not order.matches(call):
                continue
            if order.skips:
                order.skips -= 1
                continue
            order.left = None if order.left is None else order.left - 1
            order.met += 1
            return order
        return None


def broken_off(request: web.Request) -> web.Response:
    """The connection breaks instead of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
