"""Management oversight, the upload to the child's file, and disagreement about an audit."""

from audits.dates import day_words, parse_offset, step_moment
from cards import oversight as cards
from cards.wording import have
from handlers import privacy, steps
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal

RECORDED = ("record_on_file", "notify_actions")
"""Duties that writing something back to the case system answers."""


async def oversee(press: Press) -> Reply:
    press.check()
    _no_personal_data(press, "oversee", "text")
    await press.record(text=press.value("text"), learning=press.value("learning") == "yes")
    uploads = press.duty("record_on_file")
    asked = (f"{press.scene.name(uploads.owner_id)} has been asked to upload the audit.",) if uploads else ()
    return press.reply("oversee", *asked)


async def record(press: Press) -> Reply:
    press.check()
    key = next((key for key in RECORDED if press.duty(key)), "record_on_file")
    errors = privacy.questioned(press.values, ("where",)) | steps.unticked(press, key if press.duty(key) else None)
    if errors:
        raise Refused(privacy.again(press.card(key), press.values, errors))
    await press.record(text=press.value("where"))
    over = not press.audit.open_duties()
    return press.reply(key, "Thank you. This audit is complete." if over else "Thank you.")


async def dispute(press: Press) -> Reply:
    """Say that one sees an audit differently, while its window is open."""
    press.check()
    if press.audit.open_duties("dispute"):
        if press.tx.framework.duties["dispute"].ladder_from == "opening":
            return await _unsettled(press)
        raise press.already("disputed")
    settled_by_auditor = press.tx.framework.duties["dispute"].owner == "auditor"
    if settled_by_auditor and press.person.id == press.audit.auditor_id:
        raise refusal("This is your own audit", "Please talk to the practitioner; you can't dispute it yourself.")
    closes = press.tx.rules.dispute_closes(press.audit)
    if closes is not None and press.at > closes:
        day = day_words(press.tx.calendar.day_of(closes))
        raise refusal(
            f"The time for this ended on {day}",
            f"Please talk to the auditor directly; the {press.tx.framework.qa_label} will help you both if you ask.",
        )
    text = press.value("dispute_text")
    errors = privacy.questioned(press.values, ("dispute_text",))
    if not text:
        errors["dispute_text"] = "Please say in a few words what you see differently."
    if errors:
        raise Refused(privacy.again(cards.dispute(press.scene), press.values, errors))
    await press.record(text=text)
    duty = press.duty("dispute")
    asked = press.scene.name(duty.owner_id if duty else press.audit.auditor_id)
    return press.reply("dispute", f"{asked} has been asked to talk it through with you.")


async def _unsettled(press: Press) -> Reply:
    """Say that the last conversation settled nothing: the next on the ladder is asked at once."""
    duty = press.audit.open_duties("dispute")[0]
    taken = [step for step in duty.steps[: duty.taken] if step.what == "escalation"]
    since = press.audit.done.get("unsettled", (None, None))[0]
    rested = step_moment(press.at, parse_offset("-1wd"), press.tx.calendar)
    last = max([step.at for step in taken] + ([since] if since else []), default=None)
    if last is not None and last > rested:
        raise refusal("Someone has just been asked to help", "Please give them a day before it goes further.")
    if not any(step.what == "escalation" for step in duty.steps[duty.taken :]):
        raise press.already("disputed")
    errors = privacy.questioned(press.values, ("dispute_text",))
    if errors:
        raise Refused(privacy.again(cards.dispute(press.scene), press.values, errors))
    recorded = await press.record("unsettled", text=press.value("dispute_text"))
    names = [press.scene.name(message.to_id) for message in recorded.messages if message.what == "escalation"]
    return press.reply("dispute", f"{have(names)} been asked to help you both." if names else "")


async def resolve(press: Press) -> Reply:
    press.check()
    if not press.audit.open_duties("dispute"):
        raise press.already("resolved" if press.audit.has("resolved") else "disputed")
    grade = press.value("grade")
    errors = privacy.questioned(press.values, ("text",))
    if not press.value("text"):
        errors["text"] = "Please say in a sentence what you agreed."
    if grade and press.tx.framework.grade_key(grade) is None:
        errors["grade"] = "Please choose a grade from the list."
    if errors:
        raise Refused(privacy.again(press.card("dispute"), press.values, errors))
    await press.record(text=press.value("text"), grade=press.tx.framework.grade_key(grade) if grade else None)
    return press.reply("dispute")


def _no_personal_data(press: Press, key: str, name: str) -> None:
    errors = privacy.questioned(press.values, (name,))
    if errors:
        raise Refused(privacy.again(press.card(key), press.values, errors))
