"""Presses of a button in Teams: auditloop with its database beside the thinnest bot that botbuilder makes, in one run.

Each bot runs in a process of its own, without tokens; this one plays Teams for both.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from sqlalchemy import update

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.frameworks import framework_named
from benchmarks.teams import teams
from bot.running import open_bot
from bot.settings import Settings, TeamsSettings, WebSettings
from scheduling.clock import MovedClock
from scheduling.ticker import tick
from storage.allocations import ensure_cycle, plan_allocation
from storage.contacts import Whereabouts, keep_contact
from storage.database import open_database, sqlite_url
from storage.migrating import migrate
from storage.records import case_of
from storage.store import Store
from storage.tables import CaseRow, OutboxRow, PersonRow

AUDITORS = 300
AT_ONCE = 8
TENANT = "0f6d5a3c-8f0e-4a0b-9a3e-7c1f2e5d4b60"
BOT = {"id": "28:bot", "name": "auditloop"}
FRAMEWORK = framework_named("southampton")
CALENDAR = WorkCalendar()
CYCLE = Cycle.parse("2026-03")
FORM = {"grade": "good", "rationale": "The plan is clear.", "safety": "no"}
PRESSES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("accept", "a press that takes effect", {}),
    ("accept", "a press that finds this done", {}),
    ("hold", "a press that brings a form", {}),
    ("submit", "a form that has a mistake", FORM),
)


# ---- the two bots


async def thinnest() -> None:
    """What botbuilder's documentation has one write, answering each press with a small card."""
    from botbuilder.core import InvokeResponse, TurnContext
    from botbuilder.core.teams import TeamsActivityHandler
    from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
    from botbuilder.schema import Activity

    card = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Thank you."}]}
    answer = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": card}

    class Bot(TeamsActivityHandler):  # type: ignore[misc]
        async def on_invoke_activity(self, _context: TurnContext) -> InvokeResponse:
            return InvokeResponse(status=200, body=answer)

    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(SimpleNamespace(APP_ID="", APP_PASSWORD="")))
    bot = Bot()

    async def messages(request: web.Request) -> web.Response:
        activity = Activity().deserialize(await request.json())
        response = await adapter.process_activity(None or "", activity, bot.on_turn)
        return web.json_response(response.body, status=response.status)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages", flush=True)
    await asyncio.Event().wait()


async def auditloop(folder: Path) -> None:
    """auditloop on a database of its own, with everybody's audit allocated."""
    async with AsyncExitStack() as stack:
        store = _store(folder)
        stack.push_async_callback(store.close)
        settings = Settings(web=WebSettings(port=0), heartbeat_seconds=300, teams=TeamsSettings(anonymous=True))
        running = await open_bot(stack, settings, store, MovedClock(_start()), say=lambda _: None)
        print(f"{running.address}/api/messages", flush=True)
        await asyncio.Event().wait()


def _store(folder: Path) -> Store:
    return Store(open_database(sqlite_url(folder / "presses.sqlite3")), FRAMEWORK, CALENDAR)


def _start() -> Any:
    return CALENDAR.moment(CALENDAR.day_of(_issue()), _issue().time())


def _issue() -> Any:
    from audits.planning import issue_moment

    return issue_moment(FRAMEWORK, CYCLE, CALENDAR)


async def prepare(folder: Path, service_url: str) -> dict[int, tuple[int, str]]:
    """A service whose list has gone out; who has which audit, and by which button they take it."""
    store, now, found = _store(folder), _issue(), {}
    await migrate(store.database)
    async with store.begin() as tx:
        cycle = await ensure_cycle(tx, CYCLE)
        lead = PersonRow(name="Dan Dunlin", email="dan@example.org", role="service_lead")
        tx.session.add(lead)
        await tx.session.flush()
        for number in range(AUDITORS):
            holder = PersonRow(name=f"Holder {number}", email=f"h{number}@example.org", role="case_holder")
            auditor = PersonRow(name=f"Auditor {number}", email=f"a{number}@example.org", role="manager")
            holder.manager_id = auditor.manager_id = lead.id
            tx.session.add_all([holder, auditor])
            await tx.session.flush()
            case = CaseRow(ref=f"K-{number:04}", plan="CIN", holder_id=holder.id)
            tx.session.add(case)
            await tx.session.flush()
            for person in (holder, auditor):
                where = Whereabouts(TENANT, *_ids(person.id), BOT["id"], f"a:{person.id}", service_url)
                contact = await keep_contact(tx, "teams", person.id, where, now)
                contact.welcomed_at = now
            found[auditor.id] = case
        await tx.people_changed()
    async with store.begin() as tx:
        cycle = await ensure_cycle(tx, CYCLE)
        for auditor_id, case in found.items():
            await plan_allocation(tx, cycle, case_of(case), auditor_id, now)
    await tick(store, now)
    async with store.begin() as tx:
        await tx.session.execute(update(OutboxRow).values(state="sent", sent_at=now))
        audits = {audit.auditor_id or 0: audit.id for audit in await tx.audits(range(1, AUDITORS + 1))}
    await store.close()
    return {auditor_id: (audits[auditor_id], "") for auditor_id in found}


def _ids(person_id: int) -> tuple[str, str]:
    return f"00000000-0000-0000-0000-{person_id:012}", f"29:{person_id}"


# ---- Teams


def press(service_url: str, person_id: int, audit_id: int, verb: str, values: dict[str, str], number: int) -> str:
    """A press as Teams posts it."""
    object_id, user_id = _ids(person_id)
    activity = {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "id": f"f:{number}",
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {"id": user_id, "aadObjectId": object_id, "name": "Auditor"},
        "recipient": BOT,
        "conversation": {"conversationType": "personal", "id": f"a:{person_id}", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
        "locale": "en-GB",
        "replyToId": "1",
        "value": {
            "action": {
                "type": "Action.Execute",
                "verb": verb,
                "data": {"subject": str(audit_id), "card_id": "", **values},
            },
            "trigger": "manual",
        },
    }
    return json.dumps(activity)


async def presses_a_second(address: str, bodies: list[str]) -> float:
    """How many presses a bot answers in a second, `AT_ONCE` of them at the same time."""
    waiting = iter(bodies)
    async with ClientSession(connector=TCPConnector(limit=AT_ONCE)) as client:

        async def work() -> None:
            for body in waiting:
                headers = {"Content-Type": "application/json"}
                async with client.post(address, data=body, headers=headers) as answer:
                    if answer.status != 200 or (await answer.json())["statusCode"] != 200:
                        raise RuntimeError(f"a press was not answered: {await answer.text()}")

        begun = perf_counter()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return len(bodies) / (perf_counter() - begun)


@asynccontextmanager
async def bot(*arguments: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.presses", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield (await process.stdout.readline()).decode().strip() if process.stdout else ""
    finally:
        process.terminate()
        await process.wait()


async def compare() -> None:
    numbers = count(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with teams() as service:
            service_url = service.url
            audits = await prepare(folder, service_url)

            def bodies(verb: str, values: dict[str, str]) -> list[str]:
                return [
                    press(service_url, person_id, audit_id, verb, values, next(numbers))
                    for person_id, (audit_id, _) in audits.items()
                ]

            async with bot("thinnest") as address:
                await presses_a_second(address, bodies("accept", {})[:20])
                thin = await presses_a_second(address, bodies("accept", {}))
            print(f"{'the thinnest bot, without a database:':<42}{thin:7.1f} presses a second")
            async with bot("auditloop", name) as address:
                for verb, what, values in PRESSES:
                    ours = await presses_a_second(address, bodies(verb, values))
                    print(f"{f'auditloop, {what}:':<42}{ours:7.1f} presses a second, {ours / thin:.1f} times")


def main() -> None:
    runs: dict[str, Callable[[], Any]] = {"thinnest": thinnest, "auditloop": lambda: auditloop(Path(sys.argv[2]))}
    asyncio.run(runs.get(sys.argv[1] if len(sys.argv) > 1 else "", compare)())


if __name__ == "__main__":
    main()
