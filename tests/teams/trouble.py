"""What goes wrong at Microsoft's end, as a test has ordered it: who meets it, how often, and what it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import Enum, StrEnum, auto
from typing import Any

from aiohttp import web

from tests import orders


class Kind(StrEnum):
    """What a request asks for."""

    CONFIGURATION = "configuration"
    KEYS = "keys"
    DISCOVERY = "discovery"
    TOKEN = "token"
    CREATE = "create"
    SEND = "send"
    REPLY = "reply"
    UPDATE = "update"
    DELETE = "delete"
    MEMBERS = "members"
    MEMBER = "member"
    PAGED_MEMBERS = "paged members"
    UNKNOWN = "unknown"


@dataclass
class Call:
    """A request as it came in. `person` is whose chat it concerns; `status` is None while it is unanswered."""

    number: int
    kind: Kind
    method: str
    path: str
    at: float
    person: str | None = None
    conversation_id: str | None = None
    activity_id: str | None = None
    authorization: str | None = None
    body: Any = None
    status: int | None = None


class Way(Enum):
    REFUSES = auto()
    HANGS = auto()
    DROPS = auto()
    EMPTY = auto()
    GARBAGE = auto()
    SLOW = auto()


@dataclass(frozen=True)
class Mishap:
    """One thing that can go wrong. With `takes` the request has had its effect before it does."""

    way: Way
    takes: bool = False
    status: int = 200
    code: str = ""
    retry_after: str | None = None
    seconds: float = 0


def refuses(status: int, code: str = "ServiceError", *, retry_after: int | datetime | None = None) -> Mishap:
    """An answer in Teams' form of an error; `retry_after` in seconds, or as the date of a header (UTC)."""
    if isinstance(retry_after, datetime):
        return Mishap(Way.REFUSES, status=status, code=code, retry_after=format_datetime(retry_after, usegmt=True))
    return Mishap(Way.REFUSES, status=status, code=code, retry_after=None if retry_after is None else str(retry_after))


def throttles(retry_after: int | datetime | None = None) -> Mishap:
    return refuses(429, "Throttled", retry_after=retry_after)


def slow(seconds: float) -> Mishap:
    """The request is dealt with as always, so many seconds late."""
    return Mishap(Way.SLOW, seconds=seconds)


BLOCKED = refuses(403, "MessageWritesBlocked")
BLOCKED_BY_USER = refuses(403, "ConversationBlockedByUser")
NOT_IN_ROSTER = refuses(403, "BotNotInConversationRoster")
DISABLED_BY_ADMIN = refuses(403, "BotDisabledByAdmin")
NOT_FOUND = refuses(404, "ConversationNotFound")
AT_ODDS = refuses(412, "PreconditionFailed")
FAILS = refuses(500)
BAD_GATEWAY = refuses(502)
UNAVAILABLE = refuses(503)
TIMED_OUT = refuses(504)
UNAUTHORISED = refuses(401, "Unauthorized")
HANGS = Mishap(Way.HANGS)
HANGS_AFTER_TAKING = Mishap(Way.HANGS, takes=True)
DROPS = Mishap(Way.DROPS)
DROPS_AFTER_TAKING = Mishap(Way.DROPS, takes=True)
EMPTY = Mishap(Way.EMPTY, takes=True)
GARBAGE = Mishap(Way.GARBAGE, takes=True)


Order = orders.Order[Call, Mishap]


class Trouble(orders.Orders[Call, Mishap]):
    """The orders of a test, by what can be said of a call."""

    def add(
        self,
        mishap: Mishap,
        *,
        kind: Kind | tuple[Kind, ...] | None = None,
        person: object = None,
        method: str | None = None,
        when: Callable[[Call], bool] | None = None,
        times: int | None = 1,
        skips: int = 0,
    ) -> Order:
        """Order a mishap for the requests that fit all that is given.

        `person` is a name or somebody with a name; `when` is asked last. It spares the first `skips` requests, and is
        then met `times` times, or always where that is None.
        """
        kinds = (kind,) if isinstance(kind, Kind) else kind
        name = getattr(person, "name", person)

        def matches(call: Call) -> bool:
            return (
                (kinds is None or call.kind in kinds)
                and (name is None or call.person == name)
                and (method is None or call.method == method)
                and (when is None or when(call))
            )

        return self.order(mishap, matches, times=times, skips=skips)


def error(status: int, code: str, message: str = "", retry_after: str | None = None) -> web.Response:
    """An error as the Connector words it."""
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    said = {"error": {"code": code, "message": message or f"The test's Connector says {code}."}}
    return web.json_response(said, status=status, headers=headers)


async def meet(order: Order, request: web.Request, works: Callable[[], Any]) -> web.StreamResponse:
    """Deal with a request under an order; `works` deals with it as if nothing were wrong."""
    mishap = order.mishap
    if mishap.way is Way.SLOW:
        await asyncio.sleep(mishap.seconds)
    if mishap.takes or mishap.way is Way.SLOW:
        worked: web.StreamResponse = await works()
        # What would have been refused anyhow is refused, with or without trouble.
        if mishap.way is Way.SLOW or worked.status >= 400:
            return worked
    if mishap.way is Way.REFUSES:
        return error(mishap.status, mishap.code, retry_after=mishap.retry_after)
    if mishap.way is Way.EMPTY:
        return web.Response(status=200)
    if mishap.way is Way.GARBAGE:
        return web.Response(status=200, text="<html>Service temporarily away</html>", content_type="text/html")
    if mishap.way is Way.HANGS:
        await order.hold()
    return orders.broken_off(request)
