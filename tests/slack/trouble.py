"""What goes wrong at Slack's end, as a test has ordered it: which calls meet it, how often, and what it is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from aiohttp import web

from tests import orders


@dataclass
class Call:
    """A call as it came in. `person` is whose conversation or view it concerns; `answer` is None until it is given."""

    number: int
    method: str
    arguments: dict[str, Any]
    token: str | None
    at: float
    person: str | None = None
    status: int | None = None
    answer: dict[str, Any] | None = None

    @property
    def error(self) -> str | None:
        found: str | None = (self.answer or {}).get("error")
        return found


class Way(Enum):
    REFUSES = auto()
    HANGS = auto()
    DROPS = auto()
    GARBAGE = auto()
    TEXT = auto()
    EMPTY = auto()
    SLOW = auto()


@dataclass(frozen=True)
class Mishap:
    """One thing that can go wrong. With `takes` the call has had its effect before it does."""

    way: Way
    takes: bool = False
    status: int = 200
    code: str = ""
    retry_after: int | None = None
    seconds: float = 0


def refuses(code: str, *, status: int = 200) -> Mishap:
    """An error in Slack's form, such as `channel_not_found`."""
    return Mishap(Way.REFUSES, status=status, code=code)


def throttles(retry_after: int | None = 30) -> Mishap:
    return Mishap(Way.REFUSES, status=429, code="ratelimited", retry_after=retry_after)


def slow(seconds: float) -> Mishap:
    """The call is dealt with as always, so many seconds late."""
    return Mishap(Way.SLOW, seconds=seconds)


REVOKED = refuses("token_revoked")
INACTIVE = refuses("account_inactive")
INTERNAL = refuses("internal_error")
FAILS = Mishap(Way.GARBAGE, status=500)
BAD_GATEWAY = Mishap(Way.GARBAGE, status=502)
UNAVAILABLE = Mishap(Way.GARBAGE, status=503)
HANGS = Mishap(Way.HANGS)
HANGS_AFTER_TAKING = Mishap(Way.HANGS, takes=True)
DROPS = Mishap(Way.DROPS)
DROPS_AFTER_TAKING = Mishap(Way.DROPS, takes=True)
GARBAGE = Mishap(Way.GARBAGE, takes=True)
TEXT = Mishap(Way.TEXT, takes=True)
EMPTY = Mishap(Way.EMPTY, takes=True)


Order = orders.Order[Call, Mishap]


class Trouble(orders.Orders[Call, Mishap]):
    """The orders of a test, by what can be said of a call."""

    def add(
        self,
        mishap: Mishap,
        *methods: str,
        person: object = None,
        when: Callable[[Call], bool] | None = None,
        times: int | None = 1,
        skips: int = 0,
    ) -> Order:
        """Order a mishap for calls of these methods, or of any, that fit all that is given.

        `person` is a name or somebody with a name. It spares the first `skips` calls, and is then met `times` times, or
        always where that is None. The method of a response_url is `response_url`.
        """
        name = getattr(person, "name", person)

        def matches(call: Call) -> bool:
            return (
                (not methods or call.method in methods)
                and (name is None or call.person == name)
                and (when is None or when(call))
            )

        return self.order(mishap, matches, times=times, skips=skips)


async def meet(order: Order, request: web.Request, works: Callable[[], Awaitable[web.Response]]) -> web.Response:
    """Deal with a call under an order; `works` deals with it as if nothing were wrong."""
    mishap = order.mishap
    if mishap.way is Way.SLOW:
        await asyncio.sleep(mishap.seconds)
        return await works()
    if mishap.takes:
        await works()
    if mishap.way is Way.REFUSES:
        headers = {} if mishap.retry_after is None else {"Retry-After": str(mishap.retry_after)}
        return web.json_response({"ok": False, "error": mishap.code}, status=mishap.status, headers=headers)
    if mishap.way is Way.GARBAGE:
        page = "<html>Slack is having trouble</html>"
        return web.Response(status=mishap.status, text=page, content_type="text/html")
    if mishap.way is Way.TEXT:
        return web.Response(text="upstream connect error")
    if mishap.way is Way.EMPTY:
        return web.Response()
    if mishap.way is Way.HANGS:
        await order.hold()
    return orders.broken_off(request)
