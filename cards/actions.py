"""Remedial actions: confirming that one is done, and signing it off."""

from audits.dates import day_words
from audits.state import Duty, RemedialAction
from cards.card import Card, Choice, ChoiceInput, Emphasis, Fact, Input, TextInput, Tone
from cards.scene import Scene
from cards.wording import counted, moment_words


def _facts(scene: Scene, duty: Duty, action: RemedialAction | None) -> tuple[Fact, ...]:
    if action is None:
        return scene.case_facts()
    return (
        *scene.case_facts(),
        Fact("Action", action.what),
        Fact("To be done by", scene.name(action.owner_id)),
        Fact("Answers for it", scene.name(duty.owner_id)),
    )


def confirm(scene: Scene, duty: Duty) -> Card:
    """One action, for the person who does it and the one who answers for it."""
    action = scene.audit.action(duty.action or 0)
    back = str((scene.audit.facts.get("sent_back") or {}).get(str(duty.action)) or "")
    may = scene.may("confirm", duty.action)
    return Card(
        title=f"An action for {scene.audit.case.ref}",
        text=(
            scene.framework.duties["remedial_action"].ask,
            *((f"{scene.name(scene.audit.done['sent_back'][1])} asks: {back}",) if back else ()),
        ),
        tone=Tone.ASK if may else Tone.INFORM,
        facts=(*_facts(scene, duty, action), scene.due_fact(duty)),
        inputs=(TextInput("text", "What was done? (optional; no names)", long=True),) if may else (),
        actions=scene.button("confirm", "It is done", Emphasis.PRIMARY, action=duty.action),
        why=scene.why("remedial_action"),
    )


def sign_off(scene: Scene, duty: Duty) -> Card:
    action = scene.audit.action(duty.action or 0)
    done: tuple[Fact, ...] = ()
    if action is not None and action.confirmed_at is not None:
        when = moment_words(action.confirmed_at, scene.calendar)
        done = (Fact("Reported done", f"{when}, by {scene.name(action.confirmed_by)}"),)
    may = scene.may("sign_off", duty.action)
    if action is None:
        return _sign_off_all(scene, duty)
    return Card(
        title=f"Please sign off an action for {scene.audit.case.ref}",
        text=(scene.framework.duties["sign_off"].ask,),
        tone=Tone.ASK if may else Tone.INFORM,
        facts=(*_facts(scene, duty, action), *done, scene.due_fact(duty)),
        inputs=(TextInput("text", "If something is missing: what?", long=True),) if may else (),
        actions=(
            *scene.button("sign_off", "Sign it off", Emphasis.PRIMARY, action=duty.action, inputs=()),
            *scene.button("send_back", "Something is missing", action=duty.action, inputs=("text",)),
        ),
        why=scene.why("sign_off"),
    )


def _sign_off_all(scene: Scene, duty: Duty) -> Card:
    """One sign-off of all that an audit asked for."""
    waiting = [one for one in scene.audit.disclosed_actions if one.confirmed_at is None and one.signed_off_at is None]
    return Card(
        title=f"{scene.framework.duties[duty.key].title}: {scene.audit.case.ref}",
        text=(
            scene.framework.duties[duty.key].ask,
            *((f"{counted(len(waiting), 'action')} not reported done yet; we tell you when.",) if waiting else ()),
        ),
        tone=Tone.INFORM if waiting or not scene.may("sign_off") else Tone.ASK,
        facts=(*scene.case_facts(), *scene.grade_facts(), *summary(scene), scene.due_fact(duty)),
        inputs=_missing(scene),
        actions=(
            *(() if waiting else scene.button("sign_off", "Sign it all off", Emphasis.PRIMARY, inputs=())),
            *(scene.button("send_back", "Something is missing", inputs=("which", "text")) if _missing(scene) else ()),
        ),
        why=scene.why(duty.key),
    )


def _missing(scene: Scene) -> tuple[Input, ...]:
    """Which of the actions that were reported done isn't, and what is missing; nothing where none was reported."""
    reported = [one for one in scene.audit.actions if one.confirmed_at is not None and one.signed_off_at is None]
    if not reported or not scene.may("send_back"):
        return ()
    choices = tuple(Choice(scene.subject(one.number), f"{one.number}: {one.what}") for one in reported)
    return (
        ChoiceInput("which", "If something is missing: in which action?", choices, compact=True),
        TextInput("text", "What is missing?", long=True),
    )


def _due(scene: Scene, action: RemedialAction) -> str:
    duty = next((one for one in scene.audit.open_duties("remedial_action") if one.action == action.number), None)
    if duty is not None:
        return day_words(scene.calendar.day_of(duty.effective))
    return day_words(action.due) if action.due else "as agreed"


def summary(scene: Scene) -> tuple[Fact, ...]:
    """A line for each action of an audit."""
    found = []
    for action in scene.audit.disclosed_actions:
        if action.signed_off_at:
            state = f"signed off by {scene.name(action.signed_off_by)}"
        elif action.confirmed_at:
            state = f"reported done by {scene.name(action.confirmed_by)}"
        else:
            state = f"open, due {_due(scene, action)}"
        if scene.audit.facts.get("erased") and not action.what:
            continue
        what = action.what.rstrip(" .")
        found.append(Fact(f"Action {action.number}", f"{what}: {scene.name(action.owner_id)}, {state}"))
    return tuple(found)
