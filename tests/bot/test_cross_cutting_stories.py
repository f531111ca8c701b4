"""Stories that hold in every framework: one press one effect, the stale card, and personal data in free text."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.frameworks import framework_named
from bot.rehearsal.company import Company
from bot.rehearsal.script import Script
from cards.stored import to_json
from handlers.dispatch import answer
from handlers.interaction import Interaction, Reply
from storage.allocations import ensure_cycle, issue, plan_allocation
from storage.database import open_database, sqlite_url
from storage.records import case_of
from storage.store import Store
from storage.tables import LedgerRow, OutboxRow, Table

NHS_NUMBER = "943 476 5919"
POSTCODE = "SO14 7LY"
GRADED = {
    "grade": "requires_improvement",
    "rationale": "Visits are regular, the plan is not yet clear.",
    "safety": "no",
    "feedback_child": "obtained",
    "feedback_parent_carer": "attempted",
    "action_1_what": "Make the plan clear",
}


@dataclass
class Service:
    """One council with one allocated audit, in a file of its own."""

    file: Path
    store: Store
    company: Company
    audit_id: int
    now: datetime = field(default=datetime(2026, 1, 14, 10, 0, tzinfo=UTC))

    def interaction(
        self, by: str, verb: str, event: str, values: Mapping[str, str] | None = None, *, action: int | None = None
    ) -> Interaction:
        subject = f"{self.audit_id}" if action is None else f"{self.audit_id}:{action}"
        return Interaction(self.company.person(by, "test"), verb, event, self.now, subject, values or {})

    async def press(
        self, by: str, verb: str, event: str, values: Mapping[str, str] | None = None, *, action: int | None = None
    ) -> Reply:
        self.now += timedelta(minutes=1)
        return await answer(self.store, self.interaction(by, verb, event, values, action=action))

    async def recorded(self, kind: str) -> int:
        async with self.store.begin() as tx:
            count = await tx.session.scalar(select(func.count(LedgerRow.id)).where(LedgerRow.kind == kind))
        return count or 0

    async def messages(self) -> int:
        async with self.store.begin() as tx:
            return await tx.session.scalar(select(func.count(OutboxRow.id))) or 0

    def another_node(self) -> Store:
        return Store(open_database(sqlite_url(self.file)), self.store.framework, self.store.calendar)

    async def graded(self) -> None:
        for verb in ("accept", "hold"):
            assert not (await self.press("Priya", verb, verb)).refused
        assert not (await self.press("Priya", "submit", "submit", GRADED)).refused


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    framework = framework_named("southampton")
    day = datetime.fromisoformat("2026-01-05T09:00")
    script = Script(
        framework="southampton", start=day, until=day, cast={"auditor": "Priya", "service_lead": "Lena", "hos": "Hana"}
    )
    file = tmp_path / "service.sqlite3"
    database = open_database(sqlite_url(file))
    async with database.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
    store = Store(database, framework, WorkCalendar())
    company = Company(framework, script)
    at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    async with store.begin() as tx:
        await company.gather(tx)
        case = await company.case(tx, "S-1", "CIN", company.person("case_holder", "test"))
        cycle = await ensure_cycle(tx, Cycle.parse("2026-01"))
        row = await plan_allocation(tx, cycle, case_of(case), company.person("Priya", "test"), at)
    async with store.begin() as tx:
        audit = await tx.audit(row.id)
        assert audit is not None
        await issue(tx, audit, at)
    yield Service(file, store, company, row.id)
    await store.close()


def _words(reply: Reply) -> str:
    return reply.card.plain()


def _same(one: Reply, other: Reply) -> bool:
    return (to_json(one.card), one.refused) == (to_json(other.card), other.refused)


async def test_a_press_sent_again_by_the_platform_takes_effect_once(service: Service) -> None:
    await service.press("Priya", "accept", "accept")
    await service.press("Priya", "hold", "hold")
    first = await service.press("Priya", "submit", "event-1", GRADED)
    told = await service.messages()
    again = await service.press("Priya", "submit", "event-1", GRADED)
    assert not first.refused
    assert _same(first, again)
    assert await service.recorded("submitted") == 1
    assert await service.messages() == told


async def test_a_press_that_reaches_two_nodes_at_once_takes_effect_once(service: Service) -> None:
    press = service.interaction("Priya", "accept", "event-1")
    elsewhere = service.another_node()
    replies = await asyncio.gather(answer(service.store, press), answer(elsewhere, press), answer(service.store, press))
    await elsewhere.close()
    assert not replies[0].refused
    assert all(_same(replies[0], reply) for reply in replies)
    assert await service.recorded("accepted") == 1


async def test_a_refusal_sent_again_reads_the_same(service: Service) -> None:
    first = await service.press("Priya", "record", "event-1")
    again = await service.press("Priya", "record", "event-1")
    assert first.refused
    assert _same(first, again)


async def test_somebody_elses_event_is_not_answered_to_another_person(service: Service) -> None:
    await service.press("Priya", "accept", "event-1")
    borrowed = await service.press("Lena", "accept", "event-1")
    assert borrowed.refused
    assert "answered by someone else" in _words(borrowed)


async def test_the_second_of_two_managers_reads_who_signed_off_and_when(service: Service) -> None:
    await service.graded()
    await service.press("case_holder", "confirm", "confirm", action=1)
    first = await service.press("Lena", "sign_off", "event-1", action=1)
    second = await service.press("Hana", "sign_off", "event-2", action=1)
    assert not first.refused
    assert second.refused
    assert "already signed off" in _words(second)
    assert "Lena did so on Wed 14 Jan 2026 at 10:05" in _words(second)
    assert await service.recorded("signed_off") == 1


async def test_two_managers_who_sign_off_in_the_same_moment_do_it_once(service: Service) -> None:
    await service.graded()
    await service.press("case_holder", "confirm", "confirm", action=1)
    elsewhere = service.another_node()
    replies = await asyncio.gather(
        answer(service.store, service.interaction("Lena", "sign_off", "event-1", action=1)),
        answer(elsewhere, service.interaction("Hana", "sign_off", "event-2", action=1)),
    )
    await elsewhere.close()
    assert sorted(reply.refused for reply in replies) == [False, True]
    late = next(reply for reply in replies if reply.refused)
    assert "already signed off" in _words(late)
    assert await service.recorded("signed_off") == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"NHS number {NHS_NUMBER}, seen weekly.", "an NHS number"),
        (f"Lives at {POSTCODE} now.", "a postcode"),
        ("A boy born 14/03/2015.", "a date of birth"),
    ],
)
async def test_the_writer_is_asked_before_personal_data_goes_anywhere(service: Service, text: str, kind: str) -> None:
    await service.press("Priya", "accept", "accept")
    await service.press("Priya", "hold", "hold")
    told = await service.messages()
    reply = await service.press("Priya", "submit", "event-1", {**GRADED, "rationale": text})
    assert reply.refused
    errors = {entry.name: entry.error for entry in reply.card.all_inputs() if entry.error}
    assert errors.keys() == {"rationale"}
    assert f"This looks like {kind}" in errors["rationale"]
    assert await service.recorded("submitted") == 0
    assert await service.messages() == told


async def test_the_writer_may_say_that_the_check_is_mistaken(service: Service) -> None:
    await service.press("Priya", "accept", "accept")
    await service.press("Priya", "hold", "hold")
    values = {**GRADED, "rationale": f"Form number {NHS_NUMBER}, not a person.", "privacy_checked": "yes"}
    reply = await service.press("Priya", "submit", "event-1", values)
    assert not reply.refused


async def test_personal_data_that_was_asked_about_is_not_kept(service: Service) -> None:
    await service.press("Priya", "accept", "accept")
    await service.press("Priya", "hold", "hold")
    await service.press("Priya", "submit", "event-1", {**GRADED, "rationale": f"NHS number {NHS_NUMBER}."})
    kept = b"".join(path.read_bytes() for path in service.file.parent.iterdir() if path.is_file())
    assert b"not yet clear" not in kept
    assert NHS_NUMBER.encode() not in kept
