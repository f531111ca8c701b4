from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.imports.cases import CaseList, ListedCase
from storage.imports.people import ListedPerson, PeopleList, read_people
from storage.imports.rejected import ImportRejected
from storage.imports.storing import Stored, existing_people, existing_workers, store_cases, store_people
from storage.store import Store
from storage.tables import AuditRow, CaseRow, LedgerRow, OutboxRow, PersonRow
from tests.storage.conftest import PowerCut, Service, differing, moment, power_cut_at

NOW = moment("2026-03-02 10:00")


def person(name: str, role: str = "manager", manager: str = "", *, team: str = "", area: str = "") -> ListedPerson:
    manager_email = f"{manager.lower()}@example.gov.uk" if manager else None
    return ListedPerson(name, f"{name.lower()}@example.gov.uk", role, team, manager_email, area, None, "People", 2)


def case(ref: str, worker: str = "", *, team: str = "", area: str = "", plan: str = "CIN") -> ListedCase:
    email = f"{worker.lower()}@example.gov.uk" if worker else None
    return ListedCase(ref, plan, "", "", "", "", team, worker or None, area, "List 6", 2, email)


async def people_in(store: Store, *rows: ListedPerson) -> Stored:
    async with store.begin() as tx:
        return await store_people(tx, PeopleList(list(rows), []), NOW)


async def cases_in(store: Store, *rows: ListedCase) -> Stored:
    async with store.begin() as tx:
        return await store_cases(tx, CaseList(list(rows), [], {}), NOW)


# ---- people


async def test_new_people_are_added_with_their_managers_wherever_they_stand_in_the_file(store: Store) -> None:
    stored = await people_in(store, person("Ann", manager="Bea"), person("Bea", "service_lead"))
    assert (stored.added, stored.changed, stored.left) == (2, 0, 0)
    async with store.begin() as tx:
        (ann,) = tx.directory.holders("manager")
        above = tx.directory.manager_of(ann)
    assert above is not None
    assert above.name == "Bea"


async def test_people_who_are_known_are_brought_up_to_date_by_their_address(service: Service) -> None:
    stored = await people_in(service.store, person("Marek", "service_lead", "Hana", team="East", area="East"))
    assert (stored.added, stored.changed, stored.left) == (0, 1, len(service.ids) - 1)
    (row,) = await service.rows(PersonRow, PersonRow.id == service.ids["Marek"])
    assert (row.role, row.team, row.service_area, row.manager_id) == (
        "service_lead",
        "East",
        "East",
        service.ids["Hana"],
    )


async def test_nobody_is_removed_by_being_left_out_and_somebody_who_left_comes_back(service: Service) -> None:
    await service.change("Priya", active=False)
    await people_in(service.store, person("Priya", manager="Lena", area="North"))
    rows = await service.rows(PersonRow)
    assert {row.name for row in rows} == set(service.ids)
    assert all(row.active for row in rows)


async def test_linked_centres_and_training_are_kept_until_a_file_says_otherwise(store: Store) -> None:
    await people_in(store, replace(person("Ann"), linked=("Red", "Blue"), auditing="new"), person("Bea"))
    await people_in(store, person("Ann", team="Green"))
    async with store.begin() as tx:
        ann, bea = tx.directory.holders("manager")
    assert (ann.team, ann.linked, ann.auditing) == ("Green", ("Red", "Blue"), "new")
    assert (bea.linked, bea.auditing) == ((), "")
    await people_in(store, replace(person("Ann"), linked=(), auditing=""))
    async with store.begin() as tx:
        ann, _ = tx.directory.holders("manager")
    assert (ann.linked, ann.auditing) == ((), "")


async def test_an_import_of_people_is_known_to_other_nodes_at_once(service: Service) -> None:
    async with service.another_node() as other:
        async with other.begin() as tx:
            assert "nia@example.gov.uk" not in await existing_people(tx)
        await people_in(service.store, person("Nia", manager="Lena"))
        async with other.begin() as tx:
            assert (await existing_people(tx))["nia@example.gov.uk"] == "Nia"


async def test_a_circle_of_managers_over_file_and_database_is_refused_with_nothing_changed(
    service: Service, tmp_path: Path
) -> None:
    sheet = tmp_path / "people.csv"
    sheet.write_text(
        "Name,Email,Role,Team,Manager,Service area\n"
        "Nia,nia@example.gov.uk,Manager (auditor),,lena@example.gov.uk,North\n"
        "Hana,hana@example.gov.uk,Head of Service,,marek@example.gov.uk,North\n",
        encoding="utf-8",
    )
    before = service.contents()

    async def import_it() -> None:
        async with service.store.begin() as tx:
            roles = {key: role.label for key, role in tx.framework.roles.items()}
            await store_people(tx, read_people(sheet, roles=roles, existing=await existing_people(tx)), NOW)

    with pytest.raises(ImportRejected) as refused:
        await import_it()
    assert "would be their own manager" in str(refused.value)
    assert differing(before, service.contents()) == []


async def test_people_who_change_places_in_one_file_are_no_circle(store: Store) -> None:
    await people_in(store, person("Ann", manager="Bea"), person("Bea", "service_lead"))
    await people_in(store, person("Ann", "service_lead"), person("Bea", manager="Ann"))
    async with store.begin() as tx:
        (bea,) = tx.directory.holders("manager")
        assert [one.name for one in tx.directory.line_of(bea)] == ["Ann"]


async def test_a_power_cut_in_an_import_leaves_nothing_of_it(service: Service) -> None:
    before = service.contents()
    with power_cut_at(service.store, "INSERT INTO ledger"), pytest.raises(PowerCut):
        await people_in(service.store, person("Nia", manager="Lena"), person("Marek", "service_lead"))
    assert differing(before, service.contents()) == []
    async with service.store.begin() as tx:
        assert "Nia" not in (await existing_people(tx)).values()


async def test_a_name_that_two_people_share_names_no_worker(store: Store) -> None:
    await people_in(store, person("Ann"), person("Bea"))
    async with store.begin() as tx:
        tx.session.add(PersonRow(name="Ann", email="ann.two@example.gov.uk", role="case_holder"))
        await tx.people_changed()
    async with store.begin() as tx:
        assert await existing_workers(tx) == {"Bea": "bea@example.gov.uk"}


# ---- cases


async def test_a_case_list_adds_updates_and_lets_cases_leave(service: Service) -> None:
    stored = await cases_in(service.store, case("N-1", "Cora", plan="CP"), case("N-9", "Cas"))
    assert (stored.added, stored.changed, stored.left) == (1, 1, 4)
    rows = {row.ref: row for row in await service.rows(CaseRow)}
    assert (rows["N-1"].plan, rows["N-1"].holder_id) == ("CP", service.ids["Cora"])
    assert {ref for ref, row in rows.items() if row.on_list} == {"N-1", "N-9"}
    (entry,) = await service.rows(LedgerRow)
    assert (entry.kind, entry.values["added"], entry.values["changed"], entry.values["left"]) == (
        "cases_imported",
        1,
        1,
        4,
    )


async def test_a_case_that_left_comes_back_with_the_next_list(service: Service) -> None:
    await cases_in(service.store, case("N-1", "Cas"))
    stored = await cases_in(service.store, case("N-1", "Cas"), case("N-2", "Cleo"))
    assert (stored.added, stored.left) == (0, 0)
    assert {row.ref for row in await service.rows(CaseRow, CaseRow.on_list.is_(True))} == {"N-1", "N-2"}


async def test_the_service_area_comes_from_the_list_else_the_worker_else_the_team(store: Store) -> None:
    await people_in(store, person("Ann", team="Blue", area="North"), person("Bea", team="", area="South"))
    await cases_in(
        store,
        case("said", "Bea", team="Blue", area="West"),
        case("worker", "Bea", team="Blue"),
        case("team", team="BLUE"),
        case("nothing"),
    )
    async with store.begin() as tx:
        rows = {row.ref: row.service_area for row in await tx.session.scalars(select(CaseRow))}
    assert rows == {"said": "West", "worker": "South", "team": "North", "nothing": ""}


async def test_a_case_that_leaves_during_its_audit_stays_with_its_auditor_and_the_qa_officer_hears(
    service: Service,
) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    stored = await cases_in(service.store, case("N-2", "Cleo"))
    (words,) = stored.notices
    assert words.startswith("N-1 is no longer on the case list")
    (message,) = await service.rows(OutboxRow, OutboxRow.notice == "left_list")
    assert (service.name(message.to_id), message.audit_id, message.text) == ("Quinn", audit, words)
    found = await service.audit(audit)
    assert not found.withdrawn
    assert found.auditor_id == service.ids["Marek"]


async def test_a_case_that_leaves_after_its_audit_is_nobodys_trouble(service: Service) -> None:
    audit = await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    await service.happens(audit, "submitted", "2026-03-02 09:30", "Marek", grade="good")
    assert (await cases_in(service.store, case("N-2", "Cleo"))).notices == ()


async def test_while_the_qa_officer_is_on_leave_their_cover_hears_that_a_case_left(service: Service) -> None:
    await service.change("Quinn", leave_from=NOW.date(), leave_until=NOW.date(), cover_id=service.ids["Umar"])
    await service.allocate("N-1", "Marek", "2026-03-02 09:00")
    await cases_in(service.store, case("N-2", "Cleo"))
    (message,) = await service.rows(OutboxRow, OutboxRow.notice == "left_list")
    assert service.name(message.to_id) == "Umar"


async def test_an_allocation_that_has_not_gone_out_is_withdrawn_when_its_case_leaves(service: Service) -> None:
    audit = await service.plan("N-1", "Marek", "2026-03-03 09:00")
    stored = await cases_in(service.store, case("N-2", "Cleo"))
    assert stored.notices == ("N-1 left the case list before its allocation went out, so it was withdrawn.",)
    (row,) = await service.rows(AuditRow, AuditRow.id == audit)
    assert (row.withdrawn, row.issue_at, row.issued_at) == (True, None, None)
    (entry,) = await service.rows(LedgerRow, LedgerRow.audit_id == audit)
    assert (entry.kind, entry.at, entry.values["reason"]) == ("withdrawn", NOW, "the case left the list")
    assert {(service.name(one.to_id), one.notice) for one in await service.rows(OutboxRow)} == {("Quinn", "left_list")}
