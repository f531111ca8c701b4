"""The manifest of the Slack app: what is in it, for which settings, and what becomes of settings that don't fit."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from playwright.async_api import Browser

from bot.faults import UserFault
from bot.settings import Settings
from bot.slack.asking import SHORTCUTS
from bot.slack.listeners import EVENTS
from bot.slack.package import manifest_of, write_manifest, written
from bot.slack.package_rules import faults
from bot.slack.scopes import NEEDED
from handlers.commands import ORDERS
from tests.bot.pictures import apart, decoded
from tests.clients.schemas import schema_of
from tests.conftest import CLIENTS

ROOT = Path(__file__).parents[2]
ICON = ROOT / "manifest" / "slack" / "icon.png"
PUBLIC = "https://auditloop.example.gov.uk"
EVENTS_URL = f"{PUBLIC}/slack/events"
OVER_HTTP = {"bot_token": "xoxb-made-up", "signing_secret": "made-up"}
BY_SOCKET = {"bot_token": "xoxb-made-up", "app_token": "xapp-made-up"}


def settings(public_url: str = PUBLIC, **slack: str) -> Settings:
    return Settings.model_validate({"web": {"public_url": public_url}} | ({"slack": slack} if slack else {}))


def urls(made: dict[str, Any]) -> list[str]:
    """Every address in a manifest."""
    return re.findall(r'"(https?://[^"]+)"', json.dumps(made))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the manifest goes: a folder with nothing else in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "auditloop-slack.json"


# What is in it


def test_over_http_slack_is_told_one_address_for_everything(out: Path) -> None:
    write_manifest(settings(**OVER_HTTP), out)
    made = json.loads(out.read_bytes())
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"]["request_url"] == EVENTS_URL
    assert made["settings"]["interactivity"] == {"is_enabled": True, "request_url": EVENTS_URL}
    assert made["features"]["slash_commands"][0]["url"] == EVENTS_URL
    assert urls(made) == [EVENTS_URL] * 3
    assert [path.name for path in out.parent.iterdir()] == ["auditloop-slack.json"]


def test_in_socket_mode_slack_is_told_no_address(out: Path) -> None:
    write_manifest(settings(**BY_SOCKET), out)
    made = json.loads(out.read_bytes())
    assert made["settings"]["socket_mode_enabled"] is True
    assert made["settings"]["interactivity"] == {"is_enabled": True}
    assert urls(made) == []


@pytest.mark.parametrize("socket_mode", [False, True])
def test_the_bot_asks_for_what_it_needs_and_people_are_asked_for_nothing(socket_mode: bool) -> None:
    made = manifest_of(settings(), socket_mode=socket_mode)
    assert made["oauth_config"] == {"scopes": {"bot": sorted(NEEDED)}}
    assert faults(made) == []


@pytest.mark.parametrize(
    ("public_url", "slack", "wanted", "by_socket"),
    [
        # The manifest comes before there is a token, and so before there is a [slack] section.
        (PUBLIC, {}, None, False),
        ("", {}, None, True),
        (PUBLIC, OVER_HTTP, None, False),
        (PUBLIC, BY_SOCKET, None, True),
        ("", BY_SOCKET, None, True),
        (PUBLIC, OVER_HTTP | BY_SOCKET, None, True),
        (PUBLIC, {}, True, True),
        (PUBLIC, BY_SOCKET, False, False),
    ],
)
def test_the_way_follows_from_the_settings_unless_it_is_said(
    public_url: str, slack: dict[str, str], wanted: bool | None, by_socket: bool
) -> None:
    made = manifest_of(settings(public_url, **slack), socket_mode=wanted)
    assert made["settings"]["socket_mode_enabled"] is by_socket
    assert faults(made) == []


@pytest.mark.parametrize("public", [PUBLIC, f"{PUBLIC}/", f"{PUBLIC}:8443/audits/"])
def test_the_address_is_below_the_one_that_the_world_sees(public: str) -> None:
    made = manifest_of(settings(public))
    assert set(urls(made)) == {public.rstrip("/") + "/slack/events"}
    assert faults(made) == []


def test_a_name_of_a_server_with_letters_beyond_ascii_is_written_as_the_internet_knows_it() -> None:
    made = manifest_of(settings("https://prüfung.example.org"))
    assert set(urls(made)) == {"https://xn--prfung-4ya.example.org/slack/events"}
    assert faults(made) == []


def test_the_hint_of_the_command_names_words_that_the_bot_answers() -> None:
    (command,) = manifest_of(settings())["features"]["slash_commands"]
    assert command["command"] == "/qa"
    words = [one.split()[0] for one in command["usage_hint"].split(" | ")]
    assert {"help", "status", "mine", "safety"} <= set(words) <= set(ORDERS)


def test_slack_tells_what_the_bot_listens_to_and_nothing_else() -> None:
    made = manifest_of(settings())
    events = made["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in events} == set(EVENTS)
    assert [event for event in events if event.startswith("message")] == ["message.im"]
    assert {shortcut["callback_id"] for shortcut in made["features"]["shortcuts"]} == set(SHORTCUTS)


def test_the_token_is_for_one_workspace_and_stays_until_somebody_changes_it() -> None:
    made = manifest_of(settings())
    assert made["settings"]["org_deploy_enabled"] is False
    assert made["settings"]["token_rotation_enabled"] is False


def test_the_same_settings_give_the_same_text_and_yaml_says_the_same_as_json(out: Path) -> None:
    made = manifest_of(settings())
    assert written(made) == written(manifest_of(settings()))
    for ending in (".yaml", ".yml"):
        file = out.with_suffix(ending)
        write_manifest(settings(), file)
        assert yaml.safe_load(file.read_text("utf-8")) == json.loads(written(made)) == made


def test_no_secret_is_written_or_said(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(settings(**OVER_HTTP), out)
    write_manifest(settings(**BY_SOCKET), out)
    write_manifest(settings(**BY_SOCKET), Path("-"))
    assert "made-up" not in out.read_text("utf-8") + capsys.readouterr().out


# Slack's own types


@cache
def slacks_types() -> Draft7Validator:
    types = CLIENTS / "@slack" / "web-api" / "dist" / "types" / "request" / "manifest.d.ts"
    return Draft7Validator(schema_of(types, "Manifest"))


@pytest.mark.clients
@pytest.mark.parametrize("socket_mode", [False, True])
def test_slacks_own_types_know_every_entry_scope_and_event(socket_mode: bool) -> None:
    made = manifest_of(settings(), socket_mode=socket_mode)
    assert [error.message for error in slacks_types().iter_errors(made)] == []


@pytest.mark.clients
@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("oauth_config", "scopes", "bot", 0), "chat:read"),
        (("settings", "event_subscriptions", "bot_events", 0), "message.dm"),
        (("settings", "socket_mode"), True),
        (("features", "shortcuts", 0, "type"), "home"),
        (("features", "slash_commands", 0, "hint"), "help"),
    ],
)
def test_slacks_own_types_refuse_what_slack_does_not_know(steps: tuple[str | int, ...], value: object) -> None:
    made = manifest_of(settings())
    with_(*steps, value=value)(made)
    assert not slacks_types().is_valid(made)


# The icon


def test_the_icon_is_a_full_square_of_a_size_that_slack_takes() -> None:
    pixels = decoded(ICON.read_bytes())
    assert len(pixels) == 512
    assert {len(row) for row in pixels} == {512}
    assert {point[3] for row in pixels for point in row} == {255}


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_the_icon_is_what_its_drawing_shows(browser: Browser) -> None:
    assert await apart(browser, ICON.with_suffix(".svg").read_text("utf-8"), ICON.read_bytes(), 512) < 2


# Our own rules

Change = Callable[[dict[str, Any]], object]


def with_(*steps: str | int, value: object) -> Change:
    """A change of one entry of a manifest."""

    def change(made: Any) -> None:
        for step in steps[:-1]:
            made = made[step]
        made[steps[-1]] = value

    return change


SHORTCUT = ("features", "shortcuts", 0)
SLASH = ("features", "slash_commands", 0)
BOT_SCOPES = ("oauth_config", "scopes", "bot")
BOT_EVENTS = ("settings", "event_subscriptions", "bot_events")
FAULTS: dict[str, tuple[Change, str]] = {
    "the other schema": (with_("_metadata", "major_version", value=2), "_metadata.major_version: this must be 1."),
    "no name": (with_("display_information", "name", value=" "), "display_information.name: this is empty"),
    "a name of 36": (
        with_("display_information", "name", value="x" * 36),
        "at most 35 characters here, and this has 36",
    ),
    "a description of 141": (with_("display_information", "description", value="x" * 141), "at most 140 characters"),
    "a long description of 174": (
        with_("display_information", "long_description", value="x" * 174),
        "Slack wants at least 175 characters here, and this has 174",
    ),
    "a long description of 4001": (
        with_("display_information", "long_description", value="x" * 4001),
        "at most 4000 characters",
    ),
    "no colour": (with_("display_information", "background_color", value="teal"), "write a colour as #"),
    "no Home tab": (with_("features", "app_home", "home_tab_enabled", value=False), "this must be True."),
    "a chat to read only": (
        with_("features", "app_home", "messages_tab_read_only_enabled", value=True),
        "messages_tab_read_only_enabled: this must be False.",
    ),
    "a bot with a capital": (with_("features", "bot_user", "display_name", value="Auditloop"), "small letters, digits"),
    "a bot of 81": (with_("features", "bot_user", "display_name", value="x" * 81), "at most 80 characters"),
    "a shortcut of 25": (with_(*SHORTCUT, "name", value="x" * 25), "at most 24 characters here, and this has 25"),
    "a shortcut that nobody answers": (with_(*SHORTCUT, "callback_id", value="audits"), "'my_audits' or 'safety_con"),
    "a shortcut on a message": (with_(*SHORTCUT, "type", value="message"), "type: this must be 'global'."),
    "a shortcut twice": (with_(*SHORTCUT, "callback_id", value="safety_concern"), "have the same callback_id"),
    "a name twice": (with_(*SHORTCUT, "name", value="Raise a safety concern"), "two shortcuts have the same name"),
    "a shortcut of 151": (with_(*SHORTCUT, "description", value="x" * 151), "at most 150 characters"),
    "no shortcuts": (with_("features", "shortcuts", value=[]), "features.shortcuts: there must be at least 1 here."),
    "a command without its slash": (with_(*SLASH, "command", value="qa"), "write a slash and at most 31 small letters"),
    "a command with a space": (with_(*SLASH, "command", value="/q a"), "write a slash and at most 31 small letters"),
    "a command of 33": (with_(*SLASH, "command", value="/" + "q" * 32), "write a slash and at most 31"),
    "a hint of nothing": (with_(*SLASH, "usage_hint", value=""), "usage_hint: this is empty"),
    "names turned into ids": (with_(*SLASH, "should_escape", value=True), "should_escape: this must be False."),
    "a command with an address of its own": (
        with_(*SLASH, "url", value=f"{PUBLIC}/qa/slack/events"),
        "must have one and the same url",
    ),
    "a command elsewhere": (with_(*SLASH, "url", value=f"{PUBLIC}/qa"), "web.public_url: the address that Slack is"),
    "a command without an address": (lambda made: made["features"]["slash_commands"][0].pop("url"), "one and the same"),
    "an address without https": (with_(*SLASH, "url", value="http://a.example.org/slack/events"), "begins with https"),
    "this computer": (with_(*SLASH, "url", value="https://localhost/slack/events"), "Without one, use Socket Mode."),
    "an address in Socket Mode": (
        with_("settings", "socket_mode_enabled", value=True),
        "with Socket Mode there is no address: take each url out.",
    ),
    "a scope too few": (
        lambda made: made["oauth_config"]["scopes"]["bot"].remove("im:write"),
        "the scope im:write is missing, and without it no chat with anybody can be opened.",
    ),
    "a scope too many": (
        lambda made: made["oauth_config"]["scopes"]["bot"].append("channels:history"),
        "auditloop has no use for the scope channels:history: take it out.",
    ),
    "a scope twice": (lambda made: made["oauth_config"]["scopes"]["bot"].append("commands"), "a scope is named twice"),
    "a right of people's own": (with_("oauth_config", "scopes", "user", value=["chat:write"]), "no such entry"),
    "an event that nobody answers": (with_(*BOT_EVENTS, 0, value="app_mention"), "bot_events[0]: this must be"),
    "an event twice": (with_(*BOT_EVENTS, 0, value="team_join"), "an event is named twice"),
    "no buttons": (with_("settings", "interactivity", "is_enabled", value=False), "is_enabled: this must be True."),
    "every workspace": (with_("settings", "org_deploy_enabled", value=True), "org_deploy_enabled: this must be False."),
    "a token that turns": (with_("settings", "token_rotation_enabled", value=True), "this must be False."),
    "an entry that isn't ours": (with_("functions", value={}), "functions: auditloop's manifest has no such entry"),
    "no settings": (lambda made: made.pop("settings"), "manifest.json, settings: this is missing."),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_manifest_is_named_with_what_to_do(fault: str) -> None:
    change, words = FAULTS[fault]
    made = deepcopy(manifest_of(settings()))
    change(made)
    assert words in "\n".join(faults(made))


def test_a_manifest_that_is_no_object_is_refused() -> None:
    assert faults([]) == ["manifest.json: this must be an object."]


HOSTS = st.from_regex(r"[a-z0-9.:_-]{1,30}", fullmatch=True) | st.sampled_from(["a.example.org", "127.0.0.1", "a..org"])


@given(host=HOSTS)
def test_an_address_that_is_taken_is_one_of_a_server_with_letters_in_the_last_part_of_its_name(host: str) -> None:
    made = manifest_of(settings())
    made["features"]["slash_commands"][0]["url"] = f"https://{host}/slack/events"
    made["settings"]["interactivity"]["request_url"] = f"https://{host}/slack/events"
    made["settings"]["event_subscriptions"]["request_url"] = f"https://{host}/slack/events"
    parts = host.partition(":")[0].split(".")
    if faults(made) == []:
        assert len(parts) > 1
        assert all(parts)
        assert not parts[-1].isdigit()
    else:
        assert host != "a.example.org"


# Settings that don't fit


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            settings("", **OVER_HTTP),
            "auditloop.toml, web.public_url: write the https address under which Slack reaches",
        ),
        (settings("http://127.0.0.1:3978"), "auditloop.toml, web.public_url: write an address that begins with https"),
        (settings("https://127.0.0.1"), "auditloop.toml, web.public_url: Slack needs the name of a server"),
        (settings("https://localhost"), "and this is localhost. Without one, use Socket Mode."),
    ],
)
def test_settings_that_make_no_app_are_named_once_and_nothing_is_written(wrong: Settings, said: str, out: Path) -> None:
    with pytest.raises(UserFault) as refused:
        write_manifest(wrong, out)
    first, *lines = str(refused.value).splitlines()
    assert first == "No manifest was written."
    assert [said in line for line in lines] == [True]
    assert list(out.parent.iterdir()) == []


def test_an_earlier_manifest_is_replaced_and_stays_as_it_was_if_the_new_one_has_a_fault(out: Path) -> None:
    write_manifest(settings(), out)
    before = out.read_bytes()
    with pytest.raises(UserFault):
        write_manifest(settings("https://localhost"), out)
    assert out.read_bytes() == before
    write_manifest(settings("", **BY_SOCKET), out)
    assert json.loads(out.read_bytes())["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize("content", ["The minutes of last week's meeting", '{"minutes": []}', "a: [", ""])
def test_a_file_that_is_no_manifest_is_never_written_over(content: str, out: Path) -> None:
    out.write_text(content)
    with pytest.raises(UserFault, match=r"is there already and is no app manifest. Give another name: auditloop man"):
        write_manifest(settings(), out)
    assert out.read_text() == content


def test_a_folder_or_another_ending_is_no_place_for_a_manifest(out: Path) -> None:
    with pytest.raises(UserFault) as refused:
        write_manifest(settings(), out.parent)
    assert str(refused.value).endswith(f"is a folder. Name a file in it: auditloop manifest slack {out}")
    with pytest.raises(UserFault, match=r"the name must end in \.json or \.yaml"):
        write_manifest(settings(), out.with_suffix(".txt"))
    with pytest.raises(UserFault, match="can't be written: No such file or directory"):
        write_manifest(settings(), out.parent / "elsewhere" / out.name)
    assert list(out.parent.iterdir()) == []


# What is said


def test_it_is_said_what_was_written_and_what_comes_next(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(settings(), out)
    first, asked, following = capsys.readouterr().out.splitlines()
    assert first == f"Wrote {out}: auditloop for Slack, at {EVENTS_URL}."
    assert asked == f"It asks for {', '.join(sorted(NEEDED))}. Checked by auditloop's own rules."
    assert following == "Next: create the app from it at https://api.slack.com/apps (docs/slack.md)."


def test_socket_mode_that_nobody_asked_for_is_explained(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(settings(""), out)
    first, why, *_ = capsys.readouterr().out.splitlines()
    assert first == f"Wrote {out}: auditloop for Slack, in Socket Mode."
    assert why.startswith("That is because auditloop.toml has no web.public_url.")
    write_manifest(settings(""), out, socket_mode=True)
    assert "That is because" not in capsys.readouterr().out


def test_the_command_writes_the_manifest_into_the_working_folder_or_prints_it(out: Path) -> None:
    folder = out.parent

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from bot.commands import run; run()", "manifest", "slack", *words],
            cwd=folder,
            env={key: value for key, value in os.environ.items() if not key.startswith(("AUDITLOOP_", "SLACK_"))}
            | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = typed()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Wrote auditloop-slack.json: auditloop for Slack, in Socket Mode.")
    assert faults(json.loads(out.read_bytes())) == []
    (folder / "auditloop.toml").write_text(f'[web]\npublic_url = "{PUBLIC}"\n')
    printed = typed("-")
    assert urls(json.loads(printed.stdout)) == [EVENTS_URL] * 3
    assert typed("--socket-mode", "own.yaml").returncode == 0
    assert yaml.safe_load((folder / "own.yaml").read_text())["settings"]["socket_mode_enabled"] is True
    refused = typed(".")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "No manifest was written.\n. is a folder. Name a file in it: auditloop manifest slack auditloop-slack.json\n"
    )
