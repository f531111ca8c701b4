"""The clock of a story: it lies in memory that nodes share with the process which started them, so it outlives them."""

import mmap
import struct
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = struct.Struct("q")


class StoryClock:
    """A clock that stands where it was set, for every process forked after it was made."""

    def __init__(self, moment: datetime) -> None:
        self._memory = mmap.mmap(-1, _FORM.size)
        self.set(moment)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=_FORM.unpack(self._memory[:])[0])

    def set(self, moment: datetime) -> None:
        """Step to a moment, forward or back."""
        self._memory[:] = _FORM.pack((moment - _EPOCH) // timedelta(microseconds=1))
