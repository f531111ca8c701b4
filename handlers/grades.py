"""The grade form: read, checked and recorded; what is wrong stands beside its input and nothing typed is lost."""

from dataclasses import replace
from datetime import date
from typing import Any

from audits.dates import day_words
from audits.state import REAUDIT, Event, RemedialAction
from cards import grading
from cards.card import Card, Tone
from cards.wording import have
from handlers import privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, whole_date
from storage.ledger import record

FREE_TEXT = ("rationale", "safety_text", "good_example")
MOST_ACTIONS = 30
"""More than any form offers: a rehearsal or another door may send a longer list."""


async def submit(press: Press) -> Reply:
    """Send the audit. An Inadequate goes to moderation, a safety concern to its managers at once."""
    press.check()
    values, errors = read_form(press)
    if errors and press.value("safety") == "yes" and not press.audit.has("safety_raised"):
        return await _alert_first(press, errors)
    if errors:
        raise Refused(form_again(press, errors))
    recorded = await press.record(**values)
    if press.audit.kind == REAUDIT and press.audit.earlier_audit_id is not None:
        earlier = await press.tx.audit(press.audit.earlier_audit_id)
        if earlier is not None:
            await record(press.tx, earlier, Event("reaudit_submitted", press.at, press.person.id, {}))
    told = sorted({press.scene.name(message.to_id) for message in recorded.messages if message.what == "alert"})
    alerts = (f"{have(told)} been alerted now.",) if told else ()
    return press.reply("complete_audit", *alerts, *_next(press))


async def _alert_first(press: Press, errors: dict[str, str]) -> Reply:
    """A safety concern doesn't wait until the rest of the form is right."""
    recorded = await press.record("safety_raised", text=privacy.masked(press.value("safety_text")))
    told = sorted({press.scene.name(message.to_id) for message in recorded.messages if message.what == "alert"})
    card = form_again(press, errors)
    return Reply(replace(card, error=f"{have(told)} been alerted now. {card.error}"))


async def grade_sections(press: Press) -> Reply:
    """The grades by heading on a card of their own: shown first, kept once they are sent."""
    press.check()
    if press.audit.has("submitted"):
        raise press.already("submitted")
    if not any(name.startswith("section_") for name in press.values):
        return Reply(grading.sections_form(press.scene))
    errors: dict[str, str] = {}
    found = _sections(press, errors)
    if errors:
        raise Refused(privacy.again(grading.sections_form(press.scene), press.values, errors))
    await press.record(sections=found)
    duty = press.duty("complete_audit")
    return Reply(grading.form(press.scene, duty), duty=duty.ref) if duty else press.reply("complete_audit")


def _next(press: Press) -> tuple[str, ...]:
    duties = press.audit.open_duties()
    lines = []
    for key, words in (("moderate", "checks the grade"), ("oversee", "reads the audit")):
        duty = next((one for one in duties if one.key == key), None)
        if duty is not None:
            day = day_words(press.tx.calendar.day_of(duty.effective))
            lines.append(f"Next, {press.scene.name(duty.owner_id)} {words}, by {day}.")
    return tuple(lines)


def form_again(press: Press, errors: dict[str, str]) -> Card:
    """The form with what was typed, each error beside its input."""
    duty = press.duty("complete_audit")
    whole = any(name.startswith("section_") for name in press.values)
    card = grading.form(press.scene, duty, whole=whole) if duty else Card(title="The grade form", tone=Tone.ASK)
    count = len(errors)
    words = "One answer needs another look." if count == 1 else f"{count} answers need another look."
    return privacy.again(card, press.values, errors, f"{words} Nothing that you wrote is lost.")


def read_form(press: Press) -> tuple[dict[str, Any], dict[str, str]]:
    """The submission as the rules take it, and the errors by input. Every answer is checked, whatever was offered."""
    framework = press.tx.framework
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"rationale": press.value("rationale"), "safety_text": press.value("safety_text")}
    grade = press.value("grade")
    values["grade"] = framework.grade_key(grade)
    if not grade:
        errors["grade"] = "Please choose a grade."
    elif values["grade"] is None:
        names = ", ".join(one.label for one in framework.grades)
        errors["grade"] = f"{framework.about.title} has no grade “{grade}”. Please choose one of: {names}."
    if not values["rationale"]:
        errors["rationale"] = "Please say in a sentence or two why you chose this grade."
    for name, question in (("safety", True), ("neglect", False)):
        answer = press.value(name)
        if answer not in ("yes", "no", "") or (question and not answer):
            errors[name] = "Please answer yes or no."
        values[name] = answer == "yes"
    values["feedback"] = {} if framework.submission.feedback_later else read_feedback(press, errors)
    values["stretch"] = _stretch(press, errors)
    values["good_example"] = press.value("good_example") if framework.submission.good_example else ""
    values["sections"] = {**(press.audit.facts.get("sections") or {}), **_sections(press, errors)}
    values["actions"] = read_actions(press, errors)
    named = (name for name in press.values if name.endswith(("_reason", "_what")) or name.startswith("stretch_"))
    free = [*FREE_TEXT, *named]
    errors |= privacy.questioned(press.values, free)
    return values, errors


def _stretch(press: Press, errors: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for who in press.tx.framework.submission.stretch:
        found[who] = press.value(f"stretch_{who}")
        if not found[who]:
            name = grading.STRETCH_FOR.get(who, who)
            errors[f"stretch_{who}"] = (
                f"Please give a stretch target for {name}; every audit has one, whatever its grade."
            )
    return found


def read_feedback(press: Press, errors: dict[str, str]) -> dict[str, str]:
    """Whether each of those whose views are sought gave them, or the reason; what is wrong goes into `errors`."""
    found: dict[str, str] = {}
    for source in press.tx.framework.submission.feedback:
        name, reason = f"feedback_{source}", press.value(f"feedback_{source}_reason")
        answer = press.value(name)
        if answer not in {choice.value for choice in grading.FEEDBACK_CHOICES}:
            who = grading.FEEDBACK_FROM.get(source, source)
            errors[name] = f"Please say whether {who} gave feedback, or why not."
        elif answer == "reason" and not reason:
            errors[f"{name}_reason"] = "Please give the reason in a few words."
        found[source] = reason if answer == "reason" else answer
    return found


def _sections(press: Press, errors: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for section in press.tx.framework.sections:
        chosen = press.value(f"section_{section.key}")
        grade = press.tx.framework.grade_key(chosen) if chosen else None
        if chosen and grade is None:
            errors[f"section_{section.key}"] = "Please choose a grade from the list, or leave it empty."
        elif grade is not None:
            found[section.key] = grade
    return found


def read_actions(press: Press, errors: dict[str, str], *, after: int = 0) -> tuple[RemedialAction, ...]:
    """The remedial actions of a form, numbered from `after` + 1; what is wrong goes into `errors`, by input."""
    found: list[RemedialAction] = []
    today = press.tx.calendar.day_of(press.at)
    owners = {str(person.id): person for person in grading.action_owners(press.scene)}
    for slot in range(1, MOST_ACTIONS + 1):
        what, owner, due = (press.value(f"action_{slot}_{part}") for part in ("what", "owner", "due"))
        if not what and not due:
            continue
        if not what:
            errors[f"action_{slot}_what"] = "Please say what is to be put right, or take the day out."
        day: date | None = whole_date(due) if due else None
        if due and day is None:
            errors[f"action_{slot}_due"] = "Please write the day as a date, for example 2026-04-02."
        elif day is not None and day < today:
            errors[f"action_{slot}_due"] = f"{day_words(day)} has gone by. Please choose today or a later day."
        person = owners.get(owner) if owner else None
        if owner and person is None:
            errors[f"action_{slot}_owner"] = "Please choose a person from the list."
        owner_id = person.id if person else press.audit.case.holder_id
        found.append(RemedialAction(after + len(found) + 1, what, owner_id, day))
    return tuple(found)
