"""What `auditloop doctor` says of Teams, and that nothing of botbuilder is loaded without it."""

import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings, TeamsCloud, TeamsSettings, WebSettings
from bot.teams.checking import examine_teams
from tests.teams.conftest import Opens, Story
from tests.teams.connector import APP_ID, LOOPBACK, TENANT_ID

PUBLIC = "https://auditloop.example.gov.uk"
ROOT = Path(__file__).parents[2]


def settings(story: Story, *, secret: str = "", public_url: str = PUBLIC, host: str = LOOPBACK) -> Settings:
    teams = story.teams
    cloud = TeamsCloud(login_url=teams.login_url, keys_url=teams.keys_url, issuer=teams.issuer.address)
    terms = TeamsSettings(
        app_id=APP_ID, tenant_id=TENANT_ID, secret=SecretStr(secret or teams.login.secret), cloud=cloud
    )
    return Settings(web=WebSettings(public_url=public_url, host=host), teams=terms)


async def findings(story: Story, found: Settings) -> list[tuple[str, str]]:
    assert found.teams is not None
    return await examine_teams(found, found.teams, story.store)


async def test_everything_is_well(story: Story) -> None:
    assert await findings(story, settings(story)) == [
        ("Well", f"Teams: signed in as app {APP_ID} in tenant {TENANT_ID}, with a secret."),
        ("Well", f"Teams: the messaging endpoint is {PUBLIC}/api/messages."),
        ("Well", "Teams: all 14 people can be written to."),
    ]


async def test_a_wrong_secret_is_said_in_microsofts_words(story: Story) -> None:
    (kind, words), *_ = await findings(story, settings(story, secret="not-the-secret"))
    assert kind == "To mend"
    assert words.startswith("Teams: no sign-in. AADSTS7000215")
    assert "not-the-secret" not in words


async def test_a_login_that_is_not_there_is_said(story: Story) -> None:
    found = settings(story)
    assert found.teams is not None
    cloud = found.teams.cloud.model_copy(update={"login_url": "https://127.0.0.1:1"})
    (kind, words), *_ = await findings(
        story, found.model_copy(update={"teams": found.teams.model_copy(update={"cloud": cloud})})
    )
    assert kind == "To mend"
    assert "https://127.0.0.1:1 gave no token" in words


async def test_without_a_public_address_and_on_every_interface_that_is_said(story: Story) -> None:
    said = dict(await findings(story, settings(story, public_url="")))
    assert "web.public_url is not set" in said["To mend"]
    said = dict(await findings(story, settings(story, host="0.0.0.0")))
    assert "listens on 0.0.0.0 without encryption" in said["To know"]


async def test_who_never_came_and_who_went_is_named(opens: Opens) -> None:
    async with opens() as story:
        await story.everyone_came("Alice", "Mia")
        await story.person("Carol").uninstalls()
        said = [words for kind, words in await findings(story, settings(story)) if kind != "Well"]
    assert said == [
        "Teams: 2 people not reachable yet, until they open auditloop in Teams: Alice Avocet and Mia Merlin.",
        "Teams: Carol Crane can't be written to: they have taken auditloop out of their Teams.",
    ]


def test_without_teams_nothing_of_botbuilder_is_loaded() -> None:
    loads = "bot.running, bot.web, bot.doctor, bot.commands, bot.email.postman"
    program = f"import sys, {loads}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"botbuilder", "botframework", "msrest", "msal"} & set(done.stdout.split()) == set()
