"""The desk over real HTTP on loopback, with the real program behind it."""

import html
import logging
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from icalendar import Calendar
from sqlalchemy import func, select

from audits.frameworks import framework_named
from bot.desk import clock
from bot.desk.application import build_app
from bot.desk.serving import PortTakenError, serve
from bot.opening import calendar_of
from bot.program import DeskDoor, Program
from scheduling.clock import MovedClock
from storage.database import open_database, sqlite_url
from storage.store import Store
from storage.tables import LedgerRow
from tests.bot.conftest import OpenDesk, OpensDesk

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Page:
    """What came back, and the forms in it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def heading(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]*>", "", found[1])).strip() if found else ""

    @property
    def titles(self) -> list[str]:
        """The titles of the cards, from the top."""
        return [html.unescape(one) for one in re.findall(r'class="card__title"[^>]*>(.*?)<', self.text)]

    def form(self, button: str) -> dict[str, str]:
        """The hidden fields of the form with this button, and the button itself, pressed."""
        for body in re.findall(r"<form .*?</form>", self.text, re.DOTALL):
            named = re.findall(r'name="(press|to|example)" value="([^"]*)"[^>]*>(.*?)</button>', body, re.DOTALL)
            for name, value, label in named:
                if button in html.unescape(re.sub(r"<[^>]*>", "", label)):
                    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', body)
                    return {key: html.unescape(one) for key, one in [*hidden, (name, value)]}
        raise AssertionError(f"there is no button {button!r} on this page")


@dataclass(frozen=True)
class Visitor:
    """A browser without scripts that follows nothing by itself, and the desk that it looks at."""

    desk: OpenDesk
    session: ClientSession

    async def ask(self, method: str, path: str, **given: Any) -> Page:
        address = f"{self.desk.address}{path.partition('#')[0]}"
        async with self.session.request(method, address, allow_redirects=False, **given) as answer:
            return Page(answer.status, dict(answer.headers), await answer.text())

    async def get(self, path: str, **given: Any) -> Page:
        return await self.ask("GET", path, **given)

    async def post(self, path: str, data: Any, **headers: str) -> Page:
        return await self.ask("POST", path, data=data, headers={"Origin": self.desk.address, **headers})

    async def press(self, person_id: int, button: str, **typed: str) -> Page:
        """Press a button on somebody's desk and see where that leads."""
        form = (await self.get(f"/people/{person_id}")).form(button)
        return await self.get((await self.post(f"/people/{person_id}/press", {**form, **typed})).location)

    async def say(self, person_id: int, text: str) -> Page:
        sent = await self.post(f"/people/{person_id}/say", {"text": text, "event_id": str(uuid4())})
        assert sent.status == 303
        return await self.get(sent.location)

    async def recorded(self, kind: str | None = None) -> int:
        """How many entries the ledger has (of one kind)."""
        count = select(func.count(LedgerRow.id))
        async with self.desk.program.store.begin() as tx:
            found = await tx.session.scalar(count if kind is None else count.where(LedgerRow.kind == kind))
        return found or 0


@pytest.fixture
async def visitor(opens_desk: OpensDesk) -> AsyncIterator[Visitor]:
    async with opens_desk() as desk, ClientSession() as session:
        yield Visitor(desk, session)


# ---- what can be read


async def test_each_page_can_be_read_and_names_what_it_is(visitor: Visitor) -> None:
    auditor = await visitor.desk.auditor()
    headings = {
        "/": "Quality audits, looked after",
        "/timeline": "Timeline",
        f"/people/{auditor.id}": f"You are {auditor.name}, Manager (auditor)",
        f"/people/{auditor.id}?show=waiting": f"You are {auditor.name}, Manager (auditor)",
        f"/people/{auditor.id}/timeline": f"You are {auditor.name}, Manager (auditor)",
    }
    for path, heading in headings.items():
        page = await visitor.get(path)
        assert (page.status, page.heading) == (200, heading)
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_the_choice_in_the_header_leads_to_that_persons_desk(visitor: Visitor) -> None:
    assert (await visitor.get("/people?person=3")).location == "/people/3"
    assert (await visitor.get("/people?person=http://elsewhere.example")).location == "/"


@pytest.mark.parametrize("page", ["0", "50", "9" * 20, "x"])
async def test_a_page_number_beyond_the_end_shows_the_nearest_page(visitor: Visitor, page: str) -> None:
    auditor = await visitor.desk.auditor()
    for path in (f"/people/{auditor.id}", "/timeline", f"/people/{auditor.id}/timeline"):
        assert (await visitor.get(f"{path}?page={page}")).status == 200


async def test_the_timeline_can_be_narrowed_to_one_person(visitor: Visitor) -> None:
    auditor, other = await visitor.desk.auditor(1), await visitor.desk.auditor(2)

    def who(page: Page) -> set[str]:
        return {html.unescape(one) for one in re.findall(r'class="event__who">(.*?)<', page.text)}

    assert {auditor.name, other.name} <= who(await visitor.get("/timeline"))
    assert who(await visitor.get(f"/timeline?person={auditor.id}")) == {auditor.name}
    assert who(await visitor.get(f"/people/{auditor.id}/timeline")) == {auditor.name}
    assert "SOU-03" in (await visitor.get(f"/timeline?person={auditor.id}")).text


async def test_every_answer_carries_the_headers_that_keep_others_out(visitor: Visitor) -> None:
    for path in ("/", "/nowhere", "/static/desk.css", "/people?person=1"):
        headers = (await visitor.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "auditloop"
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")


async def test_no_page_holds_a_script_or_a_style_of_its_own(visitor: Visitor) -> None:
    auditor = await visitor.desk.auditor()
    for path in ("/", "/timeline", f"/people/{auditor.id}", "/nowhere"):
        text = (await visitor.get(path)).text
        assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/desk.js" defer>']
        assert "<style" not in text
        assert not re.search(r"\s(?:style|on\w+)=", text)


async def test_the_invitation_opens_in_a_calendar(visitor: Visitor) -> None:
    auditor, practitioner = await visitor.desk.auditor(), await visitor.desk.practitioner()
    audit = await visitor.desk.audit()
    await visitor.press(auditor.id, "I'll take it")
    await visitor.say(auditor.id, "Thurs 2pm")
    await visitor.press(practitioner.id, "Yes, that suits me")
    page = await visitor.get(f"/people/{auditor.id}")
    link = re.search(r'href="data:text/calendar;[^"]*base64,([^"]*)" download="([^"]*)"', page.text)
    assert link is not None
    assert link[2] == f"audit-{audit.case.ref}.ics"
    events = Calendar.from_ical(b64decode(html.unescape(link[1]))).walk("VEVENT")
    assert [event.decoded("DTSTART").astimezone(UTC) for event in events] == [datetime(2026, 3, 5, 14, tzinfo=UTC)]


# ---- what can be done


async def test_a_press_leads_on_to_a_page_that_can_be_loaded_again(visitor: Visitor) -> None:
    auditor = await visitor.desk.auditor()
    form = (await visitor.get(f"/people/{auditor.id}")).form("I'll take it")
    sent = await visitor.post(f"/people/{auditor.id}/press?show=waiting", form)
    assert (sent.status, sent.text) == (303, "")
    assert sent.location == f"/people/{auditor.id}?show=waiting&reply={form['event_id']}#reply"
    for _ in range(2):
        page = await visitor.get(sent.location)
        assert "auditloop’s answer" in page.text
        assert page.titles[0].startswith("When could you talk about ")
    assert await visitor.recorded("accepted") == 1


async def test_the_card_that_is_the_answer_is_not_shown_a_second_time_below(visitor: Visitor) -> None:
    auditor = await visitor.desk.auditor()
    page = await visitor.press(auditor.id, "I'll take it")
    assert len(page.titles) == len(set(page.titles))
    assert "Waiting for you (1)" in page.text
    put_away = await visitor.get(f"/people/{auditor.id}")
    assert sorted(put_away.titles) == sorted(page.titles)


async def test_a_form_with_mistakes_is_shown_once_with_what_was_typed(visitor: Visitor) -> None:
    auditor = await visitor.desk.auditor()
    await visitor.press(auditor.id, "I'll take it")
    await visitor.press(auditor.id, "We have already talked")
    page = await visitor.press(auditor.id, "Send the audit", rationale="A <b>clear</b> plan.\r\nWell kept.")
    assert page.text.count(">Send the audit</button>") == 1
    assert "A &lt;b&gt;clear&lt;/b&gt; plan.\nWell kept.</textarea>" in page.text
    assert "Error: Please choose a grade." in page.text
    assert "<title>Error: Your grade for " in page.text
    assert await visitor.recorded("submitted") == 0


async def test_the_same_form_sent_twice_takes_effect_once(visitor: Visitor) -> None:
    auditor = await visitor.desk.auditor()
    form = {**(await visitor.get(f"/people/{auditor.id}")).form("I can't do this one"), "reason": "leave"}
    first, second = [await visitor.post(f"/people/{auditor.id}/press", form) for _ in range(2)]
    assert first.location == second.location
    assert await visitor.recorded("declined") == 1
    assert (await visitor.get(first.location)).titles == (await visitor.get(second.location)).titles


async def test_somebody_elses_form_sent_under_another_name_changes_nothing(visitor: Visitor) -> None:
    auditor, other = await visitor.desk.auditor(1), await visitor.desk.auditor(2)
    form = (await visitor.get(f"/people/{auditor.id}")).form("I'll take it")
    await visitor.post(f"/people/{auditor.id}/press", form)
    before = await visitor.recorded()
    await visitor.post(f"/people/{other.id}/press", form)
    assert await visitor.recorded() == before


async def test_a_button_that_was_never_offered_changes_nothing(visitor: Visitor) -> None:
    auditor, stranger = await visitor.desk.auditor(1), await visitor.desk.auditor(2)
    before = await visitor.recorded()
    form = (await visitor.get(f"/people/{auditor.id}")).form("I'll take it")
    for press in (form["press"], "moderate|1", "sing|1", "accept|999", "accept|1|1", "accept|" + "1" * 400):
        asked = {"event_id": str(uuid4()), "press": press}
        sent = await visitor.post(f"/people/{stranger.id}/press", asked)
        assert sent.status == 303
        assert "Not possible" in (await visitor.get(sent.location)).text
    assert await visitor.recorded() == before


async def test_a_typed_message_is_answered_and_shown_as_plain_text(visitor: Visitor) -> None:
    officer = await visitor.desk.holder("qa_unit")
    assert (await visitor.say(officer.id, "status")).titles[0] == "How things stand: March 2026"
    page = await visitor.say(officer.id, "case <script>alert(1)</script>")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text.lower()


async def test_the_examples_beside_the_message_are_those_that_the_person_may_use(visitor: Visitor) -> None:
    auditor, officer = await visitor.desk.auditor(), await visitor.desk.holder("qa_unit")
    for person, example in ((auditor, "mine"), (officer, "status"), (officer, "overdue")):
        form = (await visitor.get(f"/people/{person.id}")).form(f"“{example}”")
        sent = await visitor.post(f"/people/{person.id}/say", {**form, "text": ""})
        assert "Not possible" not in (await visitor.get(sent.location)).text
    with pytest.raises(AssertionError, match="no button"):
        (await visitor.get(f"/people/{auditor.id}")).form("“status”")


async def test_an_empty_message_is_asked_for_again_beside_its_input(visitor: Visitor) -> None:
    sent = await visitor.post("/people/1/say", {"text": " \u00a0 ", "event_id": str(uuid4())})
    page = await visitor.get(sent.location)
    assert "Error: Please type something first" in page.text
    assert 'aria-invalid="true"' in page.text


# ---- the clock of a demonstration


async def test_the_clock_moves_once_however_often_its_button_is_sent(visitor: Visitor) -> None:
    form = (await visitor.get("/timeline?person=3")).form("One working day on")
    moved = await visitor.post("/clock", form)
    assert moved.status == 303
    assert moved.location.startswith("/timeline?person=3&clock=")
    page = await visitor.get(moved.location)
    assert "Moved to Wed 4 Mar 2026 at 09:00; no message was sent." in page.text
    again = await visitor.get((await visitor.post("/clock", form)).location)
    assert "The clock stood there already. It is Wed 4 Mar 2026 at 09:00." in again.text


async def test_the_clock_goes_no_further_than_was_offered_and_never_back(visitor: Visitor) -> None:
    now = visitor.desk.program.now()
    for moment in ("99990101T000000000000", "20261399T000000000000", "tomorrow", ""):
        assert (await visitor.post("/clock", {"to": moment})).status == 400
    back = await visitor.post("/clock", {"to": clock.stamp(now - timedelta(days=1)), "back": "//elsewhere.example/"})
    assert back.location == "/?clock=already#clock"
    assert visitor.desk.program.now() == now


async def test_a_forged_notice_about_the_clock_is_not_shown(visitor: Visitor) -> None:
    page = await visitor.get("/?clock=20260101T000000000000-99")
    assert "clock__notice" not in page.text


async def test_only_a_demonstration_has_a_clock(opens_desk: OpensDesk) -> None:
    async with opens_desk(demonstration=False) as desk, ClientSession() as session:
        visitor = Visitor(desk, session)
        assert "Move the clock" not in (await visitor.get("/")).text
        assert (await visitor.post("/clock", {"to": clock.stamp(desk.program.now())})).status == 404


# ---- who may not


@pytest.mark.parametrize(
    "host",
    [
        "elsewhere.example",
        "127.0.0.1.elsewhere.example:80",
        "127.0.0.1@elsewhere.example",
        "10.0.0.8",
        "localhost:x",
        "a b",
    ],
)
async def test_another_name_for_this_computer_is_refused(visitor: Visitor, host: str) -> None:
    page = await visitor.get("/", headers={"Host": host})
    assert page.status == 421
    assert page.heading == "The desk is only for this computer"
    assert "Foxglove" not in page.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8414", "127.0.0.1:1", "[::1]:8414"])
async def test_this_computers_own_names_are_taken(visitor: Visitor, host: str) -> None:
    assert (await visitor.get("/", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Referer": "http://elsewhere.example/people/1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "own", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "own", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_form_changes_nothing(visitor: Visitor, headers: dict[str, str]) -> None:
    auditor = await visitor.desk.auditor()
    before = await visitor.recorded()
    form = (await visitor.get(f"/people/{auditor.id}")).form("I'll take it")
    sent = {name: visitor.desk.address if value == "own" else value for name, value in headers.items()}
    page = await visitor.ask("POST", f"/people/{auditor.id}/press", data=form, headers=sent)
    assert page.status == 403
    assert page.heading == "This did not come from the desk"
    assert await visitor.recorded() == before


async def test_a_browser_that_hides_the_origin_is_known_by_its_referer(visitor: Visitor) -> None:
    form = {"text": "help", "event_id": str(uuid4())}
    headers = {"Referer": f"{visitor.desk.address}/people/1"}
    assert (await visitor.ask("POST", "/people/1/say", data=form, headers=headers)).status == 303


# ---- what goes wrong, in words


async def test_too_much_text_is_refused_however_it_is_sent(visitor: Visitor) -> None:
    async def bit_by_bit() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"text=" + b"x" * 8192

    for data in ({"text": "x" * 200_000, "event_id": str(uuid4())}, bit_by_bit()):
        page = await visitor.post("/people/1/say", data, **{"Content-Type": FORM})
        assert page.status == 413
        assert page.heading == "That is too much text for one message"


async def test_a_damaged_form_is_refused(visitor: Visitor) -> None:
    event = str(uuid4())
    damaged: list[tuple[str, Any, str]] = [
        ("/people/1/say", {"text": "status", "event_id": "1"}, FORM),
        ("/people/1/say", b'{"text": "status"}', "application/json"),
        ("/people/1/say", b"text=\xff\xfe&event_id=" + event.encode(), FORM),
        ("/people/1/say", b"text=a", f"{FORM}; charset=klingon"),
        ("/people/1/press", {"event_id": event}, FORM),
        ("/people/1/press", {"event_id": event, "press": "|1"}, FORM),
    ]
    for path, data, kind in damaged:
        page = await visitor.post(path, data, **{"Content-Type": kind})
        assert (page.status, page.heading) == (400, "That form could not be read")


async def test_nobody_is_found_by_a_number_that_nobody_has(visitor: Visitor) -> None:
    for path in ("/people/999", "/people/999/timeline", "/timeline?person=999"):
        page = await visitor.get(path)
        assert (page.status, page.heading) == (404, "There is nobody here with that number")
    form = {"text": "status", "event_id": str(uuid4())}
    assert (await visitor.post("/people/999/say", form)).status == 404


async def test_every_error_says_what_to_do_instead(visitor: Visitor) -> None:
    wrong = {
        ("GET", "/nowhere"): 404,
        ("GET", "/static/..%2fservice.py"): 404,
        ("GET", "/people/1/press"): 405,
        ("PUT", "/people/1"): 405,
    }
    for (method, path), status in wrong.items():
        page = await visitor.ask(method, path, headers={"Origin": visitor.desk.address})
        assert page.status == status
        assert "list of people" in page.text
        assert page.headers["Content-Type"].startswith("text/html")


async def test_a_fault_of_the_program_is_owned_up_to_and_the_log_has_no_word_that_was_typed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    framework = framework_named("southampton")
    store = Store(open_database(sqlite_url(tmp_path / "without-tables.sqlite3")), framework, calendar_of(framework))
    served = await serve(build_app(Program(store, MovedClock(datetime(2026, 3, 2, tzinfo=UTC)), DeskDoor())), 0)
    address = served.address.rstrip("/")
    form = {"text": "something private", "event_id": str(uuid4())}
    with caplog.at_level(logging.DEBUG):
        async with ClientSession() as session:
            answer = await session.post(f"{address}/people/1/say", data=form, headers={"Origin": address})
            text = await answer.text()
    assert answer.status == 500
    assert "This is the desk’s fault, not yours." in text
    assert "Traceback" not in text
    assert "OperationalError at POST /people/1/say" in caplog.text
    assert "private" not in caplog.text
    await served.close()
    await store.close()


async def test_where_the_port_is_taken_a_demonstration_moves_on_and_others_say_so(opens_desk: OpensDesk) -> None:
    async with opens_desk() as desk:
        port = int(desk.address.rpartition(":")[2])
        second = await serve(build_app(desk.program), port)
        assert second.note.startswith(f"Port {port} is not free, so the desk is at port ")
        await second.close()
        desk.program.demonstration = False
        with pytest.raises(PortTakenError, match=f"Port {port} is not free"):
            await serve(build_app(desk.program), port)
