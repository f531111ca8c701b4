"""A tick costs what is due, not what exists: ten due duties beside few and beside many open ones."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import insert

from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from audits.state import Step
from scheduling.ticker import tick
from storage.database import open_database, sqlite_url
from storage.migrating import migrate
from storage.records import plain
from storage.store import Store
from storage.tables import AuditRow, CaseRow, CycleRow, DutyRow, PersonRow

FEW, MANY, DUE, ROUNDS = 100, 20_000, 10, 7
START = datetime(2026, 3, 3, 9, tzinfo=UTC)


async def _store(folder: Path, count: int) -> Store:
    store = Store(
        open_database(sqlite_url(folder / f"{count}.sqlite3")), framework_named("southampton"), WorkCalendar()
    )
    await migrate(store.database)
    async with store.begin() as tx:
        person = PersonRow(name="Carol", email="carol@example.org", role="manager")
        cycle = CycleRow(month="2026-03", issue_at=START, unfilled=[])
        tx.session.add_all([person, cycle])
        await tx.session.flush()
        cases = [{"ref": f"C-{number}", "plan": "CIN"} for number in range(count)]
        await tx.session.execute(insert(CaseRow), cases)
        audits = [
            {
                "framework": "southampton",
                "kind": "core",
                "cycle_id": cycle.id,
                "case_id": number,
                "auditor_id": person.id,
            }
            | {"issued_at": START, "facts": {}, "done": {}, "version": 1}
            for number in range(1, count + 1)
        ]
        await tx.session.execute(insert(AuditRow), audits)
        await tx.session.execute(insert(DutyRow), [_duty(number, person.id) for number in range(1, count + 1)])
    return store


def _duty(number: int, owner_id: int) -> dict[str, object]:
    """A duty whose steps lie a day apart; the first ten begin at once, the others in a year."""
    first = START + timedelta(days=0 if number <= DUE else 365)
    steps = [Step(f"nudge-{day}", first + timedelta(days=day), "nudge", ("owner",)) for day in range(ROUNDS)]
    return {
        "ref": f"{number}/complete_audit/1",
        "audit_id": number,
        "key": "complete_audit",
        "owner_role": "manager",
        "owner_id": owner_id,
        "opened_at": START,
        "nominal": first + timedelta(days=30),
        "effective": first + timedelta(days=30),
        "steps": plain(steps),
        "next_at": first,
    }


async def _seconds(store: Store) -> float:
    taken: list[float] = []
    for day in range(ROUNDS):
        begun = perf_counter()
        done = await tick(store, START + timedelta(days=day))
        taken.append(perf_counter() - begun)
        if done.steps != DUE:
            raise RuntimeError(f"{done.steps} steps were taken, not {DUE}")
    await store.close()
    return median(taken)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        few = await _seconds(await _store(Path(folder), FEW))
        many = await _seconds(await _store(Path(folder), MANY))
    print(f"ten due duties beside {FEW}: 1.0; beside {MANY}: {many / few:.2f} times as long")


if __name__ == "__main__":
    asyncio.run(main())
