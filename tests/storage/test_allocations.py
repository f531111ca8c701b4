from datetime import date

import pytest
from sqlalchemy import delete, update

from audits.dates import Cycle
from audits.sampling import Draw
from storage.allocations import MODERATION_DRAW, draw_cycle, ensure_cycle, preview
from storage.tables import AuditRow, CaseRow, CycleNoticeRow, CycleRow, LedgerRow
from tests.storage.conftest import PowerCut, Service, differing, moment, power_cut_at

MARCH = Cycle.parse("2026-03")
BEFORE = moment("2026-03-02 10:00")


async def draw(service: Service, at: str, seed: int = 7, cycle: Cycle = MARCH) -> Draw:
    async with service.store.begin() as tx:
        return (await draw_cycle(tx, cycle, seed, moment(at)))[1]


def pairs(drawn: Draw) -> dict[str, str]:
    return {auditor.name: case.ref for auditor, case in drawn.drawn}


async def allocated(service: Service) -> dict[str, str]:
    refs = {row.id: row.ref for row in await service.rows(CaseRow)}
    return {service.name(row.auditor_id): refs[row.case_id] for row in await service.rows(AuditRow)}


async def test_a_draw_gives_a_case_to_every_auditor_who_can_have_one_and_keeps_its_seed(service: Service) -> None:
    drawn = await draw(service, "2026-03-02 10:00", seed=41)
    assert set(pairs(drawn)) == {"Marek", "Priya", "Pat", "Rae", "Mo"}
    assert await allocated(service) == pairs(drawn)
    (cycle,) = await service.rows(CycleRow)
    assert (cycle.month, cycle.seed, cycle.drawn_at) == ("2026-03", 41, moment("2026-03-02 10:00"))
    (entry,) = await service.rows(LedgerRow)
    assert (entry.kind, entry.values["seed"], len(entry.values["given"])) == ("drawn", 41, 5)


async def test_nobody_audits_the_work_of_their_own_team_or_another_area(service: Service) -> None:
    holders = {"N-1": "Cas", "N-2": "Cleo", "N-3": "Cora", "N-4": "Cas", "S-1": "Cyn"}
    for seed in range(12):
        async with service.store.begin() as tx:
            given = pairs(await preview(tx, await ensure_cycle(tx, MARCH), seed, BEFORE))
        assert given["Mo"] == "S-1"
        assert holders[given["Rae"]] != "Cora"
        assert holders[given["Pat"]] == "Cora"
        assert len(set(given.values())) == len(given)


async def test_the_same_seed_gives_the_same_draw_and_other_seeds_do_not(service: Service) -> None:
    async with service.store.begin() as tx:
        cycle = await ensure_cycle(tx, MARCH)
        draws = [pairs(await preview(tx, cycle, seed, BEFORE)) for seed in range(8)]
        again = [pairs(await preview(tx, cycle, seed, BEFORE)) for seed in range(8)]
    assert draws == again
    assert len({tuple(sorted(one.items())) for one in draws}) > 1
    assert pairs(await draw(service, "2026-03-02 10:00", seed=5)) == draws[5]


async def test_a_preview_writes_nothing(service: Service) -> None:
    async with service.store.begin() as tx:
        await ensure_cycle(tx, MARCH)
    before = service.contents()
    async with service.store.begin() as tx:
        shown = await preview(tx, await ensure_cycle(tx, MARCH), 7, BEFORE)
    assert shown.drawn
    assert differing(before, service.contents()) == []


async def test_drawing_again_only_tops_up(service: Service) -> None:
    await service.change("Priya", active=False)
    first = pairs(await draw(service, "2026-03-02 10:00", seed=1))
    await service.change("Priya", active=True)
    again = pairs(await draw(service, "2026-03-02 11:00", seed=2))
    assert set(again) == {"Priya"}
    assert await allocated(service) == first | again
    assert pairs(await draw(service, "2026-03-02 12:00", seed=3)) == {}
    (cycle,) = await service.rows(CycleRow)
    assert cycle.seed == 1


async def test_a_power_cut_in_a_draw_leaves_no_half_of_it(service: Service) -> None:
    before = service.contents()
    with power_cut_at(service.store, "INSERT INTO audits", times_before=3), pytest.raises(PowerCut):
        await draw(service, "2026-03-02 10:00")
    assert differing(before, service.contents()) == []


@pytest.mark.parametrize(
    ("month", "goes_out"),
    [
        ("2026-01", "2026-01-05 09:00"),  # the 3rd is a Saturday
        ("2026-03", "2026-03-03 09:00"),
        ("2026-05", "2026-05-05 09:00"),  # the 3rd is a Sunday and the 4th a bank holiday
    ],
)
async def test_a_list_goes_out_on_the_third_or_the_next_working_day(
    service: Service, month: str, goes_out: str
) -> None:
    await draw(service, "2025-12-19 10:00", cycle=Cycle.parse(month))
    assert {row.issue_at for row in await service.rows(AuditRow)} == {moment(goes_out)}


async def test_a_late_draw_goes_out_at_once(service: Service) -> None:
    await draw(service, "2026-03-12 15:20")
    assert {row.issue_at for row in await service.rows(AuditRow)} == {moment("2026-03-12 15:20")}


async def test_the_lists_of_a_cycle_are_planned_with_it_once(service: Service) -> None:
    for _ in range(2):
        async with service.store.begin() as tx:
            await ensure_cycle(tx, MARCH)
    planned = {row.name: row.next_at for row in await service.rows(CycleNoticeRow)}
    lists = {name: at for name, at in planned.items() if name != MODERATION_DRAW}
    assert lists == {"copies": moment("2026-03-30 09:00"), "not_completed": moment("2026-04-07 09:00")}
    assert len(planned) == len(lists) + (service.store.framework.draws is not None)
    assert len(await service.rows(CycleRow)) == 1


async def test_an_auditor_on_leave_gets_no_audit_but_a_reason(service: Service) -> None:
    await service.change("Marek", leave_from=date(2026, 3, 3), leave_until=date(2026, 3, 6))
    drawn = await draw(service, "2026-03-02 10:00")
    assert "Marek" not in pairs(drawn)
    reasons = {person.name: reason for person, reason in drawn.unfilled}
    assert reasons == {"Marek": "On leave on the day the list goes out."}
    (cycle,) = await service.rows(CycleRow)
    assert cycle.unfilled == [{"auditor": service.ids["Marek"], "reason": reasons["Marek"]}]


async def test_leave_that_ends_before_the_list_goes_out_is_no_obstacle(service: Service) -> None:
    await service.change("Marek", leave_from=date(2026, 2, 23), leave_until=date(2026, 3, 2))
    assert "Marek" in pairs(await draw(service, "2026-03-02 10:00"))


async def test_a_late_draw_looks_at_who_is_on_leave_on_the_day_it_goes_out(service: Service) -> None:
    await service.change("Marek", leave_from=date(2026, 3, 2), leave_until=date(2026, 3, 6))
    await service.change("Priya", leave_from=date(2026, 3, 10), leave_until=date(2026, 3, 20))
    drawn = await draw(service, "2026-03-12 15:00")
    assert "Marek" in pairs(drawn)
    reasons = {person.name: reason for person, reason in drawn.unfilled}
    assert reasons["Priya"] == "On leave on the day the list goes out."


async def test_an_auditor_for_whom_no_case_fits_gets_a_reason_that_names_it(service: Service) -> None:
    async with service.store.begin() as tx:
        await tx.session.execute(delete(CaseRow).where(CaseRow.ref.in_(["N-3", "S-1"])))
    reasons = {person.name: reason for person, reason in (await draw(service, "2026-03-02 10:00")).unfilled}
    assert "3 because its practitioner is in their own line of management" in reasons["Pat"]
    assert "3 because it is in another service area" in reasons["Mo"]


async def test_a_case_is_not_allocated_again_while_its_audit_is_open(service: Service) -> None:
    first = pairs(await draw(service, "2026-03-02 10:00"))
    april = await draw(service, "2026-04-01 10:00", cycle=Cycle.parse("2026-04"))
    assert not set(first.values()) & set(pairs(april).values())
    assert {person.name for person, _ in april.unfilled} >= {"Mo"}


async def test_a_case_whose_audit_is_done_or_withdrawn_can_be_drawn_in_another_month(service: Service) -> None:
    done = await service.allocate("S-1", "Mo", "2026-03-03 09:00")
    await service.happens(done, "submitted", "2026-03-10 09:00", "Mo", grade="good")
    april = pairs(await draw(service, "2026-04-01 10:00", cycle=Cycle.parse("2026-04")))
    assert april["Mo"] == "S-1"
    (audit,) = await service.rows(AuditRow, AuditRow.auditor_id == service.ids["Mo"], AuditRow.grade.is_(None))
    await service.happens(audit.id, "withdrawn", "2026-04-01 11:00", "Quinn", reason="Closed")
    may = pairs(await draw(service, "2026-05-01 10:00", cycle=Cycle.parse("2026-05")))
    assert may["Mo"] == "S-1"


async def test_a_case_that_is_off_the_list_is_not_drawn(service: Service) -> None:
    async with service.store.begin() as tx:
        await tx.session.execute(update(CaseRow).where(CaseRow.ref == "S-1").values(on_list=False))
    assert "Mo" not in pairs(await draw(service, "2026-03-02 10:00"))
