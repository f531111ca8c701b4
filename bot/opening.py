"""Opening the store that the settings name, with its tables up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from audits.calendar import WorkCalendar
from audits.framework import Framework, parse_framework
from audits.frameworks import framework_named, shipped
from bot.faults import UserFault
from bot.settings import Settings
from storage.database import open_database
from storage.migrating import migrate
from storage.store import Store


def chosen_framework(name: str) -> Framework:
    """A framework by its shipped name or its file's path. Raises FrameworkError or UserFault."""
    if name in shipped():
        return framework_named(name)
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UserFault(f"There is no file {name}. Name a framework file, or one of: {', '.join(shipped())}.")
        return parse_framework(path.read_text("utf-8"), path.name)
    return framework_named(name)


def calendar_of(framework: Framework) -> WorkCalendar:
    return WorkCalendar(zone=ZoneInfo(framework.about.zone))


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings, its tables brought up to date, closed at the end."""
    framework = chosen_framework(settings.framework)
    database = open_database(settings.database_url)
    store = Store(database, framework, calendar_of(framework))
    try:
        await migrate(database)
        yield store
    finally:
        await store.close()
