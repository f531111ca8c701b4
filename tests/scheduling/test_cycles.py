from datetime import date, timedelta

from sqlalchemy import update

from audits.dates import Cycle
from audits.state import REAUDIT
from scheduling.clock import MovedClock
from scheduling.running import catch_up
from scheduling.ticker import tick
from storage.allocations import draw_cycle
from storage.tables import AuditRow, CaseRow, CycleNoticeRow, CycleRow, LedgerRow, OutboxRow
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Service, moment

MINUTE = timedelta(minutes=1)


async def draw(service: Service, month: str, at: str) -> None:
    async with service.store.begin() as tx:
        await draw_cycle(tx, Cycle.parse(month), 7, moment(at))


async def told(service: Service, notice: str) -> set[str]:
    return {service.name(row.to_id) for row in await service.rows(OutboxRow, OutboxRow.notice == notice)}


async def an_inadequate_case(service: Service) -> int:
    """An audit by Marek whose case is to be audited again with the list of 5 May."""
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "submitted", "2026-03-10 10:00", "Marek", grade="inadequate")
    await service.happens(audit, "moderated", "2026-03-12 10:00", "Quinn", grade="inadequate")
    return audit


async def test_a_list_whose_third_is_a_saturday_goes_out_on_monday_morning(service: Service) -> None:
    await draw(service, "2026-01", "2025-12-22 10:00")
    for early in ("2026-01-03 09:00", "2026-01-04 09:00", "2026-01-05 08:59"):
        assert (await tick(service.store, moment(early))).issued == 0
    assert (await tick(service.store, moment("2026-01-05 09:00"))).issued == 5
    rows = await service.rows(AuditRow)
    assert {(row.issued_at, row.issue_at) for row in rows} == {(moment("2026-01-05 09:00"), None)}
    assert (await tick(service.store, moment("2026-01-05 09:01"))).issued == 0


async def test_an_auditor_is_told_when_the_list_goes_out_and_not_before(service: Service, letterbox: Letterbox) -> None:
    await draw(service, "2026-01", "2025-12-22 10:00")
    await catch_up(service.store, letterbox, MovedClock(moment("2026-01-05 08:59")))
    assert letterbox.names == []
    await catch_up(service.store, letterbox, MovedClock(moment("2026-01-05 09:00")))
    assert set(letterbox.names) == {"Marek", "Priya", "Pat", "Rae", "Mo"}


async def test_a_late_draw_goes_out_with_the_next_tick(service: Service, letterbox: Letterbox) -> None:
    await draw(service, "2026-03", "2026-03-12 15:20")
    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-12 15:20")))
    assert set(letterbox.names) == {"Marek", "Priya", "Pat", "Rae", "Mo"}


async def test_a_list_that_fell_into_downtime_goes_out_afterwards(service: Service) -> None:
    await draw(service, "2026-03", "2026-03-02 10:00")
    assert (await tick(service.store, moment("2026-03-10 11:30"))).issued == 5
    (duty,) = (await service.audit(1)).open_duties("accept")
    assert duty.opened_at == moment("2026-03-10 11:30")


async def test_service_leads_get_their_own_list_on_the_28th_rolled_forward(
    service: Service, letterbox: Letterbox
) -> None:
    north = [
        await service.allocate(ref, name, "2026-03-03 09:00") for ref, name in (("N-1", "Marek"), ("N-2", "Priya"))
    ]
    south = await service.allocate("S-1", "Mo", "2026-03-03 09:00")
    await service.happens(north[0], "submitted", "2026-03-10 10:00", "Marek", grade="good")
    await service.happens(north[0], "overseen", "2026-03-11 10:00", "Lena")
    monday = moment("2026-03-30 09:00")  # the 28th is a Saturday
    assert (await tick(service.store, monday - MINUTE)).lists == 0
    await catch_up(service.store, letterbox, MovedClock(monday - MINUTE))
    letterbox.emptied()
    assert (await tick(service.store, monday)).lists == 2
    rows = {service.name(row.to_id): row for row in await service.rows(OutboxRow, OutboxRow.notice == "cycle.copies")}
    assert {name: row.details["audits"] for name, row in rows.items()} == {"Lena": [north[1]], "Sol": [south]}
    await catch_up(service.store, letterbox, MovedClock(monday))
    (card,) = [parcel.card for parcel in letterbox.parcels("Sol") if parcel.keys[0].startswith("cycle/")]
    assert card.title == "Audits in your service area, March 2026"
    assert card.table is not None
    assert card.table.rows == (("S-1", "Mo", "not completed yet"),)


async def test_audits_not_completed_are_listed_after_the_sixth_with_how_many(
    service: Service, letterbox: Letterbox
) -> None:
    await service.allocate("N-1", "Marek", "2026-02-03 09:00", "2026-02")
    await service.allocate("N-2", "Marek", "2026-03-03 09:00", "2026-03")
    done = await service.allocate("N-3", "Priya", "2026-03-03 09:00", "2026-03")
    await service.happens(done, "submitted", "2026-03-27 10:00", "Priya", grade="good")

    await catch_up(service.store, letterbox, MovedClock(moment("2026-03-09 09:00")))
    (first,) = [parcel.card for parcel in letterbox.parcels("Olu") if parcel.keys[0].startswith("cycle/")]
    assert first.table is not None
    assert first.table.rows == (("Marek", "1 not completed", "February 2026"),)

    # The 6th of April is Easter Monday.
    await catch_up(service.store, letterbox, MovedClock(moment("2026-04-07 09:00") - MINUTE))
    letterbox.emptied()
    await catch_up(service.store, letterbox, MovedClock(moment("2026-04-07 09:00")))
    for name in ("Lena", "Olu"):
        (card,) = [parcel.card for parcel in letterbox.parcels(name) if parcel.keys[0].startswith("cycle/")]
        assert card.table is not None
        assert card.table.rows == (("Marek", "2 not completed", "February 2026 and March 2026"),)
    assert await told(service, "cycle.not_completed") == {"Lena", "Olu"}


async def test_a_month_in_which_everything_was_completed_makes_no_list(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "submitted", "2026-03-27 10:00", "Marek", grade="good")
    await service.happens(audit, "overseen", "2026-03-27 11:00", "Lena")
    assert (await tick(service.store, moment("2026-04-07 09:00"))).lists == 0
    assert {row.next_at for row in await service.rows(CycleNoticeRow)} == {None}


async def test_a_withdrawn_audit_is_on_no_list(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(audit, "withdrawn", "2026-03-10 10:00", "Quinn", reason="Closed")
    assert (await tick(service.store, moment("2026-04-07 09:00"))).lists == 0


async def test_an_inadequate_case_is_audited_again_with_the_list_a_month_later(
    service: Service, letterbox: Letterbox
) -> None:
    first = await an_inadequate_case(service)
    # A month on is Sunday the 12th of April; the next list after it is that of May, rolled from a Sunday and a holiday.
    await catch_up(service.store, letterbox, MovedClock(moment("2026-05-05 08:59")))
    assert len(await service.rows(AuditRow)) == 1
    letterbox.emptied()
    await catch_up(service.store, letterbox, MovedClock(moment("2026-05-05 09:00")))
    (again,) = await service.rows(AuditRow, AuditRow.kind == REAUDIT)
    assert again.earlier_audit_id == first
    assert again.auditor_id != service.ids["Marek"]
    assert again.issued_at == moment("2026-05-05 09:00")
    (cycle,) = await service.rows(CycleRow, CycleRow.id == again.cycle_id)
    assert cycle.month == "2026-05"
    assert service.name(again.auditor_id) in letterbox.names
    (duty,) = (await service.audit(again.id)).open_duties("complete_audit")
    assert duty.nominal == moment("2026-05-28 23:59")
    assert [row.kind for row in await service.rows(LedgerRow, LedgerRow.audit_id == again.id)] == ["allocated"]
    await catch_up(service.store, letterbox, MovedClock(moment("2026-05-05 09:01")))
    assert len(await service.rows(AuditRow)) == 2


async def test_a_second_audit_goes_to_somebody_who_is_at_work_when_it_goes_out(service: Service) -> None:
    await an_inadequate_case(service)
    await service.change("Rae", leave_from=date(2026, 2, 23), leave_until=date(2026, 3, 6))
    await service.change("Priya", leave_from=date(2026, 5, 1), leave_until=date(2026, 5, 29))
    await tick(service.store, moment("2026-05-05 09:00"))
    (again,) = await service.rows(AuditRow, AuditRow.kind == REAUDIT)
    assert service.name(again.auditor_id) == "Rae"


async def test_a_case_that_left_the_list_is_audited_again_by_somebody_else_all_the_same(service: Service) -> None:
    await an_inadequate_case(service)
    async with service.store.begin() as tx:
        await tx.session.execute(update(CaseRow).values(on_list=False))
    await tick(service.store, moment("2026-05-05 09:00"))
    (again,) = await service.rows(AuditRow, AuditRow.kind == REAUDIT)
    assert service.name(again.auditor_id) in {"Rae", "Priya"}


async def test_the_first_auditor_audits_a_case_again_where_nobody_else_can(service: Service) -> None:
    await an_inadequate_case(service)
    for name in ("Rae", "Priya"):
        await service.change(name, active=False)
    await tick(service.store, moment("2026-05-05 09:00"))
    (again,) = await service.rows(AuditRow, AuditRow.kind == REAUDIT)
    assert service.name(again.auditor_id) == "Marek"


async def test_the_qa_officer_hears_once_that_nobody_can_audit_a_case_again(
    service: Service, letterbox: Letterbox
) -> None:
    first = await an_inadequate_case(service)
    for name in ("Marek", "Rae", "Priya"):
        await service.change(name, active=False)
    await catch_up(service.store, letterbox, MovedClock(moment("2026-05-05 08:59")))
    letterbox.emptied()
    for minute in range(2):
        await catch_up(service.store, letterbox, MovedClock(moment("2026-05-05 09:00") + minute * MINUTE))
    assert await service.rows(AuditRow, AuditRow.kind == REAUDIT) == []
    (card,) = [parcel.card for parcel in letterbox.parcels("Quinn") if "/reaudit/nobody/" in parcel.keys[0]]
    assert card.text == ("N-1 is to be audited again, but no auditor can take it. Please find one.",)
    assert [duty.key for duty in (await service.audit(first)).open_duties("reaudit")] == ["reaudit"]


async def test_a_grade_that_moderation_raises_brings_no_second_audit(service: Service) -> None:
    first = await service.allocate("N-1", "Marek", "2026-03-03 09:00")
    await service.happens(first, "submitted", "2026-03-10 10:00", "Marek", grade="inadequate")
    await service.happens(first, "moderated", "2026-03-12 10:00", "Quinn", grade="requires_improvement")
    await tick(service.store, moment("2026-06-30 09:00"))
    assert len(await service.rows(AuditRow)) == 1
