"""Opening the store that the settings name, with its tables up to date."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from audits.calendar import WorkCalendar
from audits.framework import Framework
from audits.frameworks import framework_named, shipped
from audits.reading import parse_framework, with_settings
from bot.faults import UserFault
from bot.settings import FILE, Settings
from bot.unreachable import in_reach

if TYPE_CHECKING:
    from storage.store import Store

OLDEST_SQLITE = (3, 35)
"""The first that gives back what an update changed, by which messages are claimed."""


def chosen_framework(name: str) -> Framework:
    """A framework by its shipped name or its file's path. Raises FrameworkError or UserFault."""
    if name in shipped():
        return framework_named(name)
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UserFault(f"There is no file {name}. Name a framework file, or one of: {', '.join(shipped())}.")
        return parse_framework(text_of(path), path.name)
    return framework_named(name)


def text_of(path: Path) -> str:
    """The text of a framework's file. Raises UserFault where it is none."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UserFault(f"{path.name} is not a text file in UTF-8. Save it as UTF-8 and try again.") from error


def configured_framework(settings: Settings) -> Framework:
    """The framework of these settings with the council's own switches. Raises FrameworkError or UserFault."""
    framework = chosen_framework(settings.framework)
    if not settings.switches:
        return framework
    return with_settings(framework, settings.switches, f"{FILE}, switches", decided=True)


def calendar_of(framework: Framework) -> WorkCalendar:
    return WorkCalendar(zone=ZoneInfo(framework.about.zone))


@asynccontextmanager
async def open_store(settings: Settings) -> "AsyncIterator[Store]":
    """The store of these settings, its tables brought up to date, closed at the end.

    Raises UserFault where its database can't be opened.
    """
    # Here, because what only shows frameworks needs no database, and starts in half the time without.
    from storage.database import open_database
    from storage.migrating import migrate
    from storage.store import Store

    framework = configured_framework(settings)
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise UserFault(
            f"This Python comes with SQLite {sqlite3.sqlite_version}, and auditloop needs 3.35 or newer. Please use "
            "another Python, for example the one from python.org or of a newer system."
        )
    with in_reach(settings):
        database = open_database(settings.database_url)
    store = Store(database, framework, calendar_of(framework))
    try:
        with in_reach(settings):
            await migrate(database)
        yield store
    finally:
        await store.close()
