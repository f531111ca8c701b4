"""Cycles and their allocations: making them, drawing them, and sending them out."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import bindparam, func, select, update

from audits.dates import Cycle, parse_rule
from audits.people import Person
from audits.planning import issue_moment, list_on_or_after
from audits.sampling import Draw, draw
from audits.state import CORE, SUPERVISION, Audit, CaseFile, Event
from storage.ledger import Recorded, note, record
from storage.numbers import next_number
from storage.records import case_of
from storage.store import Transaction
from storage.tables import AuditRow, CaseRow, CycleNoticeRow, CycleRow

_AUDITS = AuditRow.table()
_HELD_BACK = update(_AUDITS).where(_AUDITS.c.id == bindparam("this")).values(issue_at=None)
_CLAIM = _HELD_BACK.where(_AUDITS.c.issue_at <= bindparam("now"))

ALLOCATING = "allocating"
"""What transactions that decide who gets which case do one after the other, so that each sees what the last gave."""

MODERATION_DRAW = ".moderation"
"""The name under which a cycle's moderation draw waits among its lists; no framework's list can be called so."""


async def ensure_cycle(tx: Transaction, cycle: Cycle) -> CycleRow:
    """The row of a cycle, made with its notices planned if it isn't there yet."""
    named = select(CycleRow).where(CycleRow.month == str(cycle))
    row: CycleRow | None = await tx.session.scalar(named)
    if row is None:
        await tx.alone(f"cycle {cycle}")
        row = await tx.session.scalar(named)
    if row is not None:
        return row
    row = CycleRow(month=str(cycle), issue_at=issue_moment(tx.framework, cycle, tx.calendar), unfilled=[])
    tx.session.add(row)
    await tx.session.flush()
    start = tx.calendar.moment(cycle.first, time(0, 0))
    lists = {name: notice.at for name, notice in tx.framework.cycle.notices.items()}
    if tx.framework.draws is not None:
        lists[MODERATION_DRAW] = tx.framework.draws
    for name, words in lists.items():
        at = parse_rule(words).resolve(start, cycle, tx.calendar).effective
        tx.session.add(CycleNoticeRow(cycle_id=row.id, name=name, next_at=at))
    await tx.session.flush()
    return row


async def auditors_without(tx: Transaction, cycle: CycleRow) -> list[Person]:
    """The active auditors who have no core audit in a cycle yet."""
    have = set(
        await tx.session.scalars(
            select(AuditRow.auditor_id).where(
                AuditRow.cycle_id == cycle.id, AuditRow.kind == CORE, AuditRow.withdrawn.is_(False)
            )
        )
    )
    return [
        person for role in tx.framework.auditor_roles for person in tx.directory.holders(role) if person.id not in have
    ]


async def preview(tx: Transaction, cycle: CycleRow, seed: int, now: datetime) -> Draw:
    """What a draw with this seed would give at this moment; nothing is written."""
    terms = tx.framework.sampling_terms()
    rows = await tx.session.scalars(select(CaseRow).where(CaseRow.on_list))
    busy = await tx.session.scalars(
        select(AuditRow.case_id).where(AuditRow.withdrawn.is_(False), AuditRow.grade.is_(None))
    )
    held = await tx.session.execute(
        select(CaseRow.holder_id, func.count(AuditRow.id))
        .join(AuditRow, AuditRow.case_id == CaseRow.id)
        .where(AuditRow.withdrawn.is_(False))
        .group_by(CaseRow.holder_id)
    )
    same_cycle = await tx.session.scalars(select(AuditRow.case_id).where(AuditRow.cycle_id == cycle.id))
    in_cycle = await tx.session.scalars(
        select(CaseRow)
        .join(AuditRow, AuditRow.case_id == CaseRow.id)
        .where(AuditRow.cycle_id == cycle.id, AuditRow.kind == CORE, AuditRow.withdrawn.is_(False))
    )
    day = tx.calendar.day_of(max(cycle.issue_at, now))
    wanting = await auditors_without(tx, cycle)
    found = draw(
        [person for person in wanting if not person.away(day)],
        [case_of(row) for row in rows],
        tx.directory,
        seed,
        terms=terms,
        day=day,
        next_due=_next_due(tx, cycle) if terms.practitioner_months else None,
        taken={*busy, *same_cycle},
        given=[case_of(row) for row in in_cycle],
        counts=Counter({holder or 0: count for holder, count in held}),
        audited=await _last_audited(tx, day) if terms.practitioner_months else None,
    )
    absent = tuple((person, "On leave on the day the list goes out.") for person in wanting if person.away(day))
    return replace(found, unfilled=(*found.unfilled, *absent))


def _next_due(tx: Transaction, cycle: CycleRow) -> date:
    """The day by which the audits of the cycle after this one are due."""
    following = list_on_or_after(tx.framework, tx.calendar.day_of(cycle.issue_at) + timedelta(days=1), tx.calendar)
    issued = issue_moment(tx.framework, following, tx.calendar)
    due = parse_rule(tx.framework.duties["complete_audit"].due).resolve(issued, following, tx.calendar)
    return tx.calendar.day_of(due.nominal)


async def _last_audited(tx: Transaction, day: date) -> dict[int, date]:
    """The day of each practitioner's last audit; one that is under way counts as done on `day`."""
    rows = await tx.session.execute(
        select(CaseRow.holder_id, AuditRow.done)
        .join(AuditRow, AuditRow.case_id == CaseRow.id)
        .where(AuditRow.withdrawn.is_(False), AuditRow.kind != SUPERVISION, CaseRow.holder_id.is_not(None))
    )
    last: dict[int, date] = {}
    for holder_id, done in rows:
        at = done.get("submitted")
        audited = tx.calendar.day_of(datetime.fromisoformat(at[0])) if at else day
        last[holder_id] = max(audited, last.get(holder_id, audited))
    return last


async def draw_cycle(tx: Transaction, cycle: Cycle, seed: int, now: datetime) -> tuple[CycleRow, Draw]:
    """Draw a cycle's allocations and keep the seed. They go out on the framework's day, or at once if it is gone.

    Drawing again gives a case only to auditors who have none yet.
    """
    await tx.alone(ALLOCATING)
    row = await ensure_cycle(tx, cycle)
    drawn = await preview(tx, row, seed, now)
    for auditor, case in drawn.drawn:
        await plan_allocation(tx, row, case, auditor.id, max(row.issue_at, now))
    row.seed = seed if row.seed is None else row.seed
    row.drawn_at = now
    row.unfilled = [{"auditor": person.id, "reason": reason} for person, reason in drawn.unfilled]
    given = [[auditor.id, case.ref] for auditor, case in drawn.drawn]
    values = {"cycle": str(cycle), "seed": seed, "given": given, "notes": drawn.notes}
    unserved = [person.id for person, _ in drawn.unserved]
    await note(tx, Event("drawn", now, None, values | {"unserved": unserved}))
    return row, drawn


async def plan_allocation(
    tx: Transaction,
    cycle: CycleRow,
    case: CaseFile,
    auditor_id: int,
    issue_at: datetime,
    *,
    kind: str = CORE,
    earlier_audit_id: int | None = None,
) -> AuditRow:
    """An allocation that goes out at `issue_at`."""
    row = AuditRow(
        id=await next_number(tx, AuditRow.table()),
        framework=tx.framework.name,
        kind=kind,
        cycle_id=cycle.id,
        case_id=case.id,
        auditor_id=auditor_id,
        earlier_audit_id=earlier_audit_id,
        issue_at=issue_at,
        facts={},
        done={},
    )
    tx.session.add(row)
    await tx.session.flush()
    return row


async def issue(tx: Transaction, audit: Audit, at: datetime) -> Recorded:
    """Send an allocation out: its auditor is told, and its clocks start."""
    await hold_back(tx, audit.id)
    return await _sent_out(tx, audit, at)


async def issue_if_due(tx: Transaction, audit_id: int, at: datetime) -> Recorded | None:
    """Send an allocation out whose moment has come; None where it has gone already, from this node or another one.

    It is ours only if our conditional update changed it.
    """
    claimed = await tx.execute(_CLAIM, {"this": audit_id, "now": at})
    audit = await tx.audit(audit_id) if claimed.rowcount == 1 else None
    return await _sent_out(tx, audit, at) if audit is not None else None


async def _sent_out(tx: Transaction, audit: Audit, at: datetime) -> Recorded:
    return await record(tx, audit, Event("allocated", at, None, {"auditor_id": audit.auditor_id}))


async def hold_back(tx: Transaction, audit_id: int) -> None:
    """Say that an allocation doesn't go out by itself any more: it has gone, or never will."""
    await tx.execute(_HELD_BACK, {"this": audit_id})


async def reaudit_auditor(tx: Transaction, audit: Audit, seed: int, now: datetime) -> Person | None:
    """Who audits a case again: drawn from the auditors who may, the first auditor only if there is nobody else.

    None where nobody is left. A case that has left the list is audited again all the same.
    """
    day = tx.calendar.day_of(now)
    everyone = [
        person for role in tx.framework.auditor_roles for person in tx.directory.holders(role) if not person.away(day)
    ]
    first = tx.directory.get(audit.auditor_id)
    others = [person for person in everyone if person.id != audit.auditor_id]
    case = replace(audit.case, on_list=True)
    found = draw(others, [case], tx.directory, seed, terms=tx.framework.sampling_terms(), day=day)
    if found.drawn:
        return found.drawn[0][0]
    return first if first is not None and first.active and not first.away(day) else None
