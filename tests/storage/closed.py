"""An audit that was held, graded, put right and closed in March 2026, with words of many people in it."""

from sqlalchemy import update

from audits.state import RemedialAction
from storage.tables import OutboxRow
from tests.storage.conftest import Service, moment

_OUTBOX = OutboxRow.table()
WORDS = (
    "Visits were late.",
    "See the child alone.",
    "Bring the chronology up to date.",
    "Read and agreed.",
    "Mum is in hospital.",
    "I see the planning differently.",
    "We agreed to keep the grade.",
    "Done with the family.",
    "Left alone at night.",
)
"""What people wrote in the story, each of it once."""


async def close_an_audit(service: Service, *, ref: str = "N-1", safety: bool = False, sent: bool = True) -> int:
    """Play the story, with a safety concern or without; the id of its audit. Its last entry is of 3 Apr 2026.

    Its messages count as `sent`, unless a test sends them itself.
    """
    audit = await service.allocate(ref, "Marek", "2026-03-03 09:00")
    actions = (RemedialAction(1, WORDS[2], service.ids["Cas"], moment("2026-03-20 12:00").date()),)
    for kind, at, by, values in (
        ("accepted", "2026-03-03 10:00", "Marek", {}),
        ("proposed", "2026-03-03 10:30", "Marek", {"at": moment("2026-03-10 14:00")}),
        ("booked", "2026-03-03 11:00", "Cas", {"at": moment("2026-03-10 14:00")}),
        ("held", "2026-03-10 15:00", "Marek", {}),
        (
            "submitted",
            "2026-03-11 10:00",
            "Marek",
            {
                "grade": "requires_improvement",
                "rationale": WORDS[0],
                "feedback": {"child": "obtained", "parent_carer": WORDS[4]},
                "stretch": {"practitioner": WORDS[1]},
                "sections": {"planning": "good"},
                "safety": safety,
                "safety_text": WORDS[8] if safety else "",
                "actions": actions,
            },
        ),
        ("disputed", "2026-03-12 10:00", "Cas", {"text": WORDS[5]}),
        ("resolved", "2026-03-13 10:00", "Marek", {"text": WORDS[6]}),
        ("overseen", "2026-03-16 10:00", "Lena", {"text": WORDS[3]}),
        ("recorded", "2026-03-17 10:00", "Lena", {"text": "Documents"}),
        ("confirmed", "2026-03-18 10:00", "Cas", {"action": 1, "text": WORDS[7]}),
        ("signed_off", "2026-04-03 10:00", "Pat", {"action": 1}),
    ):
        await service.happens(audit, kind, at, by, **values)
    if safety:
        for name in sorted({service.name(one.owner_id) for one in (await service.audit(audit)).open_duties()}):
            await service.happens(audit, "acknowledged", "2026-03-11 10:05", name)
    if sent:
        async with service.store.begin() as tx:
            await tx.execute(
                update(_OUTBOX)
                .where(_OUTBOX.c.audit_id == audit, _OUTBOX.c.state == "queued")
                .values(state="sent", sent_at=moment("2026-04-03 10:00"))
            )
    return audit
