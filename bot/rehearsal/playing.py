"""Playing a rehearsal: the real handlers, ticker and delivery, on a database in memory and a clock that is moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select

from audits.calendar import WorkCalendar
from audits.dates import Cycle, DateRuleError
from audits.framework import Framework
from audits.people import Person
from audits.permissions import out_of_order
from audits.planning import cycle_for
from audits.state import Audit, Duty, Event
from bot.rehearsal.company import Company
from bot.rehearsal.script import RehearsalError, Script, ScriptAction, ScriptStep
from handlers.dispatch import Before, answer
from handlers.interaction import Interaction, Reply
from scheduling.clock import MovedClock
from scheduling.door import Failure, NotDelivered, Parcel
from scheduling.running import catch_up, run_until
from storage.allocations import ensure_cycle, issue, plan_allocation
from storage.database import open_database
from storage.ledger import record
from storage.queries import audits_of_case
from storage.records import case_of
from storage.store import Store, Transaction
from storage.tables import AuditRow, CaseRow, Table

STAND_IN = "Said in the rehearsal."
SAME = {"discuss": "hold"}
"""Verbs that stand for another where a framework doesn't have them itself."""


@dataclass
class Refusal:
    at: datetime
    case: str | None
    verb: str
    role: str | None
    text: str


@dataclass
class Stage:
    """Where a rehearsal is played. Keeps what each message said when it arrived, and what was refused."""

    script: Script
    framework: Framework
    store: Store
    clock: MovedClock
    company: Company
    said: dict[str, str] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    feedback: dict[str, dict[str, str]] = field(default_factory=dict)
    unreachable: set[int] = field(default_factory=set)
    count: int = 0
    earlier: list[tuple[datetime, Duty]] = field(default_factory=list)
    """Duties as they were until the moment at which they changed hands or were given more time."""

    async def deliver(self, to: Person, parcel: Parcel) -> None:
        if to.id in self.unreachable:
            raise NotDelivered(Failure.PERMANENT, f"{to.name} has not installed the app")
        for key in parcel.keys:
            self.said[key] = parcel.card.plain()

    def moment(self, local: datetime) -> datetime:
        return self.store.calendar.moment(local.date(), local.time())


async def play(script: Script, framework: Framework) -> Stage:
    """Play a rehearsal to its end; the caller closes its store. Raises RehearsalError for a step without sense."""
    calendar = WorkCalendar(zone=ZoneInfo(framework.about.zone))
    database = open_database("sqlite+aiosqlite://")
    async with database.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
    store = Store(database, framework, calendar)
    company = Company(framework, script)
    clock = MovedClock(calendar.moment(script.start.date(), script.start.time()))
    stage = Stage(script, framework, store, clock, company)
    try:
        await _play(stage)
    except BaseException:
        await store.close()
        raise
    return stage


async def _play(stage: Stage) -> None:
    script, store, company, clock = stage.script, stage.store, stage.company, stage.clock
    async with store.begin() as tx:
        await company.gather(tx)
    stage.unreachable = {company.person(word, "unreachable") for word in script.unreachable}
    async with store.begin() as tx:
        holder = _holder(company)
        for case in script.cases:
            await company.case(tx, case.ref, case.plan, holder)
    for number, step in sorted(enumerate(script.steps, 1), key=lambda one: (one[1].at, one[0])):
        at = stage.moment(step.at)
        if at < clock.now():
            raise RehearsalError(f"step {number}: {step.at:%Y-%m-%dT%H:%M} lies before the start.")
        await run_until(store, stage, clock, at)
        await _perform(stage, step, f"step {number}")
        await catch_up(store, stage, clock)
    await run_until(store, stage, clock, stage.moment(script.until))


def _holder(company: Company) -> int:
    """The practitioner of every case: the holder of the role at the foot of the line."""
    reported_to = {role.reports_to for role in company.framework.roles.values()}
    foot = [
        key
        for key, role in company.framework.roles.items()
        if key not in reported_to and not role.audits and not role.council
    ]
    return company.person(foot[0] if foot else next(iter(company.framework.roles)), "cases")


async def _perform(stage: Stage, step: ScriptStep, where: str) -> None:
    match step.do:
        case "open_cycle":
            await _open_cycle(stage, step, where)
        case "allocate":
            await _allocate(stage, step, where)
        case "feedback":
            given = {"child": step.child, "parent_carer": step.parent_carer}
            stage.feedback.setdefault(step.case or "", {}).update({key: text for key, text in given.items() if text})
        case "leave":
            await _leave(stage, step, where)
        case _:
            await _press(stage, step, where)


async def _open_cycle(stage: Stage, step: ScriptStep, where: str) -> None:
    try:
        cycle = Cycle.parse(step.cycle or f"{step.at:%Y-%m}")
    except DateRuleError as error:
        raise RehearsalError(f"{where}: {error}") from error
    auditors = stage.company.auditors(where)
    async with stage.store.begin() as tx:
        row = await ensure_cycle(tx, cycle)
        taken = set(await tx.session.scalars(select(AuditRow.case_id).where(AuditRow.cycle_id == row.id)))
        known = await tx.session.scalars(select(CaseRow).order_by(CaseRow.id))
        for place, case in enumerate(case for case in known.all() if case.id not in taken):
            at = max(row.issue_at, stage.clock.now())
            await plan_allocation(tx, row, case_of(case), auditors[place % len(auditors)], at)


async def _allocate(stage: Stage, step: ScriptStep, where: str) -> None:
    ref = _case(step, where)
    auditor = stage.company.person(step.to, where) if step.to else stage.company.auditors(where)[0]
    async with stage.store.begin() as tx:
        case = await stage.company.case(tx, ref, "CIN", _holder(stage.company))
        cycle = await ensure_cycle(tx, cycle_for(tx.framework, stage.clock.now(), tx.calendar))
        row = await plan_allocation(tx, cycle, case_of(case), auditor, stage.clock.now())
        audit = await tx.audit(row.id)
        if audit is not None:
            await issue(tx, audit, stage.clock.now())


async def _leave(stage: Stage, step: ScriptStep, where: str) -> None:
    if step.until is None:
        raise RehearsalError(f"{where}: leave needs until, as in until: 2026-04-10.")
    by = stage.company.person(step.by or step.person or "auditor", where)
    away = stage.company.person(step.person, where) if step.person else by
    async with stage.store.begin() as tx:
        name = tx.directory.people[away].name
    text = f"leave until {step.until}" if away == by else f"leave {name} until {step.until}"
    await _answer(stage, step, by, "say", None, {}, text=text)


async def _press(stage: Stage, step: ScriptStep, where: str) -> None:
    verb = SAME[step.do] if step.do in SAME and step.do not in stage.framework.verbs else step.do
    rule = stage.framework.verbs.get({"agree": "book", "not_hold": "hold"}.get(verb, verb))
    ref = _case(step, where)
    audit = await _audit(stage, ref)
    if rule is None:
        words = (
            f"{stage.framework.about.title} has no step called {step.do}. It has: {', '.join(stage.framework.verbs)}."
        )
        stage.refusals.append(Refusal(stage.clock.now(), ref, step.do, step.by, words))
        return
    if audit is None:
        words = f"{ref} has not been allocated yet, so there is nothing to {rule.label}."
        stage.refusals.append(Refusal(stage.clock.now(), ref, verb, step.by, words))
        return
    usual = {"action_owner": "practitioner"}.get(rule.by[0], rule.by[0])
    by = stage.company.person(step.by or usual, where)
    for action in _numbers(audit, verb, step):
        left_out = partial(_as_if_done, stage, audit.id, verb, action)
        subject = f"{audit.id}" if action is None else f"{audit.id}:{action}"
        values = await _values(stage, step, verb, audit, where)
        reply = await _answer(stage, step, by, verb, subject, values, before=left_out)
        if verb in ("extend", "decline", "reassign") and not reply.refused:
            stage.earlier.extend((stage.clock.now(), duty) for duty in audit.open_duties())
        if verb == "book" and not reply.refused:
            await _agree(stage, audit.id, by)


def _numbers(audit: Audit, verb: str, step: ScriptStep) -> list[int | None]:
    if verb not in ("confirm", "sign_off", "send_back"):
        return [None]
    if step.action is not None:
        return [step.action]
    return [action.number for action in audit.actions if action.signed_off_at is None] or [1]


async def _as_if_done(stage: Stage, audit_id: int, verb: str, number: int | None, tx: Transaction) -> None:
    """The ordinary steps that the rehearsal left out, taken at this moment."""
    audit = await tx.audit(audit_id)
    if audit is None or audit.withdrawn:
        return
    now = stage.clock.now()
    for kind in out_of_order(tx.rules, audit, verb):
        values = {"at": now} if kind == "booked" else {"text": STAND_IN}
        audit = (await record(tx, audit, Event(kind, now, audit.auditor_id, values))).audit
    action = audit.action(number) if number is not None else None
    if verb in ("sign_off", "send_back") and action is not None and action.confirmed_at is None:
        actor = action.owner_id or audit.case.holder_id
        await record(tx, audit, Event("confirmed", now, actor, {"action": number}))


async def _agree(stage: Stage, audit_id: int, proposer: int) -> None:
    """The other person's yes to a suggested time, which a rehearsal takes for granted."""
    async with stage.store.begin() as tx:
        audit = await tx.audit(audit_id)
    if audit is None or audit.proposed_at is None:
        return
    other = audit.case.holder_id if proposer == audit.auditor_id else audit.auditor_id
    stage.count += 1
    await answer(
        stage.store,
        Interaction(other or proposer, "agree", f"rehearsal-{stage.count}", stage.clock.now(), f"{audit_id}"),
    )


async def _values(stage: Stage, step: ScriptStep, verb: str, audit: Audit, where: str) -> Mapping[str, str]:
    values: dict[str, str] = {}
    match verb:
        case "submit":
            values = _submission(stage, step, where)
        case "book":
            values["when"] = _when(stage, step)
        case "decline":
            values["reason"] = step.reason if step.reason in ("conflict", "leave", "capacity") else _reason(step.reason)
        case "moderate":
            values = {
                "grade": _grade(stage, step.grade) if step.grade else audit.grade or "",
                "text": step.text or STAND_IN,
            }
            values |= _action_values(stage, step.actions, where)
        case "resolve":
            values = {"text": step.text or STAND_IN, "grade": _grade(stage, step.grade) if step.grade else ""}
        case "dispute":
            values["dispute_text"] = step.text or STAND_IN
        case "reassign":
            values = {"to": str(await _someone(stage, step, audit, where)), "reason": step.reason or ""}
        case "extend":
            values = {"until": step.until or "", "reason": step.reason or "", "duty": step.duty or ""}
        case "record":
            values["where"] = step.where or ""
        case "consider":
            values = {"decision": step.decision or "review", "text": step.text or STAND_IN}
        case _:
            values["text"] = step.text or STAND_IN
    return values


def _reason(text: str | None) -> str:
    words = (text or "").lower()
    if "leave" in words or "away" in words:
        return "leave"
    return "conflict" if "conflict" in words or "know" in words else "capacity"


def _grade(stage: Stage, text: str) -> str:
    wanted = text.strip().casefold().replace(" ", "_")
    for grade in stage.framework.grades:
        if wanted in (grade.key, grade.label.casefold().replace(" ", "_")):
            return grade.key
    return text


def _submission(stage: Stage, step: ScriptStep, where: str) -> dict[str, str]:
    values = {
        "grade": _grade(stage, step.grade or ""),
        "rationale": STAND_IN if step.rationale is None else step.rationale,
        "safety": "yes" if step.safety else "no",
        "safety_text": step.text or "",
        "neglect": "yes" if step.neglect else "no",
    }
    given = stage.feedback.get(step.case or "", {})
    for source in stage.framework.submission.feedback:
        said = (step.feedback or {}).get(source) if step.feedback is not None else given.get(source, "obtained")
        said = given.get(source) if said is None else said
        known = said in ("obtained", "attempted")
        values[f"feedback_{source}"] = said if known and said else "reason" if said is not None else ""
        values[f"feedback_{source}_reason"] = "" if known else said or ""
    for key, grade in (step.sections or {}).items():
        values[f"section_{key}"] = _grade(stage, grade)
    return values | _action_values(stage, step.actions, where)


def _action_values(stage: Stage, actions: tuple[ScriptAction, ...], where: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, action in enumerate(actions, 1):
        values[f"action_{number}_what"] = action.what
        values[f"action_{number}_owner"] = str(stage.company.person(action.owner, where)) if action.owner else ""
        values[f"action_{number}_due"] = action.due or ""
    return values


def _when(stage: Stage, step: ScriptStep) -> str:
    if step.when is None:
        day = stage.store.calendar.shift(stage.store.calendar.day_of(stage.clock.now()), 1)
        return f"{day.isoformat()} 10:00"
    return step.when.replace("T", " ")[:16] if step.when[:4].isdigit() else step.when


async def _someone(stage: Stage, step: ScriptStep, audit: Audit, where: str) -> int:
    if step.to is None:
        raise RehearsalError(f"{where}: reassign needs to, a name of the cast or a new one.")
    try:
        return stage.company.person(step.to, where)
    except RehearsalError:
        like = audit.facts.get("declined_by") or audit.auditor_id or stage.company.auditors("reassign")[0]
        async with stage.store.begin() as tx:
            return await stage.company.hire(tx, step.to, int(like))


def _case(step: ScriptStep, where: str) -> str:
    if step.case is None:
        raise RehearsalError(f"{where}: {step.do} needs a case, as in case: D-1.")
    return step.case


async def _audit(stage: Stage, ref: str) -> Audit | None:
    """The audit of a case that is under way, or the latest one."""
    async with stage.store.begin() as tx:
        audits = await audits_of_case(tx, ref)
    return audits[-1] if audits else None


async def _answer(
    stage: Stage,
    step: ScriptStep,
    by: int,
    verb: str,
    subject: str | None,
    values: Mapping[str, str],
    *,
    text: str = "",
    before: Before | None = None,
) -> Reply:
    stage.count += 1
    event = f"rehearsal-{stage.count}"
    interaction = Interaction(by, verb, event, stage.clock.now(), subject or "", values, text)
    reply = await answer(stage.store, interaction, before=before)
    if reply.refused:
        errors = [entry.error for entry in reply.card.all_inputs() if entry.error]
        words = " ".join([reply.card.plain(), *errors])
        stage.refusals.append(Refusal(stage.clock.now(), step.case, verb, stage.company.roles_of.get(by), words))
    return reply
