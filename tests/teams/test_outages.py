"""An hour and a week without Teams: what comes when it is back, in which order, and how often."""

from datetime import timedelta

import pytest

from audits.messages import Message
from audits.state import Event
from storage.ledger import post, record
from storage.tables import AuditRow, OutboxRow
from tests.handlers.conftest import CASE
from tests.teams import trouble as wrong
from tests.teams.conftest import Story, says, title_of
from tests.teams.trouble import Kind, Mishap

MINUTE = timedelta(minutes=1)
ALERT = f"⚠ Safety alert: {CASE}"
ALERTED = ("Bob", "Dan", "Erin", "Frank")
"""Whom an alert about Alice's case goes to at once."""
REPEATED = "You may have had this message before."


async def raised(story: Story) -> None:
    """Carol raises a concern, at her desk; and Leo is to hear three things, in this order."""
    now = story.clock.now()
    async with story.store.begin() as tx:
        for number in await tx.session.scalars(AuditRow.table().select().with_only_columns(AuditRow.id)):
            audit = await tx.audit(number)
            if audit is not None and audit.case.ref == CASE:
                values = {"text": "Nobody has seen the child."}
                await record(tx, audit, Event("safety_raised", now, story.ids["Carol"], values))
        leo = story.ids["Leo"]
        await post(
            tx,
            [
                Message(f"part/{part}", "message", leo, "manager", "", now, notice="x", text=f"Part {part}")
                for part in (1, 2, 3)
            ],
        )


async def hour(story: Story, mishap: Mishap) -> wrong.Order:
    """Most of an hour in which Teams takes nothing."""
    order = story.teams.trouble.add(mishap, kind=Kind.SEND, times=None)
    await raised(story)
    for minutes in (0, 1, 19, 20):
        story.clock.move_to(story.clock.now() + minutes * MINUTE)
        await story.program.beat()
    return order


@pytest.mark.parametrize(
    "mishap",
    [wrong.throttles(), wrong.UNAVAILABLE, wrong.TIMED_OUT, wrong.DROPS, wrong.DROPS_AFTER_TAKING],
    ids=["429", "503", "504", "drops", "takes and drops"],
)
async def test_an_hour_without_teams(story: Story, mishap: Mishap) -> None:
    order = await hour(story, mishap)
    assert order.met > len(ALERTED)
    assert any(new_titles(story).values()) == mishap.takes
    story.look()
    order.stop()
    await story.program.move_to(story.clock.now() + 4 * MINUTE)
    if mishap.way is wrong.Way.REFUSES:
        found = new_titles(story)
        assert {name: found[name] for name in ALERTED} == {name: [ALERT] for name in ALERTED}
        assert found[await story.officer()] == [f"{len(ALERTED)} messages could not be delivered in time"]
    await story.program.move_to(story.clock.now() + 12 * MINUTE)
    if mishap.way is not wrong.Way.REFUSES:
        found = new_titles(story)
        assert {name: found[name] for name in ALERTED} == {name: [ALERT] for name in ALERTED}
        assert all(REPEATED in says(story.person(name).chat.cards()[-1]) for name in ALERTED)
    texts = [says(card) for card in story.person("Leo").chat.cards()]
    parts = [text.partition("Part ")[2][:1] for text in texts if "Part " in text]
    assert parts[-3:] == ["1", "2", "3"]
    assert not await story.rows(OutboxRow.state.in_(("queued", "unknown")), OutboxRow.to_id == story.ids["Leo"])


def new_titles(story: Story) -> dict[str, list[str]]:
    """The titles of what has come to each person since the story last looked."""
    return {
        name: [title_of(card) for card in person.chat.cards()[story.looked.get(name, 0) :]]
        for name, person in story.people.items()
    }


async def test_after_a_week_without_teams_the_first_ten_minutes_are_quiet_and_right(story: Story) -> None:
    order = story.teams.trouble.add(wrong.UNAVAILABLE, kind=Kind.SEND, times=None)
    await story.program.move_to(story.clock.now() + MINUTE)
    for _day in range(8):
        story.clock.move_to(story.clock.now() + timedelta(days=1))
        await story.program.beat()
    order.stop()
    for _ in range(3):
        await story.program.move_to(story.clock.now() + 3 * MINUTE)
    found = {name: titles for name, titles in new_titles(story).items() if titles}
    assert found
    assert all(len(titles) <= 2 for titles in found.values()), found
    assert len(found["Carol"]) == len(found["Leo"]) == 1
    assert "2 steps waiting for help" in found[await story.officer()]
