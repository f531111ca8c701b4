"""The moderation draw, as the QA officer gets it: what was drawn and why, and what was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from audits.engine import Engine
from audits.state import Audit
from cards.card import Card, Table, Why
from cards.scene import source


def drawn(rules: Engine, summary: str, details: Mapping[str, Any], month: str, audits: Sequence[Audit]) -> Card:
    terms = rules.framework.moderation
    chosen: Mapping[str, str] = details.get("chosen", {})
    dropped: Mapping[str, str] = details.get("dropped", {})

    def name(person_id: int | None) -> str:
        person = rules.directory.get(person_id)
        return person.name if person else "nobody"

    rows = [
        (audit.case.ref, name(audit.auditor_id), "drawn", chosen[str(audit.id)])
        for audit in audits
        if str(audit.id) in chosen
    ]
    rows += [
        (audit.case.ref, name(audit.auditor_id), "left out", dropped[str(audit.id)])
        for audit in audits
        if str(audit.id) in dropped
    ]
    return Card(
        title=f"Drawn for moderation, {month}",
        text=(summary,),
        table=Table("The draw", ("Case", "Auditor", "Outcome", "Why"), tuple(rows)) if rows else None,
        why=Why(
            "Audits are moderated by a draw, so that grades mean the same everywhere.",
            source(rules.framework, terms.place or "moderation", terms.local, asked=bool(terms.rule)),
            terms.rule,
        ),
    )
