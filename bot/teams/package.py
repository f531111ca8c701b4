"""The app package that an administrator uploads to Teams: the manifest and two icons in a zip."""

import asyncio
import json
import re
import zipfile
from importlib.metadata import version
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from yarl import URL

from bot.manifest_files import NotWritten, put
from bot.settings import Settings, TeamsApp, TeamsSettings
from bot.teams.package_rules import ICONS, MANIFEST, NoSchema, faults, schema_faults
from cards.status import HELP_ALL, HELP_QA

OUT = Path("auditloop-teams.zip")
WHAT = "package"
WORDS = {
    "personal": ("mine", "safety", "leave", "help", "status", "overdue", "case", "cycle", "who", "reassign"),
    "team": ("status", "help"),
    "groupChat": ("status", "help"),
}
"""The words in the menu of each scope, at most ten; where several people read along, only those that name nobody."""

SECONDS = 5
"""So long Microsoft is given to send its schema."""

SAME_MOMENT = (1980, 1, 1, 0, 0, 0)
"""What every file in the package bears as its time, so that the same settings give the same bytes."""


def write_package(
    settings: Settings, out: Path = OUT, *, schema: Path | None = None, schema_url: str | None = None
) -> None:
    """Write the app package for Teams and say what was done. Raises UserFault, with nothing written.

    The package is checked by auditloop's own rules and against Microsoft's published schema: the one in the file
    `schema`, or else the one at `schema_url` (left out: the address that the manifest names), if it can be reached.
    """
    teams = _registered(settings)
    package = package_of(settings, version("auditloop"))
    if found := faults(package):
        raise NotWritten(WHAT, *found)
    manifest = manifest_in(package)
    checked = _against_schema(manifest, schema, schema_url or manifest["$schema"])
    put(package, out, what=WHAT, name=OUT.name, option="--out", is_one=_is_package)
    developer = manifest["developer"]
    print(f"Wrote {out}: {manifest['name']['short']} {manifest['version']} for Teams, app id {teams.app_id}.")
    print(f"Publisher: {developer['name']}. Privacy notice: {developer['privacyUrl']}")
    if teams.slash_commands:
        print(f"In the / menu of channels and group chats: {' and '.join(WORDS['team'])}.")
    print(checked)
    if teams.app.publisher == TeamsApp().publisher:
        print("Please note: Teams will name auditloop as publisher. Your council's name goes into teams.app.publisher.")
    print("Next: upload it in the Teams admin centre (docs/teams.md).")


def package_of(settings: Settings, release: str) -> bytes:
    """The package of this version of auditloop, as a zip; nothing is checked yet."""
    manifest = json.dumps(manifest_of(settings, release), indent=2) + "\n"
    contents = {MANIFEST: manifest.encode()} | {icon: _data(icon) for icon in ICONS}
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, SAME_MOMENT)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            package.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def manifest_of(settings: Settings, release: str) -> dict[str, Any]:
    """The manifest: what is the same for every council, with what is this council's own put in."""
    teams = _registered(settings)
    public = URL(settings.web.public_url)
    about = public.with_path(public.path.rstrip("/") + "/about")
    manifest: dict[str, Any] = json.loads(_data(MANIFEST))
    manifest["id"] = teams.app_id
    manifest["version"] = _version(release, teams.app.revision)
    manifest["name"] = {"short": teams.app.name, "full": f"{teams.app.name}: audits of case files"}
    manifest["developer"] = {
        "name": teams.app.publisher,
        "websiteUrl": teams.app.website_url or str(about),
        "privacyUrl": teams.app.privacy_url or str(about.with_fragment("privacy")),
        "termsOfUseUrl": teams.app.terms_url or str(about.with_fragment("terms")),
    }
    port = "" if public.is_default_port() else f":{public.port}"
    manifest["validDomains"] = [f"{public.raw_host}{port}"]
    bot = manifest["bots"][0]
    bot["botId"] = teams.app_id
    bot["commandLists"] = [_command_list(scope, slash=teams.slash_commands) for scope in bot["scopes"]]
    if teams.slash_commands:
        bot["supportsTargetedMessages"] = True
    return manifest


def manifest_in(package: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(BytesIO(package)) as opened:
        manifest: dict[str, Any] = json.loads(opened.read(MANIFEST))
    return manifest


def _data(name: str) -> bytes:
    return files("manifest").joinpath("teams", name).read_bytes()


def _registered(settings: Settings) -> TeamsSettings:
    """The settings of a registered app that Teams can reach. Raises UserFault."""
    teams = settings.teams
    if teams is None:
        raise NotWritten(
            WHAT, "There is no [teams] section in auditloop.toml. docs/teams.md says how to register the app."
        )
    if teams.anonymous:
        raise NotWritten(
            WHAT,
            "teams.anonymous is for Microsoft's Agents Playground, which needs no app package. For Teams itself, "
            "register the app and write its app_id, tenant_id and secret instead (docs/teams.md).",
        )
    if not settings.web.public_url.startswith("https://"):
        raise NotWritten(
            WHAT,
            "auditloop.toml, web.public_url: write the https address under which Teams reaches auditloop, "
            "for example https://auditloop.example.gov.uk.",
        )
    return teams


def _version(release: str, revision: int) -> str:
    """The package's version: auditloop's own, with room for a hundred packages within each of its patches."""
    major, minor, patch = map(int, re.findall(r"\d+", release)[:3])
    return f"{major}.{minor}.{patch * 100 + revision}"


def _command_list(scope: str, *, slash: bool) -> dict[str, Any]:
    commands = [_command(word) for word in WORDS[scope]]
    if slash and scope != "personal":
        return {"triggers": ["mention", "slash"], "scopes": [scope], "commands": commands}
    return {"scopes": [scope], "commands": commands}


def _command(word: str) -> dict[str, str]:
    """A word of the bot as an entry of the menu: choosing it writes the title, so the rest stands beside it."""
    for entries, whose in ((HELP_ALL, ""), (HELP_QA, "for QA officers: ")):
        for pattern, does in entries:
            if pattern.partition(" ")[0] == word:
                said = f"{whose}{does}."
                how = f" Write: {pattern}" if pattern != word else ""
                return {"title": word, "description": said[0].upper() + said[1:] + how}
    raise KeyError(word)


def _against_schema(manifest: dict[str, Any], file: Path | None, url: str) -> str:
    """Hold the manifest against the published schema and say what came of it. Raises UserFault if it doesn't fit."""
    name = f"Microsoft's schema {manifest['manifestVersion']}"
    alone = f"Checked by auditloop's own rules only, because {name}"
    if file is not None:
        try:
            schema: object = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise NotWritten(WHAT, f"{file}: the schema can't be read: {error}.") from None
    elif (schema := asyncio.run(_fetched(url))) is None:
        return f"{alone} could not be reached at {URL(url).host}. If you have it in a file, add: --schema FILE"
    try:
        found = schema_faults(manifest, schema)
    except NoSchema as fault:
        if file is not None:
            raise NotWritten(WHAT, f"{file}: {fault}.") from None
        return f"{alone} could not be read: what came from {URL(url).host} is something else."
    except ModuleNotFoundError:
        return f"{alone} can't be read without the library jsonschema. To add it, run: make platforms"
    if found:
        raise NotWritten(WHAT, *found)
    return f"Checked by auditloop's own rules and against {name}."


async def _fetched(url: str) -> object | None:
    """The JSON at an address, or None where there is none to be had. A proxy in the environment is used."""
    import aiohttp

    limit = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=limit, trust_env=True) as session, session.get(url) as answer:
            return json.loads(await answer.read()) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


def _is_package(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as opened:
            return MANIFEST in opened.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
