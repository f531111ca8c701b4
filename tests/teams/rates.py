"""The rates at which Teams lets a bot call, and every time that one was exceeded."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.teams.trouble import Kind

Windows = tuple[tuple[int, float], ...]
"""So many calls in so many seconds, each."""

SENDS: Windows = ((7, 1), (8, 2), (60, 30), (1800, 3600))
READS: Windows = ((14, 1), (16, 2), (120, 30), (3600, 3600))
APP: Windows = ((50, 1),)

# Teams doesn't say where an update counts; counted as sends, none of them can exceed the true limit.
SENDING = frozenset({Kind.CREATE, Kind.SEND, Kind.REPLY, Kind.UPDATE})
READING = frozenset({Kind.MEMBERS, Kind.MEMBER, Kind.PAGED_MEMBERS})


@dataclass(frozen=True)
class Breach:
    """A call that came too soon: one too many for `most` in `seconds`. `thread` is None where the app's rate was it."""

    thread: str | None
    kind: Kind
    most: int
    seconds: float
    at: float


@dataclass
class Rates:
    """Counts the calls by thread and in all. `jitter` forgives that many seconds of delay on the way here."""

    clock: Callable[[], float]
    jitter: float = 0
    breaches: list[Breach] = field(default_factory=list)
    _seen: dict[tuple[str | None, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def ask(self, thread: str | None, kind: Kind) -> float:
        """Seconds after which this call may be tried again; 0 lets it in and counts it."""
        now = self.clock()
        asked: list[tuple[str | None, str, Windows]] = [(None, "app", APP)]
        if thread is not None and kind in SENDING:
            asked.append((thread, "sends", SENDS))
        elif thread is not None and kind in READING:
            asked.append((thread, "reads", READS))
        for name, group, windows in asked:
            for most, seconds in windows:
                if wait := self._wait(self._seen[name, group], most, seconds, now):
                    self.breaches.append(Breach(name, kind, most, seconds, now))
                    return wait
        for name, group, windows in asked:
            seen = self._seen[name, group]
            seen.append(now)
            longest = max(seconds for _, seconds in windows)
            while seen[0] <= now - longest:
                seen.popleft()
        return 0

    def _wait(self, seen: deque[float], most: int, seconds: float, now: float) -> float:
        if len(seen) < most:
            return 0
        free = seen[-most] + seconds - self.jitter
        return max(free - now, 0)

    def busiest(self, thread: str | None, group: str, seconds: float) -> int:
        """The most calls that were let in within so many seconds; `group` is app, sends or reads."""
        seen = list(self._seen[thread, group])
        return max((sum(start <= at < start + seconds for at in seen) for start in seen), default=0)


def whole_seconds(wait: float) -> int:
    """A wait as Retry-After gives it."""
    return max(1, math.ceil(wait))
