"""The small service of the handlers' stories, watched over real HTTP, with clocks that the test moves."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from bot.counts import Counts
from bot.listening import listening_socket
from bot.program import Program
from bot.watching.access import Access
from bot.watching.doors import TimedDoor
from bot.watching.figures import Figures
from bot.watching.metrics import Metrics
from bot.web import Watch, build_watch, serve_web
from scheduling.clock import MovedClock
from storage.database import open_database, sqlite_url
from storage.store import Store
from tests.handlers.conftest import START, Founded, Postbox, Service, founded

__all__ = ["Opens", "Page", "Seconds", "Watched", "founded", "get", "opens"]
BEAT = 15


@dataclass
class Seconds:
    """Seconds that pass when the test says so."""

    passed: float = 1000.0

    def __call__(self) -> float:
        return self.passed


@dataclass(frozen=True)
class Page:
    """A page of figures as Prometheus' own parser reads it."""

    text: str

    @property
    def families(self) -> list[Metric]:
        return list(text_string_to_metric_families(self.text))

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of this name by the values of their labels, in the order of the labels' names."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name
        }

    def value(self, name: str, *labels: str) -> float:
        return self.values(name)[labels]


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


@dataclass
class Watched:
    """A service whose watch is at `address`. `seconds` go on evenly, `service.clock` is the computer's."""

    service: Service
    seconds: Seconds
    address: str
    counts: Counts = field(default_factory=Counts)

    @property
    def program(self) -> Program:
        return self.service.program

    async def figures(self) -> Page:
        status, text = await get(f"{self.address}/metrics")
        assert status == 200, text
        return Page(text)

    async def ready(self) -> list[str]:
        """What is wrong, as whoever asks is told; nothing where the program is ready."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.address}/readyz") as answer:
            said: dict[str, Any] = await answer.json()
            assert (answer.status, said["ready"]) == ((503, False) if said["wrong"] else (200, True))
            return list(said["wrong"])

    def pass_by(self, seconds: float) -> None:
        """Let time pass, by both clocks."""
        self.seconds.passed += seconds
        self.service.clock.moment += timedelta(seconds=seconds)


Opens = Callable[..., AbstractAsyncContextManager[Watched]]


@pytest.fixture
def opens(founded: Founded, tmp_path: Path) -> Opens:
    """Opens the service with a watch on any free port. `url` is another way to its database, the file's path in it."""

    @asynccontextmanager
    async def opened(*, access: Access | None = None, url: str = "") -> AsyncIterator[Watched]:
        path = Path(shutil.copy(founded.path, tmp_path / "service.sqlite3"))
        database = open_database(url.format(path) if url else sqlite_url(path))
        store = Store(database, framework_named("southampton"), WorkCalendar())
        clock = MovedClock(WorkCalendar().moment(START.date(), START.time()))
        post, seconds, counts = Postbox(list(founded.sent)), Seconds(), Counts()
        figures = Figures(seconds)
        program = Program(store, clock, TimedDoor(post, "post", figures), demonstration=True, figures=figures)
        metrics = Metrics(program, counts, access or Access(), BEAT)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(store.close)
            sock, address = listening_socket("127.0.0.1", 0, "watch.port")
            watch = Watch(program, counts, timedelta(seconds=BEAT), metrics=metrics.page)
            await serve_web(stack, sock, build_watch(watch))
            yield Watched(Service(program, clock, post, dict(founded.people)), seconds, address, counts)

    return opened
