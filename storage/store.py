"""The store: one database with one framework, and the transaction in which everything happens."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from audits.calendar import WorkCalendar
from audits.engine import Engine
from audits.framework import Framework
from audits.people import Directory
from audits.state import Audit
from storage.records import audit_of, person_of
from storage.tables import ActionRow, AuditRow, CaseRow, CycleRow, DutyRow, PersonRow, RevisionRow

PEOPLE = "people"


@dataclass(frozen=True)
class Transaction:
    """One unit of work: all of it commits, or none."""

    session: AsyncSession
    framework: Framework
    calendar: WorkCalendar
    directory: Directory

    @property
    def rules(self) -> Engine:
        return Engine(self.framework, self.directory, self.calendar)

    async def audit(self, audit_id: int) -> Audit | None:
        """One audit whole, or None."""
        found = await self.audits([audit_id])
        return found[0] if found else None

    async def audits(self, ids: Iterable[int]) -> list[Audit]:
        """Audits whole, in the order of their ids."""
        wanted = sorted(set(ids))
        loaded: list[Audit] = []
        for start in range(0, len(wanted), 500):
            loaded.extend(await self._audits(wanted[start : start + 500]))
        return loaded

    async def _audits(self, ids: Sequence[int]) -> list[Audit]:
        rows = await self.session.execute(
            select(AuditRow, CycleRow.month, CaseRow)
            .join(CycleRow, CycleRow.id == AuditRow.cycle_id)
            .join(CaseRow, CaseRow.id == AuditRow.case_id)
            .where(AuditRow.id.in_(ids))
            .order_by(AuditRow.id)
        )
        actions: dict[int, list[ActionRow]] = {}
        for action in await self.session.scalars(
            select(ActionRow).where(ActionRow.audit_id.in_(ids)).order_by(ActionRow.number)
        ):
            actions.setdefault(action.audit_id, []).append(action)
        duties: dict[int, list[DutyRow]] = {}
        for duty in await self.session.scalars(select(DutyRow).where(DutyRow.audit_id.in_(ids)).order_by(DutyRow.id)):
            duties.setdefault(duty.audit_id, []).append(duty)
        return [
            audit_of(row, month, case, actions.get(row.id, ()), duties.get(row.id, ())) for row, month, case in rows
        ]

    async def people_changed(self) -> None:
        """Say that people were changed, so that nobody goes on with the directory they had."""
        row = await self.session.get(RevisionRow, PEOPLE)
        if row is None:
            self.session.add(RevisionRow(name=PEOPLE, number=1))
        else:
            row.number += 1


@dataclass
class Store:
    """A database under one framework. Safe to share between tasks."""

    database: AsyncEngine
    framework: Framework
    calendar: WorkCalendar
    _known: tuple[int, Directory] | None = field(default=None, init=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block and rolls back on an exception."""
        sessions = async_sessionmaker(self.database, expire_on_commit=False)
        async with sessions.begin() as session:
            yield Transaction(session, self.framework, self.calendar, await self._directory(session))

    async def _directory(self, session: AsyncSession) -> Directory:
        number = await session.scalar(select(RevisionRow.number).where(RevisionRow.name == PEOPLE)) or 0
        if self._known is None or self._known[0] != number or number == 0:
            people = await session.scalars(select(PersonRow))
            self._known = (number, Directory.of(map(person_of, people), self.framework.scopes()))
        return self._known[1]

    async def close(self) -> None:
        await self.database.dispose()
