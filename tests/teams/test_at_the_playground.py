"""auditloop in Microsoft's own Agents Playground: four people at four Playgrounds, each a page of a real Chromium."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession
from icalendar import Calendar
from playwright.async_api import Browser, Locator, expect

from audits.calendar import WorkCalendar
from audits.dates import Cycle
from audits.frameworks import framework_named
from audits.planning import issue_moment
from bot.demonstration.people import Colleague, Place, write_people
from bot.imports import allocate, import_cases, import_people
from bot.settings import read_settings
from tests.cards.checks import faults_of
from tests.clients.microsoft import renderer_in
from tests.handlers.conftest import AREA, CASE, COUNCIL, STAFF, Founded, founded
from tests.teams.at_playground import PERSONAL_CHAT, Someone
from tests.teams.conftest import ADDRESSES
from tests.teams.council import PERSONAS, Council, Seats, cards_of, council_at_work, everyone_seated
from tests.teams.playground import CHANNEL, lines_of
from tests.teams.sockets import sockets_of

__all__ = ["founded"]
pytestmark = [pytest.mark.browser, pytest.mark.clients, pytest.mark.asyncio(loop_scope="module")]

GOOD = "● Good – Help made a real difference for the child; what is left to improve is small."
INADEQUATE = "▲ Inadequate – There are serious or widespread weaknesses, and the child may be left at risk of harm."
RATIONALE = "The plan is clear, and life is safer for the child."
CHILD = "Did the child or young person give feedback?"
PARENT = "Did a parent or carer give feedback?"
WHY_NOT = "If it wasn't appropriate to ask the child or young person: why?"
ALLOCATION = f"Your audit for January 2026: {CASE}"
LIST = {"Carol": [ALLOCATION, f"The audit of {CASE}"], "Alice": [], "Erin": [], "Gil": []}
"""What January's list brings to the four; and what follows when it is taken."""
TAKEN = {
    **LIST,
    "Carol": [*LIST["Carol"], f"When could you talk about {CASE}?"],
    "Alice": ["An audit of your work with this child"],
}


@pytest.fixture(scope="module")
def port() -> int:
    """A free port of this machine. Each story's bot takes it in turn, for the Playgrounds know no other."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seats(
    browser: Browser, port: int, founded: Founded, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Seats]:
    """The four, each welcomed at their first visit."""
    async with AsyncExitStack() as stack:
        async with council_at_work(founded, tmp_path_factory.mktemp("first"), port, {}):
            folder = tmp_path_factory.mktemp("playgrounds")
            seated = await stack.enter_async_context(everyone_seated(browser, port, folder))
            for name, someone in seated.items():
                await someone.has_card(f"Hello {name}, this is auditloop")
        yield seated


@pytest_asyncio.fixture(loop_scope="module")
async def council(seats: Seats, port: int, founded: Founded, tmp_path: Path) -> AsyncIterator[Council]:
    async with council_at_work(founded, tmp_path, port, seats) as at_work:
        yield at_work


async def taken(carol: Someone) -> None:
    """Carol has taken the audit of the month."""
    await carol.press("I'll take it", await carol.has_card(ALLOCATION))
    await carol.has_card(f"You took this audit: {CASE}")


async def grading(carol: Someone, grade: str) -> Locator:
    """Carol's grade form after the discussion, filled in but for the views of the family."""
    await taken(carol)
    await carol.press("We have already talked", await carol.has_card(f"When could you talk about {CASE}?"))
    form = await carol.has_card(f"Your grade for {CASE}")
    await carol.choose("Overall grade", grade, card=form)
    await carol.fill("Why this grade?", RATIONALE, form)
    await carol.choose("Is there an immediate or serious safeguarding concern?", "No", card=form)
    return form


# ---- a month


async def test_a_months_card_is_answered_and_changes_where_it_stands_for_everyone_concerned(council: Council) -> None:
    carol, alice = council.seats["Carol"], council.seats["Alice"]
    allocation = await carol.has_card(ALLOCATION)
    await expect(allocation).to_contain_text("Alice Avocet (Red)")
    await expect(allocation).to_contain_text("Wed 28 Jan 2026")
    await carol.has_card(f"The audit of {CASE}")
    there = await carol.cards.count()
    await taken(carol)
    await expect(carol.card(ALLOCATION)).to_have_count(0)
    booking = await carol.has_card(f"When could you talk about {CASE}?")
    await expect(carol.cards).to_have_count(there + 1)

    await carol.fill("Suggested time", "Tues 2pm", booking)
    await carol.press("Suggest this time", booking)
    asked = await alice.has_card("Does Tue 6 Jan 2026 at 14:00 suit you?")
    await expect(asked).to_contain_text("Carol Crane would like to talk through the audit")
    suggested = await carol.has_card(f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}")
    await expect(carol.field("Another time", suggested)).to_have_value("")
    await carol.press("We have already talked", suggested)
    for someone, words in ((alice, "Carol Crane said"), (carol, "You said")):
        done = await someone.has_card(f"{words} that the discussion was held: {CASE}")
        await expect(done.get_by_role("button")).to_have_text(["Why am I being asked?"])
    await expect(alice.card("suit you?")).to_have_count(0)

    await carol.has_card(f"Your grade for {CASE}")
    assert await council.all_that_came() == {
        **TAKEN,
        "Carol": [*TAKEN["Carol"], f"Your grade for {CASE}"],
        "Alice": [*TAKEN["Alice"], "Does Tue 6 Jan 2026 at 14:00 suit you?"],
    }


async def test_two_people_agree_a_time_in_two_playgrounds_and_both_open_it_in_the_calendar(council: Council) -> None:
    carol, alice = council.seats["Carol"], council.seats["Alice"]
    await taken(carol)
    await carol.has_card(f"When could you talk about {CASE}?")
    await carol.say("Tues 2pm")
    suggested = f"You suggested Tue 6 Jan 2026 at 14:00 for {CASE}"
    await carol.has_card(suggested)
    await alice.press("Yes, that suits me", await alice.has_card("Does Tue 6 Jan 2026 at 14:00 suit you?"))
    for someone in (carol, alice):
        agreed = await someone.has_card("Your discussion is on Tue 6 Jan 2026 at 14:00")
        link = await someone.follow("Add to your calendar", agreed)
        async with ClientSession() as session, session.get(link) as answer:
            assert (answer.status, answer.content_type) == (200, "text/calendar")
            event: Any = Calendar.from_ical(await answer.text()).walk("VEVENT")[0]
        assert event["SUMMARY"] == f"Collaborative audit: {CASE}"
        assert event["DTSTART"].dt == datetime(2026, 1, 6, 14, tzinfo=UTC)
        assert {str(one) for one in event["ATTENDEE"]} == {"MAILTO:carol@example.org", "MAILTO:alice@example.org"}
    await carol.has_card(f"Alice Avocet agreed the time: {CASE}")
    await expect(carol.card(suggested)).to_have_count(0)

    agreed_on = "Your discussion is on Tue 6 Jan 2026 at 14:00"
    assert await council.all_that_came() == {
        **TAKEN,
        "Carol": [*TAKEN["Carol"], suggested, agreed_on],
        "Alice": [*TAKEN["Alice"], "Does Tue 6 Jan 2026 at 14:00 suit you?", agreed_on],
    }


async def test_a_grade_form_says_what_is_missing_beside_its_input_and_keeps_what_was_typed(council: Council) -> None:
    carol = council.seats["Carol"]
    form = await grading(carol, GOOD)
    await carol.choose(CHILD, "No, it wasn't appropriate", card=form)
    await carol.press("Send the audit", form)
    form = await carol.has_card("Error:")
    for label, error in (
        (WHY_NOT, "Error: Please give the reason in a few words."),
        (PARENT, "Error: Please say whether a parent or carer gave feedback, or why not."),
    ):
        await expect(carol.field(label, form).first).to_be_visible()
        said = await form.inner_text()
        assert re.search(rf"{re.escape(label)}[^?]*{re.escape(error)}", said), said
    await expect(form).to_contain_text("2 answers need another look. Nothing that you wrote is lost.")
    await expect(form).to_contain_text(f"Please look again at: {WHY_NOT}; {PARENT}")
    await expect(carol.field("Why this grade?", form)).to_have_value(RATIONALE)
    await expect(form.get_by_label(GOOD, exact=True)).to_be_checked()

    await carol.fill(WHY_NOT, "Too young to be asked.", form)
    await carol.choose(PARENT, "Yes, they gave their view", card=form)
    await carol.press("Send the audit", form)
    done = await carol.has_card(f"You completed the audit: {CASE}")
    await expect(done).to_contain_text("● Good")
    await expect(carol.card(f"Your grade for {CASE}")).to_have_count(0)
    await council.seats["Alice"].has_card(f"The audit is complete: {CASE}")

    assert await council.all_that_came() == {
        **TAKEN,
        "Carol": [*TAKEN["Carol"], f"Your grade for {CASE}"],
        "Alice": [*TAKEN["Alice"], f"The audit is complete: {CASE}"],
    }


async def test_an_inadequate_is_moderated_and_reaches_the_head_of_service(council: Council) -> None:
    carol, gil, erin = (council.seats[name] for name in ("Carol", "Gil", "Erin"))
    form = await grading(carol, INADEQUATE)
    for question in (CHILD, PARENT):
        await carol.choose(question, "Yes, they gave their view", card=form)
    await carol.fill("What is to be put right?", "See the child alone this week.", form)
    await carol.press("Send the audit", form)
    await carol.has_card(f"You completed the audit: {CASE}")

    asked = await gil.has_card(f"Please moderate the audit of {CASE}")
    await expect(asked).to_contain_text("See the child alone this week: Alice Avocet, open, due Mon 12 Jan 2026")
    await gil.choose("The grade after moderation", INADEQUATE, card=asked)
    await gil.fill("Why?", "The file bears it out.", asked)
    await gil.press("Confirm this grade", asked)
    done = await gil.has_card(f"You moderated the audit: {CASE}")
    await expect(done).to_contain_text("Erin Egret")
    told = await erin.has_card("Inadequate")
    await expect(told).to_contain_text(CASE)
    await expect(told).to_contain_text("Alice Avocet")
    assert await council.all_that_came() == {
        "Carol": [*TAKEN["Carol"], f"Your grade for {CASE}", "The audit has been moderated"],
        "Alice": [*TAKEN["Alice"], f"An action for {CASE}", f"The audit is complete: {CASE}"],
        "Erin": [f"Urgent review of {CASE}: first update"],
        "Gil": [f"Please moderate the audit of {CASE}", f"{CASE} will be audited again"],
    }


# ---- questions


async def test_a_qa_officer_asks_in_words_and_sees_a_chart_and_tables(council: Council) -> None:
    gil = council.seats["Gil"]
    await gil.say("status")
    status = await gil.has_card("How things stand: January 2026")
    await expect(status.get_by_role("img", name="Waiting for the auditor's answer, 2")).to_be_visible()
    await expect(status.get_by_role("row", name="Waiting for the auditor's answer 2")).to_be_visible()
    answers = {
        "overdue": "Nothing is overdue",
        f"case {CASE.lower()}": f"Case {CASE}",
        "who Carol": "Carol Crane",
        "help": "What you can write to auditloop",
    }
    for words, title in answers.items():
        await gil.say(words)
        await expect(gil.latest_card.get_by_role("heading", name=title, exact=True)).to_be_visible()
    rows = gil.card(f"Case {CASE}").get_by_role("row")
    await expect(rows.filter(has_text="Complete the audit")).to_contain_text("open, due Wed 28 Jan 2026")
    titles = ["How things stand: January 2026", *answers.values()]
    assert await council.all_that_came() == {**LIST, "Gil": titles}


async def test_in_a_channel_a_mention_is_answered_without_a_word_about_anybody(council: Council) -> None:
    gil = council.seats["Gil"]
    await gil.open(CHANNEL)
    await gil.mention("status")
    status = await gil.has_card("How things stand: January 2026")
    await expect(status).to_contain_text("Audits in this cycle: fewer than 5.")
    await gil.mention("who Carol")
    answered = gil.cards.filter(has_text="I have answered you in our own chat")
    await expect(answered).to_be_visible()
    shown = " ".join(await gil.cards.all_inner_texts())
    assert [word for word in ("Carol", "Alice", CASE) if word in shown] == []
    await gil.open(PERSONAL_CHAT)
    await expect(gil.latest_card.get_by_role("heading", name="Carol Crane", exact=True)).to_be_visible()


# ---- auditloop as it is started


def issued_month(now: datetime) -> str:
    """The newest month whose allocations have gone out by now, as the command line takes it."""
    framework, calendar, cycle = framework_named("southampton"), WorkCalendar(), Cycle.of(now.date())
    while not framework.has_cycle(cycle) or issue_moment(framework, cycle, calendar) > now:
        cycle = cycle.plus(-1)
    return str(cycle)


def prepare(folder: Path, port: int) -> None:
    """Settings in an empty folder, the same people without Leo, and one case that Carol has been given by the draw."""
    database = folder / "auditloop.sqlite3"
    lines = (
        f'database = "{database}"',
        "heartbeat_seconds = 1",
        "[web]",
        f"port = {port}",
        "[teams]",
        "anonymous = true",
    )
    (folder / "auditloop.toml").write_text("\n".join(lines), encoding="utf-8")
    people = [
        Colleague(
            name,
            ADDRESSES[name.split()[0]],
            role,
            Place("" if role in COUNCIL else AREA, team),
            ADDRESSES[manager] if manager else "",
        )
        for name, role, manager, team in STAFF
        if name != "Leo Linnet"
    ]
    write_people(folder / "people.csv", people)
    heading = "Ref,Case status,Sex,Ethnicity,Age,Disability,Team,Worker,Date of birth"
    row = f"{CASE},b) Child Protection plan,b) Female,a) WBRI,7,b) No,Red,Alice Avocet,01/02/2019"
    (folder / "cases.csv").write_text(f"{heading}\n{row}\n", encoding="utf-8")
    settings = read_settings(folder, {})
    import_people(settings, folder / "people.csv")
    import_cases(settings, folder / "cases.csv")
    allocate(settings, issued_month(datetime.now(UTC)), seed=7, preview=False)


@asynccontextmanager
async def auditloop(folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command in a process of its own, in this folder; what it says goes to said.txt there."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AUDITLOOP_")}
    with (folder / "said.txt").open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-c", "from bot.commands import run; run()", *words],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready(port: int, folder: Path) -> None:
    """Wait until auditloop says on this port that it does its work."""
    async with asyncio.timeout(60), ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.05)


async def test_the_command_serves_the_playground_at_any_hour_and_stops_when_it_is_told_to(
    seats: Seats, port: int, tmp_path: Path
) -> None:
    carol = seats["Carol"]
    await asyncio.to_thread(prepare, tmp_path, port)
    async with auditloop(tmp_path, "serve") as process:
        await ready(port, tmp_path)
        await carol.install()
        await carol.has_card("Hello Carol, this is auditloop")
        await carol.say("mine")
        await expect(carol.card("What waits for you")).to_contain_text("Answer the allocation")
        assert [one for one in sockets_of(process.pid) if not one.stays_here] == []
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    said = lines_of(tmp_path / "said.txt")
    assert f"Microsoft Teams is answered at http://127.0.0.1:{port}/api/messages." in said
    assert said[-1] == "Stopped."


# ---- all of it


async def test_every_card_of_all_this_is_sound_and_nothing_left_this_machine(browser: Browser, seats: Seats) -> None:
    cards = [card for someone in seats.values() for one in someone.exchanges.seen for card in cards_of(one)]
    assert len(cards) >= len(PERSONAS)
    assert faults_of(cards) == []
    async with renderer_in(browser) as renderer:
        assert await renderer.faults_of(cards) == []
    for someone in seats.values():
        assert [one for one in someone.playground.sockets() if not one.stays_here] == []
        assert someone.playground.tried_elsewhere() == []
        # Its page asks for fonts; none of them came.
        assert {url.split("/")[2] for url in someone.elsewhere} <= {"res-1.cdn.office.net"}
        assert someone.reached == []
