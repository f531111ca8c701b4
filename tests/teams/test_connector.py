"""The test's own Teams is honest: it takes what Microsoft takes, refuses what Microsoft refuses, and fails as told."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt
import msal
import pytest
from aiohttp import web

from tests.teams import trouble as wrong
from tests.teams.chats import CARD
from tests.teams.connector import APP_ID, TENANT_ID, Connector
from tests.teams.forms import CannotBeDone
from tests.teams.people import Person
from tests.teams.rates import APP, READS, SENDS
from tests.teams.tokens import (
    BAD_TOKENS,
    BOT_FRAMEWORK,
    GOOD_TOKENS,
    SKEW_SECONDS,
    Expected,
    Header,
    Issuer,
    signing_key,
)
from tests.teams.trouble import Kind, Mishap

GRADE_CARD = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [
        {"type": "TextBlock", "text": "Grade"},
        {"type": "Input.Text", "id": "why", "label": "Why", "value": "so far", "maxLength": 10},
        {
            "type": "Container",
            "items": [
                {
                    "type": "Input.ChoiceSet",
                    "id": "grade",
                    "isRequired": True,
                    "errorMessage": "Please choose a grade",
                    "choices": [{"title": "Good", "value": "good"}, {"title": "Inadequate", "value": "inadequate"}],
                },
                {"type": "Input.Date", "id": "due", "min": "2026-04-01", "max": "2026-04-30"},
                {"type": "Input.Toggle", "id": "safe", "title": "Safe"},
                {"type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": "https://a.uk"}]},
            ],
        },
    ],
    "actions": [
        {
            "type": "Action.Execute",
            "title": "Send",
            "verb": "submit",
            "data": {"subject": "7", "card_id": "c"},
            "fallback": {"type": "Action.Submit", "title": "Send", "data": {"subject": "7", "verb": "submit"}},
        },
        {"type": "Action.Execute", "title": "Later", "verb": "later", "associatedInputs": "none", "data": {}},
    ],
    "refresh": {"action": {"type": "Action.Execute", "verb": "look", "data": {"subject": "7"}}, "userIds": []},
}
TEXT = {"type": "message", "text": "Hello"}


class MovedSeconds:
    """A clock in seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> MovedSeconds:
    return MovedSeconds()


@pytest.fixture
async def connector(clock: MovedSeconds) -> AsyncIterator[Connector]:
    async with Connector(clock=clock) as opened:
        yield opened


class Bot:
    """A bot's way of calling: a token from the login, and JSON to the Connector."""

    def __init__(self, connector: Connector) -> None:
        self.connector, self.token = connector, ""

    async def logs_in(self, **changes: str) -> tuple[int, dict[str, Any]]:
        asked = {
            "grant_type": "client_credentials",
            "client_id": APP_ID,
            "client_secret": self.connector.login.secret,
            "scope": f"{BOT_FRAMEWORK}/.default",
            "tenant": TENANT_ID,
            **changes,
        }
        url = f"{self.connector.url}/{asked.pop('tenant')}/oauth2/v2.0/token"
        async with self.connector.client.post(url, data=asked) as answer:
            return answer.status, await answer.json()

    async def calls(self, method: str, path: str = "", body: Any = None, **options: Any) -> tuple[int, Any]:
        if not self.token:
            _, given = await self.logs_in()
            self.token = given["access_token"]
        status, _, found = await self.asks(method, path, body, **options)
        return status, found

    async def asks(self, method: str, path: str = "", body: Any = None, **options: Any) -> tuple[int, Any, Any]:
        url = f"{self.connector.service_url}v3/conversations{path}"
        options.setdefault("headers", {"Authorization": f"Bearer {self.token}"})
        async with self.connector.client.request(method, url, json=body, **options) as answer:
            return answer.status, answer.headers, await answer.json()

    async def sends(self, person: Person, body: Any = None) -> tuple[int, Any]:
        return await self.calls("POST", f"/{quote(person.chat.id, safe='')}/activities", body or TEXT)


@pytest.fixture
def bot(connector: Connector) -> Bot:
    return Bot(connector)


def _code(found: Any) -> str:
    return str(found["error"]["code"])


def _creation(person: Person, **changes: Any) -> dict[str, Any]:
    tenant = {"tenant": {"id": TENANT_ID}}
    return {"bot": {"id": f"28:{APP_ID}"}, "members": [{"id": person.mri}], "channelData": tenant, **changes}


def _card(**changes: Any) -> dict[str, Any]:
    return {"type": "message", "attachments": [{"contentType": CARD, "content": GRADE_CARD | changes}]}


async def _fetch(connector: Connector, url: str) -> Any:
    async with connector.client.get(url) as answer:
        return await answer.json()


def _lets_in(header: str | None, keys: dict[str, Any], issuer: Issuer, expected: Expected) -> bool:
    """The rules for a token from Teams, as Microsoft states them."""
    scheme, _, token = (header or "").partition(" ")
    try:
        named = {key["kid"]: key for key in keys["keys"]}[jwt.get_unverified_header(token).get("kid")]
        claims = jwt.decode(
            token,
            jwt.PyJWK(named, "RS256"),
            algorithms=["RS256"],
            audience=expected.app_id,
            issuer=issuer.address,
            leeway=SKEW_SECONDS,
            options={"require": ["exp", "nbf", "iss", "aud"]},
        )
    except (jwt.PyJWTError, KeyError):
        return False
    endorsed = "msteams" in named["endorsements"]
    return scheme == "Bearer" and endorsed and claims.get("serviceurl") == expected.service_url


@pytest.mark.parametrize("header", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_every_bad_token_is_bad(header: Header, connector: Connector) -> None:
    keys = await _fetch(connector, f"{connector.url}/openid/keys")
    made = header(connector.issuer, connector.expected)
    assert not _lets_in(made, keys, connector.issuer, connector.expected)


@pytest.mark.parametrize("header", GOOD_TOKENS.values(), ids=GOOD_TOKENS)
async def test_every_good_token_is_good(header: Header, connector: Connector) -> None:
    keys = await _fetch(connector, f"{connector.url}/openid/keys")
    made = header(connector.issuer, connector.expected)
    assert _lets_in(made, keys, connector.issuer, connector.expected)


async def test_the_keys_are_found_from_the_openid_document_and_every_fetch_is_counted(connector: Connector) -> None:
    document = await _fetch(connector, connector.keys_url)
    assert document["issuer"] == BOT_FRAMEWORK
    keys = await _fetch(connector, document["jwks_uri"])
    assert keys["keys"][0]["endorsements"] == ["msteams"]
    await _fetch(connector, document["jwks_uri"])
    assert (connector.openid.configurations, connector.openid.keys) == (1, 2)


async def test_a_new_key_takes_the_place_of_the_old_one(connector: Connector) -> None:
    old = connector.issuer.header(connector.expected)
    connector.issuer.rotate()
    keys = await _fetch(connector, f"{connector.url}/openid/keys")
    assert not _lets_in(old, keys, connector.issuer, connector.expected)
    assert _lets_in(connector.issuer.header(connector.expected), keys, connector.issuer, connector.expected)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"client_secret": "guessed"}, 401, 7000215),
        ({"client_id": "another"}, 400, 700016),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, 1002012),
        ({"tenant": "another"}, 400, 90002),
        ({"grant_type": "password"}, 400, 70003),
    ],
)
async def test_the_login_refuses_as_microsoft_does(
    changes: dict[str, str], status: int, code: int, bot: Bot, connector: Connector
) -> None:
    got, found = await bot.logs_in(**changes)
    assert (got, found["error_codes"]) == (status, [code])
    assert f"AADSTS{code}" in found["error_description"]
    assert connector.login.denied == [code]


@pytest.mark.parametrize("form", ["secret", "certificate", "certificate and thumbprint"])
async def test_microsofts_own_library_gets_a_token_with_a_secret_or_a_certificate(
    form: str, connector: Connector, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(connector.ca_file))
    pem = connector.login.register_certificate()
    credential: Any = connector.login.secret
    if form != "secret":
        credential = {"private_key": pem, "public_certificate": pem[pem.index("-----BEGIN CERTIFICATE") :]}
    if form == "certificate and thumbprint":
        credential["thumbprint"] = connector.login.thumbprint

    def ask() -> dict[str, Any]:
        authority = f"{connector.login_url}/{TENANT_ID}"
        app = msal.ConfidentialClientApplication(
            APP_ID, client_credential=credential, authority=authority, instance_discovery=False
        )
        given: dict[str, Any] = app.acquire_token_for_client([f"{BOT_FRAMEWORK}/.default"])
        app.http_client.close()
        return given

    given = await asyncio.to_thread(ask)
    bot.token = given["access_token"]
    assert (await bot.sends(connector.person("Marek Nowak")))[0] == 201


async def test_an_assertion_is_good_once_and_by_the_registered_certificate_only(connector: Connector, bot: Bot) -> None:
    url = f"{connector.url}/{TENANT_ID}/oauth2/v2.0/token"

    async def asserts(number: int, key: Any, thumbprint: str) -> int:
        claims = {"iss": APP_ID, "sub": APP_ID, "aud": url, "exp": time.time() + 60, "jti": str(number)}
        named = base64.urlsafe_b64encode(bytes.fromhex(thumbprint)).decode()
        signed = jwt.encode(claims, key, algorithm="RS256", headers={"x5t": named})
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return (await bot.logs_in(client_assertion_type=kind, client_assertion=signed))[0]

    right = signing_key("certificate")
    assert await asserts(0, right, "00" * 20) == 401
    connector.login.register_certificate()
    thumbprint = connector.login.thumbprint
    assert await asserts(1, connector.issuer.key, thumbprint) == 401
    assert await asserts(2, right, "00" * 20) == 401
    assert [await asserts(3, right, thumbprint) for _ in range(2)] == [200, 401]
    assert connector.login.denied == [700027] * 4


async def test_only_a_token_that_was_given_and_has_not_run_out_lets_in(
    connector: Connector, bot: Bot, clock: MovedSeconds
) -> None:
    marek = connector.person("Marek Nowak")
    bot.token = "made up"
    assert (await bot.sends(marek))[0] == 401
    bot.token = ""
    assert (await bot.sends(marek))[0] == 201
    clock.now += connector.login.life
    assert (await bot.sends(marek))[0] == 401
    bot.token = ""
    assert (await bot.sends(marek))[0] == 201
    connector.login.revoke()
    assert (await bot.sends(marek))[0] == 401
    assert len(connector.chat_of(marek).now()) == 2


async def test_the_same_person_gets_the_same_chat(connector: Connector, bot: Bot) -> None:
    marek, ana = connector.person("Marek Nowak"), connector.person("Ana Silva")
    status, first = await bot.calls("POST", body=_creation(marek))
    _, by_object_id = await bot.calls("POST", body=_creation(marek, members=[{"id": marek.aad_object_id}]))
    _, other = await bot.calls("POST", body=_creation(ana, activity=TEXT))
    assert status == 201
    assert first["id"] == by_object_id["id"] == marek.chat.id != other["id"]
    assert [message.id for message in ana.chat.now()] == [other["activityId"]]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"members": []}, 400),
        ({"members": [{"id": "29:nobody"}]}, 400),
        ({"isGroup": True}, 400),
        ({"channelData": {"tenant": {"id": "another"}}}, 400),
        ({"channelData": {}}, 400),
        ({"channelData": {}, "tenantId": TENANT_ID}, 201),
    ],
)
async def test_a_chat_begins_with_one_person_of_the_tenant(
    changes: dict[str, Any], status: int, connector: Connector, bot: Bot
) -> None:
    marek = connector.person("Marek Nowak")
    assert (await bot.calls("POST", body=_creation(marek, **changes)))[0] == status


async def test_whoever_has_not_installed_the_app_is_not_reached(connector: Connector, bot: Bot) -> None:
    stranger = connector.person("Sam Green", installed=False)
    status, found = await bot.calls("POST", body=_creation(stranger))
    assert (status, _code(found)) == (403, "BadArgument")
    status, found = await bot.sends(stranger)
    assert (status, _code(found)) == (403, "BotNotInConversationRoster")


async def test_whoever_has_blocked_or_removed_the_bot_is_not_reached(connector: Connector, bot: Bot) -> None:
    blocker, leaver, ghost = (connector.person(name) for name in ("Bea Block", "Lee Leaver", "Gail Ghost"))
    blocker.blocks()
    leaver.installed = ghost.installed = False
    ghost.still_answers = True
    refused = {person.name: await bot.sends(person) for person in (blocker, leaver, ghost)}
    assert (refused["Bea Block"][0], _code(refused["Bea Block"][1])) == (403, "MessageWritesBlocked")
    assert (refused["Lee Leaver"][0], _code(refused["Lee Leaver"][1])) == (403, "BotNotInConversationRoster")
    assert refused["Gail Ghost"][0] == 201


async def test_a_chat_keeps_its_messages_in_order_with_all_that_they_have_been(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    path = f"/{quote(marek.chat.id, safe='')}/activities"
    _, first = await bot.calls("POST", path, TEXT)
    _, second = await bot.calls("POST", f"{path}/1700000000000", _card())
    _, third = await bot.calls("POST", path, {"type": "message", "text": "Third"})
    assert (await bot.calls("POST", path, {"type": "typing"}))[0] == 201
    status, changed = await bot.calls("PUT", f"{path}/{second['id']}", _card(body=[]))
    assert (status, changed) == (200, {"id": second["id"]})
    assert (await bot.calls("DELETE", f"{path}/{first['id']}"))[0] == 200
    chat = connector.chat_of(marek)
    assert [message.id for message in chat.now()] == [second["id"], third["id"]]
    assert [message.history for message in chat.messages] == [["sent", "deleted"], ["sent", "updated"], ["sent"]]
    assert (chat.cards(), chat.texts(), chat.typing) == ([GRADE_CARD | {"body": []}], ["Third"], 1)
    assert chat.messages[1].reply_to == "1700000000000"
    assert [call.kind for call in connector.sent(Kind.UPDATE, Kind.DELETE)] == [Kind.UPDATE, Kind.DELETE]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_is_not_there_cannot_be_changed(method: str, connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    path = f"/{quote(marek.chat.id, safe='')}/activities"
    _, sent = await bot.calls("POST", path, TEXT)
    await bot.calls("DELETE", f"{path}/{sent['id']}")
    for activity in (sent["id"], "42"):
        status, found = await bot.calls(method, f"{path}/{activity}", TEXT if method == "PUT" else None)
        assert (status, _code(found)) == (404, "ActivityNotFoundInConversation")
    status, found = await bot.calls(method, "/a%3Anobody/activities/42", TEXT if method == "PUT" else None)
    assert (status, _code(found)) == (404, "ConversationNotFound")


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {"text": "no type"},
        {"type": "trace", "text": "x"},
        {"type": "message"},
        {"type": "message", "attachments": [{"content": {}}]},
        {"type": "message", "attachments": [{"contentType": CARD, "content": {"type": "Card"}}]},
    ],
)
async def test_a_malformed_activity_is_refused(body: Any, connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    path = f"/{quote(marek.chat.id, safe='')}/activities"
    status, found = await bot.calls("POST", path, body)
    assert (status, list(found["error"])) == (400, ["code", "message"])
    assert marek.chat.messages == []


async def test_a_message_may_weigh_a_hundred_kilobytes_in_utf16(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    around = len('{"type":"message","text":""}')
    fits, too_big = ({"type": "message", "text": "a" * (51_200 - around + more)} for more in (0, 1))
    assert (await bot.sends(marek, fits))[0] == 201
    status, found = await bot.sends(marek, too_big)
    assert (status, _code(found)) == (413, "MessageSizeTooBig")
    assert len(marek.chat.now()) == 1


async def test_the_roster_of_a_channel_comes_in_pages(connector: Connector, bot: Bot) -> None:
    people = [connector.person(f"Person {number}") for number in range(120)]
    channel = connector.channel("Quality", people)
    path = f"/{quote(channel.id, safe='')}/pagedmembers"
    names: list[str] = []
    token: dict[str, str] = {}
    for expected in (50, 50, 20):
        status, page = await bot.calls("GET", path, params={"pageSize": "50", **token})
        assert (status, len(page["members"])) == (200, expected)
        names += [member["name"] for member in page["members"]]
        token = {"continuationToken": page["continuationToken"]} if "continuationToken" in page else {}
    assert (names, token) == ([person.name for person in people], {})
    status, page = await bot.calls("GET", path, params={"pageSize": "2"})
    assert len(page["members"]) == 50
    assert (await bot.calls("GET", path, params={"continuationToken": "made up"}))[0] == 400


async def test_the_roster_of_a_chat_has_the_persons_address(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    path = f"/{quote(marek.chat.id, safe='')}/members"
    status, members = await bot.calls("GET", path)
    assert (status, [member["email"] for member in members]) == (200, ["marek.nowak@example.gov.uk"])
    for member_id in (marek.mri, marek.aad_object_id):
        assert await bot.calls("GET", f"{path}/{quote(member_id, safe='')}") == (200, members[0])
    status, found = await bot.calls("GET", f"{path}/29%3Anobody")
    assert (status, _code(found)) == (404, "MemberNotFoundInConversation")


@pytest.mark.parametrize("prefix", ["", "amer/", "uk/", f"emea/{TENANT_ID}/"])
async def test_a_call_is_taken_under_any_prefix_of_teams(prefix: str, connector: Connector, bot: Bot) -> None:
    connector.person("Marek Nowak")
    await bot.logs_in()
    async with connector.client.get(f"{connector.url}/{prefix}v3/conversations/a%3Anobody/members") as answer:
        assert answer.status == 401


@pytest.mark.parametrize(("most", "seconds"), SENDS)
async def test_a_thread_takes_only_so_many_messages_in_so_many_seconds(
    most: int, seconds: float, connector: Connector, clock: MovedSeconds
) -> None:
    for number in range(most):
        clock.now = 1000 + number * seconds / most
        assert connector.rates.ask("a:1", Kind.SEND) == 0
    clock.now = 1000 + seconds - 0.001
    assert connector.rates.ask("a:1", Kind.SEND) > 0
    assert connector.rates.ask("a:2", Kind.SEND) == 0
    assert connector.rates.ask("a:1", Kind.MEMBERS) == 0
    clock.now = 1000 + seconds
    assert connector.rates.ask("a:1", Kind.UPDATE) == 0
    assert [(breach.thread, breach.most, breach.seconds) for breach in connector.breaches] == [("a:1", most, seconds)]


@pytest.mark.parametrize(("most", "seconds"), READS)
async def test_a_roster_is_read_only_so_often(
    most: int, seconds: float, connector: Connector, clock: MovedSeconds
) -> None:
    for number in range(most):
        clock.now = 1000 + number * seconds / most
        assert connector.rates.ask("a:1", Kind.MEMBER) == 0
    clock.now = 1000 + seconds - 0.001
    assert connector.rates.ask("a:1", Kind.PAGED_MEMBERS) > 0


async def test_an_app_makes_at_most_fifty_calls_a_second(connector: Connector, clock: MovedSeconds) -> None:
    [(most, seconds)] = APP
    assert [connector.rates.ask(f"a:{number}", Kind.SEND) for number in range(most)] == [0] * most
    assert connector.rates.ask("a:1000", Kind.SEND) == seconds
    assert [breach.thread for breach in connector.breaches] == [None]
    assert connector.rates.busiest(None, "app", 1) == most
    clock.now += seconds
    assert connector.rates.ask("a:1000", Kind.SEND) == 0


async def test_a_call_too_soon_is_throttled_and_counted_where_rates_are_enforced(
    connector: Connector, bot: Bot, clock: MovedSeconds
) -> None:
    marek = connector.person("Marek Nowak")
    assert [(await bot.sends(marek))[0] for _ in range(8)] == [201] * 8
    assert connector.breaches == []
    clock.now += 60
    connector.enforces_rates = True
    assert [(await bot.sends(marek))[0] for _ in range(8)] == [201] * 7 + [429]
    status, headers, found = await bot.asks("POST", f"/{quote(marek.chat.id, safe='')}/activities", TEXT)
    assert (status, headers["Retry-After"], _code(found)) == (429, "1", "Throttled")
    assert len(connector.breaches) == 2
    clock.now += 1
    assert (await bot.sends(marek))[0] == 201
    assert len(marek.chat.now()) == 16


@pytest.mark.parametrize(
    ("mishap", "status", "code"),
    [
        (wrong.BLOCKED, 403, "MessageWritesBlocked"),
        (wrong.NOT_IN_ROSTER, 403, "BotNotInConversationRoster"),
        (wrong.NOT_FOUND, 404, "ConversationNotFound"),
        (wrong.AT_ODDS, 412, "PreconditionFailed"),
        (wrong.throttles(), 429, "Throttled"),
        (wrong.FAILS, 500, "ServiceError"),
        (wrong.BAD_GATEWAY, 502, "ServiceError"),
        (wrong.UNAVAILABLE, 503, "ServiceError"),
        (wrong.TIMED_OUT, 504, "ServiceError"),
        (wrong.UNAUTHORISED, 401, "Unauthorized"),
    ],
)
async def test_a_call_fails_as_ordered_and_once(
    mishap: Mishap, status: int, code: str, connector: Connector, bot: Bot
) -> None:
    marek = connector.person("Marek Nowak")
    order = connector.trouble.add(mishap, kind=Kind.SEND)
    got, found = await bot.sends(marek)
    assert (got, _code(found), order.met, marek.chat.now()) == (status, code, 1, [])
    assert (await bot.sends(marek))[0] == 201
    assert [call.status for call in connector.sent(Kind.SEND)] == [status, 201]


async def test_retry_after_comes_in_seconds_or_as_a_date_or_not_at_all(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    for said in (30, datetime(2026, 4, 2, 9, 0, tzinfo=UTC), None):
        connector.trouble.add(wrong.throttles(said), kind=Kind.SEND)
    await bot.calls("GET", f"/{quote(marek.chat.id, safe='')}/members")
    path = f"/{quote(marek.chat.id, safe='')}/activities"
    told = [(await bot.asks("POST", path, TEXT))[1].get("Retry-After") for _ in range(3)]
    assert told == ["30", "Thu, 02 Apr 2026 09:00:00 GMT", None]


async def test_trouble_meets_only_what_it_was_ordered_for(connector: Connector, bot: Bot) -> None:
    marek, ana = connector.person("Marek Nowak"), connector.person("Ana Silva")
    always = connector.trouble.add(wrong.FAILS, person=marek, times=None)
    assert [(await bot.sends(marek))[0] for _ in range(3)] == [500] * 3
    assert (await bot.sends(ana))[0] == 201
    always.stop()
    connector.trouble.add(wrong.FAILS, kind=Kind.SEND, skips=2, times=2)
    assert [(await bot.sends(marek))[0] for _ in range(5)] == [201, 201, 500, 500, 201]
    connector.trouble.add(wrong.FAILS, when=lambda call: "attachments" in (call.body or {}))
    connector.trouble.add(wrong.UNAVAILABLE, method="GET")
    assert (await bot.sends(marek))[0] == 201
    assert (await bot.sends(marek, _card()))[0] == 500
    assert (await bot.calls("GET", f"/{quote(marek.chat.id, safe='')}/members"))[0] == 503


@pytest.mark.parametrize(("mishap", "kept"), [(wrong.DROPS, 0), (wrong.DROPS_AFTER_TAKING, 1)])
async def test_a_connection_is_dropped_before_or_after_the_message_was_taken(
    mishap: Mishap, kept: int, connector: Connector, bot: Bot
) -> None:
    marek = connector.person("Marek Nowak")
    connector.trouble.add(mishap, kind=Kind.SEND)
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.sends(marek)
    assert (len(marek.chat.now()), connector.sent(Kind.SEND)[0].status) == (kept, None)


@pytest.mark.parametrize(("mishap", "kept"), [(wrong.HANGS, 0), (wrong.HANGS_AFTER_TAKING, 1)])
async def test_a_call_hangs_until_it_is_let_go(mishap: Mishap, kept: int, connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    order = connector.trouble.add(mishap, kind=Kind.SEND)
    hanging = asyncio.create_task(bot.sends(marek))
    await connector.until(lambda: order.holding)
    assert not hanging.done()
    assert (await bot.sends(marek))[0] == 201
    order.release()
    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging
    assert (len(marek.chat.now()), order.holding) == (kept + 1, 0)


async def test_what_still_hangs_is_let_go_at_the_end() -> None:
    async with aiohttp.ClientSession() as session:
        async with Connector() as connector:
            order = connector.trouble.add(wrong.HANGS, kind=Kind.TOKEN)
            url = f"{connector.url}/{TENANT_ID}/oauth2/v2.0/token"
            hanging = asyncio.create_task(session.post(url, data={}))
            await connector.until(lambda: order.holding)
        with pytest.raises(aiohttp.ClientConnectionError):
            await hanging


@pytest.mark.parametrize(
    ("mishap", "text"), [(wrong.EMPTY, ""), (wrong.GARBAGE, "<html>Service temporarily away</html>")]
)
async def test_an_answer_says_nothing_or_nonsense_though_the_message_was_taken(
    mishap: Mishap, text: str, connector: Connector, bot: Bot
) -> None:
    marek = connector.person("Marek Nowak")
    _, given = await bot.logs_in()
    connector.trouble.add(mishap, kind=Kind.SEND)
    url = f"{connector.service_url}v3/conversations/{quote(marek.chat.id, safe='')}/activities"
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    async with connector.client.post(url, json=TEXT, headers=headers) as answer:
        assert answer.status == 200
        assert await answer.text() == text
    assert len(marek.chat.now()) == 1


async def test_a_slow_answer_is_late_and_right(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    connector.trouble.add(wrong.slow(0.05), kind=Kind.SEND)
    started = asyncio.get_running_loop().time()
    assert (await bot.sends(marek))[0] == 201
    assert asyncio.get_running_loop().time() - started >= 0.05


@asynccontextmanager
async def _listening(connector: Connector, answer: Callable[[Any], Any]) -> AsyncIterator[list[tuple[Any, Any]]]:
    """A bot that keeps what it hears, with its header, and answers as told."""
    heard: list[tuple[Any, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append((await request.json(), request.headers.get("Authorization")))
        return web.json_response(answer(heard[-1][0]))

    app = web.Application()
    app.router.add_post("/api/messages", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        connector.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
        yield heard
    finally:
        await runner.cleanup()


async def test_a_press_is_told_as_teams_tells_it_and_the_client_shows_the_new_card(
    connector: Connector, bot: Bot
) -> None:
    marek = connector.person("Marek Nowak")
    await bot.sends(marek, _card())
    done = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Done"}]}
    async with _listening(connector, lambda _: {"statusCode": 200, "type": CARD, "value": done}) as heard:
        reply = await marek.presses(None, "submit", grade="Good", why="clear")
    assert (reply.status, reply.card, marek.sees(), marek.chat.cards()) == (200, done, [done], [GRADE_CARD])
    path = f"/{quote(marek.chat.id, safe='')}/activities/{marek.chat.now()[0].id}"
    await bot.calls("PUT", path, _card(body=[]))
    assert marek.sees() == marek.chat.cards() == [GRADE_CARD | {"body": []}]
    [(activity, header)] = heard
    assert header.startswith("Bearer ")
    assert activity["value"] == {
        "action": {
            "type": "Action.Execute",
            "title": "Send",
            "verb": "submit",
            "data": {"subject": "7", "card_id": "c", "why": "clear", "grade": "good", "safe": "false"},
        },
        "trigger": "manual",
    }
    assert (activity["type"], activity["name"]) == ("invoke", "adaptiveCard/action")
    assert activity["replyToId"] == marek.chat.now()[0].id
    assert activity["from"] == {"id": marek.mri, "name": "Marek Nowak", "aadObjectId": marek.aad_object_id}
    assert activity["recipient"]["id"] == f"28:{APP_ID}"
    assert activity["conversation"] == {"conversationType": "personal", "tenantId": TENANT_ID, "id": marek.chat.id}
    assert activity["channelData"]["tenant"] == {"id": TENANT_ID}
    assert activity["channelData"]["source"] == {"name": "message"}
    assert (activity["channelId"], activity["serviceUrl"]) == ("msteams", connector.service_url)


async def test_a_client_sends_only_what_the_card_offers(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    await bot.sends(marek, _card())
    async with _listening(connector, lambda _: {}) as heard:
        for wanted, typed in (
            ("refuse", {}),
            ("submit", {}),
            ("submit", {"grade": "excellent"}),
            ("submit", {"grade": "good", "colour": "red"}),
            ("submit", {"grade": "good", "why": "far too long"}),
            ("submit", {"grade": "good", "due": "2026-05-01"}),
            ("submit", {"grade": "good", "due": "Friday"}),
            ("submit", {"grade": "good", "safe": "perhaps"}),
            ("later", {"grade": "good"}),
        ):
            with pytest.raises(CannotBeDone):
                await marek.presses(None, wanted, **typed)
        with pytest.raises(CannotBeDone):
            await marek.refreshes(marek.chat.now()[0])
        assert heard == []
        await marek.forged("refuse", {"grade": "excellent"}, reply_to="42", authorization="Bearer made up")
        await marek.presses(None, "Later")
    assert heard[0][0]["value"]["action"]["data"] == {"grade": "excellent"}
    assert heard[0][1] == "Bearer made up"
    assert heard[1][0]["value"]["action"]["data"] == {}


async def test_a_client_insists_on_a_required_toggle_being_on(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    agree = {"type": "Input.Toggle", "id": "agree", "title": "I agree", "isRequired": True}
    await bot.sends(marek, _card(body=[agree]))
    async with _listening(connector, lambda _: {}) as heard:
        with pytest.raises(CannotBeDone):
            await marek.presses(None, "submit")
        await marek.presses(None, "submit", agree="true")
    assert heard[0][0]["value"]["action"]["data"]["agree"] == "true"


async def test_an_older_client_submits_a_message_with_a_value(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    await bot.sends(marek, _card())
    async with _listening(connector, lambda _: {}) as heard:
        await marek.submits(None, "Send", grade="inadequate", why="")
        with pytest.raises(CannotBeDone):
            await marek.submits(None, "Later")
    activity = heard[0][0]
    assert (activity["type"], "text" in activity) == ("message", False)
    assert activity["value"] == {"subject": "7", "verb": "submit", "grade": "inadequate", "safe": "false"}


async def test_a_card_refreshes_itself_for_those_it_names(connector: Connector, bot: Bot) -> None:
    marek = connector.person("Marek Nowak")
    await bot.sends(marek, _card(refresh={**GRADE_CARD["refresh"], "userIds": [marek.mri]}))  # type: ignore[dict-item]
    async with _listening(connector, lambda _: {}) as heard:
        await marek.refreshes(marek.chat.now()[0])
    assert heard[0][0]["value"]["trigger"] == "automatic"
    assert heard[0][0]["value"]["action"]["verb"] == "look"


@pytest.mark.parametrize("at_once", [False, True])
async def test_adding_the_app_is_told_in_two_events_without_a_name(at_once: bool, connector: Connector) -> None:
    marek = connector.person("Marek Nowak", installed=False)
    async with _listening(connector, lambda _: {}) as heard:
        await marek.installs(at_once=at_once)
        await marek.uninstalls()
    events = [activity for activity, _ in heard]
    assert sorted(activity["type"] for activity in events[:2]) == ["conversationUpdate", "installationUpdate"]
    assert {activity.get("action") for activity in events} == {None, "add", "remove"}
    assert not any("name" in activity["from"] for activity in events)
    assert len({activity["id"] for activity in events}) == 4
    assert not marek.installed


async def test_a_mention_in_a_channel_begins_a_thread_that_the_bot_can_answer(connector: Connector, bot: Bot) -> None:
    marek, ana = connector.person("Marek Nowak"), connector.person("Ana Silva")
    channel = connector.channel("Quality", [marek, ana])
    async with _listening(connector, lambda _: {}) as heard:
        _, thread = await marek.mentions("status", channel=channel)
    activity = heard[0][0]
    assert activity["text"] == "<at>auditloop</at> status\n"
    assert activity["entities"][0]["mentioned"]["id"] == activity["recipient"]["id"]
    assert activity["conversation"]["conversationType"] == "channel"
    assert activity["channelData"]["team"] == {"id": channel.team_id}
    path = f"/{quote(activity['conversation']['id'], safe='')}/activities/{activity['id']}"
    assert (await bot.calls("POST", path, TEXT))[0] == 201
    assert thread.texts() == ["Hello"]
    assert marek.chat.now() == []
