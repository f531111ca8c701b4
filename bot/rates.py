"""How fast a platform may be called: each request counts under several names, and each name has its own rates."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 5.0
"""Seconds that a request waits at most, unless it says otherwise."""
MOST_NAMES = 1000


@dataclass(frozen=True)
class Rate:
    """At most so many requests within so many seconds."""

    most: int
    seconds: float


class Throttled(Exception):
    """The next request under a name has to wait longer than it is worth waiting here; `seconds` says how long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} seconds to wait")
        self.seconds = seconds


@dataclass
class _Window:
    """When requests went out, as far back as the longest of its rates looks."""

    rates: tuple[Rate, ...]
    sent: deque[float] = field(default_factory=deque)
    not_before: float = 0.0

    def wait(self, now: float, share: float) -> float:
        longest = max((rate.seconds for rate in self.rates), default=0.0)
        while self.sent and self.sent[0] <= now - longest:
            self.sent.popleft()
        wait = self.not_before - now
        for rate in self.rates:
            most = max(1, int(rate.most * share))
            if len(self.sent) >= most:
                wait = max(wait, self.sent[-most] + rate.seconds - now)
        return max(0.0, wait)


class Rates:
    """Lets requests through as fast as a platform allows.

    `rates_of` gives the rates of a name, such as a conversation, a method, or the whole app. `time` is a clock in
    seconds that never goes back.
    """

    def __init__(self, rates_of: Callable[[str], tuple[Rate, ...]], time: Callable[[], float]) -> None:
        self._rates_of = rates_of
        self._time = time
        self._windows: dict[str, _Window] = {}

    async def admitted(self, *names: str, patience: float = PATIENCE, share: float = 1.0) -> None:
        """Return when a request under all these names may go, and count it.

        What can wait takes only a `share` of each rate, and leaves the rest for what somebody waits for. Raises
        Throttled where it would take longer than `patience`, in seconds.
        """
        windows = [self._window(name) for name in names]
        until = self._time() + patience
        while (wait := max(window.wait(self._time(), share) for window in windows)) > 0:
            if self._time() + wait > until:
                raise Throttled(wait)
            await asyncio.sleep(wait)
        now = self._time()
        for window in windows:
            window.sent.append(now)

    def hold(self, name: str, seconds: float) -> None:
        """The platform asked to wait: nothing goes under this name for so long."""
        window = self._window(name)
        window.not_before = max(window.not_before, self._time() + seconds)

    def _window(self, name: str) -> _Window:
        window = self._windows.get(name)
        if window is None:
            self._forget_idle()
            window = self._windows[name] = _Window(self._rates_of(name))
        return window

    def _forget_idle(self) -> None:
        if len(self._windows) < MOST_NAMES:
            return
        now = self._time()
        idle = [name for name, window in self._windows.items() if window.wait(now, 1.0) == 0 and not window.sent]
        for name in idle:
            del self._windows[name]
