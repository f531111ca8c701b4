"""What somebody waits for is tried a few times, while it can't come twice."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.slack.failures import Refused, Unanswered

TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
AGAIN = frozenset(
    {"accesslimited", "message_limit_exceeded", "rate_limited", "ratelimited", "request_timeout"}
    | {"service_unavailable", "team_added_to_org"}
)
IN_DOUBT = frozenset({"fatal_error", "internal_error"})
"""Errors after which, Slack says, the call may have had its effect."""
TRIES = 3
Carried = TypeVar("Carried")
log = logging.getLogger(__name__)


async def insist(carry: Callable[[], Awaitable[Carried]], *, repeatable: bool = False) -> Carried | None:
    """What `carry` gives, tried a few times; None where it can't be done.

    What may have had its effect is only tried again where it is `repeatable`: done twice, it is as if done once.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return await carry()
        except (Refused, Unanswered) as fault:
            if attempt == TRIES or not _may_pass(fault, repeatable=repeatable):
                log.warning("an answer could not be shown: %s", fault)
                return None
            asked = fault.retry_after if isinstance(fault, Refused) else None
            await asyncio.sleep(min(asked.total_seconds() if asked else 2.0**attempt, 10))
    return None


def _may_pass(fault: Refused | Unanswered, *, repeatable: bool) -> bool:
    if isinstance(fault, Unanswered):
        return repeatable or not fault.may_have_arrived
    return fault.status in TRY_AGAIN or fault.code in AGAIN or (repeatable and fault.code in IN_DOUBT)
