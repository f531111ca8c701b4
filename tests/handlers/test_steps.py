"""A step that is answered with ticks, and what else may be pressed on its card."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from audits.calendar import WorkCalendar
from audits.reading import parse_framework
from bot.program import Program
from scheduling.clock import MovedClock
from storage.database import open_database, sqlite_url
from storage.store import Store
from storage.tables import LedgerRow
from tests.handlers.conftest import CASE, START, Founded, Postbox, Service, verbs

SECOND_READING = """
[duties.second_reading]
title = "Read it once more"
ask = "Please read the audit, or put it forward."
opened_by = ["submitted"]
owner = "service_lead"
due = "within 5 working days"
closed_by = ["overseen", "referred", "withdrawn"]
checks = ["I have read the plan", "I have spoken to the team"]
rule = []
place = "Local setting"

[verbs.refer]
label = "put the audit forward for moderation"
by = ["service_lead"]
"""


@pytest.fixture
async def service(founded: Founded, tmp_path: Path) -> AsyncIterator[Service]:
    """The service of the other stories, whose Service Lead reads each audit once more."""
    path = Path(shutil.copyfile(founded.path, tmp_path / "service.sqlite3"))
    text = (Path(__file__).parents[2] / "audits" / "frameworks" / "southampton.toml").read_text("utf-8")
    framework = parse_framework(text + SECOND_READING, "southampton.toml")
    store = Store(open_database(sqlite_url(path)), framework, WorkCalendar())
    clock, post = MovedClock(WorkCalendar().moment(START.date(), START.time())), Postbox()
    try:
        yield Service(Program(store, clock, post), clock, post, dict(founded.people))
    finally:
        await store.close()


async def said(service: Service, kind: str) -> dict[str, object]:
    """What the ledger keeps of what somebody said with the one event of this kind."""
    async with service.store.begin() as tx:
        row = (await tx.session.scalars(select(LedgerRow).where(LedgerRow.kind == kind))).one()
        return {name: value for name, value in row.values.items() if name not in ("opened", "closed")}


async def test_putting_an_audit_forward_says_nothing_of_the_ticks_that_came_with_it(service: Service) -> None:
    await service.sent()
    card = await service.letter("Dan", f"Read it once more: {CASE}")
    assert verbs(card) == {"oversee", "refer"}
    assert [entry.label for entry in card.all_inputs()][:2] == ["I have read the plan", "I have spoken to the team"]
    text = "Please look at the plan."
    await service.ok(await service.press("Dan", "refer", text=text, check_1="yes", check_2="no"))
    audit = await service.audit()
    assert (audit.has("referred"), audit.has("overseen")) == (True, False)
    assert await said(service, "referred") == {"text": text}
    assert text in str(audit.facts)
    assert "check" not in str(audit.facts)
    done = await service.letter("Dan", f"You put this forward for moderation: {CASE}")
    assert not any("I have read the plan" in fact.label or "I have read the plan" in fact.value for fact in done.facts)
