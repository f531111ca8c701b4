"""Who may speak to the desk: only pages of its own, and only under a name of this computer.

The check of the name also stops another website that points its own name at this computer (DNS rebinding).
"""

import logging
import traceback
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from bot.desk.layout import Layout
from bot.desk.trouble import BROKEN, BY_STATUS, ELSEWHERE, OTHER_NAME, OTHERWISE, Trouble

LOG = logging.getLogger(__name__)

# Another referrer policy would make browsers send "Origin: null" with the desk's own forms.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Server": "auditloop",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
READING = frozenset({"GET", "HEAD"})


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"


def _authority(address: str) -> str:
    """Host and port of an address or a Host header, in one spelling; empty if it is none."""
    try:
        url = URL(address if "//" in address else f"http://{address}")
        return f"{url.host}:{url.port}" if url.host else ""
    except ValueError:
        return ""


def is_loopback_name(host: str) -> bool:
    """Whether a Host header names this computer itself."""
    try:
        name = URL(f"http://{host}").host or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def comes_from_the_desk(request: web.Request) -> bool:
    """Whether a form was sent by one of the desk's own pages, as far as the browser says.

    A request that says nothing of where it comes from is not believed.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    source = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return bool(_authority(source)) and _authority(source) == _authority(request.host)


def middlewares(layout: Layout) -> tuple[Middleware, ...]:
    """Plain words for everything that goes wrong, and around every handler the checks above."""

    @web.middleware
    async def in_plain_words(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Trouble as trouble:
            return layout.trouble(trouble.status, trouble.words)
        except web.HTTPException as answer:
            if answer.status < 400:
                raise
            return layout.trouble(answer.status, BY_STATUS.get(answer.status, OTHERWISE))
        except Exception as fault:
            # The message of a fault may repeat what a person typed; where it happened doesn't.
            places = "".join(traceback.format_tb(fault.__traceback__))
            LOG.error("%s at %s %s\n%s", type(fault).__name__, request.method, request.path, places)
            return layout.trouble(500, BROKEN)

    @web.middleware
    async def only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_loopback_name(request.host):
            raise Trouble(421, OTHER_NAME)
        if request.method not in READING and not comes_from_the_desk(request):
            raise Trouble(403, ELSEWHERE)
        return await handler(request)

    return (in_plain_words, only_from_here)
