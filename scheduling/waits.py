"""How long to wait before something is tried again."""

from datetime import timedelta
from zlib import crc32

FIRST = timedelta(seconds=15)
LONGEST = timedelta(hours=1)
SPREAD = 0.25
"""Each wait is shorter by up to this share of it, so that what failed together isn't tried again together."""


def wait_before(attempts: int, name: str) -> timedelta:
    """The wait after so many attempts: twice as long each time, up to an hour, spread by the name of what waits."""
    doubled: timedelta = min(FIRST * 2 ** min(max(attempts, 1) - 1, 16), LONGEST)
    share = SPREAD * (crc32(f"{name}/{attempts}".encode()) % 1000) / 1000
    return doubled * (1 - share)
