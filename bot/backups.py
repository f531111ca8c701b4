"""The commands that copy the whole database into a file and bring it back."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from typer import echo

from audits.calendar import WorkCalendar
from audits.framework import Framework
from bot.faults import UserFault
from bot.opening import calendar_of, configured_framework
from bot.settings import Settings
from cards.wording import counted, listed, moment_words
from scheduling.clock import SystemClock
from scheduling.ticker import tick
from storage.backups import dumps, sqlite_files
from storage.backups.contents import BackupFault, Contents
from storage.backups.resuming import resume, tell_of_restore
from storage.database import open_database, sqlite_url
from storage.postgresql import is_postgresql
from storage.store import Store
from storage.versions import revisions

SHOWN_FAULTS = 5


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except BackupFault as fault:
        raise UserFault(str(fault)) from fault


# ---- taking one


def take_backup(settings: Settings, file: Path, *, force: bool, tools: Path | None) -> int:
    """Copy the database into a file and check the copy; 0, or 1 where its ledger doesn't hold.

    Raises UserFault where it can't be done. The file is there whole, or not at all.
    """
    with _in_words():
        _may_write(file, force=force)
        if is_postgresql(settings.database_url):
            contents = asyncio.run(_dump(settings, file, force=force, tools=tools))
        else:
            database = _database_file(settings)
            if file.exists() and file.samefile(database):
                raise BackupFault(f"{file} is the database itself. Please name another file.")
            contents = asyncio.run(_copy(database, file, force=force))
    now = SystemClock().now()
    echo(f"Backed up to {file} on {moment_words(now, WorkCalendar())}: {_words(contents)}")
    if contents.broken:
        echo(f"The backup is kept, but its ledger does not hold: {_broken(contents)}. Run: auditloop ledger verify")
        return 1
    echo("The backup was opened and checked: it is whole, and the ledger's chain holds.")
    return 0


async def _copy(database: Path, file: Path, *, force: bool) -> Contents:
    with sqlite_files.under_another_name(file) as part, sqlite_files.faults_in_words(file, "written"):
        sqlite_files.copy(database, part, _progress("copied"))
        sqlite_files.check(part)
        # What is checked is a restore: another copy is brought up to date and walked through, and given up again.
        with sqlite_files.under_another_name(file) as trial:
            sqlite_files.copy(part, trial, _progress("checked"))
            contents = await sqlite_files.brought_up(trial)
        _may_write(file, force=force)
        sqlite_files.take_name(part, file)
    return contents


async def _dump(settings: Settings, file: Path, *, force: bool, tools: Path | None) -> Contents:
    programs = await dumps.find_tools(tools or settings.backup.tools)
    with sqlite_files.under_another_name(file) as part:
        _tell("pg_dump is at work …")
        contents = await dumps.dump(settings.database_url, part, programs)
        _may_write(file, force=force)
        sqlite_files.take_name(part, file)
    return contents


def _may_write(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise BackupFault(f"{file} is a folder. Please name a file in it.")
    if not file.parent.is_dir():
        raise BackupFault(f"There is no folder {file.parent}. Please make it first.")
    if file.exists() and not force:
        raise BackupFault(f"{file} is there already, and stays as it is. Name another file, or add --force.")


def _database_file(settings: Settings) -> Path:
    name = make_url(settings.database_url).database
    if not name or name == ":memory:":
        raise BackupFault("The database of these settings is in memory only, so there is nothing to copy.")
    if not Path(name).is_file():
        raise BackupFault(
            f"There is no database {name} here. Please run this in the folder where auditloop runs, with its settings."
        )
    return Path(name)


# ---- bringing one back


@dataclass(frozen=True)
class _Restored:
    contents: Contents
    waiting: int
    told: bool
    kept: str = ""
    undone: int = 0


def bring_back(settings: Settings, file: Path, *, force: bool, even_if_broken: bool, tools: Path | None) -> None:
    """Put a backup in the place of the database. Raises UserFault where it can't be done; all is as it was then."""
    framework = configured_framework(settings)
    now = SystemClock().now()
    with _in_words():
        dumped = _is_dump(file)
        if dumped != is_postgresql(settings.database_url):
            kinds = ("PostgreSQL", "SQLite") if dumped else ("SQLite", "PostgreSQL")
            raise BackupFault(
                f"{file} is a backup of a database on {kinds[0]}, and the database of these settings is on {kinds[1]}. "
                "Please set database to one of the same kind first."
            )
        if dumped:
            done = asyncio.run(_from_dump(settings, framework, file, now, force, even_if_broken, tools))
        else:
            done = asyncio.run(
                _from_copy(
                    _target_file(settings, file, force=force), framework, file, now, even_if_broken=even_if_broken
                )
            )
    calendar = calendar_of(framework)
    echo(f"Restored from {file}: {_words(done.contents)}")
    if done.contents.broken:
        echo(f"Its ledger does not hold: {_broken(done.contents)}.")
    if done.kept:
        echo(f"What was here before is kept: {done.kept}.")
    if done.contents.until is not None:
        echo(
            f"What happened after {moment_words(done.contents.until, calendar)} is not in it. Answers given since then "
            "have to be given again, and personal data erased since then has to be erased again."
        )
    if done.undone:
        back = "1 person who was" if done.undone == 1 else f"{done.undone} people who were"
        echo(
            f"{back} erased since {'is' if done.undone == 1 else 'are'} back. Please run auditloop person erase again."
        )
    if done.waiting:
        echo(
            f"{counted(done.waiting, 'message')} wait{'s' if done.waiting == 1 else ''} to go out once auditloop "
            "starts. Some may have gone out after the backup was taken, so each says that it may be a repeat."
        )
    echo("The QA officer will be told." if done.told else "Nobody holds a QA role, so please tell people yourself.")
    echo("Next: auditloop doctor, and auditloop serve.")


def _target_file(settings: Settings, file: Path, *, force: bool) -> Path:
    """Where a database is to be put. Raises BackupFault where it can't be, or where one is that has something in it."""
    name = make_url(settings.database_url).database
    if not name or name == ":memory:":
        raise BackupFault("The database of these settings is in memory only. Please name a file in auditloop.toml.")
    target = Path(name)
    if not target.parent.is_dir():
        raise BackupFault(f"There is no folder {target.parent}. Please make it first.")
    if target.exists() and target.samefile(file):
        raise BackupFault(f"{file} is the database itself, so there is nothing to bring back.")
    if not sqlite_files.is_empty(target) and not force:
        raise BackupFault(
            f"{target} has something in it already, and nothing was changed. With --force it is kept under another "
            "name, and the backup takes its place."
        )
    sqlite_files.stop_where_in_use(target)
    return target


async def _from_copy(
    target: Path, framework: Framework, file: Path, now: datetime, *, even_if_broken: bool
) -> _Restored:
    with sqlite_files.under_another_name(target) as part:
        with sqlite_files.faults_in_words(file, "copied"):
            sqlite_files.copy(file, part, _progress("read"))
        _known(file, sqlite_files.check(part))
        contents = await sqlite_files.brought_up(part)
        _holds(file, contents, even_if_broken=even_if_broken)
        with sqlite_files.faults_in_words(target, "written"):
            engine = open_database(sqlite_url(part))
            try:
                waiting, told = await _go_on(engine, framework, now, contents)
            finally:
                await engine.dispose()
            undone = max(sqlite_files.erasures(target) - sqlite_files.erasures(part), 0)
            kept = sqlite_files.put_in_place(part, target, now)
    return _Restored(contents, waiting, told, str(kept or ""), undone)


async def _from_dump(
    settings: Settings,
    framework: Framework,
    file: Path,
    now: datetime,
    force: bool,
    even_if_broken: bool,
    tools: Path | None,
) -> _Restored:
    programs = await dumps.find_tools(tools or settings.backup.tools)
    _tell("Reading the backup …")
    _known(file, (await dumps.read_dump(file, programs)).revision)
    _tell("pg_restore is at work …")
    async with dumps.restored(settings.database_url, file, programs, now, force=force) as restoring:
        _holds(file, restoring.contents, even_if_broken=even_if_broken)
        waiting, told = await _go_on(restoring.engine, framework, now, restoring.contents)
    kept = f"the schema {restoring.kept} of this database" if restoring.kept else ""
    return _Restored(restoring.contents, waiting, told, kept, restoring.undone)


async def _go_on(engine: AsyncEngine, framework: Framework, now: datetime, contents: Contents) -> tuple[int, bool]:
    """Let a restored database go on at this moment: how many messages wait, and whether the QA officer is told."""
    store = Store(engine, framework, calendar_of(framework))
    # What fell due since may have been done and sent before, so it is done here and marked with the rest.
    await tick(store, now)
    async with store.begin() as tx:
        waiting = await resume(tx, now, contents.until)
        told = await tell_of_restore(tx, now, _to_officer(contents, tx.calendar))
    return waiting, told


def _to_officer(contents: Contents, calendar: WorkCalendar) -> str:
    if contents.until is None:
        return "auditloop was brought back from a backup in which nothing had happened yet."
    return (
        f"auditloop was brought back from a backup. The last thing in it happened on "
        f"{moment_words(contents.until, calendar)}. Whatever people answered after that is not in it, so please ask "
        "them to answer once more. Messages may come a second time; each of them says so. Cards that came after that "
        "moment, and allocations on them, may not be known any more."
    )


def _is_dump(file: Path) -> bool:
    """Whether a backup is PostgreSQL's. Raises BackupFault for a file that is no backup."""
    if not file.is_file():
        raise BackupFault(f"There is no file {file}.")
    with sqlite_files.faults_in_words(file, "read"), file.open("rb") as opened:
        beginning = opened.read(16)
    if beginning.startswith(dumps.MAGIC):
        return True
    if beginning != sqlite_files.MAGIC:
        raise BackupFault(f"{file} is not a backup of auditloop. Nothing was changed.")
    return False


def _known(file: Path, revision: str) -> None:
    if not revision:
        raise BackupFault(f"{file} is not a backup of auditloop. Nothing was changed.")
    if revision not in revisions():
        raise BackupFault(
            f"{file} comes from a newer version of auditloop (tables {revision}, and this one knows those up to "
            f"{revisions()[-1]}). Please install that version first. Nothing was changed."
        )


def _holds(file: Path, contents: Contents, *, even_if_broken: bool) -> None:
    if contents.broken and not even_if_broken:
        raise BackupFault(
            f"The ledger in {file} does not hold: {_broken(contents)}. Nothing was changed. Please try an earlier "
            "backup; with --even-if-broken this one is taken all the same."
        )


# ---- words


def _words(contents: Contents) -> str:
    what = listed(
        [
            counted(contents.people, "person", "people"),
            counted(contents.audits, "audit"),
            f"{counted(contents.entries, 'entry', 'entries')} of the ledger",
        ]
    )
    until = contents.until
    return f"{what}; the last thing in it happened on {moment_words(until, WorkCalendar())}." if until else f"{what}."


def _broken(contents: Contents) -> str:
    words = [f"{one.chain}, entry {one.number}: {one.reason}" for one in contents.broken[:SHOWN_FAULTS]]
    if len(contents.broken) > SHOWN_FAULTS:
        words.append(f"and {len(contents.broken) - SHOWN_FAULTS} more")
    return "; ".join(words)


def _progress(done: str) -> Callable[[int, int], None]:
    """A line on standard error that says how far it is, where someone is watching."""

    def show(left: int, whole: int) -> None:
        if sys.stderr.isatty() and whole:
            end = "\n" if not left else ""
            print(f"\r{100 * (whole - left) // whole} % {done}", end=end, file=sys.stderr, flush=True)  # noqa: T201

    return show


def _tell(words: str) -> None:
    if sys.stderr.isatty():
        echo(words, err=True)
