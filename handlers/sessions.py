"""Booking the collaborative audit session in a few words, and saying whether it was held."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from audits.dates import day_words, parse_rule
from cards import session
from cards.card import Action, Card, Choice, ChoiceInput, Emphasis, Fact, TextInput, Tone
from cards.invitation import moderation_invitation
from cards.wording import moment_words
from handlers import privacy
from handlers.interaction import Reply
from handlers.press import Press, Refused, refusal
from handlers.when.reading import read_when
from handlers.when.spoken import spoken

REMINDED = "You will both be reminded on the working day before."


async def book(press: Press) -> Reply:
    """Suggest a time. What reads in two ways is asked back; nothing is guessed."""
    press.check()
    moderating = press.audit.open_duties("moderate")
    if moderating and press.person.id == moderating[0].owner_id:
        return await _book_moderation(press)
    if press.audit.has("submitted"):
        raise press.already("submitted")
    at = _chosen(press)
    if press.audit.proposed_at == at and press.audit.proposed_by != press.person.id:
        return await agree(press)
    recorded = await press.record("proposed", at=at)
    answered = any(duty.key == "agree_session" and duty.owner_id == press.person.id for duty in recorded.closed)
    if press.audit.open_duties("book_session") and not answered:
        return press.reply("book_session")
    asked = press.duty("agree_session")
    return Reply(
        duty=asked.ref if asked else "",
        card=Card(
            title=f"We have asked {_other(press)}",
            text=(f"You suggested {moment_words(at, press.tx.calendar)}. We tell you as soon as they answer.",),
            tone=Tone.DONE,
            facts=press.scene.case_facts(),
        ),
    )


async def _book_moderation(press: Press) -> Reply:
    """Set the time of the moderator's conversation with auditor and practitioner; all three get the invitation."""
    at = _chosen(press)
    await press.record("moderation_booked", at=at)
    minutes = press.tx.framework.submission.session_minutes
    return Reply(
        Card(
            title=f"The conversation is on {moment_words(at, press.tx.calendar)}",
            text=(f"It is planned for {minutes} minutes. The auditor and the practitioner have the time too.",),
            tone=Tone.DONE,
            facts=press.scene.case_facts(),
            why=press.scene.why("moderate"),
            downloads=tuple(one for one in (moderation_invitation(press.scene),) if one is not None),
        )
    )


async def agree(press: Press) -> Reply:
    """Say yes to the other person's suggestion; both then get the invitation."""
    press.verb = "book"
    press.check()
    if press.audit.session_at is not None and press.audit.proposed_at is None:
        raise refusal(
            "This is already agreed",
            f"The discussion is on {moment_words(press.audit.session_at, press.tx.calendar)}.",
        )
    if press.audit.proposed_at is None:
        raise refusal("No time has been suggested yet", "Please suggest one yourself.")
    if press.audit.proposed_by == press.person.id:
        raise refusal("This is your own suggestion", f"We are waiting for {_other(press)} to answer.")
    if press.audit.proposed_at <= press.at:
        raise refusal("That time has gone by", "Please suggest another one.")
    await press.record("booked", at=press.audit.proposed_at)
    duty = press.duty("hold_session")
    reminded = duty is not None and any(step.what == "nudge" and step.at > press.at for step in duty.steps)
    reply = press.reply("hold_session", *([REMINDED] if reminded else []))
    return replace(reply, card=replace(reply.card, tone=Tone.DONE))


async def hold(press: Press) -> Reply:
    press.check()
    if press.audit.session_at is not None and press.at < press.audit.session_at:
        when = moment_words(press.audit.session_at, press.tx.calendar)
        raise refusal(
            "The discussion is still to come", f"It is on {when}. If you have talked already, suggest that time."
        )
    await press.record()
    return press.reply("complete_audit")


async def not_hold(press: Press) -> Reply:
    press.check()
    if press.audit.has("held"):
        raise press.already("held")
    await press.record()
    return press.reply("book_session", "No matter. When would suit you both now?")


def _other(press: Press) -> str:
    audit = press.audit
    return press.scene.name(audit.case.holder_id if press.person.id == audit.auditor_id else audit.auditor_id)


def session_limit(press: Press) -> datetime:
    """The last moment for a session: the audit's own due day, or a month on if that has gone by."""
    duty = press.duty("complete_audit" if not press.audit.has("submitted") else "moderate")
    if duty is not None and duty.nominal > press.at:
        return duty.nominal
    return parse_rule("within 1 month").resolve(press.at, press.audit.cycle, press.tx.calendar).nominal


def _chosen(press: Press) -> datetime:
    picked, typed = press.value("at"), press.value("when")
    day = press.value("day")
    if picked:
        typed = picked
    elif day and typed:
        typed = f"{day} {typed}"
    if not typed:
        raise Refused(_form(press, "Please write a time, for example Tues 2pm."))
    limit = session_limit(press)
    reading = read_when(typed, press.at, limit, press.tx.calendar)
    moments = [one for one in reading.candidates if isinstance(one, datetime)]
    if len(moments) == 1 and reading.refused is None and reading.needs is None:
        return moments[0]
    words = spoken(reading, limit, press.tx.calendar)
    if len(moments) > 1:
        choices = tuple(Choice(_iso(press, one), moment_words(one, press.tx.calendar)) for one in moments)
        raise Refused(session.which(press.scene, words, ChoiceInput("at", "Which one?", choices, required=True)))
    days = [one for one in reading.candidates if not isinstance(one, datetime)]
    if reading.needs == "time" and len(days) == 1:
        raise Refused(_hour_of(press, words, days[0]))
    raise Refused(_form(press, words))


def _iso(press: Press, moment: datetime) -> str:
    return press.tx.calendar.local(moment).strftime("%Y-%m-%d %H:%M")


def _hour_of(press: Press, words: str, day: date) -> Card:
    start = press.tx.calendar.moment(day, press.tx.calendar.opens)
    hours = [start + timedelta(hours=step) for step in range(1, 10)]
    choices = tuple(Choice(_iso(press, one), moment_words(one, press.tx.calendar)) for one in hours if one > press.at)
    return session.which(
        press.scene, f"{day_words(day)}: at what time?", ChoiceInput("at", words, choices, compact=True, required=True)
    )


def _form(press: Press, error: str) -> Card:
    card = Card(
        title=f"When could you talk about {press.audit.case.ref}?",
        tone=Tone.ASK,
        facts=(
            *press.scene.case_facts(),
            Fact("Not later than", moment_words(session_limit(press), press.tx.calendar)),
        ),
        inputs=(TextInput("when", "Suggested time", hint=session.WHEN_HINT, length=300),),
        actions=(Action("book", "Suggest this time", press.scene.subject(), Emphasis.PRIMARY),),
        why=press.scene.why("book_session"),
    )
    return card.answered({name: privacy.masked(value) for name, value in press.values.items()}, {"when": error})
