"""Somebody who sits at a Playground, with the verbs that a story needs: what they read, write, choose and press."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, Locator, Page, Request, expect

from tests.browsers import be_patient
from tests.teams.exchanges import Exchanges
from tests.teams.playground import BOT_NAME, Persona, Playground

PERSONAL_CHAT = "Personal Chat"
_HERE = "127.0.0.1"
# Milliseconds. The page is a script of some megabytes, which takes a busy machine a while to read.
_TO_OPEN = 90_000
_LOG = "/_ws/log/"
_SAID = re.compile(r"/_conversation/v1/conversations/[^/]+/messages$")
_IN_A_LIST: tuple[Literal["option"], Literal["menuitemcheckbox"]] = ("option", "menuitemcheckbox")
_NOT_IN_THE_LIST_OF_CHATS = ":not([role=tree] *)"


@dataclass
class Someone:
    """A person with a page of their Playground in front of them.

    A chat has its newest message last, a channel its newest post first. `exchanges` has all that went between the
    Playground and the bot. `elsewhere` has every address beyond this machine that the page asked for, `reached` those
    that answered. `earlier` is how many cards of the personal chat are of no interest, for they are of another story.
    """

    playground: Playground
    page: Page
    exchanges: Exchanges = field(default_factory=Exchanges)
    elsewhere: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    place: str = PERSONAL_CHAT
    earlier: int = 0

    @property
    def persona(self) -> Persona:
        return self.playground.persona

    @property
    def cards(self) -> Locator:
        """The cards in the conversation that is shown."""
        earlier = self.earlier if self.place == PERSONAL_CHAT else 0
        return self.page.locator(f"xpath=(//*[contains(@class, 'ac-preview-panel')])[position() > {earlier}]")

    @property
    def latest_card(self) -> Locator:
        return self.cards.last

    def card(self, words: str) -> Locator:
        """The last card in whose text these words are."""
        return self.cards.filter(has_text=words).last

    def note(self, card: Locator | None = None) -> Locator:
        """The words that stand under a card after an answer."""
        message = (card or self.latest_card).locator("xpath=..")
        return message.get_by_role("button", name="Dismiss Invoke Message").locator("xpath=..")

    def words(self, words: str) -> Locator:
        """Where these words stand in the conversation that is shown."""
        return self.page.get_by_text(words).and_(self.page.locator(_NOT_IN_THE_LIST_OF_CHATS))

    async def reads(self, words: str) -> None:
        await expect(self.words(words).last).to_be_visible()

    async def has_card(self, words: str) -> Locator:
        """Wait for a card with these words."""
        card = self.card(words)
        await expect(card).to_be_visible()
        return card

    async def say(self, text: str) -> None:
        """Write what the bot hears only in the personal chat (there: wait for its answer). In a channel, a new post."""
        await self._editor.fill(text)
        async with self._answered("message") if self.place == PERSONAL_CHAT else nullcontext():
            await self._send()

    async def mention(self, text: str) -> None:
        """Write with an @mention of the bot before the text, and wait until the bot has answered."""
        await self._editor.click()
        await self.page.keyboard.type(f"@{BOT_NAME[:4]}")
        await self.page.get_by_role("menuitem", name=BOT_NAME).click()
        await self.page.keyboard.insert_text(f" {text}")
        async with self._answered("message"):
            await self._send()

    async def press(self, button: str, card: Locator | None = None) -> None:
        """Press a button of a card (the latest), and wait until the bot has answered."""
        async with self._answered():
            await self.click(button, card)

    async def click(self, button: str, card: Locator | None = None) -> None:
        """Press a button that sends nothing: it opens a part of the card, or an answer is missing."""
        await (card or self.latest_card).get_by_role("button", name=button, exact=True).click()

    async def follow(self, link: str, card: Locator | None = None) -> str:
        """Press a button that opens a page; the address that was opened."""
        context = self.page.context
        async with context.expect_page() as opened, context.expect_event("request", _is_visit) as asked:
            await (card or self.latest_card).get_by_role("link", name=link, exact=True).click()
        await (await opened.value).close()
        request: Request = await asked.value
        return request.url

    def field(self, label: str, card: Locator | None = None) -> Locator:
        """The input with this label. Its name goes on with its error, where it has one."""
        return (card or self.latest_card).get_by_label(re.compile(f"^{re.escape(label)}"))

    async def fill(self, label: str, text: str, card: Locator | None = None) -> None:
        await self.field(label, card).fill(text)

    async def choose(self, label: str, *choices: str, card: Locator | None = None) -> None:
        """Choose one of several, or some of several, whether they stand there or in a list that opens."""
        where = self.field(label, card).first
        role = await where.get_attribute("role")
        for choice in choices:
            if role == "radiogroup":
                await where.get_by_label(choice, exact=True).check()
            elif role == "combobox":
                await self._choose_in_list(where, choice)
            else:
                tick = re.compile(f"^{re.escape(label)}.*{re.escape(choice)}$")
                await (card or self.latest_card).get_by_role("checkbox", name=tick).check()
        if role == "combobox":
            await self.page.keyboard.press("Escape")

    async def _choose_in_list(self, where: Locator, choice: str) -> None:
        if await where.get_attribute("aria-expanded") != "true":
            await where.click()
        one, one_of_some = (self.page.get_by_role(role, name=choice, exact=True) for role in _IN_A_LIST)
        await one.or_(one_of_some).click()

    async def tick(self, title: str, card: Locator | None = None) -> None:
        await (card or self.latest_card).get_by_role("checkbox", name=title).check()

    async def pick_date(self, label: str, day: date, card: Locator | None = None) -> None:
        where = self.field(label, card)
        await where.fill(f"{day:%m/%d/%Y}")
        await where.press("Enter")
        # The calendar stays open, and hides all else from those who can't see it.
        await self.page.keyboard.press("Escape")
        await expect(where).to_have_value(re.compile(rf"\b{day.day}\b.*{day.year}"))

    async def pick_time(self, label: str, time: str, card: Locator | None = None) -> None:
        """`time` as 14:30."""
        where = self.field(label, card)
        await where.fill(time)
        await where.press("Enter")

    async def open(self, conversation: str) -> None:
        """Go to another conversation: the personal chat, or the group chat or a channel by its name."""
        await self.page.get_by_role("treeitem", name=conversation).click()
        self.place = conversation

    async def install(self) -> None:
        await self.mock("Install application")

    async def uninstall(self) -> None:
        await self.mock("Uninstall application")

    async def mock(self, activity: str, changes: Mapping[str, Any] | None = None) -> None:
        """Send what the Playground's own menu has under this title, with `changes` to it."""
        page = self.page
        await page.get_by_role("button", name="Mock an Activity").click()
        async with page.expect_response("**/customActivities/template**") as template:
            await page.get_by_role("menuitem").filter(has_text=activity).first.click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("textbox")).to_be_attached()
        whole = await (await template.value).json() | dict(changes or {})
        if changes:
            await dialog.locator(".view-lines").click()
            await page.keyboard.press("Control+A")
            await page.keyboard.insert_text(json.dumps(whole))
            # The editor has closed quotes and brackets by itself, behind the cursor.
            await page.keyboard.press("Control+Shift+End")
            await page.keyboard.press("Delete")
        async with self._answered(whole["type"]):
            await dialog.get_by_role("button", name="Send activity").click()
        await expect(dialog).to_be_hidden()

    @property
    def _editor(self) -> Locator:
        """Where they write. In a channel each post has one for replies too, further down."""
        return self.page.locator("[data-lexical-editor]").first

    @asynccontextmanager
    async def _answered(self, *activities: str) -> AsyncIterator[None]:
        """Wait at the end until the bot has answered what was sent meanwhile."""
        since = len(self.exchanges.seen)
        yield
        await self.exchanges.heard(*activities, since=since)

    async def _send(self) -> None:
        post, send = (self.page.get_by_role("button", name=name, exact=True) for name in ("Post", "Send Message"))
        async with self.page.expect_response(_SAID):
            await post.or_(send).first.click()


@asynccontextmanager
async def seated(playground: Playground, browser: Browser) -> AsyncIterator[Someone]:
    """The person of this Playground, once the bot has answered that it is installed for them."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    be_patient(context)
    page = await context.new_page()
    someone = Someone(playground, page)
    context.on("request", lambda request: _note(request.url, someone.elsewhere))
    context.on("requestfinished", lambda request: _note(request.url, someone.reached))
    page.on(
        "websocket", lambda socket: socket.on("framereceived", someone.exchanges.take) if _LOG in socket.url else None
    )
    try:
        await page.goto(playground.address, timeout=_TO_OPEN)
        await someone.exchanges.heard("installationUpdate", "conversationUpdate", since=0)
        # What the Playground logs there would be taken for what people read.
        await page.get_by_title("Hide log panel").click()
        yield someone
    finally:
        await context.close()


def _note(url: str, elsewhere: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"blob", "data"} and parts.hostname != _HERE:
        elsewhere.append(url)


def _is_visit(request: Request) -> bool:
    return request.is_navigation_request()
