"""How long to wait before something is tried again."""

from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

FIRST = timedelta(seconds=15)
SPREAD = 0.25
"""Each wait is shorter by up to this share of it, so that what failed together isn't tried again together."""


@dataclass(frozen=True)
class Pace:
    """Each wait is so many times as long as the one before it, up to the longest."""

    times: int
    longest: timedelta


UNHURRIED = Pace(2, timedelta(hours=1))
ORDINARY = Pace(2, timedelta(minutes=10))
PRESSING = Pace(2, timedelta(minutes=2))
"""For what must arrive, such as an alert."""
# What may have arrived comes twice if it is tried again, so it is tried less often.
DOUBTFUL = Pace(4, timedelta(hours=1))
PRESSING_DOUBTFUL = Pace(4, timedelta(minutes=15))


def pace_of(*, urgent: bool, doubtful: bool) -> Pace:
    """The pace for a message; `doubtful`, where the last try may have brought it."""
    if doubtful:
        return PRESSING_DOUBTFUL if urgent else DOUBTFUL
    return PRESSING if urgent else ORDINARY


def wait_before(attempts: int, name: str, pace: Pace = UNHURRIED) -> timedelta:
    """The wait after so many attempts, spread by the name of what waits."""
    longer: timedelta = min(FIRST * pace.times ** min(max(attempts, 1) - 1, 16), pace.longest)
    share = SPREAD * (crc32(f"{name}/{attempts}".encode()) % 1000) / 1000
    return longer * (1 - share)
