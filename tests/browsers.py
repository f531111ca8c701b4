"""A Chromium for tests, kept to this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, async_playwright, expect

STAYS_HERE = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# A loaded machine is no fault of what is tested. Milliseconds.
PATIENCE = 20_000


@asynccontextmanager
async def opened(chromium: str) -> AsyncIterator[Browser]:
    """The browser at this path, headless; it is closed at the end."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=STAYS_HERE)
        try:
            yield started
        finally:
            await started.close()


def be_patient(context: BrowserContext) -> None:
    """Every wait of this browser's pages, and every expectation, gets the same deadline."""
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
