"""The moderation draw, as the QA officer gets it: what was drawn and why, and what was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from audits.engine import Engine
from audits.people import Person
from audits.permissions import is_qa
from audits.state import Audit
from cards.card import Card, Table, Why
from cards.scene import source

KEPT = "for quality assurance to know"


def drawn(
    rules: Engine, viewer: Person, summary: str, details: Mapping[str, Any], month: str, audits: Sequence[Audit]
) -> Card:
    """The draw. Why an audit was drawn may be its grade: that is said to quality assurance alone, whoever gets this."""
    terms = rules.framework.moderation
    chosen: Mapping[str, str] = details.get("chosen", {})
    dropped: Mapping[str, str] = details.get("dropped", {})

    def name(person_id: int | None) -> str:
        person = rules.directory.get(person_id)
        return person.name if person else "nobody"

    knows = is_qa(rules, viewer)
    rows = [
        (audit.case.ref, name(audit.auditor_id), "drawn", chosen[str(audit.id)] if knows else KEPT)
        for audit in audits
        if str(audit.id) in chosen
    ]
    rows += [
        (audit.case.ref, name(audit.auditor_id), "left out", dropped[str(audit.id)] if knows else KEPT)
        for audit in audits
        if str(audit.id) in dropped
    ]
    return Card(
        title=f"Drawn for moderation, {month}",
        text=(summary,) if knows else (),
        table=Table("The draw", ("Case", "Auditor", "Outcome", "Why"), tuple(rows)) if rows else None,
        why=Why(
            "Audits are moderated by a draw, so that grades mean the same everywhere.",
            source(rules.framework, terms.place or "moderation", terms.local, asked=bool(terms.rule)),
            terms.rule,
        ),
    )
