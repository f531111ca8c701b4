"""A month at speed, played twice: undisturbed, and with its nodes killed again and again; then the two are compared."""

import asyncio
import gc
import json
import logging
import random
import resource
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from storage.database import open_database, sqlite_url
from storage.outbox import LEASE
from storage.store import Store
from storage.tables import AuditRow
from tests.crashes import service
from tests.crashes.cast import Cast
from tests.crashes.full_disk import Disk
from tests.crashes.killing import Fleet, Kills, Moment, Pace
from tests.crashes.node import Node, Order, Press, Surroundings
from tests.crashes.outcome import Outcome, faults, left_out, outcome, through_the_change, untimely
from tests.crashes.own_postgresql import OwnPostgres
from tests.crashes.places import Places, Sighting
from tests.crashes.post_office import PostOffice
from tests.crashes.story_clock import StoryClock

Trouble = Literal["", "full disk", "clock", "restart"]
HEALED = LEASE + timedelta(seconds=1)
"""So long after a death what it left in mid-send is taken up; a heartbeat comes every few seconds."""
JUST_BEFORE = timedelta(seconds=1)
SLOWEST_ANSWER = 0.004
MOST_BEATS = 60
HOW_OFTEN: Mapping[Trouble, float] = {"": 0, "full disk": 0.3, "clock": 0.25, "restart": 0.08}
"""At how many of the moments there is trouble beside the kills."""
DISK = "disk"


@dataclass(frozen=True)
class Story:
    """What is to be played. `month` is a cycle, such as 2026-03; `board`: messages are changed where they stand."""

    seed: int
    kills: int
    month: str = "2026-03"
    nodes: int = 1
    trouble: Trouble = ""
    board: bool = False
    framework: str = "southampton"


@dataclass
class Report:
    """What came of it. Empty `faults`: nothing was lost, nothing was done twice, and everything came to rest."""

    story: dict[str, Any]
    faults: list[str] = field(default_factory=list)
    kills: int = 0
    hit: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    moments: int = 0
    presses: int = 0
    delivered_again: int = 0
    audits: int = 0
    duties: int = 0
    entries: int = 0
    messages: int = 0
    by_state: dict[str, int] = field(default_factory=dict)
    unknown: int = 0
    repeats: int = 0
    left_out: int = 0
    repeats_in_the_night: int = 0
    times_full: int = 0
    refused_by_the_disk: int = 0
    clock_steps: int = 0
    restarts: int = 0
    refused_meanwhile: int = 0
    own_file_system: bool = False
    log: list[str] = field(default_factory=list)
    log_says_full: bool = False
    seconds: float = 0
    cpu_seconds: float = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass
class Script:
    """What the people of the undisturbed story did, by the moment at which they did it; and how long it all took."""

    presses: dict[datetime, list[Press]] = field(default_factory=dict)
    pace: Pace = field(default_factory=lambda: Pace([], []))
    moments: list[datetime] = field(default_factory=list)

    def moment_after(self, now: datetime) -> datetime | None:
        """The first moment after `now` at which something happens; None if that was the last one."""
        return next((at for at in self.moments if at > now), None)


class Stage:
    """Where a month is played, in a folder of its own: database, post office and clock. The undisturbed twin is played
    once, in the very process that forks the nodes later, so that they find their statements and cards made."""

    def __init__(self, seed: int, month: str, framework: str, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.file = folder / DISK / "auditloop.sqlite3"
        self.file.parent.mkdir()
        self.framework = framework_named(framework)
        self.calendar = WorkCalendar(zone=ZoneInfo(self.framework.about.zone))
        self.month = service.month(self.framework, self.calendar, month)
        self.clock = StoryClock(self.month.begins)
        self.database = open_database(sqlite_url(self.file))
        self.post = PostOffice(seed)
        self.script = Script()
        self.twin = asyncio.run(self._undisturbed())

    def around(self, database: AsyncEngine | None = None) -> Surroundings:
        return Surroundings(database or self.database, self.framework, self.calendar, self.clock, self.post.port)

    def begin_again(self) -> None:
        """The beginning of the month once more, on SQLite."""
        for file in self.file.parent.iterdir():
            file.unlink()
        shutil.copy(self._beginning, self.file)

    async def begin_on(self, database: AsyncEngine) -> None:
        """The beginning of the month on another database, in which there is nothing so far."""
        store = Store(database, self.framework, self.calendar)
        await service.prepare(store, self.month, self.seed)
        await store.close()

    async def ended(self, database: AsyncEngine) -> Outcome:
        store = Store(database, self.framework, self.calendar)
        try:
            return await outcome(store, self.post.emptied())
        finally:
            await store.close()

    def close(self) -> None:
        self.post.close()

    @property
    def _beginning(self) -> Path:
        return self.folder / "beginning.sqlite3"

    async def _undisturbed(self) -> Outcome:
        node = Node(replace(self.around(), board=False), Places(Sighting()))
        await service.prepare(node.store, self.month, self.seed)
        await node.store.close()
        shutil.copy(self.file, self._beginning)
        cast = Cast(self.seed, self.month.ends, self.month.night)
        planned: datetime | None = self.month.begins
        while coming := [at for at in (planned, cast.next_at()) if at is not None and at <= self.month.ends]:
            now = max(min(coming), self.clock.now())
            self.clock.set(now)
            async with node.store.begin() as tx:
                audits = await tx.audits(await tx.session.scalars(select(AuditRow.id)))
                presses = list(cast.presses(tx.rules, audits, now))
            for press in presses:
                self.script.pace.presses.append((await self._done(node, press))[0])
            if presses:
                self.script.presses[now] = presses
            seconds, planned = await self._done(node, None)
            self.script.pace.beats.append(seconds)
            self.script.moments.append(now)
            if planned is not None and planned <= now:
                planned = now + timedelta(minutes=1)
            async with node.store.begin() as tx:
                audits = await tx.audits(await tx.session.scalars(select(AuditRow.id)))
                cast.look(tx.rules, audits, now)
        await node.store.close()
        return await self.ended(self.database)

    async def _done(self, node: Node, press: Press | None) -> tuple[float, datetime | None]:
        done = await node.do(Order(0, press))
        if done.fault:
            raise RuntimeError(f"the undisturbed story itself fails: {done.fault}")
        return done.seconds, done.planned


@dataclass
class _Trouble:
    """What goes wrong beside the kills, and how often it did."""

    kind: Trouble
    chance: random.Random
    disk: Disk | None = None
    postgres: OwnPostgres | None = None

    def comes(self) -> bool:
        return self.chance.random() < HOW_OFTEN[self.kind]


def play(story: Story, stage: Stage, *, disk: Disk | None = None, postgres: OwnPostgres | None = None) -> Report:
    """Play a month with its nodes killed, and compare it with its twin.

    It is played on the stage's own file, or on a PostgreSQL that has nothing in it so far.
    """
    begun, worked = time.perf_counter(), _cpu()
    report = Report(asdict(story))
    engine = stage.database
    if postgres is not None:
        engine = open_database(postgres.url)
        asyncio.run(stage.begin_on(engine))
    else:
        stage.begin_again()
    stage.clock.set(stage.month.begins)
    stage.post.set_pace(SLOWEST_ANSWER)
    around = replace(stage.around(engine), board=story.board, disk=disk)
    report.own_file_system = disk is not None and disk.own
    trouble = _Trouble(story.trouble, random.Random(story.seed + 1), disk, postgres)
    with _logging_to(stage.folder / "nodes.log") as logged:
        _killed(story, stage, around, trouble, report)
        found = asyncio.run(stage.ended(engine))
        lines = logged()
        report.log = [line for line in lines if " ERROR " in line]
        report.log_says_full = any("disk is full" in line for line in lines)
    in_order = postgres is None and story.trouble in ("", "clock")
    report.faults.extend(faults(found, stage.twin, board=story.board, in_order=in_order))
    report.faults.extend(untimely(found, stage.calendar))
    if postgres is not None:
        report.restarts = postgres.restarts
    if story.trouble not in ("full disk", "restart"):
        report.faults.extend(f"logged: {line}" for line in report.log)
    _count(report, found, stage)
    report.seconds, report.cpu_seconds = time.perf_counter() - begun, _cpu() - worked
    return report


def _killed(story: Story, stage: Stage, around: Surroundings, trouble: _Trouble, report: Report) -> None:
    if threading.active_count() > 1:
        raise RuntimeError("a process with threads can't be forked safely")
    script = stage.script
    presses = sum(map(len, script.presses.values()))
    orders = presses + len(script.moments) * story.nodes
    kills = Kills(story.kills, orders, random.Random(story.seed), script.pace)
    gc.collect()
    gc.freeze()
    fleet = Fleet(around, story.nodes, kills)
    try:
        _play(stage, fleet, trouble, report)
    finally:
        fleet.close()
        gc.unfreeze()
    report.kills, report.hit, report.named = kills.done, dict(kills.hit), dict(kills.named)
    report.presses, report.delivered_again = presses, fleet.again
    report.faults.extend(fleet.wrong)


def _play(stage: Stage, fleet: Fleet, trouble: _Trouble, report: Report) -> None:
    """The script once more, by nodes that are killed; each death brings a beat at which what it left is taken up."""
    script, clock = stage.script, stage.clock
    waiting = sorted(script.presses)
    beats: set[datetime] = {stage.month.begins}
    while coming := [*waiting[:1], *(at for at in beats if at <= stage.month.ends)]:
        now = min(coming)
        due = now in beats
        beats.discard(now)
        clock.set(now)
        presses = script.presses[waiting.pop(0)] if waiting and waiting[0] == now else []
        at_once = bool(presses) and not due
        healing = False
        # What is due at the moment of a press comes after it, as in the twin, so nothing may go wrong between them. At
        # the beginning something has been due for hours, which a clock that is set back would take at another moment.
        if trouble.comes() and not (presses and due) and now > stage.month.begins:
            presses = _in_trouble(stage, fleet, trouble, report, presses)
            healing = True
        moment = fleet.play(presses, at_once=at_once)
        report.moments += 1
        _no_faults(moment)
        if moment.planned is not None:
            beats = {at for at in beats if at > now}
            beats.add(moment.planned if moment.planned > now else now + timedelta(minutes=1))
        if moment.kills or healing:
            beats.add(now + HEALED)
    _come_to_rest(clock, fleet, report)


def _in_trouble(stage: Stage, fleet: Fleet, trouble: _Trouble, report: Report, presses: list[Press]) -> list[Press]:
    """What is done at a moment while something is wrong; the presses that are still to be done once it is right."""
    now = stage.clock.now()
    if trouble.kind == "clock":
        # The whole beat in the past, or a step in the midst of one; no further forward than to what is due next, since
        # a beat ticks again between its rounds and would take that early.
        hours = trouble.chance.choice((-50, -26, -3, -1, 1, 5, 30))
        wrong = now + timedelta(hours=hours, minutes=trouble.chance.randint(0, 59))
        following = stage.script.moment_after(now)
        if following is not None:
            wrong = min(wrong, following - JUST_BEFORE)
        if wrong < now and trouble.chance.random() < 0.5:
            stage.clock.set(wrong)
            moment = fleet.play([])
        else:
            moment = fleet.play([], clock_steps_to=wrong)
        stage.clock.set(now)
        report.clock_steps += 1
        _no_faults(moment)
        return presses
    if trouble.postgres is not None:
        moment = fleet.play(presses, meanwhile=trouble.postgres.restart)
        report.refused_meanwhile += len(moment.faults)
        return moment.unanswered
    if trouble.disk is None:
        raise RuntimeError("there is no disk to fill")
    trouble.disk.fill(trouble.chance)
    moment = fleet.play(presses)
    trouble.disk.make_room()
    report.times_full += 1
    report.refused_by_the_disk += len(moment.faults)
    other = [fault for fault in moment.faults if "full" not in fault and "disk I/O" not in fault]
    report.faults.extend(f"on a full disk: {fault}" for fault in other)
    return moment.unanswered


def _come_to_rest(clock: StoryClock, fleet: Fleet, report: Report) -> None:
    """Beats, a lease apart, until all kills have come and one beat has passed without any."""
    for _ in range(MOST_BEATS):
        clock.set(clock.now() + HEALED)
        moment = fleet.play([])
        report.moments += 1
        _no_faults(moment)
        if not moment.kills and fleet.kills.left <= 0:
            return
        fleet.kills.orders_left = 0


def _no_faults(moment: Moment) -> None:
    if moment.faults:
        raise RuntimeError(f"a node could not do what it was told: {moment.faults[0]}")


def _count(report: Report, found: Outcome, stage: Stage) -> None:
    report.audits, report.duties = len(found.tables["audits"]), len(found.tables["duties"])
    report.entries, report.messages = found.entries, len(found.messages)
    report.by_state = dict(Counter(row["state"] for row in found.messages.values()))
    report.unknown = sum(found.unknown.values())
    report.repeats = sum(arrival.says_so for arrival in found.post.arrivals)
    report.left_out = len(left_out(found, stage.twin))
    if stage.month.night is not None:
        report.repeats_in_the_night = through_the_change(found, stage.month.night)


def _cpu() -> float:
    """The processor time of this process and of those of its children that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


@contextmanager
def _logging_to(file: Path) -> Iterator[Callable[[], list[str]]]:
    file.unlink(missing_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(process)d %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield lambda: file.read_text("utf-8").splitlines()
    finally:
        root.removeHandler(handler)
        handler.close()
