"""Forms and addresses as they come in: read, bounded, and never trusted."""

import re
from uuid import UUID

from aiohttp import web

from bot.desk.trouble import NOT_UNDERSTOOD, TOO_LARGE, Trouble

MOST_BYTES = 100 * 1024


async def fields(request: web.Request) -> dict[str, str]:
    """The fields of a form, each by its name, with plain line ends.

    Raises Trouble if there is no form in the request, if it is larger than MOST_BYTES, or if it isn't text.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise Trouble(400, NOT_UNDERSTOOD)
    if request.content_length is not None and request.content_length > MOST_BYTES:
        raise Trouble(413, TOO_LARGE)
    try:
        form = await request.post()
    except (LookupError, ValueError, web.RequestPayloadError) as fault:
        raise Trouble(400, NOT_UNDERSTOOD) from fault
    return {
        name: value.replace("\r\n", "\n").replace("\x00", "") for name, value in form.items() if isinstance(value, str)
    }


def event_id(text: str) -> str:
    """The id that the desk gave to a form. Raises Trouble if it is none."""
    found = known_event_id(text)
    if found is None:
        raise Trouble(400, NOT_UNDERSTOOD)
    return found


def known_event_id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def number(text: str | None, otherwise: int | None = None) -> int | None:
    """A whole number of ordinary size, or `otherwise`."""
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,18}", text) else otherwise


def page_number(request: web.Request) -> int:
    return max(number(request.query.get("page"), 1) or 1, 1)


def see_other(address: str) -> web.Response:
    """The way on after a form, so that loading the page again sends nothing twice."""
    return web.Response(status=303, headers={"Location": address})
