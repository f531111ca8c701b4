import asyncio
import logging
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audits.reading import with_settings
from scheduling.clock import MovedClock
from scheduling.delivery import deliver_due
from scheduling.door import Failure
from scheduling.running import catch_up, run_until
from scheduling.ticker import Ticked, next_moment, tick
from storage.database import sqlite_url
from storage.ledger import verify
from storage.store import Store
from storage.tables import AuditRow, DutyRow, LedgerRow, OutboxRow
from tests.scheduling.conftest import Letterbox, refusing
from tests.storage.conftest import Place, Service, differing, moment, opened, sqlite_only

MINUTE = timedelta(minutes=1)
ROOT = Path(__file__).parent.parent.parent

NODE = """
import asyncio, sys
from datetime import datetime
from audits.calendar import WorkCalendar
from audits.frameworks import framework_named
from scheduling.clock import MovedClock
from scheduling.running import catch_up
from storage.database import open_database
from storage.store import Store

class Door:
    async def deliver(self, to, parcel):
        print(*parcel.keys, sep="\\n", flush=True)

async def work(url, now):
    store = Store(open_database(url), framework_named("southampton"), WorkCalendar())
    print("ready", flush=True)
    sys.stdin.readline()
    await catch_up(store, Door(), MovedClock(datetime.fromisoformat(now)))
    await store.close()

asyncio.run(work(*sys.argv[1:]))
"""


async def a_week_of_work(service: Service) -> dict[str, int]:
    """Audits in which something different falls due for each auditor."""
    audits = {
        "Marek": await service.allocate("N-1", "Marek", "2026-03-03 09:00"),
        "Priya": await service.allocate("N-2", "Priya", "2026-03-03 09:00"),
        "Pat": await service.allocate("N-3", "Pat", "2026-03-03 09:00"),
    }
    await service.happens(audits["Marek"], "accepted", "2026-03-03 10:00", "Marek")
    return audits


async def told(service: Service) -> set[tuple[str, str, str]]:
    return {(service.name(row.to_id), row.what, row.key) for row in await service.rows(OutboxRow)}


async def test_nothing_is_taken_before_its_moment_and_everything_at_it(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    nudge = moment("2026-03-05 09:00")
    assert await tick(service.store, nudge - timedelta(seconds=1)) == Ticked()
    assert await tick(service.store, nudge) == Ticked(steps=1)
    assert ("Marek", "nudge", f"{audit}/accept/1/nudge@2026-03-05T09:00/{service.ids['Marek']}") in await told(service)


async def test_a_tick_with_nothing_due_writes_nothing(service: Service) -> None:
    await a_week_of_work(service)
    await tick(service.store, moment("2026-03-05 09:00"))
    before = service.contents()
    assert await tick(service.store, moment("2026-03-05 09:00")) == Ticked()
    assert differing(before, service.contents()) == []


async def test_due_work_is_found_by_a_program_that_was_not_there_when_it_was_planned(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.store.close()
    async with opened(service.place.url) as store:
        assert (await tick(store, moment("2026-03-05 09:00"))).steps == 1


@sqlite_only
async def test_a_tick_looks_at_what_is_due_and_not_at_what_exists(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    with closing(sqlite3.connect(service.file)) as connection:
        plan = " ".join(
            str(row[3])
            for row in connection.execute(
                "EXPLAIN QUERY PLAN SELECT ref FROM duties WHERE next_at <= '2026-03-05' AND closed_at IS NULL"
            )
        )
    assert "ix_duties_due" in plan


async def test_a_changed_framework_does_not_rewrite_a_promise_that_runs(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    changed = with_settings(service.store.framework, {"accept": {"nudge": [], "ladder": []}})
    store = Store(service.store.database, changed, service.store.calendar)
    assert (await tick(store, moment("2026-03-05 09:00"))).steps == 1
    assert ("Marek", "nudge", "accept") in await service.waiting()


async def test_a_duty_that_the_framework_has_lost_keeps_no_other_waiting(
    service: Service, letterbox: Letterbox, caplog: pytest.LogCaptureFixture
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.allocate("N-2", "Priya", "2026-03-03 09:00")
    duties = {key: rule for key, rule in service.store.framework.duties.items() if key != "accept"}
    changed = service.store.framework.model_copy(update={"duties": duties})
    store = Store(service.store.database, changed, service.store.calendar)
    await tick(store, moment("2026-03-13 09:00"))
    waiting = await service.waiting()
    assert {("Marek", "nudge", "complete_audit"), ("Priya", "nudge", "complete_audit")} <= waiting
    assert ("Marek", "overdue", "accept") in waiting
    await deliver_due(store, letterbox, MovedClock(moment("2026-03-13 09:00")))
    assert {row.state for row in await service.rows(OutboxRow)} <= {"sent", "superseded"}
    assert caplog.records == []
    await replace(service, store=store).happens(audit, "withdrawn", "2026-03-13 10:00", "Quinn", reason="Closed")
    assert (await service.audit(audit)).open_duties() == ()


async def test_a_duty_whose_step_fails_is_logged_and_keeps_no_other_waiting(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    broken = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.allocate("N-2", "Priya", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        row = (await tx.session.scalars(select(DutyRow).where(DutyRow.ref == f"{broken}/accept/1"))).one()
        steps, row.steps = row.steps, []
    with caplog.at_level(logging.ERROR, logger="scheduling.ticker"):
        assert (await tick(service.store, moment("2026-03-05 09:00"))).steps == 1
    assert ("Priya", "nudge", "accept") in await service.waiting()
    assert {record.getMessage() for record in caplog.records} == {f"the step of duty {broken}/accept/1 failed"}

    async with service.store.begin() as tx:
        row = (await tx.session.scalars(select(DutyRow).where(DutyRow.ref == f"{broken}/accept/1"))).one()
        row.steps = steps
    assert (await tick(service.store, moment("2026-03-05 09:01"))).steps == 1
    assert ("Marek", "nudge", "accept") in await service.waiting()


async def test_a_closed_duty_takes_no_more_steps(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "withdrawn", "2026-03-04 10:00", "Quinn", reason="Closed")
    assert await tick(service.store, moment("2026-05-01 09:00")) == Ticked()


async def test_the_ladder_is_climbed_rung_by_rung(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "held", "2026-03-04 10:00", "Marek")
    for day in range(5, 45):
        await tick(service.store, moment("2026-03-01 09:00") + timedelta(days=day))
    rows = await service.rows(
        OutboxRow, OutboxRow.duty == "complete_audit", OutboxRow.what.in_(["overdue", "escalation"])
    )
    assert {(service.name(row.to_id), row.what, row.decided_at.date().isoformat()) for row in rows} == {
        ("Marek", "overdue", "2026-03-30"),
        ("Lena", "overdue", "2026-03-30"),
        ("Hana", "escalation", "2026-04-01"),
        ("Hana", "escalation", "2026-04-08"),
    }


async def test_two_tickers_at_once_take_each_step_once(
    service: Service, staffed: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    now = moment("2026-03-16 10:00")
    alone = Path(shutil.copy(staffed[0], tmp_path / "alone.sqlite3"))
    async with opened(alone) as store:
        lonely = Service(store, Place(sqlite_url(alone), alone), service.ids)
        await a_week_of_work(lonely)
        expected = await tick(store, now)
        one_ticker = await told(lonely)

    await a_week_of_work(service)
    async with service.another_node() as other:
        first, second, third = await asyncio.gather(
            tick(service.store, now), tick(other, now), tick(service.store, now)
        )
    assert first.steps + second.steps + third.steps == expected.steps > 0
    assert await told(service) == one_ticker
    async with service.store.begin() as tx:
        assert (await verify(tx))[1] == []


async def test_two_tickers_at_once_send_an_allocation_and_a_list_out_once(service: Service) -> None:
    await service.plan("N-1", "Marek", "2026-03-03 09:00")
    await service.plan("N-2", "Priya", "2026-03-03 09:00")
    now = moment("2026-03-30 09:00")
    async with service.another_node() as other:
        done = await asyncio.gather(tick(service.store, now), tick(other, now))
    assert sum(one.issued for one in done) == 2
    assert sum(one.lists for one in done) == 1
    assert len(await service.rows(LedgerRow, LedgerRow.kind == "allocated")) == 2


@sqlite_only
async def test_two_programs_on_one_file_do_each_thing_once(service: Service) -> None:
    """Three programs on one PostgreSQL, which are killed as well, are in tests/crashes."""
    await a_week_of_work(service)
    now = moment("2026-03-16 10:00")
    nodes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", NODE, service.place.url, now.isoformat()), cwd=ROOT, stdin=PIPE, stdout=PIPE
        )
        for _ in range(2)
    ]
    for node in nodes:
        assert node.stdout is not None
        assert await node.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(node.communicate(b"go\n") for node in nodes))
    assert [node.returncode for node in nodes] == [0, 0]
    keys = [key for out, _ in said for key in out.decode().split()]
    rows = await service.rows(OutboxRow)
    assert sorted(keys) == sorted(row.key for row in rows if row.state == "sent")
    assert {row.state for row in rows} == {"sent", "superseded"}
    assert not any(row.possible_repeat for row in rows)
    async with service.store.begin() as tx:
        assert (await verify(tx))[1] == []


async def test_after_a_week_of_downtime_there_is_one_reminder_and_every_escalation(
    service: Service, letterbox: Letterbox
) -> None:
    audits = await a_week_of_work(service)
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-04 17:00")))
    letterbox.emptied()

    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-16 10:00")))
    (reminder,) = letterbox.parcels("Marek")
    assert reminder.card.title == "2 reminders for you"
    marek = service.ids["Marek"]
    assert set(reminder.keys) == {
        f"{audits['Marek']}/book_session/1/overdue@2026-03-11T09:00/{marek}",
        f"{audits['Marek']}/complete_audit/1/nudge@2026-03-13T09:00/{marek}",
    }
    # Nobody answered the other two allocations, so the QA Unit hears of each.
    escalated = [key for parcel in letterbox.parcels("Quinn") for key in parcel.keys]
    assert sorted(escalated) == sorted(
        f"{audits[name]}/accept/1/escalation@2026-03-11T09:00/{service.ids['Quinn']}" for name in ("Priya", "Pat")
    )
    assert [key.split("/")[1] for parcel in letterbox.parcels("Lena") for key in parcel.keys] == ["book_session"]
    assert len(letterbox.parcels("Priya")) == 1


async def test_after_downtime_everybody_who_missed_nudges_gets_the_newest_of_them(
    service: Service, letterbox: Letterbox
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "accepted", "2026-03-03 10:00", "Marek")
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-04 17:00")))
    letterbox.emptied()
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-10 10:00")))
    assert {(name, key) for name, parcel in letterbox.arrived for key in parcel.keys} == {
        (name, f"{audit}/book_session/1/nudge@2026-03-09T09:00/{service.ids[name]}") for name in ("Cas", "Marek")
    }


async def test_missed_repeats_of_an_alert_become_one_that_has_climbed(service: Service, letterbox: Letterbox) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-03 09:00")))
    await service.happens(audit, "safety_raised", "2026-03-03 22:00", "Marek", text="Alone at night")
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-03 22:00")))
    assert {name for name, _ in letterbox.emptied()} >= {"Pat", "Lena", "Hana", "Dev"}

    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-03 23:05")))
    assert letterbox.names.count("Pat") == 1
    assert "Edith" in letterbox.names
    await service.happens(audit, "acknowledged", "2026-03-03 23:06", "Pat")
    letterbox.emptied()
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-03 23:20")))
    assert "Pat" not in letterbox.names
    assert "Lena" in letterbox.names


async def test_the_next_moment_is_the_earliest_of_duties_allocations_lists_and_messages(service: Service) -> None:
    assert await next_moment(service.store, moment("2026-03-01 09:00")) is None
    await service.plan("N-1", "Marek", "2026-03-03 09:00")
    assert await next_moment(service.store, moment("2026-03-01 09:00")) == moment("2026-03-02 09:00"), "the draw"
    await tick(service.store, moment("2026-03-02 09:00"))
    assert await next_moment(service.store, moment("2026-03-02 09:00")) == moment("2026-03-03 09:00")
    await tick(service.store, moment("2026-03-03 09:00"))
    assert await service.rows(AuditRow, AuditRow.issue_at.is_(None))
    assert await next_moment(service.store, moment("2026-03-03 09:00")) == moment("2026-03-03 09:00")
    assert {row.next_at for row in await service.rows(DutyRow)} == {
        moment("2026-03-05 09:00"),
        moment("2026-03-13 09:00"),
    }


async def test_the_next_moment_counts_what_may_have_arrived_and_goes_again(service: Service) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    now = moment("2026-03-03 09:00")
    await tick(service.store, now)
    await deliver_due(service.store, refusing(Failure.UNKNOWN), MovedClock(now))
    coming = await next_moment(service.store, now)
    assert coming is not None
    assert now < coming < now + MINUTE


class CountedClock(MovedClock):
    """A moved clock that counts how often it was moved."""

    moves = 0

    def move_to(self, moment: datetime) -> None:
        self.moves += 1
        super().move_to(moment)


async def test_a_step_that_fails_for_good_does_not_hold_a_moved_clock(
    service: Service, letterbox: Letterbox, caplog: pytest.LogCaptureFixture
) -> None:
    await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    async with service.store.begin() as tx:
        for row in await tx.session.scalars(select(DutyRow)):
            row.steps = []
    clock = CountedClock(moment("2026-03-03 09:00"))
    with caplog.at_level(logging.CRITICAL):
        await run_until(service.store, letterbox, clock, moment("2026-05-01 09:00"))
    assert clock.now() == moment("2026-05-01 09:00")
    assert clock.moves < 90
