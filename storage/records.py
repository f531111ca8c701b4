"""Between rows and the rules' own values: people, cases, audits, actions, duties."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

from audits.dates import Cycle
from audits.people import Person
from audits.state import Audit, CaseFile, Duty, RemedialAction, Step
from storage.tables import ActionRow, AuditRow, CaseRow, DutyRow, PersonRow


def plain(value: Any) -> Any:
    """A value as JSON can keep it: moments as ISO text, records as objects."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (Cycle, Enum)):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return value


def person_of(row: PersonRow) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        email=row.email,
        role=row.role,
        team=row.team,
        service_area=row.service_area,
        manager_id=row.manager_id,
        cover_id=row.cover_id,
        leave_from=row.leave_from,
        leave_until=row.leave_until,
        active=row.active,
        linked=tuple(row.linked),
        auditing=row.auditing,
    )


def case_of(row: CaseRow) -> CaseFile:
    return CaseFile(
        id=row.id,
        ref=row.ref,
        plan=row.plan,
        team=row.team,
        service_area=row.service_area,
        holder_id=row.holder_id,
        on_list=row.on_list,
        sex=row.sex,
        age_band=row.age_band,
        ethnicity_group=row.ethnicity_group,
    )


def action_of(row: ActionRow) -> RemedialAction:
    return RemedialAction(
        number=row.number,
        what=row.what,
        owner_id=row.owner_id,
        due=row.due,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        signed_off_by=row.signed_off_by,
        signed_off_at=row.signed_off_at,
    )


def write_action(row: ActionRow, action: RemedialAction) -> None:
    for one in fields(action):
        setattr(row, one.name, getattr(action, one.name))


def _step_of(value: Mapping[str, Any]) -> Step:
    return Step(
        name=value["name"],
        at=datetime.fromisoformat(value["at"]),
        what=value["what"],
        to=tuple(value["to"]),
        every_minutes=value.get("every_minutes", 0),
        times=value.get("times", 0),
    )


def duty_of(row: DutyRow) -> Duty:
    return Duty(
        ref=row.ref,
        key=row.key,
        owner_role=row.owner_role,
        owner_id=row.owner_id,
        opened_at=row.opened_at,
        nominal=row.nominal,
        effective=row.effective,
        steps=tuple(_step_of(step) for step in row.steps),
        taken=row.taken,
        repeats=row.repeats,
        next_at=row.next_at,
        not_before=row.not_before,
        action=row.action,
        vacant=tuple(row.vacant),
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closed_actor=row.closed_actor,
    )


def write_duty(row: DutyRow, duty: Duty) -> None:
    for one in fields(duty):
        value = getattr(duty, one.name)
        setattr(row, one.name, plain(value) if one.name in ("steps", "vacant") else value)


def audit_of(
    row: AuditRow, month: str, case: CaseRow, actions: Iterable[ActionRow], duties: Iterable[DutyRow]
) -> Audit:
    done = {kind: (datetime.fromisoformat(at), actor) for kind, (at, actor) in row.done.items()}
    return Audit(
        id=row.id,
        framework=row.framework,
        kind=row.kind,
        cycle=Cycle.parse(month),
        case=case_of(case),
        auditor_id=row.auditor_id,
        issued_at=row.issued_at,
        session_at=row.session_at,
        proposed_at=row.proposed_at,
        proposed_by=row.proposed_by,
        grade=row.grade,
        confirmed_grade=row.confirmed_grade,
        safety=row.safety,
        withdrawn=row.withdrawn,
        earlier_audit_id=row.earlier_audit_id,
        facts=MappingProxyType(dict(row.facts)),
        done=MappingProxyType(done),
        actions=tuple(action_of(action) for action in actions),
        duties=tuple(duty_of(duty) for duty in duties),
    )


AUDIT_FIELDS = (
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


def write_audit(row: AuditRow, audit: Audit) -> None:
    for name in AUDIT_FIELDS:
        setattr(row, name, getattr(audit, name))
    row.facts = plain(audit.facts)
    row.done = plain(audit.done)
