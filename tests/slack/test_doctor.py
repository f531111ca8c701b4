"""What `auditloop doctor` says of Slack, and that nothing of Slack's libraries is loaded without it."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import Settings, SettingsError, SlackSettings, WebSettings, read_settings
from bot.slack.checking import examine_slack
from tests.slack import trouble as wrong
from tests.slack.access import LEAST_SCOPES
from tests.slack.council import Opens, Story
from tests.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, TEAM_ID

PUBLIC = "https://auditloop.example.gov.uk"
ROOT = Path(__file__).parents[2]
SIGNED_IN = ("Well", f"Slack: signed in to Example Council, workspace {TEAM_ID}.")
SCOPED = ("Well", "Slack: the token has all 7 scopes.")
ALL_THERE = ("Well", "Slack: all 14 people can be written to.")


async def findings(
    story: Story, *, public_url: str = PUBLIC, host: str = "127.0.0.1", **options: object
) -> list[tuple[str, str]]:
    values = {
        "bot_token": SecretStr(BOT_TOKEN),
        "signing_secret": SecretStr(SIGNING_SECRET),
        "api_url": story.slack.api_url,
    } | options
    slack = SlackSettings.model_validate(values)
    found = Settings(web=WebSettings(public_url=public_url, host=host), slack=slack)
    return await examine_slack(found, slack, story.store)


async def test_everything_is_well_over_http_and_in_socket_mode(story: Story) -> None:
    assert await findings(story) == [
        SIGNED_IN,
        SCOPED,
        ("Well", f"Slack: its request address is {PUBLIC}/slack/events."),
        ALL_THERE,
    ]
    assert await findings(story, app_token=SecretStr(APP_TOKEN), public_url="") == [
        SIGNED_IN,
        SCOPED,
        ("Well", "Slack: Socket Mode is open to this app; no address in the internet is needed."),
        ALL_THERE,
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("token_revoked", "was revoked: install the app anew"),
        ("account_inactive", "account in this workspace is deactivated"),
        ("not_allowed_token_type", "the bot's begins with xoxb-"),
    ],
)
async def test_a_token_that_slack_does_not_take_is_said_with_what_to_do(story: Story, code: str, words: str) -> None:
    story.slack.token.error = code
    ((kind, said),) = await findings(story)
    assert kind == "To mend"
    assert said.startswith(f"Slack: no sign-in. Slack answered {code}. ")
    assert words in said


async def test_a_wrong_token_is_never_repeated(story: Story) -> None:
    ((kind, said),) = await findings(story, bot_token=SecretStr("xoxb-wrong-one"))
    assert (kind, "xoxb-wrong-one" in said) == ("To mend", False)
    assert "copy it once more" in said


async def test_a_slack_that_cannot_be_reached_is_said(story: Story) -> None:
    ((kind, said),) = await findings(story, api_url="http://127.0.0.1:1/api/")
    assert (kind, said) == (
        "To mend",
        "Slack: no sign-in. Slack can't be reached. Is http://127.0.0.1:1/api/ reached from here?",
    )


async def test_a_token_of_another_workspace_or_app_is_said(story: Story) -> None:
    ((kind, said),) = await findings(story, team_id="T0OTHER")
    assert (kind, said[:44]) == ("To mend", "Slack: slack.team_id is T0OTHER, but slack.b")
    ((kind, said),) = await findings(story, app_id="A0OTHER")
    assert (kind, said[:43]) == ("To mend", "Slack: slack.app_id is A0OTHER, but slack.b")


async def test_missing_scopes_are_named_with_what_is_lost(opens: Opens) -> None:
    async with opens(scopes=(LEAST_SCOPES - {"files:write", "users:read.email"}) | {"channels:history"}) as story:
        said = [words for kind, words in await findings(story) if kind == "To mend"]
    assert (
        "lacks 2 scopes: files:write (calendar files and charts can't be sent) and users:read.email (nobody can be "
        "matched by their e-mail address)." in said[0]
    )


async def test_more_scopes_than_needed_are_named(opens: Opens) -> None:
    async with opens(scopes=LEAST_SCOPES | {"channels:history"}) as story:
        assert ("To know", "Slack: the token may do more than is needed: channels:history.") in await findings(story)


@pytest.mark.parametrize(
    ("code", "words"),
    [("missing_scope", "needs the scope connections:write"), ("invalid_auth", "copy it once more")],
)
async def test_an_apps_token_that_opens_no_line_is_said(story: Story, code: str, words: str) -> None:
    story.slack.trouble.add(wrong.refuses(code), "apps.connections.open", times=None)
    said = [words for kind, words in await findings(story, app_token=SecretStr(APP_TOKEN)) if kind == "To mend"]
    assert len(said) == 1
    assert words in said[0]


async def test_without_a_public_address_and_on_every_interface_that_is_said(story: Story) -> None:
    said = dict(await findings(story, public_url=""))
    assert "web.public_url is not set, so Slack can't post here" in said["To mend"]
    said = dict(await findings(story, host="0.0.0.0"))
    assert "listens on 0.0.0.0 without encryption" in said["To know"]


async def test_who_has_no_account_is_a_guest_or_was_deactivated_is_named(story: Story) -> None:
    story.slack.workspace.accounts.remove(story.people["Mia"])
    story.people["Bob"].restricted = True
    story.people["Carol"].deleted = True
    said = [words for kind, words in await findings(story) if kind == "To mend"]
    assert said == [
        "Slack: 1 person without an account in Slack under their e-mail address: Mia Merlin.",
        "Slack: 1 person whose account is deactivated: Carol Crane.",
        "Slack: 1 person with a guest's account, to which auditloop doesn't write: Bob Bittern.",
    ]


async def test_a_check_sends_nothing_and_keeps_nothing(opens: Opens) -> None:
    async with opens() as story:
        await findings(story)
        assert not story.slack.sent("chat.postMessage", "conversations.open")
        assert await story.contact("Alice") is None


async def test_a_directory_that_cannot_be_read_is_said(story: Story) -> None:
    story.slack.trouble.add(wrong.UNAVAILABLE, "users.list", times=None)
    assert ("To mend", "Slack: who has an account can't be read. Slack answered status 503.") in await findings(story)


# ---- settings


def settings_of(folder: Path, text: str, **environment: str) -> Settings:
    (folder / "auditloop.toml").write_text(text, "utf-8")
    return read_settings(folder, environment)


def test_tokens_come_from_the_environment_and_the_desk_is_closed(tmp_path: Path) -> None:
    found = settings_of(tmp_path, "", AUDITLOOP_SLACK_BOT_TOKEN=BOT_TOKEN, AUDITLOOP_SLACK_APP_TOKEN=APP_TOKEN)
    assert found.slack is not None
    assert (found.slack.socket_mode, found.desk_open) == (True, False)
    assert BOT_TOKEN not in repr(found)
    assert settings_of(tmp_path, "desk = true", AUDITLOOP_SLACK_BOT_TOKEN=BOT_TOKEN, AUDITLOOP_SLACK_SIGNING_SECRET="s")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[slack]", "missing: bot_token and app_token (for Socket Mode) or signing_secret"),
        ('[slack]\nbot_token = "xoxb-1"', "missing: app_token (for Socket Mode) or signing_secret"),
        ('[slack]\nbot_token = "xoxp-1"\nsigning_secret = "s"', "bot_token must be the token that begins with xoxb-"),
        ('[slack]\nbot_token = "xoxb-1"\napp_token = "xoxb-1"', "app_token must be the token that begins with xapp-"),
        (
            '[slack]\nbot_token = "xoxb-1"\nsigning_secret = "s"\napi_url = "http://slack.com/api/"',
            "api_url must begin",
        ),
        (
            '[slack]\nbot_token = "xoxb-1"\nsecret = "s"',
            "there is no such setting. There are: bot_token, signing_secret",
        ),
        ('[slack]\nbot_token = "xoxb-1"\nsigning_secret = "s"\nsends_a_second = 0', "slack.sends_a_second"),
    ],
)
def test_a_wrong_setting_is_said_with_what_to_write(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as fault:
        settings_of(tmp_path, text)
    assert words in str(fault.value)
    assert "xoxp-1" not in str(fault.value)


# ---- what is loaded


def test_without_slack_nothing_of_its_libraries_is_loaded() -> None:
    loads = "bot.running, bot.web, bot.doctor, bot.commands, bot.doors, bot.settings"
    program = f"import sys, {loads}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert not {name for name in loaded if name.startswith(("slack_bolt", "slack_sdk.web", "slack_sdk.socket_mode"))}
    assert "matplotlib" not in loaded


def test_without_the_libraries_serving_and_checking_say_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "auditloop.toml").write_text(f'[slack]\nbot_token = "{BOT_TOKEN}"\nsigning_secret = "s"\n', "utf-8")
    program = (
        "import sys; import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'slack_bolt' else find(name, *rest)\n"
        f"sys.path.insert(0, {str(ROOT)!r}); from bot.commands import run; run()"
    )

    def done(*command: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-c", program, *command]
        return subprocess.run(whole, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    served = done("serve")
    assert (served.returncode, served.stderr) == (1, "The libraries for Slack are not installed. Run: make platforms\n")
    assert "To mend: Slack: its libraries are not installed. Run: make platforms" in done("doctor").stdout
