"""A demonstration that is prepared once, and served anew from a copy of its database for each test that asks."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from audits.frameworks import framework_named
from audits.people import Directory, Person
from audits.state import Audit
from bot.demonstration.prepare import DATABASE, prepare
from bot.desk.application import build_app
from bot.desk.serving import serve
from bot.opening import calendar_of
from bot.program import DeskDoor, Program
from scheduling.clock import MovedClock
from storage.database import sqlite_url
from storage.store import Store
from tests.compiled import open_again

SOUTHAMPTON = framework_named("southampton")
TODAY = date(2026, 3, 17)


@dataclass(frozen=True)
class OpenDesk:
    """A desk that is open at `address` (without a slash at its end), and the program behind it."""

    program: Program
    address: str

    async def audit(self, audit_id: int = 1) -> Audit:
        async with self.program.store.begin() as tx:
            audit = await tx.audit(audit_id)
        assert audit is not None
        return audit

    async def directory(self) -> Directory:
        async with self.program.store.begin() as tx:
            return tx.directory

    async def auditor(self, audit_id: int = 1) -> Person:
        found = (await self.directory()).get((await self.audit(audit_id)).auditor_id)
        assert found is not None
        return found

    async def practitioner(self, audit_id: int = 1) -> Person:
        found = (await self.directory()).get((await self.audit(audit_id)).case.holder_id)
        assert found is not None
        return found

    async def holder(self, role: str) -> Person:
        return (await self.directory()).holders(role)[0]


OpensDesk = Callable[..., AbstractAsyncContextManager[OpenDesk]]


@pytest.fixture(scope="session")
def month_gone_out(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """The database of a demonstration whose March 2026 has just gone out, and the moment at which it stands."""
    folder = tmp_path_factory.mktemp("demonstration")

    async def work() -> datetime:
        program = await prepare(SOUTHAMPTON, folder, TODAY, 7, lambda line: None)
        await program.store.close()
        return program.now()

    return folder / DATABASE, asyncio.run(work())


def program_after(month: tuple[Path, datetime], folder: Path, *, demonstration: bool = True) -> Program:
    """The program on a copy of a prepared month in `folder`; whoever calls this closes its store."""
    prepared, moment = month
    copy = Path(shutil.copy(prepared, folder / DATABASE))
    store = Store(open_again(sqlite_url(copy)), SOUTHAMPTON, calendar_of(SOUTHAMPTON))
    return Program(store, MovedClock(moment), DeskDoor(), demonstration=demonstration)


@pytest.fixture
def opens_desk(month_gone_out: tuple[Path, datetime], tmp_path: Path) -> OpensDesk:
    """Opens a desk of its own on any free port of this machine."""

    @asynccontextmanager
    async def opened(*, demonstration: bool = True) -> AsyncIterator[OpenDesk]:
        program = program_after(month_gone_out, tmp_path, demonstration=demonstration)
        served = await serve(build_app(program), 0)
        try:
            yield OpenDesk(program, served.address.rstrip("/"))
        finally:
            await served.close()
            await program.store.close()

    return opened
