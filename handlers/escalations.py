"""Escalations: a manager says that they have what was taken to them, and its ladder rests."""

from audits.permissions import TAKE_UP, may
from cards.card import Card, Fact, Tone
from cards.wording import due_words
from handlers.interaction import Reply
from handlers.press import Press, refusal


async def take_up(press: Press) -> Reply:
    """Take up every escalated duty of the audit that is below this person. The duty itself stays with its owner."""
    rules = press.tx.rules
    escalated = [duty for duty in press.audit.open_duties() if rules.takes_up(duty, press.person, press.at)]
    if not escalated or not may(rules, press.audit, TAKE_UP, press.person, press.at):
        raise refusal(
            "There is nothing here to take up", "It may have been done meanwhile. Write mine to see what waits for you."
        )
    held = press.audit.facts.get("taken_up") or {}
    if all(held.get(duty.ref) == press.person.id for duty in escalated):
        raise refusal("You have this already", "Nobody else is asked about it for now.")
    duties = {duty.ref: rules.taken_up(duty, press.at) for duty in escalated}
    await press.record("taken_up", duties=duties)
    facts = tuple(
        Fact(
            press.tx.framework.duties[duty.key].title,
            f"with {press.scene.name(duty.owner_id)}, due {due_words(duty.effective, duty.nominal, press.tx.calendar)}",
        )
        for duty in escalated
    )
    return Reply(
        Card(
            title=f"Thank you. You have this: {press.audit.case.ref}",
            text=("It goes no further up while you help. If it is still open in five working days, we ask again.",)
            if any(press.at > duty.nominal for duty in escalated)
            else ("Its day stays as it is.",),
            tone=Tone.DONE,
            facts=(*press.scene.case_facts(), *facts),
            why=press.scene.why(escalated[0].key),
        )
    )
