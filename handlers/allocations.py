"""Allocations: taking one, handing it back, and the QA officer's reassigning, extending and withdrawing."""

from audits.dates import day_words, overdue_from
from audits.sampling import obstacle
from audits.state import Duty
from cards import allocation
from cards.card import Card, Tone
from cards.wording import due_words
from handlers import privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal, whole_date


async def accept(press: Press) -> Reply:
    press.check()
    await press.record()
    return press.reply("book_session")


async def decline(press: Press) -> Reply:
    """Hand an allocation back. Its duties pass to the QA officer until someone else has it."""
    press.check()
    if press.audit.has("submitted"):
        raise press.already("submitted")
    reason = press.value("reason")
    if reason not in allocation.DECLINE_REASONS:
        duty = press.duty("accept")
        card = allocation.answer(press.scene, duty) if duty else Card(title="Please choose a reason")
        errors = {"reason": "Please choose a reason, so that the right person can help."}
        raise Refused(privacy.again(card, press.values, errors))
    holder = press.tx.directory.holder(press.tx.framework.qa_roles[0], None, press.tx.calendar.day_of(press.at))
    await press.record(
        reason=reason,
        officer_id=holder.person.id if holder else None,
        officer_role=holder.person.role if holder else press.tx.framework.qa_roles[0],
    )
    return Reply(allocation.handed_back(press.scene))


async def reassign(press: Press) -> Reply:
    """Give an audit to another auditor: what was promised about its dates stays."""
    press.check()
    if press.audit.has("submitted"):
        raise press.already("submitted")
    wanted = press.value("to")
    auditor = press.tx.directory.get(int(wanted)) if wanted.isdecimal() else None
    if auditor is None or not auditor.active:
        raise refusal("Please choose an auditor", "Pick a person from the list, or write reassign CASE to NAME.")
    if auditor.role not in press.tx.framework.auditor_roles:
        raise refusal(
            f"{auditor.name} doesn't audit",
            "Please choose someone whose role audits files: "
            + ", ".join(press.tx.framework.roles[role].label for role in press.tx.framework.auditor_roles)
            + ".",
        )
    if auditor.id == press.audit.auditor_id:
        raise refusal(f"{auditor.name} has this audit already", "Please choose someone else.")
    hindrance = obstacle(auditor, press.audit.case, press.tx.directory, press.tx.framework.sampling_terms(by_hand=True))
    if hindrance is not None:
        raise refusal(
            f"{auditor.name} can't audit {press.audit.case.ref}",
            f"The reason: {hindrance}. Please choose someone else.",
        )
    check_reason(press)
    await press.record(to_id=auditor.id, to_role=auditor.role, reason=press.value("reason"))
    title = f"{press.audit.case.ref} is now with {auditor.name}"
    return Reply(
        Card(title=title, text=(f"{auditor.name} has been told.",), tone=Tone.DONE, facts=press.scene.case_facts())
    )


def check_reason(press: Press) -> None:
    """Raise Refused where a reason has something personal in it."""
    found = privacy.findings(press.value("reason"))
    if found:
        raise refusal(
            f"The reason looks as if it has {' and '.join(found)} in it",
            "Nothing has been changed. Please give the reason again without it.",
        )


async def extend(press: Press) -> Reply:
    """Give an open duty of the audit (the audit itself, unless another is named) a later day."""
    press.check()
    until = whole_date(press.value("until"))
    key = press.value("duty") or "complete_audit"
    there = (duty for duty in press.audit.open_duties(key) if press.scene.sees_duty(duty))
    duty: Duty | None = next(there, None)
    if key == "acknowledge_alert":
        raise refusal("A safety alert doesn't wait", "Please ring whoever must know now, or say that you have it.")
    if duty is None:
        raise refusal(
            "There is nothing to extend", "That step is not open on this audit. Write case REF to see what is."
        )
    today = press.tx.calendar.day_of(press.at)
    if until is None:
        raise refusal("Until which day?", "Write it like this: extend CASE until 10 April because of sickness.")
    if until <= today:
        raise refusal(f"{day_words(until)} has gone by", "Please choose a day after today.")
    if until <= press.tx.calendar.day_of(duty.nominal):
        was = due_words(duty.effective, duty.nominal, press.tx.calendar)
        raise refusal("That isn't later", f"It is due on {was} already. Please choose a later day.")
    if not press.value("reason"):
        raise refusal("Why is more time needed?", "Please give a reason, so that others can understand it later.")
    check_reason(press)
    moved = press.tx.rules.replan(duty, until, press.at)
    await press.record(duty=moved, until=until, reason=press.value("reason"))
    due = due_words(moved.effective, moved.nominal, press.tx.calendar)
    late = day_words(press.tx.calendar.day_of(overdue_from(moved.nominal, press.tx.calendar)))
    return Reply(
        Card(
            title=f"More time for {press.audit.case.ref}",
            text=(f"It is now due on {due}. It counts as overdue from {late}.",),
            tone=Tone.DONE,
            facts=press.scene.case_facts(),
        )
    )


async def withdraw(press: Press) -> Reply:
    press.check()
    if press.audit.has("submitted"):
        raise press.already("submitted")
    check_reason(press)
    await press.record(reason=press.value("reason"))
    title = f"The audit of {press.audit.case.ref} is withdrawn"
    return Reply(Card(title=title, text=("Nobody is asked for anything more.",), tone=Tone.DONE))
