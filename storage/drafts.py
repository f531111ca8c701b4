"""What somebody has typed into a form and not sent yet, so that the next time it opens it stands there again."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from storage.store import Transaction
from storage.tables import DraftRow

GOOD_FOR = timedelta(days=60)
"""After that nobody comes back to a form, and what was typed into it is personal data without a use."""
_DRAFTS = DraftRow.table()
_IT = _DRAFTS.c.person_id == bindparam("person"), _DRAFTS.c.form == bindparam("form")

# Statements that are made once keep the form in which the database gets them.
_DRAFT = select(_DRAFTS.c["values"]).where(*_IT, _DRAFTS.c.at > bindparam("oldest"))
_DROP = delete(_DRAFTS).where(*_IT)
_DROP_OLD = delete(_DRAFTS).where(_DRAFTS.c.person_id == bindparam("person"), _DRAFTS.c.at <= bindparam("oldest"))
_KEEP = insert(_DRAFTS)


async def keep_draft(tx: Transaction, person_id: int, form: str, values: Mapping[str, str], now: datetime) -> None:
    """Keep what stands in a form, by the names of its inputs, in the place of what stood there before."""
    await tx.alone(f"draft {person_id} {form}")
    await tx.execute(_DROP_OLD, {"person": person_id, "oldest": now - GOOD_FOR})
    await drop_draft(tx, person_id, form)
    if any(values.values()):
        await tx.execute(_KEEP, {"person_id": person_id, "form": form, "at": now, "values": dict(values)})


async def draft(tx: Transaction, person_id: int, form: str, now: datetime) -> dict[str, str]:
    """What somebody's form had in it when they left it; empty where there is nothing, or nothing new enough."""
    wanted = {"person": person_id, "form": form, "oldest": now - GOOD_FOR}
    kept = (await tx.execute(_DRAFT, wanted)).scalar_one_or_none()
    return dict(kept or {})


async def drop_draft(tx: Transaction, person_id: int, form: str) -> None:
    """Forget what stood in a form: it was sent."""
    await tx.execute(_DROP, {"person": person_id, "form": form})
