"""A small fictional service under Southampton's framework, with one allocation, for the tests of the rules."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.engine import Engine
from audits.framework import Framework
from audits.frameworks import framework_named
from audits.people import Directory, Person
from audits.state import CORE, Audit, CaseFile, Event

# id, name, role, service area, manager
STAFF = (
    (1, "Ruth", "edcs", "", None),
    (2, "Dev", "deputy_director", "", 1),
    (3, "Hana", "hos", "", 2),
    (4, "Sam", "service_lead", "north", 3),
    (5, "Petra", "practice_manager", "north", 4),
    (6, "Cass", "case_holder", "north", 5),
    (7, "Cem", "case_holder", "north", 5),
    (8, "Sol", "service_lead", "south", 3),
    (9, "Mo", "manager", "north", 4),
    (10, "Quinn", "qa_unit", "", 11),
    (11, "Uma", "qau_manager", "", 12),
    (12, "Hope", "hos_qa", "", 2),
    (13, "Pia", "psw", "", 12),
    (14, "Pat", "practice_development_team", "", 13),
    (15, "Ola", "practice_manager", "south", 8),
    (16, "Max", "manager", "north", 4),
    (17, "Sid", "case_holder", "south", 15),
)


@pytest.fixture(scope="session")
def london() -> WorkCalendar:
    return WorkCalendar()


@pytest.fixture(scope="session")
def at(london: WorkCalendar) -> Callable[[str], datetime]:
    """A moment from the council's own clock: `2026-03-02T09:00` in London, as UTC."""

    def moment(text: str) -> datetime:
        local = datetime.fromisoformat(text)
        return london.moment(local.date(), local.time())

    return moment


@pytest.fixture(scope="session")
def clock(london: WorkCalendar) -> Callable[[datetime | None], str]:
    """What the council's own clock says, with the weekday: `Mon 2026-03-02 09:00`; `-` for no moment."""

    def words(moment: datetime | None) -> str:
        return "-" if moment is None else f"{london.local(moment):%a %Y-%m-%d %H:%M}"

    return words


@pytest.fixture(scope="session")
def southampton() -> Framework:
    return framework_named("southampton")


@pytest.fixture(scope="session")
def staff() -> Mapping[str, Person]:
    """Everyone by first name: Cass practises under Petra, Sam, Hana, Dev and Ruth; Mo audits; Quinn is the QA Unit."""
    return MappingProxyType(
        {
            name: Person(number, name, f"{name.lower()}@example.org", role, service_area=area, manager_id=manager)
            for number, name, role, area, manager in STAFF
        }
    )


@pytest.fixture(scope="session")
def engine(southampton: Framework, staff: Mapping[str, Person], london: WorkCalendar) -> Engine:
    return Engine(southampton, Directory.of(staff.values(), southampton.scopes()), london)


@pytest.fixture(scope="session")
def audit() -> Audit:
    """An audit of Cass's case in the cycle of January 2026, before anything has happened."""
    case = CaseFile(1, "K-1", "CIN", service_area="north", holder_id=6)
    return Audit(7, "southampton", CORE, Cycle.parse("2026-01"), case, auditor_id=9)


@pytest.fixture(scope="session")
def play(staff: Mapping[str, Person], at: Callable[[str], datetime]) -> Callable[..., Audit]:
    """`play(engine, audit, (kind, local time, name or None, values), …)`: the audit after all these events."""

    def played(engine: Engine, audit: Audit, *events: tuple[Any, ...]) -> Audit:
        for kind, when, who, *values in events:
            waiting = [Event(kind, at(when), staff[who].id if who else None, values[0] if values else {})]
            while waiting:
                decision = engine.decide(audit, waiting.pop(0))
                audit = decision.audit
                waiting.extend(decision.then)
        return audit

    return played
