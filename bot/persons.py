"""The commands for a person's own rights: what is kept about somebody, that they have left, and its erasure."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import typer

from audits.dates import day_words
from audits.people import Person
from bot.faults import UserFault
from bot.opening import open_store
from bot.settings import Settings
from cards.wording import counted
from scheduling.clock import SystemClock
from storage.persons import Erasure, erase_person, export_of, leaves, matching, obstacles
from storage.queries import duties_of
from storage.store import Transaction

LISTED = 8
OWNER_ALONE = 0o600


class _Preview(Exception):
    """Ends a transaction without writing, and says what it would have done."""

    def __init__(self, person: Person, erasure: Erasure) -> None:
        super().__init__()
        self.person = person
        self.erasure = erasure


def export(settings: Settings, name: str, folder: Path) -> None:
    """Write all that is kept about a person into two files that only this account can read. Raises UserFault."""

    async def work() -> tuple[Person, Path, Path]:
        async with open_store(settings) as store, store.begin() as tx:
            person, now = meant(tx, name), SystemClock().now()
            found = await export_of(tx, person, now)
            stem = f"auditloop-person-{person.id}-{now:%Y%m%d-%H%M%S}"
            # Within the transaction, so that no export is recorded that could not be written.
            data = _written(folder / f"{stem}.json", json.dumps(found, ensure_ascii=False, indent=2) + "\n")
            try:
                return person, data, _written(folder / f"{stem}.txt", as_text(person.name, found))
            except UserFault:
                data.unlink()
                raise

    person, data, text = asyncio.run(work())
    typer.echo(f"All that auditloop keeps about {person.name} is in {data} and, to be read, in {text}.")
    typer.echo("Only this account can open them. Please read them before you give them to anyone:")
    typer.echo("auditloop doesn't recognise every name. Delete them once they are no longer needed.")


def left(settings: Settings, name: str) -> None:
    """Say that a person has left. Raises UserFault."""

    async def goes(tx: Transaction) -> tuple[Person, int]:
        person = meant(tx, name)
        if not person.active:
            raise UserFault(f"{person.name} has left already, as far as auditloop knows.")
        waiting = len(await duties_of(tx, person.id))
        await leaves(tx, person, SystemClock().now())
        return person, waiting

    async def work() -> tuple[Person, int]:
        async with open_store(settings) as store:
            return await store.attempt(goes)

    person, waiting = asyncio.run(work())
    typer.echo(f"{person.name} has left: nothing is asked of them any more.")
    if waiting:
        still = "is" if waiting == 1 else "are"
        typer.echo(
            f"{counted(waiting, 'step')} of theirs {still} still open. Please reassign their audits; a case list in "
            "which somebody else has their cases passes on the rest."
        )
    typer.echo("If they come back, import them again.")


def erase(settings: Settings, name: str, *, preview: bool, yes: bool) -> None:
    """Erase what is kept about a person who has left, once that was confirmed. Raises UserFault with every reason why
    it can't be done."""

    async def erased(tx: Transaction, *, really: bool) -> tuple[Person, Erasure]:
        person, now = meant(tx, name), SystemClock().now()
        reasons = await obstacles(tx, person, settings.retention.keeping, now)
        if reasons:
            raise UserFault(_refused(person, reasons))
        erasure = await erase_person(tx, person, now)
        if not really:
            raise _Preview(person, erasure)
        return person, erasure

    async def work(*, really: bool) -> tuple[Person, Erasure]:
        async with open_store(settings) as store:
            try:
                return await store.attempt(partial(erased, really=really))
            except _Preview as would:
                return would.person, would.erasure

    person, would = asyncio.run(work(really=False))
    typer.echo(f"What would be erased about {person.name}, who has left: {_counts(would)}.")
    typer.echo(f"Their name becomes “Someone who has left ({person.id})”, and stays so: this can't be undone.")
    if preview:
        typer.echo("This was a preview; nothing was written.")
        return
    if not yes and not typer.confirm("Erase it?"):
        typer.echo("Nothing was erased.")
        return
    _, done = asyncio.run(work(really=True))
    typer.echo(f"Erased: {_counts(done)}. What stands in Teams, Slack, mailboxes and backups is not reached by this.")


def meant(tx: Transaction, name: str) -> Person:
    """The one person whom a name means, also one who has left. Raises UserFault, naming whom it could mean."""
    everyone = list(tx.directory.people.values())
    found = matching(everyone, name)
    if len(found) == 1:
        return found[0]
    if found:
        lines = [f"  {_described(tx, one)}" for one in found[:LISTED]]
        more = [f"  and {len(found) - LISTED} more"] if len(found) > LISTED else []
        raise UserFault("\n".join([f"“{name}” fits several people. Please write the e-mail address:", *lines, *more]))
    near = get_close_matches(name, [one.name for one in everyone], 3, 0.6)
    hint = f"Do you mean {' or '.join(near)}?" if near else "Please check the spelling, or write the e-mail address."
    raise UserFault(f"Nobody here is called “{name}”. {hint}")


def _described(tx: Transaction, person: Person) -> str:
    role = tx.framework.roles.get(person.role)
    gone = "" if person.active else ", has left"
    return f"{person.name} <{person.email}>, {role.label if role else person.role}{gone}"


def _refused(person: Person, reasons: list[str]) -> str:
    return "\n".join(
        [
            f"What is kept about {person.name} can't be erased now. Nothing was changed.",
            *(f"- {one}" for one in reasons),
        ]
    )


def _counts(done: Erasure) -> str:
    return ", ".join(
        (
            f"their words in {counted(done.audits, 'audit')}",
            f"personal fields of {counted(done.entries, 'entry', 'entries')} of the ledger",
            f"the text of {counted(done.messages, 'message')} to them",
            counted(done.replies, "reply", "replies"),
            counted(done.contacts, "account in chats", "accounts in chats"),
            counted(done.drafts, "draft"),
        )
    )


def _written(path: Path, text: str) -> Path:
    """A new file that only this account can read; nothing of it is left where that fails. Raises UserFault."""
    made = False
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE), "w", encoding="utf-8") as file:
            made = True
            file.write(text)
    except OSError as fault:
        if made:
            path.unlink()
        raise UserFault(f"{path} can't be written: {fault.strerror}.") from fault
    return path


TITLES = {
    "person": "Who you are here",
    "contacts": "How you are reached",
    "audits": "Audits that you had a part in",
    "steps_asked_of_you": "Steps that were asked of you",
    "messages_to_you": "Messages to you",
    "answers_to_you": "Answers to what you asked or pressed",
    "drafts": "What you typed and didn't send",
    "themes_proposed": "Themes that you proposed",
    "record": "The record: what you did, and what names you",
}


def as_text(name: str, found: Mapping[str, Any]) -> str:
    """The export for reading."""
    lines = [f"What auditloop keeps about {name}", f"Made {_said(found['made_at'])}.", ""]
    lines.extend(str(one) for one in found["about_this_file"])
    for key, title in TITLES.items():
        lines.extend(("", title, "-" * len(title)))
        kept = found[key]
        if not kept:
            lines.append("Nothing.")
        elif isinstance(kept, Mapping):
            lines.extend(_lines(kept))
        else:
            for one in kept:
                lines.extend((*_lines(one), "") if isinstance(one, Mapping) else (str(one),))
    return "\n".join(lines).rstrip() + "\n"


def _lines(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in values.items():
        label = f"{before}{key.replace('_', ' ')}"
        if value in (None, "", [], {}):
            continue
        if isinstance(value, Mapping):
            yield from _lines(value, f"{label}, ")
        elif isinstance(value, list):
            yield f"{label}: {'; '.join(' – '.join(map(_said, _flat(one))) for one in value)}"
        else:
            yield f"{label}: {_said(value)}"


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else [value]


def _said(value: Any) -> str:
    """A value in words: moments and days as people write them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    try:
        moment = datetime.fromisoformat(text) if len(text) >= len("2026-03-02") and text[4:5] == "-" else None
    except ValueError:
        moment = None
    if moment is None:
        return text
    day = day_words(moment.date())
    return day if len(text) == len("2026-03-02") else f"{day} at {moment:%H:%M} UTC"
