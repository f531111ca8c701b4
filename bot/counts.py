"""What was refused since the program started, by a word for the reason; never by what was in it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counts:
    refused: Counter[str] = field(default_factory=Counter)

    def refuse(self, reason: str) -> None:
        self.refused[reason] += 1
