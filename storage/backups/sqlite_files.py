"""Copies of a SQLite database: taken while others write, checked, and put in its place.

A copy is made under another name in the folder where it is to be, and gets its own name when it is whole.
"""

import fcntl
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from storage.backups.contents import BackupFault, Contents, contents_of, erasures_in
from storage.database import open_database, sqlite_url
from storage.migrating import migrate
from storage.sqlite import BUSY
from storage.versions import revisions

MAGIC = b"SQLite format 3\0"
PART = ".part"
STEP = 256
"""So many pages are copied before it is said how far the copy is."""
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database that is open, or was when its program died."""

Progress = Callable[[int, int], None]
"""Told how many pages there are still to copy, and how many there are in all."""


@contextmanager
def faults_in_words(what: Path, doing: str) -> Iterator[None]:
    """Turn what SQLite and the disk complain of into words about a file."""
    try:
        yield
    except (OSError, sqlite3.Error, DBAPIError, ValueError) as fault:
        driver = fault.orig if isinstance(fault, DBAPIError) else fault
        if isinstance(driver, (OSError, sqlite3.OperationalError)):
            reason = driver.strerror if isinstance(driver, OSError) else str(driver)
            raise BackupFault(
                f"{what} could not be {doing}: {str(reason).lower()}. Nothing was changed. Please look at the free "
                "space of the disk, and whether you may read and write there."
            ) from fault
        raise BackupFault(f"{what} is damaged: {driver}. Nothing was changed.") from fault


@contextmanager
def under_another_name(file: Path) -> Iterator[Path]:
    """An empty file beside `file`, which only its owner may read; whatever is left of it at the end is removed.

    So is what a program that was killed has left of such a file. While one is at work its file is locked.
    """
    with faults_in_words(file, "written"):
        _remove_leftovers(file)
        place, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=PART, dir=file.parent)
        _locked(place)
    part = Path(name)
    try:
        yield part
    finally:
        _remove(part)
        os.close(place)


def _remove_leftovers(file: Path) -> None:
    # What mkstemp puts into a name has no full stop, so that no other backup's file fits.
    left = re.compile(rf"\.{re.escape(file.name)}\.[^.]+{re.escape(PART)}")
    for part in sorted(one for one in file.parent.iterdir() if left.fullmatch(one.name)):
        try:
            place = os.open(part, os.O_RDWR)
        except OSError:
            # Somebody else's, or gone meanwhile.
            continue
        try:
            if _locked(place):
                _remove(part)
        finally:
            os.close(place)


def _locked(place: int) -> bool:
    """Lock an open file for as long as it stays open; False where another program has locked it."""
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(part: Path) -> None:
    for one in (part, *_beside(part)):
        one.unlink(missing_ok=True)


def take_name(part: Path, file: Path) -> None:
    """Give a file that is whole its own name, for good: a power cut right after it changes nothing any more."""
    _onto_the_disk(part)
    part.replace(file)
    with suppress(OSError):
        # Some systems open no folder, and need no such word.
        _onto_the_disk(file.parent)


def _onto_the_disk(place: Path) -> None:
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy the database as it stands at this moment. Whoever writes to it meanwhile goes on undisturbed."""
    with closing(_reading(source)) as old, closing(sqlite3.connect(target, isolation_level=None)) as new:
        # One reading transaction from first page to last: otherwise each write of others would begin the copy anew.
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.backup(new, pages=STEP, progress=lambda _, left, whole: progress(left, whole))
        # A copy is one file, without a log beside it.
        new.execute("PRAGMA journal_mode=DELETE")


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


def check(file: Path) -> str:
    """The revision of a database file that is whole. Raises BackupFault for any other, and for what isn't one."""
    with faults_in_words(file, "read"), closing(_reading(file)) as connection:
        found = [words for (words,) in connection.execute("PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise BackupFault(f"{file} is damaged: {'; '.join(found)}. Nothing was changed.")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "ledger"} <= tables:
            raise BackupFault(f"{file} is a SQLite database, but not one of auditloop. Nothing was changed.")
        if (orphan := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise BackupFault(f"{file} is damaged: a row of {orphan[0]} belongs to nothing. Nothing was changed.")
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        return str(revision)


async def brought_up(file: Path) -> Contents:
    """What is in a database file, after it was brought to the tables of this version, unless it is of a newer one."""
    revision = check(file)
    with faults_in_words(file, "read"):
        database = open_database(sqlite_url(file))
        try:
            if revision in revisions():
                await migrate(database)
            async with database.connect() as connection:
                return await contents_of(connection)
        finally:
            await database.dispose()


def is_empty(file: Path) -> bool:
    """Whether nothing would be lost with a file: there is none, or no table in it has a row."""
    if not file.exists() or file.stat().st_size == 0:
        return True
    try:
        with closing(_reading(file)) as connection:
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('alembic_version')"
            ).fetchall()
            return not any(
                connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()  # noqa: S608 (a table's own name)
                for (name,) in names
            )
    except sqlite3.DatabaseError:
        return False


def erasures(file: Path) -> int:
    """How many people were erased on request in a database; 0 where that can't be read."""
    try:
        with closing(_reading(file)) as connection:
            return int(connection.execute(erasures_in("ledger")).fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def put_in_place(part: Path, file: Path, now: datetime) -> Path | None:
    """Put a database that is whole in the place of another; under which name the other is kept, if it had anything.

    Raises BackupFault where a program has the other one open.
    """
    kept: Path | None = None
    empty = is_empty(file)
    if file.exists():
        with _alone_with(file):
            kept = _free_name(file, now)
            _under_a_second_name(file, kept)
    for left in _beside(file):
        # The log of a database that is gone would be taken for this one's.
        if left.exists():
            left.rename(_free_name(left, now))
    take_name(part, file)
    if kept is not None and empty:
        kept.unlink()
        kept = None
    return kept


def _under_a_second_name(file: Path, kept: Path) -> None:
    """Keep a database that is about to be replaced, so that at no moment there is none under its name."""
    try:
        os.link(file, kept)
    except OSError:
        # Some file systems know one name for a file only.
        file.rename(kept)


@contextmanager
def _alone_with(file: Path) -> Iterator[None]:
    """Hold a database that nobody else has open, with all that was in its log."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=0)
    try:
        # Leaving the log needs the database to oneself: every program that has it open shares a lock on it.
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as fault:
        connection.close()
        if fault.sqlite_errorcode in BUSY:
            raise BackupFault(
                f"{file} is in use. Please stop auditloop, and whatever else has it open, and try again."
            ) from fault
        raise
    except sqlite3.DatabaseError:
        # What is damaged or no database is kept as it is.
        connection.close()
        yield
        return
    try:
        yield
    finally:
        connection.close()


def stop_where_in_use(file: Path) -> None:
    """Raises BackupFault where another program has a database open."""
    if file.exists():
        with faults_in_words(file, "read"), _alone_with(file):
            return


def _free_name(file: Path, now: datetime) -> Path:
    stem = f"{file.name}.before-{now:%Y%m%d-%H%M%S}"
    names = (file.with_name(stem + (f"-{number}" if number else "")) for number in range(1000))
    return next(name for name in names if not name.exists())


def _beside(file: Path) -> list[Path]:
    return [file.with_name(file.name + ending) for ending in BESIDE]
