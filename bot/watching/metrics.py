"""`/metrics`: the figures of this program and of its database, as Prometheus reads them."""

import logging
from collections.abc import Callable, Iterator
from importlib.metadata import version

from aiohttp import web
from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from bot.counts import Counts
from bot.program import Program
from bot.watching.access import Access
from bot.watching.backlog import Backlog, read_backlog

log = logging.getLogger(__name__)


class Metrics(Collector):
    """The page, and what is gathered for it. `beat_seconds` is how often the program should tick."""

    def __init__(self, program: Program, counts: Counts, access: Access, beat_seconds: float) -> None:
        self._program = program
        self._counts = counts
        self._access = access
        self._beat_seconds = beat_seconds
        self._backlog: Backlog | None = None
        self._registry = program.figures.registry
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    async def page(self, request: web.Request) -> web.Response:
        """The figures at this moment. Where the database doesn't answer in time, those of the program alone."""
        refusal = self._access.refusal(request)
        if refusal:
            self._counts.refuse("metrics")
            return web.Response(status=401, text=f"{refusal}\n", headers={"WWW-Authenticate": "Bearer"})
        backlog = await self._read()
        encode, content_type = _form(request.headers.get("Accept", ""))
        # Nothing else runs between these two, so that every page shows what was read for it.
        self._backlog = backlog
        body = encode(self._registry)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _read(self) -> Backlog | None:
        try:
            return await read_backlog(self._program.store, self._program.now())
        except (OSError, SQLAlchemyError) as fault:
            log.warning("what waits can't be read for the figures: %s", type(fault).__name__)
            return None

    def describe(self) -> list[Metric]:
        """Nothing: what `collect` gives is known once it is asked for."""
        return []

    def collect(self) -> Iterator[Metric]:
        figures = self._program.figures
        yield InfoMetricFamily("auditloop_build", "Which auditloop this is.", {"version": version("auditloop")})
        yield _gauge(
            "auditloop_tick_age_seconds",
            "Seconds since the last tick that came to its end; since the start, before the first one.",
            figures.tick_age,
        )
        yield _gauge(
            "auditloop_tick_running_seconds", "For how long the present tick has been running.", figures.tick_running
        )
        yield _gauge(
            "auditloop_tick_interval_seconds",
            "How often there should be a tick (heartbeat_seconds).",
            self._beat_seconds,
        )
        yield _gauge(
            "auditloop_clock_timestamp_seconds",
            "The time by which auditloop works, in seconds since 1970.",
            self._program.now().timestamp(),
        )
        refused = CounterMetricFamily("auditloop_refusals", "What was refused since the start.", labels=["reason"])
        for reason, number in sorted(self._counts.refused.items()):
            refused.add_metric([reason], number)
        yield refused
        yield _gauge(
            "auditloop_database_up",
            "Whether the database answered in time; where not, what is read from it is left out.",
            self._backlog is not None,
        )
        if self._backlog is not None:
            yield from _waiting(self._backlog)


def _waiting(backlog: Backlog) -> Iterator[Metric]:
    due = GaugeMetricFamily(
        "auditloop_oldest_due_seconds",
        "For how long the oldest thing that is due has not been done; 0 where nothing is.",
        labels=["what"],
    )
    for what, age in backlog.due.items():
        due.add_metric([what], age)
    yield due
    for name, words, numbers in (
        (
            "auditloop_outbox_messages",
            "Messages by state; of sent, failed and superseded, the last week's.",
            "messages",
        ),
        ("auditloop_undelivered_alerts", "Alerts that have not been delivered; of failed, the last week's.", "alerts"),
    ):
        family = GaugeMetricFamily(name, words, labels=["state"])
        for state, number in getattr(backlog, numbers).items():
            family.add_metric([state], number)
        yield family
    yield _gauge(
        "auditloop_oldest_waiting_message_seconds",
        "For how long the oldest message that may go, or was tried, has waited; 0 where none does.",
        backlog.oldest_message,
    )
    yield _gauge(
        "auditloop_oldest_undelivered_alert_seconds",
        "How long ago the oldest alert was decided that is not delivered; 0 where there is none.",
        backlog.oldest_alert,
    )


def _form(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """The form of the page that was asked for, and its type; the ordinary one where that is none."""
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):
        # The library stumbles over a version that isn't made of numbers.
        return choose_encoder("")


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=float(value))
