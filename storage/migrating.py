"""Bringing a database to the tables that this version needs."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.versions import FOLDER, newest, revision_of, revisions, works_with

LOCK = 8_414_000_001
"""The number under which nodes that migrate one PostgreSQL take turns; it means nothing else."""


class TooNewError(RuntimeError):
    """The tables of a newer version, from which something was taken away that this one needs."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def migrate(database: AsyncEngine) -> tuple[str | None, str | None]:
    """Bring the tables up to date: the revision before and the one after. Does nothing where they are.

    All of it commits, or none. Of several nodes that start at once, one does it while the others wait. The tables of a
    newer version are left as they are. Raises TooNewError where this version can't work with them.
    """

    def upgrade(connection: Connection) -> tuple[str | None, str | None]:
        if connection.dialect.name == "postgresql":
            # A migration may take longer than any other statement, and so may the wait for another node's.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        before = revision_of(connection)
        if not works_with(connection):
            raise TooNewError(f"the database has the tables of a newer version ({before})")
        if before is not None and before not in revisions():
            return before, before
        command.upgrade(_config(connection), "head")
        return before, revision_of(connection)

    async with database.begin() as connection:
        return await connection.run_sync(upgrade)


async def is_current(database: AsyncEngine) -> bool:
    """Whether the database has the tables that this version needs, or newer ones that are as good."""

    def current(connection: Connection) -> bool:
        found = revision_of(connection)
        return found == newest() or (found is not None and found not in revisions() and works_with(connection))

    async with database.connect() as connection:
        return await connection.run_sync(current)
