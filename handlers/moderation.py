"""Moderation of an Inadequate, the updates that follow it, and the decision on a Case Review."""

from cards import moderation
from cards.card import Card, Tone
from cards.wording import have
from handlers import grades, privacy, steps
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal


async def moderate(press: Press) -> Reply:
    """Confirm or change a grade, and add actions if need be. A confirmed Inadequate is escalated at once."""
    press.check()
    terms = press.tx.framework.moderation
    grade = press.tx.framework.grade_key(press.value("grade"))
    concern = press.value("concern")
    added_words = (name for name in press.values if name.endswith("_what"))
    errors = privacy.questioned(press.values, ("text", *added_words))
    if concern not in ("yes", "no", "") or (terms.asks_about_audit and not concern):
        errors["concern"] = "Please say whether the audit itself is sound."
    if grade is None:
        errors["grade"] = "Please choose the grade after moderation."
    if not press.value("text"):
        errors["text"] = "Please say in a sentence why."
    added = grades.read_actions(press, errors, after=len(press.audit.actions))
    if errors:
        form = moderation.moderate(press.scene, press.duty("moderate"))
        raise Refused(privacy.again(form, press.values, errors))
    hold = terms.hold and (concern == "yes" or grade != press.audit.grade)
    recorded = await press.record(
        grade=grade, text=press.value("text"), actions=added, concern=concern == "yes", hold=hold
    )
    told = sorted({press.scene.name(one.to_id) for one in recorded.messages if one.what == "escalation"})
    asked = (f"{have(told)} been asked for an urgent review.",) if told else ()
    if hold:
        asked = ("Nobody else hears of the outcome until it was talked through with the auditor.", *asked)
    if press.duty("moderate") is None:
        facts = (*press.scene.case_facts(), *press.scene.grade_facts())
        title = f"You moderated the audit of {press.audit.case.ref}"
        return Reply(Card(title=title, text=asked, tone=Tone.DONE, facts=facts))
    return press.reply("moderate", *asked)


async def update(press: Press) -> Reply:
    press.check()
    if steps.answered(press) not in (None, "urgent_update", "further_update"):
        return await steps.answer(press)
    waiting = press.audit.open_duties("urgent_update") or press.audit.open_duties("further_update")
    if not waiting:
        raise (
            press.already("updated")
            if press.audit.has("updated")
            else refusal("No update is being asked for", "Only a confirmed Inadequate asks for one.")
        )
    errors = privacy.questioned(press.values, ("text",))
    if not press.value("text"):
        errors["text"] = "Please say in a few words what has been done."
    if errors:
        raise Refused(privacy.again(press.card(waiting[0].key), press.values, errors))
    await press.record(text=press.value("text"))
    return press.reply(waiting[0].key, f"The {press.tx.framework.qa_label} has your update.")


async def consider(press: Press) -> Reply:
    press.check()
    if steps.answered(press) not in (None, "case_review"):
        return await steps.answer(press)
    if press.duty("case_review") is None:
        raise refusal("No Case Review is being considered", "The auditor didn't ask for one on this case.")
    decision = press.value("decision")
    errors = privacy.questioned(press.values, ("text",))
    if decision not in ("review", "none"):
        errors["decision"] = "Please choose one of the two."
    if not press.value("text"):
        errors["text"] = "Please say in a sentence why."
    if errors:
        raise Refused(privacy.again(press.card("case_review"), press.values, errors))
    await press.record(text=press.value("text"), decision=decision)
    return press.reply("case_review")
