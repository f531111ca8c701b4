"""Putting what was read into the tables: all of it, or none."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from audits.state import Event
from storage.allocations import hold_back
from storage.imports.cases import CaseList
from storage.imports.cells import normal_name
from storage.imports.people import PeopleList
from storage.imports.rejected import ImportRejected, Problem
from storage.ledger import note, record, tell_officer
from storage.store import Transaction
from storage.tables import AuditRow, CaseRow, PersonRow


@dataclass(frozen=True)
class Stored:
    """What an import changed. `left` counts those who were here and aren't on the new list."""

    added: int
    changed: int
    left: int
    notices: tuple[str, ...]


async def existing_people(tx: Transaction) -> dict[str, str]:
    """E-mail address to name, of everyone already known."""
    return {person.email: person.name for person in tx.directory.people.values()}


async def existing_workers(tx: Transaction) -> dict[str, str]:
    """Name to e-mail address, of everyone whose name nobody else has."""
    counts = Counter(normal_name(person.name) for person in tx.directory.people.values())
    return {one.name: one.email for one in tx.directory.people.values() if counts[normal_name(one.name)] == 1}


async def store_people(tx: Transaction, file: PeopleList, at: datetime) -> Stored:
    """Add people and bring those known up to date, by e-mail address. Nobody is removed: people who left keep their
    audits until these are reassigned.

    Raises ImportRejected where the file and those already here together make a circle of managers.
    """
    known = {row.email: row for row in await tx.session.scalars(select(PersonRow))}
    added = changed = 0
    for entry in file.rows:
        row = known.get(entry.email)
        if row is None:
            row = known[entry.email] = PersonRow(email=entry.email)
            tx.session.add(row)
            added += 1
        else:
            changed += 1
        row.name, row.role, row.team, row.service_area = entry.name, entry.role, entry.team, entry.service_area
        row.active = True
        if entry.linked is not None:
            row.linked = list(entry.linked)
        if entry.auditing is not None:
            row.auditing = entry.auditing
    await tx.session.flush()
    for entry in file.rows:
        row = known[entry.email]
        row.manager_id = known[entry.manager_email].id if entry.manager_email else None
        row.cover_id = known[entry.cover_email].id if entry.cover_email else None
    _no_circles(list(known.values()), {entry.email: (entry.sheet, entry.row) for entry in file.rows})
    await tx.session.flush()
    await tx.people_changed()
    await note(tx, Event("people_imported", at, None, {"added": added, "changed": changed}))
    left = len(known) - len(file.rows)
    return Stored(added, changed, left, tuple(file.notices))


def _no_circles(rows: list[PersonRow], places: dict[str, tuple[str, int]]) -> None:
    by_id = {row.id: row for row in rows}
    for row in rows:
        seen = {row.id}
        above = by_id.get(row.manager_id) if row.manager_id else None
        while above is not None:
            if above.id == row.id:
                sheet, number = places.get(row.email, ("", 0))
                through = by_id[row.manager_id or 0].name
                message = f"{row.name} would be their own manager, through {through}. Correct one of them."
                raise ImportRejected([Problem(sheet, f"row {number}", row.name, message)])
            if above.id in seen:
                break
            seen.add(above.id)
            above = by_id.get(above.manager_id) if above.manager_id else None


async def store_cases(tx: Transaction, file: CaseList, at: datetime) -> Stored:
    """Take a case list over: cases on it are added or brought up to date, cases no longer on it leave the list.

    A case that leaves while its audit is under way stays with its auditor, and the QA officer is told.
    """
    people = {person.email: person for person in tx.directory.people.values()}
    areas = {
        person.team.casefold(): person.service_area for person in people.values() if person.team and person.service_area
    }
    known = {row.ref.casefold(): row for row in await tx.session.scalars(select(CaseRow))}
    added = changed = 0
    for entry in file.rows:
        row = known.get(entry.ref.casefold())
        if row is None:
            row = known[entry.ref.casefold()] = CaseRow(ref=entry.ref)
            tx.session.add(row)
            added += 1
        else:
            changed += 1
        worker = people.get(entry.worker_email or "")
        row.plan, row.sex, row.ethnicity_group = entry.plan, entry.sex, entry.ethnicity_group
        row.age_band, row.disability, row.team = entry.age_band, entry.disability, entry.team
        row.holder_id = worker.id if worker else None
        row.service_area = (
            entry.service_area or (worker.service_area if worker else "") or areas.get(entry.team.casefold(), "")
        )
        row.on_list = True
    listed = {entry.ref.casefold() for entry in file.rows}
    gone = [row for ref, row in known.items() if ref not in listed and row.on_list]
    for row in gone:
        row.on_list = False
    await tx.session.flush()
    told = await _tell_of_gone(tx, [row.id for row in gone], at)
    await note(tx, Event("cases_imported", at, None, {"added": added, "changed": changed, "left": len(gone)}))
    return Stored(added, changed, len(gone), (*file.notices, *told))


async def _tell_of_gone(tx: Transaction, case_ids: list[int], at: datetime) -> list[str]:
    if not case_ids:
        return []
    running = await tx.session.execute(
        select(AuditRow.id, AuditRow.case_id, AuditRow.issue_at, AuditRow.issued_at).where(
            AuditRow.grade.is_(None), AuditRow.withdrawn.is_(False)
        )
    )
    gone = set(case_ids)
    told: list[str] = []
    for audit_id, case_id, issue_at, _ in running:
        audit = await tx.audit(audit_id) if case_id in gone else None
        if audit is None:
            continue
        words = f"{audit.case.ref} is no longer on the case list, but its audit is under way. "
        words += "Please withdraw it, or leave it if the audit still serves the child."
        if issue_at is not None:
            await hold_back(tx, audit_id)
            await record(tx, audit, Event("withdrawn", at, None, {"reason": "the case left the list"}))
            words = f"{audit.case.ref} left the case list before its allocation went out, so it was withdrawn."
        told.append(words)
        key = f"{audit.id}/left_list/{at:%Y%m%d%H%M%S}"
        await tell_officer(tx, key, words, at, duty="complete_audit", notice="left_list", audit_id=audit.id)
    return told


async def counts(tx: Transaction) -> tuple[int, int]:
    """How many people and how many open cases there are."""
    people = await tx.session.scalar(select(func.count(PersonRow.id))) or 0
    cases = await tx.session.scalar(select(func.count(CaseRow.id)).where(CaseRow.on_list)) or 0
    return people, cases
