"""The store: one database with one framework, and the transaction in which everything happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Executable, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from audits.calendar import WorkCalendar
from audits.engine import Engine
from audits.framework import Framework
from audits.people import Directory
from audits.state import Audit
from storage.audits import Stored, read_audits, write_audit
from storage.interruptions import away, in_the_way, pause_before
from storage.records import person_of
from storage.sqlite import READS
from storage.statements import Values, adding_up, execute
from storage.tables import AuditRow, PersonRow, RevisionRow
from storage.turns import Turns

T = TypeVar("T")

PEOPLE = "people"
TRIES = 6
"""So often work is begun anew where other transactions are in its way."""
PATIENCE = 10.0
"""How many seconds to wait for a database that has just gone away, as it does when it is started again."""
LOOK_AGAIN = 0.25
LARGEST_ID = 2**31 - 1
_ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

# Statements that are made once keep the form in which the database gets them.
_REVISIONS = RevisionRow.table().c
_REVISION = select(_REVISIONS.number).where(_REVISIONS.name == PEOPLE)
_PEOPLE = select(PersonRow.table()).order_by(PersonRow.table().c.id)
_CHANGED = adding_up(RevisionRow.table(), "name", "number")
_LOCK_NAME = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("what"), 0)))
_AUDITS = AuditRow.table()
_LOCK_AUDIT = select(_AUDITS.c.id).where(_AUDITS.c.id == bindparam("this")).with_for_update(key_share=True)


@dataclass
class Transaction:
    """One unit of work: all of it commits, or none. An audit that was read once is kept until its end.

    What every press needs is done by `execute`, with statements on tables; the rest by `session`, with objects. Both
    write on one connection.
    """

    connection: AsyncConnection
    framework: Framework
    calendar: WorkCalendar
    people: Directory | None = None
    _audits: dict[int, Stored] = field(default_factory=dict, init=False)
    _changed: bool = field(default=False, init=False)

    @property
    def untouched(self) -> bool:
        """Whether nothing has been written so far, and no session was opened that may have something to write."""
        return not self._changed and "session" not in self.__dict__

    @property
    def directory(self) -> Directory:
        """Everyone, as they stood when the transaction began. Raises RuntimeError where it was begun without them."""
        if self.people is None:
            raise RuntimeError("this transaction was begun without people")
        return self.people

    @property
    def rules(self) -> Engine:
        return Engine(self.framework, self.directory, self.calendar)

    @cached_property
    def session(self) -> AsyncSession:
        """Opened when it is first wanted, since many transactions do without."""
        return AsyncSession(self.connection, expire_on_commit=False)

    async def execute(
        self, statement: Executable, values: Values | Sequence[Values] | None = None
    ) -> CursorResult[Any]:
        """Execute a statement on tables, after what the session still has to write."""
        await self.written()
        self._changed = self._changed or not statement.is_select
        return await execute(self.connection, statement, values)

    async def written(self) -> None:
        """Write what the session has been given and hasn't written so far."""
        session: AsyncSession | None = self.__dict__.get("session")
        if session is not None and (session.new or session.dirty or session.deleted):
            await session.flush()

    async def let_go(self) -> None:
        """Part with the session, of which nothing is written any more."""
        if "session" in self.__dict__:
            await self.session.close()

    async def alone(self, what: str) -> None:
        """Wait until no other transaction that asked for the same is under way; others wait until this one ends.

        It is asked for before what decides is read. On SQLite every transaction is alone.
        """
        if self._shared:
            await execute(self.connection, _LOCK_NAME, {"what": what})

    @property
    def _shared(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    async def audit(self, audit_id: int, *, alone: bool = False) -> Audit | None:
        """One audit whole, or None. With `alone`, nobody else changes it until this transaction ends."""
        if alone and self._shared and audit_id not in self._audits and 0 < audit_id <= LARGEST_ID:
            await execute(self.connection, _LOCK_AUDIT, {"this": audit_id})
        found = await self.audits([audit_id])
        return found[0] if found else None

    async def audits(self, ids: Iterable[int]) -> list[Audit]:
        """Audits whole, in the order of their ids."""
        wanted = sorted({one for one in ids if 0 < one <= LARGEST_ID})
        missing = [one for one in wanted if one not in self._audits]
        if missing:
            await self.written()
            self._audits.update(await read_audits(self.connection, missing))
        return [self._audits[one].audit for one in wanted if one in self._audits]

    def versions(self, ids: Iterable[int]) -> dict[int, int]:
        """Which version of each of these audits this transaction has; those that it never read are left out."""
        return {one: self._audits[one].version for one in ids if one in self._audits}

    async def write_audit(self, audit: Audit) -> None:
        """Write an audit as it shall stand from now on.

        Raises LookupError for one that isn't there, and StaleDataError (SQLAlchemy) where another transaction has
        written it meanwhile.
        """
        if await self.audit(audit.id) is None:
            raise LookupError(f"there is no audit {audit.id}")
        self._changed = True
        self._audits[audit.id] = await write_audit(self.connection, self._audits[audit.id], audit)

    async def people_changed(self) -> None:
        """Say that people were changed, so that nobody goes on with the directory they had."""
        await self.execute(_CHANGED[self.connection.dialect.name], {"name": PEOPLE, "number": 1})


@dataclass
class Store:
    """A database under one framework. Safe to share between tasks."""

    database: AsyncEngine
    framework: Framework
    calendar: WorkCalendar
    _known: tuple[int, Directory] | None = field(default=None, init=False)
    turns: Turns = field(default_factory=Turns, init=False)

    @asynccontextmanager
    async def begin(self, *, first: bool = False, people: bool = True) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block and rolls back on an exception.

        SQLite lets one write at a time, so they take turns; `first` for what somebody waits for. Transactions of one
        store never lie inside each other: the inner one would wait for the outer. Raises RuntimeError for it on SQLite.
        On PostgreSQL they run side by side, and what each reads may be changed by others meanwhile (see `attempt`). A
        database that has just gone away is waited for. Without `people`, what nobody's name or role matters for spares
        the question whether the people have changed.
        """
        async with self._turn(first=first), self._connected() as connection, connection.begin():
            everyone = await self._directory(connection) if people else None
            tx = Transaction(connection, self.framework, self.calendar, everyone)
            try:
                yield tx
                await tx.written()
            finally:
                await tx.let_go()

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Transaction]:
        """A transaction that only reads, and reads everything as it stood at one moment.

        However long it takes, no other process waits for it: a walk through the ledger must not keep people's presses.
        """
        async with self._turn(first=False), self._connected() as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            options: dict[str, Any] = {READS: True} if on_sqlite else _ONE_MOMENT
            reading = await connection.execution_options(**options)
            async with reading.begin():
                tx = Transaction(reading, self.framework, self.calendar, await self._directory(reading))
                try:
                    yield tx
                finally:
                    await tx.let_go()

    async def attempt(
        self, work: Callable[[Transaction], Awaitable[T]], *, first: bool = False, people: bool = True
    ) -> T:
        """Do work in a transaction, and once more in a new one where others were in the way or the line was lost.

        The work must be of a kind that finds out by reading whether it has been done: where the line was lost at the
        commit, nobody knows.
        """
        until = _seconds() + PATIENCE
        for tries in range(1, TRIES):
            try:
                async with self.begin(first=first, people=people) as tx:
                    return await work(tx)
            except Exception as fault:
                if not in_the_way(fault) and not (away(fault) and _seconds() < until):
                    raise
            await asyncio.sleep(pause_before(tries))
        async with self.begin(first=first, people=people) as tx:
            return await work(tx)

    @asynccontextmanager
    async def _turn(self, *, first: bool) -> AsyncIterator[None]:
        if self.database.dialect.name == "sqlite":
            async with self.turns.turn(first=first):
                yield
        else:
            if first:
                self.turns.come_first()
            yield

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        connection = await self._connect()
        try:
            yield connection
        finally:
            await connection.close()

    async def _connect(self) -> AsyncConnection:
        until = _seconds() + PATIENCE
        while True:
            try:
                return await self.database.connect()
            except Exception as fault:
                if not away(fault) or _seconds() >= until:
                    raise
            await asyncio.sleep(LOOK_AGAIN)

    async def _directory(self, connection: AsyncConnection) -> Directory:
        number = (await execute(connection, _REVISION)).scalar() or 0
        if self._known is None or self._known[0] != number or number == 0:
            people = await execute(connection, _PEOPLE)
            self._known = (number, Directory.of(map(person_of, people), self.framework.scopes()))
        return self._known[1]

    async def close(self) -> None:
        await self.database.dispose()


def _seconds() -> float:
    """Seconds that go on evenly, to measure a wait by."""
    return asyncio.get_running_loop().time()
