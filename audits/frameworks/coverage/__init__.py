"""What becomes of each rule of the rulebook in the frameworks that come with auditloop, one TOML file each."""

from collections.abc import Mapping
from functools import cache

from audits.coverage import Covered
from audits.frameworks.beside import tables_of


@cache
def coverage_named(name: str) -> Mapping[str, Covered]:
    """The rules of a framework by their rulebook id. Raises FrameworkError naming those frameworks that there are."""
    return tables_of("coverage", name, Covered)
