"""What becomes of each rule of the rulebook in the frameworks that come with auditloop, one TOML file each."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from audits.coverage import Covered
from audits.reading import FrameworkError


@cache
def coverage_named(name: str) -> Mapping[str, Covered]:
    """The rules of a framework by their rulebook id. Raises FrameworkError naming those frameworks that there are."""
    there_are = sorted(
        one.name.removesuffix(".toml") for one in files(__name__).iterdir() if one.name.endswith(".toml")
    )
    if name not in there_are:
        raise FrameworkError([f"There is no coverage of {name!r}. There is one of: {', '.join(there_are)}."])
    raw = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    return MappingProxyType({key: Covered.model_validate(table) for key, table in raw.items()})
