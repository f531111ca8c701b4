"""Playing a rehearsal: the real handlers, ticker and delivery, on a database in memory and a clock that is moved."""

from collections.abc import Mapping
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from audits.calendar import WorkCalendar
from audits.dates import Cycle, DateRuleError
from audits.framework import Framework, VerbRule
from audits.permissions import RULED_BY, may, out_of_order
from audits.planning import no_cycle
from audits.state import CORE, KINDS, Audit, Duty, Event
from bot.rehearsal.answers import STAND_IN, values_of
from bot.rehearsal.company import Company
from bot.rehearsal.script import RehearsalError, Script, ScriptStep
from bot.rehearsal.stage import Refusal, Stage
from cards.theme import NEW, point
from handlers.dispatch import Before, answer
from handlers.interaction import Interaction, Reply
from scheduling.clock import MovedClock
from scheduling.running import run_until
from storage.allocations import ensure_cycle, plan_allocation
from storage.by_hand import AtLimit, NotSignedOff, allocate_by_hand
from storage.database import open_database
from storage.ledger import record
from storage.queries import audits_of_case
from storage.records import case_of
from storage.store import Store, Transaction
from storage.tables import AuditRow, CaseRow, Table
from storage.themes import theme_titled


async def play(script: Script, framework: Framework, database: AsyncEngine | None = None) -> Stage:
    """Play a rehearsal to its end; the caller closes its store. Raises RehearsalError for a step without sense.

    It is played in a database in memory, unless there is a `database` for it, which has its tables and no rows.
    """
    calendar = WorkCalendar(zone=ZoneInfo(framework.about.zone))
    if database is None:
        database = open_database("sqlite://")
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
    await run_until(store, stage, clock, stage.moment(script.until))


def _holder(company: Company) -> int:
    """The practitioner of every case: the first holder of the role that holds cases."""
    return company.person(company.framework.case_roles[0], "cases")


async def _perform(stage: Stage, step: ScriptStep, where: str) -> None:
    match step.do:
        case "open_cycle":
            await _open_cycle(stage, step, where)
        case "allocate":
            await _allocate(stage, step, where)
        case "feedback":
            given = {"child": step.child, "parent_carer": step.parent_carer}
            stage.feedback.setdefault(step.case or "", {}).update({key: text for key, text in given.items() if text})
            if "feedback" in stage.framework.verbs and await _asked_for_feedback(stage, step, where):
                await _press(stage, step, where)
        case "leave":
            await _leave(stage, step, where)
        case "theme" | "sign_off_theme":
            await _theme(stage, step, where)
        case _:
            await _press(stage, step, where)


async def _open_cycle(stage: Stage, step: ScriptStep, where: str) -> None:
    try:
        cycle = Cycle.parse(step.cycle or f"{step.at:%Y-%m}")
    except DateRuleError as error:
        raise RehearsalError(f"{where}: {error}") from error
    if (fault := no_cycle(stage.framework, cycle)) is not None:
        for listed in stage.script.cases:
            stage.refusals.append(Refusal(stage.clock.now(), listed.ref, "allocate", step.by, fault))
        return
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
    auditor = stage.company.person(step.to, where) if step.to else stage.company.auditor(where)
    kind = step.kind or CORE
    if kind not in KINDS:
        raise RehearsalError(f"{where}: {kind!r} is no kind of audit. Kinds are: {', '.join(KINDS)}.")
    now = stage.clock.now()
    try:
        async with stage.store.begin() as tx:
            case = await stage.company.case(tx, ref, "CIN", _holder(stage.company))
            theme = await theme_titled(tx, step.title) if step.title else None
            await allocate_by_hand(tx, case_of(case), auditor, now, kind=kind, reason=step.reason or "", theme=theme)
    except (AtLimit, NotSignedOff) as refused:
        stage.refusals.append(Refusal(now, ref, "allocate", step.by, str(refused)))


async def _theme(stage: Stage, step: ScriptStep, where: str) -> None:
    """A theme's terms of reference, each point with the step's text, or the word that they are signed off."""
    if not step.title:
        raise RehearsalError(f"{where}: {step.do} needs title, as in title: Neglect.")
    by = stage.company.person(step.by or stage.framework.qa_roles[0], where)
    if step.do == "sign_off_theme":
        await _answer(stage, step, by, "say", None, {}, text=f"theme {step.title} signed off")
        return
    asks = stage.framework.themes.asks if stage.framework.themes else ()
    terms = {point(number): step.text or STAND_IN for number in range(1, len(asks) + 1)}
    await _answer(stage, step, by, "theme_terms", NEW, {"title": step.title, **terms})


async def _asked_for_feedback(stage: Stage, step: ScriptStep, where: str) -> bool:
    """Whether the family's views are asked for by a duty of their own; else they go with the grade form."""
    audit = await _audit(stage, _case(step, where))
    later = stage.framework.submission.feedback_later
    asked = [duty for duty in audit.open_duties() if _asks_the_family(stage, duty)] if audit is not None else []
    return audit is not None and (later or bool(asked))


def _asks_the_family(stage: Stage, duty: Duty) -> bool:
    terms = stage.framework.duties.get(duty.key)
    return terms is not None and "feedback_given" in terms.closed_by


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
    verb = stage.verb(step.do)
    rule = stage.framework.verbs.get(RULED_BY.get(verb, verb))
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
    by = await _presser(stage, step, rule, audit, where)
    if step.do == "discuss" and verb == "supervise" and not await _may(stage, audit.id, verb, by):
        verb = "hold"
    for action in _numbers(audit, verb, step):
        left_out = partial(_as_if_done, stage, audit.id, verb, action)
        subject = f"{audit.id}" if action is None else f"{audit.id}:{action}"
        values = await values_of(stage, step, verb, audit, where)
        reply = await _answer(stage, step, by, verb, subject, values, before=left_out)
        if verb in ("extend", "decline", "reassign") and not reply.refused:
            stage.earlier.extend((stage.clock.now(), duty) for duty in audit.open_duties())
        if verb == "book" and not reply.refused:
            await _agree(stage, audit.id, by)


async def _may(stage: Stage, audit_id: int, verb: str, by: int) -> bool:
    async with stage.store.begin() as tx:
        audit, person = await tx.audit(audit_id), tx.directory.get(by)
        return audit is not None and person is not None and may(tx.rules, audit, verb, person, stage.clock.now())


async def _presser(stage: Stage, step: ScriptStep, rule: VerbRule, audit: Audit, where: str) -> int:
    """Who takes a step: the one named, else the one whom the framework asks first."""
    if step.by is not None:
        return stage.company.person(step.by, where)
    async with stage.store.begin() as tx:
        action = audit.action(step.action or 1)
        holder = tx.rules.address(rule.by[0], audit, stage.clock.now(), action=action)
    return holder.person.id if holder is not None else stage.company.person(rule.by[0], where)


def _numbers(audit: Audit, verb: str, step: ScriptStep) -> list[int | None]:
    if verb not in ("confirm", "sign_off", "send_back"):
        return [None]
    if step.action is not None:
        return [step.action]
    whole = {duty.key for duty in audit.open_duties() if duty.action is None}
    if verb == "sign_off" and "sign_off" in whole:
        return [None]
    return [action.number for action in audit.actions if action.signed_off_at is None] or [1]


async def _as_if_done(stage: Stage, audit_id: int, verb: str, number: int | None, tx: Transaction) -> None:
    """The ordinary steps that the rehearsal left out, taken at this moment."""
    audit = await tx.audit(audit_id)
    if audit is None or audit.withdrawn:
        return
    now = stage.clock.now()
    gated = {kind for kind in _left_out(tx, audit, verb) if _gated(tx, audit, verb, kind)}
    for kind in _left_out(tx, audit, verb):
        if kind in gated:
            continue
        values = {"at": now} if kind == "booked" else {"text": STAND_IN}
        actor = audit.case.holder_id if kind == "self_assessed" else audit.auditor_id
        audit = (await record(tx, audit, Event(kind, now, actor, values))).audit
    if verb not in ("sign_off", "send_back"):
        return
    for action in audit.actions:
        if number in (None, action.number) and action.confirmed_at is None:
            actor = action.owner_id or audit.case.holder_id
            audit = (await record(tx, audit, Event("confirmed", now, actor, {"action": action.number}))).audit


def _left_out(tx: Transaction, audit: Audit, verb: str) -> tuple[str, ...]:
    """The steps before a verb that haven't been taken; a session that nobody said didn't happen is one of them."""
    missing = out_of_order(tx.rules, audit, verb)
    if verb == "submit" and "held" not in missing and not audit.has("held") and not audit.has("not_held"):
        return (*missing, "held")
    return missing


def _gated(tx: Transaction, audit: Audit, verb: str, kind: str) -> bool:
    """Whether an earlier step is one that a gate waits for and that has been asked for: nobody takes it as done."""
    gates = tx.framework.verbs[RULED_BY.get(verb, verb)].waits_for
    return any(kind in tx.framework.duties[key].closed_by and audit.open_duties(key) for key in gates)


async def _agree(stage: Stage, audit_id: int, proposer: int) -> None:
    """The other person's yes to a suggested time, which a rehearsal takes for granted."""
    async with stage.store.begin() as tx:
        audit = await tx.audit(audit_id)
    if audit is None or audit.proposed_at is None or audit.has("submitted"):
        return
    other = audit.case.holder_id if proposer == audit.auditor_id else audit.auditor_id
    stage.count += 1
    await answer(
        stage.store,
        Interaction(other or proposer, "agree", f"rehearsal-{stage.count}", stage.clock.now(), f"{audit_id}"),
    )


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
