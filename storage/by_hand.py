"""An allocation made by hand or by a rule: a re-audit, a thematic audit, or one that fills a gap."""

from datetime import date, datetime

from sqlalchemy import func, select

from audits.planning import cycle_for
from audits.state import CORE, REAUDIT, THEMATIC, Audit, CaseFile, Duty
from audits.themes import Theme, missing
from storage.allocations import ALLOCATING, ensure_cycle, issue, plan_allocation
from storage.queries import audits_of_case
from storage.store import Transaction
from storage.tables import AuditRow
from storage.themes import begin, begun_this_year, first_of_year


class AtLimit(ValueError):
    """There are as many of these this year as the framework lets there be: a person's audits of a kind, or themes."""


class NotSignedOff(ValueError):
    """A thematic audit without a theme whose terms of reference are signed off; the message says what is missing."""


async def allocate_by_hand(
    tx: Transaction,
    case: CaseFile,
    auditor_id: int,
    now: datetime,
    *,
    kind: str = CORE,
    again: Audit | None = None,
    reason: str = "",
    theme: Theme | None = None,
) -> Audit | None:
    """Allocate a case to a person at once.

    A case whose re-audit is due is audited again (`again` names the audit; found by itself otherwise) and keeps the
    day by which that must be done. Raises AtLimit where the framework caps this kind and no reason is given, and
    NotSignedOff where a thematic audit needs a theme that may begin.
    """
    await tx.alone(ALLOCATING)
    if kind == CORE and again is None:
        again = await waiting_for_reaudit(tx, case)
    if kind == THEMATIC:
        await _theme_may_begin(tx, theme, now, reason)
    if not reason:
        await _within_limit(tx, kind, auditor_id, now)
    cycle = await ensure_cycle(tx, cycle_for(tx.framework, now, tx.calendar))
    row = await plan_allocation(
        tx,
        cycle,
        case,
        auditor_id,
        now,
        kind=REAUDIT if again is not None else kind,
        earlier_audit_id=again.id if again is not None else None,
    )
    facts: dict[str, str] = {"beyond_limit": reason} if reason else {}
    if theme is not None:
        facts["theme"] = theme.title
        await begin(tx, theme, row.id, now)
    day = _due_day(tx, again)
    if day is not None:
        facts["due_day"] = day.isoformat()
    row.facts = facts
    await tx.session.flush()
    audit = await tx.audit(row.id)
    return (await issue(tx, audit, now)).audit if audit else None


def _due_day(tx: Transaction, again: Audit | None) -> date | None:
    """Until when a re-audit must be complete, where its own rule says so rather than its list."""
    duty = next(iter(_reaudits(tx, again)), None) if again is not None else None
    if duty is None or tx.framework.duties[duty.key].not_before is not None:
        return None
    return tx.calendar.day_of(duty.nominal)


def _reaudits(tx: Transaction, audit: Audit) -> list[Duty]:
    """The open duties of an audit that end with its case audited again."""
    duties = tx.framework.duties
    return [
        duty
        for duty in audit.open_duties()
        if duty.key in duties
        and (duties[duty.key].allocates_again or "reaudit_submitted" in duties[duty.key].closed_by)
    ]


async def waiting_for_reaudit(tx: Transaction, case: CaseFile) -> Audit | None:
    """The audit of a case that is to be done again and hasn't been allocated again so far."""
    for audit in await audits_of_case(tx, case.ref):
        if _reaudits(tx, audit) and await reaudit_of(tx, audit) is None:
            return audit
    return None


async def reaudit_of(tx: Transaction, audit: Audit) -> int | None:
    """The id of the audit that audits a case again; None where there is none yet."""
    found: int | None = await tx.session.scalar(
        select(AuditRow.id).where(AuditRow.earlier_audit_id == audit.id, AuditRow.withdrawn.is_(False)).limit(1)
    )
    return found


async def given_this_year(tx: Transaction, kind: str, auditor_id: int, now: datetime) -> int:
    """How many audits of a kind a person has been given since 1 January, by the service's own clock."""
    found = await tx.session.scalar(
        select(func.count(AuditRow.id)).where(
            AuditRow.kind == kind,
            AuditRow.auditor_id == auditor_id,
            AuditRow.withdrawn.is_(False),
            AuditRow.issued_at >= first_of_year(tx, now),
        )
    )
    return found or 0


async def _within_limit(tx: Transaction, kind: str, auditor_id: int, now: datetime) -> None:
    limit = tx.framework.limits.get(kind)
    person = tx.directory.get(auditor_id)
    if limit is None or person is None or (limit.roles and person.role not in limit.roles):
        return
    given = await given_this_year(tx, kind, auditor_id, now)
    if given >= limit.most:
        year = tx.calendar.day_of(now).year
        raise AtLimit(
            f"{person.name} has had {given} {kind} audits in {year} already: {limit.text} "
            f"({tx.framework.about.document}, {limit.place}). Give a reason to go beyond it."
        )


async def _theme_may_begin(tx: Transaction, theme: Theme | None, now: datetime, reason: str) -> None:
    """No reason opens the gate of a sign-off; one lets a theme begin beyond the number of a year."""
    terms = tx.framework.themes
    if terms is None:
        return
    place = f"{tx.framework.about.document}, {terms.place}"
    if theme is None:
        raise NotSignedOff(f"A thematic audit needs a theme with terms of reference that are signed off ({place}).")
    lacking = missing(terms, theme)
    if lacking:
        raise NotSignedOff(f"Still missing for {theme.title}: {'; '.join(lacking)} ({place}).")
    if terms.most is None or theme.begun_at is not None or reason:
        return
    begun = await begun_this_year(tx, now)
    if begun >= terms.most:
        year = tx.calendar.day_of(now).year
        raise AtLimit(
            f"{begun} themes have begun in {year} already, and the framework has {terms.most} a year ({place}). "
            f"{theme.title} can begin in {year + 1}, or give a reason to go beyond it."
        )
