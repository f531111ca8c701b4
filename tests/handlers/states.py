"""A council under any framework with one audit in each state, for tests that press everything as everybody.

Two services stand side by side: everyone `near` is near the practitioner of the case, everyone `far` is not. The
practitioner's manager is away all the time, and `cover` stands in for them. `gone` has left.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.framework import Framework
from audits.frameworks import framework_named
from audits.state import Event, RemedialAction
from storage.allocations import ensure_cycle, issue, plan_allocation
from storage.database import sqlite_url
from storage.ledger import record
from storage.migrating import migrate
from storage.records import case_of
from storage.store import Store, Transaction
from storage.tables import CaseRow, PersonRow
from tests.compiled import open_again

NEAR, FAR = "Near", "Far"
COVER, GONE = "cover", "gone"
Told = Sequence[tuple[str, str | None, Mapping[str, Any]]]
"""Events of a state: what happened, who did it (a person's name here), and what was given."""


@dataclass(frozen=True)
class Council:
    """Who is who by name (`near tm`, `far tm`, `cover`, `gone`), and the audit in each state."""

    path: Path
    framework: Framework
    people: Mapping[str, int]
    audits: Mapping[str, int]
    began: datetime

    @property
    def practitioner(self) -> str:
        return f"near {self.framework.case_roles[0]}"

    def everybody(self) -> list[str]:
        """Everyone whom a verb, a step or the case could mean, near and far, and two whom none of them does."""
        framework = self.framework
        named = {target for rule in framework.verbs.values() for target in rule.by} | framework.addressed()
        named |= {*framework.qa_roles, framework.case_roles[0], audits_usually(framework)}
        named |= {*managers(framework, framework.case_roles[0])}
        others = [name for name in self.people if name.partition(" ")[2] not in named and name not in (COVER, GONE)]
        return [name for name in self.people if name not in others[2:]]

    def name(self, person_id: int | None) -> str:
        return next(name for name, one in self.people.items() if one == person_id)

    def store(self) -> Store:
        return Store(open_again(sqlite_url(self.path)), self.framework, WorkCalendar())


def audits_usually(framework: Framework) -> str:
    """The role of the one who audits."""
    return "auditor" if "auditor" in framework.roles else framework.auditor_roles[0]


def managers(framework: Framework, role: str) -> list[str]:
    """The roles above one, nearest first."""
    found: list[str] = []
    above = framework.roles[role].reports_to
    while above is not None and above not in found:
        found.append(above)
        above = framework.roles[above].reports_to
    return [one for one in found if not framework.roles[one].one_of]


async def _people(tx: Transaction, framework: Framework) -> dict[str, int]:
    rows: dict[str, PersonRow] = {}

    def add(name: str, role: str, area: str) -> PersonRow:
        email = f"{name.replace(' ', '.')}@example.org"
        rows[name] = PersonRow(name=name, email=email, role=role, service_area=area, active=True)
        tx.session.add(rows[name])
        return rows[name]

    for role, terms in framework.roles.items():
        if not terms.one_of:
            add(f"near {role}", role, "" if terms.council else NEAR)
            if not terms.council:
                add(f"far {role}", role, FAR)
    worker = framework.case_roles[0]
    add(COVER, worker, FAR)
    add(GONE, framework.qa_roles[0], "").active = False
    await tx.session.flush()
    for name, row in rows.items():
        side, _, role = name.partition(" ")
        above = next(iter(managers(framework, role or worker)), None)
        found = rows.get(f"{side} {above}") or rows.get(f"far {above}") or rows.get(f"near {above}")
        row.manager_id = found.id if found is not None and above is not None else None
    away = rows[f"near {managers(framework, worker)[0]}"]
    away.leave_until, away.cover_id = date(2030, 1, 1), rows[COVER].id
    await tx.session.flush()
    await tx.people_changed()
    return {name: row.id for name, row in rows.items()}


def first_cycle(framework: Framework) -> Cycle:
    return next(one for one in map(Cycle.parse, ("2026-03", "2026-04")) if framework.has_cycle(one))


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it but its tables."""
    path = tmp_path_factory.mktemp("blank") / "blank.sqlite3"

    async def made() -> None:
        database = open_again(sqlite_url(path))
        await migrate(database)
        await database.dispose()

    asyncio.run(made())
    return path


async def found(blank: Path, path: Path, name: str, states: Callable[["Council"], Mapping[str, Told]]) -> Council:
    """Make the council's database, with a case and an audit for each of `states`."""
    framework = framework_named(name)
    shutil.copyfile(blank, path)
    store = Store(open_again(sqlite_url(path)), framework, WorkCalendar())
    try:
        async with store.begin() as tx:
            people = await _people(tx, framework)
        cycle = first_cycle(framework)
        began = store.calendar.moment(cycle.first + timedelta(days=8), time(9, 0))
        council = Council(path, framework, people, {}, began)
        audits: dict[str, int] = {}
        async with store.begin() as tx:
            row = await ensure_cycle(tx, cycle)
            for number, (state, told) in enumerate(states(council).items(), 1):
                case = CaseRow(
                    ref=f"C-{number}",
                    plan="CP",
                    service_area=NEAR,
                    holder_id=people[council.practitioner],
                    on_list=True,
                )
                tx.session.add(case)
                await tx.session.flush()
                audits[state] = await _audit(tx, council, row, case, state, told)
        return Council(path, framework, people, audits, began)
    finally:
        await store.close()


async def _audit(tx: Transaction, council: Council, cycle: Any, case: CaseRow, state: str, told: Told) -> int:
    auditor = council.people[audited_by(council.framework, state)]
    planned = await plan_allocation(tx, cycle, case_of(case), auditor, council.began)
    audit = await tx.audit(planned.id)
    assert audit is not None
    if state == PLANNED:
        return audit.id
    audit = (await issue(tx, audit, council.began)).audit
    for hours, (kind, actor, values) in enumerate(told, 1):
        at = council.began + timedelta(hours=hours)
        who = council.people[actor] if actor else None
        audit = (await record(tx, audit, Event(kind, at, who, values))).audit
    return audit.id


PLANNED = "planned"
BY_A_MODERATOR = "held back from an auditor who moderates"


def audited_by(framework: Framework, state: str) -> str:
    """Who audits in a state: the usual auditor, or one who may also moderate."""
    if state == BY_A_MODERATOR:
        both = [role for role in framework.auditor_roles if role in framework.verbs["moderate"].by]
        if both:
            return f"near {both[0]}"
    return f"near {audits_usually(framework)}"


def graded(council: Council, grade: str, *, safety: bool = False, by: str | None = None) -> Told:
    """The way of an audit until it is sent with a grade; two actions come of it."""
    auditor = by or audited_by(council.framework, "")
    worker = council.practitioner
    above = managers(council.framework, council.framework.case_roles[0])[1]
    actions = (
        RemedialAction(1, "Update the chronology", council.people[worker]),
        RemedialAction(2, "See the child", council.people[f"near {above}"]),
    )
    sent: Mapping[str, Any] = {
        "grade": grade,
        "safety": safety,
        "rationale": "Seen together.",
        "feedback": {},
        "actions": actions,
    }
    return (
        ("accepted", auditor, {}),
        ("proposed", auditor, {"at": council.began + timedelta(days=1)}),
        ("booked", worker, {"at": council.began + timedelta(days=1)}),
        ("held", auditor, {}),
        ("self_assessed", worker, {"text": "Mine."}),
        ("submitted", auditor, sent),
    )


def moderator(framework: Framework, but: str = "") -> str:
    """Somebody who may moderate, other than `but`."""
    for target in framework.verbs["moderate"].by:
        roles = framework.qa_roles if target == "qa" else (target,)
        for role in roles:
            if role in framework.roles and not framework.roles[role].one_of and but != f"near {role}":
                return f"near {role}"
    return f"near {framework.roles[framework.verbs['moderate'].by[0]].one_of[-1]}"


def moderated(council: Council, before: Told, grade: str, *, concern: bool = False, added: int = 0) -> Told:
    """A moderation, whose outcome is kept back where the framework does that."""
    auditor, was = next((by, values["grade"]) for kind, by, values in before if kind == "submitted")
    hold = council.framework.moderation.hold and (concern or grade != was)
    worker = council.people[council.practitioner]
    actions = tuple(RemedialAction(number, "Ask the school", worker) for number in range(3, 3 + added))
    values: Mapping[str, Any] = {
        "grade": grade,
        "text": "Looked at again.",
        "actions": actions,
        "concern": concern,
        "hold": hold,
    }
    return (*before, ("moderated", moderator(council.framework, auditor or ""), values))
