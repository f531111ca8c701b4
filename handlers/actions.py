"""Remedial actions: the practitioner's confirmation, and the sign-off by somebody else."""

from audits.state import RemedialAction
from cards.wording import counted, listed, moment_words
from handlers import privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal


def _action(press: Press) -> RemedialAction:
    # What a moderation added and keeps back isn't there for anybody yet.
    action = press.audit.action(press.action or 0)
    if action is None:
        raise refusal("There is no such action on this audit", "Please use the card of the action itself.")
    return action


async def confirm(press: Press) -> Reply:
    press.check()
    action = _action(press)
    if action.confirmed_at is not None:
        raise _already(
            press, "reported done", action.confirmed_by, moment_words(action.confirmed_at, press.tx.calendar)
        )
    errors = privacy.questioned(press.values, ("text",))
    if errors:
        raise Refused(privacy.again(press.card("remedial_action"), press.values, errors))
    await press.record(action=action.number, text=press.value("text"))
    duty = press.duty("sign_off")
    signs = f"{press.scene.name(duty.owner_id)} has been asked to sign it off." if duty else ""
    return press.reply("remedial_action", *((signs,) if signs else ()))


async def sign_off(press: Press) -> Reply:
    """Sign an action off. Never by the person who reported it done."""
    press.check()
    terms = press.tx.framework.duties.get("sign_off")
    if press.action is None and terms is not None and not terms.per_action:
        return await _sign_all_off(press)
    action = _ready(press)
    await press.record(action=action.number)
    return press.reply("sign_off")


async def _sign_all_off(press: Press) -> Reply:
    """Sign off everything that an audit asked for, where the framework asks for one sign-off of it all."""
    duty = press.duty("sign_off")
    if duty is None:
        raise refusal("There is nothing to sign off", "No action of this audit waits for you.")
    if not duty.is_open:
        raise press.already("signed_off")
    waiting = [action for action in press.audit.disclosed_actions if action.signed_off_at is None]
    undone = [action for action in waiting if action.confirmed_at is None]
    if undone:
        names = sorted({press.scene.name(action.owner_id) for action in undone})
        raise refusal(
            f"{counted(len(undone), 'action')} not reported done yet",
            f"{listed(names)} {'says' if len(names) == 1 else 'say'} so first; then it comes to you.",
        )
    if any(action.confirmed_by == press.person.id for action in waiting):
        raise refusal("You reported an action done yourself", f"Someone else signs that one off. {_above(press)}")
    for action in waiting:
        await press.record(action=action.number)
    if not waiting:
        await press.record()
    return press.reply("sign_off")


async def send_back(press: Press) -> Reply:
    press.check()
    action = _ready(press)
    text = press.value("text")
    errors = privacy.questioned(press.values, ("text",))
    if not text:
        errors["text"] = "Please say what is missing, so that it can be done."
    if errors:
        raise Refused(privacy.again(press.card("sign_off"), press.values, errors))
    await press.record(action=action.number, text=text)
    return press.reply("sign_off", f"{press.scene.name(action.owner_id)} has been asked.")


def _ready(press: Press) -> RemedialAction:
    action = _action(press)
    if action.signed_off_at is not None:
        raise _already(press, "signed off", action.signed_off_by, moment_words(action.signed_off_at, press.tx.calendar))
    if action.confirmed_at is None:
        who = press.scene.name(action.owner_id)
        raise refusal("This action hasn't been reported done yet", f"{who} says so first; then it comes to you.")
    return action


def _above(press: Press) -> str:
    above = press.tx.directory.manager_of(press.person)
    return f"Please ask {above.name}." if above else "Please ask your manager."


def _already(press: Press, what: str, by: int | None, when: str) -> Refused:
    return refusal(f"This action was already {what}", f"{press.scene.name(by)} did so on {when}.")
