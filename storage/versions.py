"""Which tables a database has, and whether this version of auditloop can work with them.

Migrations only add (docs/decisions/0024-backups-and-upgrades.md), so the code of one version works on the tables of the
next, and nodes are upgraded one by one. A migration that takes something away writes into the table of revisions,
under `TABLES`, the oldest revision whose code can still work with what is left.
"""

from functools import cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select
from sqlalchemy.engine import Connection

from storage.tables import RevisionRow

FOLDER = Path(__file__).parent / "migrations"
TABLES = "tables"

_REVISIONS = RevisionRow.table()
_OLDEST = select(_REVISIONS.c.number).where(_REVISIONS.c.name == TABLES)


@cache
def revisions() -> tuple[str, ...]:
    """The revisions that this version knows, oldest first."""
    scripts = ScriptDirectory(str(FOLDER))
    return tuple(script.revision for script in reversed(list(scripts.walk_revisions())))


def newest() -> str:
    """The revision whose tables this version makes."""
    return revisions()[-1]


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; None where no auditloop has made tables in it."""
    return MigrationContext.configure(connection).get_current_revision()


def works_with(connection: Connection) -> bool:
    """Whether this version can work with the tables of a database, once those it lacks are made.

    The tables of a newer version are as good, unless something that this version needs was taken away.
    """
    found = revision_of(connection)
    if found is None or found in revisions():
        return True
    if not inspect(connection).has_table(_REVISIONS.name):
        return False
    oldest = connection.execute(_OLDEST).scalar() or 0
    return int(newest()) >= oldest
