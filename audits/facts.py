"""What an event changes of an audit's facts: its people, dates, grade, actions and notes. Duties are the engine's."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from audits.state import Audit, Event, RemedialAction

SUBMITTED = ("rationale", "sections", "feedback", "neglect", "stretch", "good_example")
FOUND = ("obtained", "attempted", "")
NOTED = frozenset(
    {
        *(
            "recorded",
            "disputed",
            "unsettled",
            "considered",
            "offered",
            "updated",
            "held",
            "self_assessed",
            "commented",
        ),
        *("reflected", "referred", "supervised", "followed_up", "recognised", "commissioned", "arranged"),
    }
)
"""Events of which only what was said is kept."""


def apply(audit: Audit, event: Event) -> Audit:
    """The facts of an audit after an event; duties are not touched except where they change hands."""
    values = event.values
    done = {**audit.done, event.kind: (event.at, event.actor_id)}
    facts = dict(audit.facts)
    changes: dict[str, Any] = {}
    match event.kind:
        case "allocated":
            changes |= {"issued_at": event.at, "auditor_id": values.get("auditor_id", audit.auditor_id)}
        case "accepted":
            done.pop("declined", None)
        case "declined":
            facts |= {"decline_reason": values.get("reason", ""), "declined_by": audit.auditor_id}
            changes |= {"auditor_id": values.get("officer_id"), **_unbooked(audit, done, facts)}
        case "reassigned":
            facts["reassign_reason"] = values.get("reason", "")
            changes |= {"auditor_id": values["to_id"], **_unbooked(audit, done, facts)}
            done.pop("declined", None)
        case "proposed":
            changes |= {"proposed_at": values["at"], "proposed_by": event.actor_id}
        case "booked":
            changes |= {"session_at": values["at"], "proposed_at": None}
        case "not_held":
            done.pop("booked", None)
            changes["session_at"] = None
        case "submitted":
            facts |= {key: values.get(key) for key in SUBMITTED}
            facts["feedback_missing"] = any(text not in FOUND for text in (values.get("feedback") or {}).values())
            actions = tuple(values.get("actions", ()))
            changes |= {"grade": values["grade"], "safety": bool(values.get("safety")), "actions": actions}
        case "moderated":
            added = tuple(values.get("actions", ()))
            facts |= {"moderation": values.get("text", ""), "concern": bool(values.get("concern"))}
            facts |= {"hold": bool(values.get("hold")), "held_actions": [action.number for action in added]}
            changes["confirmed_grade"] = values.get("grade") or audit.standing_grade
            changes["actions"] = (*audit.actions, *added)
        case "discussed" | "released":
            facts |= {event.kind: values.get("text", ""), "hold": False}
            if values.get("grade"):
                changes["confirmed_grade"] = values["grade"]
        case "waived":
            facts["waived"] = values.get("text", "")
            done["self_assessed"] = done["waived"]
        case "feedback_given":
            facts["feedback"] = {**(facts.get("feedback") or {}), **(values.get("feedback") or {})}
        case "feedback_considered":
            facts |= {"another_manager": bool(values.get("another")), event.kind: values.get("text", "")}
        case "overseen":
            facts |= {"overseen": values.get("text", ""), "learning": bool(values.get("learning"))}
        case "sections_graded":
            facts["sections"] = dict(values.get("sections") or {})
        case "moderation_booked":
            facts["moderation_at"] = values["at"].isoformat()
        case "selected":
            facts["selected"] = values.get("why", "")
        case "resolved":
            facts["resolution"] = values.get("text", "")
            if values.get("grade"):
                # What is kept back stays as it is; the two have agreed on the auditor's own grade.
                changes["grade" if audit.on_hold else "confirmed_grade"] = values["grade"]
        case "confirmed":
            changes["actions"] = _changed(audit, values["action"], confirmed_by=event.actor_id, confirmed_at=event.at)
        case "signed_off" if "action" in values:
            changes["actions"] = _changed(audit, values["action"], signed_off_by=event.actor_id, signed_off_at=event.at)
        case "sent_back":
            facts["sent_back"] = {**(facts.get("sent_back") or {}), str(values["action"]): values.get("text", "")}
            changes["actions"] = _changed(audit, values["action"], confirmed_by=None, confirmed_at=None)
        case "safety_raised":
            facts["safety_text"] = values.get("text", "")
            changes["safety"] = True
        case "withdrawn":
            facts["withdrawn"] = values.get("reason", "")
            changes["withdrawn"] = True
        case "extended":
            facts["extension"] = values.get("reason", "")
            held = facts.get("taken_up") or {}
            facts["taken_up"] = {ref: who for ref, who in held.items() if ref != values["duty"].ref}
            moved = tuple(values["duty"] if duty.ref == values["duty"].ref else duty for duty in audit.duties)
            changes["duties"] = moved
        case "taken_up":
            held = {**facts.get("taken_up", {}), **dict.fromkeys(values["duties"], event.actor_id)}
            facts["taken_up"] = held
            changes["duties"] = tuple(values["duties"].get(duty.ref, duty) for duty in audit.duties)
        case kind if kind in NOTED:
            facts[event.kind] = values.get("text", "")
        case _:
            pass
    return replace(audit, done=MappingProxyType(done), facts=MappingProxyType(facts), **changes)


def _unbooked(audit: Audit, done: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """What was agreed with an auditor who has the audit no longer stands no more."""
    facts["practitioner_knew"] = audit.has("accepted")
    for kind in ("accepted", "booked", "proposed", "held"):
        done.pop(kind, None)
    return {"session_at": None, "proposed_at": None, "proposed_by": None}


def _changed(audit: Audit, number: int, **changes: Any) -> tuple[RemedialAction, ...]:
    return tuple(replace(action, **changes) if action.number == number else action for action in audit.actions)
