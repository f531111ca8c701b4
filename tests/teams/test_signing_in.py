"""Who may speak to `/api/messages` at all: Microsoft Teams, for this app, in this council's tenant."""

import io
from collections import Counter
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.settings import TeamsCloud, TeamsSettings
from bot.teams.connection import NoSignIn
from bot.teams.framework import BotFramework
from scheduling.clock import SystemClock
from tests.teams import trouble as wrong
from tests.teams.conftest import Opens, Story
from tests.teams.connector import APP_ID, LOOPBACK, TENANT_ID, Connector
from tests.teams.tokens import BAD_TOKENS, GOOD_TOKENS
from tests.teams.trouble import Kind


async def refused(story: Story) -> dict[str, int]:
    """What was refused so far, as whoever watches over auditloop sees it."""
    address = story.teams.bot_url.removesuffix("/api/messages")
    async with aiohttp.ClientSession() as watch, watch.get(f"{address}/healthz") as answer:
        found: dict[str, int] = (await answer.json())["refused"]
        return found


async def test_a_bad_token_gets_401_and_changes_nothing(story: Story) -> None:
    carol = story.person("Carol")
    message = await story.asked("Carol", "accept")
    asked = carol.pressing({"type": "Action.Execute", "verb": "accept"}, {"subject": "1"}, message.id)
    for number, (name, header) in enumerate(BAD_TOKENS.items(), start=1):
        reply = await carol.posts(asked, header(story.teams.issuer, story.teams.expected))
        assert reply.status == 401, name
        assert message.history == ["sent"], name
        assert await refused(story) == {"token": number}, name
    assert (await carol.posts(asked)).card is not None, "with a good token it would have been answered"


async def test_a_token_within_five_minutes_is_good(story: Story) -> None:
    for name, header in GOOD_TOKENS.items():
        token = header(story.teams.issuer, story.teams.expected)
        assert (await story.person("Carol").says("mine", authorization=token)).status == 200, name


UNLIKE_ITS_TOKEN: tuple[tuple[dict[str, Any], str], ...] = (
    ({"channelData": {"tenant": {"id": "another"}}}, "tenant"),
    ({"channelData": {}}, "tenant"),
    ({"channelData": None}, "tenant"),
    ({"channelId": "webchat"}, "channel"),
    ({"channelId": None}, "channel"),
    ({"serviceUrl": "https://example.org/teams/"}, "service"),
    ({"serviceUrl": "http://127.0.0.1.example.org/"}, "service"),
    ({"serviceUrl": "https://user@127.0.0.1/"}, "service"),
    ({"serviceUrl": "https://127.0.0.1/other/"}, "token"),
    ({"serviceUrl": ""}, "service"),
    ({"serviceUrl": None}, "service"),
    ({"serviceUrl": 7}, "service"),
)


async def test_an_activity_that_says_something_else_than_its_token_gets_401(story: Story) -> None:
    carol = story.person("Carol")
    sends = story.sends("Carol")
    counted: Counter[str] = Counter()
    for changes, reason in UNLIKE_ITS_TOKEN:
        reply = await carol.posts(carol.saying("mine") | changes)
        counted[reason] += 1
        assert reply.status == 401, changes
        assert await refused(story) == counted, changes
    await story.program.beat()
    assert story.sends("Carol") == sends


async def test_a_conversation_of_another_tenant_gets_401(story: Story) -> None:
    carol = story.person("Carol")
    activity = carol.saying("mine")
    activity["conversation"]["tenantId"] = "another"
    assert (await carol.posts(activity)).status == 401


async def test_somebody_of_another_tenant_gets_401(story: Story) -> None:
    eve = story.teams.person("Carol Crane", "carol@example.org", tenant_id="another")
    assert (await eve.says("mine")).status == 401


async def test_keys_that_were_changed_are_read_again(story: Story) -> None:
    await story.person("Carol").says("mine")
    story.teams.issuer.rotate()
    try:
        assert (await story.person("Carol").says("mine")).status == 401
        await story.until("2026-01-05T09:06")
        assert (await story.person("Carol").says("mine")).status == 200
        assert story.teams.openid.keys == 2
    finally:
        story.teams.issuer.rotate()


async def test_forged_keys_do_not_have_the_keys_read_again_and_again(story: Story) -> None:
    await story.person("Carol").says("mine")
    for _ in range(5):
        forged = BAD_TOKENS["an unknown key id"](story.teams.issuer, story.teams.expected)
        assert (await story.person("Carol").says("mine", authorization=forged)).status == 401
    assert story.teams.openid.keys == 1


async def test_while_the_keys_cannot_be_read_teams_is_asked_to_come_again(opens: Opens) -> None:
    async with opens() as story:
        await story.everyone_came()
        order = story.teams.trouble.add(wrong.UNAVAILABLE, kind=Kind.CONFIGURATION, times=None)
        assert (await story.person("Carol").says("mine")).status == 503
        order.stop()
        assert (await story.person("Carol").says("mine")).status == 200


async def test_without_a_registration_only_this_computer_is_answered(opens: Opens) -> None:
    async with opens(app_id="", tenant_id="", secret=SecretStr(""), anonymous=True) as story:
        await story.everyone_came()
        carol = story.person("Carol")
        assert (await carol.says("mine", authorization=None)).status == 200
        for header in ("X-Forwarded-For", "Forwarded"):
            async with story.teams.client.post(
                story.teams.bot_url, json=carol.saying("mine"), headers={header: "for=192.0.2.1"}
            ) as answer:
                assert answer.status == 401
        elsewhere = carol.saying("mine") | {"serviceUrl": "https://smba.trafficmanager.net/emea/"}
        assert (await carol.posts(elsewhere, None)).status == 401


async def test_what_is_no_activity_gets_400(story: Story) -> None:
    bodies = (b"", b"{", b"[]", b"7", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000)
    for number, body in enumerate(bodies, start=1):
        async with story.teams.client.post(
            story.teams.bot_url, data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            assert answer.status == 400, body[:10]
        assert await refused(story) == {"unreadable": number}, body[:10]


async def test_a_form_or_a_text_gets_400(story: Story) -> None:
    async with story.teams.client.post(story.teams.bot_url, data={"type": "message"}) as answer:
        assert answer.status == 400


async def test_more_than_teams_ever_sends_gets_413(story: Story) -> None:
    body = io.BytesIO(b'{"text": "' + b"x" * 1_000_000 + b'"}')
    async with story.teams.client.post(
        story.teams.bot_url, data=body, headers={"Content-Type": "application/json"}
    ) as answer:
        assert answer.status == 413


# ---- auditloop's own sign-in


def settings(teams: Connector, **options: Any) -> TeamsSettings:
    cloud = TeamsCloud(
        login_url=teams.login_url, keys_url=teams.keys_url, issuer=teams.issuer.address, service_hosts=(LOOPBACK,)
    )
    return TeamsSettings(app_id=APP_ID, tenant_id=TENANT_ID, cloud=cloud, **options)


async def test_a_wrong_secret_is_said_in_microsofts_words_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Connector() as teams:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(teams.ca_file))
        framework = BotFramework(settings(teams, secret=SecretStr("not-the-secret")), SystemClock())
        try:
            with pytest.raises(NoSignIn, match="AADSTS7000215") as said:
                await framework.sign_in()
        finally:
            await framework.close()
    assert "not-the-secret" not in str(said.value)


async def test_a_certificate_signs_in_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    async with Connector() as teams:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(teams.ca_file))
        file = tmp_path / "auditloop.pem"
        file.write_text(teams.login.register_certificate())
        framework = BotFramework(settings(teams, certificate=file), SystemClock())
        try:
            await framework.sign_in()
        finally:
            await framework.close()
        assert len(teams.sent(Kind.TOKEN)) == 1


async def test_a_certificate_file_without_its_key_signs_nobody_in(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Connector() as teams:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(teams.ca_file))
        file = tmp_path / "auditloop.pem"
        file.write_text("-----BEGIN CERTIFICATE-----\n")
        framework = BotFramework(settings(teams, certificate=file), SystemClock())
        try:
            with pytest.raises(NoSignIn, match="gave no token: ValueError"):
                await framework.sign_in()
        finally:
            await framework.close()
        assert teams.sent(Kind.TOKEN) == []


async def test_a_token_that_teams_no_longer_takes_is_exchanged(story: Story) -> None:
    story.teams.login.revoke()
    await story.person("Carol").says("mine")
    await story.answered("Carol")
    assert len(story.teams.sent(Kind.TOKEN)) == 2
