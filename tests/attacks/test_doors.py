"""What anyone could send to the doors, by real HTTP: no answer is a 500, and nothing changes in the database.

Each request is proved by a good token or signature, so that it gets past the guard and into the reading of it. Longer:
AUDITLOOP_ATTACKS=20000 as the number of requests for each door.
"""

import asyncio
import gzip
import json
import logging
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from storage.store import Store
from storage.tables import Table
from tests.attacks.odd import TEXTS, WRITTEN, altered
from tests.bot.conftest import OpensDesk, month_gone_out, opens_desk
from tests.handlers.conftest import founded
from tests.slack.conftest import opens as opens_slack
from tests.slack.council import Opens as OpensSlack
from tests.slack.council import Story as SlackStory
from tests.slack.server import SIGNING_SECRET
from tests.slack.signing import FORM, JSON, signed
from tests.slack.story import at_once, refusals
from tests.teams.conftest import Opens as OpensTeams
from tests.teams.conftest import issuer, title_of
from tests.teams.conftest import opens as opens_teams
from tests.teams.test_conversations import booked, link_of

__all__ = ["at_once", "founded", "issuer", "month_gone_out", "opens_desk", "opens_slack", "opens_teams"]

REQUESTS = int(os.environ.get("AUDITLOOP_ATTACKS", "40"))
WHAT_MATTERS = (
    *("people", "cases", "cycles", "cycle_notices", "audits", "remedial_actions", "duties", "ledger", "chains"),
    *("themes", "secrets", "revisions"),
)
"""Tables in which nothing may change, whatever is sent by somebody who may do nothing."""

Sends = Callable[[bytes], Coroutine[Any, Any, int]]
Draws = st.SearchStrategy[bytes]


async def rows(store: Store) -> dict[str, list[Any]]:
    async with store.begin() as tx:
        return {
            name: sorted(map(str, await tx.session.execute(select(Table.metadata.tables[name]))))
            for name in WHAT_MATTERS
            if name in Table.metadata.tables
        }


@contextmanager
def nothing_broke(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that went wrong unforeseen was logged meanwhile; the server itself may complain of a torn request."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        yield
    broken = [
        f"{one.name}: {one.getMessage()}"
        for one in caplog.records
        if one.levelno >= logging.ERROR and one.name != "aiohttp.server"
    ]
    assert broken == []


async def attacked(sends: Sends, bodies: Draws, *, requests: int = REQUESTS) -> None:
    """Send so many drawn requests. The drawing runs beside the loop, so that the server answers meanwhile."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=requests, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(bodies)
    def attack(body: bytes) -> None:
        status = asyncio.run_coroutine_threadsafe(sends(body), loop).result(30)
        assert 200 <= status < 500, (status, body[:2000])

    await asyncio.to_thread(attack)


def written(*payloads: Any) -> Draws:
    """One of these payloads, altered and written down rightly, or as it is and written down wrongly."""
    told = st.sampled_from(payloads).flatmap(altered).map(json.dumps)
    wrongly = st.builds(lambda payload, write: write(payload), st.sampled_from(payloads), st.sampled_from(WRITTEN))
    return st.one_of(told, told, told, told, wrongly).map(lambda text: text.encode("utf-8", "surrogatepass"))


async def alive(address: str) -> bool:
    async with aiohttp.ClientSession() as client, client.get(f"{address}/healthz") as answer:
        return answer.status == 200 and bool((await answer.json())["alive"])


async def test_whatever_stands_in_an_activity_of_teams_it_breaks_nothing(
    opens_teams: OpensTeams, caplog: pytest.LogCaptureFixture
) -> None:
    async with opens_teams() as story, aiohttp.ClientSession() as client:
        await story.everyone_came()
        judy, teams = story.person("Judy"), story.teams
        token = teams.issuer.header(teams.expected)
        action = {"type": "Action.Execute", "verb": "submit"}
        data = {"subject": "1", "card_id": "x", "grade": "good", "rationale": "So it is.", "safety": "no"}
        channel = teams.channel("Quality", list(story.people.values()))
        payloads = [
            judy.saying("mine"),
            judy.saying("Tues 2pm"),
            judy.pressing(action, data, "5"),
            judy.pressing(action | {"verb": "accept"}, {"subject": "2", "which": "1"}, "5"),
            judy.pressing(action | {"verb": "refresh"}, {"card_id": "x"}, "5", "automatic"),
            judy.submitting(data | {"verb": "sign_off", "subject": "1:1"}, "5"),
            judy.mentioning("status", channel),
            judy.activity("conversationUpdate", membersAdded=[{"id": judy.mri}]),
            judy.activity("installationUpdate", action="add"),
        ]

        async def sends(body: bytes) -> int:
            headers = {"Authorization": token, "Content-Type": "application/json"}
            async with client.post(teams.bot_url, data=body, headers=headers) as answer:
                text = await answer.text()
                assert "Traceback" not in text
                return answer.status

        before = await rows(story.store)
        with nothing_broke(caplog):
            await attacked(sends, written(*payloads))
            await story.program.beat()
        assert await rows(story.store) == before
        assert await alive(teams.bot_url.removesuffix("/api/messages"))


async def besieged(
    opens: OpensSlack, caplog: pytest.LogCaptureFixture, of: Callable[[SlackStory], Draws], content_type: str
) -> None:
    numbers = count()
    async with opens() as story, aiohttp.ClientSession() as client:
        await story.everyone_told()

        async def sends(body: bytes) -> int:
            # Another second each time: what is drawn twice must not pass for a replay.
            stamp = int(story.clock.now().timestamp()) + next(numbers) % 500 - 250
            headers = signed(SIGNING_SECRET, stamp, body) | {"Content-Type": content_type}
            async with client.post(story.slack.bot_url, data=body, headers=headers) as answer:
                assert "Traceback" not in await answer.text()
                return answer.status

        before = await rows(story.store)
        with nothing_broke(caplog):
            await attacked(sends, of(story))
            await story.settled()
        assert await rows(story.store) == before
        assert await alive(story.address)
        # What made-up ids and triggers lead to at Slack's end is no fault of auditloop's.
        story.slack.look()
        story.slack.faults.clear()


def as_payload(text: bytes) -> bytes:
    return b"payload=" + urlencode({"": text}).removeprefix("=").encode()


async def test_whatever_stands_in_an_event_of_slack_it_breaks_nothing(
    opens_slack: OpensSlack, caplog: pytest.LogCaptureFixture
) -> None:
    await besieged(opens_slack, caplog, lambda story: written(*events(story)), JSON)


async def test_whatever_stands_in_a_press_or_a_form_of_slack_it_breaks_nothing(
    opens_slack: OpensSlack, caplog: pytest.LogCaptureFixture
) -> None:
    await besieged(opens_slack, caplog, lambda story: written(*interactions(story)).map(as_payload), FORM)


async def test_whatever_stands_in_a_slash_command_it_breaks_nothing(
    opens_slack: OpensSlack, caplog: pytest.LogCaptureFixture
) -> None:
    await besieged(opens_slack, caplog, commands, FORM)


def events(story: SlackStory) -> list[dict[str, Any]]:
    judy, wrapped = story.people["Judy"], story.slack.events.wrapped
    said = {"type": "message", "channel_type": "im", "user": judy.id, "channel": judy.dm.id, "ts": "1.0"}
    return [
        wrapped(said | {"text": "mine"}),
        wrapped(said | {"text": "<@U1|x> Tues 2pm", "subtype": "file_share", "thread_ts": "1.0"}),
        wrapped({"type": "app_home_opened", "user": judy.id, "tab": "home", "channel": judy.dm.id}),
        wrapped({"type": "user_change", "user": judy.profile(with_email=True)}),
        wrapped({"type": "team_join", "user": judy.profile(with_email=True)}),
    ]


def interactions(story: SlackStory) -> list[dict[str, Any]]:
    judy, workspace = story.people["Judy"], story.slack.workspace
    about = {
        "user": {"id": judy.id, "team_id": workspace.team_id},
        "team": {"id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "trigger_id": "1.2.3",
        "response_url": f"{story.slack.url}/response/none",
    }
    place = {
        "container": {"type": "message", "message_ts": "1.1", "channel_id": judy.dm.id},
        "channel": {"id": judy.dm.id},
        "message": {"ts": "1.1"},
    }
    kept = {"verb": "accept", "subject": "1", "card_id": "x"}
    pressed = {"type": "button", "action_id": "press-1", "action_ts": "1.1", "value": json.dumps(kept)}
    origin = {"channel": judy.dm.id, "ts": "1.1", "thread": "", "response_url": "", "only_theirs": False}
    view = {
        "id": "V1",
        "hash": "h",
        "type": "modal",
        "callback_id": "form",
        "private_metadata": json.dumps(kept | {"origin": origin, "step": 1, "shown": "", "tick": ""}),
        "blocks": [],
        "state": {
            "values": {"input/grade": {"grade": {"type": "static_select", "selected_option": {"value": "good"}}}}
        },
    }
    return [
        about | place | {"type": "block_actions", "actions": [pressed]},
        about | place | {"type": "block_actions", "actions": [pressed | {"action_id": "form-1"}]},
        about | {"type": "block_actions", "view": view, "actions": [pressed | {"action_id": "back"}]},
        about | {"type": "view_submission", "view": view},
        about | {"type": "view_closed", "view": view},
        about | {"type": "shortcut", "callback_id": "my_audits"},
        about | {"type": "shortcut", "callback_id": "raise_concern"},
    ]


def commands(story: SlackStory) -> Draws:
    judy, workspace = story.people["Judy"], story.slack.workspace
    fields = {
        "command": "/qa",
        "user_id": judy.id,
        "team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "channel_id": judy.dm.id,
        "text": "status",
        "trigger_id": "1.2.3",
        "response_url": f"{story.slack.url}/response/none",
    }
    begins = st.sampled_from(["", "", "case ", "who ", "reassign "])
    other = st.dictionaries(st.sampled_from(sorted(fields)), st.builds(str.__add__, begins, TEXTS), max_size=2)
    return other.map(lambda changed: urlencode(fields | changed, errors="surrogatepass").encode())


async def test_whatever_a_form_of_the_desk_says_it_breaks_nothing(
    opens_desk: OpensDesk, caplog: pytest.LogCaptureFixture
) -> None:
    async with opens_desk() as desk, aiohttp.ClientSession() as client:
        nobody = (await desk.holder("practice_development_team")).id
        paths = [f"/people/{nobody}/press", f"/people/{nobody}/say", "/clock", "/people/999999999999999999/press"]
        headers = {"Content-Type": FORM, "Origin": desk.address}

        async def sends(body: bytes) -> int:
            status = 0
            for path in paths:
                async with client.post(
                    desk.address + path, data=body, headers=headers, allow_redirects=False
                ) as answer:
                    assert "Traceback" not in await answer.text()
                    status = max(status, answer.status)
            return status

        names = st.sampled_from(["press", "event_id", "text", "example", "which", "grade", "to", "back", "when"])
        press = st.sampled_from(["accept|1", "submit|1", "submit|\ud800", "sign_off|1:1", "|", "say|1"])
        event = st.one_of(TEXTS, st.builds(lambda: str(uuid4())))
        form = st.builds(
            lambda p, e, more: {"press": p, "event_id": e} | more, press, event, st.dictionaries(names, TEXTS)
        )
        forms = form.map(lambda fields: urlencode(fields, errors="surrogatepass").encode())
        before = await rows(desk.program.store)
        with nothing_broke(caplog):
            await attacked(sends, st.one_of(forms, forms, st.binary(max_size=2000)), requests=REQUESTS // 2)
        assert await rows(desk.program.store) == before


async def asked(address: str, request: bytes) -> tuple[int, bytes]:
    """The status and all that came for a request as it is, written byte by byte; 400 where the server hangs up."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        said = await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        said = b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    status = said.split(b" ", 2)[1:2]
    return (int(status[0]) if status and status[0].isdigit() else 400), said


def getting(paths: st.SearchStrategy[str]) -> Draws:
    """Requests for these paths, with odd headers that somebody who watches or fetches a file could send."""
    names = st.sampled_from(["Accept", "Accept", "Accept", "Authorization", "Host", "Range", "X-Forwarded-For"])
    values = st.one_of(
        TEXTS.filter(lambda text: len(text) < 1_000),
        st.sampled_from(["application/openmetrics-text", "text/plain", "Bearer", "*/*"]).flatmap(
            lambda begins: st.one_of(TEXTS, st.sampled_from(["1.0.0", "9.9", "0", "1.x"])).map(
                lambda end: f"{begins};version={end[:500]};escaping={end[:9]}"
            )
        ),
    )
    methods = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"])
    headers = st.dictionaries(names, values, max_size=3).map(
        lambda drawn: "".join(
            f"{name}: {value}\r\n".replace("\n", " ").replace("\r ", "\r\n") for name, value in drawn.items()
        )
    )
    return st.builds(
        lambda method, path, more: (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{more}\r\n".encode(
                "utf-8", "surrogatepass"
            )
        ),
        methods,
        paths,
        headers,
    )


async def test_whatever_is_asked_of_a_calendar_link_or_by_whoever_watches_it_breaks_nothing(
    opens_teams: OpensTeams, caplog: pytest.LogCaptureFixture
) -> None:
    async with opens_teams() as story:
        await story.everyone_came()
        await booked(story)
        address = story.teams.bot_url.removesuffix("/api/messages")
        link = urlsplit(await link_of(story, "Carol")).path
        cut = st.builds(lambda at, text: link[:at] + text + link[at + 1 :], st.integers(0, len(link)), TEXTS)
        # No space, or the request would be one for another address.
        others = st.one_of(cut, TEXTS.map(lambda text: f"/calendar/{text}")).map(
            lambda path: "".join(path.split())[:6_000]
        )
        watched = st.builds(
            lambda path, text: path + "".join(text.split())[:6_000],
            st.sampled_from(["/readyz", "/metrics", "/healthz", "/about", "/readyz?", "/metrics?name[]="]),
            st.one_of(st.just(""), TEXTS),
        )

        async def sends(request: bytes) -> int:
            status, said = await asked(address, request)
            assert b"Traceback" not in said
            if request.split(b" ")[1] != link.encode():
                assert b"BEGIN:VCALENDAR" not in said
            return status

        before = await rows(story.store)
        with nothing_broke(caplog):
            await attacked(
                sends, getting(st.one_of(st.just(link), others, others, watched, watched)), requests=REQUESTS * 2
            )
        assert await rows(story.store) == before
        assert await alive(address)


# ---- what such requests have found


@pytest.mark.parametrize("version", ["x", "1.x", "1.", "²", "9" * 5_000])
async def test_figures_are_given_in_the_ordinary_form_where_another_is_asked_for_that_is_none(
    opens_teams: OpensTeams, version: str
) -> None:
    async with opens_teams() as story, aiohttp.ClientSession() as client:
        url = story.teams.bot_url.replace("/api/messages", "/metrics")
        for kind in ("text/plain", "application/openmetrics-text"):
            async with client.get(url, headers={"Accept": f"{kind};version={version}"}) as answer:
                assert answer.status == 200
                assert "auditloop_tick_age_seconds" in await answer.text()


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "event_callback", "event": None, "event_id": "Ev1"},
        {"type": "event_callback", "event": 0, "event_id": "Ev1"},
        {"type": "block_actions", "actions": {"value": []}, "trigger_id": "1.2.3"},
        {"type": "view_submission", "view": {"id": "V1", "callback_id": "form", "state": {"values": {}}}},
    ],
)
async def test_what_the_library_stumbles_over_is_refused_and_counted(
    opens_slack: OpensSlack, payload: dict[str, Any]
) -> None:
    async with opens_slack() as story:
        workspace = story.slack.workspace
        about = {"team_id": workspace.team_id, "api_app_id": workspace.app_id, "user": {"id": "U1"}}
        about["team"] = {"id": workspace.team_id}
        body = json.dumps(about | payload)
        headers = signed(SIGNING_SECRET, int(story.clock.now().timestamp()), body) | {"Content-Type": JSON}
        status, _ = await story.slack.out.post(body, headers)
        assert status == 400
        assert (await refusals(story))["unreadable"] == 1
        story.slack.look()


async def test_half_a_character_is_read_as_one_that_is_unknown(
    opens_teams: OpensTeams, opens_slack: OpensSlack, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that cuts a text in the middle of an emoji sends one; no database can keep it."""
    with nothing_broke(caplog):
        async with opens_teams() as teams:
            await teams.everyone_came()
            teams.look()
            grace = teams.person("Grace")
            assert (await grace.says("case \ud83d")).status == 200
            (card,) = await teams.answered("Grace")
            assert title_of(card) == "There is no case “\ufffd”"
            assert (await grace.forged("accept", {"subject": "1\udc00", "card_id": "\ud800"})).status == 200
        async with opens_slack() as slack:
            gil = slack.people["Gil"]
            said = {"type": "message", "channel_type": "im", "user": gil.id, "channel": gil.dm.id, "ts": "1.0"}
            reply = await slack.slack.events.tell(said | {"text": "case \ud83d"})
            assert reply.status == 200
            await slack.shows("Gil", "There is no case “\ufffd”")
            await slack.settled()
            slack.slack.look()


async def test_requests_that_no_client_makes_leave_the_door_open_for_others(
    opens_teams: OpensTeams, caplog: pytest.LogCaptureFixture
) -> None:
    async with opens_teams() as story:
        url = story.teams.bot_url
        address = url.removesuffix("/api/messages")
        packed = gzip.compress(b" " * (50 << 20))
        as_json = {"Content-Type": "application/json"}
        odd: list[tuple[bytes, dict[str, str]]] = [
            (packed, as_json | {"Content-Encoding": "gzip"}),
            (b"no gzip", as_json | {"Content-Encoding": "gzip"}),
            (b"{}", {"Content-Type": "application/json; charset=martian"}),
            (b"{}", {"Content-Type": "multipart/form-data"}),
            (b"[" * 100_000, as_json),
            (b'"' + b"x" * (600 << 10) + b'"', as_json),
            (b"{}", as_json | {"Authorization": "Bearer " + "x" * 7_000}),
        ]
        with nothing_broke(caplog):
            for body, headers in odd:
                try:
                    async with (
                        aiohttp.ClientSession() as client,
                        client.post(url, data=body, headers=headers) as answer,
                    ):
                        assert 400 <= answer.status < 500, (answer.status, headers)
                except aiohttp.ServerDisconnectedError:
                    # The server hangs up on what isn't packed as it says.
                    assert body == b"no gzip"
            parts = urlsplit(url)
            assert parts.hostname
            assert parts.port
            half_open = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(100)]
            for _, writer in half_open:
                writer.write(b"POST /api/messages HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n{")
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n")
            with suppress(ConnectionError):
                said = await asyncio.wait_for(reader.readline(), 20)
                assert said == b"" or b" 400 " in said, said
            assert await alive(address)
            for _, one in [*half_open, (reader, writer)]:
                one.close()
                with suppress(ConnectionError):
                    await asyncio.wait_for(one.wait_closed(), 20)
