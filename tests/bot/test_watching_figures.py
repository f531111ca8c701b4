"""What /metrics shows of a service at work, and to whom."""

import asyncio
import re
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text, update

from bot.answering import Answering
from bot.counts import Counts
from bot.doors import PlatformDoor
from bot.running import open_bot
from bot.settings import Settings, TeamsSettings, WatchSettings, WebSettings
from bot.watching import backlog
from bot.watching.access import Access, access_of
from bot.watching.doors import TimedPlatform
from bot.watching.figures import KNOWN_VERBS, OTHER, Figures
from handlers.interaction import Interaction
from scheduling.clock import SystemClock
from scheduling.door import Failure, NotDelivered
from storage.postings import Place
from storage.tables import DutyRow, OutboxRow
from tests.bot.watched import Opens, Page, Seconds, Watched, founded, get, opens
from tests.handlers.conftest import CASE, OTHER_CASE, STAFF

__all__ = ["founded", "opens"]
TOKEN = "a-token-that-is-long-enough"
DOWN = NotDelivered(Failure.TEMPORARY, "Teams takes no more at the moment")
LOST = NotDelivered(Failure.UNKNOWN, "the line was cut")
GONE = NotDelivered(Failure.PERMANENT, "they have blocked auditloop")


async def alerted(watched: Watched) -> None:
    """Carol has raised a concern at night; Bob, Dan, Erin and Frank are to know at once."""
    await watched.service.until("2026-01-05T20:00")
    await watched.service.ok(await watched.service.press("Carol", "safety", text="Left alone at night."))


# ---- what waits


async def test_the_outbox_is_counted_by_state_as_it_is(opens: Opens) -> None:
    async with opens() as watched:
        watched.service.post.shut = {"Bob": LOST, "Dan": GONE}
        await alerted(watched)
        page = await watched.figures()
        async with watched.service.store.begin() as tx:
            rows = await tx.execute(text("SELECT state, count(*) AS number FROM outbox GROUP BY state"))
            counted = {(row.state,): row.number for row in rows}
    shown = page.values("auditloop_outbox_messages")
    assert {state: number for state, number in shown.items() if number} == counted
    assert counted.keys() == {("sent",), ("unknown",), ("failed",)}
    assert page.values("auditloop_undelivered_alerts") == {
        ("queued",): 0,
        ("sending",): 0,
        ("unknown",): 1,
        ("failed",): 1,
    }


async def test_an_alert_that_is_not_delivered_grows_old_and_leaves_the_program_ready(opens: Opens) -> None:
    async with opens() as watched:
        watched.service.post.shut = {"Bob": LOST}
        await alerted(watched)
        watched.pass_by(10)
        assert (await watched.figures()).value("auditloop_oldest_undelivered_alert_seconds") == 10
        assert await watched.ready() == []
        watched.pass_by(10)
        await watched.program.beat()
        watched.pass_by(10)
        # It was tried again meanwhile, and is to be tried once more later on.
        page = await watched.figures()
        assert page.value("auditloop_oldest_undelivered_alert_seconds") == 30
        assert page.value("auditloop_oldest_waiting_message_seconds") == 30
        watched.service.post.shut = {}
        watched.pass_by(60)
        await watched.program.beat()
        page = await watched.figures()
        assert page.value("auditloop_oldest_undelivered_alert_seconds") == 0
        assert page.value("auditloop_oldest_waiting_message_seconds") == 0


async def test_what_failed_or_was_sent_long_ago_is_not_counted_any_more(opens: Opens) -> None:
    async with opens() as watched:
        watched.service.post.shut = {"Dan": GONE}
        await alerted(watched)
        watched.pass_by(timedelta(days=7).total_seconds() - 1)
        page = await watched.figures()
        assert page.value("auditloop_undelivered_alerts", "failed") == 1
        assert page.value("auditloop_outbox_messages", "sent") > 0
        watched.pass_by(timedelta(days=1).total_seconds())
        page = await watched.figures()
        assert page.value("auditloop_undelivered_alerts", "failed") == 0
        assert page.value("auditloop_outbox_messages", "sent") == 0


async def test_a_message_that_quiet_hours_hold_back_does_not_wait_before_it_may_go(opens: Opens) -> None:
    async with opens() as watched:
        await watched.service.until("2026-01-05T20:00")
        await watched.service.ok(await watched.service.press("Carol", "accept"))
        watched.pass_by(3600)
        page = await watched.figures()
        assert page.value("auditloop_outbox_messages", "queued") > 0
        assert page.value("auditloop_oldest_waiting_message_seconds") == 0
        # Nothing beats from 08:00 on.
        watched.service.clock.moment = watched.service.moment("2026-01-06T08:20")
        assert (await watched.figures()).value("auditloop_oldest_waiting_message_seconds") == 20 * 60


async def test_a_duty_whose_step_is_not_taken_shows_how_late_it_is(opens: Opens) -> None:
    async with opens() as watched:
        assert (await watched.figures()).value("auditloop_oldest_due_seconds", "duty") == 0
        async with watched.service.store.begin() as tx:
            first = await tx.session.scalar(select(func.min(DutyRow.next_at)).where(DutyRow.closed_at.is_(None)))
        assert first is not None
        watched.service.clock.moment = first + timedelta(hours=3)
        assert (await watched.figures()).value("auditloop_oldest_due_seconds", "duty") == 3 * 3600
        await watched.program.beat()
        assert (await watched.figures()).value("auditloop_oldest_due_seconds", "duty") == 0


async def test_no_figure_reads_through_what_was_sent(opens: Opens) -> None:
    """However much has been sent: every statement of the page finds its rows by an index."""
    statements: list[str] = []

    def seen(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    async with opens() as watched:
        engine = watched.service.store.database.sync_engine
        event.listen(engine, "before_cursor_execute", seen)
        await watched.figures()
        event.remove(engine, "before_cursor_execute", seen)
        with closing(sqlite3.connect(engine.url.database or "")) as connection:
            plans = {
                step[3]
                for statement in statements
                if "outbox" in statement or "duties" in statement
                for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", ["2026"] * statement.count("?"))
            }
    assert any("ix_outbox_due" in plan for plan in plans)
    assert any("ix_duties_due" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN") and "CONSTANT" not in plan]


# ---- what is measured


async def test_answers_are_timed_by_verb_and_a_verb_that_nobody_knows_has_no_name(opens: Opens) -> None:
    async with opens() as watched:
        await watched.service.press("Carol", "accept")
        await watched.service.says("Carol", "mine")
        await watched.service.press("Carol", f"accept {CASE} <script>")
        await watched.service.press("Carol", "")
        page = await watched.figures()
    assert page.values("auditloop_answer_seconds_count") == {("accept",): 1, ("say",): 1, (OTHER,): 2}


async def test_answers_in_chats_are_timed_as_well(opens: Opens) -> None:
    async with opens() as watched:
        program, ids = watched.program, watched.service.people
        answering = Answering(program.store, program.clock, program.figures)
        subject = str(await watched.service.number(CASE))
        await answering.press(Interaction(ids["Carol"], "accept", "1", program.now(), subject=subject), "", None)
        await answering.say(Interaction(ids["Carol"], "say", "2", program.now(), text="mine"))
        await answering.reply(Interaction(ids["Carol"], "say", "3", program.now(), text="help"))
        page = await watched.figures()
    assert page.values("auditloop_answer_seconds_count") == {("accept",): 1, ("say",): 2}


async def test_deliveries_are_counted_by_what_became_of_them(opens: Opens) -> None:
    async with opens() as watched:
        watched.service.post.shut = {"Bob": LOST, "Dan": GONE, "Erin": DOWN}
        await alerted(watched)
        page = await watched.figures()
    # Frank has his alert; in Dan's place Erin, who can't be reached just now, is tried, and the officer hears of it.
    outcomes = page.values("auditloop_deliveries_total")
    assert outcomes["message", "temporary", "post"] >= 1
    assert outcomes["message", "permanent", "post"] == 1
    assert outcomes["message", "unknown", "post"] == 1
    assert outcomes["message", "delivered", "post"] >= 2
    assert page.value("auditloop_delivery_seconds_count", "message", "post") == sum(outcomes.values())


class SlowPlatform:
    """A platform on which everything takes two seconds, and changing something breaks."""

    def __init__(self, seconds: Seconds) -> None:
        self.seconds = seconds

    async def deliver(self, *_: object) -> Place:
        self.seconds.passed += 2
        return Place("slow", "chat", "1", "", "token")

    async def change(self, *_: object) -> None:
        self.seconds.passed += 2
        raise RuntimeError("broken")


async def test_a_platform_is_timed_for_messages_and_for_changes(opens: Opens) -> None:
    seconds = Seconds()
    figures = Figures(seconds)
    slow: PlatformDoor = SlowPlatform(seconds)
    async with opens() as watched:
        (_, parcel), *_ = watched.service.post.waiting
        to = await watched.program.person(watched.service.people["Carol"])
        assert to is not None
        place = await TimedPlatform(slow, "slow", figures).deliver(to, parcel)
        with pytest.raises(RuntimeError, match="broken"):
            await TimedPlatform(slow, "slow", figures).change(to, place, parcel.card)
    assert (
        figures.registry.get_sample_value("auditloop_delivery_seconds_sum", {"platform": "slow", "kind": "message"})
        == 2
    )
    labels = {"platform": "slow", "kind": "change", "outcome": "unknown"}
    assert figures.registry.get_sample_value("auditloop_deliveries_total", labels) == 1


async def test_ticks_are_counted_with_their_age_and_length(opens: Opens) -> None:
    async with opens() as watched:
        watched.pass_by(20)
        page = await watched.figures()
        assert page.value("auditloop_tick_age_seconds") == 20
        assert page.value("auditloop_ticks_total", "good") == 0
        await watched.program.beat()
        watched.pass_by(5)
        page = await watched.figures()
    assert page.value("auditloop_tick_age_seconds") == 5
    assert page.value("auditloop_tick_interval_seconds") == 15
    assert page.value("auditloop_ticks_total", "good") == 1
    assert page.value("auditloop_tick_seconds_count") == 1
    assert page.value("auditloop_clock_timestamp_seconds") == watched.program.now().timestamp()


# ---- what no label says


async def test_no_name_reference_or_text_is_anywhere_on_the_page(opens: Opens) -> None:
    async with opens() as watched:
        watched.service.post.shut = {"Dan": GONE, "Bob": LOST}
        await alerted(watched)
        await watched.service.says("Carol", f"status of {CASE}, please")
        await watched.service.press("Grace", "Heron", text="Left alone.")
        page = await watched.figures()
    private = {part for name, *_ in STAFF for part in name.split()} | {
        CASE,
        OTHER_CASE,
        "alone",
        "blocked",
        "example.org",
    }
    assert not [word for word in private if re.search(rf"\b{re.escape(word)}\b", page.text)]
    labels = {
        (name, value)
        for family in page.families
        for sample in family.samples
        for name, value in sample.labels.items()
        if sample.name.startswith("auditloop_")
    }
    allowed = {
        "verb": {*KNOWN_VERBS, OTHER},
        "platform": {"post"},
        "kind": {"message", "change"},
        "outcome": {"good", "failed", "delivered", "temporary", "permanent", "unknown"},
        "state": {"queued", "sending", "sent", "failed", "unknown", "superseded"},
        "what": {"duty", "allocation", "list"},
    }
    for name, value in labels:
        assert name in {"le", "version", *allowed}
        assert value in allowed.get(name, {value})


# ---- who may read it


async def test_refusals_are_counted_by_reason(opens: Opens) -> None:
    async with opens() as watched:
        watched.counts.refuse("signature")
        watched.counts.refuse("signature")
        assert (await get(f"{watched.address}/metrics", Forwarded="for=192.0.2.1"))[0] == 401
        page = await watched.figures()
    assert page.values("auditloop_refusals_total") == {("signature",): 2, ("metrics",): 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.1"},
        {"X-Real-IP": "192.0.2.1"},
        {"x-real-ip": "192.0.2.1"},
        {"x-forwarded-for": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"Via": "1.1 proxy"},
        {"Host": "auditloop.example.gov.uk"},
        {"Host": "rebound.example:9414"},
    ],
)
async def test_without_a_token_what_comes_through_a_proxy_is_refused(opens: Opens, headers: dict[str, str]) -> None:
    async with opens() as watched:
        status, said = await get(f"{watched.address}/metrics", **headers)
    assert (status, said) == (
        401,
        "Only this computer is answered. Set watch.token for others (docs/watching.md).\n",
    )


async def test_a_token_is_asked_of_everybody_and_lets_in_through_a_proxy_too(opens: Opens) -> None:
    async with opens(access=Access(TOKEN, proxied=True)) as watched:
        url = f"{watched.address}/metrics"
        for wrong in (
            "",
            "Bearer",
            "Bearer ",
            f"Basic {TOKEN}",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            "Bearer é",
        ):
            assert (await get(url, Authorization=wrong))[0] == 401
        right = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"}
        assert (await get(url, **right))[0] == 200
        assert (await get(f"{watched.address}/readyz"))[0] == 503


async def test_with_a_proxy_in_front_and_no_token_nobody_is_told_anything(opens: Opens) -> None:
    async with opens(access=Access(proxied=True)) as watched:
        status, said = await get(f"{watched.address}/metrics")
    assert status == 401
    assert "Set watch.token, or watch.port for an address of its own" in said
    assert "auditloop_" not in said


@pytest.mark.parametrize(
    ("public_url", "watch", "proxied"),
    [
        ("", WatchSettings(), False),
        ("http://127.0.0.1:3978", WatchSettings(), False),
        ("https://auditloop.example.gov.uk", WatchSettings(), True),
        ("https://auditloop.example.gov.uk", WatchSettings(port=9414), False),
    ],
)
def test_a_public_address_means_a_proxy_in_front(public_url: str, watch: WatchSettings, *, proxied: bool) -> None:
    assert access_of(Settings(web=WebSettings(public_url=public_url), watch=watch)) == Access(proxied=proxied)


def anonymous(watch: WatchSettings, **web: str) -> Settings:
    return Settings(
        web=WebSettings(port=0, **web), heartbeat_seconds=300, teams=TeamsSettings(anonymous=True), watch=watch
    )


async def test_the_figures_stand_beside_the_platforms_unless_they_have_an_address_of_their_own(opens: Opens) -> None:
    pytest.importorskip("botbuilder.core")
    async with opens() as watched:
        store = watched.service.store
        async with AsyncExitStack() as stack:
            running = await open_bot(stack, anonymous(WatchSettings()), store, SystemClock(), say=lambda _: None)
            status, text_ = await get(f"{running.address}/metrics")
            assert (status, running.watched_at) == (200, "")
            assert "auditloop_tick_age_seconds" in text_
        said: list[str] = []
        async with AsyncExitStack() as stack:
            running = await open_bot(stack, anonymous(WatchSettings(port=0)), store, SystemClock(), say=said.append)
            assert (await get(f"{running.address}/metrics"))[0] == 404
            assert (await get(f"{running.address}/healthz"))[0] == 200
            assert (await get(f"{running.watched_at}/metrics"))[0] == 200
            assert (await get(f"{running.watched_at}/healthz"))[0] == 200
            assert (await get(f"{running.watched_at}/api/messages"))[0] == 404
    assert f"Whoever watches is answered at {running.watched_at}/readyz and {running.watched_at}/metrics." in said


async def test_the_desk_alone_is_watched_at_an_address_of_its_own(opens: Opens) -> None:
    async with opens() as watched, AsyncExitStack() as stack:
        settings = Settings(heartbeat_seconds=300, watch=WatchSettings(port=0))
        store = watched.service.store
        running = await open_bot(stack, settings, store, SystemClock(), say=lambda _: None)
        status, page = await get(f"{running.watched_at}/metrics")
    assert status == 200
    assert Page(page).value("auditloop_database_up") == 1


async def test_prometheus_gets_the_newer_format_where_it_asks_for_it(opens: Opens) -> None:
    async with opens() as watched:
        accept = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5"
        status, page = await get(f"{watched.address}/metrics", Accept=accept)
    assert status == 200
    assert page.endswith("# EOF\n")


# ---- when the database doesn't answer


async def test_a_database_that_is_locked_leaves_the_programs_own_figures(
    opens: Opens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backlog, "PATIENCE", 0.2)
    async with opens() as watched:
        await watched.program.beat()
        with closing(sqlite3.connect(tmp_path / "service.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            page = await watched.figures()
            assert page.value("auditloop_database_up") == 0
            assert page.value("auditloop_tick_age_seconds") == 0
            assert not page.values("auditloop_outbox_messages")
            assert await watched.ready() == ["the database doesn't answer, or something else keeps it locked"]
            other.execute("ROLLBACK")
        page = await watched.figures()
        assert page.value("auditloop_database_up") == 1
        assert page.values("auditloop_outbox_messages")
        assert await watched.ready() == []


async def test_two_who_read_at_the_same_time_both_get_a_whole_page(opens: Opens) -> None:
    async with opens() as watched:
        pages = await asyncio.gather(*(watched.figures() for _ in range(8)))
        # Nothing of the program's own work was in the way, and nothing is left open.
        async with watched.service.store.begin() as tx:
            await tx.execute(update(OutboxRow.table()).values(error=""))
    assert {page.value("auditloop_database_up") for page in pages} == {1}
    assert {len(page.values("auditloop_outbox_messages")) for page in pages} == {6}


def test_each_program_has_figures_of_its_own() -> None:
    one, other = Figures(), Figures()
    with one.answering("accept"):
        pass
    names = ("auditloop_answer_seconds_count", {"verb": "accept"})
    assert one.registry.get_sample_value(*names) == 1
    assert other.registry.get_sample_value(*names) is None
    assert Counts().refused == {}
