"""A disk that is full: a small file system of the story's own, filled to the last byte, or SQLite's own limit."""

import ctypes
import mmap
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

SIZE = 12 * 1024 * 1024
MOST_LEFT = 96 * 1024
NO_LIMIT = 2**31 - 2
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_PRIVATE = 1 << 18 | 1 << 14
_BALLAST = "ballast"


def own_file_system(folder: Path) -> bool:
    """Put a small file system of this process's own over a folder; whether that is allowed here.

    Nobody else sees it, and it is gone with the process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    users = f"0 {os.getuid()} 1", f"0 {os.getgid()} 1"
    if libc.unshare(_NEW_MOUNTS) != 0:
        if libc.unshare(_NEW_USERS | _NEW_MOUNTS) != 0:
            return False
        for name, words in (("setgroups", "deny"), ("uid_map", users[0]), ("gid_map", users[1])):
            Path(f"/proc/self/{name}").write_text(words, "ascii")
    if libc.mount(None, b"/", None, _PRIVATE, None) != 0:
        return False
    return bool(libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={SIZE}".encode()) == 0)


class Disk:
    """The disk under a database. Where there is no file system of our own, SQLite is told how large it may grow."""

    def __init__(self, file: Path, *, own: bool) -> None:
        self.own = own
        self._file = file
        self._ballast = file.parent / _BALLAST
        self._limited = mmap.mmap(-1, 1)

    def fill(self, chance: random.Random) -> None:
        """Leave next to no room, sometimes a little more than next to none."""
        with closing(sqlite3.connect(self._file)) as line:
            # Room that the log has taken already would be written again and again.
            line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if not self.own:
            self._limited[0] = 1
            return
        left = chance.choice((0, chance.randint(0, MOST_LEFT)))
        block = bytes(4096)
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(block)
            except OSError:
                file.truncate(max(file.tell() - left, 0))

    def make_room(self) -> None:
        self._limited[0] = 0
        self._ballast.unlink(missing_ok=True)

    def limit(self, engine: Engine) -> None:
        """Let the connections of an engine grow the file no further while the disk counts as full."""
        if self.own:
            return

        def lent(driver: Any, _record: Any, _proxy: Any) -> None:
            cursor = driver.cursor()
            (pages,) = cursor.execute("PRAGMA page_count").fetchone()
            cursor.execute(f"PRAGMA max_page_count = {pages if self._limited[0] else NO_LIMIT}")
            cursor.close()

        event.listen(engine, "checkout", lent)
