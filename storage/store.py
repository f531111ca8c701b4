"""The store: one database with one framework, and the transaction in which everything happens."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from audits.calendar import WorkCalendar
from audits.engine import Engine
from audits.framework import Framework
from audits.people import Directory
from audits.state import Audit
from storage.records import audit_of, person_of
from storage.tables import ActionRow, AuditRow, CaseRow, CycleRow, DutyRow, PersonRow, RevisionRow
from storage.turns import Turns

PEOPLE = "people"

# Statements that are made once keep the form in which the database gets them.
_REVISIONS = RevisionRow.__table__.c
# Asked in every transaction: of the table, because a figure needs nothing of what an object would.
_REVISION = select(_REVISIONS.number).where(_REVISIONS.name == PEOPLE)
_AUDITS = (
    select(AuditRow, CycleRow.month, CaseRow)
    .join(CycleRow, CycleRow.id == AuditRow.cycle_id)
    .join(CaseRow, CaseRow.id == AuditRow.case_id)
    .where(AuditRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(AuditRow.id)
)
_ACTIONS = select(ActionRow).where(ActionRow.audit_id.in_(bindparam("ids", expanding=True))).order_by(ActionRow.number)
_DUTIES = select(DutyRow).where(DutyRow.audit_id.in_(bindparam("ids", expanding=True))).order_by(DutyRow.id)


@dataclass
class AuditRows:
    """The rows that an audit is made of, as one transaction has them."""

    row: AuditRow
    month: str
    case: CaseRow
    actions: list[ActionRow] = field(default_factory=list)
    duties: list[DutyRow] = field(default_factory=list)

    def audit(self) -> Audit:
        return audit_of(self.row, self.month, self.case, self.actions, self.duties)


@dataclass(frozen=True)
class Transaction:
    """One unit of work: all of it commits, or none. Rows of audits that were read once are kept until its end."""

    session: AsyncSession
    framework: Framework
    calendar: WorkCalendar
    directory: Directory
    _rows: dict[int, AuditRows] = field(default_factory=dict)

    @property
    def rules(self) -> Engine:
        return Engine(self.framework, self.directory, self.calendar)

    async def audit(self, audit_id: int) -> Audit | None:
        """One audit whole, or None."""
        rows = await self.audit_rows(audit_id)
        return rows.audit() if rows is not None else None

    async def audits(self, ids: Iterable[int]) -> list[Audit]:
        """Audits whole, in the order of their ids."""
        wanted = sorted(set(ids))
        missing = [one for one in wanted if one not in self._rows]
        for start in range(0, len(missing), 500):
            await self._read(missing[start : start + 500])
        return [self._rows[one].audit() for one in wanted if one in self._rows]

    async def audit_rows(self, audit_id: int) -> AuditRows | None:
        """The rows of one audit; what is added to it or changed in it has to be added and changed there."""
        if audit_id not in self._rows:
            await self._read([audit_id])
        return self._rows.get(audit_id)

    async def _read(self, ids: Sequence[int]) -> None:
        for row, month, case in await self.session.execute(_AUDITS, {"ids": ids}):
            self._rows[row.id] = AuditRows(row, month, case)
        for action in await self.session.scalars(_ACTIONS, {"ids": ids}):
            self._rows[action.audit_id].actions.append(action)
        for duty in await self.session.scalars(_DUTIES, {"ids": ids}):
            self._rows[duty.audit_id].duties.append(duty)

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
    _turns: Turns = field(default_factory=Turns, init=False)

    @asynccontextmanager
    async def begin(self, *, first: bool = False) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block and rolls back on an exception.

        SQLite lets one write at a time, so they take turns; `first` for what somebody waits for. Transactions of one
        store never lie inside each other: the inner one would wait for the outer.
        """
        alone = self.database.dialect.name == "sqlite"
        async with (
            self._turns.turn(first=first) if alone else nullcontext(),
            AsyncSession(self.database, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield Transaction(session, self.framework, self.calendar, await self._directory(session))

    async def _directory(self, session: AsyncSession) -> Directory:
        number = await session.scalar(_REVISION) or 0
        if self._known is None or self._known[0] != number or number == 0:
            people = await session.scalars(select(PersonRow))
            self._known = (number, Directory.of(map(person_of, people), self.framework.scopes()))
        return self._known[1]

    async def close(self) -> None:
        await self.database.dispose()
