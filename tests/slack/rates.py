"""The rates at which Slack lets an app call, and every time that one was exceeded."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

MINUTE = 60
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls of one method in a minute, by the tier of the method."""

BURST = 4
"""How many messages a channel takes at once, before one a second."""


@dataclass(frozen=True)
class Breach:
    """A call that came too soon. `channel` is given where the rate of messages in a channel was exceeded."""

    method: str
    channel: str | None
    at: float


@dataclass
class Rates:
    """Counts the calls. `now` gives seconds; a clock that stands still lets through what is free, and no more."""

    now: Callable[[], float]
    breaches: list[Breach] = field(default_factory=list)
    _calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _posted: dict[str, tuple[float, float]] = field(default_factory=dict)

    def ask(self, method: str, tier: int | None) -> float:
        """Seconds after which this call may be tried again; 0 lets it in and counts it."""
        if tier is None:
            return 0
        now, seen = self.now(), self._calls[method]
        while seen and seen[0] <= now - MINUTE:
            seen.popleft()
        if len(seen) >= TIERS[tier]:
            self.breaches.append(Breach(method, None, now))
            return seen[0] + MINUTE - now
        seen.append(now)
        return 0

    def ask_channel(self, channel: str) -> float:
        """The same for a message in a channel: a small burst, then one a second."""
        now = self.now()
        free, since = self._posted.get(channel, (BURST, now))
        free = min(free + now - since, BURST)
        if free < 1:
            self.breaches.append(Breach("chat.postMessage", channel, now))
            return 1 - free
        self._posted[channel] = (free - 1, now)
        return 0


def whole_seconds(wait: float) -> int:
    """A wait as Retry-After gives it."""
    return max(1, math.ceil(wait))
