"""Management oversight, the upload to the child's file, and disagreement about an audit."""

from audits.dates import day_words
from cards import oversight as cards
from handlers import privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal


async def oversee(press: Press) -> Reply:
    press.check()
    _no_personal_data(press, "oversee", "text")
    await press.record(text=press.value("text"))
    return press.reply("oversee", f"{press.scene.name(press.audit.auditor_id)} has been asked to upload the audit.")


async def record(press: Press) -> Reply:
    press.check()
    _no_personal_data(press, "record_on_file", "where")
    await press.record(text=press.value("where"))
    return press.reply("record_on_file", "Thank you. This audit is complete.")


async def dispute(press: Press) -> Reply:
    """Say that one sees an audit differently, while its window is open."""
    press.check()
    if press.audit.open_duties("dispute"):
        raise press.already("disputed")
    closes = press.tx.rules.dispute_closes(press.audit)
    if closes is not None and press.at > closes:
        day = day_words(press.tx.calendar.day_of(closes))
        raise refusal(
            f"The time for this ended on {day}",
            "Please talk to the auditor directly; the QA Unit will help you both if you ask.",
        )
    text = press.value("dispute_text")
    errors = privacy.questioned(press.values, ("dispute_text",))
    if not text:
        errors["dispute_text"] = "Please say in a few words what you see differently."
    if errors:
        raise Refused(privacy.again(cards.dispute(press.scene), press.values, errors))
    await press.record(text=text)
    return press.reply(
        "dispute", f"{press.scene.name(press.audit.auditor_id)} has been asked to talk it through with you."
    )


async def resolve(press: Press) -> Reply:
    press.check()
    if not press.audit.open_duties("dispute"):
        raise press.already("resolved" if press.audit.has("resolved") else "disputed")
    grade = press.value("grade")
    errors = privacy.questioned(press.values, ("text",))
    if not press.value("text"):
        errors["text"] = "Please say in a sentence what you agreed."
    if grade and press.tx.framework.grade(grade) is None:
        errors["grade"] = "Please choose a grade from the list."
    if errors:
        raise Refused(privacy.again(press.card("dispute"), press.values, errors))
    await press.record(text=press.value("text"), grade=grade or None)
    return press.reply("dispute")


def _no_personal_data(press: Press, key: str, name: str) -> None:
    errors = privacy.questioned(press.values, (name,))
    if errors:
        raise Refused(privacy.again(press.card(key), press.values, errors))
