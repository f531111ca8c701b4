"""Questions asked of the database: whose audits, which duties, which case."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from audits.state import Audit, Duty
from storage.store import Transaction
from storage.tables import AuditRow, CaseRow, CycleRow, DutyRow


async def open_duties(tx: Transaction, *wheres: ColumnElement[bool]) -> list[tuple[Audit, Duty]]:
    """Open duties that fit, with their audits, the earliest due first."""
    rows = list(
        await tx.session.scalars(
            select(DutyRow).where(DutyRow.closed_at.is_(None), *wheres).order_by(DutyRow.nominal, DutyRow.id)
        )
    )
    audits = {audit.id: audit for audit in await tx.audits(row.audit_id for row in rows)}
    found: list[tuple[Audit, Duty]] = []
    for row in rows:
        audit = audits[row.audit_id]
        found.append((audit, next(duty for duty in audit.duties if duty.ref == row.ref)))
    return found


async def duties_of(tx: Transaction, person_id: int) -> list[tuple[Audit, Duty]]:
    """What waits for a person."""
    return await open_duties(tx, DutyRow.owner_id == person_id)


async def overdue_duties(tx: Transaction, now: datetime) -> list[tuple[Audit, Duty]]:
    return await open_duties(tx, DutyRow.nominal < now)


async def audits_where(tx: Transaction, *wheres: ColumnElement[bool]) -> list[Audit]:
    """Issued audits that fit, oldest first."""
    ids = await tx.session.scalars(
        select(AuditRow.id)
        .join(CycleRow, CycleRow.id == AuditRow.cycle_id)
        .join(CaseRow, CaseRow.id == AuditRow.case_id)
        .where(AuditRow.issued_at.is_not(None), *wheres)
    )
    return await tx.audits(ids)


async def audits_of_case(tx: Transaction, ref: str) -> list[Audit]:
    return await audits_where(tx, CaseRow.ref == ref)


async def latest_cycle(tx: Transaction, now: datetime) -> CycleRow | None:
    """The cycle whose list went out last."""
    row: CycleRow | None = await tx.session.scalar(
        select(CycleRow).where(CycleRow.issue_at <= now).order_by(CycleRow.issue_at.desc()).limit(1)
    )
    return row
