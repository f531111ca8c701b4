"""Talking a moderation through, releasing it earlier, and taking an audit into supervision."""

from audits.permissions import may
from cards import discussion
from cards.card import Card, Tone
from handlers import privacy, steps
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal


async def discuss(press: Press) -> Reply:
    """Say that the moderation was talked through; what was on hold then goes to those who wait for it.

    Where nothing is to be discussed, a manager who has the audit for supervision means that.
    """
    if _in_supervision(press):
        press.verb = "supervise"
        return await steps.answer(press)
    press.check()
    if not press.audit.open_duties("discuss_moderation"):
        if press.audit.has("discussed") or press.audit.has("released"):
            raise press.already("discussed" if press.audit.has("discussed") else "released")
        raise refusal("There is no moderation to talk through", "We ask you as soon as there is one.")
    errors = privacy.questioned(press.values, ("text",))
    grade = press.value("grade")
    if grade and press.person.id == press.audit.auditor_id:
        raise refusal("The grade is for the other of you to give", "You can say here that you have talked it through.")
    if grade and press.tx.framework.grade_key(grade) is None:
        errors["grade"] = "Please choose a grade from the list."
    if errors:
        raise Refused(privacy.again(_form(press), press.values, errors))
    await press.record(text=press.value("text"), grade=press.tx.framework.grade_key(grade) if grade else None)
    return press.reply("discuss_moderation", "Those who wait for the outcome have it.")


async def release(press: Press) -> Reply:
    """Release the outcome of a moderation before the conversation, because waiting would hold up what is needed."""
    press.check()
    if not press.audit.on_hold:
        raise refusal("Nothing is held back on this audit", "Its outcome is with those who need it.")
    errors = privacy.questioned(press.values, ("reason",))
    if not press.value("reason"):
        errors["reason"] = "Please say why it can't wait, so that the auditor understands it too."
    if errors:
        raise Refused(privacy.again(_form(press), press.values, errors))
    await press.record(text=press.value("reason"))
    names = press.scene.name(press.audit.auditor_id)
    return press.reply("discuss_moderation", f"Please still talk to {names}; the conversation is theirs by right.")


def _in_supervision(press: Press) -> bool:
    """Whether a word about a discussion can only mean supervision here."""

    def can(verb: str) -> bool:
        return verb in press.tx.framework.verbs and may(press.tx.rules, press.audit, verb, press.person, press.at)

    return can("supervise") and not (press.audit.open_duties("discuss_moderation") and can("discuss"))


def _form(press: Press) -> Card:
    duty = press.duty("discuss_moderation")
    if duty is None:
        return Card(title="The moderation", tone=Tone.ASK)
    return discussion.discuss(press.scene, duty)
