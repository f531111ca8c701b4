"""Several nodes on one PostgreSQL that tick, deliver and answer at once: each thing is done once."""

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audits.dates import Cycle
from audits.state import REAUDIT, Event
from handlers.dispatch import answer
from handlers.interaction import Interaction, Reply
from scheduling.clock import MovedClock
from scheduling.running import catch_up, run_until
from scheduling.ticker import tick
from storage.allocations import draw_cycle
from storage.by_hand import allocate_by_hand
from storage.contacts import Whereabouts, keep_contact
from storage.database import sqlite_url
from storage.drafts import keep_draft
from storage.ledger import note, verify
from storage.store import Store
from storage.tables import AnswerRow, AuditRow, CaseRow, ContactRow, DraftRow, LedgerRow, OutboxRow, RevisionRow
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Place, Service, moment, opened, postgresql_only

NODES = 3


@pytest.fixture
async def nodes(service: Service) -> AsyncIterator[list[Store]]:
    """Three programs on one database, the service's own among them."""
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(service.another_node()) for _ in range(NODES - 1)]
        yield [service.store, *others]


async def drawn(service: Service) -> None:
    async with service.store.begin() as tx:
        await draw_cycle(tx, Cycle.parse("2026-03"), 7, moment("2026-02-20 10:00"))


async def whole(service: Service) -> bool:
    """Whether the ledger's chains hold."""
    async with service.store.begin() as tx:
        return (await verify(tx))[1] == []


async def told(service: Service) -> Counter[tuple[str, str]]:
    return Counter((row.what, row.key) for row in await service.rows(OutboxRow))


@postgresql_only
async def test_a_month_that_three_nodes_live_through_is_the_month_of_one(
    service: Service,
    nodes: list[Store],
    staffed: tuple[Path, dict[str, int]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = Path(shutil.copy(staffed[0], tmp_path / "alone.sqlite3"))
    moments = [moment(f"2026-{day} 09:00") for day in ("03-03", "03-05", "03-13", "03-30", "04-02", "04-07", "04-13")]
    async with opened(file) as store:
        alone = Service(store, Place(sqlite_url(file), file), service.ids)
        await drawn(alone)
        for now in moments:
            await catch_up(alone.store, Letterbox(), MovedClock(now))
        expected = await told(alone)
        entries = Counter(row.kind for row in await alone.rows(LedgerRow))

    await drawn(service)
    letterboxes = [Letterbox() for _ in nodes]
    for now in moments:
        clocks = [MovedClock(now) for _ in nodes]
        await asyncio.gather(*map(catch_up, nodes, letterboxes, clocks))
    assert await told(service) == expected
    assert Counter(row.kind for row in await service.rows(LedgerRow)) == entries
    assert entries["moderation_drawn"] == 1
    arrived = Counter(key for letterbox in letterboxes for key in letterbox.keys)
    sent = {row.key for row in await service.rows(OutboxRow, OutboxRow.state == "sent")}
    assert arrived == Counter(sent)
    assert not await service.rows(OutboxRow, OutboxRow.possible_repeat.is_(True))
    assert await whole(service)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@postgresql_only
async def test_ticks_and_answers_on_one_audit_at_once_all_take_effect(
    service: Service, nodes: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    now = moment("2026-03-16 10:00")
    proposals = [
        replace(service, store=node).happens(
            audit, "proposed", f"2026-03-16 10:{number:02}", "Marek", at=moment("2026-03-20 14:00")
        )
        for number, node in enumerate(nodes * 4)
    ]
    ticks = [tick(node, now) for node in nodes]
    await asyncio.gather(*proposals, *ticks)
    kinds = Counter(row.kind for row in await service.rows(LedgerRow, LedgerRow.audit_id == audit))
    assert kinds["proposed"] == len(proposals)
    assert max((await told(service)).values()) == 1
    assert await whole(service)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def press(service: Service, audit: int, event_id: str) -> Interaction:
    return Interaction(
        person_id=service.ids["Marek"],
        verb="accept",
        subject=str(audit),
        values={},
        event_id=event_id,
        at=moment("2026-03-03 10:00"),
    )


async def pressed_at_once(nodes: list[Store], presses: list[Interaction]) -> list[Reply]:
    return list(await asyncio.gather(*map(answer, nodes, presses)))


@postgresql_only
async def test_one_press_that_reaches_three_nodes_has_one_effect_and_one_answer(
    service: Service, nodes: list[Store]
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    replies = await pressed_at_once(nodes, [press(service, audit, "one") for _ in nodes])
    assert len({reply.card for reply in replies}) == 1
    assert sorted(reply.again for reply in replies) == [False, True, True]
    assert len(await service.rows(AnswerRow)) == 1
    assert len(await service.rows(LedgerRow, LedgerRow.kind == "accepted")) == 1
    assert await whole(service)


@postgresql_only
async def test_presses_of_one_person_at_once_have_one_effect(service: Service, nodes: list[Store]) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    replies = await pressed_at_once(nodes, [press(service, audit, name) for name in ("one", "two", "three")])
    assert len(await service.rows(AnswerRow)) == len(replies) == NODES
    assert len(await service.rows(LedgerRow, LedgerRow.kind == "accepted")) == 1
    assert max((await told(service)).values()) == 1
    assert await whole(service)


@postgresql_only
async def test_a_case_is_audited_again_once_however_many_ask_for_it(service: Service, nodes: list[Store]) -> None:
    first = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(first, "submitted", "2026-03-10 10:00", "Marek", grade="inadequate")
    await service.happens(first, "moderated", "2026-03-12 10:00", "Quinn", grade="inadequate")
    now = moment("2026-05-05 09:00")
    await tick(service.store, now - timedelta(minutes=1))
    case = (await service.audit(first)).case

    async def by_hand(node: Store) -> None:
        async with node.begin() as tx:
            await allocate_by_hand(tx, case, service.ids["Priya"], now)

    await asyncio.gather(tick(nodes[0], now), by_hand(nodes[1]), tick(nodes[2], now))
    again = await service.rows(AuditRow, AuditRow.kind == REAUDIT)
    assert [row.earlier_audit_id for row in again] == [first]
    assert await whole(service)


@postgresql_only
async def test_a_cycle_that_two_draw_at_once_gives_nobody_two_audits(service: Service, nodes: list[Store]) -> None:
    await asyncio.gather(*(drawn(replace(service, store=node)) for node in nodes))
    given = Counter(row.auditor_id for row in await service.rows(AuditRow))
    assert set(given.values()) == {1}
    assert len(given) == 5
    assert max(Counter(row.case_id for row in await service.rows(AuditRow)).values()) == 1
    assert await whole(service)


@postgresql_only
async def test_people_who_are_changed_at_once_are_known_anew_by_every_node(
    service: Service, nodes: list[Store]
) -> None:
    async def knows(node: Store) -> set[str]:
        async with node.begin() as tx:
            return {person.name for person in tx.directory.people.values() if person.team == "New"}

    before = (await service.rows(RevisionRow, RevisionRow.name == "people"))[0].number
    names = ("Marek", "Priya", "Pat")
    await asyncio.gather(
        *(replace(service, store=node).change(name, team="New") for node, name in zip(nodes, names, strict=True))
    )
    assert (await service.rows(RevisionRow, RevisionRow.name == "people"))[0].number == before + len(names)
    for node in nodes:
        assert await knows(node) == set(names)


@postgresql_only
async def test_somebody_who_is_met_on_every_node_at_once_is_known_once(service: Service, nodes: list[Store]) -> None:
    marek, now = service.ids["Marek"], moment("2026-03-03 09:00")

    async def meet(node: Store) -> None:
        async with node.begin() as tx:
            await keep_contact(tx, "slack", marek, Whereabouts("T1", "U1", "U1"), now)

    async def type_(node: Store, number: int) -> None:
        async with node.begin() as tx:
            await keep_draft(tx, marek, "submit/1", {"rationale": f"Draft {number}"}, now)

    await asyncio.gather(*map(meet, nodes * 2), *(type_(node, number) for number, node in enumerate(nodes * 2)))
    assert [row.object_id for row in await service.rows(ContactRow)] == ["U1"]
    assert len(await service.rows(DraftRow)) == 1


@postgresql_only
async def test_what_is_noted_of_the_service_at_once_is_one_chain(service: Service, nodes: list[Store]) -> None:
    async def noted(node: Store) -> None:
        async with node.begin() as tx:
            await note(tx, Event("people_imported", moment("2026-03-03 09:00"), None, {"added": 1}))

    await asyncio.gather(*map(noted, nodes * 3))
    assert len(await service.rows(LedgerRow)) == NODES * 3
    assert await whole(service)


@postgresql_only
async def test_an_audit_of_an_impossible_number_is_not_there(service: Service) -> None:
    async with service.store.begin() as tx:
        assert await tx.audit(999_999_999_999) is None
        assert await tx.audit(999_999_999_999, alone=True) is None
        assert await tx.audits([0, -1]) == []
        assert len(list(await tx.session.scalars(CaseRow.table().select()))) == 5


@postgresql_only
async def test_what_runs_beside_others_goes_through_every_moment_in_between(
    service: Service, nodes: list[Store]
) -> None:
    await drawn(service)
    until = moment("2026-03-20 18:00")
    await asyncio.gather(
        *(run_until(node, Letterbox(), MovedClock(moment("2026-03-02 09:00")), until) for node in nodes)
    )
    assert max((await told(service)).values()) == 1
    issued = await service.rows(LedgerRow, LedgerRow.kind == "allocated")
    assert len(issued) == 5
    assert await whole(service)
