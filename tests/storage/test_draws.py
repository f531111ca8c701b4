"""What the database gives to a draw: whose turn it is, what the period has so far, and who can't audit."""

from typing import Any

import pytest
from alembic import command
from sqlalchemy import select, text, update
from sqlalchemy.engine import Connection

from audits.dates import Cycle
from audits.sampling import Draw
from storage.allocations import draw_cycle, ensure_cycle, preview, reaudit_auditor
from storage.migrating import _config, migrate
from storage.records import case_of, person_of
from storage.tables import CaseRow, LedgerRow, PersonRow
from tests.storage.conftest import Place, Service, moment, opened

MARCH = Cycle.parse("2026-03")  # goes out on Tue 3 Mar 2026; the audits of April are due on Tue 28 Apr 2026
BEFORE = moment("2026-03-02 10:00")


def under(service: Service, **sampling: Any) -> None:
    """From here on the service draws by these terms."""
    framework = service.store.framework
    rule = framework.sampling.model_copy(update={"area": "any"} | sampling)
    service.store.framework = framework.model_copy(update={"sampling": rule})


async def shown(service: Service, seed: int = 7) -> Draw:
    async with service.store.begin() as tx:
        return await preview(tx, await ensure_cycle(tx, MARCH), seed, BEFORE)


async def only(service: Service, *auditors: str) -> None:
    """Nobody else audits any more."""
    for name in {"Pat", "Rae", "Marek", "Priya", "Mo"} - set(auditors):
        await service.change(name, auditing="untrained")


async def plans(service: Service, **by_ref: str) -> None:
    async with service.store.begin() as tx:
        for ref, plan in by_ref.items():
            await tx.session.execute(update(CaseRow).where(CaseRow.ref == ref.replace("_", "-")).values(plan=plan))


async def audited(service: Service, ref: str, auditor: str, at: str, month: str) -> int:
    audit = await service.allocate(ref, auditor, at, month)
    await service.happens(audit, "submitted", at, auditor, grade="good")
    return audit


async def test_practitioners_come_in_the_order_of_their_last_audit(service: Service) -> None:
    await only(service, "Marek")
    under(service, practitioner_months=12)
    audits = (
        ("N-1", "2025-04-27 12:00"),
        ("N-2", "2025-04-28 12:00"),
        ("N-2", "2024-06-03 12:00"),  # the list needn't be in the order of time
        ("N-3", "2025-12-01 12:00"),
        ("S-1", "2025-04-28 23:30"),
    )
    for ref, at in audits:
        await audited(service, ref, "Mo", at, at[:7])
    for seed in range(8):
        assert {case.ref for _, case in (await shown(service, seed)).drawn} <= {"N-1", "N-4"}, "both are with Cas"


async def test_an_audit_that_is_under_way_serves_its_practitioner_and_one_withdrawn_does_not(service: Service) -> None:
    await only(service, "Marek")
    under(service, practitioner_months=12)
    await service.allocate("N-1", "Priya", "2026-02-03 09:00", "2026-02")
    gone = await service.allocate("N-2", "Pat", "2026-02-03 09:00", "2026-02")
    await service.happens(gone, "withdrawn", "2026-02-04 09:00", "Quinn", reason="Closed")
    found = await shown(service)
    served = {service.name(case.holder_id) for _, case in found.drawn}
    unserved = {person.name for person, _ in found.unserved}
    assert served | unserved == {"Cleo", "Cora", "Cyn"}
    assert found.notes == ("2 practitioners due for an audit (one in 12 months) couldn't be included.",)


async def test_what_a_draw_could_not_take_in_is_kept_in_the_ledger_without_names(service: Service) -> None:
    await plans(service, S_1="EH")
    await only(service, "Marek", "Priya")
    under(service, area="own", mix=("plan",), practitioner_months=12)
    async with service.store.begin() as tx:
        _, found = await draw_cycle(tx, MARCH, 7, BEFORE)
    assert found.notes[0] == "No case with plan EH could be included."
    (entry,) = await service.rows(LedgerRow, LedgerRow.kind == "drawn")
    assert entry.values["notes"] == list(found.notes)
    assert {service.name(one) for one in entry.values["unserved"]} == {person.name for person, _ in found.unserved}
    assert len(found.unserved) == 2
    assert not any(name in " ".join(entry.values["notes"]) for name in service.ids)


async def test_a_second_draw_of_a_month_makes_up_what_its_mix_still_lacks(service: Service) -> None:
    await plans(service, N_1="CP", N_2="CIN", N_3="CIN", N_4="CIN", S_1="CIN")
    under(service, mix=("plan",))
    await only(service, "Marek")
    async with service.store.begin() as tx:
        cycle = await ensure_cycle(tx, MARCH)
        assert cycle.month == "2026-03"
    await service.plan("N-2", "Priya", "2026-03-03 09:00")
    for seed in range(8):
        assert [case.ref for _, case in (await shown(service, seed)).drawn] == ["N-1"]


@pytest.mark.parametrize("seed", range(6))
async def test_an_auditor_who_is_not_trained_or_is_linked_gets_no_re_audit(service: Service, seed: int) -> None:
    under(service, linked=True)
    await service.change("Priya", auditing="untrained")
    await service.change("Mo", linked=["North"])
    audit = await service.audit(await audited(service, "N-1", "Marek", "2026-03-03 09:00", "2026-03"))
    async with service.store.begin() as tx:
        again = await reaudit_auditor(tx, audit, seed, BEFORE)
    assert again is not None
    assert again.name == "Rae"


async def test_a_case_keeps_what_the_mix_is_made_of(service: Service) -> None:
    async with service.store.begin() as tx:
        row = (await tx.session.scalars(select(CaseRow).where(CaseRow.ref == "N-1"))).one()
        row.sex, row.age_band, row.ethnicity_group = "female", "5-9", "Mixed"
        found = case_of(row)
    assert (found.sex, found.age_band, found.ethnicity_group) == ("female", "5-9", "Mixed")


async def test_people_of_an_older_database_are_linked_to_nothing_and_trained(new_place: Place) -> None:
    def as_it_was(connection: Connection) -> None:
        command.upgrade(_config(connection), "0001")
        connection.execute(
            text(
                "insert into people (name, email, role, team, service_area, active) "
                "values ('Ann', 'ann@example.gov.uk', 'manager', '', 'North', true)"
            )
        )

    async with opened(new_place.url) as store:
        async with store.database.begin() as connection:
            await connection.run_sync(as_it_was)
        before, _ = await migrate(store.database)
        assert before == "0001"
        async with store.begin() as tx:
            ann = person_of((await tx.session.scalars(select(PersonRow))).one())
    assert (ann.name, ann.linked, ann.auditing) == ("Ann", (), "")
