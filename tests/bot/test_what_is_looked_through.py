"""What every day asks of the database costs what it finds, not what there is: no statement looks through a large table.

A month is lived on each kind of database, and the database is then asked how it carries out each statement.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.program import Program
from handlers.home import home
from handlers.interaction import Interaction
from scheduling.clock import MovedClock
from storage.postings import audit_in_thread, thread_of
from tests.scheduling.conftest import Letterbox
from tests.storage.conftest import Service, kind, moment, postgresql, service, staffed, staffed_place, template

__all__ = ["kind", "postgresql", "service", "staffed", "staffed_place", "template"]

GROWING = frozenset(
    {"answers", "audits", "chains", "contacts", "drafts", "duties", "ledger", "outbox", "postings", "remedial_actions"}
)
"""The tables that grow with every month. Cases and people are read whole where a draw or a question is about all."""
GRADED = {
    "grade": "inadequate",
    "rationale": "The plan is out of date.",
    "safety": "no",
    "feedback_child": "obtained",
    "feedback_parent_carer": "obtained",
    "action_1_what": "Update the plan.",
    "action_1_due": "2026-03-17",
}


@contextmanager
def noted(program: Program) -> Iterator[dict[str, Any]]:
    """Every statement that is carried out meanwhile, by its words, each with the values that it had."""
    found: dict[str, Any] = {}
    engine = program.store.database.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        found.setdefault(statement, values[0] if many else values)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def looked_through(connection: AsyncConnection, statement: str, values: Any) -> set[str]:
    """The tables of which a statement looks at every row."""
    if not statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
        return set()
    if connection.dialect.name == "sqlite":
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        steps = [str(row.detail).split() for row in plan]
        return {words[1] for words in steps if words[0] == "SCAN" and "INDEX" not in words}
    plan = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)
    found: Any = plan.scalar()
    (whole,) = json.loads(found) if isinstance(found, str) else found
    return set(_read_whole(whole["Plan"]))


def _read_whole(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for below in node.get("Plans", ()):
        yield from _read_whole(below)


@pytest.fixture
def lived(service: Service) -> tuple[Program, Service]:
    """The program as it is served, with a place for each message where it can be changed."""
    letterbox = Letterbox(keeps_places=True)
    program = Program(service.store, MovedClock(moment("2026-03-03 08:00")), letterbox, board=letterbox)
    return program, service


async def test_no_statement_of_every_day_looks_through_what_has_grown(lived: tuple[Program, Service]) -> None:
    program, service = lived
    pressed = count(1)

    async def press(name: str, verb: str, subject: str = "", text: str = "", **values: str) -> None:
        event_id = f"e{next(pressed)}"
        asked = Interaction(service.ids[name], verb, event_id, program.now(), subject, values, text)
        reply = await program.answer(asked)
        assert not reply.refused, reply.card.plain()

    with noted(program) as statements:
        audit_id = await service.plan("N-1", "Marek", "2026-03-03 09:00")
        await service.plan("N-2", "Priya", "2026-03-03 09:00")
        await program.move_to(moment("2026-03-03 09:00"))
        await press("Marek", "accept", str(audit_id))
        await press("Marek", "hold", str(audit_id))
        await press("Marek", "submit", str(audit_id), **GRADED)
        for words in ("status", "overdue", "case N-1", "cycle", "who Marek", "help"):
            await press("Quinn", "say", text=words)
        await press("Marek", "say", text="mine")
        async with service.store.begin() as tx:
            await home(tx, tx.directory.people[service.ids["Quinn"]], program.now())
            await thread_of(tx, "slack", service.ids["Marek"], audit_id, "D1")
            await audit_in_thread(tx, "slack", service.ids["Marek"], "1.1")
        await program.move_to(moment("2026-04-20 09:00"))
    found = {}
    async with program.store.database.connect() as connection:
        if connection.dialect.name == "postgresql":
            # So few rows are always looked through, unless there is another way.
            await connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, values in statements.items():
            if large := await looked_through(connection, statement, values) & GROWING:
                found[statement] = large
    assert found == {}
    assert len(statements) > 60
