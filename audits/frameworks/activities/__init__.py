"""The activities of the frameworks that come with auditloop, one TOML file each: `[KEY]` tables of Activity."""

from collections.abc import Mapping
from functools import cache

from audits.activities import Activity
from audits.frameworks.beside import tables_of


@cache
def activities_named(name: str) -> Mapping[str, Activity]:
    """The activities of a framework by key, in the order of its file. Raises FrameworkError naming those there are."""
    return tables_of("activities", name, Activity)
