"""The activities of the frameworks that come with auditloop, one TOML file each: `[KEY]` tables of Activity."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from audits.activities import Activity
from audits.reading import FrameworkError


@cache
def activities_named(name: str) -> Mapping[str, Activity]:
    """The activities of a framework by key, in the order of its file. Raises FrameworkError naming those there are."""
    there_are = sorted(
        one.name.removesuffix(".toml") for one in files(__name__).iterdir() if one.name.endswith(".toml")
    )
    if name not in there_are:
        raise FrameworkError([f"There are no activities for {name!r}. There are some for: {', '.join(there_are)}."])
    raw = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    return MappingProxyType({key: Activity.model_validate(table) for key, table in raw.items()})
