"""What a form would send for a step of a rehearsal; what the step leaves out gets a stand-in."""

from collections.abc import Mapping

from audits.state import Audit
from bot.rehearsal.script import RehearsalError, ScriptAction, ScriptStep
from bot.rehearsal.stage import Stage

STAND_IN = "Said in the rehearsal."
MOST_CHECKS = 9
"""A rehearsal ticks what a card asks to be ticked."""


async def values_of(stage: Stage, step: ScriptStep, verb: str, audit: Audit, where: str) -> Mapping[str, str]:
    """The values of a step's form. Raises RehearsalError for a person or a field without sense."""
    values: dict[str, str] = {}
    match verb:
        case "submit":
            values = _submission(stage, step, where)
        case "book":
            values["when"] = _when(stage, step)
        case "decline":
            values["reason"] = step.reason if step.reason in ("conflict", "leave", "capacity") else _reason(step.reason)
        case "moderate":
            values = {
                "grade": _grade(stage, step.grade) if step.grade else audit.grade or "",
                "text": step.text or STAND_IN,
            }
            values |= _action_values(stage, step.actions, where)
            values["concern"] = "yes" if step.concern else "no"
        case "feedback":
            values = _family(stage, step)
        case "consider_feedback":
            values = {"another": "yes" if step.another else "no", "text": step.text or ""}
        case "oversee":
            values = {"text": step.text or STAND_IN, "learning": "yes" if step.learning else "no"}
        case "discuss":
            values = {"text": step.text or STAND_IN, "grade": _grade(stage, step.grade) if step.grade else ""}
        case "release":
            values = {"reason": step.reason or step.text or ""}
        case "waive":
            values = {"text": step.reason or step.text or ""}
        case "resolve":
            values = {"text": step.text or STAND_IN, "grade": _grade(stage, step.grade) if step.grade else ""}
        case "dispute":
            values["dispute_text"] = step.text or STAND_IN
        case "reassign":
            values = {"to": str(await _someone(stage, step, audit, where)), "reason": step.reason or ""}
        case "extend":
            values = {"until": step.until or "", "reason": step.reason or "", "duty": step.duty or ""}
        case "record":
            values["where"] = step.where or ""
        case "consider":
            values = {"decision": step.decision or "review", "text": step.text or STAND_IN}
        case _:
            values["text"] = step.text or STAND_IN
    ticked = {f"check_{number}": "yes" for number in range(1, MOST_CHECKS + 1)}
    return values | ticked


def _family(stage: Stage, step: ScriptStep) -> dict[str, str]:
    """The family's views as a `feedback` step gives them; sources that it leaves out count as obtained."""
    given = stage.feedback.get(step.case or "", {})
    values: dict[str, str] = {}
    for source in stage.framework.submission.feedback:
        said = given.get(source, "obtained")
        known = said in ("obtained", "attempted")
        values[f"feedback_{source}"] = said if known else "reason"
        values[f"feedback_{source}_reason"] = "" if known else said
    return values


def _reason(text: str | None) -> str:
    words = (text or "").lower()
    if "leave" in words or "away" in words:
        return "leave"
    return "conflict" if "conflict" in words or "know" in words else "capacity"


def _grade(stage: Stage, text: str) -> str:
    return stage.framework.grade_key(text) or text


def _submission(stage: Stage, step: ScriptStep, where: str) -> dict[str, str]:
    values = {
        "grade": _grade(stage, step.grade or ""),
        "rationale": STAND_IN if step.rationale is None else step.rationale,
        "safety": "yes" if step.safety else "no",
        "safety_text": step.text or "",
        "neglect": "yes" if step.neglect else "no",
        "good_example": step.good_example or "",
    }
    values |= {f"stretch_{who}": text for who, text in (step.stretch or {}).items()}
    given = stage.feedback.get(step.case or "", {})
    for source in stage.framework.submission.feedback:
        said = (step.feedback or {}).get(source) if step.feedback is not None else given.get(source, "obtained")
        said = given.get(source) if said is None else said
        known = said in ("obtained", "attempted")
        values[f"feedback_{source}"] = said if known and said else "reason" if said is not None else ""
        values[f"feedback_{source}_reason"] = "" if known else said or ""
    for key, grade in (step.sections or {}).items():
        values[f"section_{key}"] = _grade(stage, grade)
    return values | _action_values(stage, step.actions, where)


def _action_values(stage: Stage, actions: tuple[ScriptAction, ...], where: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, action in enumerate(actions, 1):
        values[f"action_{number}_what"] = action.what
        values[f"action_{number}_owner"] = str(stage.company.person(action.owner, where)) if action.owner else ""
        values[f"action_{number}_due"] = action.due or ""
    return values


def _when(stage: Stage, step: ScriptStep) -> str:
    if step.when is None:
        day = stage.store.calendar.shift(stage.store.calendar.day_of(stage.clock.now()), 1)
        return f"{day.isoformat()} 10:00"
    return step.when.replace("T", " ")[:16] if step.when[:4].isdigit() else step.when


async def _someone(stage: Stage, step: ScriptStep, audit: Audit, where: str) -> int:
    if step.to is None:
        raise RehearsalError(f"{where}: reassign needs to, a name of the cast or a new one.")
    try:
        return stage.company.person(step.to, where)
    except RehearsalError:
        like = audit.facts.get("declined_by") or audit.auditor_id or stage.company.auditors("reassign")[0]
        async with stage.store.begin() as tx:
            return await stage.company.hire(tx, step.to, int(like))
