"""What a check of a platform finds, for `auditloop doctor`."""

from collections.abc import Sequence

from bot.settings import WebSettings, is_loopback
from cards.wording import listed

Finding = tuple[str, str]
"""`Well`, `To know` or `To mend`, and a sentence."""
MOST_NAMES = 10


def some(names: Sequence[str]) -> str:
    """Names in a sentence; of many the first, and how many more there are."""
    return listed([*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else names)


def exposure(platform: str, web: WebSettings) -> list[Finding]:
    """That auditloop can be reached without encryption, where it can."""
    if is_loopback(web.host):
        return []
    words = f"auditloop listens on {web.host} without encryption; a proxy on this computer is safer."
    return [("To know", f"{platform}: {words}")]
