"""What is said when a file can't be imported."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.imports.cells import text_of

SHOWN_PROBLEMS = 50


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it.

    `cell` is an address such as "C12", or "row 2", or empty where the whole file or sheet is meant. `value` is
    shortened, and empty where it might be a personal datum that isn't kept.
    """

    sheet: str
    cell: str
    value: str
    message: str

    def __str__(self) -> str:
        # A sheet's name comes from the file, and a terminal would obey what is hidden in it.
        place = " ".join(part for part in (text_of(self.sheet), self.cell) if part)
        said = f"“{self.value}”. {self.message}" if self.value else self.message
        return f"{place}: {said}" if place else said


class ImportRejected(Exception):
    """Nothing was imported; `problems` says why, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(f"and {len(self.problems) - SHOWN_PROBLEMS} more")
        return "\n".join(lines)


class FileRejected(ImportRejected):
    """The file or sheet as a whole can't be used: wrong kind, torn, protected, too large, or lacking columns."""

    @classmethod
    def because(cls, message: str, *, sheet: str = "", cell: str = "") -> "FileRejected":
        return cls([Problem(sheet, cell, "", message)])
