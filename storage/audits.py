"""Audits whole: read as one value, and written as what differs from the value that was read.

Each press reads and writes one, so this is done with statements that are made once, without an object for each row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Row, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm.exc import StaleDataError

from audits.dates import Cycle
from audits.state import Audit, CaseFile, Duty, RemedialAction, Step
from storage.records import plain
from storage.statements import execute
from storage.tables import ActionRow, AuditRow, CaseRow, CycleRow, DutyRow

_AUDITS, _CASES, _CYCLES, _ACTIONS, _DUTIES = (row.table() for row in (AuditRow, CaseRow, CycleRow, ActionRow, DutyRow))
_CHANGING = (
    "auditor_id",
    "issued_at",
    "session_at",
    "proposed_at",
    "proposed_by",
    "grade",
    "confirmed_grade",
    "safety",
    "withdrawn",
)
_CASE_FIELDS = tuple(one.name for one in fields(CaseFile))
_ACTION_FIELDS = tuple(one.name for one in fields(RemedialAction))
_DUTY_FIELDS = tuple(one.name for one in fields(Duty))
_ID: BindParameter[int] = bindparam("id")
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
MOST_AT_ONCE = 500
"""So many audits are read by one statement; databases limit how many ids it may name."""


def _audits_where(where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_AUDITS, _CYCLES.c.month, *(_CASES.c[name] for name in _CASE_FIELDS))
        .join(_CYCLES, _CYCLES.c.id == _AUDITS.c.cycle_id)
        .join(_CASES, _CASES.c.id == _AUDITS.c.case_id)
        .where(where)
    )


_AUDIT, _SEVERAL = _audits_where(_AUDITS.c.id == _ID), _audits_where(_AUDITS.c.id.in_(_IDS))
_READ_ACTIONS = select(_ACTIONS.c.audit_id, *(_ACTIONS.c[name] for name in _ACTION_FIELDS)).order_by(_ACTIONS.c.number)
_READ_DUTIES = select(_DUTIES.c.audit_id, *(_DUTIES.c[name] for name in _DUTY_FIELDS)).order_by(_DUTIES.c.id)
_ACTIONS_OF, _DUTIES_OF = _READ_ACTIONS.where(_ACTIONS.c.audit_id == _ID), _READ_DUTIES.where(_DUTIES.c.audit_id == _ID)
_ACTIONS_OF_SEVERAL = _READ_ACTIONS.where(_ACTIONS.c.audit_id.in_(_IDS))
_DUTIES_OF_SEVERAL = _READ_DUTIES.where(_DUTIES.c.audit_id.in_(_IDS))

_VERSIONS = select(_AUDITS.c.id, _AUDITS.c.version).where(_AUDITS.c.id.in_(_IDS))
_CHANGE = (
    update(_AUDITS)
    .where(_AUDITS.c.id == bindparam("this"), _AUDITS.c.version == bindparam("read"))
    .values(
        {name: bindparam(f"new_{name}") for name in (*_CHANGING, "facts", "done")} | {"version": _AUDITS.c.version + 1}
    )
)
_TOUCH = (
    update(_AUDITS)
    .where(_AUDITS.c.id == bindparam("this"), _AUDITS.c.version == bindparam("read"))
    .values(version=_AUDITS.c.version + 1)
)
_CHANGE_ACTION = (
    update(_ACTIONS)
    .where(_ACTIONS.c.audit_id == bindparam("this"), _ACTIONS.c.number == bindparam("new_number"))
    .values({name: bindparam(f"new_{name}") for name in _ACTION_FIELDS if name != "number"})
)
_ADD_ACTIONS, _ADD_DUTIES = insert(_ACTIONS), insert(_DUTIES)
_CHANGE_DUTY = (
    update(_DUTIES)
    .where(_DUTIES.c.ref == bindparam("new_ref"))
    .values({name: bindparam(f"new_{name}") for name in _DUTY_FIELDS if name != "ref"})
)


@dataclass(frozen=True)
class Stored:
    """An audit as it stands in the database, and which version of it that is."""

    audit: Audit
    version: int


async def read_audits(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, Stored]:
    """These audits by their ids; one that isn't there is left out."""
    if len(ids) == 1:
        return await _read(connection, (_AUDIT, _ACTIONS_OF, _DUTIES_OF), {"id": ids[0]})
    found: dict[int, Stored] = {}
    statements = (_SEVERAL, _ACTIONS_OF_SEVERAL, _DUTIES_OF_SEVERAL)
    for start in range(0, len(ids), MOST_AT_ONCE):
        found |= await _read(connection, statements, {"ids": list(ids[start : start + MOST_AT_ONCE])})
    return found


async def _read(
    connection: AsyncConnection, statements: tuple[Select[Any], Select[Any], Select[Any]], values: dict[str, Any]
) -> dict[int, Stored]:
    rows = (await execute(connection, statements[0], values)).all()
    if not rows:
        return {}
    actions: dict[int, list[RemedialAction]] = {}
    for row in await execute(connection, statements[1], values):
        actions.setdefault(row.audit_id, []).append(_action_of(row))
    duties: dict[int, list[Duty]] = {}
    for row in await execute(connection, statements[2], values):
        duties.setdefault(row.audit_id, []).append(_duty_of(row))
    return {
        row[0]: Stored(_audit_of(row, actions.get(row[0], ()), duties.get(row[0], ())), row.version) for row in rows
    }


def _audit_of(row: Row[Any], actions: Iterable[RemedialAction], duties: Iterable[Duty]) -> Audit:
    """`row` begins with the audit's own columns and ends with those of its case."""
    done = {kind: (datetime.fromisoformat(at), actor) for kind, (at, actor) in row.done.items()}
    return Audit(
        id=row[0],
        framework=row.framework,
        kind=row.kind,
        cycle=Cycle.parse(row.month),
        case=CaseFile(*row[-len(_CASE_FIELDS) :]),
        earlier_audit_id=row.earlier_audit_id,
        facts=MappingProxyType(row.facts),
        done=MappingProxyType(done),
        actions=tuple(actions),
        duties=tuple(duties),
        **{name: getattr(row, name) for name in _CHANGING},
    )


def _action_of(row: Row[Any]) -> RemedialAction:
    return RemedialAction(*tuple(row)[1:])


def _duty_of(row: Row[Any]) -> Duty:
    values = {name: getattr(row, name) for name in _DUTY_FIELDS}
    values["steps"] = tuple(_step_of(step) for step in row.steps)
    values["vacant"] = tuple(row.vacant)
    return Duty(**values)


def _step_of(value: dict[str, Any]) -> Step:
    return Step(
        name=value["name"],
        at=datetime.fromisoformat(value["at"]),
        what=value["what"],
        to=tuple(value["to"]),
        every_minutes=value.get("every_minutes", 0),
        times=value.get("times", 0),
    )


async def versions_now(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, int]:
    """The version at which each of these audits stands."""
    return {row.id: row.version for row in await execute(connection, _VERSIONS, {"ids": list(ids)})}


async def write_audit(connection: AsyncConnection, before: Stored, audit: Audit) -> Stored:
    """Write an audit's state, actions and duties where they differ from `before`; a duty that was closed stays so.

    Raises StaleDataError (SQLAlchemy) where another transaction has written this audit since `before` was read.
    """
    # What is read again within the transaction is what any later one will read.
    audit = replace(audit, facts=MappingProxyType(plain(audit.facts)))
    await _write_state(connection, before, audit)
    await _write_actions(connection, before.audit, audit)
    await _write_duties(connection, before.audit, audit)
    return Stored(audit, before.version + 1)


async def _write_state(connection: AsyncConnection, before: Stored, audit: Audit) -> None:
    values: dict[str, Any] = {"this": audit.id, "read": before.version}
    old = before.audit
    if any(getattr(old, name) != getattr(audit, name) for name in (*_CHANGING, "facts", "done")):
        state = {f"new_{name}": getattr(audit, name) for name in _CHANGING}
        state |= {"new_facts": dict(audit.facts), "new_done": plain(audit.done)}
        result = await execute(connection, _CHANGE, values | state)
    else:
        result = await execute(connection, _TOUCH, values)
    if result.rowcount != 1:
        raise StaleDataError(f"audit {audit.id} was changed meanwhile")


async def _write_actions(connection: AsyncConnection, before: Audit, audit: Audit) -> None:
    known = {action.number: action for action in before.actions}
    added = [_values(action, _ACTION_FIELDS) for action in audit.actions if action.number not in known]
    for action in audit.actions:
        if action.number in known and action != known[action.number]:
            changed = _values(action, _ACTION_FIELDS, "new_")
            await execute(connection, _CHANGE_ACTION, changed | {"this": audit.id})
    if added:
        await execute(connection, _ADD_ACTIONS, [one | {"audit_id": audit.id} for one in added])


async def _write_duties(connection: AsyncConnection, before: Audit, audit: Audit) -> None:
    known = {duty.ref: duty for duty in before.duties}
    added = [_values(duty, _DUTY_FIELDS) for duty in audit.duties if duty.ref not in known]
    for duty in audit.duties:
        old = known.get(duty.ref)
        if old is not None and old.is_open and duty != old:
            await execute(connection, _CHANGE_DUTY, _values(duty, _DUTY_FIELDS, "new_"))
    if added:
        await execute(connection, _ADD_DUTIES, [one | {"audit_id": audit.id} for one in added])


def _values(one: RemedialAction | Duty, names: Iterable[str], prefix: str = "") -> dict[str, Any]:
    """What a row keeps of an action or a duty; its lists go into JSON."""
    found = {name: getattr(one, name) for name in names}
    return {f"{prefix}{name}": plain(value) if isinstance(value, tuple) else value for name, value in found.items()}
