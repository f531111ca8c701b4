"""A person's own overview: what waits for them, where their audits and actions stand, and what is next.

It stays open on a screen, so it says no grade, and of others' steps only those of the way to the grade: a step that
only some grades bring would give the grade away.
"""

from collections.abc import Sequence
from dataclasses import replace

from audits.dates import day_words
from audits.permissions import moderates
from audits.state import Audit, Duty, RemedialAction
from cards.card import Card, Fact, Table
from cards.limits import shortened
from cards.scene import Scene
from cards.status import stage
from cards.wording import counted, due_words, moment_words

OTHERS_STEPS = frozenset(
    {
        *("accept", "book_session", "agree_session", "hold_session"),
        *("self_assessment", "family_feedback", "complete_audit"),
    }
)
MOST_ROWS = 12
LONGEST_ACTION = 90
NOTHING_NEXT = "nothing for you to do"

Waiting = Sequence[tuple[Scene, Duty]]
Actions = Sequence[tuple[Scene, RemedialAction]]


def overview(waiting: Waiting, own: Sequence[Scene], actions: Actions, *, not_yet: int = 0) -> Card:
    """What waits and what is next in words, and a person's own audits and actions as a table. `not_yet` counts the
    steps before which something else comes."""
    rows = [*(_audit_row(scene) for scene in own), *(_action_row(scene, action) for scene, action in actions)]
    left = len(rows) - MOST_ROWS
    later = (f"{not_yet} of them can't be taken yet. Write mine to see everything.",) if not_yet else ()
    more = (f"{counted(left, 'more row')} of your audits and actions: write mine.",) if left > 0 else ()
    table = Table("Your audits and actions", ("Case", "Yours", "Where it stands", "Next"), tuple(rows[:MOST_ROWS]))
    none = ("You have no audits or actions under way. You are told here when there is something to do.",)
    return Card(
        title=f"{counted(len(waiting), 'step')} {_wait(len(waiting))} for you" if waiting else "Nothing waits for you",
        text=(*_next_words(waiting), *later, *more, *(() if rows or waiting else none)),
        table=table if rows else None,
    )


def mine(waiting: Waiting, own: Sequence[Scene], actions: Actions, note: str = "") -> Card:
    """Everything that waits for a person, and below it their own audits and actions."""
    rows = tuple(
        (
            scene.audit.case.ref,
            title_of(scene, duty),
            due_words(duty.effective, duty.nominal, scene.calendar),
        )
        for scene, duty in waiting
    )
    return Card(
        title="What waits for you" if rows else "Nothing waits for you",
        text=(*((note,) if note else ()), *_next_words(waiting)),
        facts=tuple(
            Fact(f"{case}, {yours}", f"{state}. {_sentence(following)}")
            for case, yours, state, following in (
                *(_audit_row(scene) for scene in own),
                *(_action_row(scene, action) for scene, action in actions),
            )
        ),
        table=Table("Waiting for you", ("Case", "What", "Due"), rows) if rows else None,
    )


def first(card: Card, most: int, word: str) -> Card:
    """A list with only its beginning, and the word that gives all of it."""
    if card.table is None or len(card.table.rows) <= most:
        return card
    count = len(card.table.rows)
    text = (*card.text, f"The first {most} of {count} are here. Write {word} for all of them.")
    return replace(card, text=text, table=replace(card.table, rows=card.table.rows[:most]))


def _sentence(following: str) -> str:
    return f"{following.capitalize()}." if following == NOTHING_NEXT else f"Next, {following}."


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _next_words(waiting: Waiting) -> tuple[str, ...]:
    """The step to take first, and how many have gone past their day."""
    if not waiting:
        return ()
    scene, duty = waiting[0]
    late = sum(1 for scene, duty in waiting if scene.now > duty.nominal)
    words = f"Next: {title_of(scene, duty)} ({scene.audit.case.ref}), {_due(scene, duty)}."
    return (words, *((f"{counted(late, 'step')} {'is' if late == 1 else 'are'} past the day.",) if late else ()))


def title_of(scene: Scene, duty: Duty) -> str:
    """What a step is called."""
    terms = scene.framework.duties.get(duty.key)
    return terms.title if terms else "A step that the framework no longer has"


def _due(scene: Scene, duty: Duty) -> str:
    due = due_words(duty.effective, duty.nominal, scene.calendar)
    return f"was due {due}" if scene.now > duty.nominal else f"due {due}"


def _audit_row(scene: Scene) -> tuple[str, str, str, str]:
    audit = scene.audit
    yours = "you audit it" if audit.auditor_id == scene.viewer.id else "your case"
    return audit.case.ref, yours, _state(scene), _following(scene)


def _state(scene: Scene) -> str:
    """Where an audit stands as the viewer may know it: a moderation that is kept back hasn't happened for them."""
    audit = scene.audit
    if audit.on_hold and not moderates(scene.rules, audit, scene.viewer, scene.now):
        audit = replace(audit, done={kind: one for kind, one in audit.done.items() if kind != "moderated"})
    words = stage(audit)
    if _booked(audit) and audit.session_at is not None:
        return f"{words} for {moment_words(audit.session_at, scene.calendar)}"
    return words


def _booked(audit: Audit) -> bool:
    return audit.has("booked") and not audit.has("held") and not audit.has("submitted")


def _following(scene: Scene) -> str:
    """The viewer's own next step on an audit, else that of somebody else which tells nothing of the grade."""
    steps = sorted(scene.audit.open_duties(), key=lambda duty: (duty.nominal, duty.ref))
    own = next((duty for duty in steps if duty.owner_id == scene.viewer.id), None)
    if own is not None:
        return f"you: {title_of(scene, own)}, {_due(scene, own)}"
    other = next((duty for duty in steps if duty.key in OTHERS_STEPS), None)
    if other is None:
        return NOTHING_NEXT
    due = due_words(other.effective, other.nominal, scene.calendar)
    return f"{scene.name(other.owner_id)}: {title_of(scene, other)}, by {due}"


def _action_row(scene: Scene, action: RemedialAction) -> tuple[str, str, str, str]:
    what = shortened(action.what.rstrip(" ."), LONGEST_ACTION)
    yours = f"your action {action.number}: {what}"
    if action.confirmed_at is not None:
        when = moment_words(action.confirmed_at, scene.calendar)
        return scene.audit.case.ref, yours, f"Reported done on {when}", "its sign-off"
    duty = next((one for one in scene.audit.open_duties("remedial_action") if one.action == action.number), None)
    if duty is not None:
        return scene.audit.case.ref, yours, "Open", f"you: report it done, {_due(scene, duty)}"
    due = f", by {day_words(action.due)}" if action.due else ""
    return scene.audit.case.ref, yours, "Open", f"you: report it done{due}"
