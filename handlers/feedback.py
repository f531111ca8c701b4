"""The family's views: recorded after the session, or passed to another manager to seek."""

from cards import feedback as cards
from handlers import grades, privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal

KEYS = ("seek_feedback", "family_feedback")


async def give(press: Press) -> Reply:
    """Record what the family said, or why they weren't asked."""
    press.check()
    key = _waiting(press)
    errors: dict[str, str] = {}
    found = grades.read_feedback(press, errors)
    errors |= privacy.questioned(press.values, [name for name in press.values if name.endswith("_reason")])
    if errors and key is not None:
        duty = press.duty(key)
        card = cards.ask(press.scene, duty) if duty else press.card(key)
        raise Refused(privacy.again(card, press.values, errors))
    if errors:
        raise refusal("One answer is still missing", *errors.values())
    await press.record("feedback_given", feedback=found)
    return press.reply(key or "complete_audit", "Thank you for asking them.")


async def consider(press: Press) -> Reply:
    """Decide whether another manager should seek the family's views."""
    press.check()
    key = _waiting(press)
    if key is None or not press.audit.facts.get("feedback_missing"):
        raise refusal("Nothing is to be decided about the family's views", "They were sought as the framework asks.")
    errors = privacy.questioned(press.values, ("text",))
    if press.value("another") not in ("yes", "no"):
        errors["another"] = "Please answer yes or no."
    if errors:
        raise Refused(privacy.again(press.card(key), press.values, errors))
    another = press.value("another") == "yes"
    await press.record("feedback_considered", another=another, text=press.value("text"))
    duty = press.duty("seek_feedback") if another else None
    asked = (f"{press.scene.name(duty.owner_id)} has been asked.",) if duty else ()
    return press.reply(key, *asked)


def _waiting(press: Press) -> str | None:
    """The open duty that asks for the family's views, a manager's own before the auditor's."""
    duties = press.tx.framework.duties
    other = [key for key, terms in duties.items() if "feedback_given" in terms.closed_by and key not in KEYS]
    return next((key for key in (*KEYS, *other) if press.audit.open_duties(key)), None)
