"""The frameworks that come with auditloop, one TOML file each."""

from functools import cache
from importlib.resources import files

from audits.framework import Framework
from audits.reading import FrameworkError, parse_framework


def shipped() -> tuple[str, ...]:
    """The names of the frameworks that come with auditloop, in alphabetical order."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in files(__name__).iterdir() if entry.name.endswith(".toml"))
    )


@cache
def framework_named(name: str) -> Framework:
    """A framework that comes with auditloop. Raises FrameworkError naming those that there are."""
    if name not in shipped():
        raise FrameworkError([f"There is no framework {name!r}. There are: {', '.join(shipped())}."])
    return parse_framework(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"), f"{name}.toml")
