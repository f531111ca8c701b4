"""Five people of the demonstration, each with a folder in which Microsoft's Agents Playground is opened as they."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml
from sqlalchemy import select

from audits.people import Person
from audits.state import Audit
from bot.program import Program
from storage.store import Transaction
from storage.tables import AuditRow

SETTINGS = ".m365agentsplayground.yml"
PACKAGE = "@microsoft/m365agentsplayground@0.2.28"
OTHERS = 5
"""A Playground takes exactly so many people beside the one who sits at it."""
GUARD = Path(__file__).parents[2] / "tests" / "clients" / "loopback.cjs"
"""It is there where auditloop runs from its source."""
_TENANT = str(uuid5(NAMESPACE_URL, "auditloop demonstration"))


@dataclass(frozen=True)
class Sitting:
    """Somebody with something to do, and why they were chosen."""

    person: Person
    part: str

    @property
    def folder(self) -> str:
        return self.person.email.partition("@")[0]


async def choose(program: Program) -> tuple[list[Sitting], list[Person]]:
    """The five of one audit that is under way, and colleagues to fill the roster; fewer in a very small service."""
    async with program.store.begin() as tx:
        for number in await tx.session.scalars(select(AuditRow.id).order_by(AuditRow.id)):
            audit = await tx.audit(number)
            found = _five(tx, audit, program) if audit is not None and not audit.withdrawn else []
            if len(found) == OTHERS:
                break
        else:
            found = []
        chosen = {sitting.person.id for sitting in found}
        others = [one for one in tx.directory.people.values() if one.active and one.id not in chosen]
        return found, others


def _five(tx: Transaction, audit: Audit, program: Program) -> list[Sitting]:
    """Those whom the story of an audit passes through, each once."""
    now, ref = program.now(), audit.case.ref
    directory, framework = tx.directory, tx.framework
    holder = directory.get(audit.case.holder_id)
    if holder is None:
        return []
    within = [one for one in directory.line_of(holder) if not framework.roles[one.role].council]
    moderating = framework.duties.get("moderate")
    moderator = tx.rules.address(moderating.owner, audit, now) if moderating else None
    officer = tx.rules.officer(tx.calendar.day_of(now))
    parts: list[tuple[Person | None, str]] = [
        (directory.get(audit.auditor_id), f"audits {ref}"),
        (holder, f"the practitioner of {ref}"),
        (within[-1] if within else None, f"hears of {ref} if it is Inadequate"),
        (moderator.person if moderator else None, f"moderates {ref}"),
        (officer.person if officer else None, "asks how things stand"),
        *((one, "asks how things stand") for role in framework.qa_roles for one in directory.holders(role)),
    ]
    found: dict[int, Sitting] = {}
    for person, part in parts:
        if person is not None and person.id not in found and len(found) < OTHERS:
            found[person.id] = Sitting(person, part)
    return list(found.values())


def write_folders(folder: Path, sittings: Sequence[Sitting], others: Sequence[Person]) -> None:
    """Write each one's folder, with the settings that the Playground reads there."""
    for sitting in sittings:
        own = folder / sitting.folder
        own.mkdir(parents=True, exist_ok=True)
        seen = [one.person for one in sittings if one is not sitting]
        settings = _settings(sitting.person, [*seen, *others][:OTHERS])
        (own / SETTINGS).write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _settings(person: Person, others: Sequence[Person]) -> dict[str, Any]:
    return {
        "version": "0.1.1",
        "tenantId": _TENANT,
        "bot": {"id": "28:auditloop", "name": "auditloop"},
        "currentUser": _user(person),
        "users": [_user(one) for one in others],
        "personalChat": {"id": f"chat-{person.id}"},
        "groupChat": {"id": "19:group", "name": "Quality group"},
        "team": {
            "id": "19:team",
            "name": "Children's Services",
            "aadGroupId": str(uuid5(NAMESPACE_URL, "auditloop demonstration team")),
            "channels": [{"id": "19:quality", "name": "Quality"}],
        },
    }


def _user(person: Person) -> dict[str, str]:
    given_name, _, surname = person.name.partition(" ")
    return {
        "id": f"29:{person.id}",
        "name": person.name,
        "userPrincipleName": person.email,  # the Playground spells it so
        "aadObjectId": str(uuid5(NAMESPACE_URL, person.email)),
        "givenName": given_name,
        "surname": surname or given_name,
        "email": person.email,
    }


def how_to_sit_down(program: Program, folder: Path, sittings: Sequence[Sitting], address: str) -> Iterator[str]:
    """What to type to be one of the five, in plain words."""
    flags = f"start --app-endpoint {address}/api/messages --channel-id msteams --port 0 --disable-telemetry"
    roles = program.store.framework.roles
    yield "You can be some of these people in Microsoft's Agents Playground too (it needs Node.js). In a terminal each:"
    for sitting in sittings:
        yield ""
        yield f"  {sitting.person.name}, {roles[sitting.person.role].label} ({sitting.part}):"
        yield f"  cd {folder.resolve() / sitting.folder} && npx {PACKAGE} {flags}"
    yield ""
    yield "By itself the Playground listens on every network of this computer, without a password, and calls Microsoft."
    if GUARD.exists():
        program_file = GUARD.parent / "node_modules" / "@microsoft" / "m365agentsplayground" / "cli.js"
        yield "Where you don't trust the network, write this in place of npx and what follows (once make test has run),"
        yield "and open http://127.0.0.1: with the port that it names:"
        yield f"  NODE_OPTIONS=--require={GUARD} node {program_file} {flags}"
    else:
        yield "Please use it on a network that you trust."
