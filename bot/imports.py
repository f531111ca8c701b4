"""The commands that take people and cases over and draw a cycle, with progress and plain results."""

import asyncio
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from audits.dates import Cycle, day_words
from audits.planning import no_cycle
from bot.faults import UserFault
from bot.opening import configured_framework, open_store
from bot.settings import Settings
from cards.wording import counted
from scheduling.clock import SystemClock
from storage.allocations import draw_cycle, ensure_cycle
from storage.allocations import preview as preview_draw
from storage.imports.cases import read_cases
from storage.imports.cells import LISTED
from storage.imports.people import read_people
from storage.imports.storing import Stored, existing_people, existing_workers, store_cases, store_people
from storage.store import Transaction


class _Preview(Exception):
    """Ends a transaction without writing."""


def progress() -> Callable[[int, int | None], None]:
    """A line on standard error that counts the rows, where someone is watching."""

    def show(done: int, total: int | None) -> None:
        if sys.stderr.isatty():
            of = f" of {total}" if total else ""
            print(f"\r{done}{of} rows read", end="", file=sys.stderr, flush=True)

    return show


def import_people(settings: Settings, file: Path) -> None:
    """Take people over. Raises ImportRejected, with nothing changed."""

    async def work() -> Stored:
        async with open_store(settings) as store, store.begin() as tx:
            roles = {key: role.label for key, role in tx.framework.roles.items()}
            found = read_people(file, roles=roles, existing=await existing_people(tx), progress=progress())
            return await store_people(tx, found, SystemClock().now())

    _tell("people", asyncio.run(work()))


def import_cases(settings: Settings, file: Path) -> None:
    """Take the case list over. Raises ImportRejected, with nothing changed."""

    async def work() -> tuple[Stored, dict[str, int]]:
        async with open_store(settings) as store, store.begin() as tx:
            found = read_cases(file, workers=await existing_workers(tx), progress=progress())
            return await store_cases(tx, found, SystemClock().now()), dict(found.left_out)

    stored, left_out = asyncio.run(work())
    _tell("cases", stored)
    for reason, count in left_out.items():
        print(f"Left out: {count} ({reason}).")


def _tell(what: str, stored: Stored) -> None:
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    print(f"Imported {what}: {stored.added} new, {stored.changed} brought up to date, {stored.left} not in this file.")
    for notice in stored.notices:
        print(f"Please note: {notice}")


def allocate(settings: Settings, month: str, seed: int | None, *, preview: bool) -> None:
    """Draw a cycle, or show what a draw would give."""
    cycle = Cycle.parse(month)
    if (fault := no_cycle(configured_framework(settings), cycle)) is not None:
        raise UserFault(fault)
    chosen = secrets.randbelow(2**31) if seed is None else seed

    async def work() -> None:
        async with open_store(settings) as store:
            try:
                async with store.begin() as tx:
                    await _draw(tx, cycle, chosen, preview=preview)
            except _Preview:
                print("This was a preview; nothing was written.")

    asyncio.run(work())


async def _draw(tx: Transaction, cycle: Cycle, seed: int, *, preview: bool) -> None:
    now = SystemClock().now()
    if preview:
        row = await ensure_cycle(tx, cycle)
        drawn = await preview_draw(tx, row, seed, now)
    else:
        row, drawn = await draw_cycle(tx, cycle, seed, now)
    print(f"{cycle.words}, seed {drawn.seed}: {counted(len(drawn.drawn), 'audit')} drawn.")
    for auditor, case in sorted(drawn.drawn, key=lambda pair: pair[0].name):
        holder = tx.directory.get(case.holder_id)
        print(f"  {auditor.name}: {case.ref} ({holder.name if holder else 'no practitioner'})")
    for auditor, reason in drawn.unfilled:
        print(f"  {auditor.name} has no audit. {reason}")
    for words in drawn.notes:
        print(f"Please note: {words}")
    for _, words in drawn.unserved[:LISTED]:
        print(f"  {words}")
    if len(drawn.unserved) > LISTED:
        print(f"  and {len(drawn.unserved) - LISTED} more")
    if not drawn.drawn and not drawn.unfilled:
        print(
            "Every auditor has an audit in this cycle already, or there are no auditors yet (auditloop import people)."
        )
    elif row.issue_at > now:
        print(f"The list goes out on {day_words(tx.calendar.day_of(row.issue_at))}.")
    else:
        print("Its day has come, so the list goes out as soon as auditloop runs (auditloop serve).")
    if preview:
        raise _Preview
