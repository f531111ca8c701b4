"""Which card a message shows, now: what is asked while it is open, what was done once it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from audits.engine import Engine
from audits.people import Person
from audits.permissions import out_of_order
from audits.state import TOLD, Audit, Duty
from cards import (
    actions,
    alert,
    allocation,
    discussion,
    draws,
    feedback,
    good_practice,
    grading,
    moderation,
    oversight,
    session,
    step,
)
from cards.card import Action, Card, Download, Fact, Table, Tone, Why
from cards.scene import Scene, source
from cards.wording import counted, due_words, listed, moment_words


@dataclass(frozen=True)
class Note:
    """A message as cards need it: what kind it is, and what it is about."""

    what: str
    duty: str
    duty_ref: str | None = None
    notice: str | None = None
    text: str = ""
    rule: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


MOST_BUTTONS = 5

ASKS: Mapping[str, Callable[[Scene, Duty], Card]] = {
    "accept": allocation.answer,
    "reallocate": allocation.reallocate,
    "book_session": session.book,
    "agree_session": session.agree,
    "hold_session": session.booked,
    "oversee": oversight.oversee,
    "record_on_file": oversight.record,
    "notify_actions": oversight.record,
    "dispute": oversight.settle,
    "moderate": moderation.with_booking,
    "urgent_update": moderation.update,
    "further_update": moderation.update,
    "remedial_action": actions.confirm,
    "sign_off": actions.sign_off,
    "acknowledge_alert": alert.alert,
    "case_review": moderation.case_review,
    "good_practice": good_practice.offer,
    "family_feedback": feedback.ask,
    "seek_feedback": feedback.ask,
    "discuss_moderation": discussion.discuss,
}

INSTEAD_OF = "instead_of"
"""Among the details of a message: for whom it was, who couldn't be reached."""
UNDELIVERED = "undelivered"
"""The notice by which a QA officer hears that a message didn't reach somebody."""
TOLD_OF = {
    "vacancy": "A role is vacant",
    "left_list": "A case has left the list",
    UNDELIVERED: "A message could not be delivered",
    "restored": "auditloop was brought back from a backup",
    "stranger": "Somebody unknown wrote to auditloop",
}
DONE = {
    "accepted": "{who} took this audit",
    "declined": "{who} handed this audit back",
    "reassigned": "{who} passed this on to someone else",
    "proposed": "{who} suggested a time",
    "booked": "{who} agreed the time",
    "held": "{who} said that the discussion was held",
    "not_held": "{who} said that the discussion didn't happen",
    "submitted": "{who} completed the audit",
    "overseen": "{who} confirmed management oversight",
    "recorded": "{who} uploaded the audit",
    "disputed": "{who} said that they see this differently",
    "resolved": "{who} said that this is settled",
    "moderated": "{who} moderated the audit",
    "updated": "{who} gave the update",
    "confirmed": "{who} reported this done",
    "signed_off": "{who} signed this off",
    "sent_back": "{who} asked for a little more",
    "acknowledged": "{who} has this",
    "considered": "{who} recorded the decision",
    "offered": "{who} offered this to the forum",
    "reaudit_submitted": "The case has been audited again",
    "withdrawn": "{who} withdrew the audit",
    "sections_graded": "{who} graded by heading",
    "self_assessed": "{who} completed the self-assessment",
    "waived": "{who} said that it isn't needed here",
    "commented": "{who} added their comments",
    "reflected": "{who} wrote down what they learned",
    "feedback_given": "{who} recorded the family's views",
    "feedback_considered": "{who} decided about the family's views",
    "referred": "{who} put this forward for moderation",
    "discussed": "{who} said that it was talked through",
    "released": "{who} released it",
    "supervised": "{who} took it into supervision",
    "followed_up": "{who} followed this up",
    "recognised": "{who} recognised the work",
    "commissioned": "{who} asked for an independent audit",
    "arranged": "{who} arranged this",
    "told": "This was delivered",
    "lapsed": "The date of this has passed",
    "no_longer_applies": "This is no longer needed",
}
DUE = {
    "accepted": "{your} answer",
    "reassigned": "{your} choice of another auditor",
    "booked": "{your} booking",
    "held": "{your} discussion",
    "self_assessed": "{your} self-assessment",
    "submitted": "{your} grade",
    "commented": "{your} comment",
    "reflected": "{your} reflection",
    "feedback_given": "the family's feedback",
    "feedback_considered": "{your} decision",
    "overseen": "{your} oversight",
    "recorded": "{your} confirmation",
    "resolved": "{your} conversation",
    "moderated": "{your} moderation",
    "discussed": "{your} conversation",
    "updated": "{your} update",
    "considered": "{your} decision",
    "offered": "{your} offer",
    "recognised": "{your} answer",
    "confirmed": "{your} action",
    "signed_off": "{your} sign-off",
    "followed_up": "{your} follow-up",
    "supervised": "the supervision",
    "arranged": "{your} confirmation",
    "acknowledged": "{your} answer",
    "reaudit_submitted": "the second audit",
}
"""What is due, by the event that closes the duty; the card may name the audit's own due day too."""


def card_for(scene: Scene, note: Note, *, invitation: Download | None = None) -> Card:
    """The card of a message, as its recipient sees it at this moment."""
    if note.notice is not None and (note.duty_ref is None or note.notice not in scene.framework.notices):
        told = _notice(scene, note)
        return replace(told, downloads=(invitation,)) if invitation else told
    duty = next((duty for duty in scene.audit.duties if duty.ref == note.duty_ref), None)
    if duty is None:
        return _notice(scene, note)
    if duty.key not in scene.framework.duties:
        return Card(
            title=scene.audit.case.ref, text=("The framework no longer asks for this.",), facts=scene.case_facts()
        )
    if not duty.is_open and duty.closed_by != TOLD:
        return done(scene, duty)
    if duty.key == "complete_audit" and _was_theirs(scene, duty, note):
        return allocation.passed_on(scene)
    card = ask(scene, duty, invitation=invitation)
    if note.notice is not None:
        card = replace(card, text=(_told(scene, note), *card.text))
    called_late = note.what in ("overdue", "escalation") and scene.now > duty.nominal
    outstanding = str(note.details.get("step", "")).startswith("message@") and scene.now >= duty.nominal
    if note.what == "nudge" and not called_late and scene.now <= duty.nominal:
        due = due_words(duty.effective, duty.nominal, scene.calendar)
        return replace(card, text=(f"A reminder: {_what_is_due(scene, duty)} is due {due}.", *card.text))
    if (called_late or outstanding) and duty.key != "acknowledge_alert":
        late = _late(scene, duty, card)
        title = f"{scene.framework.duties[duty.key].title} outstanding: {scene.audit.case.ref}"
        return replace(late, title=title) if outstanding else late
    return card


def _what_is_due(scene: Scene, duty: Duty) -> str:
    """The step that a reminder or a late card is about, which may be somebody else's."""
    closing = scene.framework.duties[duty.key].closed_by[0]
    # Whoever is asked about a suggested time books nothing: they answer.
    words = DUE["accepted"] if duty.key == "agree_session" else DUE.get(closing, "this step")
    return words.format(your="your" if scene.viewer.id == duty.owner_id else "the")


def _was_theirs(scene: Scene, duty: Duty, note: Note) -> bool:
    """Whether a message asked its recipient for something that has since become somebody else's."""
    asked = note.what in ("message", "nudge") and INSTEAD_OF not in note.details
    return asked and duty.owner_id is not None and scene.viewer.id != duty.owner_id


def repeated(card: Card) -> Card:
    """The card of a message that may have arrived before."""
    return replace(card, text=("You may have had this message before.", *card.text))


def instead_of(name: str, card: Card) -> Card:
    """The card of a message that couldn't be brought to whom it was for, as their manager sees it."""
    words = f"I couldn't reach {name}, so this comes to you. Please see that they hear of it, or that it is done."
    return replace(card, title=f"For {name}: {card.title}", text=(words, *card.text))


def after_waiting(since: str, card: Card) -> Card:
    """The card of something urgent that came late, `since` when it was on its way."""
    words = f"I could not bring you this before. It has been on its way since {since}."
    return replace(card, text=(words, *card.text))


def partly_instead_of(names: str, card: Card) -> Card:
    """The card of several messages, some of which were for others."""
    words = f"Some of this was for {names}, whom I couldn't reach, so it comes to you."
    return replace(card, text=(words, *card.text))


def further_down(scene: Scene, duty: Duty) -> Card:
    """An open duty in a message of a chat where a later one asks for it."""
    return Card(
        title=f"{scene.framework.duties[duty.key].title}: {scene.audit.case.ref}",
        text=("You can answer this further down in our chat.",),
        facts=scene.case_facts(),
        why=scene.why(duty.key),
    )


def ask(scene: Scene, duty: Duty, *, invitation: Download | None = None) -> Card:
    """What an open duty asks of this viewer."""
    if duty.key == "complete_audit":
        ready = not out_of_order(scene.rules, scene.audit, "submit") and scene.may("submit")
        return grading.form(scene, duty) if ready else allocation.complete(scene, duty)
    if duty.key == "hold_session":
        return session.booked(scene, duty, invitation)
    if scene.framework.duties[duty.key].allocates_again:
        return moderation.reaudit(scene, duty)
    if scene.framework.duties[duty.key].closed_by[0] == TOLD:
        return step.inform(scene, duty)
    if duty.key in ASKS:
        return ASKS[duty.key](scene, duty)
    return step.ask(scene, duty)


def done(scene: Scene, duty: Duty) -> Card:
    """What became of a duty: by whom and when."""
    sentence = who_did(scene, duty.closed_by or "", duty.closed_actor)
    when = moment_words(duty.closed_at, scene.calendar) if duty.closed_at else ""
    facts = list(scene.case_facts())
    if duty.key in ("complete_audit", "oversee", "moderate", "record_on_file"):
        facts.extend(scene.grade_facts())
    if duty.key in ("book_session", "agree_session", "hold_session") and scene.audit.session_at is not None:
        facts.append(Fact("Time", moment_words(scene.audit.session_at, scene.calendar)))
    action = scene.audit.action(duty.action) if duty.action is not None else None
    if action is not None:
        facts.append(Fact("Action", action.what))
    if duty.key in ("complete_audit", "oversee"):
        facts.extend(actions.summary(scene))
    return Card(
        title=f"{sentence}: {scene.audit.case.ref}",
        text=(f"{scene.framework.duties[duty.key].title}. Done on {when}.",),
        tone=Tone.DONE,
        facts=tuple(facts),
        why=scene.why(duty.key),
    )


def who_did(scene: Scene, kind: str, actor_id: int | None) -> str:
    """What an event was and who did it, in a sentence without its stop; "You" for the viewer."""
    if actor_id is not None and actor_id == scene.viewer.id:
        return DONE.get(kind, "This is done").replace("{who} has", "{who} have").format(who="You")
    return DONE.get(kind, "This is done").format(who=scene.name(actor_id) if actor_id else "auditloop")


def _late(scene: Scene, duty: Duty, card: Card) -> Card:
    """The same request, past its day: to its owner a reminder, to others a request for help. Never blame."""
    due = due_words(duty.effective, duty.nominal, scene.calendar)
    if scene.viewer.id == duty.owner_id:
        what = _what_is_due(scene, duty)
        help_is_there = f"If something stands in the way, tell the {scene.framework.qa_label}: they can help."
        text = (f"{what[0].upper()}{what[1:]} was due on {due}. {help_is_there}", *card.text)
        return replace(card, tone=Tone.LATE, text=text)
    owner = scene.name(duty.owner_id)
    title = f"{scene.framework.duties[duty.key].title}: {scene.audit.case.ref} is waiting"
    text = (f"{owner} was asked for this by {due}, and it is still open. Please find out what is needed and help.",)
    facts = (*scene.case_facts(), Fact("With", owner), scene.due_fact(duty, "Was due"), *scene.taken_up(duty))
    take_up = scene.take_up(duty)
    if card.actions:
        return replace(card, tone=Tone.LATE, text=(*text, *card.text), actions=(*card.actions, *take_up))
    return Card(title=title, text=text, tone=Tone.LATE, facts=facts, actions=take_up, why=scene.why(duty.key))


def _told(scene: Scene, note: Note) -> str:
    """The words of a notice. Who gets it in place of somebody else reads no grade that isn't for them."""
    terms = scene.framework.notices.get(note.notice or "")
    names_grade = terms is not None and "{grade}" in terms.text
    if names_grade and INSTEAD_OF in note.details and not scene.sees_grade():
        return f"{terms.title}." if terms is not None else ""
    return note.text


def tells(note: Note) -> Card:
    """A message that is about no audit, or for which the framework has no words of its own."""
    return Card(title=TOLD_OF.get(note.notice or "", "For your information"), text=(note.text,))


def _notice(scene: Scene, note: Note) -> Card:
    terms = scene.framework.notices.get(note.notice or "")
    if terms is None:
        return replace(tells(note), facts=scene.case_facts())
    if terms.copy_of_audit:
        card = oversight.shared(scene, _told(scene, note), terms.title)
    else:
        card = Card(title=terms.title, text=(_told(scene, note),), facts=scene.case_facts())
    place = source(scene.framework, terms.place, terms.local, asked=bool(terms.rule))
    return replace(card, why=Why(terms.title + ".", place, terms.rule))


def digest(rules: Engine, viewer: Person, items: list[tuple[Scene, Note]]) -> Card:
    """Several reminders for one person, or several escalations, as one."""
    rows: dict[object, tuple[str, ...]] = {}
    buttons: list[Action] = []
    for scene, note in items:
        duty = next((one for one in scene.audit.duties if one.ref == note.duty_ref), None)
        if duty is None:
            rows[len(rows)] = (note.text or note.duty, scene.audit.case.ref, "")
            continue
        due = due_words(duty.effective, duty.nominal, rules.calendar)
        state = "done" if not duty.is_open else f"was due {due}" if scene.now > duty.nominal else f"due {due}"
        whose = [] if duty.owner_id == viewer.id else [f"with {scene.name(duty.owner_id)}"]
        whose += [f"taken up by {fact.value}" for fact in scene.taken_up(duty)]
        mine = f" ({'; '.join(whose)})" if whose else ""
        terms = rules.framework.duties.get(duty.key)
        rows[duty.ref] = ((terms.title if terms else duty.key) + mine, scene.audit.case.ref, state)
        buttons.extend(replace(one, label=f"I have this: {scene.audit.case.ref}") for one in scene.take_up(duty))
    places = sorted(
        {rules.framework.duties[note.duty].place for _, note in items if note.duty in rules.framework.duties}
    )
    rule = tuple(sorted({one for _, note in items for one in note.rule}))
    escalated = bool(items) and all(note.what == "escalation" for _, note in items)
    return Card(
        title=f"{counted(len(rows), 'step')} waiting for help"
        if escalated
        else f"{counted(len(rows), 'reminder')} for you",
        text=("These have waited for some time. Please find out what is needed and help.",)
        if escalated
        else ("Here they are together.",),
        tone=Tone.LATE if escalated else Tone.ASK,
        table=Table("What is waiting", ("What", "Case", "When"), tuple(rows.values())),
        actions=tuple(dict.fromkeys(buttons))[:MOST_BUTTONS],
        why=Why(
            "You, or someone whom you manage, have been asked for these.",
            f"{rules.framework.about.document}, {'; '.join(places)}",
            rule,
        ),
    )


def cycle_list(rules: Engine, viewer: Person, note: Note, month: str, audits: list[Audit]) -> Card:
    """A list of the cycle: the audits of someone's service, those not completed, or those drawn for moderation."""
    if note.notice == "cycle.moderation":
        return draws.drawn(rules, viewer, note.text, note.details, month, audits)
    terms = rules.framework.cycle.notices.get((note.notice or "").removeprefix("cycle."))
    if terms is None:
        return Card(title=note.text, text=("The framework no longer has this list.",))
    directory = rules.directory

    def name(person_id: int | None) -> str:
        person = directory.get(person_id)
        return person.name if person else "nobody yet"

    why = Why(terms.title + ".", f"{rules.framework.about.document}, {terms.place}", terms.rule)
    if terms.lists == "copies":
        rows = tuple(
            (audit.case.ref, name(audit.auditor_id), "completed" if audit.has("submitted") else "not completed yet")
            for audit in audits
        )
        text = "These are the audits in your service area that wait for your oversight or are still on their way."
        table = Table(f"Audits for {month}", ("Case", "Auditor", "State"), rows)
    else:
        missed: Mapping[str, list[str]] = note.details.get("missed", {})
        people = {audit.auditor_id: None for audit in audits}
        rows = tuple(
            (
                name(person_id),
                f"{len(missed.get(str(person_id), ())) or 1} not completed",
                listed(missed.get(str(person_id), [])),
            )
            for person_id in people
        )
        text = "These are facts for your own conversation; nothing else follows from them by itself."
        table = Table(f"Audits not completed, {month}", ("Auditor", "How many", "Months"), rows)
    summary = tuple(" ".join(row[:2]) for row in table.rows) if terms.lists == "not_completed" else ()
    return Card(title=f"{terms.title}, {month}", text=(text, *summary), table=table, why=why)
