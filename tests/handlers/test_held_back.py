"""What a moderation found and keeps back, and what becomes of it by a conversation about it or about something else."""

from datetime import timedelta
from pathlib import Path

import pytest

from audits.state import Audit, Event, RemedialAction
from handlers.interaction import Interaction
from handlers.press import Refused
from handlers.verbs import PER_ACTION, press
from storage.ledger import record
from tests.handlers.states import GONE, Council, Told, blank, found, graded, managers, moderated, moderator

__all__ = ["blank"]


def _held(council: Council) -> dict[str, Told]:
    """An audit graded Good that was moderated to Inadequate; its practitioner sees it differently."""
    sent = graded(council, "good")
    disputed = ("disputed", council.practitioner, {"text": "It was better than that."})
    return {"held": (*moderated(council, sent, "inadequate"), disputed)}


@pytest.fixture
async def council(blank: Path, tmp_path: Path) -> Council:
    return await found(blank, tmp_path / "council.sqlite3", "wokingham", _held)


async def _after(council: Council, *events: tuple[str, str, str | None]) -> Audit:
    """The audit after events, each with who did it and the grade that was agreed."""
    store = council.store()
    try:
        async with store.begin() as tx:
            audit = await tx.audit(council.audits["held"])
            assert audit is not None
            for kind, name, grade in events:
                values = {"text": "Talked.", "grade": grade}
                audit = (await record(tx, audit, Event(kind, council.began, council.people[name], values))).audit
            return audit
    finally:
        await store.close()


@pytest.mark.parametrize(("agreed", "stands"), [("requires_improvement", "requires_improvement"), (None, "inadequate")])
async def test_the_grade_after_the_conversation_about_a_moderation_is_the_grade_of_the_audit(
    council: Council, agreed: str | None, stands: str
) -> None:
    audit = await _after(council, ("discussed", moderator(council.framework), agreed))
    assert (audit.grade, audit.standing_grade, audit.changed) == ("good", stands, True)


async def test_a_disagreement_that_is_settled_meanwhile_changes_the_auditors_own_grade_alone(council: Council) -> None:
    auditor = council.name((await _after(council)).auditor_id)
    settled = await _after(council, ("resolved", auditor, "outstanding"))
    assert settled.on_hold
    assert settled.standing_grade == "outstanding"
    released = await _after(
        council, ("resolved", auditor, "outstanding"), ("released", moderator(council.framework), None)
    )
    assert released.standing_grade == "inadequate"


def _with_an_action(council: Council) -> dict[str, Told]:
    """The same outcome without and with an action that is a manager's."""
    held = moderated(council, graded(council, "good"), "inadequate")
    *before, (kind, who, values) = held
    manager = managers(council.framework, council.framework.case_roles[0])[1]
    added = (RemedialAction(3, "Ask the school", council.people[f"near {manager}"]),)
    return {"without": held, "with": (*before, (kind, who, {**values, "actions": added}))}


async def test_an_action_that_is_kept_back_is_as_if_it_was_not_there_for_its_own_owner_too(
    blank: Path, tmp_path: Path
) -> None:
    council = await found(blank, tmp_path / "council.sqlite3", "wokingham", _with_an_action)
    store, at = council.store(), council.began + timedelta(days=2)
    try:
        async with store.begin() as tx:
            for name in council.everybody():
                for verb in PER_ACTION if name != GONE else ():
                    said = []
                    for number in council.audits.values():
                        forged = Interaction(council.people[name], verb, "event", at, f"{number}:3", {"text": "Done."})
                        with pytest.raises(Refused) as refused:
                            await press(tx, tx.directory.people[council.people[name]], forged)
                        said.append(refused.value.card)
                    assert said[0] == said[1], (name, verb)
            assert tx.untouched
    finally:
        await store.close()
