"""Checks: settings, database, platforms, people who can't be reached, roles that nobody holds, the ledger's chain."""

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import func, select

from audits.dates import day_words
from audits.reading import FrameworkError
from bot.faults import UserFault
from bot.opening import configured_framework, open_store
from bot.settings import FILE, RetentionSettings, Settings, SettingsError, read_settings
from bot.unreachable import in_reach, shown
from cards.wording import counted
from scheduling.clock import SystemClock
from storage import ledger
from storage.database import open_database
from storage.imports.storing import counts
from storage.migrating import migrate
from storage.postgresql import standing_of
from storage.store import Store, Transaction
from storage.tables import LedgerRow, OutboxRow


def examine(folder: Path) -> int:
    """Print what is well and what isn't; 0 if nothing stands in the way, else 1."""
    try:
        settings = read_settings(folder, os.environ)
        framework = configured_framework(settings)
    except (SettingsError, FrameworkError, UserFault) as fault:
        print(f"To mend: {fault}")
        return 1
    where = FILE if (folder / FILE).is_file() else f"no {FILE} here, so the defaults"
    print(f"Well: settings ({where}); framework {framework.about.title}.")
    for words in _kept_for_ever(settings.retention):
        print(f"To know: {words}")
    if framework.about.review_by and framework.about.review_by < SystemClock().now().date():
        print(f"To know: the framework was due for review on {day_words(framework.about.review_by)}.")
    return asyncio.run(_examine(settings))


def _kept_for_ever(retention: RetentionSettings) -> list[str]:
    """What isn't erased after any time, and where to say after how long it is."""
    if retention.months is None:
        return [
            "nothing that people wrote is erased, however old it is. Once you know for how long it must be kept, set "
            f"months and alert_months in the section retention of {FILE} (docs/privacy.md)."
        ]
    if retention.alert_months is None:
        return [
            "audits with a safety alert are kept whole for ever. Once you know for how long they must be kept, set "
            f"alert_months in the section retention of {FILE} (docs/privacy.md)."
        ]
    return []


async def _examine(settings: Settings) -> int:
    try:
        async with open_store(settings) as store:
            await _say_which_database(settings, store)
            async with store.look() as tx:
                wrong = await _content(tx)
            found = await _doors(settings, store)
    except UserFault as fault:
        wrong, found = [str(fault)], []
    wrong.extend(words for kind, words in found if kind == "To mend")
    for kind, words in found:
        if kind != "To mend":
            print(f"{kind}: {words}")
    for line in wrong:
        print(f"To mend: {line}")
    return 1 if wrong else 0


async def _say_which_database(settings: Settings, store: Store) -> None:
    async with store.look() as tx:
        people, cases = await counts(tx)
    content = f"{counted(people, 'person', 'people')}, {counted(cases, 'open case')}"
    if store.database.dialect.name != "postgresql":
        print(f"Well: database {settings.database}; {content}.")
        return
    version, encrypted, here = await standing_of(store.database)
    line = ", over an encrypted line" if encrypted else ""
    print(f"Well: PostgreSQL {version} answers at {shown(settings)}{line}; {content}.")
    if not encrypted and not here:
        print("To know: the line to the database isn't encrypted. docs/several-nodes.md says what to write.")


async def _content(tx: Transaction) -> list[str]:
    """What is missing or wrong in what the database holds. That its ledger holds is printed."""
    people, cases = await counts(tx)
    wrong: list[str] = []
    if not people:
        wrong.append("There are no people yet. Run: auditloop import people FILE")
    if not cases:
        wrong.append("There are no cases yet. Run: auditloop import cases FILE")
    addressed = tx.framework.addressed()
    for key, role in tx.framework.roles.items():
        filled = tx.directory.holders(key) or any(tx.directory.holders(one) for one in role.one_of)
        if people and key in addressed and not filled:
            above = tx.framework.roles[role.reports_to].label if role.reports_to else "nobody"
            wrong.append(f"Nobody holds the role {role.label}; its messages go to {above}.")
    for person in tx.directory.people.values():
        top = tx.framework.roles.get(person.role)
        if person.active and person.manager_id is None and (top is None or top.reports_to is not None):
            wrong.append(f"{person.name} has no manager, so overdue messages about them stop with them.")
    failed = await tx.session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.state == "failed")) or 0
    if failed:
        wrong.append(f"{counted(failed, 'message')} could not be delivered; write status to the bot for more.")
    entries, broken = await ledger.verify(tx)
    if broken:
        wrong.append("The ledger has been tampered with. Run: auditloop ledger verify")
    else:
        print(f"Well: the ledger; {await _entries_words(tx, entries)}, and the chain holds.")
    return wrong


async def _entries_words(tx: Transaction, entries: int) -> str:
    """How many entries the ledger has, and of how many the personal fields were erased."""
    erased = await tx.session.scalar(select(func.count(LedgerRow.id)).where(LedgerRow.erased_at.is_not(None))) or 0
    return f"{counted(entries, 'entry', 'entries')}, {erased or 'none'} of them erased"


async def _doors(settings: Settings, store: Store) -> list[tuple[str, str]]:
    """What there is to say of the platforms and the mail server that are configured."""
    found: list[tuple[str, str]] = []
    if settings.teams is not None:
        if find_spec("botbuilder") is None:
            found.append(("To mend", "Teams: its libraries are not installed. Run: make platforms"))
        else:
            from bot.teams.checking import examine_teams

            found.extend(await examine_teams(settings, settings.teams, store))
    if settings.slack is not None:
        if find_spec("slack_bolt") is None:
            found.append(("To mend", "Slack: its libraries are not installed. Run: make platforms"))
        else:
            from bot.slack.checking import examine_slack

            found.extend(await examine_slack(settings, settings.slack, store))
    if settings.email is not None:
        from bot.email.checking import examine_email

        found.extend(("Well" if well else "To mend", words) for well, words in await examine_email(settings.email))
    from bot.watching.checking import examine_watch

    found.extend(await examine_watch(settings.watch))
    return found


def verify(settings: Settings) -> int:
    """Walk the ledger's chains; 0 if they hold, else 1."""

    async def work() -> int:
        async with open_store(settings) as store, store.look() as tx:
            count, broken = await ledger.verify(tx)
            words = await _entries_words(tx, count)
        for one in broken:
            print(f"{one.chain}, entry {one.number}: {one.reason}.")
        print(f"{words}; {'the chain holds' if not broken else 'the chain is broken'}.")
        return 1 if broken else 0

    return asyncio.run(work())


def bring_up_to_date(settings: Settings) -> None:
    async def work() -> None:
        with in_reach(settings):
            database = open_database(settings.database_url)
            try:
                before, after = await migrate(database)
            finally:
                await database.dispose()
        print(f"Up to date ({after})." if before == after else f"Brought from {before or 'nothing'} to {after}.")

    asyncio.run(work())
