"""Who may read the figures: whoever has the token, or, where none is set, this computer itself."""

from dataclasses import dataclass
from hmac import compare_digest

from aiohttp import web
from yarl import URL

from bot.settings import Settings, is_loopback

THROUGH_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


@dataclass(frozen=True)
class Access:
    """Who is let in. `proxied` says that a proxy on this computer may hand on what comes from anywhere."""

    token: str = ""
    proxied: bool = False

    def refusal(self, request: web.Request) -> str:
        """Why a request isn't answered, in words; empty where it is."""
        if self.token:
            if _is(request.headers.get("Authorization", ""), f"Bearer {self.token}"):
                return ""
            return "Please send the token of watch.token, as Authorization: Bearer."
        if self.proxied:
            return (
                "With a proxy in front, auditloop can't tell who asks. Set watch.token, or watch.port for an address "
                "of its own (docs/watching.md)."
            )
        if not from_here(request):
            return "Only this computer is answered. Set watch.token for others (docs/watching.md)."
        return ""


def access_of(settings: Settings) -> Access:
    """Who may read the figures by these settings. No proxy leads to an address of their own."""
    public = URL(settings.web.public_url).host if settings.web.public_url else None
    proxied = settings.watch.port is None and public is not None and not is_loopback(public)
    return Access(settings.watch.token.get_secret_value(), proxied)


def from_here(request: web.Request) -> bool:
    """Whether a request was made on this computer, for this computer, and not through a proxy that says so."""
    try:
        asked = request.url.host or ""
    except ValueError:
        return False
    # Looked up one by one, since some proxies write them in small letters.
    proxied = any(name in request.headers for name in THROUGH_A_PROXY)
    return is_loopback(request.remote or "") and is_loopback(asked) and not proxied


def _is(given: str, wanted: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())
