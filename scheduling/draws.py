"""The moderation draw of a cycle: taken from what was completed since the last one, recorded, and told to QA."""

from datetime import datetime, time

from sqlalchemy import select

from audits.dates import Cycle, parse_rule
from audits.moderating import Candidate, ModerationDraw, draw_for_moderation, unsuitably_graded
from audits.state import Audit, Event
from storage.ledger import note, record, tell_officer
from storage.store import Transaction
from storage.tables import AuditRow, CycleRow

LEARNING = ("new", "support")
"""What `Person.auditing` says of auditors whose work is looked at more closely."""
CYCLES_BACK = 12
"""How far back an audit may have been allocated and still be drawn once it is completed."""


async def draw_moderation(tx: Transaction, row: CycleRow, now: datetime) -> int:
    """Draw which audits are moderated, and record it on each. How many were drawn."""
    cycle = Cycle.parse(row.month)
    framework = tx.framework
    completed = await _completed(tx, cycle)
    scale = [grade.key for grade in framework.grades]
    labels = {grade.key: grade.label for grade in framework.grades}
    seed = row.seed if row.seed is not None else row.id
    drawn = draw_for_moderation(
        [_candidate(tx, audit) for audit in completed], framework.draw_terms(), seed, scale=scale, labels=labels
    )
    by_id = {audit.id: audit for audit in completed}
    reasons = dict(drawn.chosen)
    for audit_id in drawn.to_start:
        await record(tx, by_id[audit_id], Event("selected", now, None, {"why": reasons[audit_id]}))
    left_out = [[audit_id, why] for audit_id, why in drawn.dropped]
    values = {"cycle": row.month, "seed": seed, "chosen": [list(one) for one in drawn.chosen], "dropped": left_out}
    await note(tx, Event("moderation_drawn", now, None, values))
    await _tell(tx, row, drawn, by_id, now)
    return len(drawn.to_start)


async def _completed(tx: Transaction, cycle: Cycle) -> list[Audit]:
    """The audits completed since the draw before this one and until this one's own day, however late it is taken."""
    before = await tx.session.scalar(
        select(CycleRow.month).where(CycleRow.month < str(cycle)).order_by(CycleRow.month.desc()).limit(1)
    )
    since = _draw_moment(tx, Cycle.parse(before) if before else cycle.plus(-CYCLES_BACK))
    until = _draw_moment(tx, cycle)
    first = str(cycle.plus(-CYCLES_BACK))
    cycles = select(CycleRow.id).where(CycleRow.month >= first)
    # Of audits that were done long before, no more is read than when that was.
    done = await tx.session.execute(
        select(AuditRow.id, AuditRow.done).where(
            AuditRow.cycle_id.in_(cycles), AuditRow.grade.is_not(None), AuditRow.withdrawn.is_(False)
        )
    )
    return await tx.audits(one for one, what in done if since < datetime.fromisoformat(what["submitted"][0]) <= until)


def _draw_moment(tx: Transaction, cycle: Cycle) -> datetime:
    start = tx.calendar.moment(cycle.first, time(0, 0))
    words = tx.framework.moderation.draw_at
    return parse_rule(words).resolve(start, cycle, tx.calendar).effective if words else start


def _candidate(tx: Transaction, audit: Audit) -> Candidate:
    auditor = tx.directory.get(audit.auditor_id)
    scale = [grade.key for grade in tx.framework.grades]
    good = [grade.key for grade in tx.framework.grades if grade.good]
    sections = audit.facts.get("sections") or {}
    return Candidate(
        audit_id=audit.id,
        grade=audit.grade,
        auditor_id=audit.auditor_id or 0,
        new_auditor=auditor is not None and auditor.auditing in LEARNING,
        referred=audit.has("referred"),
        unsuitable=unsuitably_graded(audit.grade, sections, scale, good),
        already=audit.has("moderated") or bool(audit.open_duties("moderate")),
    )


async def _tell(tx: Transaction, row: CycleRow, drawn: ModerationDraw, audits: dict[int, Audit], now: datetime) -> None:
    if not audits:
        return
    details = {
        "audits": [audit_id for audit_id, _ in (*drawn.chosen, *drawn.dropped)],
        "chosen": {str(audit_id): why for audit_id, why in drawn.chosen},
        "dropped": {str(audit_id): why for audit_id, why in drawn.dropped},
    }
    await tell_officer(
        tx,
        f"cycle/{row.month}/moderation",
        drawn.words,
        now,
        notice="cycle.moderation",
        duty="moderate",
        rule=tx.framework.moderation.rule,
        cycle_id=row.id,
        details=details,
    )
