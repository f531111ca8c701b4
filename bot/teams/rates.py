"""How fast Teams may be written to: so much a conversation, so much the whole app."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """At most so many requests within so many seconds."""

    most: int
    seconds: float


PER_CONVERSATION = (Rate(7, 1), Rate(8, 2), Rate(60, 30), Rate(1800, 3600))
"""What Teams allows a bot in one conversation (its documentation: Optimize your bot with rate limiting in Teams)."""
ONE_LESS = 1
LONGER = 1.1
"""Requests arrive closer together than they were sent, so one less is sent, in windows a tenth longer."""
PATIENCE = 5.0


class Throttled(Exception):
    """The next request to a conversation has to wait longer than it is worth waiting here; `seconds` says how long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} seconds to wait")
        self.seconds = seconds


@dataclass
class _Window:
    """When requests went out, as far back as the longest of its rates looks."""

    rates: tuple[Rate, ...]
    sent: deque[float] = field(default_factory=deque)
    not_before: float = 0.0

    def wait(self, now: float) -> float:
        longest = max(rate.seconds for rate in self.rates)
        while self.sent and self.sent[0] <= now - longest:
            self.sent.popleft()
        full = [self.sent[-rate.most] + rate.seconds - now for rate in self.rates if len(self.sent) >= rate.most]
        return max(0.0, self.not_before - now, *full)


class Rates:
    """Lets requests through as fast as Teams allows. `time` is a clock in seconds that never goes back."""

    def __init__(self, a_second: int, time: Callable[[], float]) -> None:
        self._time = time
        self._app = _Window((Rate(a_second, 1.0),))
        self._conversations: dict[str, _Window] = {}

    async def admitted(self, conversation_id: str) -> None:
        """Return when a request may go. Raises Throttled where that would take longer than PATIENCE."""
        window = self._window(conversation_id)
        while (wait := max(window.wait(self._time()), self._app.wait(self._time()))) > 0:
            if wait > PATIENCE:
                raise Throttled(wait)
            await asyncio.sleep(wait)
        now = self._time()
        window.sent.append(now)
        self._app.sent.append(now)

    def hold(self, conversation_id: str, seconds: float) -> None:
        """Teams asked to wait: nothing goes to this conversation for so long."""
        window = self._window(conversation_id)
        window.not_before = max(window.not_before, self._time() + seconds)

    def _window(self, conversation_id: str) -> _Window:
        window = self._conversations.get(conversation_id)
        if window is None:
            self._forget_idle()
            rates = tuple(Rate(rate.most - ONE_LESS, rate.seconds * LONGER) for rate in PER_CONVERSATION)
            window = self._conversations[conversation_id] = _Window(rates)
        return window

    def _forget_idle(self) -> None:
        if len(self._conversations) < 1000:
            return
        now = self._time()
        idle = [name for name, window in self._conversations.items() if window.wait(now) == 0 and not window.sent]
        for name in idle:
            del self._conversations[name]
