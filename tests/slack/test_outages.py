"""An hour and a week without Slack: who hears of an alert meanwhile, and what comes when it is back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from time import monotonic

import pytest
from aiohttp import ClientTimeout

from audits.messages import Message
from audits.state import Event
from bot.email.fallback import EmailFallback
from bot.email.postman import Postman
from bot.settings import EmailSettings
from bot.slack import client
from storage.ledger import post, record
from storage.tables import AuditRow, OutboxRow
from tests.bot.smtp import LOOPBACK, MailServer, listening
from tests.handlers.conftest import CASE
from tests.slack import trouble as wrong
from tests.slack.council import Opens, Story
from tests.slack.story import at_once, hired, unread
from tests.slack.trouble import Mishap, Way

__all__ = ["at_once"]
MINUTE = timedelta(minutes=1)
ALERT = f"⚠ Safety alert: {CASE}"
REPEATED = "You may have had this message before."
ALERTED = ("Bob", "Dan", "Erin", "Frank")
"""Whom an alert about Alice's case goes to at once."""
WORDS = "Nobody has seen the child."


async def raised(story: Story) -> None:
    """Carol raises a concern, at her desk."""
    async with story.store.begin() as tx:
        for row in await tx.session.scalars(AuditRow.table().select().with_only_columns(AuditRow.id)):
            audit = await tx.audit(row)
            if audit is not None and audit.case.ref == CASE:
                values = {"text": WORDS}
                await record(tx, audit, Event("safety_raised", story.clock.now(), story.ids["Carol"], values))


async def told(story: Story, name: str, *texts: str) -> None:
    """Somebody is to hear these, in this order."""
    messages = [
        Message(f"{name}/{text}", "message", story.ids[name], "manager", "", story.clock.now(), notice="x", text=text)
        for text in texts
    ]
    async with story.store.begin() as tx:
        await post(tx, messages)


@asynccontextmanager
async def with_post(story: Story) -> AsyncIterator[MailServer]:
    """A mail server is set as well."""
    async with listening(MailServer()) as server:
        settings = EmailSettings(host=LOOPBACK, port=server.port, sender="auditloop@example.org", security="none")
        postman = Postman(settings, story.clock, guidance="Please ring.", grades=("Good", "Inadequate"))
        story.program.door = EmailFallback(story.program.door, postman)
        yield server


@pytest.mark.parametrize(
    "mishap",
    [wrong.throttles(1), wrong.FAILS, wrong.HANGS, wrong.DROPS, wrong.DROPS_AFTER_TAKING],
    ids=["429", "500", "hangs", "drops", "takes and drops"],
)
async def test_an_hour_without_slack(opens: Opens, mishap: Mishap, monkeypatch: pytest.MonkeyPatch) -> None:
    if mishap is wrong.HANGS:
        monkeypatch.setattr(client, "TIMEOUT", ClientTimeout(total=2, connect=2))
    async with opens() as story, with_post(story) as server:
        await story.everyone_told()
        await unread(story)
        story.slack.look()
        order = story.slack.trouble.add(mishap, "chat.postMessage", times=None)
        await raised(story)
        await told(story, "Leo", "Part 1", "Part 2", "Part 3")
        for minutes in (0, 1, 19, 20):
            story.clock.move_to(story.clock.now() + minutes * MINUTE)
            await story.program.beat()
        assert order.met > len(ALERTED)
        officer = await story.officer()
        mailed = {one.recipients[0].partition("@")[0].title() for one in server.taken}
        assert {*ALERTED, officer} <= mailed
        assert not any(WORDS in one.text or "Good" in one.text for one in server.taken)
        assert "Leo" not in mailed
        copies = story.slack.unseen()
        assert bool(copies) == mishap.takes

        story.slack.look()
        order.stop()
        await story.later(4 * MINUTE)
        certain = mishap.way in (Way.REFUSES, Way.GARBAGE)
        if certain:
            assert alerts(await unread(story), officer) == came_once(officer)
            story.slack.look()
        await story.later(12 * MINUTE)
        found = await unread(story)
        if not certain:
            # What may have arrived is tried less often, lest it come again and again.
            assert alerts(found, officer) == came_once(officer)
            assert all(REPEATED in story.people[name].sees()[-1] for name in ALERTED)
        last = [text for text in story.people["Leo"].sees() if "Part " in text][-3:]
        assert [text.partition("Part ")[2][:1] for text in last] == ["1", "2", "3"]
        assert not await story.rows(OutboxRow.state.in_(("queued", "unknown")), OutboxRow.to_id == story.ids["Leo"])


def alerts(found: dict[str, list[str]], officer: str) -> dict[str, list[str]]:
    return {name: found.get(name, []) for name in (*ALERTED, officer)}


def came_once(officer: str) -> dict[str, list[str]]:
    """The alert to each whom it is for, and all that was late to the officer, as one."""
    late = f"{len(ALERTED)} messages could not be delivered in time"
    return {name: [ALERT] for name in ALERTED} | {officer: [late]}


async def test_after_a_week_without_slack_the_first_ten_minutes_are_quiet_and_right(opens: Opens) -> None:
    async with opens() as story:
        await story.everyone_told()
        await unread(story)
        story.slack.look()
        order = story.slack.trouble.add(wrong.UNAVAILABLE, "chat.postMessage", times=None)
        for day in ("06", "07", "08", "09", "12"):
            story.clock.move_to(story.store.calendar.moment(*parts(f"2026-01-{day}T10:00")))
            await story.program.beat()
        order.stop()
        story.clock.move_to(story.store.calendar.moment(*parts("2026-01-13T09:30")))
        for _ in range(3):
            await story.later(3 * MINUTE)
        found = await unread(story)
        assert all(len(titles) <= 2 for titles in found.values()), found
        assert len(found["Carol"]) == len(found["Leo"]) == 1
        officer = await story.officer()
        assert "2 steps waiting for help" in found[officer]


def parts(local: str) -> tuple[date, time]:
    wanted = datetime.fromisoformat(local)
    return wanted.date(), wanted.time()


async def test_hundreds_who_waited_an_hour_get_theirs_in_order_at_slacks_pace(opens: Opens) -> None:
    async with opens() as story:
        slack = story.slack
        slack.rates.now, slack.api.enforces_rates = monotonic, True
        crowd = await hired(story, 30)
        async with story.store.begin() as tx:
            at = story.clock.now()
            await post(
                tx,
                [
                    Message(f"m/{row_id}/{part}", "message", row_id, "manager", "", at, notice="x", text=f"Part {part}")
                    for part in range(3)
                    for _, row_id in crowd
                ],
            )
        order = slack.trouble.add(wrong.UNAVAILABLE, "chat.postMessage", times=None)
        for minutes in (0, 1, 10, 20, 29):
            story.clock.move_to(story.clock.now() + minutes * MINUTE)
            await story.program.beat()
        assert order.met < 5 * 30
        order.stop()
        for _ in range(12):
            await story.later(MINUTE)
        assert slack.breaches == []
        for person, _ in crowd:
            assert [text.partition("Part ")[2][:1] for text in person.sees()] == ["0", "1", "2"]
