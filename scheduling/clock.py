"""The one place where the time is read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class MovedClock:
    """A clock that stands still until it is moved, for demonstrations, rehearsals and tests."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def move_to(self, moment: datetime) -> None:
        """Move forward. Raises ValueError for a moment that has gone by."""
        if moment < self.moment:
            raise ValueError("a clock doesn't go back")
        self.moment = moment
