"""What is a person's own: the audits they make or whose practitioner they are, their actions, the cases near them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select, true, union_all

from audits.people import Person
from audits.permissions import is_qa
from audits.state import Audit, RemedialAction
from cards.scene import Scene
from storage.queries import audits_where, latest_cycle
from storage.store import Transaction
from storage.tables import ActionRow, AuditRow, CaseRow, CycleRow, DutyRow

MOST_CASES = 50
"""More cases than these are no choice any more; the reference is typed instead."""
LOOKED_AT = 400
BELOW = 500


async def own_audits(tx: Transaction, person: Person, at: datetime) -> list[Scene]:
    """The audits that a person makes, or that are of their cases: those of the latest cycle and those under way before
    it, the newest first."""
    cycle = await latest_cycle(tx, at)
    under_way = exists().where(DutyRow.audit_id == AuditRow.id, DutyRow.closed_at.is_(None))
    of_their_cases = select(AuditRow.id).join(CaseRow, CaseRow.id == AuditRow.case_id)
    theirs = union_all(
        select(AuditRow.id).where(AuditRow.auditor_id == person.id),
        of_their_cases.where(CaseRow.holder_id == person.id),
    )
    found = await audits_where(
        tx,
        AuditRow.id.in_(theirs),
        AuditRow.withdrawn.is_(False),
        or_(under_way, CycleRow.id == cycle.id) if cycle is not None else under_way,
    )
    return [Scene(tx.rules, audit, person, at) for audit in reversed(found)]


async def own_actions(tx: Transaction, person: Person, at: datetime) -> list[tuple[Scene, RemedialAction]]:
    """The actions that are a person's to do and aren't reported done, or wait for their sign-off; none of a moderation
    that is still kept back."""
    rows = await tx.session.scalars(
        select(ActionRow.audit_id)
        .join(AuditRow, AuditRow.id == ActionRow.audit_id)
        .where(
            ActionRow.owner_id == person.id,
            ActionRow.signed_off_at.is_(None),
            AuditRow.withdrawn.is_(False),
            # What was reported done where nobody signs off is over.
            or_(
                ActionRow.confirmed_at.is_(None),
                exists().where(DutyRow.audit_id == AuditRow.id, DutyRow.key == "sign_off", DutyRow.closed_at.is_(None)),
            ),
        )
    )
    return [
        (Scene(tx.rules, audit, person, at), action)
        for audit in await tx.audits(rows)
        for action in audit.disclosed_actions
        if action.owner_id == person.id and action.signed_off_at is None
    ]


async def cases_to_raise(tx: Transaction, person: Person, at: datetime) -> tuple[list[Scene], bool]:
    """The latest audit of each case about which a person may raise a safety concern, by reference; and whether there
    may be more than these."""
    wanted = select(AuditRow.id).join(CaseRow, CaseRow.id == AuditRow.case_id)
    wanted = wanted.where(AuditRow.issued_at.is_not(None), AuditRow.withdrawn.is_(False), _near(tx, person))
    ids = list(await tx.session.scalars(wanted.order_by(AuditRow.id.desc()).limit(LOOKED_AT)))
    latest: dict[int, Audit] = {}
    for audit in reversed(await tx.audits(ids)):
        latest.setdefault(audit.case.id, audit)
    scenes = [Scene(tx.rules, audit, person, at) for audit in latest.values()]
    found = [scene for scene in scenes if scene.may("safety")]
    more = len(ids) == LOOKED_AT or len(found) > MOST_CASES
    return sorted(found[:MOST_CASES], key=lambda scene: scene.audit.case.ref), more


def _near(tx: Transaction, person: Person) -> ColumnElement[bool]:
    """Which audits to look at for somebody: all of them where their role may be for everyone's."""
    role = tx.framework.roles.get(person.role)
    stood_in_for = [one for one in tx.directory.people.values() if one.cover_id == person.id]
    theirs = [person.id, *(below for one in (person, *stood_in_for) for below in _below(tx, one))]
    if is_qa(tx.rules, person) or (role is not None and role.council) or len(theirs) > BELOW:
        return true()
    asked = exists().where(
        and_(DutyRow.audit_id == AuditRow.id, DutyRow.owner_id == person.id, DutyRow.closed_at.is_(None))
    )
    return or_(AuditRow.auditor_id == person.id, CaseRow.holder_id.in_(theirs), asked)


def _below(tx: Transaction, person: Person) -> Sequence[int]:
    """Those whom a person manages, those whom these manage, and so on."""
    managed: dict[int, list[int]] = {}
    for other in tx.directory.people.values():
        if other.manager_id is not None:
            managed.setdefault(other.manager_id, []).append(other.id)
    found: dict[int, None] = {}
    waiting = [person.id]
    while waiting:
        for one in managed.get(waiting.pop(), ()):
            if one not in found and one != person.id:
                found[one] = None
                waiting.append(one)
    return list(found)
