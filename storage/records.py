"""Between what is stored and the rules' own values: people, cases, and whatever JSON has to keep."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Row

from audits.dates import Cycle
from audits.people import Person
from audits.state import CaseFile
from storage.tables import CaseRow, PersonRow


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


def person_of(row: PersonRow | Row[Any]) -> Person:
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
