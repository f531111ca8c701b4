"""Microsoft's own renderer of cards (npm `adaptivecards`), in a page of a real Chromium.

It is asked in the browser and not in node alone, because only a card that is laid out shows which inputs and buttons
a person gets, under which names, and whether all of it fits into the width of a message.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from playwright.async_api import Browser, Page

from tests.cards.checks import CHART, Json, inside, of_type

HERE = Path(__file__).parent
LIBRARY = HERE / "node_modules" / "adaptivecards" / "dist" / "adaptivecards.min.js"
WIDTH = 600
"""About as wide as a message in Teams, in pixels."""
_CSS = f"""
  body {{ margin: 8px; font: 14px 'Segoe UI', 'Liberation Sans', sans-serif; background: #f5f5f5; color: #242424; }}
  .message {{ width: {WIDTH}px; background: #fff; border: 1px solid #d1d1d1; border-radius: 4px; }}
  .message p {{ margin: 0 0 8px; }}
  .message p:last-child {{ margin: 0; }}
  .ac-input {{ box-sizing: border-box; width: 100%; padding: 6px 8px; font: inherit; }}
  .ac-input.ac-textInput, select.ac-input {{ border: 1px solid #616161; border-radius: 4px; }}
  textarea.ac-input {{ min-height: 64px; }}
  .ac-choiceSetInput-expanded {{ padding: 0; }}
  .ac-choiceSetInput-expanded input {{ width: auto; }}
  .ac-actionSet, .ac-actionSet > div {{ flex-wrap: wrap; row-gap: 8px; }}
  .ac-pushButton {{ padding: 6px 12px; font: inherit; font-weight: 600; background: #fff; color: #242424; }}
  .ac-pushButton {{ border: 1px solid #616161; border-radius: 4px; }}
  .ac-pushButton.style-positive {{ background: #5b5fc7; border-color: #5b5fc7; color: #fff; }}
  .ac-pushButton.style-destructive {{ border-color: #b10e1c; color: #b10e1c; }}
"""
"""What a host gives the renderer besides its settings: so much that a person could look at it."""
_PAGE = f'<!doctype html><html lang="en"><head><title>A card</title><style>{_CSS}</style></head><body></body></html>'

# Of all that can be written on a card, only text blocks and facts are Markdown.
_MARKDOWN = MarkdownIt("js-default", {"html": False, "linkify": False})


@dataclass(frozen=True)
class Renderer:
    """A page that reads cards. `page` is the page of the browser, to press and to look at what is shown."""

    page: Page

    async def faults_of(self, cards: Sequence[Json]) -> list[str]:
        """What the renderer complains about, and what it leaves out of what the cards have."""
        readings = await self._ask("readAll", cards, _html(cards))
        return [
            f"{card.get('fallbackText')}: {fault}"
            for card, reading in zip(cards, readings, strict=True)
            for fault in _faults(card, reading)
        ]

    async def show(self, card: Json) -> dict[str, Any]:
        """Put this card into the page, in place of the one before."""
        shown: dict[str, Any] = await self._ask("show", card, _html([card]))
        return shown

    async def inputs(self) -> dict[str, dict[str, Any]]:
        """The inputs of the card that is shown, by id: `visible`, `value`, and the `names` that they are read by."""
        return {one["id"]: one for one in await self._ask("inputs")}

    async def sent(self) -> list[dict[str, Any]]:
        """What the buttons of the card that is shown have sent so far."""
        found: list[dict[str, Any]] = await self._ask("sent")
        return found

    async def _ask(self, name: str, *given: Any) -> Any:
        # As text: the browser's own way to pass values takes seconds for a hundred cards.
        asking = f"given => JSON.stringify(reader.{name}(...JSON.parse(given)) ?? null)"
        return json.loads(await self.page.evaluate(asking, json.dumps(given)))


@asynccontextmanager
async def renderer_in(browser: Browser) -> AsyncIterator[Renderer]:
    """A renderer in a page of its own. It reaches nothing: the library is put into the page from its file."""
    page = await browser.new_page(viewport={"width": WIDTH + 40, "height": 900})
    try:
        await page.set_content(_PAGE)
        await page.add_script_tag(content=LIBRARY.read_text("utf-8"))
        await page.add_script_tag(content=(HERE / "reader.js").read_text("utf-8"))
        yield Renderer(page)
    finally:
        await page.close()


def _html(cards: Iterable[Json]) -> dict[str, str]:
    """The Markdown of the cards, by its source."""
    sources = {
        str(one[key])
        for card in cards
        for one in inside(card)
        for key in ("text", "value", "title", "fallbackText")
        if (one.get("type") == "TextBlock" or "type" not in one) and key in one
    }
    return {source: _MARKDOWN.render(source) for source in sources}


def _faults(card: Json, reading: Json) -> Iterator[str]:
    charts = len(of_type(card, CHART))
    for problem in reading["problems"]:
        # Teams draws this one element; wherever it is unknown, it is dropped, and the table after it stays.
        if charts and problem["event"] == "UnknownElementType" and CHART in problem["message"]:
            charts -= 1
        else:
            yield f"{problem['event']}: {problem['message']}"
    if not reading["words"].strip():
        yield "it is rendered blank"
    inputs = {one["id"]: one for one in reading["inputs"]}
    for asked in of_type(card, "Input."):
        shown = inputs.get(asked.get("id"))
        if shown is None or not shown["controls"]:
            yield f"the input {asked.get('id')!r} is not rendered"
        elif not any(" ".join(str(asked.get("label")).split()) in name for name in shown["names"]):
            yield f"the input {asked['id']!r} is read as {shown['names']}"
    buttons = list(reading["buttons"])
    for action in _pressed(card):
        title = " ".join(str(action.get("title")).split())
        if title in buttons:
            buttons.remove(title)
        else:
            yield f"the button {title!r} is not rendered"
    if reading["overflow"]:
        yield f"it is {reading['overflow']} pixels wider than a message"


def _pressed(card: Json) -> Iterator[dict[str, Any]]:
    for holder in (card, *of_type(card, "ActionSet")):
        yield from holder.get("actions") or ()
