"""The desk in a real browser: a month played by hand, without scripts as well, and readable for everyone."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from audits.people import Person
from tests.bot.conftest import OpenDesk, OpensDesk
from tests.browsers import be_patient

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

EVERY_RULE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
# Only the colours differ in the dark.
RULES_OF_COLOUR = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
WIDER_THAN_THE_WINDOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

NOT_SEEN = "Nobody has seen the baby since the fall."
SEE_THE_BABY = "Visit and see the baby alone."


@dataclass
class Visit:
    """Somebody at the desk with a browser, and what its console said meanwhile."""

    desk: OpenDesk
    page: Page
    console: list[str] = field(default_factory=list)

    async def be(self, person: Person) -> None:
        await self.page.goto(f"{self.desk.address}/people/{person.id}")

    async def press(self, button: str, card: Locator | None = None) -> None:
        """Press a button (of one card), and wait for the answer."""
        where = card or self.page.locator("main")
        async with self.page.expect_navigation(url="**reply=**"):
            await where.get_by_role("button", name=button, exact=True).first.click()

    async def say(self, text: str) -> None:
        await self.page.get_by_label("Your message").fill(text)
        await self.press("Send")

    async def move_clock(self, label: str) -> str:
        """Move the clock by the button with this label; what the desk says of it."""
        async with self.page.expect_navigation(url="**clock=**"):
            await self.page.get_by_role("button", name=label).click()
        return await self.page.locator(".clock__notice").inner_text()

    @property
    def answer(self) -> Locator:
        return self.page.locator("#reply")

    async def answered(self, title: str) -> None:
        await expect(self.answer.locator(".card__title")).to_have_text(title)

    def card(self, words: str) -> Locator:
        """The card in whose text these words are."""
        return self.page.locator("article.card", has_text=words)

    def question(self, words: str) -> Locator:
        """A question with radio buttons, in the answer at the top."""
        return self.answer.get_by_role("radiogroup", name=re.compile(re.escape(words)))


async def visit_of(desk: OpenDesk, context: BrowserContext) -> Visit:
    be_patient(context)
    visit = Visit(desk, await context.new_page())
    visit.page.on("console", lambda message: visit.console.append(message.text))
    visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
    return visit


@pytest_asyncio.fixture(loop_scope="module")
async def desk(opens_desk: OpensDesk) -> AsyncIterator[OpenDesk]:
    async with opens_desk() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def visit(desk: OpenDesk, browser: Browser) -> AsyncIterator[Visit]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    visit = await visit_of(desk, context)
    yield visit
    await context.close()
    assert not visit.console


async def booked(visit: Visit, auditor: Person, practitioner: Person) -> None:
    await visit.be(auditor)
    await visit.press("I'll take it")
    await visit.say("Thurs 2pm")
    await expect(visit.answer).to_contain_text(f"We have asked {practitioner.name}")
    await visit.be(practitioner)
    await visit.press("Yes, that suits me")
    await visit.answered("Your discussion is on Thu 5 Mar 2026 at 14:00")


async def held(visit: Visit, auditor: Person) -> None:
    """The clock goes on until an hour after the session, when the auditor is asked whether it was held."""
    await visit.be(auditor)
    for _ in range(6):
        await visit.move_clock("To the next thing that happens")
        if await visit.page.get_by_role("button", name="Yes, we talked").count():
            break
    await visit.press("Yes, we talked")


async def fill_in(visit: Visit) -> None:
    """The grade form, but for the reason of the grade."""
    await visit.question("Overall grade").get_by_label("Inadequate").check()
    await visit.question("safeguarding concern").get_by_label("Yes", exact=True).check()
    await visit.answer.get_by_label("If yes: what should they know?").fill(NOT_SEEN)
    await visit.question("child or young person").get_by_label("Yes, they gave their view").check()
    await visit.question("parent or carer").get_by_label("We tried").check()
    await visit.answer.get_by_label("What is to be put right?").first.fill(SEE_THE_BABY)


async def test_a_month_is_played_by_hand(visit: Visit) -> None:
    desk, page = visit.desk, visit.page
    ref = (await desk.audit()).case.ref
    auditor, practitioner = await desk.auditor(), await desk.practitioner()
    team_manager, lead, head, deputy, *_ = (await desk.directory()).line_of(practitioner)

    await booked(visit, auditor, practitioner)
    await held(visit, auditor)
    await visit.answered(f"Your grade for {ref}")

    await fill_in(visit)
    await visit.press("Send the audit", visit.answer)
    error = visit.answer.locator(".field--error")
    await expect(error).to_have_count(1)
    await expect(error.locator(".field__error")).to_have_text(
        "Error: Please say in a sentence or two why you chose this grade."
    )
    reason = error.get_by_label("Why this grade?")
    assert await reason.get_attribute("aria-invalid") == "true"
    for person in (team_manager, lead, head, deputy):
        await expect(visit.answer.get_by_role("alert")).to_contain_text(person.name)
    assert await visit.question("Overall grade").get_by_label("Inadequate").is_checked()
    await expect(visit.answer.get_by_label("What is to be put right?").first).to_have_value(SEE_THE_BABY)
    await reason.fill("The danger was seen, but nothing followed.")
    await visit.press("Send the audit", visit.answer)
    await visit.answered(f"You completed the audit: {ref}")

    for person in (head, deputy, lead, team_manager):
        await visit.be(person)
        await expect(page.locator(".letter").first).to_contain_text(NOT_SEEN)
        await expect(page.locator(".card__title").first).to_have_text(f"Safety alert: {ref}")
        await visit.press("I have this")
        await expect(visit.answer.locator(".card__title")).to_contain_text("You have the alert")

    for officer in (await desk.directory()).holders("qa_unit"):
        await visit.be(officer)
        if await page.get_by_role("button", name="Confirm this grade").count():
            break
    else:
        raise AssertionError("nobody in the QA Unit was asked to moderate")
    await page.get_by_label("Why?").fill("The file bears it out.")
    await visit.press("Confirm this grade")
    await visit.answered(f"You moderated the audit: {ref}")

    await visit.be(lead)
    urgent = visit.card("What has been done?")
    await urgent.get_by_label("What has been done?").fill("Visited today; the baby is safe and well.")
    await visit.press("Send the update", urgent)
    await visit.press("I have read it and commented on the file")
    await expect(visit.answer).to_contain_text("confirmed management oversight")

    await visit.be(auditor)
    await visit.press("It is on Care Director")
    await expect(visit.answer).to_contain_text("uploaded the audit")

    await visit.be(practitioner)
    await visit.press("It is done", visit.card(SEE_THE_BABY).first)
    await expect(visit.answer).to_contain_text("reported this done")
    await visit.be(lead)
    await visit.press("Sign it off")
    await expect(visit.answer).to_contain_text("signed this off")

    await visit.be(officer)
    await visit.say("status")
    await visit.answered("How things stand: March 2026")
    await expect(visit.answer.get_by_role("row", name="Uploaded to the file")).to_contain_text("1")
    await visit.say(f"case {ref}")
    await visit.answered(f"Case {ref}")
    await visit.say(f"who {practitioner.name}")
    await visit.answered(practitioner.name)
    assert (await visit.move_clock("Through to the end of the month’s cycle")).endswith(" messages were sent.")
    await visit.say("overdue")
    await visit.answered("What is overdue")
    assert await visit.answer.get_by_role("row").count() > 5

    await page.goto(f"{desk.address}/timeline")
    await page.get_by_label("Whose timeline").select_option(str(head.id))
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url(f"{desk.address}/timeline?person={head.id}")
    alert = page.locator(".event", has_text="SOU-12").first
    await expect(alert).to_contain_text(f"to {head.name}")
    await expect(alert).to_contain_text(ref)
    await expect(alert).to_contain_text("SOU-12")


async def test_the_main_answers_need_no_script(desk: OpenDesk, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    visit = await visit_of(desk, context)
    auditor, practitioner = await desk.auditor(), await desk.practitioner()
    await booked(visit, auditor, practitioner)
    await held(visit, auditor)
    await fill_in(visit)
    await visit.press("Send the audit", visit.answer)
    await expect(visit.answer.locator(".field__error")).to_have_count(1)
    await visit.answer.get_by_label("Why this grade?").fill("The danger was seen, but nothing followed.")
    await visit.press("Send the audit", visit.answer)
    await expect(visit.answer).to_contain_text("completed the audit")
    await visit.page.get_by_label("Go to the desk of").select_option(str(practitioner.id))
    await visit.page.get_by_role("button", name="Go", exact=True).click()
    await expect(visit.page.get_by_role("heading", level=1)).to_contain_text(practitioner.name)
    await context.close()


async def test_after_an_answer_the_focus_is_on_it_and_the_title_says_how_it_went(visit: Visit) -> None:
    auditor = await visit.desk.auditor()
    await visit.be(auditor)
    await visit.press("I'll take it")
    await expect(visit.answer).to_be_focused()
    await visit.press("Suggest this time", visit.answer)
    await expect(visit.page).to_have_title(re.compile(r"^Error: When could you talk about "))
    await expect(visit.answer).to_be_focused()


async def test_going_back_never_sends_a_form_that_has_been_sent(visit: Visit) -> None:
    page = visit.page
    event = page.locator(".write input[name=event_id]")
    await visit.be(await visit.desk.auditor())
    first = await event.get_attribute("value")
    await visit.say("mine")
    await page.go_back()
    await expect(event).not_to_have_value(str(first))
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()


async def test_the_desk_can_be_used_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    await visit.be(await visit.desk.auditor())
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the main content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    take = page.get_by_role("button", name="I'll take it")
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await take.evaluate("button => button === document.activeElement"):
            break
    async with page.expect_navigation(url="**reply=**"):
        await page.keyboard.press("Enter")
    await expect(visit.answer).to_contain_text("When could you talk about")


async def faults_of(page: Page) -> list[str]:
    """What stands in someone's way on this page, wide and narrow, in light and dark."""
    found = []
    for width in (1280, 360, 320):
        await page.set_viewport_size({"width": width, "height": 800})
        if await page.evaluate(WIDER_THAN_THE_WINDOW) > 0:
            found.append(f"at {width} px it scrolls sideways")
        if width == 320:
            continue
        await page.emulate_media(color_scheme="light")
        seen = (await Axe().run(page, options=EVERY_RULE)).response["violations"]
        await page.emulate_media(color_scheme="dark")
        seen += (await Axe().run(page, options=RULES_OF_COLOUR)).response["violations"]
        found += [f"at {width} px: {one['id']}, {one['help']}, {one['nodes'][0]['html'][:200]}" for one in seen]
    return found


async def test_each_kind_of_page_is_accessible_at_any_width_in_light_and_dark(visit: Visit) -> None:
    desk, page = visit.desk, visit.page
    auditor, other = await desk.auditor(), await desk.auditor(2)
    await visit.be(auditor)
    await visit.press("I'll take it")
    await visit.press("We have already talked")
    await visit.press("Send the audit", visit.answer)
    with_errors = page.url
    officer = await desk.holder("qa_unit")
    await visit.be(officer)
    await visit.say("status")
    with_numbers = page.url
    await visit.say("cycle March")
    with_a_table = page.url
    pages = {
        "start": f"{desk.address}/",
        "desk with a form": f"{desk.address}/people/{other.id}",
        "answer with errors": with_errors,
        "answer with numbers": with_numbers,
        "answer with a table": with_a_table,
        "timeline": f"{desk.address}/timeline",
        "error page": f"{desk.address}/nowhere",
    }
    found = {}
    for name, address in pages.items():
        await page.goto(address)
        if faults := await faults_of(page):
            found[name] = faults
    assert not found
    # The browser itself says of a page that isn't there that it isn't there.
    assert [line for line in visit.console if "404" not in line] == []
    visit.console.clear()


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_the_command_opens_a_desk_and_stops_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from bot.commands import run; run()"]
    options = ["demo", "--port", "0", "--no-browser"]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)}
    program = await asyncio.create_subprocess_exec(
        *command, *options, cwd=tmp_path, env=here, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert program.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(60):
            while not (said and "The desk is open at" in said[-1]):
                line = await program.stdout.readline()
                assert line, said
                said.append(line.decode())
            address = re.search(r"http://127\.0\.0\.1:\d+/", said[-1])
            assert address is not None
            async with ClientSession() as session, session.get(address[0]) as answer:
                assert answer.status == 200
                assert "Start here" in await answer.text()
            program.send_signal(signal.SIGTERM)
            said.append((await program.stdout.read()).decode())
            assert await program.wait() == 0, said
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    assert said[-1].strip() == "Stopped."
    assert not left_in(tmp_path)
