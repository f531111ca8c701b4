"""A fault of a framework: where it stands, and words that say what is wrong and what to write instead."""

from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where something stands in a framework, as in `("duties", "accept", "ladder", 1, "to")`; lists count from 0."""

NAMED_TABLES = frozenset({"duties", "limits", "notices", "roles", "settings", "verbs"})
"""Tables whose entries have a heading each, as in `[duties.accept]`."""
LISTED_TABLES = frozenset({"grades", "old_scale", "sections"})
"""Tables that come one after the other under the same heading, as in `[[grades]]`."""


@dataclass(frozen=True)
class Problem:
    """A fault of a framework: where it stands (`path`), and a sentence or two for it."""

    path: Path
    fault: str

    @property
    def words(self) -> str:
        """`[duties.accept] ladder: ...`: the heading, the key below it, and the fault."""
        size = heading_size(self.path)
        heading = ".".join(str(part) for part in self.path[:size] if isinstance(part, str))
        if not heading:
            return self.fault
        heading = f"[[{heading}]]" if self.path[0] in LISTED_TABLES else f"[{heading}]"
        key = ".".join(part for part in self.path[size:] if isinstance(part, str))
        return f"{heading} {key}: {self.fault}" if key else f"{heading}: {self.fault}"


def heading_size(path: Path) -> int:
    """How many parts of a path its heading in the file takes."""
    if path[:2] == ("cycle", "notices"):
        return 3
    return 2 if path[:1] and path[0] in NAMED_TABLES | LISTED_TABLES else 1
