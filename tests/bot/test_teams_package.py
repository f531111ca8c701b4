"""The app package for Teams: what is in it, what it is held against, and what becomes of settings that don't fit."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser

from bot.faults import UserFault
from bot.settings import Settings
from bot.teams import package as packing
from bot.teams.package import WORDS, manifest_in, manifest_of, package_of, write_package
from bot.teams.package_rules import ICONS, NoSchema, faults, manifest_faults, schema_faults
from cards.limits import units
from cards.status import HELP_ALL, HELP_QA
from handlers.commands import GROUP_WORDS, ORDERS
from tests.bot.pictures import apart, decoded

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "manifest" / "teams"
MICROSOFTS = (
    ROOT / "tests" / "clients" / "node_modules" / "@microsoft" / "app-manifest" / "build" / "json-schemas" / "teams"
)
APP = "5d7a6c1e-3f43-4c4e-9f39-1f6a6a1f0b11"
PUBLIC = "https://auditloop.example.gov.uk"
SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "properties": {"manifestVersion": {"const": "1.30"}},
}


def settings(public_url: str = PUBLIC, *, app: dict[str, Any] | None = None, **teams: Any) -> Settings:
    registered = {"app_id": APP, "tenant_id": "of-the-council", "secret": "made-up", "app": app or {}} | teams
    return Settings.model_validate({"web": {"public_url": public_url}, "teams": registered})


def manifest(**app: Any) -> dict[str, Any]:
    return manifest_of(settings(app=app), "1.4.2")


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    """A schema of our own in a file, so that nothing is fetched."""
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    return file


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the package goes: a folder with nothing else in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "auditloop-teams.zip"


# What is in it


def test_the_package_holds_the_manifest_and_two_icons_and_nothing_else(out: Path, schema: Path) -> None:
    write_package(settings(), out, schema=schema)
    with zipfile.ZipFile(out) as package:
        assert package.testzip() is None
        assert sorted(package.namelist()) == ["color.png", "manifest.json", "outline.png"]
        read = json.loads(package.read("manifest.json"))
        assert package.read("color.png") == (PICTURES / "color.png").read_bytes()
    assert read["bots"][0]["botId"] == read["id"] == APP
    assert read["bots"][0]["scopes"] == ["personal", "team", "groupChat"]
    assert read["validDomains"] == ["auditloop.example.gov.uk"]
    assert [path.name for path in out.parent.iterdir()] == ["auditloop-teams.zip"]


def test_the_same_settings_give_the_same_bytes() -> None:
    assert package_of(settings(), "1.4.2") == package_of(settings(), "1.4.2")
    assert package_of(settings(), "1.4.2") != package_of(settings(), "1.4.3")


def test_what_is_the_councils_own_stands_in_the_manifest() -> None:
    own = manifest(
        name="Practice audits",
        publisher="Riverton Council",
        website_url="https://www.riverton.example/audits",
        privacy_url="https://www.riverton.example/privacy",
        terms_url="https://www.riverton.example/terms",
    )
    assert own["name"] == {"short": "Practice audits", "full": "Practice audits: audits of case files"}
    assert own["developer"] == {
        "name": "Riverton Council",
        "websiteUrl": "https://www.riverton.example/audits",
        "privacyUrl": "https://www.riverton.example/privacy",
        "termsOfUseUrl": "https://www.riverton.example/terms",
    }
    assert manifest_faults(own) == []


@pytest.mark.parametrize("public", [PUBLIC, f"{PUBLIC}/", f"{PUBLIC}:8443/audits/"])
def test_addresses_that_nobody_named_lead_to_the_page_that_auditloop_serves(public: str) -> None:
    made = manifest_of(settings(public), "1.4.2")
    page = (PICTURES / "about.html").read_text("utf-8")
    developer = made["developer"]
    assert developer["websiteUrl"] == public.rstrip("/") + "/about"
    for name in ("privacyUrl", "termsOfUseUrl"):
        address, _, place = developer[name].partition("#")
        assert address == developer["websiteUrl"]
        assert f'id="{place}"' in page
    assert made["validDomains"] == [public.removeprefix("https://").partition("/")[0]]
    assert manifest_faults(made) == []


def test_a_name_of_a_server_with_letters_beyond_ascii_is_written_as_the_internet_knows_it() -> None:
    made = manifest_of(settings("https://prüfung.example.org"), "1.4.2")
    assert made["validDomains"] == ["xn--prfung-4ya.example.org"]
    assert manifest_faults(made) == []


RELEASES = st.tuples(*[st.integers(0, 40)] * 3)


@given(one=st.tuples(RELEASES, st.integers(0, 99)), other=st.tuples(RELEASES, st.integers(0, 99)))
def test_a_later_release_or_a_higher_revision_is_always_a_higher_version(
    one: tuple[tuple[int, ...], int], other: tuple[tuple[int, ...], int]
) -> None:
    def seen(release: tuple[int, ...], revision: int) -> tuple[int, ...]:
        made = manifest_of(settings(app={"revision": revision}), ".".join(map(str, release)))
        assert manifest_faults(made) == []
        return tuple(map(int, made["version"].split(".")))

    assert (seen(*one) < seen(*other)) == (one < other)


def test_a_release_that_isnt_final_yet_still_gives_a_version_that_teams_takes() -> None:
    assert manifest_of(settings(), "1.4.2.dev3+g1234567")["version"] == "1.4.200"


def test_every_word_in_the_menus_is_one_that_the_bot_answers_and_says_what_help_says() -> None:
    says = {pattern.partition(" ")[0]: does for pattern, does in (*HELP_QA, *HELP_ALL)}
    for each in manifest()["bots"][0]["commandLists"]:
        for command in each["commands"]:
            assert command["title"] in ORDERS
            assert says[command["title"]].casefold() in command["description"].casefold()


def test_a_word_that_wants_more_shows_how_it_is_written() -> None:
    personal = manifest()["bots"][0]["commandLists"][0]["commands"]
    described = {command["title"]: command["description"] for command in personal}
    assert described["case"] == "For QA officers: everything about one case's audits. Write: case REF"
    assert described["leave"] == "You are away. Write: leave until 17 April"
    assert described["mine"] == "What waits for you."


def test_where_several_people_read_along_only_words_that_name_nobody_are_offered() -> None:
    assert set(WORDS["team"]) == set(WORDS["groupChat"]) == GROUP_WORDS
    assert {"mine", "safety", "leave", "help", "status"} <= set(WORDS["personal"])


def test_slash_commands_are_offered_where_several_people_talk_and_only_if_asked_for() -> None:
    def triggers(made: dict[str, Any]) -> dict[str, list[str]]:
        return {each["scopes"][0]: each.get("triggers", ["mention"]) for each in made["bots"][0]["commandLists"]}

    plain, slash = manifest(), manifest_of(settings(slash_commands=True), "1.4.2")
    assert set(map(tuple, triggers(plain).values())) == {("mention",)}
    assert "supportsTargetedMessages" not in plain["bots"][0]
    assert triggers(slash) == {"personal": ["mention"], "team": ["mention", "slash"], "groupChat": ["mention", "slash"]}
    assert slash["bots"][0]["supportsTargetedMessages"] is True
    assert slash["manifestVersion"] == plain["manifestVersion"]
    assert manifest_faults(slash) == []


def test_the_app_asks_for_no_permission_of_a_team_or_of_graph() -> None:
    made = manifest()
    assert not {"authorization", "webApplicationInfo", "devicePermissions"} & set(made)
    assert made["permissions"] == ["identity", "messageTeamMembers"]
    for name in ("authorization", "webApplicationInfo"):
        assert any("no such entry: take it out" in fault for fault in manifest_faults(made | {name: {}}))


# The icons


def test_the_icon_in_colour_is_a_full_square_with_the_mark_where_no_corner_is_cut_off() -> None:
    pixels = decoded((PICTURES / "color.png").read_bytes())
    assert len(pixels) == 192
    assert {len(row) for row in pixels} == {192}
    assert {point[3] for row in pixels for point in row} == {255}
    ground = (0x12, 0x52, 0x5C, 255)
    marked = {(x, y) for y, row in enumerate(pixels) for x, point in enumerate(row) if point != ground}
    assert marked
    assert all(48 <= x < 144 and 48 <= y < 144 for x, y in marked)


def test_the_outline_is_nothing_but_white_on_a_transparent_ground() -> None:
    pixels = decoded((PICTURES / "outline.png").read_bytes())
    assert len(pixels) == 32
    assert {len(row) for row in pixels} == {32}
    seen = Counter(point[:3] for row in pixels for point in row if point[3])
    assert set(seen) == {(255, 255, 255)}
    clear = sum(point[3] == 0 for row in pixels for point in row)
    assert 32 * 32 // 3 < clear < 32 * 32
    marked = [(x, y) for y, row in enumerate(pixels) for x, point in enumerate(row) if point[3]]
    for sides in zip(*marked, strict=True):
        assert (min(sides), max(sides)) == (0, 31)


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_the_icons_are_what_their_drawings_show(browser: Browser) -> None:
    for name, side in ICONS.items():
        picture = PICTURES / name
        drawing = picture.with_suffix(".svg").read_text("utf-8")
        # Browsers smooth the edges a little differently.
        assert await apart(browser, drawing, picture.read_bytes(), side) < 2, name


# Microsoft's own schema


@cache
def microsofts_schema() -> object:
    return json.loads((MICROSOFTS / f"v{manifest()['manifestVersion']}" / "MicrosoftTeams.schema.json").read_bytes())


@pytest.mark.clients
@pytest.mark.parametrize("slash", [False, True])
def test_microsofts_schema_takes_the_package(slash: bool, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = MICROSOFTS / f"v{manifest()['manifestVersion']}" / "MicrosoftTeams.schema.json"
    write_package(settings(slash_commands=slash), out, schema=file)
    assert "Checked by auditloop's own rules and against Microsoft's schema 1.30." in capsys.readouterr().out
    assert schema_faults(manifest_in(out.read_bytes()), microsofts_schema()) == []


@pytest.mark.clients
def test_the_manifest_is_of_the_newest_version_that_microsoft_has_released() -> None:
    released = [path.name for path in MICROSOFTS.iterdir() if path.name.startswith("v1.")]
    newest = max(released, key=lambda name: int(name.removeprefix("v1.")))
    assert f"v{manifest()['manifestVersion']}" == newest


TEXTS = st.text(max_size=140) | st.text(alphabet="aé😀 ", min_size=28, max_size=34)
ADDRESSES = st.sampled_from(["", "https://www.example.org/privacy", "http://www.example.org", "https://", "privacy"])


@pytest.mark.clients
@given(name=TEXTS, publisher=TEXTS, privacy_url=ADDRESSES | st.text(max_size=40))
def test_what_our_rules_let_pass_microsofts_schema_lets_pass(name: str, publisher: str, privacy_url: str) -> None:
    made = manifest(name=name, publisher=publisher, privacy_url=privacy_url)
    assert manifest_faults(made) or not schema_faults(made, microsofts_schema())


# Our own rules

Change = Callable[[dict[str, Any]], object]


def with_(*steps: str | int, value: object) -> Change:
    """A change of one entry of a manifest."""

    def change(made: Any) -> None:
        for step in steps[:-1]:
            made = made[step]
        made[steps[-1]] = value

    return change


LIST = ("bots", 0, "commandLists", 0)
COMMANDS = (*LIST, "commands")
A_COMMAND = {"title": "status", "description": "How this month stands."}
FAULTS: dict[str, tuple[Change, str]] = {
    "an older schema": (
        with_("$schema", value="https://developer.microsoft.com/json-schemas/teams/v1.29/MicrosoftTeams.schema.json"),
        "manifest.json: $schema and manifestVersion must name the same released version",
    ),
    "another schema's address": (with_("$schema", value="https://example.org/v1.30"), "the same released version"),
    "a preview": (with_("manifestVersion", value="devPreview"), "the same released version"),
    "a version of two numbers": (
        with_("version", value="1.4"),
        "manifest.json, version: Teams takes a version of thre",
    ),
    "a version with more behind it": (with_("version", value="1.4.0-beta"), "three numbers only, such as 1.4.0."),
    "a version with a nought before it": (with_("version", value="1.04.0"), "three numbers only"),
    "no id": (with_("id", value="auditloop"), "auditloop.toml, teams.app_id: this must be the application (client) id"),
    "another id": (with_("id", value=APP.replace("5", "6")), "the app and its bot must have the same id"),
    "a name of nothing": (with_("name", "short", value="  "), "auditloop.toml, teams.app.name: this is empty"),
    "a name of 31": (
        with_("name", "short", value="x" * 31),
        "at most 30 characters here, and this has 31: shorten it.",
    ),
    "a name of 16 faces": (with_("name", "short", value="😀" * 16), "at most 30 characters here, and this has 32"),
    "a name in two lines": (with_("name", "short", value="a\nb"), "write this on one line"),
    "a full name of 101": (with_("name", "full", value="x" * 101), "at most 100 characters here, and this has 101"),
    "one name twice": (with_("name", "full", value="auditloop"), "name: the short and the full name must differ."),
    "no full name": (lambda made: made["name"].pop("full"), "auditloop.toml, teams.app.name: this is missing."),
    "a publisher of 33": (with_("developer", "name", value="x" * 33), "teams.app.publisher: Teams shows at most 32"),
    "a site without https": (
        with_("developer", "websiteUrl", value="http://www.example.org"),
        "auditloop.toml, teams.app.website_url: write an address that begins with https://",
    ),
    "no site": (with_("developer", "privacyUrl", value=""), "teams.app.privacy_url: write an address"),
    "a site of no server": (with_("developer", "termsOfUseUrl", value="https:///terms"), "teams.app.terms_url: write"),
    "a site with a space": (with_("developer", "websiteUrl", value="https://a b.example"), "begins with https://"),
    "a site with an impossible port": (with_("developer", "websiteUrl", value="https://a.example:99999"), "https://"),
    "a very long site": (
        with_("developer", "websiteUrl", value="https://www.example.org/" + "x" * 2048),
        "at most 2048 characters",
    ),
    "a short description of 81": (with_("description", "short", value="x" * 81), "at most 80 characters"),
    "a full description of 4001": (with_("description", "full", value="x" * 4001), "at most 4000 characters"),
    "no full description": (with_("description", "full", value=""), "description.full: this is empty"),
    "one description in the other": (
        with_("description", "short", value="auditloop is no emergency service."),
        "the full description may not repeat the short one",
    ),
    "no colour": (with_("accentColor", value="teal"), "accentColor: write a colour as # and six hexadecimal digits"),
    "another icon": (with_("icons", "color", value="logo.png"), "icons.color: this must be 'color.png'."),
    "no bot": (with_("bots", value=[]), "bots: there must be at least 1 here."),
    "two bots": (lambda made: made["bots"].append(made["bots"][0]), "bots: there may be at most 1 here"),
    "a bot that only notifies": (with_("bots", 0, "isNotificationOnly", value=True), "this must be False."),
    "a bot for files": (with_("bots", 0, "supportsFiles", value=True), "bots[0].supportsFiles: this must be False."),
    "a scope that Teams doesn't have": (
        with_("bots", 0, "scopes", 0, value="tenant"),
        "this must be 'personal', 'team'",
    ),
    "a scope without commands": (
        lambda made: made["bots"][0]["commandLists"].pop(),
        "bots[0]: there must be one list of commands for each scope of the bot.",
    ),
    "two lists for a scope": (with_(*LIST, "scopes", 0, value="team"), "one list of commands for each scope"),
    "eleven commands": (
        with_(*COMMANDS, value=[A_COMMAND | {"title": f"word {number}"} for number in range(11)]),
        "commands: there may be at most 10 here, and there are 11.",
    ),
    "no commands": (with_(*COMMANDS, value=[]), "commands: there must be at least 1 here."),
    "a command twice": (
        with_(*COMMANDS, value=[A_COMMAND, A_COMMAND | {"title": "Status"}]),
        "this is in the list twice: status.",
    ),
    "a long command": (with_(*COMMANDS, 0, "title", value="x" * 33), "at most 32 characters here, and this has 33"),
    "a long hint": (with_(*COMMANDS, 0, "description", value="x" * 129), "at most 128 characters"),
    "a command without a hint": (
        with_(*COMMANDS, 0, value={"title": "status"}),
        "manifest.json, bots[0].commandLists[0].commands[0].description: this is missing.",
    ),
    "a trigger that Teams doesn't have": (
        with_(*LIST, "triggers", value=["voice"]),
        "this must be 'mention' or 'slash'",
    ),
    "a trigger twice": (with_(*LIST, "triggers", value=["mention", "mention"]), "a trigger is named twice"),
    "slash commands in a chat with one": (with_(*LIST, "triggers", value=["slash"]), "a chat with one person has none"),
    "slash commands that can't arrive": (
        with_("bots", 0, "commandLists", 1, "triggers", value=["slash"]),
        "slash commands and supportsTargetedMessages go together.",
    ),
    "no domain": (with_("validDomains", value=[]), "validDomains: there must be at least 1 here."),
    "a domain with its scheme": (with_("validDomains", 0, value=PUBLIC), "auditloop.toml, web.public_url: Teams needs"),
    "this computer": (with_("validDomains", 0, value="localhost"), "the name of a server in the internet"),
    "an address in numbers": (with_("validDomains", 0, value="192.0.2.7"), "and this is 192.0.2.7."),
    "every domain": (with_("validDomains", 0, value="*.uk"), "the name of a server in the internet"),
    "seventeen domains": (
        with_("validDomains", value=[f"a{number}.example.org" for number in range(17)]),
        "validDomains: there may be at most 16 here, and there are 17.",
    ),
    "a permission that doesn't exist": (with_("permissions", 0, value="everything"), "permissions[0]: this must be"),
    "a scope of installing": (with_("defaultInstallScope", value="team"), "this must be 'personal'."),
    "text where a list belongs": (with_("validDomains", value="a.example.org"), "this must be a valid list."),
    "an entry that isn't ours": (
        with_("staticTabs", value=[]),
        "manifest.json, staticTabs: auditloop's package has no",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_manifest_is_named_with_what_to_do(fault: str) -> None:
    change, words = FAULTS[fault]
    made = deepcopy(manifest())
    change(made)
    assert words in "\n".join(manifest_faults(made))


def test_a_manifest_that_is_no_object_is_refused() -> None:
    assert manifest_faults([]) == ["manifest.json: this must be an object."]


@given(name=TEXTS)
def test_a_name_is_taken_exactly_if_it_is_one_line_of_at_most_thirty_characters(name: str) -> None:
    fits = bool(name.strip()) and name == name.strip() and name.isprintable() and units(name) <= 30
    assert (manifest_faults(manifest(name=name)) == []) == fits


HOSTS = st.from_regex(r"[a-zA-Z0-9.:_/-]{1,30}", fullmatch=True)


@given(host=HOSTS | st.sampled_from(["a.example.org", "a.example.org:8443", "127.0.0.1", "localhost", "a..org"]))
def test_a_domain_that_is_taken_is_a_name_with_letters_in_its_last_part(host: str) -> None:
    made = manifest()
    made["validDomains"] = [host]
    name, _, port = host.partition(":")
    parts = name.split(".")
    if manifest_faults(made) == []:
        assert len(parts) > 1
        assert all(part and part == part.lower() and not part.startswith("-") for part in parts)
        assert not parts[-1].isdigit()
        assert port == "" or port.isdigit()
    else:
        assert host not in {"a.example.org", "a.example.org:8443"}


def repacked(**contents: bytes | None) -> bytes:
    """The package with some of its files changed, added, or (None) left out; `_` stands for the dot of a name."""
    with zipfile.ZipFile(BytesIO(package_of(settings(), "1.4.2"))) as package:
        inside: dict[str, bytes | None] = {name: package.read(name) for name in package.namelist()}
    inside |= {name.replace("_", "."): data for name, data in contents.items()}
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        for name, data in inside.items():
            if data is not None:
                package.writestr(name, data)
    return made.getvalue()


def picture(width: int, height: int, colours: int = 6) -> bytes:
    head = struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + head + struct.pack(">I", zlib.crc32(head[4:]))


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (repacked(color_png=None), "The package must hold color.png, manifest.json, outline.png and nothing else."),
        (repacked(notes_txt=b"hello"), "The package must hold color.png, manifest.json, outline.png and nothing else."),
        (repacked(color_png=picture(96, 96)), "color.png: this must be 192 by 192 points, and it is 96 by 96."),
        (repacked(outline_png=picture(32, 33)), "outline.png: this must be 32 by 32 points, and it is 32 by 33."),
        (
            repacked(outline_png=picture(32, 32, 2)),
            "outline.png: this must be white on a transparent ground, and it has no transparency.",
        ),
        (repacked(color_png=b"GIF89a" + bytes(30)), "color.png: this is no PNG picture."),
        (repacked(color_png=b""), "color.png: this is no PNG picture."),
        (repacked(manifest_json=b"{"), "manifest.json: this is not valid JSON: "),
        (repacked(manifest_json=b"\xff"), "manifest.json: this is not valid JSON: "),
        (b"no zip", "This is no zip file that can be read: File is not a zip file."),
    ],
)
def test_a_package_that_isnt_whole_is_refused_in_words(package: bytes, said: str) -> None:
    assert [fault[: len(said)] for fault in faults(package)] == [said]


def test_a_whole_package_has_no_faults() -> None:
    assert faults(repacked()) == []


# A schema, from a file or from a server


@contextmanager
def serving(status: int, body: bytes, *, answers: bool = True) -> Iterator[str]:
    """The address of a server on loopback that always answers the same, or never."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not answers:
                over.wait(30)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/MicrosoftTeams.schema.json"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        return f"http://127.0.0.1:{reserved.getsockname()[1]}/"


def test_the_published_schema_is_asked_for_and_that_is_said(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(200, json.dumps(SCHEMA).encode()) as address:
        write_package(settings(), out, schema_url=address)
    said = capsys.readouterr().out
    assert "Checked by auditloop's own rules and against Microsoft's schema 1.30." in said
    assert faults(out.read_bytes()) == []


def test_what_the_published_schema_refuses_is_not_written(out: Path) -> None:
    stricter = SCHEMA | {"required": ["something new"]}
    with serving(200, json.dumps(stricter).encode()) as address, pytest.raises(UserFault) as refused:
        write_package(settings(), out, schema_url=address)
    assert str(refused.value) == (
        "No package was written.\nmanifest.json, $: Microsoft's schema says: 'something new' is a required property."
    )
    assert list(out.parent.iterdir()) == []


def test_without_a_network_the_package_is_written_and_it_is_said_what_was_not_asked(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(settings(), out, schema_url=nobody_listens())
    said = capsys.readouterr().out
    assert (
        "Checked by auditloop's own rules only, because Microsoft's schema 1.30 could not be reached at 127.0.0.1. "
        "If you have it in a file, add: --schema FILE"
    ) in said
    assert faults(out.read_bytes()) == []


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"gone", "could not be reached at 127.0.0.1"),
        (200, b"<html>Please sign in to the proxy</html>", "could not be reached at 127.0.0.1"),
        (200, b"[]", "could not be read: what came from 127.0.0.1 is something else."),
        (200, b'{"properties": {"manifestVersion": {"const": "1.11"}}}', "could not be read: what came from 127.0.0.1"),
    ],
)
def test_what_a_server_sends_in_place_of_the_schema_is_not_taken_for_it(
    status: int, body: bytes, said: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(status, body) as address:
        write_package(settings(), out, schema_url=address)
    assert said in capsys.readouterr().out


def test_a_server_that_never_answers_is_not_waited_for(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SECONDS", 0.2)
    with serving(200, b"", answers=False) as address:
        write_package(settings(), out, schema_url=address)
    assert "could not be reached" in capsys.readouterr().out


def test_without_the_library_that_reads_schemas_our_own_rules_still_hold(
    out: Path, schema: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    write_package(settings(), out, schema=schema)
    assert "can't be read without the library jsonschema. To add it, run: make platforms" in capsys.readouterr().out
    with pytest.raises(UserFault, match=r"teams\.app\.name"):
        write_package(settings(app={"name": "x" * 31}), out, schema=schema)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "the schema can't be read: "),
        (b"<html>", "the schema can't be read: "),
        (b"[]", "this is no JSON Schema."),
        (b'{"properties": {"manifestVersion": {"const": "1.29"}}}', "this is not the schema of Teams' manifest 1.30."),
        (b'{"properties": {"manifestVersion": {"const": "1.30"}}, "type": 7}', "this is no JSON Schema: "),
    ],
)
def test_a_file_that_was_named_as_the_schema_and_isnt_one_is_a_fault(
    content: bytes | None, said: str, out: Path, tmp_path: Path
) -> None:
    file = tmp_path / "given.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserFault) as refused:
        write_package(settings(), out, schema=file)
    assert f"No package was written.\n{file}: {said}" in str(refused.value)
    assert list(out.parent.iterdir()) == []


def test_a_schema_for_several_versions_is_one_for_each_of_them() -> None:
    several = {"properties": {"manifestVersion": {"enum": ["1.29", "1.30"]}}}
    assert schema_faults(manifest(), several) == []
    with pytest.raises(NoSchema, match=r"not the schema of Teams' manifest 1\.7"):
        schema_faults(manifest() | {"manifestVersion": "1.7"}, several)


# Settings that don't fit


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Settings(), "There is no [teams] section in auditloop.toml. docs/teams.md says how to register the app."),
        (
            Settings.model_validate({"teams": {"anonymous": True}}),
            "teams.anonymous is for Microsoft's Agents Playground, which needs no app package.",
        ),
        (settings(""), "auditloop.toml, web.public_url: write the https address under which Teams reaches auditloop"),
        (settings("http://127.0.0.1:3978"), "auditloop.toml, web.public_url: write the https address"),
        (settings("https://127.0.0.1"), "auditloop.toml, web.public_url: Teams needs the name of a server"),
        (settings("https://localhost"), "auditloop.toml, web.public_url: Teams needs the name of a server"),
        (settings(app_id="auditloop"), "auditloop.toml, teams.app_id: this must be the application (client) id"),
        (settings(app={"name": "An app with a very long name indeed"}), "teams.app.name: Teams shows at most 30"),
        (settings(app={"publisher": "\ud800"}), "auditloop.toml, teams.app.publisher: write this on one line"),
        (
            settings(app={"privacy_url": "http://www.example.org"}),
            "teams.app.privacy_url: write an address that begins",
        ),
    ],
)
def test_settings_that_make_no_app_are_named_and_nothing_is_written(
    wrong: Settings, said: str, out: Path, schema: Path
) -> None:
    with pytest.raises(UserFault) as refused:
        write_package(wrong, out, schema=schema)
    assert str(refused.value).startswith("No package was written.\n")
    assert said in str(refused.value)
    assert list(out.parent.iterdir()) == []


def test_every_fault_is_named_at_once_and_each_once(out: Path, schema: Path) -> None:
    with pytest.raises(UserFault) as refused:
        write_package(settings(app_id="x", app={"publisher": "", "terms_url": "terms"}), out, schema=schema)
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "auditloop.toml, teams.app_id",
        "auditloop.toml, teams.app.publisher",
        "auditloop.toml, teams.app.terms_url",
    ]


def test_an_earlier_package_stays_as_it_was_if_the_new_one_has_a_fault(out: Path, schema: Path) -> None:
    write_package(settings(), out, schema=schema)
    before = out.read_bytes()
    with pytest.raises(UserFault):
        write_package(settings(app={"name": ""}), out, schema=schema)
    assert out.read_bytes() == before
    write_package(settings(app={"name": "Audits"}), out, schema=schema)
    assert manifest_in(out.read_bytes())["name"]["short"] == "Audits"


@pytest.mark.parametrize("kind", ["text", "another zip"])
def test_a_file_that_is_no_package_is_never_written_over(kind: str, out: Path, schema: Path) -> None:
    if kind == "text":
        out.write_text("The minutes of last week's meeting")
    else:
        with zipfile.ZipFile(out, "w") as other:
            other.writestr("minutes.txt", "of last week's meeting")
    before = out.read_bytes()
    with pytest.raises(UserFault, match=r"is there already and is no app package. Give another name: --out FILE"):
        write_package(settings(), out, schema=schema)
    assert out.read_bytes() == before


def test_a_folder_is_no_place_for_a_package_but_a_file_in_it_is(out: Path, schema: Path) -> None:
    with pytest.raises(UserFault) as refused:
        write_package(settings(), out.parent, schema=schema)
    assert str(refused.value).endswith(f"{out.parent} is a folder. Name a file in it: --out {out}")
    with pytest.raises(UserFault, match="can't be written: No such file or directory"):
        write_package(settings(), out.parent / "elsewhere" / out.name, schema=schema)
    assert list(out.parent.iterdir()) == []


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """The folder may not be written to; where the tests run as root, for whom that means nothing, as somebody else."""
    root = os.geteuid() == 0
    folder.chmod(0o500)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_a_folder_that_may_not_be_written_to_is_named(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = nobody_listens()
    write_package(settings(), out.parent.parent / "tried.zip", schema_url=address)
    with without_rights(out.parent), pytest.raises(UserFault) as refused:
        write_package(settings(), out, schema_url=address)
    assert str(refused.value) == f"No package was written.\n{out} can't be written: Permission denied."
    assert list(out.parent.iterdir()) == []


# What is said


def test_it_is_said_what_was_written_and_what_comes_next(
    out: Path, schema: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"publisher": "Riverton Council", "privacy_url": "https://www.riverton.example/privacy", "revision": 3}
    write_package(settings(slash_commands=True, app=own), out, schema=schema)
    written, publisher, slash, checked, following = capsys.readouterr().out.splitlines()
    version = manifest_in(out.read_bytes())["version"]
    assert written == f"Wrote {out}: auditloop {version} for Teams, app id {APP}."
    assert publisher == "Publisher: Riverton Council. Privacy notice: https://www.riverton.example/privacy"
    assert slash == "In the / menu of channels and group chats: status and help."
    assert checked == "Checked by auditloop's own rules and against Microsoft's schema 1.30."
    assert following == "Next: upload it in the Teams admin centre (docs/teams.md)."


def test_a_publisher_that_nobody_named_is_mentioned(
    out: Path, schema: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(settings(), out, schema=schema)
    assert "Please note: Teams will name auditloop as publisher." in capsys.readouterr().out


def test_no_secret_is_said_or_packed(out: Path, schema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_package(settings(), out, schema=schema)
    with zipfile.ZipFile(out) as package:
        assert not any(b"made-up" in package.read(name) for name in package.namelist())
    assert "made-up" not in capsys.readouterr().out


def test_the_command_writes_the_package_into_the_working_folder(out: Path, schema: Path) -> None:
    folder = out.parent
    (folder / "auditloop.toml").write_text(
        f'[web]\npublic_url = "{PUBLIC}"\n[teams]\napp_id = "{APP}"\ntenant_id = "t"\nsecret = "s"\n'
        '[teams.app]\npublisher = "Riverton Council"\n'
    )

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from bot.commands import run; run()", "manifest", "teams", *words],
            cwd=folder,
            env={key: value for key, value in os.environ.items() if not key.startswith("AUDITLOOP_")}
            | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = typed("--schema", str(schema))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Wrote auditloop-teams.zip: auditloop ")
    assert faults((folder / "auditloop-teams.zip").read_bytes()) == []
    refused = typed("--out", ".", "--schema", str(schema))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "No package was written.\n. is a folder. Name a file in it: --out auditloop-teams.zip\n"
