"""What a Teams app package must keep: our own rules, stricter than the published schema, and the schema itself."""

import json
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from bot.manifest_rules import Place, address, at_most, colour, is_server_name, line, sentence

MANIFEST = "manifest.json"
ICONS = {"color.png": 192, "outline.png": 32}
"""The icons, each a square of so many points."""

SETTINGS: Mapping[Place, str] = {
    ("id",): "teams.app_id",
    ("bots", 0, "botId"): "teams.app_id",
    ("name", "short"): "teams.app.name",
    ("name", "full"): "teams.app.name",
    ("developer", "name"): "teams.app.publisher",
    ("developer", "websiteUrl"): "teams.app.website_url",
    ("developer", "privacyUrl"): "teams.app.privacy_url",
    ("developer", "termsOfUseUrl"): "teams.app.terms_url",
    ("validDomains", 0): "web.public_url",
}
"""The entries that come from a setting, so that a fault names what can be changed."""

Scope = Literal["personal", "team", "groupChat"]


def _guid(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise ValueError(
            "this must be the application (client) id of the app registration, "
            "such as 00000000-1111-2222-3333-444444444444"
        )
    return text


def _version(text: str) -> str:
    # Semantic versions may say more, but Teams takes three numbers only.
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text, re.ASCII):
        raise ValueError("Teams takes a version of three numbers only, such as 1.4.0")
    return text


def _domain(text: str) -> str:
    host, _, port = text.partition(":")
    if not is_server_name(host) or (port and not port.isdecimal()):
        raise ValueError(
            f"Teams needs the name of a server in the internet, such as auditloop.example.gov.uk, and this is {text}"
        )
    return text


Guid = Annotated[str, AfterValidator(_guid)]
Address = Annotated[str, AfterValidator(address(2048, "Teams", "https://www.example.gov.uk/privacy"))]


class Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Developer(Part):
    name: Annotated[str, AfterValidator(line(32, "Teams"))]
    website_url: Address
    privacy_url: Address
    terms_of_use_url: Address


class Name(Part):
    short: Annotated[str, AfterValidator(line(30, "Teams"))]
    full: Annotated[str, AfterValidator(line(100, "Teams"))]

    @model_validator(mode="after")
    def _differ(self) -> "Name":
        if self.short == self.full:
            raise ValueError("the short and the full name must differ")
        return self


class Description(Part):
    short: Annotated[str, AfterValidator(line(80, "Teams"))]
    full: Annotated[str, Field(min_length=1), AfterValidator(at_most(4000, "Teams"))]

    @model_validator(mode="after")
    def _differ(self) -> "Description":
        if self.short in self.full:
            raise ValueError("the full description may not repeat the short one")
        return self


class Icons(Part):
    outline: Literal["outline.png"]
    color: Literal["color.png"]


class Command(Part):
    title: Annotated[str, AfterValidator(line(32, "Teams"))]
    description: Annotated[str, AfterValidator(line(128, "Teams"))]


class CommandList(Part):
    """The schema allows twelve commands; Teams' own page about command menus says ten."""

    scopes: list[Scope] = Field(min_length=1, max_length=1)
    triggers: list[Literal["mention", "slash"]] = Field(default=["mention"], min_length=1, max_length=2)
    commands: list[Command] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _once_each(self) -> "CommandList":
        titles = [command.title.casefold() for command in self.commands]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"this is in the list twice: {', '.join(twice)}")
        if len(set(self.triggers)) < len(self.triggers):
            raise ValueError("a trigger is named twice")
        if "slash" in self.triggers and "personal" in self.scopes:
            raise ValueError("slash commands are for channels and group chats: a chat with one person has none")
        return self


class Bot(Part):
    bot_id: Guid
    scopes: list[Scope] = Field(min_length=1, max_length=3)
    needs_channel_selector: Literal[False]
    is_notification_only: Literal[False]
    supports_files: Literal[False]
    supports_calling: Literal[False]
    supports_video: Literal[False]
    supports_targeted_messages: bool = False
    command_lists: list[CommandList] = Field(min_length=1, max_length=3)

    @model_validator(mode="after")
    def _lists_fit(self) -> "Bot":
        scopes = [scope for each in self.command_lists for scope in each.scopes]
        if sorted(scopes) != sorted(self.scopes):
            raise ValueError("there must be one list of commands for each scope of the bot")
        if any("slash" in each.triggers for each in self.command_lists) != self.supports_targeted_messages:
            raise ValueError("slash commands and supportsTargetedMessages go together")
        return self


class Manifest(Part):
    """The manifest as auditloop uses it. What isn't named here is asked of nobody: no permission of Graph or of a team.

    `permissions` only tell people what the bot does: it knows who writes, and it writes to members of a team.
    """

    schema_url: str = Field(alias="$schema")
    manifest_version: str
    version: Annotated[str, AfterValidator(_version)]
    id: Guid
    developer: Developer
    name: Name
    description: Description
    icons: Icons
    accent_color: Annotated[str, AfterValidator(colour)]
    bots: list[Bot] = Field(min_length=1, max_length=1)
    permissions: list[Literal["identity", "messageTeamMembers"]] = Field(max_length=2)
    valid_domains: list[Annotated[str, AfterValidator(_domain)]] = Field(min_length=1, max_length=16)
    default_install_scope: Literal["personal"]

    @model_validator(mode="after")
    def _one_version(self) -> "Manifest":
        wanted = (
            f"https://developer.microsoft.com/json-schemas/teams/v{self.manifest_version}/MicrosoftTeams.schema.json"
        )
        if not re.fullmatch(r"1\.\d+", self.manifest_version) or self.schema_url != wanted:
            raise ValueError(f"$schema and manifestVersion must name the same released version: {wanted}")
        if self.bots[0].bot_id != self.id:
            raise ValueError("the app and its bot must have the same id")
        return self


def faults(package: bytes) -> list[str]:
    """Everything in a package that Teams would refuse, or show badly, by our own rules; each as a sentence."""
    try:
        with zipfile.ZipFile(BytesIO(package)) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
            count = len(opened.namelist())
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        return [f"This is no zip file that can be read: {error}."]
    wanted = {MANIFEST, *ICONS}
    if set(files) != wanted or count != len(wanted):
        return [f"The package must hold {', '.join(sorted(wanted))} and nothing else."]
    found = [fault for name, side in ICONS.items() for fault in _icon_faults(name, files[name], side)]
    try:
        manifest = json.loads(files[MANIFEST])
    except ValueError as error:
        return [*found, f"{MANIFEST}: this is not valid JSON: {error}."]
    return [*found, *manifest_faults(manifest)]


def manifest_faults(manifest: object) -> list[str]:
    """The faults of the manifest alone, by our own rules."""
    try:
        Manifest.model_validate(manifest)
    except ValidationError as error:
        return list(dict.fromkeys(sentence(detail, MANIFEST, SETTINGS, "package") for detail in error.errors()))
    return []


def _icon_faults(name: str, data: bytes, side: int) -> list[str]:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 26:
        return [f"{name}: this is no PNG picture."]
    width, height, _, colours = struct.unpack(">IIBB", data[16:26])
    found = []
    if (width, height) != (side, side):
        found.append(f"{name}: this must be {side} by {side} points, and it is {width} by {height}.")
    if name == "outline.png" and colours not in {4, 6}:
        found.append(f"{name}: this must be white on a transparent ground, and it has no transparency.")
    return found


class NoSchema(ValueError):
    """What was given as a schema isn't one, or is one for another version; the text says which."""


def schema_faults(manifest: Mapping[str, Any], schema: object) -> list[str]:
    """What the published JSON Schema refuses in a manifest. Raises NoSchema."""
    from jsonschema import Draft4Validator, FormatChecker, SchemaError

    if not isinstance(schema, dict):
        raise NoSchema("this is no JSON Schema")
    version = schema.get("properties", {}).get("manifestVersion", {})
    meant: Sequence[object] = version.get("enum", [version.get("const")])
    if manifest["manifestVersion"] not in meant:
        raise NoSchema(f"this is not the schema of Teams' manifest {manifest['manifestVersion']}")
    try:
        # Without formats: the schema has patterns, for parts that auditloop doesn't use, that only JavaScript can read.
        Draft4Validator.check_schema(schema, format_checker=FormatChecker(()))
    except SchemaError as error:
        raise NoSchema(f"this is no JSON Schema: {error.message}") from None
    found = sorted(Draft4Validator(schema).iter_errors(dict(manifest)), key=lambda error: list(map(str, error.path)))
    return [f"{MANIFEST}, {error.json_path}: Microsoft's schema says: {error.message}." for error in found]
