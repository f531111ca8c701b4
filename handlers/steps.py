"""Steps that are answered with a tick and a word of one's own: comments, follow-up, supervision, recognition."""

from audits.events import EVENTS
from cards import step
from cards.card import Card, Tone
from handlers import privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal

UNTICKED = "Please tick this once it is done; the card waits for you."


async def answer(press: Press) -> Reply:
    """Record the answer to a duty, or what a person says unasked where the framework lets them."""
    press.check()
    key = answered(press)
    errors = privacy.questioned(press.values, ("text",)) | unticked(press, key)
    if errors and key is not None:
        raise Refused(privacy.again(press.card(key), press.values, errors))
    if errors:
        raise refusal("That looks like personal data", *errors.values())
    recorded = await press.record(text=press.value("text"))
    closed = [duty.key for duty in recorded.closed if duty.key == key]
    if key is not None and closed:
        return press.reply(key)
    label = press.tx.framework.verbs[press.verb].label
    return Reply(
        Card(
            title=f"Thank you. This is recorded for {press.audit.case.ref}",
            text=(f"You chose to {label}. Those whom it concerns have been told.",)
            if recorded.messages
            else (f"You chose to {label}.",),
            tone=Tone.DONE,
            facts=press.scene.case_facts(),
        )
    )


async def waive(press: Press) -> Reply:
    """Do without the practitioner's self-assessment; the reason is kept."""
    press.check()
    text = press.value("text") or press.value("reason")
    errors = privacy.questioned(press.values, ("text", "reason"))
    if not text:
        raise refusal("Why is it not needed here?", "Please give the reason in a few words, so that others understand.")
    if errors:
        raise refusal("That looks like personal data", *errors.values())
    await press.record(text=text)
    return press.reply("self_assessment", "The audit can go on without it.")


def unticked(press: Press, key: str | None) -> dict[str, str]:
    """The ticks that a step still needs, by input."""
    checks = press.tx.framework.duties[key].checks if key is not None else ()
    names = [f"check_{number}" for number in range(1, len(checks) + 1)]
    return {name: UNTICKED for name in names if press.value(name) != step.TICKED}


def answered(press: Press) -> str | None:
    """The duty that this press answers: the person's own first, else the only kind that waits for it."""
    event = EVENTS[press.verb]
    waiting = [
        duty
        for duty in press.audit.open_duties()
        if duty.key in press.tx.framework.duties and press.tx.framework.duties[duty.key].closed_by[0] == event
    ]
    own = [duty for duty in waiting if duty.owner_id == press.person.id]
    return (own or waiting)[0].key if waiting else None
