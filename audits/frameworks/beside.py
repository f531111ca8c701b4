"""What a shipped framework has beside its own file: a folder of TOML files, one a council, made of `[KEY]` tables."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from audits.reading import FrameworkError

Row = TypeVar("Row", bound=BaseModel)


def tables_of(folder: str, name: str, shape: type[Row]) -> Mapping[str, Row]:
    """The tables of a framework's file in a folder, by key, in the order of the file.

    Raises FrameworkError naming the frameworks that have one.
    """
    place = files("audits.frameworks").joinpath(folder)
    there_are = sorted(one.name.removesuffix(".toml") for one in place.iterdir() if one.name.endswith(".toml"))
    if name not in there_are:
        raise FrameworkError([f"There is no {folder} of {name!r}. There is one of: {', '.join(there_are)}."])
    raw = tomllib.loads(place.joinpath(f"{name}.toml").read_text("utf-8"))
    return MappingProxyType({key: shape.model_validate(table) for key, table in raw.items()})
