"""What a program measures of itself from its start on, kept for Prometheus in a registry of its own.

No label ever holds a name, a reference, an id or anybody's words: verbs that handlers know, platforms, outcomes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Histogram

from handlers.dispatch import WITHOUT_AUDIT
from handlers.verbs import VERBS
from scheduling.door import NotDelivered

KNOWN_VERBS = frozenset({"say", *VERBS, *WITHOUT_AUDIT})
OTHER = "other"
"""The label of a verb that no handler knows; anybody can make one up."""
ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
DELIVERIES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
TICKS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)


class Figures:
    """Counts and times. `elapsed` gives seconds that setting the computer's clock doesn't change."""

    def __init__(self, elapsed: Callable[[], float] = monotonic) -> None:
        self.registry = CollectorRegistry()
        self.elapsed = elapsed
        self._started = elapsed()
        self._ticked: float | None = None
        self._ticking: float | None = None
        self._ticks = Counter(
            "auditloop_ticks",
            "Ticks (due work done, messages sent) since the start, by whether they came to their end.",
            ["outcome"],
            registry=self.registry,
        )
        self._tick_times = Histogram(
            "auditloop_tick_seconds",
            "How long a tick took, with its round of messages.",
            buckets=TICKS,
            registry=self.registry,
        )
        self._answers = Histogram(
            "auditloop_answer_seconds",
            "How long the handlers took to answer somebody, by verb.",
            ["verb"],
            buckets=ANSWERS,
            registry=self.registry,
        )
        self._delivery_times = Histogram(
            "auditloop_delivery_seconds",
            "How long it took to hand a message over, or to change one, waits for the platform's pace included.",
            ["platform", "kind"],
            buckets=DELIVERIES,
            registry=self.registry,
        )
        self._deliveries = Counter(
            "auditloop_deliveries",
            "Messages handed over or changed since the start, by outcome: delivered; temporary, which is tried again; "
            "permanent, which goes to the next person; unknown, which may have arrived.",
            ["platform", "kind", "outcome"],
            registry=self.registry,
        )
        for outcome in ("good", "failed"):
            self._ticks.labels(outcome)

    @property
    def ticked(self) -> bool:
        """Whether a tick has come to its end since the start."""
        return self._ticked is not None

    @property
    def tick_age(self) -> float:
        """Seconds since the last tick that came to its end; since the start, before the first one."""
        return self.elapsed() - (self._started if self._ticked is None else self._ticked)

    @property
    def tick_running(self) -> float:
        """For how many seconds the present tick has been running; 0 where none is."""
        return 0.0 if self._ticking is None else self.elapsed() - self._ticking

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Measure a tick. One that raises, or never ends, leaves the last one as old as it is."""
        self._ticking = begun = self.elapsed()
        try:
            yield
        except Exception:
            self._ticks.labels("failed").inc()
            raise
        finally:
            self._ticking = None
        self._ticked = self.elapsed()
        self._ticks.labels("good").inc()
        self._tick_times.observe(self._ticked - begun)

    @contextmanager
    def answering(self, verb: str) -> Iterator[None]:
        """Measure an answer."""
        begun = self.elapsed()
        try:
            yield
        finally:
            self._answers.labels(verb if verb in KNOWN_VERBS else OTHER).observe(self.elapsed() - begun)

    @contextmanager
    def delivering(self, platform: str, kind: str) -> Iterator[None]:
        """Measure a delivery. `kind` is message or change."""
        begun = self.elapsed()
        outcome = "delivered"
        try:
            yield
        except NotDelivered as failure:
            outcome = failure.failure.value
            raise
        except Exception:
            # A door that breaks may have sent it: nobody knows.
            outcome = "unknown"
            raise
        except BaseException:
            outcome = ""
            raise
        finally:
            if outcome:
                self._delivery_times.labels(platform, kind).observe(self.elapsed() - begun)
                self._deliveries.labels(platform, kind, outcome).inc()
