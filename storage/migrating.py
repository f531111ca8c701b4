"""Bringing a database to the tables that this version needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

FOLDER = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def migrate(database: AsyncEngine) -> tuple[str | None, str | None]:
    """Bring the tables up to date: the revision before and the one after. Does nothing where they are."""

    def upgrade(connection: Connection) -> tuple[str | None, str | None]:
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(_config(connection), "head")
        return before, MigrationContext.configure(connection).get_current_revision()

    async with database.begin() as connection:
        return await connection.run_sync(upgrade)


async def is_current(database: AsyncEngine) -> bool:
    """Whether the database has the tables that this version needs."""

    def current(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.connect() as connection:
        found = await connection.run_sync(current)
    return found == ScriptDirectory.from_config(_config()).get_current_head()
