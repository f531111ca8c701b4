"""A Slack of the test's own, by itself or with the small Southampton service behind it."""

from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from handlers.when.day import read_day
from tests.handlers.conftest import Founded, founded
from tests.slack.council import Opens, Story, opened
from tests.slack.server import Slack

__all__ = ["founded"]


@pytest.fixture(scope="session", autouse=True)
def dates_are_known() -> None:
    """The library that reads dates is loaded with the first of them; a busy machine takes longer than Slack waits."""
    assert read_day("Tues", date(2026, 1, 5)) == date(2026, 1, 6)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """It fails the test that ends with a fault or with a message that nobody looked at."""
    async with Slack() as opened:
        yield opened
        opened.check()


@pytest.fixture
def opens(founded: Founded, tmp_path: Path) -> Opens:
    """Opens the service with Slack in front of it."""
    return partial(opened, founded, tmp_path)


@pytest.fixture
async def story(opens: Opens) -> AsyncIterator[Story]:
    """January's list has gone out to everybody; what came so far was looked at."""
    async with opens() as begun:
        await begun.everyone_told()
        begun.slack.look()
        yield begun
