"""Raising a safety concern at any stage, and saying that one has it."""

from datetime import datetime

from audits.people import Person
from audits.permissions import may
from cards import alert
from cards.card import Card, Tone
from cards.wording import have
from handlers import escalations, privacy
from handlers.interaction import Interaction, Reply
from handlers.own import cases_to_raise
from handlers.press import Press, Refused, refusal
from storage.store import Transaction


async def raise_concern(press: Press) -> Reply:
    """Alert the managers of the case at once. Nothing in the text holds an alert back: what looks like personal data is
    taken out of it, and the writer is told so."""
    press.check()
    if press.audit.open_duties("acknowledge_alert"):
        raise refusal(
            "An alert is already open on this case",
            "The managers have been told and are told again until they answer. In an emergency ring 999.",
        )
    text = press.value("text")
    kept = privacy.masked(text)
    recorded = await press.record(text=kept)
    names = sorted({press.scene.name(message.to_id) for message in recorded.messages if message.what == "alert"})
    return Reply(
        Card(
            title=f"{have(names)} been alerted",
            text=(
                "They are told again every 15 minutes until they answer. In an emergency ring 999.",
                *(
                    ("What looked like personal data was taken out of your words; please tell them by phone.",)
                    if kept != text
                    else ()
                ),
            ),
            tone=Tone.DONE,
            facts=press.scene.case_facts(),
            why=press.scene.why("acknowledge_alert"),
        )
    )


async def choose(tx: Transaction, person: Person, at: datetime) -> Card:
    """The form with a choice of the cases about which this person may raise a concern. Raises Refused without any."""
    scenes, more = await cases_to_raise(tx, person, at)
    if not scenes:
        raise refusal("About which case?", "Write it like this: safety K7F-204. In an emergency ring 999 first.")
    return alert.choose_one(scenes, more=more)


async def raise_chosen(tx: Transaction, person: Person, interaction: Interaction) -> Reply:
    """Alert the managers of the case that was chosen in the form. Whether this person may is looked at anew."""
    chosen = interaction.values.get("which", "")
    audit = await tx.audit(int(chosen)) if chosen.isdecimal() and len(chosen) <= 12 else None
    if audit is None or audit.issued_at is None:
        form = await choose(tx, person, interaction.at)
        kept = {"text": privacy.masked(interaction.values.get("text", ""))}
        raise Refused(form.answered(kept, {"which": "Please choose the case, so that the right managers are told."}))
    return await raise_concern(Press(tx, person, audit, "safety", interaction.values, interaction.at))


async def acknowledge(press: Press) -> Reply:
    """Say that one has an alert; where no alert is open, that one has what was escalated."""
    if not press.audit.open_duties("acknowledge_alert") and may(
        press.tx.rules, press.audit, "take_up", press.person, press.at
    ):
        return await escalations.take_up(press)
    press.check()
    before = press.audit
    recorded = await press.record()
    if not recorded.closed:
        mine = [one for one in before.duties if one.key == "acknowledge_alert" and one.owner_id == press.person.id]
        if mine and not mine[-1].is_open:
            raise press.already("acknowledged")
        raise refusal(
            "This alert hasn't come to you yet",
            "Its own recipients are being told. You can still act on what you know.",
        )
    mine = [one for one in press.audit.duties if one.key == "acknowledge_alert" and one.ref == recorded.closed[0].ref]
    card = alert.alert(press.scene, mine[0])
    return Reply(
        Card(
            title=f"Thank you. You have the alert about {press.audit.case.ref}",
            text=(
                *card.text[1:],
                "Please make sure that the child is safe, and record what you do in the case system.",
            ),
            tone=Tone.DONE,
            facts=card.facts,
            why=card.why,
        )
    )
