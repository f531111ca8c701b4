"""Microsoft's own Agents Playground (npm, in tests/clients): a Teams-like client for one person, and its Connector.

One Playground is one process with one person at it; several of them can talk to one bot. It is kept on loopback by
tests/clients/loopback.cjs. What is to be known of it (0.2.28), seen from outside:

- It says nothing to the bot until a page of it is open. Each page that opens sends an installationUpdate and a
  conversationUpdate, at the same time and in either order; so does the first visit to each group chat and channel.
- It sends no token. Its activities have ids of their own (uuid), but it numbers the bot's messages by the millisecond,
  so two Playgrounds may give out the same id.
- A message holds one thing: text and a card, or two cards, are answered with 202 and no id, and can't be updated.
- An answer to Action.Execute is shown only with HTTP 200. Words and errors stand under the card, and whatever was typed
  into the card is gone; only a card as the answer can keep it. An updated card forgets what was typed as well.
- A roster gives `objectId` for what a single member and a paged roster call `aadObjectId`. A chat may be created only
  with the id of who sits there; another id (an Entra object id too) is taken, but can't be written to.
- Not there: refresh of a card, deleting, files, dialogs, throttling. A message after an uninstallation is shown.
"""

import asyncio
import os
import re
import signal
from asyncio.subprocess import STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from aiohttp import ClientError, ClientSession

from tests.conftest import CLIENTS, NODE
from tests.teams.sockets import Socket, sockets_of

TENANT_ID = "0f6d5a3c-8f0e-4a0b-9a3e-7c1f2e5d4b60"
BOT_ID = "28:auditloop"
BOT_NAME = "auditloop"
TEAM = "Children's Services"
GROUP_CHAT = "QA group"
CHANNEL = "Announcements"

_PROGRAM = CLIENTS / "@microsoft" / "m365agentsplayground" / "cli.js"
_GUARD = CLIENTS.parent / "loopback.cjs"
_OTHERS = 5
_LISTENING = re.compile(r"^Listening on (\d+)$", re.MULTILINE)
# Seconds. A loaded machine is no fault of the Playground.
_TO_START = 60
_TO_STOP = 10
_BETWEEN_LOOKS = 0.05


class PlaygroundFault(Exception):
    """The Playground didn't start, with what its log says."""


@dataclass(frozen=True)
class Persona:
    """Somebody with an account: the id by which Teams knows them, and what Entra has. The UPN may be the e-mail."""

    id: str
    name: str
    email: str
    aad_object_id: str
    upn: str = ""

    @property
    def personal_chat(self) -> str:
        """The id of their conversation with the bot."""
        return f"chat-of-{self.id.removeprefix('29:')}"

    def entry(self) -> dict[str, str]:
        given_name, _, surname = self.name.partition(" ")
        # The Playground spells it so.
        return {
            "id": self.id,
            "name": self.name,
            "userPrincipleName": self.upn or self.email,
            "aadObjectId": self.aad_object_id,
            "givenName": given_name,
            "surname": surname,
            "email": self.email,
        }


@dataclass(frozen=True)
class Playground:
    """A Playground that is open at `address`; `persona` sits at it."""

    persona: Persona
    address: str
    folder: Path
    pid: int

    def tried_elsewhere(self) -> list[str]:
        """What the Playground tried to reach beyond this machine, and was refused."""
        return lines_of(self.folder / "elsewhere.txt")

    def sockets(self) -> list[Socket]:
        return sockets_of(self.pid)


@asynccontextmanager
async def playground(
    persona: Persona, endpoint: str, folder: Path, *, others: Sequence[Persona] = (), tenant_id: str = TENANT_ID
) -> AsyncIterator[Playground]:
    """Opens a Playground at which `persona` sits, for the bot that answers at `endpoint`.

    `others` (five at most; made-up colleagues take the places left) are in its group chat and its team too. `folder`
    has to be its own. Raises PlaygroundFault where it doesn't start.
    """
    assert NODE, "mark this test with @pytest.mark.clients"
    _write_settings(folder, persona, others, tenant_id)
    with (folder / "output.txt").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *[NODE, "--require", str(_GUARD), str(_PROGRAM), "start"],
            *["--app-endpoint", endpoint, "--port", "0", "--channel-id", "msteams", "--disable-telemetry"],
            cwd=folder,
            env=_environment(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=STDOUT,
            start_new_session=True,
        )
    try:
        address = await _started(process, persona, folder)
        yield Playground(persona, address, folder, process.pid)
    finally:
        await _stop(process)


def _write_settings(folder: Path, persona: Persona, others: Sequence[Persona], tenant_id: str) -> None:
    made_up = [
        Persona(
            f"29:colleague-{n}",
            f"Colleague {n}",
            f"colleague-{n}@example.org",
            f"c0000000-0000-4000-8000-00000000000{n}",
        )
        for n in range(1, _OTHERS + 1 - len(others))
    ]
    settings = {
        "version": "0.1.1",
        "tenantId": tenant_id,
        "bot": {"id": BOT_ID, "name": BOT_NAME},
        "currentUser": persona.entry(),
        "users": [each.entry() for each in (*others, *made_up)],
        "personalChat": {"id": persona.personal_chat},
        "groupChat": {"id": "19:qa-group", "name": GROUP_CHAT},
        "team": {
            "id": "19:team",
            "name": TEAM,
            "aadGroupId": "7ea00000-0000-4000-8000-000000000001",
            "channels": [{"id": "19:announcements", "name": CHANNEL}],
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ".m365agentsplayground.yml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LOOPBACK_LOG": str(folder / "elsewhere.txt"),
        "TEAMSAPPTESTER_BROWSER": "none",
        # Telemetry that is off still asks a metadata address and Microsoft's collector for this.
        "APPLICATION_INSIGHTS_NO_STATSBEAT": "1",
    }


async def _started(process: Process, persona: Persona, folder: Path) -> str:
    """Its address, once its Connector answers: it says that it listens before it has read its settings."""
    try:
        async with asyncio.timeout(_TO_START), ClientSession() as session:
            while process.returncode is None:
                if port := _LISTENING.search("\n".join(lines_of(folder / "output.txt"))):
                    address = f"http://127.0.0.1:{port[1]}"
                    roster = f"{address}/_connector/v3/conversations/{persona.personal_chat}/members"
                    with suppress(ClientError):
                        async with session.get(roster) as answer:
                            if answer.status == 200:
                                return address
                await asyncio.sleep(_BETWEEN_LOOKS)
    except TimeoutError:
        pass
    said = lines_of(folder / "output.txt") + lines_of(folder / "devTools" / "m365agentsplayground.log")
    errors = [line.removeprefix("error ") for line in said if line.startswith("error ")]
    raise PlaygroundFault("The Playground didn't start. " + "\n".join(errors or said))


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(_TO_STOP):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
