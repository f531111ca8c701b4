"""QA officers' questions, answered with tables; and everyone's own list."""

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import func, select

from audits.dates import Cycle, DateRuleError
from audits.people import Person
from audits.permissions import is_qa, may_ask
from audits.planning import close_moment
from audits.state import Audit, Duty
from cards import home, status
from cards.card import Card
from cards.scene import Scene
from handlers.own import own_actions, own_audits
from handlers.press import refusal
from storage.queries import audits_of_case, audits_where, duties_of, latest_cycle, overdue_duties
from storage.store import Transaction
from storage.tables import AuditRow, CaseRow, CycleRow, OutboxRow


def find_person(tx: Transaction, text: str) -> Person:
    """The one person whom a name means. Raises Refused, naming those whom it could mean."""
    wanted = text.strip().casefold()
    everyone = [person for person in tx.directory.people.values() if person.active]
    exact = [person for person in everyone if wanted in (person.name.casefold(), person.email.casefold())]
    found = exact or [person for person in everyone if wanted and wanted in person.name.casefold().split()]
    found = found or [person for person in everyone if wanted and wanted in person.name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(person.name for person in found)[:8])
        raise refusal(f"“{text.strip()}” could be several people", f"Do you mean {names}? Please write the full name.")
    near = get_close_matches(text.strip(), [person.name for person in everyone], 3, 0.6)
    hint = f"Do you mean {' or '.join(near)}?" if near else "Please check the spelling."
    raise refusal(f"Nobody here is called “{text.strip()}”", hint)


async def find_audits(tx: Transaction, person: Person, ref: str) -> list[Audit]:
    """The audits of a case. Raises Refused where there is no such case, or no audit of it; which others there are is
    said to those alone who may ask about everyone's."""
    wanted = ref.strip().upper()
    row = await tx.session.scalar(select(CaseRow).where(func.upper(CaseRow.ref) == wanted))
    if row is None:
        refs = list(await tx.session.scalars(select(CaseRow.ref).join(AuditRow, AuditRow.case_id == CaseRow.id)))
        near = get_close_matches(ref.strip(), refs, 3, 0.6) if is_qa(tx.rules, person) else []
        hint = (
            f"Do you mean {' or '.join(near)}?" if near else "Please check the reference; it is the one on the cards."
        )
        raise refusal(f"There is no case “{ref.strip()}”", hint)
    audits = await audits_of_case(tx, row.ref)
    if not audits:
        raise refusal(f"{row.ref} hasn't been audited", "It is on the case list, but it hasn't been allocated so far.")
    return audits


async def waiting_for(tx: Transaction, person: Person, viewer: Person, at: datetime) -> list[tuple[Scene, Duty]]:
    """What waits for a person, as far as the viewer may know of it."""
    found = [(Scene(tx.rules, audit, viewer, at), duty) for audit, duty in await duties_of(tx, person.id)]
    return [(scene, duty) for scene, duty in found if scene.sees_duty(duty)]


async def mine(tx: Transaction, person: Person, at: datetime, note: str = "") -> Card:
    """What waits for a person, and where their own audits and actions stand."""
    waiting = await waiting_for(tx, person, person, at)
    return home.mine(waiting, await own_audits(tx, person, at), await own_actions(tx, person, at), note)


async def how_it_stands(tx: Transaction, person: Person, at: datetime, *, in_group: bool = False) -> Card:
    """How the latest cycle stands; `in_group`, without small numbers, which could be about one person."""
    row = await latest_cycle(tx, at)
    if row is None:
        raise refusal("No cycle has begun yet", "Draw one with: auditloop allocate --cycle 2026-03.")
    audits = await audits_where(tx, CycleRow.id == row.id, AuditRow.withdrawn.is_(False))
    late = len(await overdue_duties(tx, at))
    if in_group:
        return status.for_group(Cycle.parse(row.month).words, audits, late)
    return status.status(tx.rules, Cycle.parse(row.month).words, audits, late, await _notices(tx, at))


async def _notices(tx: Transaction, at: datetime) -> Sequence[str]:
    found: list[str] = []
    about = tx.framework.about
    if outdated := about.out_of_review(tx.calendar.day_of(at)):
        found.append(outdated)
    found.extend(setting.decision for setting in tx.framework.settings.values() if setting.departs)
    failed = await tx.session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.state == "failed")) or 0
    if failed:
        found.append(f"{failed} messages could not be delivered; they went to the next person instead.")
    return found


async def overdue(tx: Transaction, person: Person, at: datetime) -> Card:
    late = [(Scene(tx.rules, audit, person, at), duty) for audit, duty in await overdue_duties(tx, at)]
    return status.overdue([(scene, duty) for scene, duty in late if scene.sees_duty(duty)])


async def case(tx: Transaction, person: Person, at: datetime, ref: str) -> Card:
    audits = await find_audits(tx, person, ref)
    return status.case([Scene(tx.rules, audit, person, at) for audit in audits], audits[0].case.ref)


async def cycle(tx: Transaction, person: Person, at: datetime, month: str) -> Card:
    wanted = month.strip() or None
    row = await latest_cycle(tx, at) if wanted is None else None
    if wanted is not None:
        row = await tx.session.scalar(select(CycleRow).where(CycleRow.month == str(_month(wanted, tx, at))))
    if row is None:
        raise refusal("That cycle hasn't been drawn", "Write the month like this: cycle 2026-03.")
    audits = await audits_where(tx, CycleRow.id == row.id)
    unfilled = [
        (found.name, str(one["reason"]))
        for one in row.unfilled
        if (found := tx.directory.get(one["auditor"])) is not None
    ]
    scenes = [Scene(tx.rules, audit, person, at) for audit in audits]
    return status.cycle(tx.rules, Cycle.parse(row.month).words, scenes, unfilled)


def _month(text: str, tx: Transaction, at: datetime) -> Cycle:
    try:
        return Cycle.parse(text)
    except DateRuleError:
        pass
    today = tx.calendar.day_of(at)
    for back in range(-1, 12):
        one = Cycle.of(today).plus(-back)
        if text.strip().casefold() in (
            one.words.casefold(),
            f"{one.first:%B}".casefold(),
            f"{one.first:%b}".casefold(),
        ):
            return one
    raise refusal(f"“{text.strip()}” is not a month", "Write it like this: cycle 2026-03, or cycle March.")


async def who(tx: Transaction, viewer: Person, at: datetime, name: str) -> Card:
    person = find_person(tx, name)
    audits = await audits_where(tx, AuditRow.auditor_id == person.id, AuditRow.withdrawn.is_(False))
    waiting = await waiting_for(tx, person, viewer, at)
    missed = [
        audit.cycle.words
        for audit in audits
        if not audit.has("submitted") and close_moment(tx.framework, audit.cycle, tx.calendar).nominal < at
    ]
    return status.who(tx.rules, person, [Scene(tx.rules, audit, viewer, at) for audit in audits], waiting, missed)


def only_for(tx: Transaction, person: Person, word: str) -> None:
    """Raise Refused unless this person may write this word, or press this button that is about no audit."""
    if not may_ask(tx.rules, person, word):
        officers = [one.name for role in tx.framework.qa_roles for one in tx.directory.holders(role)]
        raise refusal(
            f"That question is for the {tx.framework.qa_label}",
            f"Please ask {' or '.join(officers[:2])}." if officers else f"Please ask the {tx.framework.qa_label}.",
            "Write mine to see what waits for you.",
        )
