"""The words that a framework may use for people, events and facts, and what another word was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

from audits.events import EVENTS, SYSTEM
from audits.permissions import RULED_BY

AROUND_AN_AUDIT = frozenset(
    {
        "auditor", "auditor.manager", "case_holder", "case_holder.manager", "case_holder.manager.manager",
        "action_owner", "proposal_answerer", "qa",
    }
)  # fmt: skip
"""Targets that mean somebody on every audit."""
AROUND_A_DUTY = frozenset({"owner", "owner.manager", "owner.manager.manager"})
"""Targets that mean somebody only where a duty has an owner: in its ladder, its nudges and those it tells."""
TARGETS = AROUND_AN_AUDIT | AROUND_A_DUTY

VERBS = frozenset(EVENTS) - set(RULED_BY) - {"take_up"}
"""Verbs that a framework rules under their own name."""
KINDS_OF_EVENT = frozenset(EVENTS.values()) | SYSTEM
FACTS = frozenset({"another_manager", "feedback_missing", "good_example", "learning", "neglect", "practitioner_knew"})
PLANS = ("CIN", "CP", "LAC", "CL", "EH", "FC")
PLACEHOLDERS = frozenset({"auditor", "actor", "case", "grade", "closes", "said", "time", "good_example"})

REPORTED = frozenset(
    {
        "accept", "book_session", "self_assessment", "family_feedback", "complete_audit", "share_audit",
        "notify_actions", "record_on_file", "oversee", "moderate", "discuss_moderation", "remedial_action",
        "checkpoint", "follow_up", "sign_off", "urgent_update", "further_update", "reaudit", "supervision_review",
        "dispute", "acknowledge_alert",
    }
)  # fmt: skip
"""Duties that the reports of every council know, whether its framework asks for them or not."""

FEW = 8
"""So many words can be taken in at a glance."""

ALSO = {"waive": ("self_assessed",), "dispute": ("unsettled",)}
"""What a verb may mean beside its own event: a self-assessment that is waived counts as done, for one."""


def events_of(verb: str) -> tuple[str, ...]:
    """The events that whoever may use a verb of a framework can record, its own first."""
    ruled = [EVENTS[other] for other, by in RULED_BY.items() if by == verb]
    return (EVENTS[verb], *ruled, *ALSO.get(verb, ())) if verb in EVENTS else ()


def meant(word: str, known: Iterable[str]) -> str:
    """The question whether a known word was meant, where one is near; empty otherwise."""
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}? " if near else ""


def instead_of(word: str, known: Iterable[str]) -> str:
    """What to write instead of a word that isn't known: the nearest one, and all of them where there are only a few."""
    there_are = list(known)
    question = meant(word, there_are)
    return question.strip() if question and len(there_are) > FEW else f"{question}Write one of: {', '.join(there_are)}."


def any_of(words: Iterable[str]) -> str:
    """`accepted, booked or held`, in alphabetical order."""
    *before, last = sorted(words) or [""]
    return f"{', '.join(before)} or {last}" if before else last
